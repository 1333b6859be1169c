"""The 68 points and two irises of a face, and the drawing of them that the networks are told what to do with.

Source: Zakharov et al. 2019, "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models" (section 3:
landmarks joined by lines, one colour a part). The irises are ours: without them a drawing does not say where eyes look.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import crop_affine
from facezoo.motion.drawing import irises_at
from facezoo.types import Image, Landmarks, Points

__all__ = ["COUNT", "MIRROR", "draw_points", "points_of", "window"]

_REACH = 1.15  # sides of the aligned crop, of the window through which a head is seen moving

COUNT = 70
"""Points: 68 in the order of iBUG 300-W, then the middles of the irises, the viewer's left one first."""
_LINES: tuple[tuple[int, int, bool, tuple[int, int, int]], ...] = (
    (0, 17, False, (255, 255, 255)),  # jaw
    (17, 22, False, (255, 160, 0)),  # brows
    (22, 27, False, (255, 220, 0)),
    (27, 31, False, (60, 120, 255)),  # nose
    (31, 36, False, (60, 200, 255)),
    (36, 42, True, (0, 220, 80)),  # eyes
    (42, 48, True, (0, 220, 170)),
    (48, 60, True, (255, 60, 60)),  # lips, outside and inside
    (60, 68, True, (255, 60, 220)),
)
_WIDTH = 1.5 / 128  # of a line, in sides of the picture
_IRIS = 0.14  # radius in widths of the eye
_JAW, _BROWS, _NOSE = [*range(16, -1, -1)], [*range(26, 16, -1)], [27, 28, 29, 30, 35, 34, 33, 32, 31]
_EYES = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
_LIPS = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
MIRROR: NDArray[np.int64] = np.array([*_JAW, *_BROWS, *_NOSE, *_EYES, *_LIPS, 69, 68])
"""(70,): the point on the other side."""


def points_of(points: Points, gaze: NDArray[np.float32], mesh: Points | None = None) -> Points:
    """(70, 2) float32 px. points: (68, 2) px; gaze: (2,) eye widths that the irises are off the middle of the eyes,
    right and down; mesh: (468, 3) px of the same face, where there is one, which knows the corners of eyes better."""
    if mesh is not None and len(mesh):
        irises = irises_at(mesh, gaze)[:, :2]
    else:
        irises = np.stack([_iris(points[first : first + 6], gaze) for first in (36, 42)])
    return np.concatenate([points[:, :2], irises]).astype(np.float32)


def window(landmarks: Landmarks, side: int) -> NDArray[np.float32]:
    """(2, 3) float32: from the points of a photo to those of the window around its face, `side` px wide: the aligned
    crop, a little wider, so that a head has room to move."""
    affine, _ = crop_affine(landmarks, side)
    middle = np.array([[0, 0, (side - 1) / 2]] * 2)
    return ((affine - middle) / _REACH + middle).astype(np.float32)


def draw_points(points: Points, side: int) -> Image:
    """(side, side, 3) RGB uint8, black where nothing is drawn. points: (70, 2) px of that picture."""
    picture = np.zeros((side, side, 3), np.uint8)
    fixed = np.round(points * 16).astype(np.int32)
    for number, corner in ((68, 36), (69, 42)):
        radius = _IRIS * float(np.hypot(*(points[corner + 3] - points[corner])))
        color = (140, 140, 255) if number == 68 else (200, 140, 255)
        cv2.circle(picture, fixed[number].tolist(), max(1, round(radius * 16)), color, -1, cv2.LINE_AA, 4)
    for first, last, closed, color in _LINES:
        cv2.polylines(picture, [fixed[first:last]], closed, color, max(1, round(_WIDTH * side)), cv2.LINE_AA, shift=4)
    return picture


def _iris(eye: Points, gaze: NDArray[np.float32]) -> Points:
    """(2,) px: the middle of the iris of an eye of six points."""
    across = eye[3] - eye[0]
    return (eye[0] + eye[3]) / 2 + gaze[0] * across + gaze[1] * np.array([-across[1], across[0]])
