"""From a finished file to a done card: the seal is read back, the measures are taken."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from facezoo.errors import FacezooError
from facezoo.types import MethodSpec, Sealed
from facezoo.ui.common.cards import Card
from facezoo.ui.common.picture import Chosen

__all__ = ["finish", "named"]

_log = logging.getLogger("facezoo.ui")
_STILL = (".png", ".jpg", ".jpeg", ".webp", ".avif")


def finish(spec: MethodSpec, sealed: Sealed, chosen: Chosen, face: int | str, *, door: str = "") -> Iterator[Card]:
    """The card at once, then with the seal read back from the file, last with the three measures where there are any.

    door: as in `Card`; on the last card alone, and only when the method has steps to show."""
    from facezoo import runner
    from facezoo.evaluate.metrics import measure
    from facezoo.safety.seal import verify

    sealed = named(sealed)
    card = Card(spec, "done", sealed=sealed, before=chosen.preview)
    yield card
    card = replace(card, provenance=verify(sealed.path))
    yield card
    if sealed.path.suffix.lower() in _STILL and "animate" not in spec.tasks:  # how close it stays to its picture
        try:
            number = face if isinstance(face, int) else 1
            card = replace(card, measures=measure(chosen.path, sealed.path, face=number))
        except FacezooError as problem:  # a result without a findable face is still a result
            _log.info("not measured: %s", problem.message)
    yield replace(card, door=door if door and runner.explains(spec.id) else "")


def named(sealed: Sealed) -> Sealed:
    """The same bytes under the name a download gets: facezoo-landmark_warp-joss.png. Made of our own ids only."""
    driver = sealed.record.get("driving") or {}
    known = (sealed.record.get("method"), sealed.record.get("persona"), driver.get("name"))
    name = "-".join(["facezoo", *(str(each) for each in known if each)]) + sealed.path.suffix
    path = sealed.path.with_name(name)
    path.hardlink_to(sealed.path)
    return replace(sealed, path=path)
