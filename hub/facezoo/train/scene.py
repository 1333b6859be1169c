"""The parts of a portrait, and a photo in the colours of a painting, part by part: skin from its skin, hair from its
hair. The mesh of the face and the mask of the person say where the parts are.

Source: Pitie and Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import find_faces
from facezoo.face.mesh import FACE_OVAL, smoothstep
from facezoo.face.occlusion import features, person_mask, unlike_skin
from facezoo.face.paste import from_lab, to_lab
from facezoo.types import Image, Mask, Points

__all__ = ["BACKGROUND", "PARTS", "SKIN", "Floats", "Scene", "colors_of", "recolor", "scene"]

Floats = NDArray[np.float32]
PARTS = ("skin", "hair", "clothes", "background")
SKIN, BACKGROUND = 0, 3
_OWN = (0.75, 0.6, 0.5, 0.3)
"""How much of its difference in lightness from the usual photo each part keeps, as an exponent of their ratio: a dark
face stays a dark face."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its parts. image: (H, W, 3) RGB uint8; mesh: (468, 3) px; parts: (4, H, W) float32 in [0, 1] that
    add up to 1, in the order of PARTS; features: (H, W) float32 in [0, 1], eyes, brows and mouth."""

    image: Image
    mesh: Points
    parts: Floats
    features: Mask


def scene(image: Image, mesh: Points | None = None) -> Scene:
    """The parts of a square picture (S, S, 3) RGB uint8. mesh: of its face, when it is known. Raises NoFace."""
    if mesh is None:
        faces = find_faces(image, crop_size=64, thorough=False)
        if not faces:
            raise NoFace("There is no face in this picture.", "Leave it out.")
        mesh = faces[0].landmarks.mesh
    size = image.shape[0]
    up = mesh[10, :2] - mesh[152, :2]  # from the chin to the top of the mesh, which ends below the hair
    high = float(up @ up)
    oval = mesh[list(FACE_OVAL), :2]
    brow = np.clip((oval - mesh[168, :2]) @ up / high, 0, None)
    skin = np.zeros((size, size), np.float32)
    cv2.fillPoly(skin, [np.round((oval + 0.3 * brow[:, None] * up) * 16).astype(np.int32)], 1.0, shift=4)
    person = np.maximum(_along_edges(person_mask(image), image), skin)
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32)
    above = ((xs - mesh[152, 0]) * up[0] + (ys - mesh[152, 1]) * up[1]) / high  # the chin is 0, the brow 1
    aside = np.abs((xs - mesh[152, 0]) * up[1] - (ys - mesh[152, 1]) * up[0]) / high
    neck = person * (unlike_skin(image, mesh) < 0.2) * (above < 0.15)
    neck = np.maximum(cv2.morphologyEx(neck.astype(np.float32), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8)), skin)
    _, islands = cv2.connectedComponents((neck > 0.5).astype(np.uint8))
    neck *= islands == islands[round(float(mesh[1, 1])), round(float(mesh[1, 0]))]  # what hangs together with the nose
    neck *= smoothstep(above, -0.85, -0.6) * smoothstep(-aside, -0.75, -0.45)
    skin = cv2.GaussianBlur(np.maximum(skin, neck), (0, 0), size / 130)
    person = np.maximum(person, skin)
    hair = smoothstep(above, -0.5, 0.1)
    parts = np.stack([skin, (person - skin) * hair, (person - skin) * (1 - hair), 1 - person])
    return Scene(image, mesh, np.asarray(parts, np.float32), features(mesh, size, soft=True))


def _along_edges(mask: Mask, image: Image) -> Mask:
    """The mask moved to the edges of the picture (He et al. 2010, "Guided Image Filtering")."""
    guide = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    side = 2 * (image.shape[0] // 40) + 1

    def mean(values: Any) -> Any:
        return cv2.blur(values, (side, side))

    slope = (mean(guide * mask) - mean(guide) * mean(mask)) / (mean(guide * guide) - mean(guide) ** 2 + 1e-3)
    found = mean(slope) * guide + mean(mean(mask) - slope * mean(guide))
    return np.asarray(smoothstep(found, 0.1, 0.9), np.float32)


def recolor(photo: Scene, painting: Scene, usual: Sequence[float] | None = None) -> Image:
    """(S, S, 3) RGB uint8: the photo, each part in the mean and covariance of the colours of the painting's part.

    usual: mean lightness [0, 100] of the parts of a usual photo. Parts that are lighter or darker stay so in
    part: with one painting for all photos, that is what tells people apart. None: all come out alike."""
    lab = to_lab(photo.image)
    made, total = np.zeros_like(lab), np.full((*lab.shape[:2], 1), 1e-3, np.float32)
    for part, theirs in enumerate(colors_of(painting)):
        ours = lab[photo.parts[part] > 0.5]
        if len(ours) < 50:
            continue
        weight = cv2.GaussianBlur(photo.parts[part], (0, 0), photo.image.shape[0] / 170)[..., None]
        middle = theirs.mean(axis=0)
        if usual is not None:
            middle[0] *= np.clip((ours[:, 0].mean() / usual[part]) ** _OWN[part], 0.55, 1.4)
        made += weight * ((lab - ours.mean(axis=0)) @ _transport(ours, theirs).T + middle)
        total += weight
    return np.clip(from_lab(np.asarray(made / total, np.float32)), 0, 255).round().astype(np.uint8)


def colors_of(painting: Scene) -> list[Floats]:
    """Of each part the colours in Lab, (N, 3); of one that the painting hardly has, those of all but the skin."""
    lab, where = to_lab(painting.image), painting.parts.argmax(axis=0)
    return [lab[where == part] if (where == part).sum() > 300 else lab[where != SKIN] for part in range(len(PARTS))]


def _transport(ours: Floats, theirs: Floats) -> NDArray[Any]:
    """(3, 3), the linear map of least movement from one covariance to the other, its gains bounded."""

    def power(matrix: NDArray[Any], exponent: float) -> NDArray[Any]:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.maximum(values, 1e-6) ** exponent) @ vectors.T

    a, b = (np.cov(each.T) + 4 * np.eye(3) for each in (ours, theirs))
    root, inverse = power(a, 0.5), power(a, -0.5)
    values, vectors = np.linalg.eigh(inverse @ power(root @ b @ root, 0.5) @ inverse)
    return (vectors * np.clip(values, 0.4, 2.5)) @ vectors.T
