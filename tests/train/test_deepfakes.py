"""Two steps of training/deepfakes.py, which files they leave, and that a stopped run ends as one that went through."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo.errors import UsageError

torch = pytest.importorskip("torch")

from facezoo.train.faces import find_pairs, spoil, turn_grid, warp_grid  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "training" / "deepfakes.py"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of two people, coloured noise, in the files that persona_frames writes."""
    folder = tmp_path_factory.mktemp("pairs")
    random = np.random.default_rng(0)
    for person in ("a", "b"):
        for part in ("train", "held_back"):
            for kind in ("frames", "masks", "parts"):
                (folder / person / part / kind).mkdir(parents=True)
            for number in range(3):
                for letter in "ab":
                    name = f"{number:06d}_{letter}"
                    picture = random.integers(0, 255, (128, 128, 3), dtype=np.uint8)
                    labels = np.zeros((128, 128), np.uint8)
                    labels[40:110, 30:100] = 2
                    labels[90:100, 55:75] = 6
                    Image.fromarray(picture).save(folder / person / part / "frames" / f"{name}.jpg")
                    Image.fromarray(labels).save(folder / person / part / "masks" / f"{name}.png")
                    np.savez(folder / person / part / "parts" / f"{name}.npz", pose=np.zeros(3))
    return folder


def _train(data: Path, output: Path, *more: str, module: tuple[str, ...] = ()) -> str:
    command = [sys.executable, *module, str(SCRIPT), "--data", str(data), "--output", str(output), "--people", "a", "b",
               "--batch", "2", *more]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _weights(output: Path) -> str:
    file = output / "final" / "autoencoder" / "diffusion_pytorch_model.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_pairs_are_read_as_they_were_written(pairs: Path) -> None:
    found = find_pairs(pairs, ("a", "b"), "train", 48)
    assert [len(each) for each in found] == [3, 3]
    assert found[0].anyone.shape == (3, 64, 64, 3) and found[0].labels.shape == (3, 64, 64)
    assert set(np.unique(found[0].labels)) == {0, 2, 6}
    with pytest.raises(UsageError, match="no pairs"):
        find_pairs(pairs, ("nobody",), "train", 48)


def test_warps_move_little_and_smoothly() -> None:
    torch.manual_seed(0)
    grid, warp = turn_grid(16, 48), warp_grid(16, 48, 0.02)
    assert grid.shape == warp.shape == (16, 48, 48, 2)
    assert (grid.mean(dim=(0, 1, 2)) - torch.tensor([0.0, 0.1875])).abs().max() < 0.05  # the window's middle
    assert warp.abs().max() < 0.2
    assert (warp[:, 1:] - warp[:, :-1]).abs().max() < 0.02
    faces = torch.rand(16, 3, 48, 48) * 2 - 1
    assert spoil(faces).shape == faces.shape and spoil(faces).isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["paired", "classic"])
def test_two_steps_and_what_they_leave(tmp_path: Path, pairs: Path, recipe: str) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    _train(pairs, tmp_path / "run", "--steps", "2", "--recipe", recipe)
    left = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {path for path in left if not path.startswith("checkpoints/")} == {
        "final.png",
        "final/autoencoder/config.json",
        "final/autoencoder/diffusion_pytorch_model.safetensors",
        "metrics.json",
    }
    assert {path.split("/")[1] for path in left if path.startswith("checkpoints/")} == {"00000002"}
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())["held back"]
    assert set(scores) == {"a", "b"}
    for table in scores.values():
        assert table["swap"]["l1"]["n"] == 3
        assert table["swap"]["ssim"]["low"] <= table["swap"]["ssim"]["mean"] <= table["swap"]["ssim"]["high"]


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(tmp_path: Path, pairs: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    _train(pairs, tmp_path / "through", "--steps", "4", "--minutes", "0")
    _train(pairs, tmp_path / "stopped", "--steps", "4", "--minutes", "0")
    checkpoints = tmp_path / "stopped" / "checkpoints"
    _train(pairs, tmp_path / "stopped", "--steps", "4", "--resume", str(checkpoints / "00000003"))
    assert _weights(tmp_path / "through") == _weights(tmp_path / "stopped")
