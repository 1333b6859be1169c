"""From an order to a finished card: the work is followed, the seal read back from the file, the measures taken."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from facezoo.errors import FacezooError
from facezoo.types import MethodSpec, Sealed
from facezoo.ui.common.cards import Card, Looks, grid, method_card
from facezoo.ui.common.picture import Chosen, face_view, face_views, start_at, subject
from facezoo.ui.jobs import Done, Failure, Stage, Working, run

__all__ = ["example_facts", "finish", "looks_of", "make", "named", "shipped_example"]

_log = logging.getLogger("facezoo.ui")
_STILL = (".png", ".jpg", ".jpeg", ".webp", ".avif")


def make(
    spec: MethodSpec,
    chosen: Chosen,
    work: Callable[[Working], Sealed],
    owner: str,
    *,
    face: int | str,
    words: Mapping[str, str] | None = None,
    door: str = "",
) -> Iterator[tuple[str, Card]]:
    """The results zone with one card, again and again, until the work is finished.

    owner, words: as of `jobs.run`. door: as of `finish`."""
    card = Card(spec, "working", before=chosen.preview, words="Starting", subject=subject(chosen, face))
    yield grid(method_card(card), status="Starting", busy=True), card
    for event in run(work, owner, words=words):
        if isinstance(event, Stage):
            card = replace(card, words=event.line, fraction=event.fraction)
            yield grid(method_card(card), status=event.words, busy=True), card
        elif isinstance(event, Failure):
            state: Any = event.state
            card = replace(card, state=state, failure=event)
            yield grid(method_card(card), status=event.state.capitalize()), card
        elif isinstance(event, Done):
            looks = looks_of(chosen, face)
            for card in finish(spec, event.value, chosen, face, door=door):
                yield grid(method_card(card), status="Finished", looks=looks if card.compared else None), card


def finish(spec: MethodSpec, sealed: Sealed, chosen: Chosen, face: int | str, *, door: str = "") -> Iterator[Card]:
    """The card at once, then with the seal read back from the file, last with its figures where there are any.

    door: as in `Card`; on the last card alone, and only when the method has steps to show."""
    from facezoo import runner
    from facezoo.evaluate.verdict import verdict
    from facezoo.safety.seal import verify

    sealed = _sized(named(sealed))
    view = face_view(chosen, face)
    card = Card(
        spec, "done", sealed, chosen.preview, view=view, at=start_at(chosen, face), subject=subject(chosen, face)
    )
    yield card
    card = replace(card, provenance=verify(sealed.path))
    yield card
    if sealed.path.suffix.lower() in _STILL and "animate" not in spec.tasks:  # how close it stays to its picture
        try:
            number = face if isinstance(face, int) else 1
            persona = sealed.record.get("persona")
            card = replace(card, verdict=verdict(chosen.path, sealed.path, persona=persona, face=number))
        except FacezooError as problem:  # a result without a findable face is still a result
            _log.info("not measured: %s", problem.message)
    yield replace(card, door=door if door and runner.explains(spec.id) else "")


def looks_of(chosen: Chosen, face: int | str, link: str = "") -> Looks:
    """What is offered to look at results of this face. link: as in `Looks`."""
    views = tuple(view for view in face_views(chosen) if view)
    return Looks(chosen.preview, views, face if isinstance(face, int) else 0, link)


def named(sealed: Sealed) -> Sealed:
    """The same bytes under the name a download gets: facezoo-landmark_warp-joss.png. Made of our own ids only."""
    driver = sealed.record.get("driving") or {}
    known = (sealed.record.get("method"), sealed.record.get("persona"), driver.get("name"))
    name = "-".join(["facezoo", *(str(each) for each in known if each)]) + sealed.path.suffix
    path = sealed.path.with_name(name)
    path.hardlink_to(sealed.path)
    return replace(sealed, path=path)


def _sized(sealed: Sealed) -> Sealed:
    """With the width and height of a still in its record."""
    from PIL import Image

    if sealed.path.suffix.lower() not in _STILL:
        return sealed
    with Image.open(sealed.path) as picture:
        return replace(sealed, record=sealed.record | {"size": picture.size})


def shipped_example(spec: MethodSpec) -> Path:
    """Where a method's finished, sealed example lies if it ships one."""
    name = "example.mp4" if "animate" in spec.tasks else "example.jpg"
    return Path(str(files("facezoo.methods"))) / spec.id / name


def example_facts(spec: MethodSpec) -> dict[str, Any]:
    """What that example was made from: ids of "input" and "persona" or "driving", sha256 of the "weights"; empty when
    the method ships none, or other weights are in use."""
    record = shipped_example(spec).with_suffix(".json")
    facts: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return facts if facts.get("weights") == spec.weights.sha256 else {}
