"""The head in three dimensions: where it is in a picture, and its own shape with that taken away.

Source: Umeyama 1991, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns" (eq. 40-42).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import RIGID, angles, topology
from facezoo.types import Points, Pose

__all__ = ["Placement", "fit_head", "rotation_of"]

_RIGID = np.array(RIGID)
_WEIGHTS = np.where(np.arange(len(_RIGID)) < 5, 3.0, 1.0)  # the bridge of the nose hardly moves with expressions


@dataclass(frozen=True, eq=False)
class Placement:
    """A head in a picture: point = scale * rotation @ shape + shift.

    scale: pixels a unit, the unit being the distance of the outer eye corners of the mean face. rotation: (3, 3)
    float32, from the head's axes (x to the picture's right, y down, z away from the viewer, origin between the eyes) to
    the picture's. shift: (3,) float32 px, where the head's origin lies; its depth is relative."""

    scale: float
    rotation: NDArray[np.float32]
    shift: NDArray[np.float32]

    def to_picture(self, shape: Points) -> Points:
        """(N, 3) points in head units to (N, 3) picture pixels."""
        return (self.scale * (shape @ self.rotation.T) + self.shift).astype(np.float32)

    def to_head(self, points: Points) -> Points:
        """(N, 3) picture pixels to (N, 3) head units."""
        return ((points - self.shift) @ self.rotation / self.scale).astype(np.float32)

    @property
    def pose(self) -> Pose:
        """Yaw, pitch and roll in degrees."""
        return angles(self.rotation)


def fit_head(mesh: Points) -> Placement:
    """The similarity that takes the mean face onto a mesh, by least squares over the points that expressions leave in
    place. mesh: (468, 3) px."""
    model = topology().canonical[_RIGID].astype(np.float64)
    seen = mesh[_RIGID].astype(np.float64)
    weights = _WEIGHTS / _WEIGHTS.sum()
    model_middle, seen_middle = weights @ model, weights @ seen
    model, seen = model - model_middle, seen - seen_middle
    u, values, vt = np.linalg.svd((seen * weights[:, None]).T @ model)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = float(values @ sign / (weights @ (model**2).sum(axis=1)))
    shift = seen_middle - scale * rotation @ model_middle
    return Placement(scale, rotation.astype(np.float32), shift.astype(np.float32))


def rotation_of(pose: Pose) -> NDArray[np.float32]:
    """The (3, 3) rotation of a pose; `mesh.angles` gives the pose back."""
    turns = [np.zeros(3), np.zeros(3), np.zeros(3)]
    turns[0][1], turns[1][0], turns[2][2] = -np.radians(pose.yaw), np.radians(pose.pitch), np.radians(pose.roll)
    yaw, pitch, roll = (cv2.Rodrigues(turn)[0] for turn in turns)
    return np.asarray(yaw @ pitch @ roll, np.float32)
