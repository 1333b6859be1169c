"""Two steps of training/motion_transfer.py, and which files they leave."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from facezoo.zoo.embedded import personas

SCRIPT = Path(__file__).parents[2] / "training" / "motion_transfer.py"


def _train(data: Path, output: Path, *more: str) -> str:
    command = [sys.executable, SCRIPT, "--data", data, "--output", output, "--pairs", "2", "--batch", "2", "--widths",
               "8", "16", "--side", "64", *more]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_steps_and_what_they_leave(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    data, output = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    for person in personas()[:4]:
        Image.open(person.portrait).resize((224, 224)).save(data / f"{person.id}.png")
    _train(data, output, "--steps", "2")
    left = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert {path for path in left if not path.startswith(("pairs/", "checkpoints/"))} == {
        "final.png",
        "final/config.json",
        "final/diffusion_pytorch_model.safetensors",
        "metrics.json",
    }
    assert {path.split("/")[1] for path in left if path.startswith("checkpoints/")} == {"00000002"}
    assert {path.split("/")[1] for path in left if path.startswith("pairs/")} == {"train", "validation"}
    change = json.loads((output / "metrics.json").read_text())["all"]["l1"]["change"]
    assert change["low"] <= change["mean"] <= change["high"]
    _train(data, output, "--steps", "4", "--resume", "last")
    assert sorted(path.name for path in (output / "checkpoints").iterdir()) == ["00000002", "00000004"]
