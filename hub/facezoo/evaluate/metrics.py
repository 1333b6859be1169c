"""What a swap kept of the picture it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facezoo.errors import NoFace
from facezoo.face.find import choose, crop_image, find_faces, move
from facezoo.face.mesh import expression, inter_ocular
from facezoo.face.paste import face_mask
from facezoo.media.read import read_photo
from facezoo.types import Face, Image
from facezoo.zoo.figures import SSIM_WINDOW, ssim

__all__ = ["Measures", "find_again", "kept", "measure", "measure_images", "outside_ssim", "sharpness"]


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
    return kept(ours, find_again(ours, after))


def kept(ours: Face, theirs: Face) -> Measures:
    """What of our face's pose, landmarks and expression theirs shows, both in pixels of the same picture."""
    pose = np.abs(
        [ours.pose.yaw - theirs.pose.yaw, ours.pose.pitch - theirs.pose.pitch, ours.pose.roll - theirs.pose.roll]
    )
    distance = np.linalg.norm(ours.landmarks.points - theirs.landmarks.points, axis=1).mean()
    return Measures(
        pose_error=float(pose.mean()),
        landmark_error=float(100 * distance / inter_ocular(ours.landmarks)),
        expression_error=float(np.abs(expression(ours.landmarks) - expression(theirs.landmarks)).mean()),
    )


def find_again(face: Face, after: Image) -> Face:
    """The face of a result (H, W, 3) RGB uint8 that lies where `face` lay. Raises NoFace when there is none."""
    middle = face.landmarks.points.mean(axis=0)
    for thorough in (False, True):
        found = find_faces(after, thorough=thorough)
        near = [(float(np.linalg.norm(other.landmarks.points.mean(axis=0) - middle)), other) for other in found]
        distance, other = min(near, key=lambda pair: pair[0], default=(np.inf, face))
        if distance < face.box.width:
            return other
    raise NoFace(
        "The result shows no face where the photo had one.",
        "Try another method, or a face turned less to the side.",
    )


def outside_ssim(face: Face, after: Image) -> float:
    """SSIM of a result (H, W, 3) with the picture it was made from, where no window reaches the face; 1 when nothing
    but the face was changed."""
    height, width = face.frame.shape[:2]
    inside = face_mask(face.landmarks.mesh, max(height, width), feather=0.0)[:height, :width]
    inside = cv2.dilate(inside, np.ones((3, 3), np.uint8))  # its edge was drawn with subpixels
    if not (face.frame != after)[inside == 0].any():
        return 1.0  # as the windows would say, at their cost
    return ssim(face.frame, after, 1 - cv2.dilate(inside, np.ones((SSIM_WINDOW, SSIM_WINDOW), np.uint8)))


def sharpness(face: Face, after: Image) -> float:
    """Variance of the Laplacian inside the face of a result (H, W, 3) over that of the picture it was made from.

    Source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy: a comparative study" (LAPV)."""
    side = face.crop.shape[0]
    mesh = move(face.landmarks.mesh, face.affine)
    inside = cv2.erode(face_mask(mesh, side, feather=0.0), np.ones((5, 5), np.uint8)) > 0
    before, now = (
        float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_64F)[inside].var())
        for crop in (face.crop, crop_image(after, face.affine, side))
    )
    return max(now, 1e-6) / max(before, 1e-6)
