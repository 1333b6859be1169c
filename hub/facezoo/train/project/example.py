"""Two synthetic people who ship with facezoo, moved alike: faces for a training that shows something in ten minutes."""

from __future__ import annotations

import os

from facezoo.errors import NoFace
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.train.project.sides import Side
from facezoo.train.render.frames import FrameSettings, Subject, pair, prepare
from facezoo.types import Progress
from facezoo.zoo.embedded import examples

__all__ = ["PEOPLE", "fill"]

PEOPLE = ("evening", "curls")
"""Ids of the examples that are A and B."""
_FACES = 160
_SEED = 7
_SETTINGS = FrameSettings(size=256, yaw=14.0, light=0.0, compression=0.0, background=0.0)


def fill(a: Side, b: Side, progress: Progress) -> None:
    """Store as many faces of either person, those of one id in the same pose and with the same expression.

    The environment variable FACEZOO_EXAMPLE_FACES says how many, 160 without it. progress may raise Cancelled."""
    count = int(os.environ.get("FACEZOO_EXAMPLE_FACES", _FACES))
    progress("Getting to know two people", 0.0)
    first, second = (_subject(id) for id in PEOPLE)
    for index in range(count):
        progress("Making pictures of both", index / count)
        try:
            made = pair(first, second, index, _SEED, _SETTINGS)
        except NoFace:
            continue
        a.add([(made.first.image, made.first.labels, "")])
        b.add([(made.second.image, made.second.labels, "")])
    progress("Making pictures of both", 1.0)


def _subject(id: str) -> Subject:
    path = next(each.path for each in examples() if each.id == id)
    return prepare(find_faces(read_photo(path), thorough=False)[0], _SETTINGS)
