"""A face's palette and grain: the paint for what a picture does not show, so that it looks like the rest of it.

Three colours of the picture itself stand for all that lies in a mouth, as a painter would mix it: its white in this
light, its flesh, its darkness. What is painted with them is as warm, as dark and as contrasty as the face, and grey in
a black-and-white picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import smoothstep
from facezoo.types import Image, Points

__all__ = ["Palette", "colorfulness", "grain_at", "palette_of", "skin_color", "tiled"]

_SKIN = [205, 425, 187, 411, 207, 427, 50, 280, 101, 330]  # mesh points: cheeks, and the chin near the mouth
_TINTED = 0.55  # how much of the skin's tint white has; in a picture of one tint all of it
_WHITE = (52.0, 0.68)  # its light beside the skin's: brighter than dark skin, as bright as light skin
_LIPS = [
    [14, 17],
    [87, 84],
    [317, 314],
    [178, 181],
    [402, 405],
    [13, 0],
    [82, 37],
    [312, 267],
]  # across the red of them
_FLESH = 1.0  # light of flesh where it is lit as white is, beside the lips
_REDDER = np.array([1.1, 0.88, 0.9], np.float32)  # than lips is what lies behind them
_DARK = 0.2  # the most light that darkness has, beside the skin
_RANGE = (18.0, 196.0)  # light of a texture that is painted with darkness alone, and with none
_REDNESS = (0.28, 0.55)  # of a texture, from white to flesh
_FINE = 0.1  # eye widths: coarser than this is shade, finer is grain


@dataclass(frozen=True, eq=False)
class Palette:
    """white, flesh, dark: (3,) float32 RGB in [0, 255]."""

    white: NDArray[np.float32]
    flesh: NDArray[np.float32]
    dark: NDArray[np.float32]

    def painted(self, texture: NDArray[np.float32], strength: float = 1.0) -> NDArray[np.float32]:
        """A texture (H, W, 3) RGB in [0, 255] in these colours: its light says how far from darkness, its redness what
        is flesh. strength: of the light."""
        light = texture.mean(axis=2, keepdims=True)
        red = (texture[..., :1] - texture[..., 1:].mean(axis=2, keepdims=True)) / np.maximum(light, 1)
        flesh = smoothstep(red, *_REDNESS)
        share = np.clip((light - _RANGE[0]) / (_RANGE[1] - _RANGE[0]), 0, 1) * strength
        target = self.white + flesh * (self.flesh - self.white)
        return (self.dark + share * (target - self.dark)).astype(np.float32)


def palette_of(photo: Image, mesh: Points) -> Palette:
    """The colours of a face. photo: (H, W, 3) RGB uint8; mesh: (468, 3) px in it."""
    color = colorfulness(photo, mesh)
    skin, lips = skin_color(photo, mesh), _median(photo, mesh[_LIPS, :2].mean(axis=1))
    face = _face(photo, mesh).reshape(-1, 3).astype(np.float32)
    light = face.mean(axis=1)
    level = float(skin.mean())
    brightest = float(np.percentile(light, 97))
    tint = (skin + 12) / (level + 12)
    white = min(_WHITE[0] + _WHITE[1] * level, brightest) * (1 + (1 - (1 - _TINTED) * color) * (tint - 1))
    depth = min(float(np.percentile(light, 3)), _DARK * level)
    flesh = lips * _REDDER**color
    dark = depth * flesh / max(float(flesh.mean()), 1.0)  # what light there is came from flesh
    return Palette(white.astype(np.float32), (flesh * _FLESH).astype(np.float32), dark.astype(np.float32))


def skin_color(image: Image, mesh: Points) -> NDArray[np.float32]:
    """(3,) RGB: median colour of the cheeks and the chin near the mouth."""
    return _median(image, mesh[_SKIN, :2])


def colorfulness(photo: Image, mesh: Points) -> float:
    """[0, 1]: 0 for a face in black and white or one tint, 1 for one in colours."""
    red, green, blue = np.moveaxis(_face(photo, mesh).astype(np.float64), 2, 0)
    light = (red + green + blue) / 3 + 12
    spread = max(float(((red - green) / light).std()), float((((red + green) / 2 - blue) / light).std()))
    return float(np.clip((spread - 0.015) / 0.06, 0, 1))


def grain_at(photo: Image, centre: Points, width: float) -> NDArray[np.float32]:
    """(h, w, 3): what is finer than shade in the skin or paint around a point, about half an eye wide. width: of an
    eye, px."""
    reach = max(3, int(0.22 * width))
    x, y = np.round(centre).astype(int)
    x = int(np.clip(x, 0, photo.shape[1] - 1))
    y = int(np.clip(y, 0, photo.shape[0] - 1))
    part = photo[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1].astype(np.float32)
    fine = part - cv2.GaussianBlur(part, (0, 0), max(1.0, _FINE * width))
    return np.clip(fine, -25, 25)


def tiled(grain: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Grain mirrored over and over to (size[1], size[0], 3)."""
    both = np.concatenate([grain, grain[::-1]])
    both = np.concatenate([both, both[:, ::-1]], axis=1)
    rows = -(-size[1] // both.shape[0])
    columns = -(-size[0] // both.shape[1])
    return np.tile(both, (rows, columns, 1))[: size[1], : size[0]]


def _median(image: Image, points: Points) -> NDArray[np.float32]:
    xs = np.clip(np.round(points[:, 0]).astype(int), 0, image.shape[1] - 1)
    ys = np.clip(np.round(points[:, 1]).astype(int), 0, image.shape[0] - 1)
    return np.median(image[ys, xs], axis=0).astype(np.float32)


def _face(photo: Image, mesh: Points) -> Image:
    """(48, 48, 3): the face, small; grey when it lies outside the picture."""
    low = np.maximum(np.floor(mesh[:, :2].min(axis=0)).astype(int), 0)
    high = np.maximum(np.ceil(mesh[:, :2].max(axis=0)).astype(int), low + 1)
    part = photo[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return np.full((48, 48, 3), 128, np.uint8)
    return np.asarray(cv2.resize(part, (48, 48), interpolation=cv2.INTER_AREA), np.uint8)
