"""training/deepfakes.py: which files it leaves, and that a run ends the same however often it was stopped."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo.errors import UsageError
from facezoo.zoo.embedded import personas

torch = pytest.importorskip("torch")

from facezoo.methods.deepfakes.window import random_warp  # noqa: E402
from facezoo.train.faces import find_pairs, spoil, turn_grids  # noqa: E402

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


TINY = json.dumps({
    "side": 32, "widths": [8, 8, 8, 8], "reduced": 4, "code": 8, "dense": 8, "direct": 4, "shared": 8,
    "ups": [8, 8, 8], "anyone": [8, 8, 8], "scale": 1,
})  # fmt: skip


def _command(data: Path, output: Path, *more: str, module: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, *module, str(SCRIPT), "--data", str(data), "--output", str(output), "--people", "a", "b",
            "--batch", "2", "--settings", TINY, "--threads", "1", *more]  # fmt: skip


def _train(data: Path, output: Path, *more: str, module: tuple[str, ...] = ()) -> str:
    command = _command(data, output, *more, module=module)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _weights(output: Path) -> str:
    file = output / "final" / "autoencoder" / "diffusion_pytorch_model.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_pairs_are_read_as_they_were_written(pairs: Path) -> None:
    found = find_pairs([pairs], ("a", "b"), "train", 48)
    assert [len(each) for each in found] == [3, 3]
    assert [len(each) for each in find_pairs([pairs, pairs], ("a", "b"), "train", 48)] == [6, 6]
    assert found[0].anyone.shape == (3, 64, 64, 3) and found[0].labels.shape == (3, 64, 64)
    assert set(np.unique(found[0].labels)) == {0, 2, 6}
    with pytest.raises(UsageError, match="no pairs"):
        find_pairs([pairs], ("nobody",), "train", 48)


def test_warps_move_little_and_smoothly() -> None:
    torch.manual_seed(0)
    (grid, finer), warp = turn_grids(16, (48, 96)), random_warp(16, 48, 0.015)
    assert grid.shape == warp.shape == (16, 48, 48, 2)
    halves = torch.nn.functional.avg_pool2d(finer.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    assert (halves - grid).abs().max() < 1e-5
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
        "losses.csv",
        "final/config.json",
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
    _train(pairs, tmp_path / "through", "--steps", "4", "--every", "1")
    _train(pairs, tmp_path / "stopped", "--steps", "4", "--every", "1")
    checkpoints = tmp_path / "stopped" / "checkpoints"
    _train(pairs, tmp_path / "stopped", "--steps", "4", "--resume", str(checkpoints / "00000003"))
    assert _weights(tmp_path / "through") == _weights(tmp_path / "stopped")
    losses = [(tmp_path / name / "losses.csv").read_text() for name in ("through", "stopped")]
    assert losses[0] == losses[1] and len(losses[0].splitlines()) == 5
    best = json.loads((tmp_path / "through" / "metrics.json").read_text())["best"]
    assert best["step"] in (1, 2, 3) and (tmp_path / "through" / "best" / "autoencoder").is_dir()


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, pairs: Path) -> None:
    """A run that is killed five times and gone on with ends with the weights of one that nothing happened to."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    options = ("--steps", "300", "--every", "20")
    _train(pairs, tmp_path / "through", *options)
    random, resume, kills = np.random.default_rng(5), (), 0
    while kills < 5:
        process = subprocess.Popen(
            _command(pairs, tmp_path / "killed", *options, *resume),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        checkpoints = tmp_path / "killed" / "checkpoints"
        before = _newest(checkpoints)
        while process.poll() is None and _newest(checkpoints) == before:
            time.sleep(0.01)
        time.sleep(float(random.uniform(0, 0.4)))
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.wait()
        kills, resume = kills + 1, ("--resume", "last")
    assert _newest(tmp_path / "killed" / "checkpoints") < 300
    _train(pairs, tmp_path / "killed", *options, *resume)
    assert _weights(tmp_path / "through") == _weights(tmp_path / "killed")
    assert [line.split(",")[0] for line in (tmp_path / "killed" / "losses.csv").read_text().splitlines()[1:]] == [
        str(step) for step in range(1, 301)
    ]


@pytest.mark.slow
def test_a_polite_stop_saves(tmp_path: Path, pairs: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    process = subprocess.Popen(
        _command(pairs, tmp_path / "run", "--steps", "100000"), stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("step 50 "))
    process.terminate()
    assert "--resume last" in process.stdout.read()
    assert process.wait() == 0
    assert _newest(tmp_path / "run" / "checkpoints") >= 50
    assert not (tmp_path / "run" / "final").exists()


@pytest.mark.slow
def test_two_processes(tmp_path: Path, pairs: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    module = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    said = _train(pairs, tmp_path / "run", "--steps", "4", "--every", "2", module=module)
    assert said.count('"held back"') == 1  # strangers to each other would both measure
    assert (tmp_path / "run" / "final" / "autoencoder").is_dir()
    rates = [float(line.split(",")[2]) for line in (tmp_path / "run" / "losses.csv").read_text().splitlines()[1:]]
    assert len(rates) == 4 and rates == sorted(rates, reverse=True) and rates[-1] > 0
    _train(pairs, tmp_path / "run", "--steps", "4", "--resume", str(tmp_path / "run" / "checkpoints" / "00000002"),
           module=module)  # fmt: skip


@pytest.mark.slow
def test_faces_without_pairs(tmp_path: Path, portrait: Path) -> None:
    """Folders of photos of two people, one each, and again turned over, which is another picture."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    other = personas()[1].portrait
    for name, path in (("a", portrait), ("b", other)):
        (tmp_path / name).mkdir()
        picture = Image.open(path).convert("RGB")
        picture.save(tmp_path / name / "one.jpg")
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / name / "two.png")
    (tmp_path / "a" / "broken.jpg").write_bytes(b"no picture")
    command = [sys.executable, str(SCRIPT), "--recipe", "classic", "--faces", str(tmp_path / "a"), str(tmp_path / "b"),
               "--output", str(tmp_path / "run"), "--steps", "2", "--batch", "2", "--settings", TINY]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "broken.jpg" in done.stdout and "4 + 2 pairs" in done.stdout
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["held back"].keys() == {"a", "b"}


def test_options_that_contradict() -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from facezoo.train.deepfakes import Config

    with pytest.raises(ValueError, match="--data or --faces"):
        Config(Path("out"))
    with pytest.raises(ValueError, match="classic"):
        Config(Path("out"), faces=(Path("a"), Path("b")))
    with pytest.raises(ValueError, match="--data-record"):
        Config(Path("out"), data=(Path("pairs"),), push="somebody/weights")


def _newest(checkpoints: Path) -> int:
    return max((int(path.name) for path in checkpoints.glob("*") if path.name.isdigit()), default=0)
