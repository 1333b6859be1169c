"""Pictures made ready to be shown: side by side on one sheet, or enlarged."""

from __future__ import annotations

import cv2
import numpy as np

from facezoo.types import Image

__all__ = ["enlarged", "side_by_side"]

TILE = 512  # px, the longer side of a picture on the sheet


def side_by_side(pictures: list[tuple[str, Image]]) -> Image:
    """The pictures side by side at one height, at most four in a row, each with its title below. Returns (H, W, 3) RGB
    uint8."""
    columns = min(4, len(pictures))
    caption = 36
    rows: list[Image] = []
    for start in range(0, len(pictures), columns):
        tiles = [_tile(title, picture, caption) for title, picture in pictures[start : start + columns]]
        while len(tiles) < columns:
            tiles.append(np.full_like(tiles[0], 255))
        rows.append(np.hstack(tiles))
    return np.ascontiguousarray(np.vstack(rows))


def enlarged(image: Image, side: int = TILE) -> Image:
    """The picture (H, W, 3) RGB uint8, its shorter side at least `side` px: on a smaller one the AI label would cover
    too much."""
    ratio = side / min(image.shape[:2])
    if ratio <= 1:
        return image
    size = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _tile(title: str, picture: Image, caption: int) -> Image:
    height, width = picture.shape[:2]
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.full((TILE + caption, TILE + 8, 3), 255, np.uint8)
    top, left = (TILE - size[1]) // 2, (TILE + 8 - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    cv2.putText(tile, title, (left, TILE + caption - 12), cv2.FONT_HERSHEY_DUPLEX, 0.6, (40, 40, 40), 1, cv2.LINE_AA)
    return tile
