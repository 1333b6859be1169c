"""Scores that can be trusted."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from facezoo.train.likeness import damage_scores, difference, headline, score_of  # noqa: E402


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
    assert blurred["sharpness"] < 0.5 and blurred["ssim"] < 0.5 and blurred["l1"] > 10


def test_a_score_holds_its_mean_and_what_is_simple() -> None:
    score = score_of("ssim_a", "SSIM, a", np.arange(50.0), {"copied": [1.0, 3.0]})
    assert score.result.low < score.result.value == 24.5 < score.result.high and score.n == 50
    assert score.baselines["copied"].value == 2
    other = score_of("ssim_b", "SSIM, b", [0.5])
    assert headline([score, other, score_of("l1_a", "L1", [9.0], better="lower")]) == 12.5
    assert headline([score_of("l1_a", "L1", [9.0], better="lower")]) == -9


def test_unlike_pictures_cost_more() -> None:
    torch.manual_seed(0)
    picture, even = torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)
    assert difference(picture, picture, even, 1.0) == pytest.approx(0, abs=1e-5)
    assert difference(picture + 0.1, picture, even, 0.0) == pytest.approx(0.1, rel=1e-4)
    softer = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(picture, 2), scale_factor=2)
    assert difference(softer, picture, even, 1.0) > difference(softer, picture, even, 0.0) + 0.1
