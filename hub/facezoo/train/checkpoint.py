"""Accelerate as every training of facezoo uses it, and checkpoints that are whole or not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import nn

from facezoo.errors import UsageError

__all__ = [
    "TOLD",
    "checkpoint_of",
    "checkpoints_in",
    "load_checkpoint",
    "new_accelerator",
    "save_checkpoint",
    "take_over",
]

TOLD = "run.json"
"""Beside a checkpoint: how long the run had taken until then."""
_WEIGHTS = "diffusion_pytorch_model.safetensors"


def new_accelerator(**settings: Any) -> Accelerator:
    """An Accelerator for whatever this machine has. settings: further arguments of its own.

    Without a GPU it has to be told so, or the processes of `torchrun` train without each other. Schedules move on by
    one a step, however many processes there are."""
    return Accelerator(cpu=not torch.accelerator.is_available(), step_scheduler_with_optimizer=False, **settings)


def save_checkpoint(folder: Path, accelerator: Accelerator, step: int, *, keep: int = 2, seconds: float = 0.0) -> None:
    """Write everything that was prepared, and the random state, to folder/<step>, and drop all but the last `keep`."""
    finished = folder / f"{step:08d}"
    unfinished = finished.with_suffix(".part")
    accelerator.save_state(str(unfinished))
    (unfinished / TOLD).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    if finished.exists():
        shutil.rmtree(finished)
    unfinished.rename(finished)
    for old in checkpoints_in(folder)[:-keep]:
        shutil.rmtree(old)


def checkpoint_of(folder: Path, resume: str) -> Path:
    """The checkpoint that is meant. resume: "last", or the path of one. Raises UsageError when there is none."""
    known = checkpoints_in(folder)
    chosen = Path(resume) if resume != "last" else known[-1] if known else folder
    if not chosen.name.isdigit() or not chosen.is_dir():
        raise UsageError(f"There is no checkpoint {resume!r} of {folder}.", 'Give its folder, or "last".')
    return chosen


def load_checkpoint(folder: Path, accelerator: Accelerator, resume: str) -> int:
    """Read what was saved; gives its step, or 0 when `resume` is "".

    resume: as `checkpoint_of` takes it. Raises UsageError as that does, or when it is another network's."""
    if not resume:
        return 0
    chosen = checkpoint_of(folder, resume)
    try:
        accelerator.load_state(str(chosen))
    except (RuntimeError, ValueError, KeyError, OSError) as problem:
        raise UsageError(
            f"{chosen} is no checkpoint of this network: {str(problem).splitlines()[0]}",
            "Give the settings that the run began with, --config config.yaml, or begin anew.",
        ) from problem
    return int(chosen.name)


def checkpoints_in(folder: Path) -> list[Path]:
    """All that are whole, the oldest first."""
    return sorted(path for path in folder.glob("*") if path.name.isdigit())


def take_over(network: nn.Module, folder: str, component: str) -> str:
    """Take over what fits of weights: networks may differ in some layers, or people. Says how much that is.

    folder: of a saved pipeline with this component, or of the component. Raises UsageError when nothing fits."""
    file = next(
        (each for each in (Path(folder) / component / _WEIGHTS, Path(folder) / _WEIGHTS) if each.is_file()), None
    )
    if file is None:
        raise UsageError(f"--init-from: there are no weights in {folder}.", "Give a folder such as a run's final/.")
    own = network.state_dict()
    fitting = {name: value.to(own[name].dtype) for name, value in load_file(file).items()
               if name in own and value.shape == own[name].shape}  # fmt: skip
    if not fitting:
        raise UsageError(f"--init-from: nothing in {folder} fits this network.", "Give weights of the same method.")
    network.load_state_dict(fitting, strict=False)
    return f"{len(fitting)} of {len(own)} tensors begin as in {folder}"
