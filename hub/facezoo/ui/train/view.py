"""The Train page's frame: what it is, the three steps, and where the parts go that change."""

from __future__ import annotations

from facezoo.media.read import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.safety.admission import STATEMENT
from facezoo.ui.common.markup import icon, text

__all__ = ["SIDES", "about", "end", "frame"]

SIDES = {"a": ("Whose pictures you will change", "Their head, hair and light stay."),
         "b": ("Whose face is put on", "Their face appears in A’s pictures.")}  # fmt: skip
"""Side -> its title and what becomes of it."""
_ACCEPT = ",".join([*PHOTO_SUFFIXES, *VIDEO_SUFFIXES])
_ROWS = (
    ("A", "a face of A"),
    ("A → A", "A, rebuilt"),
    ("A → B", "the swap"),
    ("B → B", "B, rebuilt"),
)
_MINUTES = ((10, "10 min"), (30, "30 min"), (120, "2 h"), (480, "8 h"))
_LOOK_FOR = (
    "First everything is a blur of the right colours.",
    "Then eyes and mouth get edges, and A → A looks like A.",
    "It is good when A → B looks like B, yet looks and smiles where A does.",
    "Stop when new pictures look like the last ones and the curve lies flat. More time changes little then.",
)


def about(offer: str) -> str:
    """The top of the page: what it is and why it works, the drawing. offer: the part with the one-click example."""
    return (
        '<section class="about train-about"><div class="claim"><h2>Train a swap of two people</h2>'
        '<p class="lede">One encoder learns expression and pose from both people, each person has a decoder that '
        "learns their looks: encode A, decode as B, and B does what A does. This is how FakeApp worked, the program "
        "that made deepfakes known in 2018.</p>"
        f'<div class="example-offer" data-part="example">{offer}</div></div>'
        f"{_drawing()}</section>"
    )


def frame(verdict: str) -> str:
    """Steps 1 and 2, and the head of step 3. Elements with data-part are filled from the server's answers. verdict: of
    no faces yet."""
    return (
        '<p class="visually-hidden" role="status" data-part="said"></p><div class="train-trouble" data-part="trouble">'
        '</div><ol class="train-steps">'
        f"{_step(1, 'Get faces', _gather(verdict))}{_step(2, 'Train', _train())}{_step(3, 'Create', '')}</ol>"
    )


def end() -> str:
    """Below everything: the way back to this project, and the way to be rid of it."""
    return '<div class="train-end" data-part="end"></div>'


def _step(number: int, title: str, body: str) -> str:
    inside = f'<div class="step-body" id="train-step-{number}">{body}</div>' if body else ""
    controls = f"train-step-{number}" if body else "train-create"
    return (
        f'<li class="train-step" data-step="{number}"><h3><button type="button" data-opens-step="{number}" '
        f'aria-expanded="false" aria-controls="{controls}"><span class="disc" aria-hidden="true"><b>{number}</b>'
        f'{icon("check")}</span><span class="step-title"><span class="visually-hidden">Step {number}: </span>{title}'
        f'</span><span class="step-line" data-part="line-{number}"></span></button></h3>{inside}</li>'
    )


def _gather(verdict: str) -> str:
    sides = "".join(_side(side, *words) for side, words in SIDES.items())
    return f'<div class="sides">{sides}</div><div class="step-foot" data-part="verdict">{verdict}</div>'


def _side(side: str, title: str, note: str) -> str:
    name = side.upper()
    return (
        f'<section class="side" data-side="{side}" aria-labelledby="train-{side}-title">'
        f'<header><span class="letter" aria-hidden="true">{name}</span><div>'
        f'<h4 id="train-{side}-title"><span class="visually-hidden">{name}: </span>{title}</h4>'
        f'<p class="hint">{note}</p></div></header>'
        f'<label class="own-consent"><input type="checkbox" data-consent="{side}">'
        f'<span>{text(STATEMENT)}</span></label><div class="drop"><div class="invitation">'
        "<strong>Drop photos, or a video</strong>"
        "<span>Many expressions and directions; one person. Up to 50 MB a file.</span>"
        f'<label class="button">Choose files<input type="file" class="visually-hidden" multiple accept="{_ACCEPT}" '
        f'data-files="{side}"><span class="visually-hidden"> for {name}</span></label></div></div>'
        f'<div class="doing" data-part="{side}-doing"></div><div class="found" data-part="{side}-count"></div>'
        f'<ul class="faces-found" data-part="{side}-faces" aria-label="Faces found for {name}"></ul>'
        f'<div class="more" data-part="{side}-more"></div></section>'
    )


def _train() -> str:
    times = "".join(
        f'<label class="chip"><input type="radio" name="train-minutes" value="{minutes}"'
        f"{' checked' if minutes == _MINUTES[0][0] else ''}><span>{words}</span></label>"
        for minutes, words in _MINUTES
    )
    rows = "".join(f"<li><b>{name}</b> <span>{words}</span></li>" for name, words in _ROWS)
    hints = "".join(f"<li>{words}</li>" for words in _LOOK_FOR)
    return (
        f'<fieldset class="planned"><legend>How long it may train</legend><div>{times}</div>'
        '<p class="hint">You can stop earlier, pause, and go on later. Closing the page does not stop it.</p>'
        "</fieldset>"
        '<div class="begin" data-part="begin"></div>'
        '<div class="at-work"><div class="watching"><figure class="preview">'
        f'<ol class="rows" aria-hidden="true">{rows}</ol><div class="grid" data-part="preview"></div>'
        '<figcaption class="hint" data-part="preview-line"></figcaption></figure></div>'
        '<div class="following"><div data-part="figures"></div><div class="actions" data-part="buttons"></div>'
        f'<div data-part="curve"></div></div><div class="look-for"><h4>What to look for</h4><ol>{hints}</ol>'
        '<p data-part="hint"></p></div></div>'
    )


def _drawing() -> str:
    """Encoder and decoders, with the two roads through them."""
    box = '<rect x="{x}" y="{y}" width="{w}" height="56" rx="8"/><text x="{tx}" y="{ty}">{words}</text>'
    boxes = "".join(
        box.format(x=x, y=y, w=w, tx=x + w / 2, ty=y + 33, words=words)
        for x, y, w, words in ((112, 72, 104, "Encoder"), (272, 16, 112, "Decoder A"), (272, 128, 112, "Decoder B"))
    )
    return (
        '<svg class="drawing" viewBox="0 0 480 200" role="img" aria-label="A face of A goes into the shared encoder. '
        'Decoder A rebuilds A from the code; decoder B makes B with the expression of A.">'
        f'<g class="boxes">{boxes}</g>'
        '<g class="ends"><circle cx="40" cy="100" r="28"/><text x="40" y="106">A</text>'
        '<circle cx="440" cy="44" r="28"/><text x="440" y="50">A</text></g>'
        '<g class="swap"><circle cx="440" cy="156" r="28"/><text x="440" y="162">B</text></g>'
        '<g class="roads"><path d="M68 100H108"/><path d="M216 92C244 92 240 44 268 44"/><path d="M384 44H408"/></g>'
        '<g class="roads taken"><path d="M216 108C244 108 240 156 268 156"/><path d="M384 156H408"/></g></svg>'
    )
