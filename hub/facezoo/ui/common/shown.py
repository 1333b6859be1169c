"""The shipped pictures as the page shows them: AVIF no larger than they are seen, made once, kept by browsers.

Small ones share a sheet, a row of squares, so that a page of thumbnails is one request.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from facezoo.ui.workspace import file_url
from facezoo.zoo.embedded import examples, personas

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PICTURES", "Sheet", "address", "picture", "sheet"]

PICTURES = "pictures/"
"""Where the hub serves them, below its own address."""
_SIDE, _TILE = 768, 176  # px, of the longer side and of a thumbnail: two for each that a phone or a tile shows
_QUALITY = {"quality": 64, "speed": 7}
_SHEETS = ("examples", "people")


@dataclass(frozen=True)
class Sheet:
    """Squares in a row. places: id -> its number in the row."""

    address: str
    places: Mapping[str, int]


def address(path: Path) -> str:
    """Where the page finds a file: a shipped picture at the size it is shown, anything else byte by byte."""
    name = _named().get(path)
    return f"{PICTURES}{name}.avif" if name else file_url(path)


@cache
def sheet(name: str) -> Sheet:
    """The sheet "examples" or "people"."""
    shown = [each.id for each in (examples() if name == "examples" else personas())]
    digest = hashlib.sha256("".join(_named().values()).encode()).hexdigest()[:12]
    return Sheet(f"{PICTURES}{name}-{digest}.avif", {id: place for place, id in enumerate(shown)})


@cache
def picture(name: str) -> bytes | None:
    """The AVIF of this name below PICTURES, None when there is none."""
    wanted = PICTURES + name
    path = next((path for path in _named() if address(path) == wanted), None)
    if path is not None:
        return _encoded(_opened(path))
    known = next((each for each in _SHEETS if sheet(each).address == wanted), "")
    return _encoded(_row(_thumbnails(known))) if known else None


@cache
def _named() -> dict[Path, str]:
    """Path of a shipped picture -> its name, which changes with its bytes."""
    paths = [each.path for each in examples()] + [each.portrait for each in personas()]
    settings = f"{_SIDE} {_TILE} {_QUALITY}".encode()
    return {path: f"{path.stem}-{hashlib.sha256(settings + path.read_bytes()).hexdigest()[:12]}" for path in paths}


def _opened(path: Path) -> Image:
    from PIL import Image

    with Image.open(path) as opened:
        shown = opened.convert("RGB")
    shown.thumbnail((_SIDE, _SIDE))
    return shown


def _thumbnails(name: str) -> list[Image]:
    """Of examples the square at the middle, nearer to the top; of people the part that their record names."""
    squares: list[tuple[Path, tuple[float, float, float]]] = []
    for each in examples() if name == "examples" else ():
        squares.append((each.path, (0.5, 0.25, 1)))
    for each in personas() if name == "people" else ():
        part = each.facts["thumbnail"]
        room = max(1e-6, 1 - part["side"])
        squares.append((each.portrait, (part["left"] / room, part["top"] / room, part["side"])))
    return [_square(_opened(path), *place) for path, place in squares]


def _square(shown: Image, across: float, down: float, share: float) -> Image:
    """across, down: how much of the room beside it lies before it. share: of the shorter side."""
    side = share * min(shown.size)
    left, top = across * (shown.width - side), down * (shown.height - side)
    return shown.resize((_TILE, _TILE), box=(left, top, left + side, top + side), reducing_gap=2)


def _row(squares: list[Image]) -> Image:
    from PIL import Image

    row = Image.new("RGB", (_TILE * max(1, len(squares)), _TILE))
    for place, each in enumerate(squares):
        row.paste(each, (_TILE * place, 0))
    return row


def _encoded(shown: Image) -> bytes:
    coded = io.BytesIO()
    shown.save(coded, "AVIF", **_QUALITY)
    return coded.getvalue()
