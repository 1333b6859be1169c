"""What stands in front of the face: hair over the forehead, frames of glasses, a hand, a hat.

The colour of this face's skin is measured where skin is certain (cheeks, nose), and what differs from it is kept, but
only where it can be told apart from shadow, brows, lips and beard. Small networks say where a person is at all, and
where things and glasses are (`covering`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.covering import Covering
from facezoo.face.mesh import BROWS, EYES, FACE_OVAL, OUTER_LIPS, disc, smoothstep
from facezoo.face.networks import network
from facezoo.types import Image, Mask, Points

__all__ = ["eye_band", "features", "half_lit", "in_front", "own_skin", "person_mask", "polygon", "skin_patch",
           "unlike_skin"]  # fmt: skip

_CHEEKS = (
    (117, 118, 119, 100, 126, 209, 49, 203, 205, 187, 147, 123),
    (346, 347, 348, 329, 355, 429, 279, 423, 425, 411, 376, 352),
)
_NOSE = (168, 122, 188, 114, 217, 198, 131, 5, 360, 420, 437, 343, 412, 351)
_CORE = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 446, 340, 346, 280, 425, 410, 322, 164,
         92, 186, 205, 50, 117, 111, 226)  # fmt: skip
_BARE, _ENOUGH = 0.05, 0.5  # what is surely not hidden; share of the patches of skin that is enough to know its colour
_HALVES, _HALF = 60, 0.42  # 8-bit Lab between the lit and the dark half of a face on a stage; share of the lit one
_TIP = 0.13  # of the height of the face: how far the tip of the nose is above the upper lip
_TRUSTED = 0.8  # of the face that the person mask must cover before it is believed: it fails on some paintings
_EYE_BAND = (127, 70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 356, 345, 346, 347, 348, 6, 119, 118, 117, 116)


def in_front(crop: Image, mesh: Points, cover: Covering, unlikely: Mask | None = None) -> Mask:
    """(S, S) float32 in [0, 1]: 1 where something lies over the skin and must not be painted over.

    crop: (S, S, 3) RGB uint8, aligned; mesh: (468, 3) in its pixels; cover: what `look_for_cover` says of them;
    unlikely: `unlike_skin` of them if it is known."""
    size = crop.shape[0]
    things = cover.mask(size)
    keep = _hair(unlike_skin(crop, mesh, things) if unlikely is None else unlikely, mesh, size)
    if cover.glasses:  # frames, lenses, and the eyes and brows behind them
        keep = np.maximum(np.maximum(keep, eye_band(mesh, size)), cover.worn(size))
    person = person_mask(crop)
    oval = polygon(mesh, FACE_OVAL, size)
    if float((person * oval).sum()) > _TRUSTED * float(oval.sum()):
        keep = np.maximum(keep, 1.0 - person)
    return np.maximum(cv2.GaussianBlur(keep, (0, 0), max(0.8, size / 256)), things)


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


def unlike_skin(
    crop: Image, mesh: Points, hidden: Mask | None = None, *, shadow: float = 0.8, shine: float = 0.35, hue: float = 0.6
) -> Mask:
    """(S, S) float32: distance to this face's own skin in Lab, squashed to [0, 1]. hidden: 1 where something is in
    front, whose colour is not the skin's. shadow, shine and hue say how much a darker, a lighter and a differently
    coloured pixel count."""
    size = crop.shape[0]
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), max(0.7, size / 400))
    sample = lab[_bare_skin(mesh, size, hidden) > 0.5]
    if half_lit(np.asarray(sample[:, 0], np.float32)):
        sample = sample[sample[:, 0] > np.mean(np.percentile(sample[:, 0], (10, 90)))]
    centre = np.median(sample, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(sample - centre), axis=0), (9.0, 2.5, 2.5))
    offset = (lab - centre) / spread
    light = np.where(offset[..., 0] < 0, shadow, shine) * offset[..., 0]
    distance = np.sqrt(light**2 + (offset[..., 1] * hue) ** 2 + (offset[..., 2] * hue) ** 2)
    return np.clip((distance - 2.6) / 1.6, 0, 1).astype(np.float32)


def half_lit(lightness: NDArray[np.float32]) -> bool:
    """Whether half of a skin lies in the dark, of its lightness (N,) in OpenCV's units: 8-bit Lab."""
    low, middle, high = np.percentile(lightness, (10, 50, 90))
    return bool(high - low > _HALVES and middle < _HALF * high)


def _bare_skin(mesh: Points, size: int, hidden: Mask | None) -> Mask:
    """`skin_patch` where nothing is in front; most of it hidden, all of the face that is not, without features."""
    patch = skin_patch(mesh, size)
    if hidden is None or not hidden.any():
        return patch
    bare = patch * (hidden < _BARE)
    if bare.sum() < _ENOUGH * patch.sum():
        bare = polygon(mesh, FACE_OVAL, size) * (1 - features(mesh, size)) * (hidden < _BARE)
    return bare.astype(np.float32) if bare.sum() > 30 else patch


