"""A dataclass as a command line, and scores that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from facezoo.train.config import parse
from facezoo.train.score import bootstrap, damage_scores, summary


@dataclass(frozen=True)
class Config:
    """Train a thing."""

    data: Path
    """Where the pictures are, 100 % of them."""
    steps: int = 10
    widths: tuple[int, ...] = (1, 2)
    """Channels."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError("--steps must be positive")


PRESETS = {"small": {}, "large": {"steps": 1000, "widths": (8, 9)}}


def test_options_win_over_presets_and_presets_over_defaults() -> None:
    assert parse(Config, PRESETS, ["--data", "x"]) == Config(Path("x"))
    assert parse(Config, PRESETS, ["--preset", "large", "--data", "x"]) == Config(Path("x"), 1000, (8, 9))
    given = parse(Config, PRESETS, ["--preset", "large", "--data", "x", "--steps", "3", "--widths", "4", "5", "6"])
    assert given == Config(Path("x"), 3, (4, 5, 6))


@pytest.mark.parametrize(("arguments", "said"), [([], "--data"), (["--data", "x", "--steps", "0"], "positive")])
def test_what_is_wrong_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Config, PRESETS, arguments)
    assert said in capsys.readouterr().err


def test_help_shows_the_docstrings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Config, PRESETS, ["--help"])
    shown = capsys.readouterr().out
    assert "Train a thing" in shown and "100 % of them" in shown and "Channels." in shown


def test_scores_know_blur_and_only_look_where_they_should() -> None:
    truth = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    weight = np.zeros((64, 64), np.float32)
    weight[16:48, 16:48] = 1
    same = damage_scores(truth, truth, weight)
    assert same["l1"] == 0 and same["ssim"] == pytest.approx(1) and same["sharpness"] == pytest.approx(1)
    outside = truth.copy()
    outside[:4] = 0
    assert damage_scores(outside, truth, weight) == same
    blurred = damage_scores(cv2.GaussianBlur(truth, (0, 0), 2), truth, weight)
    assert blurred["sharpness"] < 0.5 and blurred["ssim"] < 0.5 and blurred["contrast"] > 10


def test_intervals_hold_the_mean() -> None:
    interval = bootstrap(np.arange(50.0))
    assert interval.low < interval.mean == 24.5 < interval.high and interval.n == 50
    table = summary([({"l1": 4.0}, {"l1": 3.0}), ({"l1": 8.0}, {"l1": 5.0})])
    assert table["l1"]["change"]["mean"] == -2 and table["l1"]["mended"]["n"] == 2
