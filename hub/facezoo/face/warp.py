"""Piecewise-affine maps between two meshes of 468 points."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import topology
from facezoo.types import Mask, Points

__all__ = ["mesh_map"]

_SUBPIXEL = 4  # bits of sub-pixel precision in the rasteriser


def mesh_map(target: Points, source: Points, size: tuple[int, int]) -> tuple[NDArray[np.float32], Mask]:
    """Where each pixel of the target's plane is found in the source's.

    target: (468, 3) mesh in the pixels of the plane that is drawn; source: (468, 3) mesh in the pixels of the picture
    that is read; size: (height, width) of the plane. Returns an (H, W, 2) float32 map for `cv2.remap` and the (H, W)
    mask of the pixels that a triangle covers. Nearer triangles are drawn over farther ones; those that face away are
    left out."""
    triangles = topology().triangles
    corners, origin = target[triangles, :2].astype(np.float64), source[triangles, :2].astype(np.float64)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    order = np.argsort(-target[triangles, 2].mean(axis=1))
    order = order[area[order] > 1e-3]
    identity = np.zeros(size, np.int32)
    fixed = np.round(corners * (1 << _SUBPIXEL)).astype(np.int32)
    for index in order:
        cv2.fillConvexPoly(identity, fixed[index], int(index) + 1, lineType=cv2.LINE_8, shift=_SUBPIXEL)
    covered = identity > 0
    homogeneous = np.concatenate([corners, np.ones_like(corners[..., :1])], axis=2)  # (T, 3 corners, 3)
    homogeneous[np.abs(area) <= 1e-3] = np.eye(3)
    affine = np.einsum("tij,tjk->tki", np.linalg.inv(homogeneous), origin)  # (T, 2, 3): source = affine @ (x, y, 1)
    ys, xs = np.nonzero(covered)
    chosen = affine[identity[ys, xs] - 1]
    mapped = np.zeros((*size, 2), np.float32)
    mapped[ys, xs] = (chosen[:, :, 0] * xs[:, None] + chosen[:, :, 1] * ys[:, None] + chosen[:, :, 2]).astype(
        np.float32
    )
    return mapped, covered.astype(np.float32)
