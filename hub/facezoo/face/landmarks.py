"""Where the points of a face are: the 468-point mesh with depth, or the 68 points of face-alignment (`fan`).

Sources: Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs"
(arXiv:1907.06724); Bulat & Tzimiropoulos 2017, "How far are we from solving the 2D & 3D Face Alignment problem?"
(arXiv:1703.07332).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import WeightsUnavailable
from facezoo.face._litert import network
from facezoo.face.detect import Detection
from facezoo.face.mesh import to_68
from facezoo.types import Image, Landmarks, Points

__all__ = ["locate_fan", "locate_mesh", "track_mesh"]

_SIDE = 192  # px, the mesh network's input
_MARGIN = 1.5  # the crop is this much wider than the face
_EMPTY = np.zeros((0, 3), np.float32)


def locate_mesh(image: Image, detection: Detection, *, passes: int = 2) -> Landmarks:
    """The mesh of a detected face.

    image: (H, W, 3) RGB uint8. passes: how often the crop is taken anew from the mesh found before it; two are enough.
    """
    eyes = detection.keypoints[:2]
    box = detection.box
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2], np.float32)
    side = max(box.width, box.height) * _MARGIN
    mesh, presence = _run_mesh(image, centre, side, _angle(eyes[0], eyes[1]))
    for _ in range(passes - 1):
        mesh, presence = _refine(image, mesh)
    return Landmarks(to_68(mesh), mesh, presence, "mesh")


def track_mesh(image: Image, previous: Landmarks) -> Landmarks:
    """The mesh of the same face in the next frame, started from the previous frame's mesh: no detector needed while
    `presence` stays above 0.5."""
    mesh, presence = _refine(image, previous.mesh)
    return Landmarks(to_68(mesh), mesh, presence, "mesh")


def locate_fan(image: Image, detection: Detection) -> Landmarks:
    """The 68 points of face-alignment's 2D network.

    Raises WeightsUnavailable when face-alignment or its weights are not here (it fetches them on first use)."""
    box = detection.box
    with_brow = [box.left, box.top, box.right, box.bottom, box.score]
    try:
        found = _fan().get_landmarks_from_image(image, detected_faces=[np.array(with_brow)])
    except OSError as error:
        raise WeightsUnavailable(
            "The weights of face-alignment could not be fetched.",
            "Put 2DFAN4-11f355bf06.pth.tar into $TORCH_HOME/hub/checkpoints, or use the mesh backend.",
        ) from error
    points = np.asarray(found[0], np.float32).reshape(68, 2)
    return Landmarks(points, _EMPTY, 1.0, "fan")


@cache
def _fan() -> Any:
    try:
        import face_alignment
    except ImportError as error:
        raise WeightsUnavailable("face-alignment is not installed.", "pip install 'facezoo[fan]'") from error
    return face_alignment.FaceAlignment(
        face_alignment.LandmarksType.TWO_D,
        device="cpu",
        face_detector="folder",  # the faces are given, so no detector is fetched
        compile=False,
    )


def _refine(image: Image, mesh: Points) -> tuple[Points, float]:
    angle = _angle(mesh[33, :2], mesh[263, :2])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    upright = mesh[:, :2] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = turn.T @ ((low + high) / 2)
    return _run_mesh(image, centre, float((high - low).max()) * _MARGIN, angle)


def _angle(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))


def _run_mesh(image: Image, centre: NDArray[np.float32], side: float, angle: float) -> tuple[Points, float]:
    """One pass over a square crop turned by `angle` (radians). Returns the (468, 3) mesh in picture pixels and the
    presence in [0, 1]; depth is in the same pixels."""
    scale = side / _SIDE
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    half = (_SIDE - 1) / 2
    to_image = np.array(
        [
            [cos, -sin, centre[0] - cos * half + sin * half],
            [sin, cos, centre[1] - sin * half - cos * half],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if scale > 2:  # an area filter first, so that a large face is not aliased
        factor = 1.0 / scale
        reduced = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        ratio = np.array([reduced.shape[1] / image.shape[1], reduced.shape[0] / image.shape[0]])
        crop = cv2.warpAffine(
            reduced, to_image * ratio[:, None], (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
    else:
        crop = cv2.warpAffine(image, to_image, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    outputs = network("face_landmark.tflite")(crop[None].astype(np.float32) / 255.0)
    raw, logit = sorted(outputs, key=lambda output: -output.size)
    points = raw.reshape(468, 3).astype(np.float64)
    flat = points[:, :2] @ to_image[:, :2].T + to_image[:, 2]
    mesh = np.concatenate([flat, points[:, 2:] * scale], axis=1).astype(np.float32)
    return mesh, float(1.0 / (1.0 + np.exp(-logit.ravel()[0])))
