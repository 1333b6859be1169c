"""Makes the gallery anew that Compare opens with: every ready picture, method and persona. `python -m
facezoo.ui.examples` calls it, so that one key signs all that ships."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import facezoo
from facezoo import registry, runner
from facezoo.evaluate.verdict import verdict
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.safety.seal import lighter
from facezoo.types import Sealed
from facezoo.ui.common.gallery import FOLDER, INDEX, file_of, shipped_pictures
from facezoo.ui.common.picture import percent
from facezoo.zoo.embedded import Example, examples, personas

__all__ = ["make_gallery"]

_QUALITY = 50  # of AVIF: the mark is found with twice the score it needs, and the whole set is below 6 MB


def make_gallery(pictures: Sequence[Example] | None = None) -> None:
    """Replaces all of it and prints each picture. pictures: those to make, all when None."""
    FOLDER.mkdir(exist_ok=True)
    swapping = [spec for spec in registry.list_methods() if "swap" in spec.tasks]
    chosen = examples() if pictures is None else pictures
    index: dict[str, Any] = {
        "version": facezoo.__version__,
        "weights": {spec.id: spec.weights.sha256 for spec in swapping},
        "personas": {each.id: each.sha256 for each in personas()},
        "pictures": {each.id: {"sha256": each.sha256, "faces": _places(each.path)} for each in chosen},
        "results": {},
    }
    made: set[Path] = set()
    for example in chosen:
        for person in personas():
            with tempfile.TemporaryDirectory() as folder:
                done = runner.compare(example.path, persona=person.id, output=folder)
                for method, sealed in done.results.items():
                    facts = _made(example, person.id, method, sealed)
                    index["results"][f"{example.id}/{person.id}/{method}"] = facts
                    made.add(file_of(example.id, person.id, method))
        print(FOLDER / example.id)
    INDEX.write_text(_lines(index), encoding="utf-8")
    for old in {*shipped_pictures()} - made:
        old.unlink()


def _made(example: Example, persona: str, method: str, sealed: Sealed) -> dict[str, Any]:
    """The lighter file, and what the index says of it."""
    copy = lighter(sealed, file_of(example.id, persona, method), quality=_QUALITY)
    found = verdict(example.path, copy.path, persona=persona)
    height, width = read_photo(copy.path).shape[:2]
    idle = os.getloadavg()[0] < (os.cpu_count() or 1) + 1
    return {
        "seconds": round(sealed.record["seconds"]["total"], 2) if idle else None,  # else others' work is counted
        "size": [width, height],
        "kept": [round(value, 3) for value in astuple(found.kept)],
        "sharpness": round(found.sharpness, 3),
        "taken": round(found.taken.share, 3) if found.taken else 0.0,
        "persona": bool(found.taken and found.taken.persona),
        "notes": sealed.record.get("notes", []),
    }


def _places(picture: Path) -> list[list[float]]:
    image = read_photo(picture)
    height, width = image.shape[:2]
    return [[round(value, 2) for value in percent(face, width, height)] for face in find_faces(image)]


def _lines(index: dict[str, Any]) -> str:
    """JSON, one result a line, so that changes can be read."""
    parts = [f' "{name}": {json.dumps(value)}' for name, value in index.items() if name != "results"]
    results = ",\n".join(f'  "{name}": {json.dumps(facts)}' for name, facts in index["results"].items())
    return "{\n" + ",\n".join([*parts, f' "results": {{\n{results}\n }}']) + "\n}\n"
