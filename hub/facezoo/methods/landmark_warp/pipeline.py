"""The warp itself: triangle by triangle, then the eyes."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.find import move
from facezoo.face.mesh import EYES, mesh_map
from facezoo.face.occlusion import eye_band, own_skin
from facezoo.face.paste import fit, settings_of
from facezoo.method.explain_pictures import masked, on_grey, with_mesh
from facezoo.method.pipeline import FacePipeline
from facezoo.types import Face, Image, Mask, Points, Step

from . import SPEC, Params

__all__ = ["LandmarkWarp"]


class LandmarkWarp(FacePipeline):
    """Piecewise-affine warp of one face's skin onto another's mesh.

    Source: the triangle warp of Wolberg 1990, "Digital Image Warping" (chapter 7), on the mesh of Kartynnik et al.
    2019."""

    spec = SPEC

    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Params, seed: int = 0
    ) -> Iterator[Image]:
        """Yields, for each target face, an aligned crop (S, S, 4) RGBA uint8: the identity's skin in the target's
        shape; alpha is 0 where the warp has nothing to say (the open mouth's interior, closed eyes, everything off the
        mesh).

        Raises UsageError without an identity or with landmarks of the 68-point backend."""
        identity = _meshed(identity)
        donor = _donor(identity)
        for target in targets:
            yield _swap(target, identity, donor, params)

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """Five steps: both meshes, the stretched skin, where it goes, and its new colours. Errors as `__call__`."""
        identity = _meshed(identity)
        skin = _swap(target, identity, _donor(identity), params)
        fitted, mask = fit(target, skin, **settings_of(params))
        alpha = np.asarray(skin[..., 3] / 255, np.float32)
        whose = "persona's" if identity.persona else "other"
        kept = "Hair, glasses, eyes" if params.eyes == "mine" else "Hair, glasses"
        fits = {"colours": params.color != "none", "light": params.blend == "poisson", "grain": params.grain > 0}
        taken = ", ".join(name for name, used in fits.items() if used)
        return [
            Step("points", "Points found", "The face is cut out upright, and 468 points are found on it.",
                 with_mesh(target.crop, move(target.landmarks.mesh, target.affine)), made=False),
            Step("other-points", f"The {whose} face", "The same 468 points are found on the face that is put on.",
                 with_mesh(identity.crop, move(identity.landmarks.mesh, identity.affine)),
                 made=bool(identity.persona)),
            Step("skin", "Skin stretched", f"Each triangle of the {whose} skin is pulled into the shape it has on your "
                 "face.", on_grey(skin[..., :3], alpha), made=True),
            Step("mask", "Where it goes", f"White is painted over. {kept} and the inside of the mouth stay as they "
                 "are.", masked(target.crop, mask), made=False),
            Step("colours", "Colours fitted", f"What the new skin takes from your picture: {taken or 'nothing'}.",
                 on_grey(fitted, alpha), made=True),
        ]  # fmt: skip


def _meshed(identity: Face | None) -> Face:
    if identity is None or not len(identity.landmarks.mesh):
        raise UsageError(
            "This method needs the 468-point mesh of another face.", "Choose a persona or give a second photo."
        )
    return identity


def _donor(identity: Face) -> Image:
    """The identity's whole picture, (H, W, 4) RGBA uint8: alpha is 1 where its skin may be copied."""
    usable = own_skin(identity.crop, move(identity.landmarks.mesh, identity.affine))
    height, width = identity.frame.shape[:2]
    alpha = cv2.warpAffine(usable, identity.affine, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.dstack([identity.frame, (np.asarray(alpha) * 255).astype(np.uint8)])


def _swap(target: Face, identity: Face, donor: Image, params: Params) -> Image:
    size = target.crop.shape[0]
    mesh = move(target.landmarks.mesh, target.affine)
    picture, source = _reduced(donor, identity.landmarks.mesh, mesh)
    mapped, covered = mesh_map(mesh, source, (size, size))
    skin = _sample(picture, mapped)
    skin[covered == 0, 3] = 0
    if params.eyes == "persona":
        for eye in EYES:
            _draw_eye(skin, picture, mesh[list(eye), :2], source[list(eye), :2], covered)
    else:
        skin[..., 3] = (skin[..., 3] * (1 - eye_band(mesh, size))).astype(np.uint8)
    return skin


def _sample(picture: Image, mapped: NDArray[np.float32]) -> Image:
    return np.asarray(
        cv2.remap(picture, mapped[..., 0], mapped[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def _reduced(donor: Image, source: Points, mesh: Points) -> tuple[Image, Points]:
    """The donor's picture and mesh, made smaller with an area filter when its face is much larger than the target's, so
    that the warp does not alias."""
    ratio = float(np.sqrt(mesh[:, :2].var(axis=0).sum() / source[:, :2].var(axis=0).sum()))
    if ratio > 0.7:
        return donor, source
    picture = cv2.resize(donor, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    scale = np.array([picture.shape[1] / donor.shape[1], picture.shape[0] / donor.shape[0], ratio], np.float32)
    half = np.array([0.5, 0.5, 0.0], np.float32)
    return np.asarray(picture, np.uint8), ((source + half) * scale - half).astype(np.float32)


def _draw_eye(skin: Image, picture: Image, ring: Points, origin: Points, covered: Mask) -> None:
    """Draws an eye into `skin`, between the lids of the target.

    The eyeball moves with the corners of the eye and is not squashed by the lids, so a half-closed eye shows part of a
    round iris. Only when the target's eye is opened wider than the donor's is it stretched upward."""
    left, top = np.maximum(np.floor(ring.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(ring.max(axis=0)).astype(int) + 2, skin.shape[1::-1])
    if right <= left or bottom <= top:
        return
    target_axes, target_height = _eye_axes(ring)
    origin_axes, origin_height = _eye_axes(origin)
    width = np.linalg.norm(target_axes[0]) / np.linalg.norm(origin_axes[0])
    target_axes[1] *= max(1.0, target_height / max(origin_height * width, 1e-6))
    linear = origin_axes.T @ np.linalg.inv(target_axes.T)
    ys, xs = np.mgrid[top:bottom, left:right]
    offset = np.stack([xs, ys], axis=2) - ring.mean(axis=0)
    mapped = (offset @ linear.T + origin.mean(axis=0)).astype(np.float32)
    lids = np.zeros(xs.shape, np.uint8)
    cv2.fillPoly(lids, [np.round((ring - (left, top)) * 16).astype(np.int32)], 1, shift=4)
    seen = (lids > 0) & (covered[top:bottom, left:right] == 0)
    skin[top:bottom, left:right][seen] = _sample(picture, mapped)[seen]


def _eye_axes(ring: Points) -> tuple[NDArray[np.float64], float]:
    """(2, 2): corner to corner, and the perpendicular of equal length; and the opening in pixels."""
    across = (ring[8] - ring[0]).astype(np.float64)
    down = np.array([-across[1], across[0]])
    opening = float(np.abs((ring[12] - ring[4]) @ down) / max(float(np.linalg.norm(down)), 1e-6))
    return np.stack([across, down]), opening
