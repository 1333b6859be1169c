"""Small pieces of HTML. Every text that is not ours goes through `text`."""

from __future__ import annotations

from html import escape
from pathlib import Path

from facezoo.types import MethodSpec
from facezoo.ui.workspace import file_url
from facezoo.zoo.record import allows_commercial_use

__all__ = ["NEVER_EXISTED", "before_after", "film", "icon", "licence", "plain", "text", "why"]

NEVER_EXISTED = "This person never existed"
_ICONS = {
    "check": '<path d="M3.5 8.5l3 3 6-7"/>',
    "cross": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "alert": '<path d="M8 4.2v4.6M8 11.4v.4"/><circle cx="8" cy="8" r="6.5"/>',
    "unknown": '<path d="M6.2 6.1a1.9 1.9 0 1 1 2.6 1.9c-.6.3-.8.6-.8 1.2M8 11.5v.3"/><circle cx="8" cy="8" r="6.5"/>',
    "seal": '<path d="M8 1.8l1.7 1.3 2.1-.1.6 2 1.7 1.3-.8 2 .8 2-1.7 1.3-.6 2-2.1-.1L8 14.8l-1.7-1.3-2.1.1-.6-2'
    '-1.7-1.3.8-2-.8-2 1.7-1.3.6-2 2.1.1z"/><path d="M5.6 8.3l1.7 1.7 3.1-3.5"/>',
    "download": '<path d="M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.2h10"/>',
    "next": '<path d="M3 8h10M9 4l4 4-4 4"/>',
    "arrows": '<path d="M6 4.5L2.5 8 6 11.5M10 4.5L13.5 8 10 11.5"/>',
    "person": '<circle cx="8" cy="5.4" r="2.6"/><path d="M3 13.6c.6-2.8 2.5-4.2 5-4.2s4.4 1.4 5 4.2"/>',
    "empty": '<circle cx="8" cy="8" r="6.5"/><path d="M4 12l8-8"/>',
}


def text(value: object) -> str:
    """Any value as text that is harmless inside HTML and inside a quoted attribute."""
    return escape(str(value), quote=True)


def plain(words: str) -> str:
    """A paragraph of ours or a method's, escaped."""
    return f"<p>{text(words)}</p>"


def icon(name: str) -> str:
    """A 16 px line icon; decorative, the words beside it say the same."""
    return (
        '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" '
        f'stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{_ICONS[name]}</svg>'
    )


def why(subject: str, words: str) -> str:
    """The "?" beside a term: opens on click, Enter or Space, closes on Escape or a click elsewhere."""
    return (
        f'<details class="why"><summary aria-label="What does “{text(subject)}” mean?">?</summary>'
        f'<div class="bubble" role="note">{text(words)}</div></details>'
    )


def before_after(before: Path, after: Path, *, subject: str, loading: str = "lazy") -> str:
    """Two pictures of equal shape above each other and a slider that uncovers one or the other.

    The slider is a range input over the whole picture: mouse, touch, arrow keys and screen readers all work."""
    name = text(subject)
    return (
        '<div class="before-after">'
        f'<img src="{text(file_url(before))}" alt="Before: {name}" loading="{loading}" draggable="false">'
        f'<img class="after" src="{text(file_url(after))}" alt="After: {name}" loading="{loading}" draggable="false">'
        '<span class="tag left" aria-hidden="true">Before</span><span class="tag right" aria-hidden="true">After</span>'
        f'<span class="handle" aria-hidden="true">{icon("arrows")}</span>'
        f'<input type="range" min="0" max="100" value="50" step="1" aria-label="How much of the picture before shows: '
        f'{name}"></div>'
    )


def film(moving: Path, *, poster: Path, subject: str) -> str:
    """A moving result that plays by itself, silent, again and again; a video has controls, a GIF or WebP has none.

    poster: what is seen before the first frame is there. Visitors who asked for less motion get it paused (hub.js)."""
    address, name = text(file_url(moving)), text(subject)
    if moving.suffix.lower() in (".gif", ".webp"):
        return f'<img class="picture" src="{address}" alt="Result, moving: {name}">'
    return (
        f'<video class="picture" src="{address}" poster="{text(file_url(poster))}" aria-label="Result: {name}" '
        'autoplay muted loop playsinline controls preload="auto"></video>'
    )


def licence(spec: MethodSpec) -> tuple[str, bool]:
    """The licence's name and whether it allows commercial use as far as its name tells."""
    name = spec.licence.strip()
    return name, allows_commercial_use(name)
