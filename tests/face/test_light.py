"""A face in faded, hazy, dark or coloured light: within the tones that the photo has, in its hue."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facezoo.face.find import find_faces, portrait_face
from facezoo.face.paste import paste, to_lab
from facezoo.media.read import read_photo
from facezoo.types import Face, Image
from facezoo.zoo.embedded import personas

PEOPLE = {person.id: person.portrait for person in personas()}


def swapped(picture: Image, donor: str) -> tuple[Image, np.ndarray]:
    """The picture with the donor's crop pasted in, and where the face is, (H, W) bool."""
    face = find_faces(picture, thorough=False)[0]
    other = portrait_face(read_photo(PEOPLE[donor]), donor)
    result = paste(face, np.asarray(cv2.resize(other.crop, face.crop.shape[:2]), np.uint8))
    return result, np.abs(result.astype(int) - picture).max(axis=2) > 2


def bounds(face: Face) -> tuple[float, float]:
    return tuple(np.percentile(to_lab(face.crop)[..., 0], (0.5, 99.5)).tolist())


@pytest.mark.parametrize("target", ["imani", "orla", "joss"])
def test_no_black_brows_in_a_faded_photo(target: str) -> None:
    faded = np.clip(read_photo(PEOPLE[target]) * 0.45 + 110, 0, 255).astype(np.uint8)
    low, high = bounds(find_faces(faded, thorough=False)[0])
    result, inside = swapped(faded, "tarek")
    light = to_lab(result)[..., 0][inside]
    assert low > 40, "it is faded"
    assert np.percentile(light, 0.5) > low - 6 and np.percentile(light, 99.5) < high + 6


def test_a_dark_beard_has_little_colour_in_blue_light() -> None:
    """What is far darker than the skin takes less of the light's hue: a black beard does not turn teal."""
    blue = np.clip(read_photo(PEOPLE["joss"]) * np.array([0.3, 0.6, 1.0]), 0, 255).astype(np.uint8)
    skin = to_lab(blue)[swapped(blue, "orla")[1]].mean(axis=0)
    result, inside = swapped(blue, "tarek")
    lab = to_lab(result)[inside]
    dark = lab[lab[:, 0] < 0.4 * skin[0]]
    assert len(dark) > 200 and np.hypot(*skin[1:]) > 12, "the light is coloured, the beard is there"
    assert np.hypot(*dark[:, 1:].mean(axis=0)) < 0.7 * np.hypot(*skin[1:])


def test_no_white_eyes_in_the_dark() -> None:
    dark = np.clip((read_photo(PEOPLE["tarek"]) / 255.0) ** 1.6 * 110, 0, 255).astype(np.uint8)
    _, high = bounds(find_faces(dark, thorough=False)[0])
    result, inside = swapped(dark, "orla")
    assert np.percentile(to_lab(result)[..., 0][inside], 99.5) < high + 4


def test_hue_follows_the_light_of_a_stage() -> None:
    red = np.clip(read_photo(PEOPLE["joss"]) * np.array([1.1, 0.35, 0.6]), 0, 255).astype(np.uint8)
    result, inside = swapped(red, "imani")
    ours, theirs = to_lab(result)[inside].mean(axis=0), to_lab(red)[inside].mean(axis=0)
    assert np.hypot(*(ours - theirs)[1:]) < 8


@pytest.mark.parametrize("target", ["joss", "orla"])
def test_half_of_a_face_in_the_dark(target: str) -> None:
    """The lit half stays lit and the dark one dark, though most of the face is dark."""
    picture = read_photo(PEOPLE[target])
    face = find_faces(picture, thorough=False)[0]
    edge = face.landmarks.mesh[[61, 291], 0] @ np.array([0.25, 0.75])
    xs = np.arange(picture.shape[1], dtype=np.float32)
    light = 0.05 + 0.95 / (1 + np.exp(-(xs - edge) / (0.03 * face.box.width)))
    staged = (picture * light[None, :, None] * np.array([1.0, 0.7, 0.5])).astype(np.uint8)
    result, inside = swapped(staged, "imani")
    own, made = (to_lab(each)[..., 0] for each in (staged, result))
    halves = [inside & (np.broadcast_to(light, inside.shape) > 0.9), inside & (light < 0.2)[None, :]]
    bright, dark = (abs(np.median(made[half]) - np.median(own[half])) for half in halves)
    assert bright < 10 and dark < 10
