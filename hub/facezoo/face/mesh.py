"""The 468-point mesh: its triangles and mean shape, the 68-point map, head pose, openness of eyes and mouth.

Convention: "left" and "right" are the viewer's, in picture order; point numbers are MediaPipe's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face._litert import MODELS
from facezoo.types import Landmarks, Points, Pose

__all__ = [
    "BROWS",
    "EYES",
    "FACE_OVAL",
    "INNER_LIPS",
    "OUTER_LIPS",
    "RIGID",
    "Topology",
    "angles",
    "expression",
    "head_pose",
    "inter_ocular",
    "to_68",
    "topology",
]

FACE_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
             152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)  # from the corner on the viewer's left, over the upper lid, back under the lower one
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (336, 296, 334, 293, 300, 276, 283, 282, 295, 285),
)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)

_TO_68 = (
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,  # jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # brows
    168, 197, 5, 4, 98, 97, 2, 326, 327,  # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips
)  # fmt: skip
RIGID = (6, 197, 195, 5, 168, 8, 9, 151, 10, 33, 133, 362, 263, 127, 356, 234, 454, 162, 389, 21, 251, 54, 284,
          103, 332, 67, 297, 109, 338, 93, 323, 122, 351, 193, 417)  # fmt: skip
"""Points that expressions leave in place; the first five are the bridge of the nose."""
_CAMERA_DISTANCE = 11.0  # in widths between the outer eye corners: about one metre, a usual portrait


@dataclass(frozen=True, eq=False)
class Topology:
    """triangles: (852, 3) int32, clockwise on screen where the skin faces the viewer; eyes and mouth are holes.
    canonical: (468, 3) float32, the mean face looking at the viewer, distance of the outer eye corners 1, y down.
    mirror: (468,) int32, the point on the other side."""

    triangles: NDArray[np.int32]
    canonical: Points
    mirror: NDArray[np.int32]


@cache
def topology() -> Topology:
    """The fixed data of the mesh, read once."""
    data = json.loads((MODELS / "mesh.json").read_text())
    return Topology(
        np.array(data["triangles"], np.int32),
        np.array(data["canonical"], np.float32),
        np.array(data["mirror"], np.int32),
    )


def to_68(mesh: Points) -> Points:
    """(468, 3) mesh to the (68, 2) points of iBUG 300-W, in picture pixels.

    Brows, nose, eyes and lips mean the same in both. The jaw does not: the mesh's points 0-16 lie on the visible oval
    of the face in three dimensions and move over the skin as the head turns, as face-alignment's 3D points do, while
    2D annotations follow the contour of the cheek."""
    return mesh[list(_TO_68), :2].astype(np.float32)


def inter_ocular(landmarks: Landmarks) -> float:
    """Distance of the outer eye corners in pixels, the unit of landmark errors."""
    return float(np.linalg.norm(landmarks.points[36] - landmarks.points[45]))


def head_pose(landmarks: Landmarks) -> Pose:
    """Yaw, pitch and roll in degrees by perspective-n-point from the mean face (see `Pose` for the signs).

    The camera is unknown: it is taken to stand eleven eye-corner distances away, about a metre. With the 68 `fan`
    points, the rigid ones among them (jaw ends, nose, eye corners) are used. Source: Terzakis & Lourakis 2020 (SQPnP).
    """
    canonical = topology().canonical
    if len(landmarks.mesh):
        model, seen = canonical[list(RIGID)], landmarks.mesh[list(RIGID), :2]
    else:
        chosen = [0, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45]
        model, seen = canonical[[_TO_68[i] for i in chosen]], landmarks.points[chosen]
    spread = float(np.sqrt(seen.var(axis=0).sum() / model[:, :2].var(axis=0).sum()))  # px a unit, near enough
    focal = _CAMERA_DISTANCE * spread
    middle = seen.mean(axis=0)
    camera = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]], np.float64)
    _, turn, shift = cv2.solvePnP(
        model.astype(np.float64), seen.astype(np.float64), camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP
    )
    turn, _ = cv2.solvePnPRefineLM(model.astype(np.float64), seen.astype(np.float64), camera, np.zeros(4), turn, shift)
    rotation, _ = cv2.Rodrigues(turn)
    return angles(rotation)


def expression(landmarks: Landmarks) -> NDArray[np.float32]:
    """(3,) float32: height over width of the left eye, the right eye and the mouth's opening, from the 68 points.

    Source: Soukupova & Cech 2016, "Real-Time Eye Blink Detection using Facial Landmarks" (equation 1)."""
    points = landmarks.points
    eyes = [
        _aspect(points, corner, corner + 3, ((corner + 1, corner + 5), (corner + 2, corner + 4))) for corner in (36, 42)
    ]
    return np.array([*eyes, _aspect(points, 60, 64, ((61, 67), (62, 66), (63, 65)))], np.float32)


def _aspect(points: Points, left: int, right: int, pairs: tuple[tuple[int, int], ...]) -> float:
    height = np.mean([np.linalg.norm(points[a] - points[b]) for a, b in pairs])
    return float(height / max(float(np.linalg.norm(points[left] - points[right])), 1e-6))


def angles(rotation: NDArray[Any]) -> Pose:
    """Degrees of a (3, 3) rotation = Ry(yaw) Rx(pitch) Rz(roll), in axes x right, y down, z away from the viewer; signs
    as in `Pose`."""
    looking = -rotation[:, 2]
    yaw = np.degrees(np.arctan2(looking[0], -looking[2]))
    pitch = np.degrees(np.arcsin(np.clip(looking[1], -1, 1)))
    roll = np.degrees(np.arctan2(rotation[1, 0], rotation[1, 1]))
    return Pose(float(yaw), float(pitch), float(roll))
