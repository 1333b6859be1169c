"""The aligned crop: upright, the same framing for every face, any size.

Source: Karras et al. 2019, "A Style-Based Generator Architecture for GANs" (FFHQ, appendix C and its dataset tool).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.types import Image, Landmarks, Points

__all__ = ["crop_affine", "crop_image", "move"]

SMALLEST, LARGEST = 128, 1024  # px, bounds of a crop taken at the picture's own resolution


def crop_affine(landmarks: Landmarks, size: int = 0) -> tuple[NDArray[np.float32], int]:
    """The (2, 3) float32 affine from picture points to crop points and the crop's side S in pixels.

    size 0 keeps the picture's own resolution, within 128 to 1024 px.
    Convention: pixel centres are integers, so the crop's middle is (S - 1) / 2."""
    points = landmarks.points
    left_eye, right_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    eyes, mouth = (left_eye + right_eye) / 2, (points[48] + points[54]) / 2
    down = mouth - eyes
    across = right_eye - left_eye + np.array([down[1], -down[0]])  # eye line and mouth line vote on the tilt
    across /= max(float(np.hypot(*across)), 1e-6)
    half = max(float(np.hypot(*(right_eye - left_eye))) * 2.0, float(np.hypot(*down)) * 1.8)
    side = size or int(np.clip(round(half * 2 / 8) * 8, SMALLEST, LARGEST))
    centre = eyes + down * 0.1
    scale = side / (half * 2)
    cos, sin = across * scale
    middle = (side - 1) / 2
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.concatenate([turn, (middle - turn @ centre)[:, None]], axis=1).astype(np.float32), side


def crop_image(image: Image, affine: NDArray[np.float32], size: int) -> Image:
    """(S, S, 3) uint8 crop of an (H, W, 3) uint8 picture; beyond its edges the picture is continued by reflection."""
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    matrix = affine.astype(np.float64)
    if scale < 0.6:  # reduce with an area filter first, or fine texture aliases
        height, width = image.shape[:2]
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        ratio = np.array([target[0] / width, target[1] / height])
        image = cv2.resize(image, target, interpolation=cv2.INTER_AREA)  # pyright: ignore[reportAssignmentType]
        grown = np.diag(1 / ratio)  # reduced point -> picture point, half-pixel offsets included
        offset = 0.5 / ratio - 0.5
        matrix = np.concatenate([matrix[:, :2] @ grown, (matrix[:, :2] @ offset + matrix[:, 2])[:, None]], axis=1)
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REFLECT_101)  # fmt: skip  # pyright: ignore[reportReturnType]


def move(points: Points, affine: NDArray[np.float32]) -> Points:
    """Points (N, 2) or (N, 3) through a (2, 3) similarity; a depth column is scaled alike."""
    flat = points[:, :2] @ affine[:, :2].T + affine[:, 2]
    if points.shape[1] == 2:
        return flat.astype(np.float32)
    scale = np.sqrt(abs(np.linalg.det(affine[:, :2])))
    return np.concatenate([flat, points[:, 2:] * scale], axis=1).astype(np.float32)
