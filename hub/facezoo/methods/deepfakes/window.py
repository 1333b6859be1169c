"""What the autoencoder sees of the aligned crop: the face, without most of the hair and all of the shoulders; and the
random warp that it is trained to undo.

Source: the faceswap project (2017), whose warp moves a grid of 5 x 5 points at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import crop_affine
from facezoo.types import Landmarks

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = ["LEFT", "SHARE", "TOP", "WARP", "random_warp", "window_affine", "window_box"]

LEFT, TOP, SHARE = 0.125, 0.21875, 0.75
"""Left edge, top edge and side of the window as shares of the aligned crop's side; 98 of 100 faces turned by up to 30
degrees lie within."""

WARP = 0.02
"""Strength of the random warp in training."""


def window_affine(landmarks: Landmarks, side: int) -> NDArray[np.float32]:
    """(2, 3) float32 from picture points to points of the window, which has `side` px."""
    crop, found = crop_affine(landmarks, 1024)
    return window_box(found, side) @ np.vstack([crop, [0, 0, 1]]).astype(np.float32)


def window_box(crop: int, side: int) -> NDArray[np.float32]:
    """(2, 3) float32 from points of an aligned crop of `crop` px to points of the window of `side` px.

    Convention: pixel centres are integers, edges lie half a pixel before and behind."""
    scale = side / (SHARE * crop)
    shift = [-scale * (part * crop - 0.5) - 0.5 for part in (LEFT, TOP)]
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)


def random_warp(count: int, side: int, strength: float = WARP, random: Generator | None = None) -> Tensor:
    """(N, S, S, 2) float32 to be added to the window's grid, which runs from -1 to 1: 5 x 5 points moved at random,
    smooth between them. strength: standard deviation in shares of the window's side. random: torch's own when None."""
    import torch
    from torch.nn import functional

    offsets = 2 * strength * torch.randn(count, 2, 5, 5, generator=random)
    smooth = functional.interpolate(offsets, size=(side, side), mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1)
