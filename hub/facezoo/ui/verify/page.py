"""Where does this file come from? Four clear answers, and the watermark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.media.limits import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.registry import list_methods
from facezoo.types import Provenance
from facezoo.ui.common.cards import panel
from facezoo.ui.common.gallery import finished
from facezoo.ui.common.html import component, static, template
from facezoo.ui.common.picture import first_example, resolve_upload, turn
from facezoo.ui.jobs import LOOKING, explain
from facezoo.zoo.embedded import personas

__all__ = ["answer", "verify_page"]

_HTML = template("verify/page.html")


def verify_page() -> None:
    """Fills the surrounding tab and wires it."""
    with gr.Column(elem_classes=["narrow"]):
        static(_HTML.about())
        box = component("common/picture.js", _drop_zone(), {}, "picture-input")
        example = _example()
        shown = static(_HTML.example(example, "") if example else "", elem_id="verify-answer")
        door: Any = component("verify/example.js", "", {}, "seen-once") if example else None

    def picked(value: Mapping[str, Any] | None) -> tuple[Any, str]:
        return gr.update(markup=_drop_zone()), _checked(value or {})

    def seen(own: Mapping[str, Any] | None) -> Any:
        return gr.skip() if own or example is None else _read(example)  # who chose a file sees the answer to theirs

    if door:
        door.seen(seen, [box], [shown], **LOOKING)
    box.picked(picked, inputs=[box], outputs=[box, shown], **LOOKING)


def answer(found: Provenance, name: str) -> str:
    """What is known of a file. name: as its visitor calls it."""
    facts = [("File", name), ("Method", found.method), ("Weights", found.weights), ("Made on", _date(found.created))]
    return _HTML.answer(found, [(label, known) for label, known in facts if known])


def _example() -> Path | None:
    """One of the results that ship, to show what is found in it."""
    picture, people = first_example(), personas()
    known = [finished(picture.example, each.id, list_methods()) for each in people] if picture else []
    return next((found.sealed.path for each in known for found in each.values()), None)


def _read(example: Path) -> str:
    from facezoo.safety.seal import verify

    return _HTML.example(example, answer(verify(example), example.name))


def _checked(value: Mapping[str, Any]) -> str:
    from facezoo.safety.seal import verify

    try:
        path = resolve_upload(value)
        return answer(verify(path), str(value.get("name") or path.name))
    except Exception as error:
        return panel(explain(error))


def _date(created: str | None) -> str | None:
    """2026-11-22T21:38:00+00:00 -> 2026-11-22, 21:38 UTC; anything else as it is."""
    from datetime import UTC, datetime

    if not created:
        return None
    try:
        return f"{datetime.fromisoformat(created).astimezone(UTC):%Y-%m-%d, %H:%M} UTC"
    except ValueError:
        return created


def _drop_zone() -> str:
    return _HTML.drop_zone(",".join([*PHOTO_SUFFIXES, *VIDEO_SUFFIXES]), turn())
