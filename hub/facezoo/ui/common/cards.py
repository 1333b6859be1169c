"""The result card, the same everywhere, in each of its states; and the grid that lines them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from facezoo.types import MethodSpec, Provenance, Sealed
from facezoo.ui.common.markup import before_after, film, icon, licence, plain, text, why
from facezoo.ui.jobs import Failure
from facezoo.ui.workspace import file_url

if TYPE_CHECKING:
    from facezoo.evaluate.metrics import Measures

__all__ = ["Card", "badge", "grid", "live_card", "method_card", "panel", "untouched_card"]

State = Literal["ready", "waiting", "working", "done", "refused", "failed", "stopped"]
_VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv")
_FORMATS = {".mp4": "MP4", ".gif": "GIF", ".webp": "WebP", ".png": "PNG", ".jpg": "JPEG", ".avif": "AVIF"}
_SEAL = (
    "The file carries a visible AI label, an invisible watermark, and a signature that breaks when a byte changes. "
    "This hub has just read all of them back from the file you download."
)
_MEASURES = (
    (
        "pose_error",
        "Head moved",
        "°",
        1,
        "How much the turn, nod and tilt of the head changed, in degrees. 0 is unchanged.",
    ),
    (
        "landmark_error",
        "Features moved",
        " %",
        1,
        "How far eyes, nose, mouth and jaw moved, as a share of the distance between the eyes. Smaller is closer.",
    ),
    (
        "expression_error",
        "Expression",
        "",
        2,
        "How much more or less open eyes and mouth are than before. 0 is the same expression.",
    ),
)


@dataclass(frozen=True)
class Card:
    """One method's place in the grid: its state and whatever of a result there is. door: HTML of a
    button that leads to the steps behind the result, if there is one."""

    spec: MethodSpec
    state: State
    sealed: Sealed | None = None
    before: Path | None = None
    provenance: Provenance | None = None
    measures: Measures | None = None
    failure: Failure | None = None
    words: str = ""
    fraction: float = 0.0
    door: str = ""


def grid(cards: Sequence[str], *, status: str = "", busy: bool = False) -> str:
    """Cards side by side, with a line that screen readers announce when it changes."""
    return (
        f'<div class="results" aria-busy="{"true" if busy else "false"}">'
        f'<p class="status" role="status">{text(status)}</p><div class="cards">{"".join(cards)}</div></div>'
    )


def untouched_card(picture: Path | None, *, caption: str) -> str:
    """The baseline: the picture as it came."""
    body = (
        f'<img class="picture" src="{text(file_url(picture))}" alt="The picture as you gave it">'
        if picture
        else f'<div class="well">{icon("person")}</div>'
    )
    return (
        '<article class="card" data-state="baseline"><header><h3>Untouched</h3></header>'
        f'<div class="frame">{body}</div><div class="body">{plain(caption)}</div></article>'
    )


def method_card(card: Card) -> str:
    """A method's card in its present state."""
    title = f'<header><h3>{text(card.spec.title)}</h3><span class="year">{card.spec.year}</span></header>'
    return f'<article class="card" data-state="{card.state}">{title}{_inside(card)}</article>'


def live_card(address: str, words: str) -> str:
    """A picture that follows its visitor. address: where it is now; the page changes it."""
    return (
        '<article class="card" data-state="live"><header><h3>Live</h3>'
        '<span class="year">Labelled and watermarked</span></header>'
        f'<div class="frame"><img class="picture live" src="{text(address)}" alt="Your picture as it moves">'
        f'</div><div class="body">{plain(words)}</div></article>'
    )


def panel(failure: Failure) -> str:
    """What happened and what to do, inside the page."""
    mark = {"refused": "alert", "stopped": "empty"}.get(failure.state, "cross")
    advice = plain(failure.advice) if failure.advice else ""
    return (
        f'<div class="panel" data-state="{text(failure.state)}" role="alert">{icon(mark)}'
        f"<div><strong>{text(failure.message)}</strong>{advice}</div></div>"
    )


