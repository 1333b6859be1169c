"""Who is who by likeness: the same in other light and size, others apart, and what is covered is told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facezoo.face.find import find_faces
from facezoo.face.likeness import covered, likeness, skin_colours, unlike
from facezoo.face.people import SAME, People
from facezoo.media.read import read_photo
from facezoo.types import Face, Image
from facezoo.zoo.embedded import personas


@pytest.fixture(scope="module")
def portraits() -> list[Image]:
    return [read_photo(person.portrait) for person in personas()]


def found(image: Image) -> Face:
    return find_faces(image, crop_size=16, thorough=False)[0]


def look(image: Image) -> np.ndarray:
    return likeness(image, found(image).landmarks)


def relit(image: Image) -> Image:
    """Darker, warmer, lit from the left, at half the size."""
    light = np.linspace(1.0, 0.6, image.shape[1])[None, :, None] * np.array([1.0, 0.9, 0.8])
    small = cv2.resize((image * light).astype(np.uint8), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def test_people_are_told_apart_in_other_light(portraits: list[Image]) -> None:
    looks, again = [look(each) for each in portraits], [look(relit(each)) for each in portraits]
    for number, one in enumerate(again):
        distances = [unlike(one, other) for other in looks]
        assert int(np.argmin(distances)) == number
        assert distances[number] < SAME
    apart = [unlike(a, b) for i, a in enumerate(looks) for b in looks[:i]]
    assert min(apart) > SAME


def test_what_is_covered_is_told_and_light_is_not(portraits: list[Image]) -> None:
    picture = portraits[0]
    marks = found(picture).landmarks
    usual = skin_colours(picture, marks)
    assert covered(skin_colours((picture * 0.7).astype(np.uint8), marks), usual, marks.mesh) < 0.05
    hidden = picture.copy()
    low, high = marks.mesh[:, :2].min(axis=0).astype(int), marks.mesh[:, :2].max(axis=0).astype(int)
    hidden[low[1] : high[1], low[0] : (2 * low[0] + high[0]) // 3] = (40, 160, 60)
    assert 0.15 < covered(skin_colours(hidden, marks), usual, marks.mesh) < 0.5
    beyond = skin_colours(np.ascontiguousarray(picture[:, : int(high[0]) - 20]), marks)
    assert np.isnan(beyond).any() and covered(beyond, usual, marks.mesh) < 0.1, "what is outside is not covered"


def test_one_who_was_taken_for_two_is_one_again(portraits: list[Image]) -> None:
    people, face = People(), found(portraits[0])
    usual = skin_colours(portraits[0], face.landmarks)
    looks = [look(each) for each in portraits[:2]]
    first = people.add(face, looks[0], usual, 0, 0)
    second = people.add(face, looks[1], usual, 0, 0)
    third = people.add(face, looks[0], usual, 5, 1)
    assert [each.number for each in people.known] == [1, 2, 3]
    assert people.same_as(third, []) is first and people.same_as(second, []) is None
    people.merge(third, first)
    assert people.known == [first, second] and people.add(face, looks[1], usual, 9, 2).number == 3
    third.beside.add(1)
    assert people.same_as(third, []) is None, "they were seen together"
