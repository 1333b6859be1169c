"""The finished comparisons that ship: every ready picture through every method that swaps, as every persona.

Beside the pictures lies index.json: what they were made of, by sha256, where the faces of the ready pictures are, and
the figures of each result. A result counts only while its picture, its persona and the weights are those of its making.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facezoo.types import MethodSpec, Sealed
from facezoo.zoo.embedded import examples, personas

if TYPE_CHECKING:
    from facezoo.evaluate.verdict import Verdict

__all__ = ["FOLDER", "INDEX", "Finished", "Place", "file_of", "finished", "places", "shipped_pictures"]

FOLDER = Path(__file__).parents[1] / "gallery"
INDEX = FOLDER / "index.json"

Place = tuple[float, float, float, float]
"""(left, top, width, height) of a face in percent of the picture."""


@dataclass(frozen=True)
class Finished:
    """A result that ships, and its figures."""

    sealed: Sealed
    verdict: Verdict


def file_of(picture: str, persona: str, method: str) -> Path:
    """Where a result lies, by ids."""
    return FOLDER / f"{picture}-{persona}-{method}.avif"


def finished(picture: str, persona: str, specs: Iterable[MethodSpec]) -> dict[str, Finished]:
    """Method id -> its result of this ready picture as this persona; without those that are not there, or were made
    with something else."""
    index = _index()
    before = {each.id: each.sha256 for each in examples()}.get(picture)
    person = {each.id: each.sha256 for each in personas()}.get(persona)
    if before is None or person is None:
        return {}
    if (index["pictures"].get(picture, {}).get("sha256"), index["personas"].get(persona)) != (before, person):
        return {}
    found: dict[str, Finished] = {}
    for spec in specs:
        facts = index["results"].get(f"{picture}/{persona}/{spec.id}")
        path = file_of(picture, persona, spec.id)
        if facts and index["weights"].get(spec.id) == spec.weights.sha256 and path.is_file():
            found[spec.id] = _finished(spec, persona, path, facts)
    return found


def places(picture: str) -> tuple[Place, ...]:
    """Where the faces of a ready picture are, the largest first; () when the index does not know."""
    known: Mapping[str, Any] = _index()["pictures"].get(picture, {})
    return tuple((box[0], box[1], box[2], box[3]) for box in known.get("faces", ()))


def shipped_pictures() -> list[Path]:
    """All files of the gallery that a page may show."""
    return sorted(FOLDER.glob("*.avif"))


def _finished(spec: MethodSpec, persona: str, path: Path, facts: Mapping[str, Any]) -> Finished:
    from facezoo.evaluate.metrics import Measures
    from facezoo.evaluate.verdict import Taken, Verdict
    from facezoo.safety.seal import shipped

    record = {
        "method": spec.id,
        "persona": persona,
        "frames": 1,
        "seconds": {"total": facts["seconds"]},
        "size": facts["size"],
        "notes": facts["notes"],
    }
    verdict = Verdict(Measures(*facts["kept"]), facts["sharpness"], Taken(facts["taken"], facts["persona"]))
    return Finished(shipped(path, record), verdict)


@cache
def _index() -> dict[str, Any]:
    if not INDEX.is_file():
        return {"pictures": {}, "personas": {}, "weights": {}, "results": {}}
    return json.loads(INDEX.read_text(encoding="utf-8"))
