"""What a photo hides of a face and a turn brings to light.

`FarSide`: a cheek that is not seen at all is the near side's skin, mirrored, in the far side's light. `Stretch`: a few
pixels of a cheek that was seen from its edge would become a broad strip; the stretch is shared with the skin beside.

Source: Floater 1997, "Parametrization and smooth approximation of surface triangulations" (each point is a weighted
mean of its neighbours).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import EYES, FACE_OVAL, INNER_LIPS, OUTER_LIPS, rasterise, smoothstep, topology, vertex_normals
from facezoo.types import Image, Points

__all__ = ["FarSide", "Stretch", "facing"]

_RELIABLE = 0.45  # how squarely a point faces the viewer (cosine) for its colour to count
_MIDDLE = (0.2, 0.36)  # head units from the middle of the face, between which mirroring sets in
_SPREAD = 0.3  # head units over which colour gains are spread
_GRAIN = 0.07  # head units over which colour is averaged
_SQUARE = 0.62  # cosine of the skin's angle to the viewer, above which a point is read where it is
_ROUNDS = 14  # how far the stretch is passed on


class FarSide:
    """photo: (H, W, 3) RGB uint8. mesh: (468, 3) px in it. scale: px a head unit.

    picture: the photo with colours fitted, to be read at `mirrored`, (468, 2) px, for each point of the mesh."""

    def __init__(self, photo: Image, mesh: Points, scale: float) -> None:
        mirror = topology().mirror
        self._facing = facing(mesh)
        self._better = smoothstep(self._facing[mirror] - self._facing, 0.12, 0.4) * (
            1 - smoothstep(self._facing, 0.3, 0.6)
        )
        aside = np.abs(topology().canonical[:, 0])
        self._better *= smoothstep(aside, *_MIDDLE)  # nose and lips are never quite symmetrical, and seen anyway
        self.mirrored = np.ascontiguousarray(mesh[mirror, :2])
        self.picture = photo
        if self._better.max() > 0.02:
            self.picture = _fitted(photo, mesh, self._facing, scale)

    def weight(self, mesh: Points) -> Points:
        """(468,) in [0, 1]: how much of each point must come from the mirrored side, for the mesh as it is now."""
        shown = facing(mesh)
        return (self._better * smoothstep(shown - self._facing, 0.02, 0.22)).astype(np.float32)


def facing(mesh: Points) -> Points:
    """(468,) cosine between the skin's normal and the direction to the viewer, 1 where it looks at us."""
    return -vertex_normals(mesh.astype(np.float64))[:, 2].astype(np.float32)


def _fitted(photo: Image, mesh: Points, square: Points, scale: float) -> Image:
    """The photo with the near side's colours multiplied by the gain that takes them to those of the far side."""
    mirror, canonical = topology().mirror, topology().canonical
    low = np.maximum(np.floor(mesh[:, :2].min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(mesh[:, :2].max(axis=0)).astype(int) + 3, photo.shape[1::-1])
    part = photo[low[1] : high[1], low[0] : high[0]]
    smooth = cv2.GaussianBlur(part, (0, 0), max(1.0, _GRAIN * scale)).astype(np.float32) + 4
    at = np.clip(np.round(mesh[:, :2] - low).astype(int), 0, np.array(part.shape[1::-1]) - 1)
    color = smooth[at[:, 1], at[:, 0]]
    ratio = np.log(color / color[mirror])  # from a point's mirror image to the point
    reliable = np.minimum(square, square[mirror]) > _RELIABLE
    distance = np.linalg.norm(canonical[:, None, :2] - canonical[None, reliable, :2], axis=2)
    share = np.exp(-((distance / _SPREAD) ** 2)) + 1e-6
    spread = (share[..., None] * ratio[reliable]).sum(axis=1) / share.sum(axis=1)[:, None]
    gain = np.exp(np.clip(spread, -0.7, 0.5)).astype(np.float32)
    local = mesh.copy()
    local[:, :2] -= low
    raster = rasterise(local, topology().triangles, (part.shape[1], part.shape[0]))
    plane = raster.read(gain[mirror])
    plane[cv2.dilate(raster.numbers, np.ones((3, 3), np.uint8)) == 0] = 1
    fitted = photo.copy()
    fitted[low[1] : high[1], low[0] : high[0]] = np.clip(part * plane, 0, 255).astype(np.uint8)
    return fitted


class Stretch:
    """mesh: (468, 3) px in the photo. facing: (468,) cosine of the skin's angle to the viewer in it."""

    def __init__(self, mesh: Points, facing: NDArray[np.float32]) -> None:
        free = facing < _SQUARE
        free[[*FACE_OVAL, *EYES[0], *EYES[1], *OUTER_LIPS, *INNER_LIPS]] = False
        pairs = topology().triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        pairs = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
        self._pairs = pairs[free[pairs[:, 0]]]
        self._mesh = mesh[:, :2].astype(np.float64)
        self._rest = self._shared(mesh)

    def read(self, mesh: Points) -> Points:
        """(468, 2) px: where in the photo each point is read when the mesh is at `mesh` (468, 3) px."""
        return (self._mesh + self._shared(mesh) - self._rest).astype(np.float32)

    def _shared(self, mesh: Points) -> NDArray[np.float64]:
        """The points' places in the photo, drawn toward an even stretch between their neighbours as they lie now."""
        here, there = self._pairs.T
        apart = np.linalg.norm((mesh[here, :2] - mesh[there, :2]).astype(np.float64), axis=1)
        weight = 1 / np.maximum(apart, 1e-3)
        total = np.bincount(here, weight, 468)
        moved = total > 0
        places = self._mesh.copy()
        for _ in range(_ROUNDS):
            for axis in range(2):
                mean = np.bincount(here, weight * places[there, axis], 468)
                places[moved, axis] = mean[moved] / total[moved]
        return places
