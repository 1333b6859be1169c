"""Who drives: the same person after an absence and at another place, and nobody else meanwhile."""

from __future__ import annotations

import cv2
import numpy as np

from facezoo.media.read import read_photo
from facezoo.motion.driver import Tracker
from facezoo.types import Image
from facezoo.zoo.embedded import personas


def _stage(person: int, left: int) -> Image:
    """A person, by number, at a place of a grey picture; nobody with -1."""
    canvas = np.full((240, 560, 3), 120, np.uint8)
    if person >= 0:
        portrait = read_photo(personas()[person].portrait)
        canvas[10:230, left : left + 220] = cv2.resize(portrait, (220, 220), interpolation=cv2.INTER_AREA)
    return canvas


def test_the_driver_is_known_again_and_nobody_else_drives() -> None:
    tracker = Tracker()
    acts = [(0, 10, 8), (-1, 0, 16), (1, 300, 16), (-1, 0, 14), (0, 320, 14)]
    seen: list[list[bool]] = []
    index = 0
    for person, left, count in acts:
        picture = _stage(person, left)
        sights = []
        for _ in range(count):
            sights.append(tracker(picture, index / 25))
            index += 1
        seen.append([sight.seen for sight in sights])
    here, away, other, empty, again = seen
    assert all(here)
    assert not any(away) and not any(other) and not any(empty), "the one who comes meanwhile does not drive"
    assert again[-1] and sum(again) >= 6
    assert sights[-1].mesh[:, 0].mean() > 320
