"""Two steps of training/face2face.py, which files they leave, and that a stopped run ends as one that went through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from trainers import PAIRS, WHOSE, left_in, run, weights

from facezoo.errors import UsageError
from facezoo.face.mesh import topology

torch = pytest.importorskip("torch")

from facezoo.methods.face2face.model import Painter  # noqa: E402
from facezoo.motion.drawing import draw  # noqa: E402
from facezoo.train.painting import find_frames, fit_reader, importance, read_frames  # noqa: E402
from facezoo.zoo.record import read_record  # noqa: E402

PORTRAITS = Path(__file__).parents[2] / "hub" / "facezoo" / "zoo" / "personas"


OPTIONS = ("--preset", "small", "--batch", "2", "--judge", "4", *WHOSE)


def test_frames_are_read_as_they_were_rendered(drawn_pairs: Path) -> None:
    frames = read_frames(drawn_pairs / "a" / "train")
    assert len(frames) == PAIRS and frames.size == 128
    assert frames.gazes.tolist() == [pytest.approx([0.1, 0])] * PAIRS
    assert frames.picture(0, 64).shape == (64, 64, 3)
    assert np.abs(2 * (frames.mesh(1, 64) + 0.5) - 0.5 - frames.meshes[1]).max() < 1e-4
    with pytest.raises(UsageError, match="no rendered frames"):
        read_frames(drawn_pairs)


def test_the_shape_at_rest_is_without_turn_and_place(drawn_pairs: Path) -> None:
    rest = read_frames(drawn_pairs / "a" / "train").rest
    away = np.linalg.norm((rest - topology().canonical)[:, :2], axis=1)
    assert away.max() < 0.15 and np.median(away) < 0.02  # all four frames are at rest enough, one with an open mouth


def test_a_reader_takes_a_shape_to_six_numbers(drawn_pairs: Path) -> None:
    reader = fit_reader(drawn_pairs / "a" / "train")
    assert reader.shape == (6, 1405) and reader.dtype == np.float32 and np.isfinite(reader).all()
    assert not np.abs(reader[[0, 1, 3, 4, 5]]).max() > 1e-6  # nothing but mouths was there to learn


def test_frames_are_found_in_photos(tmp_path: Path) -> None:
    source = sorted(PORTRAITS.glob("*.jpg"))[0]
    (tmp_path / "portrait.jpg").write_bytes(source.read_bytes())
    (tmp_path / "notes.txt").write_text("no picture")
    frames = find_frames(tmp_path)
    assert len(frames) == 1 and frames.picture(0, 256).shape == (256, 256, 3)
    assert abs(frames.meshes[0, 4, 0] - 128) < 25
    (tmp_path / "portrait.jpg").unlink()
    with pytest.raises(UsageError, match="no pictures"):
        find_frames(tmp_path)


def test_eyes_and_mouth_count_most(drawn_pairs: Path) -> None:
    mesh = read_frames(drawn_pairs / "a" / "train").mesh(0, 128)
    weight = importance(draw(mesh, np.zeros(2, np.float32), 128), mesh, 0.5, 4.0)
    x, y = mesh[0, :2].round().astype(int)
    assert weight.mean() == pytest.approx(1) and weight[y, x] == pytest.approx(10 * weight[2, 2])


def test_two_steps_and_what_they_leave(
    tmp_path: Path, drawn_pairs: Path, script: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    run(script("face2face"), "--data", drawn_pairs, "--output", tmp_path / "run", *OPTIONS, "--steps", "2")
    assert left_in(tmp_path / "run") == {
        "config.yaml",
        "final.png",
        "losses.csv",
        "final/config.json",
        "final/metrics.json",
        "final/painter/config.json",
        "final/painter/diffusion_pytorch_model.safetensors",
    }
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["00000002"]
    record = read_record(tmp_path / "run" / "final", "face2face")
    assert {each.metric for each in record.scores} == {f"{m}_{p}" for m in ("ssim", "l1", "sharpness") for p in "ab"}
    assert all(each.n == PAIRS for each in record.scores)
    painter = Painter.from_pretrained(tmp_path / "run" / "final" / "painter", torch_dtype=torch.float32)
    assert painter.people == ("a", "b") and np.abs(painter.rest("b")).max() > 0.3
    said = capsys.readouterr().out
    assert "SSIM, a:" in said and "facezoo run face2face" in said and "{" not in said


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(
    tmp_path: Path, drawn_pairs: Path, script: Callable[[str], ModuleType]
) -> None:
    options = ("--data", drawn_pairs, *OPTIONS, "--steps", "4", "--every", "1", "--adversarial", "0.5")
    trainer = script("face2face")
    for name in ("through", "stopped"):
        run(trainer, *options, "--output", tmp_path / name)
    resume = tmp_path / "stopped" / "checkpoints" / "00000003"
    run(trainer, *options, "--output", tmp_path / "stopped", "--resume", resume)
    assert weights(tmp_path / "through" / "final") == weights(tmp_path / "stopped" / "final")
