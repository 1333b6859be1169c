"""Two steps of training/face2face.py, which files they leave, and that a stopped run ends as one that went through."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facezoo.errors import UsageError
from facezoo.face.mesh import topology

torch = pytest.importorskip("torch")

from facezoo.methods.face2face.model import Painter  # noqa: E402
from facezoo.motion.drawing import draw  # noqa: E402
from facezoo.train.drawings import find_frames, fit_reader, importance, read_frames  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "training" / "face2face.py"
PORTRAITS = Path(__file__).parents[2] / "hub" / "facezoo" / "zoo" / "personas"
PAIRS = 4


def _train(data: Path, output: Path, *more: str) -> str:
    command = [sys.executable, str(SCRIPT), "--preset", "small", "--data", str(data), "--output", str(output),
               "--people", "a", "b", "--batch", "2", "--judge", "4", "--threads", "1", *more]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _weights(output: Path) -> str:
    file = output / "final" / "painter" / "diffusion_pytorch_model.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()


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
    with pytest.raises(UsageError, match="No face was found"):
        find_frames(tmp_path)


def test_eyes_and_mouth_count_most(drawn_pairs: Path) -> None:
    mesh = read_frames(drawn_pairs / "a" / "train").mesh(0, 128)
    weight = importance(draw(mesh, np.zeros(2, np.float32), 128), mesh, 0.5, 4.0)
    x, y = mesh[0, :2].round().astype(int)
    assert weight.mean() == pytest.approx(1) and weight[y, x] == pytest.approx(10 * weight[2, 2])


@pytest.mark.slow
def test_two_steps_and_what_they_leave(tmp_path: Path, drawn_pairs: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    _train(drawn_pairs, tmp_path / "run", "--steps", "2")
    left = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {path for path in left if not path.startswith("checkpoints/")} == {
        "final.png",
        "final/config.json",
        "final/painter/config.json",
        "final/painter/diffusion_pytorch_model.safetensors",
        "metrics.json",
    }
    assert {path.split("/")[1] for path in left if path.startswith("checkpoints/")} == {"00000002"}
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["held back"]
    assert set(scores) == {"a", "b"}
    assert all(table["made"]["l1"]["n"] == PAIRS for table in scores.values())
    painter = Painter.from_pretrained(tmp_path / "run" / "final" / "painter", torch_dtype=torch.float32)
    assert painter.people == ("a", "b") and np.abs(painter.rest("b")).max() > 0.3


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(tmp_path: Path, drawn_pairs: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    often = ("--steps", "4", "--minutes", "0", "--adversarial", "0.5")
    _train(drawn_pairs, tmp_path / "through", *often)
    _train(drawn_pairs, tmp_path / "stopped", *often)
    _train(
        drawn_pairs, tmp_path / "stopped", *often, "--resume", str(tmp_path / "stopped" / "checkpoints" / "00000003")
    )
    assert _weights(tmp_path / "through") == _weights(tmp_path / "stopped")
