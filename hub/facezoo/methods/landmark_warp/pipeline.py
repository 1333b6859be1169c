"""The warp itself: triangle by triangle, then the eyes."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from facezoo.errors import UsageError
from facezoo.face.align import move
from facezoo.face.mesh import EYES
from facezoo.face.occlusion import eye_band, own_skin
from facezoo.face.warp import mesh_map
from facezoo.method import FacePipeline
from facezoo.types import Clip, Face, Image, Mask, Points

from . import SPEC, Params

__all__ = ["LandmarkWarp"]


class LandmarkWarp(FacePipeline):
    """Piecewise-affine warp of one face's skin onto another's mesh.

    Source: the triangle warp of Wolberg 1990, "Digital Image Warping" (chapter 7), on the mesh of Kartynnik et al.
    2019."""

    spec = SPEC

    def __call__(
        self,
        targets: Iterator[Face],
        *,
        identity: Face | None,
        params: Params,
        driving: Clip | None = None,
        seed: int = 0,
    ) -> Iterator[Image]:
        """Yields, for each target face, an aligned crop (S, S, 4) RGBA uint8: the identity's skin in the target's
        shape; alpha is 0 where the warp has nothing to say (the open mouth's interior, closed eyes, everything off the
        mesh).

        Raises UsageError without an identity or with landmarks of the 68-point backend."""
        if identity is None or not len(identity.landmarks.mesh):
            raise UsageError(
                "This method needs the 468-point mesh of another face.", "Choose a persona or give a second photo."
            )
        usable = own_skin(identity.crop, move(identity.landmarks.mesh, identity.affine))
        for target in targets:
            yield _swap(target, identity, usable, params)


def _swap(target: Face, identity: Face, usable: Mask, params: Params) -> Image:
    size = target.crop.shape[0]
    mesh = move(target.landmarks.mesh, target.affine)
    picture, source = _reduced(identity, mesh)
    mapped, covered = mesh_map(mesh, source, (size, size))
    skin = _sample(picture, mapped)
    crop_map, _ = mesh_map(mesh, move(identity.landmarks.mesh, identity.affine), (size, size))
    alpha = covered * cv2.remap(usable, crop_map[..., 0], crop_map[..., 1], cv2.INTER_LINEAR)
    if params.eyes == "persona":
        for eye in EYES:
            eye_map, open_mask = _eye_map(mesh, source, eye, size)
            seen = open_mask * (1 - covered)
            skin = np.where(seen[..., None] > 0, _sample(picture, eye_map), skin)
            alpha = np.maximum(alpha, seen)
    else:
        alpha = alpha * (1 - eye_band(mesh, size))
    return np.dstack([skin, (alpha * 255).astype(np.uint8)])


def _sample(picture: Image, mapped: np.ndarray) -> Image:
    flags = cv2.INTER_CUBIC
    return np.asarray(
        cv2.remap(picture, mapped[..., 0], mapped[..., 1], flags, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def _reduced(identity: Face, mesh: Points) -> tuple[Image, Points]:
    """The identity's picture and mesh, made smaller with an area filter when its face is much larger than the
    target's, so that the warp does not alias."""
    source = identity.landmarks.mesh
    ratio = float(np.sqrt(mesh[:, :2].var(axis=0).sum() / source[:, :2].var(axis=0).sum()))
    if ratio > 0.7:
        return identity.frame, source
    picture = cv2.resize(identity.frame, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    scale = np.array(
        [picture.shape[1] / identity.frame.shape[1], picture.shape[0] / identity.frame.shape[0], ratio], np.float32
    )
    half = np.array([0.5, 0.5, 0.0], np.float32)
    return np.asarray(picture, np.uint8), ((source + half) * scale - half).astype(np.float32)


def _eye_map(mesh: Points, source: Points, eye: tuple[int, ...], size: int) -> tuple[np.ndarray, Mask]:
    """The eyeball under the lids moves with the eye's corners and is not squashed by them, so a half-closed eye shows
    part of a round iris. Only when the target's eye is opened wider than the source's is it stretched upward."""
    ring, origin = mesh[list(eye), :2].astype(np.float64), source[list(eye), :2].astype(np.float64)
    target_axes, target_height = _eye_axes(ring)
    origin_axes, origin_height = _eye_axes(origin)
    width = np.linalg.norm(target_axes[0]) / np.linalg.norm(origin_axes[0])
    stretch = max(1.0, target_height / max(origin_height * width, 1e-6))
    target_axes[1] *= width * np.linalg.norm(origin_axes[1]) * stretch / np.linalg.norm(target_axes[1])
    linear = origin_axes.T @ np.linalg.inv(target_axes.T)
    offset = origin.mean(axis=0) - linear @ ring.mean(axis=0)
    ys, xs = np.mgrid[0:size, 0:size]
    mapped = np.stack([linear[i, 0] * xs + linear[i, 1] * ys + offset[i] for i in range(2)], axis=2).astype(np.float32)
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.round(ring * 16).astype(np.int32)], 1.0, shift=4)
    return mapped, mask


def _eye_axes(ring: np.ndarray) -> tuple[np.ndarray, float]:
    """(2, 2): corner to corner, and the perpendicular of equal length; and the opening in pixels."""
    across = ring[8] - ring[0]
    down = np.array([-across[1], across[0]])
    opening = float(np.abs((ring[12] - ring[4]) @ down) / max(float(np.linalg.norm(down)), 1e-6))
    return np.stack([across, down]), opening
