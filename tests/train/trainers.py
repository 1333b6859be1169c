"""Training scripts as tests call them, and what they leave. A plain module beside the tests."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType

PAIRS = 4
WHOSE = ("--consent", "synthetic", "--statement", "Drawn by a test.")


def run(script: ModuleType, *arguments: str | Path) -> None:
    """A training script as from the command line."""
    from facezoo.train.config import parse

    script.main(parse(script.Config, script.PRESETS, [str(each) for each in (*arguments, "--threads", "1")]))


def left_in(output: Path) -> set[str]:
    """Every file of a run, but for checkpoints and pictures on the way."""
    paths = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    return {path for path in paths if not path.startswith(("checkpoints/", "step_", "pictures/"))}


def weights(folder: Path) -> list[str]:
    """sha256 of every network of finished weights."""
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.rglob("*.safetensors"))]
