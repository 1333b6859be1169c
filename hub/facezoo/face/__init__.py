"""Faces: found, measured, aligned, and put back. Geometry only; nothing is learned here."""

from __future__ import annotations

from typing import Literal

from facezoo.errors import NoFace
from facezoo.face.align import crop_affine, crop_image
from facezoo.face.detect import Detection, detect
from facezoo.face.landmarks import locate_fan, locate_mesh, track_mesh
from facezoo.face.mesh import head_pose
from facezoo.types import Box, Face, Image, Landmarks

__all__ = ["find_faces", "follow_face", "realign"]

_PRESENCE = 0.5


def find_faces(
    image: Image, *, crop_size: int = 0, backend: Literal["mesh", "fan"] = "mesh", thorough: bool = True
) -> list[Face]:
    """All faces of a picture, largest first, numbered from 1; an empty list when there is none.

    image: (H, W, 3) RGB uint8. crop_size: side of the aligned crops in pixels, 0 for the picture's own resolution.
    backend: "mesh" (468 points with depth, embedded) or "fan" (68 points, needs facezoo[fan] and its weights).
    thorough: also look for small faces. Raises WeightsUnavailable when a backend is not usable."""
    found: list[tuple[Detection, Landmarks]] = []
    for detection in detect(image, thorough=thorough):
        mesh = locate_mesh(image, detection)
        if mesh.presence < _PRESENCE:
            continue
        found.append((detection, mesh if backend == "mesh" else locate_fan(image, detection)))
    return [_face(image, i, d.box, marks, crop_size) for i, (d, marks) in enumerate(found, start=1)]


def follow_face(image: Image, previous: Face) -> Face:
    """The same face in the next frame of a clip, without the detector. Raises NoFace when it was lost."""
    marks = track_mesh(image, previous.landmarks)
    if marks.presence < _PRESENCE:
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
