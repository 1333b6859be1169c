"""The judge of strokes and colours: right about kinds that differ, not persuaded by colours alone."""

from __future__ import annotations

import numpy as np

from facezoo.evaluate.painted import taken_for
from facezoo.evaluate.styles import recolored
from facezoo.types import Image


def _pictures(count: int, seed: int, *, striped: bool, tint: tuple[int, int, int]) -> list[Image]:
    """Smooth pictures in a colour, with stripes or without."""
    random = np.random.default_rng(seed)
    found: list[Image] = []
    for _ in range(count):
        coarse = random.uniform(40, 160, (4, 4, 1)).repeat(16, 0).repeat(16, 1) + random.normal(0, 2, (64, 64, 1))
        stripes = 25.0 * striped * (np.arange(64) % 6 < 3)[:, None, None]
        found.append(np.clip(coarse + stripes + np.array(tint), 0, 255).astype(np.uint8))
    return found


def test_strokes_persuade_and_colours_do_not() -> None:
    photos = _pictures(12, 0, striped=False, tint=(0, 0, 0))
    paintings = _pictures(15, 1, striped=True, tint=(60, 20, 0))
    tinted = [recolored(each, paintings) for each in photos]
    strokes = [
        np.clip(each + 25.0 * (np.arange(64) % 6 < 3)[:, None, None], 0, 255).astype(np.uint8) for each in tinted
    ]
    made = {"copied": photos, "tinted": tinted, "painted": strokes}
    right, taken = taken_for(photos, tinted, paintings, made)
    assert right.n == 27 and right.mean > 0.9
    assert taken["copied"].mean == taken["tinted"].mean == 0
    assert taken["painted"].mean > 0.8 and taken["painted"].n == 12
    assert taken_for(photos, tinted, paintings, made) == (right, taken)
