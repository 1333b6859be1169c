"""What a swap kept of the picture it was made from. Measured on the sealed file, as a visitor would hold it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face import find_faces
from facezoo.face.follow import choose
from facezoo.face.mesh import expression, inter_ocular
from facezoo.media.read import read_photo
from facezoo.types import Face, Image

__all__ = ["Measures", "measure", "measure_images", "ssim"]


@dataclass(frozen=True)
class Measures:
    """pose_error: mean absolute difference of yaw, pitch and roll in degrees. landmark_error: mean distance of the 68
    points in % of the inter-ocular distance (Sagonas et al. 2013, equation 1). expression_error: mean absolute
    difference of the aspect ratios of both eyes and the mouth, without unit. All three are 0 for the untouched
    picture, and smaller is better."""

    pose_error: float
    landmark_error: float
    expression_error: float


def measure(before: str | Path, after: str | Path, *, face: int = 1) -> Measures:
    """Compare a photo and what a method made of it. face: which one was changed, 1 is the largest.

    Raises NoFace when the result has no face where the photo had one, BadInput when a file cannot be read."""
    return measure_images(read_photo(Path(before)), read_photo(Path(after)), face=face)


def measure_images(before: Image, after: Image, *, face: int = 1) -> Measures:
    """`measure` on two pictures (H, W, 3) RGB uint8; the second is brought to the first one's size if they differ."""
    if before.shape != after.shape:
        after = np.asarray(cv2.resize(after, before.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
    ours = choose(find_faces(before), face)[0]
    theirs = _same_place(ours, find_faces(after))
    pose = np.abs(
        [ours.pose.yaw - theirs.pose.yaw, ours.pose.pitch - theirs.pose.pitch, ours.pose.roll - theirs.pose.roll]
    )
    distance = np.linalg.norm(ours.landmarks.points - theirs.landmarks.points, axis=1).mean()
    return Measures(
        pose_error=float(pose.mean()),
        landmark_error=float(100 * distance / inter_ocular(ours.landmarks)),
        expression_error=float(np.abs(expression(ours.landmarks) - expression(theirs.landmarks)).mean()),
    )


def _same_place(face: Face, others: list[Face]) -> Face:
    middle = face.landmarks.points.mean(axis=0)
    near = [(float(np.linalg.norm(other.landmarks.points.mean(axis=0) - middle)), other) for other in others]
    near = [(distance, other) for distance, other in near if distance < face.box.width]
    if not near:
        raise NoFace(
            "The result shows no face where the photo had one.",
            "Try another method, or a face turned less to the side.",
        )
    return min(near, key=lambda pair: pair[0])[1]


def ssim(one: Image, other: Image) -> float:
    """Structural similarity of two pictures (H, W, 3) RGB uint8, mean over pixels and channels, 1 for equal ones.

    Source: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity" (equation 13,
    Gaussian window of 1.5 px)."""
    a, b = one.astype(np.float64), other.astype(np.float64)

    def window(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5), np.float64)

    mean_a, mean_b = window(a), window(b)
    spread_a, spread_b = window(a * a) - mean_a**2, window(b * b) - mean_b**2
    both = window(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2))).mean())
