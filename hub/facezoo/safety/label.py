"""The visible label: a small dark pill with "AI" in the bottom right corner. There is no way to leave it out."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from facezoo.types import Image

__all__ = ["LabelSize", "draw"]

LabelSize = Literal["small", "medium", "large"]

_SHARES: dict[LabelSize, float] = {"small": 0.045, "medium": 0.065, "large": 0.09}  # pill height : short side
_SMALLEST = 16  # px: below that the letters cannot be read
_TEXTS: dict[LabelSize, str] = {"small": "AI", "medium": "AI", "large": "AI · facezoo"}
_OVERSAMPLING = 4


def draw(image: Image, size: LabelSize) -> Image:
    """Return a copy of the picture with the label. image: RGB uint8 (H, W, 3). size: how much of the short side."""
    rows, columns = image.shape[:2]
    short = min(rows, columns)
    height = max(_SMALLEST, round(short * _SHARES[size]))
    text = _TEXTS[size] if columns >= 8 * height else "AI"
    color, opacity = _pill(text, height)
    margin = max(2, round(height * 0.45))
    bottom, right = max(rows - margin, 0), max(columns - margin, 0)
    top, left = max(bottom - color.shape[0], 0), max(right - color.shape[1], 0)
    color, opacity = color[: bottom - top, : right - left], opacity[: bottom - top, : right - left]
    out = image.copy()
    under = image[top:bottom, left:right].astype(np.float32)
    out[top:bottom, left:right] = np.clip(np.rint(color + under * (1 - opacity)), 0, 255).astype(np.uint8)
    return out


@lru_cache(maxsize=16)
def _pill(text: str, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pill at `height` px: colour already times opacity (h, w, 3) in [0, 255], and opacity (h, w, 1) in [0, 1].

    Drawn large and averaged down. The thin bright rim keeps it visible on black."""
    tall = height * _OVERSAMPLING
    font = ImageFont.load_default(size=round(tall * 0.64))
    left, _, right, _ = font.getbbox(text, anchor="ls")
    wide = round((right - left + tall * 0.84) / _OVERSAMPLING) * _OVERSAMPLING
    canvas = Pillow.new("RGBA", (wide, tall), (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    rim = max(_OVERSAMPLING, round(tall * 0.045))
    pen.rounded_rectangle((0, 0, wide - 1, tall - 1), tall // 2, fill=(235, 235, 235, 130))
    pen.rounded_rectangle((rim, rim, wide - 1 - rim, tall - 1 - rim), tall // 2 - rim, fill=(16, 18, 22, 205))
    capital = -font.getbbox("A", anchor="ls")[1]
    position = ((wide - (right - left)) / 2 - left, (tall + capital) / 2)
    pen.text(position, text, fill=(255, 255, 255, 255), font=font, anchor="ls", stroke_width=tall * 0.007)
    layers = np.asarray(canvas, np.float32)
    opacity = layers[..., 3:] / 255
    premultiplied = np.concatenate([layers[..., :3] * opacity, opacity], axis=2)
    reduced = premultiplied.reshape(height, _OVERSAMPLING, wide // _OVERSAMPLING, _OVERSAMPLING, 4).mean((1, 3))
    return reduced[..., :3], reduced[..., 3:]
