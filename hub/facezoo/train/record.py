"""The record and card of weights that were just trained; and weights put into facezoo itself."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any, get_args

from facezoo.errors import UsageError
from facezoo.registry import card_of
from facezoo.types import Weights
from facezoo.zoo.manifest import MANIFEST, WEIGHTS, describe, make_manifest, manifest_text
from facezoo.zoo.push import Pushed, push_weights
from facezoo.zoo.record import RECORD, Consent, Data, Record, Training, record_text

__all__ = ["push_run", "read_data", "ship_folder", "training_of"]

_MOST = 12_000_000  # bytes of one network that may ship
_WATTS = {"cpu": 65.0, "cuda": 350.0, "mps": 30.0}  # assumed, of the machine while it trains


def read_data(path: str) -> tuple[Data, ...]:
    """What a run learns from, as the owner of the data wrote it down: a JSON list of objects with the fields of
    `zoo.record.Data`. Raises UsageError when something is missing: nothing is published without it."""
    try:
        found = tuple(Data(**each) for each in json.loads(Path(path).read_text(encoding="utf-8")))
        if not found or any(each.consent not in get_args(Consent) for each in found):
            raise ValueError("no known consent")
    except (OSError, ValueError, TypeError) as problem:
        raise UsageError(
            f"--data-record {path} cannot be read: {problem}.",
            "It is a JSON list of data sets, each with name, licence, statement, and consent: "
            f"{' | '.join(get_args(Consent))}.",
        ) from problem
    return found


def training_of(method: str, config: Any, steps: int, seconds: float, processes: int) -> tuple[Training, str]:
    """How a run of training/<method>.py went on this machine, and its settings in words."""
    import torch

    kind = accelerator.type if (accelerator := torch.accelerator.current_accelerator()) else "cpu"
    device = torch.cuda.get_device_name() if kind == "cuda" else f"{os.cpu_count()} cores, {platform.machine()}"
    hardware = f"{processes} x {device}" if processes > 1 and kind != "cpu" else device
    numbers = {name: value for name, value in vars(config).items() if isinstance(value, int | float)}
    notes = f"Settings: {', '.join(f'{name} {value}' for name, value in numbers.items())}."
    made = Training(f"training/{method}.py", config.preset or "none", steps, round(seconds / 3600, 4), hardware,
                    _WATTS.get(kind, 65.0))  # fmt: skip
    return made, notes


def push_run(folder: Path, record: Record, repo: str, *, private: bool) -> Pushed:
    """Upload a finished weights folder to the Hub with a card that says what this run learned from. Errors as
    `zoo.push.push`."""
    card = card_of(record.method, record, describe(folder, repo))
    return push_weights(folder, repo, record=record, card=card, private=private)


def ship_folder(folder: Path, record: Record, *, embed: bool = True) -> Weights:
    """Put manifest and record of a saved pipeline into facezoo, and the weights as well; gives what SPEC must say.

    folder: as `save_pretrained` made it. embed: False for weights that stay on the Hub alone.
    Raises UsageError for a network of more than 12 MB."""
    weights = describe(folder)
    largest = max((path.stat().st_size for path in folder.rglob("*.safetensors")), default=0)
    if embed and largest > _MOST:
        raise UsageError(
            f"{largest:,} bytes of one network are too many to ship.",
            f"At most {_MOST:,}: float16, or a smaller network.",
        )
    target = WEIGHTS / record.method
    complete = target.with_name(f".{target.name}")
    shutil.rmtree(complete, ignore_errors=True)
    shutil.copytree(folder, complete, ignore=shutil.ignore_patterns(MANIFEST, RECORD, ".*", "*.md"))
    (complete / RECORD).write_text(record_text(record), encoding="utf-8")
    manifest = make_manifest(complete)
    if not embed:
        shutil.rmtree(complete)
        complete.mkdir()
        (complete / RECORD).write_text(record_text(record), encoding="utf-8")
    (complete / MANIFEST).write_text(manifest_text(manifest), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    complete.rename(target)
    return weights
