"""Keeping hold of the same face, or faces, through a clip."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import Wanted, choose, find_faces, follow_face
from facezoo.types import Face, Image

__all__ = ["Follower"]

_LOOK_AGAIN = 12  # frames: the detector checks the tracker this often
_NEAR = 0.9  # of the face's width: a face found farther away than this is somebody else
_CUT = 20.0  # grey levels between pictures from which they are two shots: people moving stay below 10 at 25 a second
_SMALL = 32  # px, the side that pictures are compared at


class Follower:
    """Finds the wanted faces in each frame of a clip, in the order of the frames.

    Call it with (H, W, 3) uint8 frames one after another; it returns the wanted faces that are in the frame, perhaps
    none. The first frame in which there is any face decides who is who. After a cut a face is the same person when it
    is where that person was; when nobody is there, "all" and 1 begin anew. most: the most faces that one frame had.
    cut: whether the last frame began a new shot."""

    def __init__(self, wanted: Wanted, crop_size: int) -> None:
        self._wanted: Wanted = wanted
        self._crop_size = crop_size
        self._last: list[Face] = []
        self._age = 0
        self._small: NDArray[np.float32] | None = None
        self.cut = False
        self.most = 0

    def __call__(self, image: Image) -> list[Face]:
        """The wanted faces of the next frame."""
        before, self._small = self._small, _small(image)
        self.cut = before is not None and float(np.abs(self._small - before).mean()) > _CUT
        faces = self._next(image)
        self.most = max(self.most, len(faces))
        return faces

    def _next(self, image: Image) -> list[Face]:
        if not self._last:
            return self._begin(image)
        self._age += 1
        found = self._find_again(image) if self.cut or self._age % _LOOK_AGAIN == 0 else self._track(image)
        if self.cut and (self._wanted == "all" or (self._wanted == 1 and not found)):
            return self._begin(image)
        known = {face.number: face for face in found}
        self._last = [known.get(face.number, face) for face in self._last]
        return found

    def _begin(self, image: Image) -> list[Face]:
        faces = find_faces(image, crop_size=self._crop_size)
        self._last = choose(faces, self._wanted) if faces else []
        return self._last

    def _track(self, image: Image) -> list[Face]:
        kept: list[Face] = []
        for face in self._last:
            try:
                kept.append(follow_face(image, face))
            except NoFace:
                return self._find_again(image)
        return kept

    def _find_again(self, image: Image) -> list[Face]:
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


def _small(image: Image) -> NDArray[np.float32]:
    """(32, 32) float32 grey levels of a picture."""
    step = max(1, min(image.shape[:2]) // (4 * _SMALL))
    small = cv2.resize(image[::step, ::step], (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
