"""A painted face laid over another one: pulled to where that one is, triangle by triangle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import move
from facezoo.face.mesh import (
    BROWS,
    EYES,
    FACE_OVAL,
    INNER_LIPS,
    OUTER_LIPS,
    lay_over,
    rasterise,
    sample,
    smoothstep,
    to_68,
    topology,
    vertex_normals,
)
from facezoo.face.networks import track_mesh
from facezoo.face.occlusion import own_skin
from facezoo.face.paste import sharpened
from facezoo.motion.drawing import Drawing
from facezoo.types import Face, Image, Landmarks, Mask, Points

__all__ = ["Portrayal", "laid_over", "open_mouth", "own_mouth", "own_points", "tilt_affine", "tilted"]

_YIELDING = 0.3  # head units from the edge of the face within which features go over to the target's own outline
_UPRIGHT = 0.05  # degrees: less is no tilt
_SOFT = 64  # of the painted picture's side: how soft the edge is of what is not skin
_ASIDE = 0.01  # how much a point counts that is turned away, as the edges of closed lips always are
_OPEN = (0.06, 0.14)  # height to width of the opening of the mouth at which it begins to be, and is, seen
_LIP_REACH = 0.2  # head units around the lips within which they keep the target's outline when it is
_LIP_EDGE = 250  # of the crop's side: how soft the edge of that opening is
_AROUND = 0.12  # of the face's width, by which features are widened when they alone are pasted


@dataclass(frozen=True, eq=False)
class Portrayal:
    """A person doing what somebody did. drawing: what was painted. picture: (S, S, 3) RGB uint8, the aligned crop.
    mesh: (468, 3) px of it. sketches: pictures that were painted on the way, first ones first."""

    drawing: Drawing
    picture: Image
    mesh: Points
    sketches: tuple[Image, ...] = ()


def laid_over(
    target: Face,
    shown: Portrayal,
    shape: float,
    mask: Literal["face", "features"],
    mouth: Literal["mine", "persona"],
    sharpen: float,
    usable: NDArray[np.float32] | None = None,
) -> Image:
    """The painted face on the target's: (S, S, 4) RGBA uint8, aligned as its crop; alpha is what to paste.

    shape: whose features, 0 keeps the outlines of the target's, 1 takes the portrayed one's. mask: the whole face, or
    eyes, brows, nose and mouth alone. mouth: whose teeth an open mouth shows; the target's stay where they are, as
    Thies et al. 2016, "Face2Face", take them from the film. sharpen: 0 to 1. usable: (468,) how much of
    each point may be pasted, see `own_points`; everything when None."""
    size, side = target.crop.shape[0], shown.picture.shape[0]
    own = move(target.landmarks.mesh, target.affine)
    theirs = shown.mesh
    picture = sharpened(shown.picture, sharpen)
    if size < 0.8 * side:  # an area filter first, or fine texture aliases
        picture = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        theirs = _scaled(theirs, size / side)
    goal = own.copy()
    seen = _opening(own) if mouth == "mine" else 0.0
    yields = _features() * (1 - np.float32(seen) * _near_lips())
    goal[:, :2] += np.float32(shape) * yields[:, None] * (_scaled(shown.mesh, size / side) - own)[:, :2]
    raster = rasterise(goal, _whole(), (size, size))
    alpha = raster.covered if mask == "face" else raster.covered * _feature_mask(goal, size)
    if mouth == "mine":
        alpha = alpha * (1 - open_mouth(own, size))
    if usable is not None:
        alpha = alpha * np.clip(raster.read(usable[:, None])[..., 0], 0, 1)
    return np.dstack([sample(picture, raster.read(theirs[:, :2])), np.rint(alpha * 255).astype(np.uint8)])


def tilted(shown: Portrayal, degrees: float) -> Portrayal:
    """The same head tilted clockwise in its picture, which aligned crops are not; beyond its edges the picture is
    continued by reflection, the drawing is black."""
    if abs(degrees) < _UPRIGHT:
        return shown
    side = shown.picture.shape[0]
    affine = tilt_affine(degrees, side)
    drawn = cv2.warpAffine(shown.drawing.picture, affine, (side, side), flags=cv2.INTER_LINEAR)
    picture = cv2.warpAffine(
        shown.picture, affine, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    drawing = replace(shown.drawing, picture=np.asarray(drawn, np.uint8))
    return Portrayal(drawing, np.asarray(picture, np.uint8), move(shown.mesh, affine))


def tilt_affine(degrees: float, side: int) -> NDArray[np.float32]:
    """(2, 3): turns points of a crop with `side` px clockwise about its middle."""
    middle = (side - 1) / 2
    return np.asarray(cv2.getRotationMatrix2D((middle, middle), -degrees, 1.0), np.float32)


def own_points(portrayals: Sequence[Portrayal]) -> NDArray[np.float32]:
    """(468,) in [0, 1]: how far each point lies on the portrayed one's own skin, not on hair or background that was
    painted inside the outline of the face. portrayals: of one person, turned to both sides and to the front; each
    point is judged where it is seen best."""
    found, seen = np.zeros(468, np.float32), np.zeros(468, np.float32)
    for shown in portrayals:
        side = shown.picture.shape[0]
        skin = cv2.GaussianBlur(own_skin(shown.picture, shown.mesh), (0, 0), side / _SOFT)
        at = shown.mesh[:, None, :2]
        here = cv2.remap(skin, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[:, 0]  # pyright: ignore[reportArgumentType, reportCallIssue]
        facing = _facing(shown.mesh) ** 2 + _ASIDE
        found += facing * here
        seen += facing
    return smoothstep(found / seen, 0.3, 0.8)


def _facing(mesh: Points) -> NDArray[np.float32]:
    """(468,) cosine between each point's normal and the view, 0 when it is turned away."""
    towards = vertex_normals(mesh)[:, 2]
    return np.maximum(towards * np.sign(towards.sum()), 0)


