"""A row of pictures, and how it becomes a file that ships."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from facezoo.errors import FacezooError
from facezoo.face.find import find_faces, portrait_face
from facezoo.media.read import open_clip, read_photo
from facezoo.registry import load_spec, parse_params
from facezoo.runner.record import claim_of
from facezoo.safety.marks import draw
from facezoo.safety.seal import Claim, lighter, seal, verify
from facezoo.types import Face, Frame, Image
from facezoo.ui.learn.exhibits import FOLDER, columns, picture_hashes, weight_hashes
from facezoo.zoo.embedded import examples, personas

__all__ = ["SIDE", "Row", "around", "face_of", "path_of", "persona_face", "photo_of", "settings", "square", "write"]

SIDE = 320
"""Of a tile, px."""
_QUALITIES = (52, 64, 78, 90)  # of AVIF, until the mark is found again
_PLAIN = 60  # of rows that show nothing made
_AROUND = 2.0  # faces high: the square that is shown of a photo
Color = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Row:
    """tiles: (S, S, 3) RGB uint8 each, any S; they are shown at `side`. method: that made them, "" for none; others:
    further methods whose weights were at work. pictures: ids of what they were made of, the changed one first. made:
    a computer made the faces in them. facts: what was measured."""

    name: str
    tiles: Sequence[Image]
    method: str
    pictures: tuple[str, ...]
    made: bool = True
    persona: str | None = None
    side: int = SIDE
    others: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


def write(row: Row) -> dict[str, Any]:
    """Writes the row's file, sealed if it is made, and gives its entry of the manifest. Raises FacezooError when the
    mark does not survive."""
    path = FOLDER / f"{row.name}.avif"
    tiles = [square(tile, row.side) for tile in row.tiles]
    if row.made:
        _seal(row, _sheet([draw(tile, "small") for tile in tiles]), path)
    else:
        Pillow.fromarray(_sheet(tiles)).save(path, quality=_PLAIN)
    methods = [id for id in (row.method, *row.others) if id]
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "side": row.side,
        "tiles": len(tiles),
        "made": row.made,
        "weights": {id: weight_hashes()[id] for id in methods},
        "pictures": {id: picture_hashes()[id] for id in row.pictures},
        "facts": dict(row.facts),
    }


def _sheet(tiles: Sequence[Image]) -> Image:
    """The tiles side by side, in two lines when they are many."""
    across = columns(len(tiles))
    filled = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % across)]
    return np.vstack([np.hstack(filled[at : at + across]) for at in range(0, len(filled), across)])


def _seal(row: Row, image: Image, path: Path) -> None:
    sources = tuple(picture_hashes()[id] for id in row.pictures)
    if row.method:
        spec = load_spec(row.method)
        claim = claim_of(spec, row.persona, spec.params(), 0, sources)
    else:
        nothing = {"repo": "", "revision": "", "sha256": ""}
        claim = Claim("learn", "An exhibit, calculated without weights", 0, nothing, None, {}, 0, sources, "exhibit")
    with tempfile.TemporaryDirectory() as folder:
        whole = seal(
            iter([Frame(image, 0.0)]), Path(folder) / "row.png", claim=claim, clip=open_clip(path_of(row.pictures[0]))
        )
        for quality in _QUALITIES:
            lighter(whole, path, quality=quality)
            if verify(path).watermark:
                return
    raise FacezooError(f"The mark is not found in {row.name}.", "Give it larger tiles.")


def square(image: Image, side: int = SIDE) -> Image:
    """The picture (H, W, 3) as (side, side, 3): averaged when it shrinks, cubic when it grows."""
    way = cv2.INTER_AREA if min(image.shape[:2]) > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=way), np.uint8)


def around(image: Image, face: Face, high: float = _AROUND) -> Image:
    """The square around a face of a picture, `high` faces high, inside it: (S, S, 3)."""
    box, (height, width) = face.box, image.shape[:2]
    side = round(min(high * box.height, height, width))
    left = round(min(max((box.left + box.right - side) / 2, 0), width - side))
    top = round(min(max((box.top + box.bottom - side) / 2, 0), height - side))
    return image[top : top + side, left : left + side]


def path_of(id: str) -> Path:
    """The file of a ready picture, or of a persona's portrait."""
    return ({each.id: each.path for each in examples()} | {each.id: each.portrait for each in personas()})[id]


@cache
def photo_of(id: str) -> Image:
    """(H, W, 3) RGB uint8, not to be changed."""
    return read_photo(path_of(id))


@cache
def face_of(id: str, crop: int = 0) -> Face:
    """The face of a ready picture. crop: side of its aligned crop in px, 0 for the picture's own."""
    return find_faces(photo_of(id), crop_size=crop)[0]


@cache
def persona_face(id: str) -> Face:
    """The face of a persona's portrait."""
    return portrait_face(photo_of(id), id)


def settings(method: str, **given: Any) -> Any:
    """The method's parameters, the defaults but for what is given."""
    return parse_params(load_spec(method), given)
