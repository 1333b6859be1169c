"""What a persona's translator sees of the aligned crop: the face alone, in the persona's own colours, so that features
are all that is left to change.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import smoothstep
from facezoo.face.paste import from_lab, moments, to_lab, with_moments
from facezoo.types import Image, Mask

__all__ = ["SHARE", "SIDE", "alone", "colors", "oval", "toned", "window", "window_box"]

SIDE = 112
"""Pixels on a side of what the translator sees."""

SHARE = 0.62
"""Side of the window as a share of the crop's side."""

_LEFT, _TOP = 0.19, 0.25  # its left and top edge
_MIDDLE, _RADII, _POWER = (0.5, 0.49), (0.44, 0.49), 2.4  # of the oval in it, as shares of its side; 2 is an ellipse
_EDGE = 0.16  # how soft the oval's edge is, in shares of its radii
_GAIN = (0.6, 1.6)  # bounds of what the spread of a colour is multiplied with


def window_box(crop: int) -> tuple[int, int, int]:
    """Left edge, top edge and side in pixels of the window in an aligned crop of `crop` px."""
    left, top, side = (round(part * crop) for part in (_LEFT, _TOP, SHARE))
    return left, top, side


def window(crop: Image, side: int = SIDE) -> Image:
    """(side, side, 3) RGB uint8 of an aligned crop (S, S, 3) RGB uint8."""
    left, top, share = window_box(crop.shape[0])
    part = crop[top : top + share, left : left + share]
    smoothing = cv2.INTER_AREA if share > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (side, side), interpolation=smoothing), np.uint8)


@lru_cache(maxsize=8)
def oval(side: int = SIDE) -> Mask:
    """(side, side) float32 in [0, 1]: 1 on the face, 0 in the window's corners."""
    ys, xs = (np.mgrid[0:side, 0:side].astype(np.float32) + 0.5) / side
    along = np.abs(xs - _MIDDLE[0]) / _RADII[0], np.abs(ys - _MIDDLE[1]) / _RADII[1]
    distance = (along[0] ** _POWER + along[1] ** _POWER) ** (1 / _POWER)
    return smoothstep(1 - distance, 0, _EDGE)


def alone(picture: Image) -> Image:
    """A window (S, S, 3) RGB uint8 with grey around the oval."""
    share = oval(picture.shape[0])[..., None]
    return np.rint(picture * share + 127.5 * (1 - share)).astype(np.uint8)


def colors(picture: Image) -> NDArray[np.float32]:
    """(2, 3) float32, mean and standard deviation in CIE Lab of a window (S, S, 3) RGB uint8, within the oval."""
    return moments(to_lab(picture)[oval(picture.shape[0]) > 0.5])


def toned(picture: Image, wanted: NDArray[np.float32]) -> Image:
    """A window (S, S, 3) RGB uint8 moved so that its colours are `wanted`, as `colors` gives them."""
    moved = from_lab(with_moments(to_lab(picture), colors(picture), wanted, _GAIN))
    return np.clip(moved, 0, 255).round().astype(np.uint8)
