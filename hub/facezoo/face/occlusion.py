"""What stands in front of the face: hair over the forehead, frames of glasses, a hand, a hat.

Nothing here is learned. The colour of this face's skin is measured where skin is certain (cheeks, nose), and what differs from it
is kept, but only where it can be told apart from shadow, brows, lips and beard.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face._litert import network
from facezoo.face.mesh import BROWS, EYES, FACE_OVAL, OUTER_LIPS
from facezoo.types import Image, Mask, Points

__all__ = ["in_front", "person_mask", "polygon", "skin_patch"]

_CHEEKS = (
    (117, 118, 119, 100, 126, 209, 49, 203, 205, 187, 147, 123),
    (346, 347, 348, 329, 355, 429, 279, 423, 425, 411, 376, 352),
)
_NOSE = (168, 122, 188, 114, 217, 198, 131, 5, 360, 420, 437, 343, 412, 351)
_ABOVE_BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_EYE_BAND = (127, 70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 356, 345, 346, 347, 348, 6, 119, 118, 117, 116)


def in_front(crop: Image, mesh: Points) -> Mask:
    """(S, S) float32 in [0, 1]: 1 where something lies over the skin and must not be painted over.

    crop: (S, S, 3) RGB uint8, aligned; mesh: (468, 3) in its pixels."""
    size = crop.shape[0]
    unlikely = _not_skin(crop, mesh)
    keep = np.maximum(_hair(unlikely, mesh, size), _glasses(crop, mesh, size))
    keep = np.maximum(keep, 1.0 - person_mask(crop))
    return cv2.GaussianBlur(keep, (0, 0), max(0.8, size / 256))  # pyright: ignore[reportReturnType]


def person_mask(crop: Image) -> Mask:
    """(S, S) float32 in [0, 1]: 1 where a person is, by the embedded selfie network (256 px inside)."""
    small = cv2.resize(crop, (256, 256), interpolation=cv2.INTER_AREA)
    (probability,) = network("selfie_segmentation.tflite")(small[None].astype(np.float32) / 255.0)
    mask = cv2.resize(probability[0, :, :, 0], (crop.shape[1], crop.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.clip(mask, 0, 1).astype(np.float32)


def polygon(mesh: Points, ring: tuple[int, ...], size: int) -> Mask:
    """(S, S) float32: 1 inside the polygon of these mesh points."""
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.round(mesh[list(ring), :2] * 16).astype(np.int32)], 1.0, shift=4)
    return mask


def skin_patch(mesh: Points, size: int) -> Mask:
    """(S, S) float32: 1 on cheeks and nose, where there is skin on every face that is not covered."""
    patch = polygon(mesh, _NOSE, size)
    for cheek in _CHEEKS:
        patch = np.maximum(patch, polygon(mesh, cheek, size))
    return patch


def _not_skin(crop: Image, mesh: Points) -> Mask:
    """Mahalanobis distance to this face's own skin in Lab, squashed to [0, 1]; shadow is forgiven, a change of hue is not."""
    size = crop.shape[0]
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), max(0.7, size / 400))
    sample = lab[skin_patch(mesh, size) > 0.5]
    centre = np.median(sample, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(sample - centre), axis=0), (9.0, 2.5, 2.5))
    offset = (lab - centre) / spread
    darker, lighter = np.maximum(-offset[..., 0], 0), np.maximum(offset[..., 0], 0)
    distance = np.sqrt(
        (darker * 0.8) ** 2 + (lighter * 0.35) ** 2 + (offset[..., 1] * 0.6) ** 2 + (offset[..., 2] * 0.6) ** 2
    )
    return np.clip((distance - 2.6) / 1.6, 0, 1).astype(np.float32)