def open_mouth(mesh: Points, size: int) -> Mask:
    """(S, S) in [0, 1]: what is seen between the lips, with a soft edge; nothing where they all but close. mesh:
    (468, 3) px of the crop."""
    inside = np.zeros((size, size), np.uint8)
    cv2.fillPoly(inside, [np.round(mesh[list(INNER_LIPS), :2] * 16).astype(np.int32)], 255, shift=4)
    soft = cv2.GaussianBlur(inside, (0, 0), max(size / _LIP_EDGE, 0.5))
    return np.asarray(soft * np.float32(_opening(mesh) / 255), np.float32)


def own_mouth(target: Face, painted: Image) -> Image:
    """A painted face (S, S, 4) RGBA uint8, aligned as the target's crop, with its lips pulled to the target's when
    those are open, and the target's own teeth between them. What was painted closed is found closed and opened."""
    size = target.crop.shape[0]
    own = move(target.landmarks.mesh, target.affine)
    seen = np.float32(_opening(own))
    if seen == 0:
        return painted
    shown = target.crop.copy()
    lay_over(shown, np.ascontiguousarray(painted[..., :3]), (painted[..., 3] / 255).astype(np.float32))
    theirs = track_mesh(shown, Landmarks(to_68(own), own, 1.0, "mesh")).mesh
    goal = theirs.copy()
    goal[:, :2] += (seen * _near_lips())[:, None] * (own - theirs)[:, :2]
    raster = rasterise(goal, _whole(), (size, size))
    moved = np.where(raster.covered[..., None] > 0, sample(painted, raster.read(theirs[:, :2])), painted)
    moved[..., 3] = np.rint(moved[..., 3] * (1 - open_mouth(own, size)))
    return moved


def _scaled(mesh: Points, ratio: float) -> Points:
    return ((mesh + 0.5) * ratio - 0.5).astype(np.float32)


@cache
def _features() -> NDArray[np.float32]:
    """(468,): 1 at the features, falling to 0 at the edge of the face."""
    shape = topology().canonical[:, :2]
    edge = shape[list(FACE_OVAL)]
    distance = np.linalg.norm(shape[:, None] - edge[None], axis=2).min(axis=1)
    return smoothstep(distance, 0, _YIELDING)


@cache
def _near_lips() -> NDArray[np.float32]:
    """(468,): 1 on the lips, falling to 0 around them."""
    shape = topology().canonical[:, :2]
    lips = shape[[*OUTER_LIPS, *INNER_LIPS]]
    return smoothstep(np.linalg.norm(shape[:, None] - lips[None], axis=2).min(axis=1), _LIP_REACH, 0)


def _opening(mesh: Points) -> float:
    """How much is seen between the lips, [0, 1]: 0 where they all but close."""
    ring = mesh[list(INNER_LIPS), :2]
    spread = np.linalg.svd(ring - ring.mean(axis=0), compute_uv=False)
    return float(smoothstep(spread[1:] / max(float(spread[0]), 1e-6), *_OPEN)[0])


@cache
def _whole() -> NDArray[np.int32]:
    """(T, 3): the mesh's triangles, and those that fill the eyes and the mouth."""
    holes: list[tuple[int, int, int]] = []
    for ring in (*EYES, INNER_LIPS):
        last = len(ring)
        for i in range(last // 2):
            upper, after, lower, before = ring[i], ring[i + 1], ring[last - i - 1], ring[-i]
            holes += [(upper, after, lower)] * (after != lower) + [(upper, lower, before)] * (before != upper)
    return np.concatenate([topology().triangles, np.array(holes, np.int32)])


def _feature_mask(mesh: Points, size: int) -> Mask:
    """(S, S) in [0, 1]: eyes, brows, nose and mouth and a little around them, with a soft edge."""
    rings = (*(eye + brow for eye, brow in zip(EYES, BROWS, strict=True)), OUTER_LIPS, (6, 49, 279, 2))
    mask = np.zeros((size, size), np.uint8)
    for ring in rings:
        hull = cv2.convexHull(mesh[list(ring), :2])[:, 0]
        cv2.fillPoly(mask, [np.round(hull * 16).astype(np.int32)], 1, shift=4)
    width = _AROUND * float(np.linalg.norm(mesh[454, :2] - mesh[234, :2]))
    reach = 2 * round(width / 2) + 1
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return np.asarray(cv2.GaussianBlur(grown.astype(np.float32), (0, 0), max(width / 4, 0.5)), np.float32)
