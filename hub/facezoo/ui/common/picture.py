"""The picture input: drop, paste, camera or a ready picture; the faces found in it, numbered and choosable."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.errors import BadInput
from facezoo.types import Face, Image, Persona
from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import NEVER_EXISTED, icon, text
from facezoo.ui.common.people import thumbnail
from facezoo.ui.jobs import Failure, explain
from facezoo.ui.theme import ASSETS
from facezoo.ui.workspace import file_url, new_folder, owned
from facezoo.zoo.embedded import Example, examples

__all__ = [
    "OWN",
    "Chosen",
    "chosen_face",
    "chosen_people",
    "first_example",
    "look",
    "markup",
    "picture_input",
    "resolve_upload",
    "turn",
]

OWN = "own"
"""The value that stands for "each face its own persona"."""
_MANY = 12  # faces: more would be a list too long to choose from
_PREVIEW_SIDE = 1280
_NO_FACE = Failure(
    "refused",
    "No face was found in this picture.",
    "Choose one where a face looks more or less towards you and is at least 64 pixels wide.",
)
_PICTURE = ("Drop a picture with a face", "Photo or painting: JPEG, PNG, WebP, AVIF, HEIC, GIF")
_ANY_PICTURE = ("Drop a picture", _PICTURE[1])
_turns = itertools.count(1)


@dataclass(frozen=True)
class Chosen:
    """The picture a visitor chose. path: its untouched bytes. preview: what the page shows of it. boxes: (left, top,
    width, height) of each face in percent of the picture, the largest first. looked: faces were searched for."""

    path: Path
    preview: Path
    caption: str
    kind: str = "photo"  # "animation", "video"; "motion" for a recorded motion, which has no preview
    example: str = ""
    needs_consent: bool = False
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    looked: bool = False


def first_example(id: str = "") -> Chosen | None:
    """The picture a page opens with: the example of this id, or the first one; not yet looked at for faces. None when
    no example is installed."""
    known = [each for each in examples() if each.id == id] or examples()
    return _from_example(known[0]) if known else None


def picture_input(
    prefix: str,
    *,
    suffixes: Sequence[str],
    chosen: Chosen | None,
    single: bool = False,
    whole: bool = False,
    invitation: tuple[str, str] = _PICTURE,
) -> gr.HTML:
    """The component. Its value is {"example": id} or {"upload": path}, with "face": number, "all" or OWN; then also
    "personas": {number: id, or "" to leave the face alone}.

    suffixes: file types offered. single, whole, invitation: as for `markup`. Events: picked; faced, another face is
    ticked."""
    accept = ",".join(suffixes)
    return gr.HTML(
        value={"example": chosen.example, "face": "1"} if chosen else {"face": "1"},
        markup=markup(prefix, chosen, accept=accept, single=single, whole=whole, invitation=invitation),
        html_template="${markup}",
        js_on_load=(ASSETS / "picture.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_classes=["picture-input"],
    )


def look(value: Mapping[str, Any] | None) -> tuple[Chosen | None, Failure | None]:
    """Resolves what the browser sent, reads and checks the picture, finds its faces. Never raises: a refusal or failure
    comes back in words, together with the picture where it may be shown."""
    from facezoo import runner

    chosen: Chosen | None = None
    try:
        path, known = _resolve(value or {})
        chosen = _from_example(known) if known else None
        seen = runner.inspect(path)
        height, width = seen.preview.shape[:2]
        return Chosen(
            path=path,
            preview=known.path if known else _write_preview(seen.preview),
            caption=chosen.caption if chosen else _size(seen.clip.kind, seen.clip.width, seen.clip.height),
            kind=seen.clip.kind,
            example=known.id if known else "",
            needs_consent=seen.needs_consent,
            boxes=tuple(_percent(face, width, height) for face in seen.faces),
            looked=True,
        ), None
    except Exception as error:
        return chosen, explain(error)


def chosen_face(value: Mapping[str, Any] | None) -> str:
    """The face number ("1", "2", ...), "all" or OWN that is ticked below the picture."""
    return str((value or {}).get("face", "1"))


def chosen_people(value: Mapping[str, Any] | None) -> dict[int, str]:
    """Face number -> persona id, for the faces that are not left alone."""
    given = (value or {}).get("personas") or {}
    return {int(number): str(id) for number, id in given.items() if id}


def markup(
    prefix: str,
    chosen: Chosen | None,
    *,
    accept: str,
    failure: Failure | None = None,
    legend: str = "",
    single: bool = False,
    own: Sequence[Persona] = (),
    whole: bool = False,
    invitation: tuple[str, str] = _PICTURE,
) -> str:
    """The whole input as HTML. `legend` names it for screen readers when there are two on a page. single: one face is
    brought to life, not all. own: the people to choose from when each of several faces becomes its own. whole: all of
    the picture is changed, faces are not looked for. invitation: what to drop, and which kinds."""
    if whole:
        chosen, invitation = chosen and replace(chosen, boxes=(), looked=False), _ANY_PICTURE
    state = "failed" if failure else "chosen" if chosen else "empty"
    shown = _canvas(prefix, chosen) if chosen and not failure else _invitation(invitation)
    problem = panel(failure) if failure else ""
    return (
        f'<section class="picker" data-state="{state}" data-turn="{turn()}" '
        f'aria-label="{text(legend or "Your picture")}">{problem}'
        f'<div class="canvas">{shown}<p class="busy" role="status"><span class="spinner"></span>Looking at it</p></div>'
        f"{_faces(prefix, chosen, single=single, own=own) if chosen and not failure else ''}"
        '<div class="actions"><label class="button">Choose a file'
        f'<input type="file" class="visually-hidden" accept="{text(accept)}"></label>'
        '<button type="button" class="button" data-act="camera">Use the camera</button></div>'
        '<div class="camera" hidden></div>'
        '<p class="hint">Or drop a file here, or paste one. Uploads stay on this server and are deleted '
        "after about an hour.</p></section>"
    )


def turn() -> int:
    """A number that makes each rendering differ from the last, so that the page always leaves its busy state."""
    return next(_turns)


def resolve_upload(value: Mapping[str, Any]) -> Path:
    """The uploaded file a component's value names. Raises BadInput when there is none of ours."""
    if value.get("problem"):
        raise BadInput("The file could not be uploaded.", "It may be larger than 50 MB. Choose a smaller one.")
    if upload := value.get("upload"):
        return owned(str(upload))
    raise BadInput("No picture is chosen yet.", "Drop one, paste one, or take one of the ready pictures.")


