"""The result card, the same everywhere, in each of its states; and the grid that lines them up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from facezoo.types import MethodSpec, Provenance, Sealed
from facezoo.ui.common.html import template
from facezoo.ui.jobs import Failure
from facezoo.zoo.embedded import personas
from facezoo.zoo.record import allows_commercial_use

if TYPE_CHECKING:
    from facezoo.evaluate.verdict import Verdict
    from facezoo.ui.common.picture import View

__all__ = [
    "Card", "Looks", "door", "failed_card", "grid", "live_card", "method_card", "panel", "ready_card", "untouched_card",
]  # fmt: skip

State = Literal["ready", "waiting", "working", "done", "refused", "failed", "stopped"]
_HTML = template("common/cards.html")
_VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv")
_FORMATS = {".mp4": "MP4", ".gif": "GIF", ".webp": "WebP", ".png": "PNG", ".jpg": "JPEG", ".avif": "AVIF"}


@dataclass(frozen=True)
class Card:
    """One method's place in the grid: its state and whatever of a result there is; while another one is made the last
    one stays. door: the way on from the result, see `door`; "" for none. captions: WebVTT of a film that speaks.
    driver: the clip that moved it. view: the part of the picture that is shown, at: how much of it before, in percent.
    subject: what picture it is of. shipped: it was made before, and ships."""

    spec: MethodSpec
    state: State
    sealed: Sealed | None = None
    before: Path | None = None
    provenance: Provenance | None = None
    verdict: Verdict | None = None
    failure: Failure | None = None
    words: str = ""
    fraction: float = 0.0
    door: str = ""
    captions: Path | None = None
    driver: Path | None = None
    view: View | None = None
    at: int = 25
    subject: str = ""
    shipped: bool = False

    @property
    def compared(self) -> bool:
        """Whether there is a still result to hold against the picture before."""
        return bool(self.sealed and self.before and not self.moving)

    @property
    def who(self) -> str:
        """The name of the persona whose face was put on, "" for nobody or several."""
        worn = self.sealed.record.get("persona") if self.sealed else None
        return next((each.name for each in personas() if each.id == worn), "")

    @property
    def licence(self) -> tuple[str, bool]:
        """Its name, and whether it allows commercial use as far as the name tells."""
        return self.spec.licence.strip(), allows_commercial_use(self.spec.licence.strip())

    @property
    def frames(self) -> int:
        """Of the result."""
        return self.sealed.record.get("frames", 0) if self.sealed else 0

    @property
    def moving(self) -> bool:
        """Whether the result is a film."""
        return bool(self.sealed) and (self.sealed.path.suffix.lower() in _VIDEO_SUFFIXES or self.frames > 1)

    @property
    def speaks(self) -> bool:
        """Whether the result is a film with a voice."""
        driver = self.sealed.record.get("driving") if self.sealed else None
        speaks = driver is not None and driver["kind"] == "speech"
        return bool(speaks and self.sealed and self.sealed.path.suffix.lower() in _VIDEO_SUFFIXES)

    @property
    def format(self) -> str:
        """The result's file type in words."""
        suffix = self.sealed.path.suffix.lower() if self.sealed else ""
        return _FORMATS.get(suffix, suffix)

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of a still result in px, as far as it is known."""
        return self.sealed.record.get("size") if self.sealed else None

    @property
    def seconds(self) -> float | None:
        """What the result took, as far as it is known."""
        return self.sealed.record.get("seconds", {}).get("total") if self.sealed else None


@dataclass(frozen=True)
class Looks:
    """What all cards of a grid show. picture: before. views: of each face, the largest first; none where there is no
    choice. face: the one that was changed, 0 for all. link: the address of this comparison, "" where it has none."""

    picture: Path
    views: tuple[View, ...] = ()
    face: int = 0
    link: str = ""


def grid(*cards: str, status: str = "", busy: bool = False, looks: Looks | None = None, below: str = "") -> str:
    """Cards side by side, with a line that screen readers announce when it changes. looks: what is offered to look at
    all of them at once: the whole picture, before, one face or another. below: of a macro, what comes last."""
    return _HTML.grid(cards, status, busy, looks, below)


def untouched_card(picture: Path, *, subject: str, caption: str, view: View | None = None) -> str:
    """The baseline: the picture as it came."""
    return _HTML.untouched(picture, subject, caption, view)


def method_card(card: Card) -> str:
    """A method's card in its present state."""
    return _HTML.method(card)


def ready_card(spec: MethodSpec, picture: Path | None) -> str:
    """The grid before anything is asked for."""
    return grid(method_card(Card(spec, "ready", before=picture)))


def failed_card(spec: MethodSpec, failure: Failure) -> str:
    """The grid with a card that says what went wrong."""
    state: Any = failure.state
    return grid(method_card(Card(spec, state, failure=failure)))


def live_card(address: str, words: str) -> str:
    """A picture that follows its visitor, in a grid. address: where it is now; the page changes it."""
    return grid(_HTML.live(address, words))


def door(data: str, target: str, words: str) -> str:
    """A link below a result: data "opens-tab" leads to a tab, "opens-steps" to the steps behind it."""
    return _HTML.door(data, target, words)


def panel(failure: Failure) -> str:
    """What happened and what to do, inside the page."""
    return template("common/parts.html").panel(failure)
