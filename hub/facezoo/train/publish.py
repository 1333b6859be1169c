"""Weights that a training script made: uploaded to the Hub, and into facezoo itself."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from facezoo.errors import UsageError
from facezoo.types import Weights
from facezoo.zoo.cards import render_record
from facezoo.zoo.manifest import MANIFEST, WEIGHTS, describe, make_manifest, manifest_text
from facezoo.zoo.push import push, weight_files
from facezoo.zoo.record import LICENCES, RECORD, Consent, Data, Interval, Record, Score, Training, record_text

__all__ = ["publish_folder", "read_data", "record_of", "ship_folder"]

_LOWER = frozenset({"l1", "contrast"})
_MOST = 12_000_000  # bytes of one network that may ship
_FRONT = """---
library_name: facezoo
license: {licence}
pipeline_tag: image-to-image
tags: [facezoo, face]
---

"""


def publish_folder(folder: Path, repo_id: str, card: str, record: Record) -> str:
    """Upload the JSON and safetensors of a folder to a Hub repository, made when missing; gives the commit (40 hex).

    repo_id: owner/name. card: text of README.md, to which front matter, and what the record says of data, training and
    results, are added unless it has its own front matter. record: becomes metrics.json. The same bytes again make no
    commit.
    Raises UsageError, WeightsUnavailable (no licence or consent on record) and FacezooError, as `zoo.push.push`."""
    if not card.startswith("---\n"):
        card = f"{_FRONT.format(licence=LICENCES.get(record.licence, ''))}{card}\n{render_record(record)}"
    return push(weight_files(folder, record, card), repo_id, message=f"facezoo {record.method}").commit


def read_data(path: str) -> tuple[Data, ...]:
    """What a run learns from, as the owner of the data wrote it down: a JSON list of objects with the fields of
    `zoo.record.Data`. Raises ValueError when something is missing: nothing is published without it."""
    try:
        return tuple(Data(**each) for each in json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise ValueError(
            "--data-record must name a JSON list of data sets, each with name, licence, statement, and consent "
            f"({' | '.join(get_args(Consent))}): {problem}"
        ) from problem


def record_of(
    method: str,
    config: object,
    steps: int,
    seconds: float,
    tables: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]],
    columns: tuple[str, str],
    *,
    licence: str = "Apache-2.0",
    watts: float = 65.0,
) -> Record:
    """The record of a run of training/<method>.py on this machine.

    config: the script's dataclass, which has `data_record`. tables: part of the face -> what `train.score.summary`
    gives. columns: the names in it of the result and of what it is compared with. watts: power of the machine while it
    trains, assumed. Raises ValueError as `read_data`."""
    numbers = {name: value for name, value in vars(config).items() if isinstance(value, int | float | tuple)}
    scores = tuple(score for part, table in tables.items() for score in _scores(part, table, *columns))
    made = Training(f"training/{method}.py", "as below", steps, round(seconds / 3600, 2), _hardware(), watts)
    notes = (f"Settings: {', '.join(f'{name} {value}' for name, value in numbers.items())}.",)
    return Record(method, licence, read_data(vars(config)["data_record"]), made, scores, notes)


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


def _hardware() -> str:
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} cores"
    return f"{device}, {platform.machine()}"


def _scores(
    part: str, table: Mapping[str, Mapping[str, Mapping[str, float]]], result: str, baseline: str
) -> Iterator[Score]:
    for name, columns in table.items():
        better = "lower" if name in _LOWER else "higher"
        ours, simple = (Interval(columns[each]["mean"], columns[each]["low"], columns[each]["high"])
                        for each in (result, baseline))  # fmt: skip
        count = int(columns[result]["n"])
        yield Score(f"{name}_{part}", f"{name}, {part}", "held-out pictures", count, better, ours, {baseline: simple})
