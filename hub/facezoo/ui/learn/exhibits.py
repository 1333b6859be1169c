"""The exhibits that ship: pictures in rows, and what each was made of.

A row is one AVIF file of square tiles side by side, in two lines when they are many, so that a slider needs one
request. manifest.json says of each how many tiles it has, which weights made it, of which ready pictures, and what was
measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from facezoo.registry import list_methods
from facezoo.zoo.embedded import examples, personas

__all__ = ["FOLDER", "MANIFEST", "Exhibit", "columns", "exhibits", "picture_hashes", "shipped_rows", "weight_hashes"]

FOLDER = Path(__file__).parent / "exhibits"
MANIFEST = FOLDER / "manifest.json"
_LONGEST = 8  # tiles in a line


@dataclass(frozen=True)
class Exhibit:
    """A row of pictures. tiles: how many, each `side` px square. made: a computer made the faces, so the file is
    labelled, marked and signed. weights: method id -> sha256 of the weights at work, "" where there are none.
    pictures: id of a ready picture or persona -> sha256. facts: what was measured on the way. first: the tile that is
    counted as the first."""

    name: str
    path: Path
    sha256: str
    side: int
    tiles: int
    made: bool
    weights: Mapping[str, str]
    pictures: Mapping[str, str]
    facts: Mapping[str, Any]
    first: int = 0

    def after(self, tiles: int) -> Exhibit:
        """The same without the first tiles."""
        return replace(self, first=self.first + tiles)

    @property
    def columns(self) -> int:
        """Tiles in a line."""
        return columns(self.tiles)

    @property
    def fresh(self) -> bool:
        """Whether weights, pictures and file are those that ship now."""
        weights, pictures = weight_hashes(), picture_hashes()
        return (
            all(weights.get(id) == sha256 for id, sha256 in self.weights.items())
            and all(pictures.get(id) == sha256 for id, sha256 in self.pictures.items())
            and self.path.is_file()
            and hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256
        )


def columns(tiles: int) -> int:
    """How many of the tiles lie side by side."""
    return tiles if tiles <= _LONGEST else -(-tiles // 2)


@cache
def exhibits() -> dict[str, Exhibit]:
    """Name -> exhibit, all that ship."""
    if not MANIFEST.is_file():
        return {}
    told: dict[str, dict[str, Any]] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return {name: Exhibit(name=name, path=FOLDER / f"{name}.avif", **facts) for name, facts in told.items()}


def shipped_rows() -> list[Path]:
    """Every file that a page may show."""
    return sorted(FOLDER.glob("*.avif"))


def weight_hashes() -> dict[str, str]:
    """Method id -> sha256 of its weights."""
    return {spec.id: spec.weights.sha256 for spec in list_methods()}


def picture_hashes() -> dict[str, str]:
    """Id of every picture that ships -> sha256."""
    return {each.id: each.sha256 for each in examples()} | {each.id: each.sha256 for each in personas()}
