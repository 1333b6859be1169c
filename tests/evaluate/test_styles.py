"""Translations are measured against what is known of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import facezoo
from facezoo.errors import UsageError
from facezoo.evaluate.metrics import features, kernel_distance
from facezoo.media.read import read_photo
from facezoo.media.write import write_photo
from facezoo.types import Image
from facezoo.zoo.embedded import examples
from facezoo.zoo.record import Interval, Score

torch = pytest.importorskip("torch")

from facezoo.evaluate import styles  # noqa: E402
from facezoo.methods.cyclegan.model import ResnetGenerator  # noqa: E402
from facezoo.methods.cyclegan.pipeline import CycleGan  # noqa: E402


def noise(count: int, *, blurred: int = 1, seed: int = 0) -> list[Image]:
    """Pictures of one kind: squares of random colours, `blurred` px wide."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, 96 // blurred, 96 // blurred, 3), dtype=np.uint8)
    return [*small.repeat(blurred, 1).repeat(blurred, 2)]


def test_one_kind_is_near_and_another_far() -> None:
    fine, more, coarse = (features(each) for each in (noise(12), noise(12, seed=1), noise(12, blurred=8)))
    same, other = kernel_distance(more, fine, fine), kernel_distance(coarse, fine, fine)
    assert same.low <= same.mean <= same.high and same.n == 12
    assert abs(same.mean) < 0.5 < other.low
    assert kernel_distance(more, fine, fine) == same, "the same each time"


def test_the_distance_is_that_of_the_formula() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(5, 7)), random.normal(0.3, 1, size=(6, 7))
    a, b = ((each - y.mean(0)) / (y.std(0) + 1e-6) for each in (x, y))
    kernel = [[(float(p @ q) / 7 + 1) ** 3 for q in (*a, *b)] for p in (*a, *b)]
    inside = [np.mean([kernel[i][j] for i in r for j in r if i != j]) for r in (range(5), range(5, 11))]
    across = np.mean([kernel[i][j] for i in range(5) for j in range(5, 11)])
    assert kernel_distance(x, y, y).mean == pytest.approx(inside[0] + inside[1] - 2 * across)


def test_colours_are_taken_over() -> None:
    picture = read_photo(examples()[0].path)
    others = [(each // 4 + np.array([90, 60, 140])).astype(np.uint8) for each in noise(3)]
    made = styles.recolored(picture, others)
    assert made.shape == picture.shape and made.dtype == np.uint8
    wanted = np.concatenate(others).reshape(-1, 3).mean(axis=0)
    assert np.abs(made.reshape(-1, 3).mean(axis=0) - wanted).max() < 6
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - wanted).max() > 20
    assert np.abs(styles.recolored(picture, [picture]).astype(int) - picture).max() <= 1


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Measured on pictures that ship, with untrained networks."""
    root = tmp_path_factory.mktemp("styles")
    for kind, folder in (("portrait", "photos"), ("painting", "paintings")):
        (root / folder).mkdir()
        for each in [each for each in examples() if each.kind == kind][:4]:
            (root / folder / each.path.name).write_bytes(each.path.read_bytes())
    torch.manual_seed(0)
    networks = {name: ResnetGenerator(ngf=4, n_blocks=1).eval() for name in ("painting", "photo")}
    CycleGan(networks).save_pretrained(root / "weights")
    words = [f"--{name}={root / name}" for name in ("weights", "photos", "paintings")]
    assert styles.main([*words, "-o", str(root / "out")]) == 0
    return json.loads((root / "out" / "metrics.json").read_text()), root


def test_what_is_written(done: tuple[dict[str, Any], Path]) -> None:
    metrics, root = done
    for way in metrics["ways"].values():
        assert list(way) == ["true pictures", "copied input", "colour transfer", "cyclegan"]
        assert {"kernel", "cycle", "identity", "found"} <= set(way["cyclegan"])
        assert way["colour transfer"]["found"]["mean"] == 1 and way["colour transfer"]["nme"]["mean"] < 5
        for column in way.values():
            for figure in column.values():
                assert figure["low"] <= figure["high"]
    assert len(metrics["pictures"]["photos"]["files"]) == 4
    assert all("van Gogh, 4 pictures" in each["dataset"] for each in metrics["scores"])
    scores = [Score(**(each | {"result": Interval(**each["result"])})) for each in metrics["scores"]]
    assert {each.metric for each in scores} >= {"kernel", "cycle", "identity"}
    assert {"copied input", "colour transfer"} <= set(scores[0].baselines)
    found = facezoo.verify(root / "out" / "sheet.png")
    assert (found.c2pa, found.watermark, found.method) == ("trusted", True, "cyclegan")


def test_words_for_what_cannot_be(done: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    _, root = done
    (tmp_path / "few").mkdir()
    write_photo(tmp_path / "few" / "one.png", noise(1)[0])
    words = [f"--{name}={root / name}" for name in ("weights", "photos")]
    assert styles.main([*words, f"--paintings={tmp_path / 'few'}", "-o", str(tmp_path / "out")]) == 5
    with pytest.raises(UsageError, match="1 pictures"):
        styles.evaluate_styles(root / "weights", root / "photos", tmp_path / "few", tmp_path / "out", consent=True)
    both = [f"--{name}={root / name}" for name in ("weights", "photos", "paintings")]
    assert styles.main([*both, "--style=old_masters", "-o", str(tmp_path / "out")]) == 2
    assert styles.main([f"--weights={tmp_path}", *words[1:], f"--paintings={root / 'paintings'}", "-o", "x"]) == 6
    assert not (tmp_path / "out").exists()