def badge(provenance: Provenance | None) -> str:
    """What the seal of a file says; None: not read yet."""
    if provenance is None:
        return '<span class="badge">Checking the seal</span>'
    if provenance.c2pa == "trusted" and provenance.watermark:
        return f'<span class="badge good">{icon("seal")}Sealed, checked</span>{why("Sealed", _SEAL)}'
    return f'<span class="badge warn">{icon("alert")}Seal: {text(provenance.c2pa)}</span>{why("Sealed", _SEAL)}'


def _inside(card: Card) -> str:
    if card.state == "done" and card.sealed and card.before:
        return _done(card, card.sealed, card.before)
    if card.failure:
        return f'<div class="body">{panel(card.failure)}</div>'
    if card.state == "working":
        percent = round(card.fraction * 100)
        return (
            f'<div class="frame"><div class="well working">{_backdrop(card.before)}<div class="stage">'
            f'<span>{text(card.words)}</span><progress max="100" value="{percent}" aria-label="{text(card.words)}">'
            f'{percent} %</progress></div></div></div><div class="body">{plain(card.spec.summary)}</div>'
        )
    words = "Next" if card.state == "waiting" else "Ready when you are"
    return (
        f'<div class="frame"><div class="well">{_backdrop(card.before)}<div class="stage"><span>{words}</span></div>'
        f'</div></div><div class="body">{plain(card.spec.summary)}</div>'
    )


def _backdrop(picture: Path | None) -> str:
    return f'<img class="backdrop" src="{text(file_url(picture))}" alt="">' if picture else ""


def _done(card: Card, sealed: Sealed, before: Path) -> str:
    address = text(file_url(sealed.path))
    suffix = sealed.path.suffix.lower()
    moving = suffix in _VIDEO_SUFFIXES or sealed.record.get("frames", 1) > 1
    if moving:
        picture = film(sealed.path, poster=before, subject=card.spec.title)
    else:
        picture = before_after(before, sealed.path, subject=card.spec.title, loading="eager")
    seconds = sealed.record.get("seconds", {}).get("total")
    facts = [f"<li>{_number(seconds, 1)} s</li>" if isinstance(seconds, int | float) else ""]
    name, free = licence(card.spec)
    use = "commercial use allowed" if free else "see the licence before commercial use"
    facts.append(
        f'<li><span class="dot {"good" if free else "warn"}"></span>{text(name)}'
        f'<span class="visually-hidden">: {use}</span></li>'
    )
    if moving:
        facts.append(f"<li>{text(sealed.record.get('frames', 0))} frames, {_FORMATS.get(suffix, text(suffix))}</li>")
    return (
        f'<div class="frame">{picture}</div><div class="body">{_measures(card.measures)}{_notes(sealed)}'
        f'<ul class="facts">{"".join(facts)}<li>{badge(card.provenance)}</li></ul>'
        f'<div class="ends"><a class="download" href="{address}" download="{text(sealed.path.name)}">'
        f"{icon('download')}Download"
        f'<span class="visually-hidden"> the {text(card.spec.title)} result</span></a>{card.door}</div></div>'
    )


def _notes(sealed: Sealed) -> str:
    """What the method wants the user to know of this result."""
    told = sealed.record.get("notes") or []
    items = "".join(f"<li>{icon('alert')}<span>{text(note)}</span></li>" for note in told)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _measures(measures: Measures | None) -> str:
    if measures is None:
        return ""
    rows = ""
    for field, words, unit, digits, meaning in _MEASURES:
        value = getattr(measures, field)
        rows += f"<div><dt>{words}{why(words, meaning)}</dt><dd>{_number(value, digits)}{unit}</dd></div>"
    return f'<dl class="measures">{rows}</dl>'


def _number(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, int | float) else "–"
