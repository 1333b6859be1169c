"""What is in front of a face stays in front, the skin keeps its colour, and too little of a face is refused."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import occluders
import pytest

from facezoo.errors import NoFace
from facezoo.face.covering import covering_of, uncovered
from facezoo.face.find import crop_image, find_faces, portrait_face
from facezoo.face.mesh import FACE_OVAL
from facezoo.face.paste import paste, to_lab
from facezoo.media.read import read_photo
from facezoo.types import Face, Image
from facezoo.zoo.embedded import examples, personas

TAREK = next(person.portrait for person in personas() if person.id == "tarek")


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    shown = [person.portrait for person in personas() if person.portrait != TAREK] + [
        e.path for e in examples() if e.id in ("denim", "evening")
    ]
    return [find_faces(read_photo(path), thorough=False)[0] for path in shown]


def covered_face(face: Face, kind: str) -> tuple[Face, np.ndarray]:
    """The face with the thing in front of it, its mesh where it is, and the thing's pixels."""
    image, mask = occluders.put(kind, face.frame, face.landmarks.mesh)
    return replace(face, frame=image, crop=crop_image(image, face.affine, face.crop.shape[0])), mask > 0


def test_nothing_is_said_to_be_in_front_of_an_ordinary_face(faces: list[Face]) -> None:
    for face in faces:
        cover = covering_of(face)
        assert not cover.something and not cover.mouth and not cover.too_much
        assert not cover.mask(64).any()
    assert uncovered(faces) == faces


@pytest.mark.parametrize("kind", occluders.KINDS)
def test_what_is_in_front_stays(faces: list[Face], kind: str) -> None:
    """The upper edge of a mask is at times taken for glasses, and the eyes above it stay as well."""
    donor = portrait_face(read_photo(TAREK), "tarek")
    shares, rest = [], []
    for face in faces:
        target, thing = covered_face(face, kind)
        if covering_of(target).too_much:
            continue
        made = paste(target, np.asarray(cv2.resize(donor.crop, target.crop.shape[:2]), np.uint8))
        oval = np.zeros(thing.shape, np.uint8)
        cv2.fillPoly(oval, [target.landmarks.mesh[list(FACE_OVAL), :2].astype(np.int32)], 1)
        skin = cv2.erode(((oval > 0) & ~thing).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        ours, theirs = (np.median(to_lab(each)[skin], axis=0) for each in (made, target.frame))
        assert np.hypot(*(ours - theirs)[1:]) < 7, "skin is not taken for the thing, nor the thing for skin"
        changed = np.abs(made.astype(int) - target.frame).max(axis=2) > 12
        shares.append(float(changed[thing & (oval > 0)].mean()))
        rest.append(float(changed[(oval > 0) & ~thing].mean()))
    assert len(shares) >= 3 and np.mean(shares) < (0.12 if kind == "bars" else 0.05)
    assert sorted(rest)[2] > 0.05, "the rest is changed"


def test_too_little_of_a_face_is_refused(faces: list[Face]) -> None:
    face = faces[0]
    image: Image = face.frame.copy()
    low, high = face.landmarks.mesh[:, :2].min(axis=0).astype(int), face.landmarks.mesh[:, :2].max(axis=0).astype(int)
    image[int(low[1] + 0.28 * (high[1] - low[1])) : high[1] + 20, low[0] - 20 : high[0] + 20] = (40, 90, 160)
    hidden = replace(face, frame=image, crop=crop_image(image, face.affine, face.crop.shape[0]))
    with pytest.raises(NoFace, match="Too little of this face"):
        uncovered([hidden])
    assert uncovered([hidden, faces[1]]) == [faces[1]]
