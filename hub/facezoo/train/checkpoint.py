"""Checkpoints that are whole or not there, the last two of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from facezoo.errors import UsageError

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["load_checkpoint", "save_checkpoint"]

_KEPT = 2


def save_checkpoint(folder: Path, accelerator: Accelerator, step: int) -> None:
    """Write everything that was prepared, and the random state, to folder/<step>, and drop all but the last two."""
    finished = folder / f"{step:08d}"
    unfinished = finished.with_suffix(".part")
    accelerator.save_state(str(unfinished))
    if finished.exists():
        shutil.rmtree(finished)
    unfinished.rename(finished)
    for old in _known(folder)[:-_KEPT]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path, accelerator: Accelerator, resume: str) -> int:
    """Read what was saved; gives its step, or 0 when `resume` is "".

    resume: "last", or the path of one checkpoint. Raises UsageError when there is none."""
    if not resume:
        return 0
    known = _known(folder)
    chosen = Path(resume) if resume != "last" else known[-1] if known else folder
    if not chosen.name.isdigit() or not chosen.is_dir():
        raise UsageError(f"There is no checkpoint {resume!r} of {folder}.", 'Give its folder, or "last".')
    accelerator.load_state(str(chosen))
    return int(chosen.name)


def _known(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.isdigit())
