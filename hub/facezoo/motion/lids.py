"""Upper eyelids that the photo does not show: an open eye folds its lid away, a closing one unfolds it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import EYES, lay_over, rasterise, smoothstep
from facezoo.motion.palette import grain_at, tiled
from facezoo.types import Image, Points

__all__ = ["Lids"]

_CREASES = ((247, 30, 29, 27, 28, 56, 190), (414, 286, 258, 257, 259, 260, 467))  # mesh points just above each lid
_BELOW_BROWS = ((113, 225, 224, 223, 222, 221, 189), (413, 441, 442, 443, 444, 445, 342))
_SKIN = ([50, 205, 207, 123, 117, 187, 151], [280, 425, 427, 352, 346, 411, 151])  # cheek and forehead
_CHEEKS = (101, 330)  # whose grain the lids take
_SHADED = 0.74  # how light a lid is, next to the cheek, where only lashes and brows are seen above it
_DEEP = 0.86  # how light the lid is at its edge, next to its middle


class Lids:
    """Both upper lids of a photo. photo: (H, W, 3) RGB uint8; mesh: (468, 3) px in it."""

    def __init__(self, photo: Image, mesh: Points) -> None:
        self._sides = [_Lid(photo, mesh, side) for side in range(2)]

    def paint(self, canvas: Image, mesh: Points, closing: NDArray[np.float32]) -> None:
        """Lay the unfolded skin over closing lids. mesh: (468, 2+) px of the canvas, as it is now; closing: (2,) in
        [0, 1], 0 leaves an eye as it is."""
        for side, lid in enumerate(self._sides):
            if closing[side] > 0:
                lid.paint(canvas, mesh, float(closing[side]))


class _Lid:
    def __init__(self, photo: Image, mesh: Points, side: int) -> None:
        self._ring = list(EYES[side][1:8])
        self._crease, self._below_brow = list(_CREASES[side]), list(_BELOW_BROWS[side])
        width = float(np.linalg.norm(mesh[EYES[side][8], :2] - mesh[EYES[side][0], :2]))
        self._width = max(width, 1.0)
        smooth = np.asarray(cv2.GaussianBlur(photo, (0, 0), max(0.8, 0.04 * width)), np.uint8)
        brows = mesh[self._below_brow, :2]
        steps = np.array([0.1, 0.3, 0.5, 0.7])[:, None, None]
        candidates = _colors_at(smooth, mesh[self._crease, :2] + steps * (brows - mesh[self._crease, :2]))
        order = np.argsort(candidates.sum(axis=2), axis=0)[2]  # rather light: neither lash nor brow
        colors = np.take_along_axis(candidates, order[None, :, None], axis=0)[0]
        cheek = np.median(_colors_at(smooth, mesh[_SKIN[side], :2].astype(np.float64)), axis=0)
        colors += 0.7 * (colors.mean(axis=1, keepdims=True) * cheek / max(cheek.mean(), 1.0) - colors)
        dark = smoothstep(colors.mean(axis=1) / max(cheek.mean(), 1.0), 0.8, 0.5)[:, None]
        colors = colors + np.maximum(dark, 0.35) * (_SHADED * cheek - colors)
        kernel = np.array([0.25, 0.5, 0.25])
        padded = np.pad(colors, ((1, 1), (0, 0)), mode="edge")
        self._colors = np.stack([np.convolve(padded[:, c], kernel, "valid") for c in range(3)], axis=1)
        self._grain = grain_at(photo, mesh[_CHEEKS[side], :2], width)

    def paint(self, canvas: Image, mesh: Points, closing: float) -> None:
        crease, edge = mesh[self._crease, :2], mesh[self._ring, :2]
        top = crease + 0.25 * (mesh[self._below_brow, :2] - crease)
        both = np.concatenate([top, edge])
        low = np.maximum(np.floor(both.min(axis=0)).astype(int) - 2, 0)
        high = np.minimum(np.ceil(both.max(axis=0)).astype(int) + 3, canvas.shape[1::-1])
        if (high <= low).any():
            return
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        flat = np.concatenate([both - low, np.zeros((14, 1))], axis=1)
        triangles = np.array([t for i in range(6) for t in ((i, i + 1, i + 8), (i, i + 8, i + 7))], np.int32)
        raster = rasterise(flat, triangles, size)
        along = np.tile(np.linspace(0, 1, 7), 2)
        down = np.repeat([0.0, 1.0], 7)
        values = np.concatenate([np.stack([along, down], axis=1), np.tile(self._colors, (2, 1))], axis=1)
        plane = raster.read(values.astype(np.float32))
        across, height = np.clip(plane[..., 0], 0, 1), np.clip(plane[..., 1], 0, 1)
        bulge = 1 - (1 - _DEEP) * np.clip(0.35 * height**2 + 0.65 * (2 * across - 1) ** 2, 0, 1)
        skin = plane[..., 2:] * bulge[..., None] + tiled(self._grain, size)
        edges = smoothstep(np.minimum(across, 1 - across), 0.0, 0.25)
        alpha = raster.covered * smoothstep(height, 0.0, 0.4) * edges * min(1.0, closing * 1.15)
        alpha = np.asarray(cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), max(0.5, 0.02 * self._width)), np.float32)
        lay_over(canvas[low[1] : high[1], low[0] : high[0]], np.clip(skin, 0, 255).astype(np.uint8), alpha)


def _colors_at(picture: Image, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours (..., 3) at points (..., 2) px."""
    xs = np.clip(np.round(points[..., 0]).astype(int), 0, picture.shape[1] - 1)
    ys = np.clip(np.round(points[..., 1]).astype(int), 0, picture.shape[0] - 1)
    return picture[ys, xs].astype(np.float64)