def own_skin(crop: Image, mesh: Points) -> Mask:
    """(S, S) float32: 1 where this face may be copied from; 0 where hair, background or a shining edge lies inside its
    outline.

    The chin keeps its beard: below the nose, softly, only what is lighter than the skin is left out."""
    size = crop.shape[0]
    zone, above = _margin(mesh, size)
    anything, lighter = (
        _touching_outline((foreign > 0.3) & zone, zone, mesh, size).astype(np.float32)
        for foreign in (
            unlike_skin(crop, mesh, shine=1.0),
            unlike_skin(crop, mesh, shadow=0.0, shine=1.0, hue=0.0),
        )
    )
    foreign = np.maximum(cv2.dilate(anything, disc(size / 70)) * above, cv2.dilate(lighter, disc(size / 70)))
    background = cv2.dilate((person_mask(crop) < 0.5).astype(np.float32), disc(size / 70))
    grown = np.maximum(foreign, background)
    return (1 - cv2.GaussianBlur(grown, (0, 0), size / 120)).astype(np.float32)


def _hair(unlikely: Mask, mesh: Points, size: int) -> Mask:
    """Strands, hats and veils: unlike skin, between the outline of the face and its features, and connected to the
    outline. The chin is left out: a beard is painted over."""
    zone, above = _margin(mesh, size)
    kept = _touching_outline((unlikely > 0.35) & zone & (above > 0), zone, mesh, size)
    return kept.astype(np.float32) * np.maximum(unlikely, 0.6) * above


def _margin(mesh: Points, size: int) -> tuple[NDArray[np.bool_], Mask]:
    """Two (S, S) masks: the ring between the features (eyes, brows, nose, mouth) and the outline of the face; and, in
    [0, 1], how far a place lies above the mouth: 1 from the tip of the nose on."""
    core = polygon(mesh, _CORE, size)
    for brow in BROWS:
        hull = cv2.convexHull(mesh[list(brow), :2].astype(np.float32))
        cv2.fillPoly(core, [np.round(hull[:, 0] * 16).astype(np.int32)], 1.0, shift=4)
    core = cv2.dilate(core, disc(size / 40))
    oval = cv2.dilate(polygon(mesh, FACE_OVAL, size), disc(size / 50))
    up = mesh[10, :2] - mesh[152, :2]
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32)
    height = ((xs - mesh[0, 0]) * up[0] + (ys - mesh[0, 1]) * up[1]) / max(float(up @ up), 1e-6)
    return (oval > 0.5) & (core < 0.5), smoothstep(height, 0, _TIP)


def _touching_outline(
    candidates: NDArray[np.bool_], zone: NDArray[np.bool_], mesh: Points, size: int
) -> NDArray[np.bool_]:
    """Those connected parts of the candidates that reach the outline of the face."""
    closed = cv2.morphologyEx(candidates.astype(np.uint8), cv2.MORPH_CLOSE, disc(size / 90))
    _, labels = cv2.connectedComponents(np.asarray(closed, np.uint8))
    inner = cv2.erode(polygon(mesh, FACE_OVAL, size), disc(size / 50)) > 0.5
    touching = np.unique(labels[zone & ~inner & (labels > 0)])
    return np.isin(labels, touching) & (labels > 0)


def eye_band(mesh: Points, size: int) -> Mask:
    """(S, S) float32 in [0, 1], soft: eyes, brows and what glasses cover."""
    points = mesh[list(_EYE_BAND), :2]
    centre = points.mean(axis=0)
    hull = cv2.convexHull((centre + (points - centre) * np.array([1.05, 1.15])).astype(np.float32))
    band = np.zeros((size, size), np.float32)
    cv2.fillPoly(band, [np.round(hull[:, 0] * 16).astype(np.int32)], 1.0, shift=4)
    return np.asarray(cv2.GaussianBlur(band, (0, 0), size / 60), np.float32)


def features(mesh: Points, size: int, *, soft: bool = False) -> Mask:
    """(S, S) float32: 1 on eyes, brows and lips, which say nothing of the skin's colour, with a margin; soft blurs its
    edge."""
    mask = np.zeros((size, size), np.float32)
    for ring in (*EYES, *BROWS, OUTER_LIPS):
        hull = cv2.convexHull(mesh[list(ring), :2].astype(np.float32))
        cv2.fillPoly(mask, [np.round(hull[:, 0] * 16).astype(np.int32)], 1.0, shift=4)
    mask = cv2.dilate(mask, disc(size / 60))
    return cv2.GaussianBlur(mask, (0, 0), size / 90) if soft else mask  # pyright: ignore[reportReturnType]
