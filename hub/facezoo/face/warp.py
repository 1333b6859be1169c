"""Piecewise-affine maps: textured triangles, drawn back to front into a map for `cv2.remap`.

Source: Wolberg 1990, "Digital Image Warping" (chapter 7).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import topology
from facezoo.types import Image, Mask, Points

__all__ = ["apply_affines", "lay_over", "mesh_map", "rasterise", "sample", "triangle_affines"]

_SUBPIXEL = 4  # bits of sub-pixel precision in the rasteriser
_THINNEST = 1e-2  # square pixels below which a triangle is not drawn


def mesh_map(target: Points, source: Points, size: tuple[int, int]) -> tuple[NDArray[np.float32], Mask]:
    """Where each pixel of the target's plane is found in the source's, through the mesh of 468 points.

    target: (468, 3) mesh in the pixels of the plane that is drawn; source: (468, 3) mesh in the pixels of the picture
    that is read; size: (height, width) of the plane. See `rasterise`."""
    return rasterise(target, source[:, :2], topology().triangles, (size[1], size[0]))


def rasterise(
    target: Points, source: Points, triangles: NDArray[np.int32], size: tuple[int, int]
) -> tuple[NDArray[np.float32], Mask]:
    """Draw triangles back to front. target: (N, 3) px of the plane drawn, source: (N, 2) px of the picture read; size:
    (width, height). Triangles whose corners run anticlockwise are not drawn. Returns an (H, W, 2) float32 map for
    `cv2.remap`, valid one pixel beyond what is covered, and the (H, W) float32 mask of what is covered."""
    corners = target[triangles, :2].astype(np.float64)
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]
    order = np.argsort(-target[triangles, 2].sum(axis=1), kind="stable")
    order = order[area[order] > _THINNEST]
    numbers = np.zeros((size[1], size[0]), np.uint16)
    fixed = np.round(corners * (1 << _SUBPIXEL)).astype(np.int32)
    for rank, index in enumerate(order.tolist(), start=1):
        cv2.fillConvexPoly(numbers, fixed[index], rank, lineType=cv2.LINE_8, shift=_SUBPIXEL)
    affine = triangle_affines(corners[order], source[triangles[order]].astype(np.float64), area[order])
    covered = (numbers > 0).astype(np.float32)
    grown = cv2.dilate(numbers, np.ones((3, 3), np.uint8))
    np.copyto(grown, numbers, where=numbers > 0)
    return apply_affines(affine, grown), covered


def triangle_affines(
    corners: NDArray[np.float64], origin: NDArray[np.float64], area: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(T + 1, 6) float32: for each triangle, the affine (a, b, c, d, e, f) with x = ax + by + c, y = dx + ey + f from
    target to source; row 0 is nothing."""
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    from_edge, from_other = origin[:, 1] - origin[:, 0], origin[:, 2] - origin[:, 0]
    scale = 1 / area[:, None]
    by_x = (from_edge * other[:, 1:] - from_other * edge[:, 1:]) * scale
    by_y = (from_other * edge[:, :1] - from_edge * other[:, :1]) * scale
    at = origin[:, 0] - by_x * corners[:, 0, :1] - by_y * corners[:, 0, 1:]
    rows = np.stack([by_x[:, 0], by_y[:, 0], at[:, 0], by_x[:, 1], by_y[:, 1], at[:, 1]], axis=1)
    return np.concatenate([np.zeros((1, 6)), rows]).astype(np.float32)


def apply_affines(affine: NDArray[np.float32], numbers: NDArray[np.uint16]) -> NDArray[np.float32]:
    """(H, W, 2) float32 map: each pixel through the affine of its number."""
    chosen = np.take(affine, numbers, axis=0)
    xs = np.arange(numbers.shape[1], dtype=np.float32)
    ys = np.arange(numbers.shape[0], dtype=np.float32)[:, None]
    warp = np.empty((*numbers.shape, 2), np.float32)
    warp[..., 0] = chosen[..., 0] * xs + chosen[..., 1] * ys + chosen[..., 2]
    warp[..., 1] = chosen[..., 3] * xs + chosen[..., 4] * ys + chosen[..., 5]
    return warp


def lay_over(under: Image, over: Image, alpha: Mask) -> None:
    """Blend `over` onto `under` in place. Both (H, W, 3) uint8; alpha: (H, W) in [0, 1]."""
    cv2.blendLinear(over, under, alpha, 1 - alpha, dst=under)


def sample(picture: Image, warp: NDArray[np.float32]) -> Image:
    """Read a picture (H, W, C) uint8 where a map (h, w, 2) says, x then y: (h, w, C), bicubic, mirrored at the edges."""
    second: Any = None
    return np.asarray(cv2.remap(picture, warp, second, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), np.uint8)