def _resolve(value: Mapping[str, Any]) -> tuple[Path, Example | None]:
    if name := value.get("example"):
        for each in examples():
            if each.id == name:
                return each.path, each
    return resolve_upload(value), None


def _from_example(example: Example) -> Chosen:
    by = f"{example.title}, {example.artist}" if example.artist else example.title
    caption = f"{example.title}. {NEVER_EXISTED}." if example.kind == "portrait" else by
    return Chosen(path=example.path, preview=example.path, caption=caption, example=example.id)


def _write_preview(image: Image) -> Path:
    """The visitor's own picture, decoded and checked, as a JPEG that any browser shows (HEIC would not)."""
    from PIL import Image as Pillow

    picture = Pillow.fromarray(image)
    picture.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    path = new_folder() / "preview.jpg"
    picture.save(path, quality=90)
    return path


def _size(kind: str, width: int, height: int) -> str:
    what = {"photo": "Photo", "animation": "Animation", "video": "Video"}[kind]
    return f"{what}, {width} × {height} px"


def _percent(face: Face, width: int, height: int) -> tuple[float, float, float, float]:
    left, top = max(0.0, face.box.left), max(0.0, face.box.top)
    right, bottom = min(float(width), face.box.right), min(float(height), face.box.bottom)
    return (100 * left / width, 100 * top / height, 100 * (right - left) / width, 100 * (bottom - top) / height)


def _invitation(words: tuple[str, str]) -> str:
    what, kinds = words
    return f'<div class="invitation"><strong>{text(what)}</strong><span>{text(kinds)}</span></div>'


def _canvas(prefix: str, chosen: Chosen) -> str:
    if chosen.kind == "motion":  # there is nothing to see in numbers
        return _invitation((chosen.caption, "A recorded motion, without a picture of anybody"))
    labels = "".join(
        f'<label class="face{" on" if number == 1 else ""}" for="{prefix}-face-{number}" '
        f'style="left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%">'
        f'<span>{number}</span><span class="visually-hidden"> Choose face {number}</span></label>'
        for number, (left, top, width, height) in enumerate(chosen.boxes, start=1)
    )
    return (
        f'<div class="shot"><img src="{text(file_url(chosen.preview))}" alt="{text(chosen.caption)}">{labels}</div>'
        f'<p class="caption">{text(chosen.caption)}</p>'
    )


def _faces(prefix: str, chosen: Chosen, *, single: bool, own: Sequence[Persona]) -> str:
    """The face numbers as radio buttons. With one face they are there, checked, for the box on the picture alone."""
    numbers = [(str(number), str(number)) for number in range(1, len(chosen.boxes) + 1)]
    if not numbers:
        return panel(_NO_FACE) if chosen.looked else ""
    alone = len(numbers) == 1
    legend = "Which face comes alive" if single else "Which face is swapped"
    each_own = bool(own) and 2 <= len(numbers) <= _MANY
    more = [] if single else [("all", "All"), *([(OWN, "Each its own")] if each_own else [])]
    options = "".join(
        f'<label class="chip"><input type="radio" name="{prefix}-face" id="{prefix}-face-{value}" value="{value}"'
        f"{' checked' if value == '1' else ''}><span>{words}</span></label>"
        for value, words in [*numbers, *more]
    )
    hidden = ' class="faces visually-hidden"' if alone else ' class="faces"'
    rows = "".join(_own(prefix, number, own) for number in range(1, len(numbers) + 1)) if each_own else ""
    people = f'<div class="own-people">{rows}</div>' if rows else ""
    return f"<fieldset{hidden}><legend>{legend}</legend><div>{options}</div>{people}</fieldset>"


def _own(prefix: str, number: int, people: Sequence[Persona]) -> str:
    """One face's row of small portraits. At first the faces take the people in turn."""
    first = people[(number - 1) % len(people)]
    tiles = [(person.id, person.name, thumbnail(person)) for person in people]
    tiles.append(("", "Leave alone", f'<span class="well">{icon("empty")}</span>'))
    options = "".join(
        f'<label class="person" title="{text(name)}"><input type="radio" name="{prefix}-own-{number}" '
        f'value="{text(id)}" data-own="{number}" data-name="{text(name.partition(" ")[0] if id else "")}"'
        f'{" checked" if id == first.id else ""}>{picture}<span class="visually-hidden">{text(name)}</span></label>'
        for id, name, picture in tiles
    )
    return (
        f'<div class="own-face" role="radiogroup" aria-label="Whose face face {number} becomes">'
        f'<span class="number" aria-hidden="true">{number}</span>{options}'
        f'<output class="hint">{text(first.name)}</output></div>'
    )
