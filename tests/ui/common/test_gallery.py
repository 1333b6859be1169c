"""The finished comparisons that ship: complete, sealed, small, and made with what ships now. Stale: `make examples`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import facezoo
from facezoo import runner
from facezoo.media.read import read_photo
from facezoo.ui.common.gallery import FOLDER, INDEX, file_of, finished, places, shipped_pictures
from facezoo.zoo.embedded import examples, personas

SPECS = [spec for spec in facezoo.list_methods() if "swap" in spec.tasks]
MOST = 6 << 20  # bytes
ALIKE = 30.0  # dB between a result made now and the one that ships, in fewer bytes: other code gives less


def test_every_picture_method_and_persona_is_there_and_made_with_what_ships() -> None:
    index = json.loads(INDEX.read_text(encoding="utf-8"))
    assert index["version"] == facezoo.__version__, "stale: make examples"
    assert index["weights"] == {spec.id: spec.weights.sha256 for spec in SPECS}, "stale: make examples"
    wanted = {
        f"{example.id}/{person.id}/{spec.id}"
        for example in examples() for person in personas() for spec in SPECS if spec.inputs.knows(person.id)
    }  # fmt: skip
    there = {
        f"{example.id}/{person.id}/{id}"
        for example in examples() for person in personas() for id in finished(example.id, person.id, SPECS)
    }  # fmt: skip
    assert there == wanted == set(index["results"]), "stale: make examples"
    assert len(shipped_pictures()) == len(wanted)
    assert all(len(places(example.id)) >= 1 for example in examples())


def test_the_gallery_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST


def test_results_of_other_weights_do_not_count() -> None:
    example, person = examples()[0].id, personas()[0].id
    known = finished(example, person, SPECS)
    assert known
    other = [replace(spec, weights=replace(spec.weights, sha256="0" * 64)) for spec in SPECS]
    assert finished(example, person, other) == {}
    assert finished("nothing", person, SPECS) == finished(example, "nobody", SPECS) == {}


@pytest.mark.slow
def test_every_result_is_sealed() -> None:
    for path in shipped_pictures():
        found = facezoo.verify(path)
        assert (found.c2pa, found.watermark) == ("trusted", True), path.name
        assert found.method in path.name


@pytest.mark.slow
def test_what_ships_is_what_is_made_now(tmp_path: Path) -> None:
    """One picture through every method again: other code, or other weights, would give another face."""
    example = examples()[0]
    person = max(personas(), key=lambda each: sum(spec.inputs.knows(each.id) for spec in SPECS))
    made = runner.compare(example.path, persona=person.id, output=tmp_path)
    assert set(made.results) == set(finished(example.id, person.id, SPECS))
    left, top, width, height = places(example.id)[0]
    for id, sealed in made.results.items():
        now, before = read_photo(sealed.path), read_photo(file_of(example.id, person.id, id))
        rows, columns = now.shape[:2]
        face = np.s_[int(top * rows / 100) : int((top + height) * rows / 100),
                     int(left * columns / 100) : int((left + width) * columns / 100)]  # fmt: skip
        alike = cv2.PSNR(now[face], before[face])
        assert alike > ALIKE, f"{id}: {alike:.1f} dB, stale: make examples"