def _hair(unlikely: Mask, mesh: Points, size: int) -> Mask:
    """Strands and hats: unlike skin, above the brows, and connected to the outline of the face."""
    brow_line = mesh[list(_ABOVE_BROWS), :2].copy()
    top = mesh[10, :2]
    forehead_ring = np.concatenate([brow_line + (top - brow_line.mean(axis=0)) * 0.12, _outline_over(mesh)])
    forehead = np.zeros((size, size), np.float32)
    cv2.fillPoly(forehead, [np.round(cv2.convexHull(forehead_ring)[:, 0] * 16).astype(np.int32)], 1.0, shift=4)
    inside = polygon(mesh, FACE_OVAL, size)
    candidates = ((unlikely > 0.35) & (forehead > 0)).astype(np.uint8)
    candidates = cv2.morphologyEx(candidates, cv2.MORPH_CLOSE, _disc(size / 90))
    count, labels = cv2.connectedComponents(np.asarray(candidates, np.uint8))
    rim = (cv2.erode(inside, _disc(size / 60)) < 0.5) & (forehead > 0)
    touching = np.unique(labels[rim & (labels > 0)]) if count > 1 else np.zeros(0, np.int32)
    kept = np.isin(labels, touching) & (labels > 0)
    return kept.astype(np.float32) * np.maximum(unlikely, 0.6)


def _outline_over(mesh: Points) -> NDArray[np.float32]:
    """The upper outline of the face, temple to temple, pushed outward a little."""
    upper = (127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356)
    points = mesh[list(upper), :2]
    centre = mesh[168, :2]
    return (centre + (points - centre) * 1.1).astype(np.float32)


def _glasses(crop: Image, mesh: Points, size: int) -> Mask:
    """When frames cross the bridge of the nose, the whole band of the eyes is kept: glasses, lenses, eyes and brows.

    The test is Jiang et al. 2000, "Towards Detection of Glasses in Facial Images": strong horizontal edges between the eyes."""
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    unit = float(np.linalg.norm(mesh[263, :2] - mesh[33, :2]))
    gray = cv2.GaussianBlur(gray, (0, 0), max(0.6, unit / 90))
    vertical = np.abs(cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=3)) / 8.0 * (unit / 90)
    bridge = np.zeros((size, size), np.uint8)
    left, right = mesh[[133, 243], :2].mean(axis=0), mesh[[362, 463], :2].mean(axis=0)
    up, down = mesh[9, :2], mesh[197, :2]
    middle = mesh[168, :2]
    corners = np.stack([middle + (left - middle) * 0.55 + (up - middle) * 0.8, middle + (right - middle) * 0.55 + (up - middle) * 0.8,
                        middle + (right - middle) * 0.55 + (down - middle) * 0.7, middle + (left - middle) * 0.55 + (down - middle) * 0.7])  # fmt: skip
    cv2.fillConvexPoly(bridge, np.round(corners).astype(np.int32), 1)
    strength = vertical[bridge > 0]
    contrast = float(np.percentile(strength, 92)) if strength.size else 0.0
    cheek = float(np.percentile(vertical[skin_patch(mesh, size) > 0.5], 80))
    if contrast < 9.0 or contrast < 4.0 * cheek:
        return np.zeros((size, size), np.float32)
    band = np.zeros((size, size), np.float32)
    points = mesh[list(_EYE_BAND), :2]
    centre = points.mean(axis=0)
    hull = cv2.convexHull((centre + (points - centre) * np.array([1.05, 1.15])).astype(np.float32))
    cv2.fillPoly(band, [np.round(hull[:, 0] * 16).astype(np.int32)], 1.0, shift=4)
    return cv2.GaussianBlur(band, (0, 0), unit / 25)  # pyright: ignore[reportReturnType]


def features(mesh: Points, size: int) -> Mask:
    """(S, S) float32: 1 on eyes, brows and lips, which say nothing of the skin's colour."""
    mask = np.zeros((size, size), np.float32)
    for ring in (*EYES, *BROWS, OUTER_LIPS):
        hull = cv2.convexHull(mesh[list(ring), :2].astype(np.float32))
        cv2.fillPoly(mask, [np.round(hull[:, 0] * 16).astype(np.int32)], 1.0, shift=4)
    return cv2.dilate(mask, _disc(size / 60))  # pyright: ignore[reportReturnType]


def _disc(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
