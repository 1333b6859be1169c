"""Keeping hold of the same face, or faces, through a clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from facezoo.errors import NoFace
from facezoo.face import find_faces, follow_face
from facezoo.types import Face, Image

__all__ = ["Follower", "choose"]

_LOOK_AGAIN = 12  # frames: the detector checks the tracker this often, so that a cut in the film is noticed
_NEAR = 0.9  # of the face's width: a face found farther away than this is somebody else


def choose(faces: list[Face], wanted: int | Literal["all"]) -> list[Face]:
    """The face of that number (1 is the largest), or all. Raises NoFace when there is none, or not that one."""
    if not faces:
        raise NoFace(
            "No face was found.", "Use a picture in which the face is larger, sharper, and turned less to the side."
        )
    if wanted == "all":
        return faces
    if not 1 <= wanted <= len(faces):
        numbers = "only face 1" if len(faces) == 1 else f"faces 1 to {len(faces)}"
        raise NoFace(
            f"There is no face {wanted}: this picture has {numbers}.", "Choose one of these, 1 is the largest."
        )
    return [faces[wanted - 1]]


class Follower:
    """Finds the chosen faces in each frame of a clip, in the order of the frames.

    Call it with (H, W, 3) uint8 frames one after another; it returns the chosen faces that are in the frame, perhaps
    none. The first frame in which there is any face decides who is who. most: the most faces that one frame had."""

    def __init__(self, wanted: int | Literal["all"], crop_size: int) -> None:
        self._wanted: int | Literal["all"] = wanted
        self._crop_size = crop_size
        self._last: list[Face] = []
        self._age = 0
        self.most = 0

    def __call__(self, image: Image) -> list[Face]:
        """The chosen faces of the next frame."""
        faces = self._next(image)
        self.most = max(self.most, len(faces))
        return faces

    def _next(self, image: Image) -> list[Face]:
        if not self._last:
            faces = find_faces(image, crop_size=self._crop_size)
            self._last = choose(faces, self._wanted) if faces else []
            return self._last
        self._age += 1
        found = self._look(image) if self._age % _LOOK_AGAIN == 0 else self._track(image)
        known = {face.number: face for face in found}
        self._last = [known.get(face.number, face) for face in self._last]
        return found

    def _track(self, image: Image) -> list[Face]:
        kept: list[Face] = []
        for face in self._last:
            try:
                kept.append(follow_face(image, face))
            except NoFace:
                return self._look(image)
        return kept

    def _look(self, image: Image) -> list[Face]:
        """The detector's faces, each given the number of the followed face it lies nearest to."""
        fresh = find_faces(image, crop_size=self._last[0].crop.shape[0], thorough=False)
        kept: list[Face] = []
        for face in self._last:
            near = [(_distance(face, other), i) for i, other in enumerate(fresh)]
            if near and min(near)[0] < _NEAR:
                kept.append(replace(fresh.pop(min(near)[1]), number=face.number))
        return kept


def _distance(a: Face, b: Face) -> float:
    """Between the middles of two boxes, in widths of the first."""
    middle = [np.array([(f.box.left + f.box.right) / 2, (f.box.top + f.box.bottom) / 2]) for f in (a, b)]
    return float(np.linalg.norm(middle[0] - middle[1]) / max(a.box.width, 1.0))
