"""What a swap kept of the picture it was made from; how far two heaps of pictures lie apart in colour and brushwork.

The distance of heaps is that of KID (Bińkowski et al. 2018, "Demystifying MMD GANs"): the unbiased squared maximum mean
discrepancy under the kernel (x . y / d + 1)^3. The features are not KID's, whose network ships nowhere offline: each
picture is described by the spread and the kurtosis of what random filters of 7 x 7 px say at three scales, and by its
mean colour (after Heeger & Bergen 1995, "Pyramid-Based Texture Analysis/Synthesis"). So its figures compare with each
other alone, and say nothing of what a picture shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace, WeightsUnavailable
from facezoo.face.embedding import check_embedder
from facezoo.face.find import choose, crop_image, find_faces, move
from facezoo.face.mesh import expression, inter_ocular
from facezoo.face.paste import face_mask
from facezoo.media.read import read_photo
from facezoo.types import Face, Image
from facezoo.zoo.figures import SSIM_WINDOW, Figure, ssim

__all__ = [
    "Measures",
    "features",
    "find_again",
    "kept",
    "kernel_distance",
    "measure",
    "measure_images",
    "outside_ssim",
    "sharpness",
    "why_no_identity",
]

Features = NDArray[np.float64]
"""(N, D), one row a picture."""

_PATCH, _STRIDE, _FILTERS, _SCALES = 7, 2, 64, 3  # of what `features` looks through
_RESAMPLES = 1000


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


def why_no_identity() -> str:
    """Why identities cannot be compared here; "" when they can."""
    try:
        check_embedder()
    except WeightsUnavailable as missing:
        return f"{missing.message} {missing.advice}"
    return ""


def features(pictures: Sequence[Image]) -> Features:
    """What pictures, (H, W, 3) RGB uint8 of at least 32 px a side, look like in colour and brushwork: (N, 387)."""
    filters = np.random.default_rng(0).normal(size=(_FILTERS, _PATCH, _PATCH, 3))
    filters -= filters.mean(axis=(1, 2), keepdims=True)  # the mean colour is a feature of its own
    filters /= np.linalg.norm(filters.reshape(_FILTERS, -1), axis=1)[:, None, None, None]
    return np.stack([_described(picture, filters.reshape(_FILTERS, -1).T) for picture in pictures])


def kernel_distance(ours: Features, theirs: Features, reference: Features, seed: int = 0) -> Figure:
    """The distance of two heaps with its 95 % bootstrap interval over pictures of both; about 0, or a little below,
    when both are of one kind. n is the number of ours.

    reference: each feature is measured in units of its spread here, about its mean here. Both heaps need two
    pictures. A picture that is drawn twice is never compared with itself."""
    middle, spread = reference.mean(axis=0), reference.std(axis=0) + 1e-6
    (x, y) = ((each - middle) / spread for each in (ours, theirs))
    within, other, across = (_kernel(*pair) for pair in ((x, x), (y, y), (x, y)))
    random = np.random.default_rng(seed)
    ours_drawn, theirs_drawn = (
        random.multinomial(len(each), np.full(len(each), 1 / len(each)), _RESAMPLES).astype(np.float64)
        for each in (x, y)
    )
    found = _distances(within, other, across, ours_drawn, theirs_drawn)
    (center,) = _distances(within, other, across, np.ones((1, len(x))), np.ones((1, len(y))))
    low, high = np.quantile(found[np.isfinite(found)], [0.025, 0.975])
    return Figure(float(center), float(low), float(high), len(x))


def _distances(
    within: Features, other: Features, across: Features, ours: NDArray[np.float64], theirs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One distance for each row of ours and theirs, which say how often each picture counts."""
    same = [_pairs(kernel, counts) for kernel, counts in ((within, ours), (other, theirs))]
    between = np.einsum("ri,ij,rj->r", ours, across, theirs, optimize=True)
    return same[0] + same[1] - 2 * between / (ours.sum(axis=1) * theirs.sum(axis=1))


def _pairs(kernel: Features, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the kernel over pairs of two different pictures; nan where there is no pair."""
    twice = counts**2
    total = np.einsum("ri,ij,rj->r", counts, kernel, counts, optimize=True) - twice @ np.diag(kernel)
    pairs = counts.sum(axis=1) ** 2 - twice.sum(axis=1)
    return np.divide(total, pairs, out=np.full(len(total), np.nan), where=pairs > 0)


def _kernel(x: Features, y: Features) -> Features:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _described(picture: Image, filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """filters: (7 * 7 * 3, 64). Gives (387,)."""
    image = picture.astype(np.float32) / 255
    found = [image.mean(axis=(0, 1), dtype=np.float64)]
    for _ in range(_SCALES):
        windows = np.lib.stride_tricks.sliding_window_view(image, (_PATCH, _PATCH), axis=(0, 1))[::_STRIDE, ::_STRIDE]
        answers = windows.transpose(0, 1, 3, 4, 2).reshape(-1, len(filters)) @ filters
        spread = answers.std(axis=0) + 1e-4
        found += [np.log(spread), np.log(((answers - answers.mean(axis=0)) ** 4).mean(axis=0) / spread**4 + 1e-4)]
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.concatenate(found)
