"""Faces in a picture: found, measured, aligned, chosen.

Found by BlazeFace, short and full range, on the whole picture and on tiles of it. The aligned crop is upright, framed
the same way for every face, at any size.

Sources: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (arXiv:1907.05047);
Karras et al. 2019, "A Style-Based Generator Architecture for GANs" (FFHQ, appendix C and its dataset tool).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.candidates import PRESENCE, candidates
from facezoo.face.mesh import head_pose
from facezoo.face.networks import FaceBox, detect, locate_fan, track_mesh
from facezoo.types import Box, Face, Image, Landmarks, Points

__all__ = ["FaceBox", "Wanted", "choose", "crop_affine", "crop_image", "detect", "find_faces", "follow_face", "move",
           "portrait_face", "realign"]  # fmt: skip

Wanted = int | Literal["all"] | frozenset[int]
"""Which faces of a picture: a number (1 is the largest), several, or all."""


def find_faces(
    image: Image, *, crop_size: int = 0, backend: Literal["mesh", "fan"] = "mesh", thorough: bool = True
) -> list[Face]:
    """All faces of a picture, largest first, numbered from 1; an empty list when there is none.

    image: (H, W, 3) RGB uint8. crop_size: side of the aligned crops in pixels, 0 for the picture's own resolution.
    backend: "mesh" (468 points with depth, embedded) or "fan" (68 points, needs facezoo[fan] and its weights).
    thorough: also look for small faces, and for heads turned by more than about 60 degrees. Raises WeightsUnavailable
    when a backend is not usable."""
    found = candidates(image, thorough=thorough)
    marks = [each.mesh if backend == "mesh" else locate_fan(image, each.seen.box) for each in found]
    return [
        _face(image, i, each.seen.box, mark, crop_size)
        for i, (each, mark) in enumerate(zip(found, marks, strict=True), start=1)
    ]


def portrait_face(portrait: Image, persona: str) -> Face:
    """The face of the portrait (H, W, 3) RGB uint8 of the synthetic person of this id."""
    return replace(find_faces(portrait, thorough=False)[0], persona=persona)


def choose(faces: list[Face], wanted: Wanted) -> list[Face]:
    """The wanted ones of the faces. Raises NoFace when there is none, or not one of that number."""
    if not faces:
        raise NoFace(
            "No face was found.", "Use a picture in which the face is larger, sharper, and turned less to the side."
        )
    if wanted == "all":
        return faces
    numbers = [wanted] if isinstance(wanted, int) else sorted(wanted)
    for number in numbers:
        if not 1 <= number <= len(faces):
            known = "only face 1" if len(faces) == 1 else f"faces 1 to {len(faces)}"
            raise NoFace(
                f"There is no face {number}: this picture has {known}.", "Choose one of these, 1 is the largest."
            )
    return [faces[number - 1] for number in numbers]


def follow_face(image: Image, previous: Face) -> Face:
    """The same face in the next frame of a clip, without the detector. Raises NoFace when it was lost."""
    marks = track_mesh(image, previous.landmarks)
    if marks.presence < PRESENCE:
        raise NoFace("The face left the picture.", "Look for it again with find_faces.")
    low, high = marks.mesh[:, :2].min(axis=0), marks.mesh[:, :2].max(axis=0)
    box = Box(*low.tolist(), *high.tolist(), score=marks.presence)
    return _face(image, previous.number, box, marks, previous.crop.shape[0])


def _face(image: Image, number: int, box: Box, marks: Landmarks, crop_size: int) -> Face:
    affine, side = crop_affine(marks, crop_size)
    return Face(number, box, marks, head_pose(marks), image, crop_image(image, affine, side), affine)


def realign(face: Face, crop_size: int) -> Face:
    """The same face with its crop taken anew at another size (0: the picture's own resolution)."""
    return _face(face.frame, face.number, face.box, face.landmarks, crop_size)


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
