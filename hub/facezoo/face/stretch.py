"""Cheeks that were seen from their edge: turned to the viewer, a few pixels become a broad strip. The stretch is shared
with the skin beside it, so that no strip is smeared.

Source: Floater 1997, "Parametrization and smooth approximation of surface triangulations" (each point is a weighted
mean of its neighbours)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import EYES, FACE_OVAL, INNER_LIPS, OUTER_LIPS, topology
from facezoo.types import Points

__all__ = ["Stretch"]

_SQUARE = 0.62  # cosine of the skin's angle to the viewer, above which a point is read where it is
_ROUNDS = 14  # how far the stretch is passed on


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
