"""Pictures made ready to be shown: side by side on one sheet, or enlarged."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from facezoo.types import Box, Image

__all__ = ["close_up", "enlarged", "side_by_side"]

TILE = 512  # px, the longer side of a picture on the sheet
_CAPTION, _HEADING = 36, 64  # px
_ROOM = 1.9  # sides of a face's box that a close-up shows


def side_by_side(pictures: Sequence[tuple[str, Image]], heading: str = "") -> Image:
    """The pictures side by side at one height, at most four in a row, each with its title below. heading: a line above
    all. Returns (H, W, 3) RGB uint8."""
    columns = 3 if len(pictures) in (5, 6) else min(4, len(pictures))
    rows: list[Image] = []
    for start in range(0, len(pictures), columns):
        tiles = [_tile(title, picture) for title, picture in pictures[start : start + columns]]
        while len(tiles) < columns:
            tiles.append(np.full_like(tiles[0], 255))
        rows.append(np.hstack(tiles))
    if heading:
        rows.insert(0, _line(heading, rows[0].shape[1], _HEADING, 26))
    return np.ascontiguousarray(np.vstack(rows))


def close_up(image: Image, box: Box) -> Image:
    """The square of a picture (H, W, 3) RGB uint8 around a face's box, in px; as much of it as there is."""
    height, width = image.shape[:2]
    side = min(_ROOM * max(box.width, box.height), width, height)
    left = min(max((box.left + box.right - side) / 2, 0), width - side)
    top = min(max((box.top + box.bottom - side) / 2, 0), height - side)
    return np.ascontiguousarray(image[round(top) : round(top + side), round(left) : round(left + side)])


def enlarged(image: Image, side: int = TILE) -> Image:
    """The picture (H, W, 3) RGB uint8, its shorter side at least `side` px: on a smaller one the AI label would cover
    too much."""
    ratio = side / min(image.shape[:2])
    if ratio <= 1:
        return image
    size = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _tile(title: str, picture: Image) -> Image:
    height, width = picture.shape[:2]
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.full((TILE, TILE + 8, 3), 255, np.uint8)
    top, left = (TILE - size[1]) // 2, (TILE + 8 - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return np.vstack([tile, _line(title, TILE + 8, _CAPTION, 20)])


def _line(words: str, width: int, height: int, size: int) -> Image:
    """Words on white, (height, width, 3)."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    line = Pillow.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(line)
    pen.text((8, height / 2), words, fill=(40, 40, 40), font=ImageFont.load_default(size), anchor="lm")
    return np.asarray(line, np.uint8)
