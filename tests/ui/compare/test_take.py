"""What a comparison is taken along as: one sealed picture, and a ZIP with figures and words."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo import runner
from facezoo.media.sheet import close_up, side_by_side
from facezoo.types import Box, Sealed
from facezoo.ui.common.cards import Card
from facezoo.ui.common.gallery import finished
from facezoo.ui.compare.take import pack
from facezoo.zoo.embedded import examples

SPECS = [spec for spec in facezoo.list_methods() if "swap" in spec.tasks]


def test_a_close_up_stays_inside_the_picture() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[40:60, 90:110] = 255
    middle = close_up(picture, Box(90, 40, 110, 60))
    assert middle.shape == (38, 38, 3)
    assert middle[19, 19].tolist() == [255, 255, 255]
    assert close_up(picture, Box(180, 80, 199, 99)).shape == (36, 36, 3)
    assert close_up(picture, Box(0, 0, 200, 100)).shape == (100, 100, 3)


def test_six_pictures_stand_in_two_rows_of_three_below_their_heading() -> None:
    tile = np.zeros((64, 64, 3), np.uint8)
    plain = side_by_side([(str(i), tile) for i in range(6)])
    headed = side_by_side([(str(i), tile) for i in range(6)], "Tarek, by all of them: é")
    assert plain.shape[1] == 3 * 520
    assert headed.shape[0] > plain.shape[0]
    assert headed.shape[1] == plain.shape[1]
    assert (headed[: headed.shape[0] - plain.shape[0]] < 128).any(), "the heading is written"


@pytest.mark.slow
def test_finished_results_become_one_sealed_picture_and_a_zip(tmp_path: Path) -> None:
    example = examples()[0]
    known = finished(example.id, "tarek", SPECS)
    cards = {
        spec.id: Card(spec, "done", known[spec.id].sealed, example.path, verdict=known[spec.id].verdict)
        for spec in SPECS if spec.id in known
    }  # fmt: skip
    files = {card.spec.title: card.sealed.path for card in cards.values() if card.sealed}
    grid: Sealed = runner.gather(example.path, files, tmp_path / "grid.png", persona="tarek")
    found = facezoo.verify(grid.path)
    assert (found.c2pa, found.watermark, found.method) == ("trusted", True, "compare")
    pack(tmp_path / "all.zip", grid.path, cards, "Somebody as Tarek")
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert packed.testzip() is None
        names = {f"{id}.avif" for id in known}
        assert set(packed.namelist()) == names | {"grid.png", "metrics.json", "README.txt"}
        told = json.loads(packed.read("metrics.json"))
        assert set(told["results"]) == set(known)
        for id, facts in told["results"].items():
            assert (facts["file"], facts["persona"]) == (f"{id}.avif", "tarek")
            assert {"kept", "sharpness", "taken", "weights"} <= set(facts)
            Image.open(io.BytesIO(packed.read(facts["file"]))).load()
        words = packed.read("README.txt").decode()
        assert "made by AI" in words
        assert all(f"{id}.avif" in words for id in known)
