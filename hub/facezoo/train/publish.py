"""Weights that a training script made: uploaded to the Hub, and into facezoo itself."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.types import Weights
from facezoo.zoo.manifest import MANIFEST, WEIGHTS, describe, make_manifest, manifest_text
from facezoo.zoo.push import push
from facezoo.zoo.record import RECORD, Record, record_text

__all__ = ["publish_folder", "ship_folder"]

_MOST = 12_000_000  # bytes of one method's weights that may ship
_FRONT = """---
library_name: facezoo
license: apache-2.0
pipeline_tag: image-to-image
tags: [facezoo, face]
---

"""


def publish_folder(folder: Path, repo_id: str, card: str, files: Mapping[str, str]) -> str:
    """Upload the JSON and safetensors of a folder to a Hub repository, made when missing; gives the commit (40 hex).

    repo_id: owner/name. card: text of README.md, to which the front matter is added unless it has one. files: name ->
    text of further files; metrics.json must be a `zoo.record.Record`. The same bytes again make no commit.
    Raises UsageError, WeightsUnavailable (no licence or consent on record) and FacezooError, as `zoo.push.push`."""
    sent: dict[str, Path | bytes] = {each.path: folder / each.path for each in make_manifest(folder).files}
    sent |= {name: text.encode() for name, text in files.items()}
    sent["README.md"] = (card if card.startswith("---\n") else _FRONT + card).encode()
    return push(sent, repo_id).commit


def ship_folder(folder: Path, record: Record, *, embed: bool = True) -> Weights:
    """Put manifest and record of a saved pipeline into facezoo, and the weights as well; gives what SPEC must say.

    folder: as `save_pretrained` made it. embed: False for weights that stay on the Hub alone.
    Raises UsageError for more than 12 MB to ship."""
    weights = describe(folder)
    if embed and weights.bytes > _MOST:
        raise UsageError(
            f"{weights.bytes:,} bytes of weights are too many to ship.",
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
