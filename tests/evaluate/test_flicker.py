"""Flicker: none where there is none, more where there is more, and the motion of the clip itself does not count."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from facezoo.evaluate.flicker import flicker, flow_back, main, warp_error
from facezoo.media.read import read_photo
from facezoo.media.write import write_clip
from facezoo.types import Frame, Image
from facezoo.zoo.embedded import personas

Change = Callable[[Image, int], Image]


def clip(path: Path, change: Change, count: int = 12) -> Path:
    portrait = np.asarray(cv2.resize(read_photo(personas()[0].portrait), (240, 240), interpolation=cv2.INTER_AREA))

    def frames() -> list[Frame]:
        scenes = [np.full((260, 320, 3), 110, np.uint8) for _ in range(count)]
        for index, canvas in enumerate(scenes):
            canvas[10:250, 10 + 3 * index : 250 + 3 * index] = change(portrait, index)
        return [Frame(canvas, index / 25) for index, canvas in enumerate(scenes)]

    write_clip(path, iter(frames()), rate=Fraction(25))
    return path


def brighter(amount: int) -> Change:
    return lambda image, index: np.clip(image.astype(int) + amount * (index % 2), 0, 255).astype(np.uint8)


def shaken(amount: float) -> Change:
    return lambda image, index: np.roll(image, round(amount * (index % 2)), axis=0)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("flicker") / "source.mp4", brighter(0))


def test_flow_undoes_motion() -> None:
    rng = np.random.default_rng(0)
    before = np.asarray(cv2.GaussianBlur(rng.integers(0, 255, (120, 120, 3), np.uint8), (0, 0), 3))
    before = np.asarray(cv2.normalize(before, None, 0, 255, cv2.NORM_MINMAX), np.uint8)  # type: ignore[call-overload]
    now = np.roll(before, 3, axis=1)
    inner = np.zeros((120, 120), np.float32)
    inner[20:100, 20:100] = 1
    still = np.zeros((120, 120, 2), np.float32)
    assert warp_error(now, before, flow_back(now, before), inner) < 0.2 * warp_error(now, before, still, inner)
    assert warp_error(before, before, still, inner) == 0


def test_a_face_that_changes_from_frame_to_frame_is_seen(source: Path, tmp_path: Path) -> None:
    same = flicker(source, source)
    assert same.warp_error == same.source_warp_error and same.landmark_jerk == same.source_landmark_jerk
    assert (same.warp_error.n, same.landmark_jerk.n) == (11, 9)
    assert same.warp_error.low <= same.warp_error.mean <= same.warp_error.high < 3, "motion does not count"
    flashing = flicker(source, clip(tmp_path / "flashing.mp4", brighter(20)))
    assert flashing.warp_error.mean > same.warp_error.mean + 12
    shaking = flicker(source, clip(tmp_path / "shaking.mp4", shaken(4)))
    assert shaking.landmark_jerk.mean > same.landmark_jerk.mean + 5
    assert shaking.source_landmark_jerk == same.landmark_jerk


def test_the_command_prints_json_or_says_why_not(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(source), str(source)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["warp_error"]) == {"mean", "low", "high", "n"}
    assert main([str(source), str(clip(tmp_path / "short.mp4", brighter(0), 6))]) == 2
    assert "equally many frames" in capsys.readouterr().err
    nobody = clip(tmp_path / "nobody.mp4", lambda image, _: np.full_like(image, 90))
    assert main([str(nobody), str(nobody)]) == 4
