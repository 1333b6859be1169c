"""Where a driver's motion begins: an identical frame is found, the first one wins unless another is clearly nearer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.driver import Sight, find_start, track
from facezoo.motion.motion import Observation, best_start
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Frame, Image
from facezoo.zoo.embedded import examples, personas


def movable(path: object) -> MovablePhoto:
    image = cv2.resize(read_photo(path), (320, 320), interpolation=cv2.INTER_AREA)  # type: ignore[arg-type]
    return MovablePhoto(find_faces(np.asarray(image, np.uint8))[0])


@pytest.fixture(scope="module")
def photo() -> MovablePhoto:
    return movable(personas()[0].portrait)


@pytest.fixture(scope="module")
def other() -> MovablePhoto:
    return movable(personas()[2].portrait)


def moved(photo: MovablePhoto, controls: Sequence[Controls]) -> list[Image]:
    return [photo.draw(motion_of(each, photo.placement.rotation)) for each in controls]


def chosen(pictures: Sequence[Image], photo: MovablePhoto | None, smoothing: float = 0.3) -> int:
    """Which of the pictures a driver's motion begins at."""
    frames = [Frame(picture, index / 25) for index, picture in enumerate(pictures)]
    sights: list[Sight] = [sight for _, sight in track(frames, smoothing)]
    start = find_start(sights, photo)
    return next(index for index, sight in enumerate(sights) if sight.observation is start)


AWAY = [Controls(yaw=4 * i, mouth=0.1 * i, blink=0.1 * i) for i in range(1, 6)]


def test_its_own_first_frame_is_where_it_begins(photo: MovablePhoto) -> None:
    assert chosen([photo.photo, *moved(photo, AWAY)], photo) == 0
    assert chosen([photo.photo, *moved(photo, [Controls(yaw=0.5, mouth=0.02)] * 5)], photo) == 0


@pytest.mark.parametrize("place", [2, 5])
def test_an_identical_frame_is_found_wherever_it_is(photo: MovablePhoto, place: int) -> None:
    pictures = moved(photo, AWAY[::-1])
    assert chosen([*pictures[:place], photo.photo, *pictures[place:]], photo, smoothing=0) == place


def test_a_laughing_photo_begins_at_the_laugh(photo: MovablePhoto, other: MovablePhoto) -> None:
    """Of another person, who laughs in the middle of the clip."""
    laughing = {each.id: each.path for each in examples()}["laughing"]
    clip = moved(
        other, [Controls(), Controls(), Controls(smile=1, mouth=0.6), Controls(smile=1, mouth=0.6), Controls()]
    )
    assert chosen(clip, movable(laughing), smoothing=0) in (2, 3)
    assert chosen(clip, photo, smoothing=0) in (0, 1, 4)


def test_the_first_wins_unless_another_is_clearly_nearer(photo: MovablePhoto) -> None:
    own = Observation(photo.placement, photo.shape, photo.eyes, photo.gaze, 0.0)
    little, less = (replace(own, eyes=own.eyes + more) for more in (0.02, 0.012))
    assert best_start([little, less], own) == 0
    assert best_start([little, less, own], own) == 2
    assert best_start([replace(own, eyes=own.eyes + 0.15), own], own) == 1


def test_without_a_photo_it_begins_at_rest(other: MovablePhoto) -> None:
    clip = moved(other, [Controls(yaw=20, mouth=0.7), *[Controls()] * 4, Controls(yaw=-15, mouth=0.5)])
    assert chosen(clip, None, smoothing=0) in (1, 2, 3, 4)
