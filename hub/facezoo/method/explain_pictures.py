"""Pictures that explain a method: a mesh, a mask, a skin on its own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import topology
from facezoo.types import Image, Mask, Points

__all__ = ["masked", "on_grey", "with_mesh"]

_SMALLEST = 512  # px: on fewer the lines run into one another
_LINE = (255, 255, 255)
_GROUND = 64  # grey behind what stands alone
_DIM = 0.3  # what a mask leaves out


def with_mesh(crop: Image, mesh: Points) -> Image:
    """The crop with the triangles of its (468, 3) mesh, crop px, drawn on it: (S, S, 3) RGB uint8, S at least 512."""
    size = max(crop.shape[0], _SMALLEST)
    ratio = size / crop.shape[0]
    ground = np.asarray(cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
    points = (mesh[:, :2] + 0.5) * ratio - 0.5
    corners = np.round(points[topology().triangles] * 16).astype(np.int32)
    lines = ground.copy()
    cv2.polylines(lines, list(corners), True, _LINE, max(1, size // 768), cv2.LINE_AA, shift=4)
    return np.asarray(cv2.addWeighted(lines, 0.65, ground, 0.35, 0), np.uint8)


def masked(crop: Image, mask: Mask) -> Image:
    """The mask in white over the darkened crop: (S, S, 3) RGB uint8. crop: (S, S, 3), mask: (S, S) in [0, 1]."""
    white = np.clip(mask, 0, 1)[..., None] * np.float32(255)
    dark = crop * np.float32(_DIM) * (1 - white / 255)
    return np.round(white + dark).astype(np.uint8)


def on_grey(picture: Image | NDArray[np.float32], alpha: Mask) -> Image:
    """A picture with nothing but grey where alpha is 0: (S, S, 3) RGB uint8. picture: (S, S, 3), [0, 255] or near it;
    alpha: (S, S) in [0, 1]."""
    share = np.clip(alpha, 0, 1)[..., None]
    mixed = picture.astype(np.float32) * share + np.float32(_GROUND) * (1 - share)
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)
