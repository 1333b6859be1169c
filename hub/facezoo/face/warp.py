"""Piecewise-affine maps: textured triangles, drawn back to front, and what each pixel then reads.

Source: Wolberg 1990, "Digital Image Warping" (chapter 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import topology
from facezoo.types import Image, Mask, Points

__all__ = ["Raster", "fit_affine", "lay_over", "mesh_map", "rasterise", "sample", "smoothstep"]

_SUBPIXEL = 4  # bits of sub-pixel precision in the rasteriser
_THINNEST = 0.25  # pixels of height below which a triangle is not drawn: it is seen from its edge and reads far off


def mesh_map(target: Points, source: Points, size: tuple[int, int]) -> tuple[NDArray[np.float32], Mask]:
    """Where each pixel of the target's plane is found in the source's, through the mesh of 468 points.

    target: (468, 3) mesh in the pixels of the plane that is drawn; source: (468, 3) mesh in the pixels of the picture
    that is read; size: (height, width) of the plane. Returns an (H, W, 2) float32 map for `sample`, valid one pixel
    beyond what is covered, and the (H, W) float32 mask of what is covered."""
    raster = rasterise(target, topology().triangles, (size[1], size[0]))
    return raster.read(source[:, :2]), raster.covered


@dataclass(frozen=True, eq=False)
class Raster:
    """Which triangle each pixel shows. triangles: (T, 3) int32, those drawn, back to front; corners: (T, 3, 2) float64
    px; numbers: (H, W) uint16, rank of the triangle from 1, 0 where there is none."""

    triangles: NDArray[np.int32]
    corners: NDArray[np.float64]
    numbers: NDArray[np.uint16]

    @property
    def covered(self) -> Mask:
        """(H, W) float32: 1 where a triangle was drawn."""
        return (self.numbers > 0).astype(np.float32)

    def read(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of the points, (N, K), interpolated linearly in each triangle: (H, W, K) float32, valid one pixel
        beyond what is covered."""
        grown = np.asarray(cv2.dilate(self.numbers, np.ones((3, 3), np.uint8)), np.uint16)
        np.copyto(grown, self.numbers, where=self.numbers > 0)
        plane = self._planes(values[self.triangles].astype(np.float64))
        xs = np.arange(grown.shape[1], dtype=np.float32)
        ys = np.arange(grown.shape[0], dtype=np.float32)[:, None]
        found = np.empty((*grown.shape, values.shape[1]), np.float32)
        chosen = np.take(plane, grown, axis=0)
        for k in range(values.shape[1]):
            found[..., k] = chosen[..., 3 * k] * xs + chosen[..., 3 * k + 1] * ys + chosen[..., 3 * k + 2]
        return found

    def _planes(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """(T + 1, 3 K): for each triangle and value the plane (a, b, c) with value = ax + by + c; row 0 is nothing."""
        edge, other = self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]
        area = (edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0])[:, None]
        along, across = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
        by_x = (along * other[:, 1:] - across * edge[:, 1:]) / area
        by_y = (across * edge[:, :1] - along * other[:, :1]) / area
        at = values[:, 0] - by_x * self.corners[:, 0, :1] - by_y * self.corners[:, 0, 1:]
        rows = np.stack([by_x, by_y, at], axis=2).reshape(len(values), 3 * values.shape[2])
        return np.concatenate([np.zeros((1, rows.shape[1])), rows]).astype(np.float32)


def rasterise(
    target: NDArray[Any], triangles: NDArray[np.int32], size: tuple[int, int], *, edge_on: float = 0.0
) -> Raster:
    """Draw triangles back to front. target: (N, 3) px of the plane drawn, z away from the viewer; size: (width,
    height). Triangles whose corners run anticlockwise are not drawn, nor those whose cosine to the viewer is below
    edge_on."""
    corners = target[triangles, :2].astype(np.float64)
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]
    order = np.argsort(-target[triangles, 2].sum(axis=1), kind="stable")
    if edge_on:
        solid = target[triangles].astype(np.float64)
        normals = np.cross(solid[:, 1] - solid[:, 0], solid[:, 2] - solid[:, 0])
        order = order[area[order] > edge_on * np.linalg.norm(normals[order], axis=1)]
    longest = np.sqrt(np.maximum((edge**2).sum(axis=1), (other**2).sum(axis=1)))
    order = order[area[order] > _THINNEST * longest[order]]
    numbers = np.zeros((size[1], size[0]), np.uint16)
    fixed = np.round(corners * (1 << _SUBPIXEL)).astype(np.int32)
    for rank, index in enumerate(order.tolist(), start=1):
        cv2.fillConvexPoly(numbers, fixed[index], rank, lineType=cv2.LINE_8, shift=_SUBPIXEL)
    return Raster(triangles[order], corners[order], numbers)


def lay_over(under: Image, over: Image, alpha: Mask) -> None:
    """Blend `over` onto `under` in place. Both (H, W, 3) uint8; alpha: (H, W) in [0, 1]."""
    cv2.blendLinear(over, under, alpha, 1 - alpha, dst=under)


def sample(picture: Image, warp: NDArray[np.float32]) -> Image:
    """Read a picture (H, W, C) uint8 where a map (h, w, 2) says, x then y; bicubic, mirrored at the edges."""
    second: Any = None
    return np.asarray(cv2.remap(picture, warp, second, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def fit_affine(points: NDArray[Any], images: NDArray[Any]) -> NDArray[np.float64]:
    """(2, 3): the affine that takes points (N, 2) nearest to images (N, 2), in the mean of squares."""
    rows = np.concatenate([points, np.ones((len(points), 1))], axis=1).astype(np.float64)
    return np.asarray(np.linalg.lstsq(rows, images.astype(np.float64), rcond=None)[0].T, np.float64)


def smoothstep(value: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """0 up to `low`, 1 from `high` on, smooth between them (low above high: the other way round)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
