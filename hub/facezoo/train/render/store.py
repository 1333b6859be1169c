"""Rendered frames in a folder: pictures, masks and labels, whole or not there, with a list of their checksums.

    frames/000000.jpg   aligned crop, RGB           masks/000000.png   `frames.LABELS`, uint8
    parts/000000.npz    labels of one frame, written last: a frame without it, or with other checksums, is made anew
    frames.npz          of all frames, in order of their names: mesh (N, 468, 3) and points68 (N, 68, 2) float32 px of
                        the crop, pose (N, 3) yaw, pitch, roll and controls (N, 11) (see `Controls`) float32
    frames.jsonl        one line a frame, in the same order: everything else
    manifest.json       settings, and the sha256 of every file above but the parts

Pairs are named 000000_a (anyone) and 000000_b (the persona), so that rows 2i and 2i + 1 belong together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from facezoo.media.files import write_whole
from facezoo.train.render.frames import FrameSample

__all__ = ["digest", "gather_frames", "is_written", "write_frame"]

_QUALITY = 95  # of the stored JPEG; what frames are to suffer was done to them before
_FOLDERS = {"frames": ".jpg", "masks": ".png", "parts": ".npz"}


def digest(path: Path) -> str:
    """sha256 of a file, 64 hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_frame(folder: Path, name: str, sample: FrameSample, origin: Mapping[str, Any]) -> None:
    """Write one frame. origin: what it was made from, kept in its record and compared by `is_written`."""
    for each in _FOLDERS:
        (folder / each).mkdir(parents=True, exist_ok=True)
    picture, mask = BytesIO(), BytesIO()
    PIL.Image.fromarray(sample.image).save(picture, "JPEG", quality=_QUALITY, subsampling=0)
    PIL.Image.fromarray(sample.labels).save(mask, "PNG", optimize=False)
    record = {
        "name": name,
        **origin,
        "pose": _rounded(asdict(sample.pose)),
        "controls": _rounded(asdict(sample.goal.controls)),
        "gaze": [round(float(each), 4) for each in sample.gaze],
        "look": asdict(sample.look),
        "identity_distance": _number(sample.identity),
        "yaw_error": _number(sample.yaw_error),
        "mesh_error": _number(sample.mesh_error),
        "tries": sample.tries,
        "sha256": [hashlib.sha256(each.getvalue()).hexdigest() for each in (picture, mask)],
    }
    labels = BytesIO()
    np.savez(
        labels,
        mesh=sample.mesh,
        points68=sample.points,
        pose=np.array(astuple(sample.pose), np.float32),
        controls=np.array(astuple(sample.goal.controls), np.float32),
        record=np.array(json.dumps(record)),
    )
    for each, written in zip(_FOLDERS, (picture, mask, labels), strict=True):
        write_whole(_path(folder, each, name), written.getvalue())


def is_written(folder: Path, name: str, origin: Mapping[str, Any]) -> bool:
    """Whether a frame of that origin is there, its picture and its mask as they were written."""
    paths = [_path(folder, each, name) for each in _FOLDERS]
    if not all(path.is_file() for path in paths):
        return False
    record = _part(paths[2])[1]
    return record["sha256"] == [digest(path) for path in paths[:2]] and all(
        record.get(key) == value for key, value in origin.items()
    )


def gather_frames(folder: Path, names: list[str], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write frames.npz, frames.jsonl and manifest.json of the frames with these names; gives their records."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_part(_path(folder, "parts", name)) for name in names]
    shapes = {"mesh": (468, 3), "points68": (68, 2), "pose": (3,), "controls": (11,)}
    arrays = {
        key: np.stack([part[0][key] for part in parts]) if parts else np.zeros((0, *shape), np.float32)
        for key, shape in shapes.items()
    }
    packed = BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    records = [record for _, record in parts]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    write_whole(folder / "frames.npz", packed.getvalue())
    write_whole(folder / "frames.jsonl", lines)
    files = {
        f"{each}/{record['name']}{_FOLDERS[each]}": sha256
        for record in records
        for each, sha256 in zip(("frames", "masks"), record["sha256"], strict=True)
    }
    files |= {name: digest(folder / name) for name in ("frames.npz", "frames.jsonl")}
    manifest = {"settings": dict(settings), "count": len(records), "files": files}
    write_whole(folder / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    return records


def _path(folder: Path, kind: str, name: str) -> Path:
    return folder / kind / f"{name}{_FOLDERS[kind]}"


def _part(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and the record of a part."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, json.loads(str(arrays.pop("record")))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _number(value: float) -> float | None:
    return None if isnan(value) else round(value, 4)
