"""Motion templates: a driver's motion, kept without any picture of the driver.

A template is one file, `NAME.motion`: safetensors, whose metadata say what it is, as JSON (Sirovich & Kirby 1987,
"Low-dimensional procedure for the characterization of human faces": expressions are kept as a few components). Files
come from strangers: sizes are checked before anything is allocated, every number before it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat, UsageError
from facezoo.motion.motion import Motion

__all__ = ["SUFFIX", "Template", "load_template", "save_template", "shipped", "shipped_names", "shipped_templates",
           "template_from"]  # fmt: skip

SUFFIX = ".motion"

_FOLDER = Path(__file__).parent / "templates"
_FORMAT, _VERSION = "facezoo-motion", 2
_BYTES, _TEXT_BYTES = 8 << 20, 16 << 10  # of the file, of its description
_SECONDS, _FRAMES, _COMPONENTS = 60.0, 1800, 256  # as for driving clips
_RATES = (Fraction(1), Fraction(120))
_CLOSE = 0.0015  # head units: how exactly components give an expression back
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DAMAGED = "Export the template again."
_T, _K = -1, -2  # stand for the number of motions and of components
# Shape and kind of each array, and between which values it is kept.
_ARRAYS: dict[str, tuple[tuple[int, ...], str, float, float]] = {
    "rotation": ((_T, 3), "F32", -1.2, 1.2),  # rotation vectors, radians
    "shift": ((_T, 2), "F32", -2, 2),
    "zoom": ((_T,), "F32", 0.5, 2),
    "eyes": ((_T, 2), "F32", 0, 4),
    "gaze": ((_T, 2), "F32", -0.6, 0.6),
    "time": ((_T,), "F32", 0, _SECONDS),
    "weights": ((_T, _K), "F32", -64, 64),
    "components": ((_K, 468, 3), "F16", -1, 1),
}
_DTYPES = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
_FURTHEST = 0.8  # head units that an expression may move a point


@dataclass(frozen=True, eq=False)
class Template:
    """A motion to put onto a photo. name: lower case letters, digits, - and _. rate: motions a second, whose times
    start at 0. loop: the last motion leads into the first. No motion holds a picture of the driver's mouth."""

    name: str
    title: str
    rate: Fraction
    motions: tuple[Motion, ...]
    loop: bool
    author: str
    licence: str

    @property
    def seconds(self) -> float:
        """How long it takes, once."""
        return float(len(self.motions) / self.rate)


def template_from(
    motions: Iterable[Motion],
    rate: Fraction,
    name: str,
    title: str = "",
    *,
    loop: bool = False,
    author: str = "",
    licence: str = "",
) -> Template:
    """Keep motions as a template: pictures of the driver's mouth are dropped, times start at 0. title: the name when
    empty. Raises UsageError for a name that is not one, TooLarge beyond 60 s or 1,800 motions."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a template's name.", "Use up to 64 of a-z, 0-9, - and _.")
    if not _RATES[0] <= rate <= _RATES[1]:
        raise UsageError(f"{float(rate):g} motions a second cannot be kept.", "Use 1 to 120.")
    kept: list[Motion] = []
    for motion in motions:
        began = kept[0].time if kept else motion.time
        if len(kept) == _FRAMES or motion.time - began > _SECONDS:
            raise TooLarge(f"A template has at most {_SECONDS:.0f} s and {_FRAMES:,} motions.", "Use a shorter clip.")
        kept.append(replace(motion, mouth=None))
    if not kept:
        raise UsageError("There is no motion to keep.", "Use a clip that shows a face.")
    began = kept[0].time
    placed = tuple(replace(motion, time=motion.time - began) for motion in kept)
    return Template(name, _plain(title or name, 100), rate, placed, loop, _plain(author, 100), _plain(licence, 200))


def save_template(template: Template, path: Path) -> Path:
    """Write a template. path: a file ending in .motion, or an existing folder, in which it is called NAME.motion.
    Returns the file. Raises UsageError for another ending, TooLarge when the file would not be read back."""
    target = path / f"{template.name}{SUFFIX}" if path.is_dir() else path
    if target.suffix != SUFFIX:
        raise UsageError(f"{target.name} does not end in {SUFFIX}.", f"Call it {target.stem}{SUFFIX}.")
    record = {
        "version": _VERSION, "name": template.name, "title": template.title,
        "rate": [template.rate.numerator, template.rate.denominator], "loop": template.loop, "author": template.author,
        "licence": template.licence, "made_with": "facezoo",
    }  # fmt: skip
    data = save(_numbers(template.motions), {_FORMAT: json.dumps(record, ensure_ascii=False)})
    if len(data) > _BYTES:
        raise TooLarge(f"This template would take {len(data) >> 20} MB.", "Use a shorter clip.")
    target.write_bytes(data)
    return target


def load_template(path: Path) -> Template:
    """Read a template from a file that may come from anybody. Numbers beyond what a head can do are clipped.

    Raises UnsupportedFormat for another kind or version of file, TooLarge beyond 8 MB, 60 s or 1,800 motions, and
    Unreadable for a damaged one."""
    record, tensors = _opened(path)
    name, rate = _name_and_rate(record)
    if tensors.keys() != _ARRAYS.keys() or any(not each["shape"] for each in tensors.values()):
        raise Unreadable("This template does not hold what it should.", _DAMAGED)
    sizes: dict[int, int] = {_T: tensors["time"]["shape"][0], _K: tensors["components"]["shape"][0]}
    if sizes[_T] > _FRAMES or sizes[_K] > _COMPONENTS:
        raise TooLarge(f"This template has more than {_FRAMES:,} motions.", "Use a shorter one.")
    numbers = {name: _array(tensors[name], *_ARRAYS[name], sizes) for name in _ARRAYS}
    if not sizes[_T] or (np.diff(numbers["time"]) < 0).any():
        raise Unreadable("The times of this template run backward.", _DAMAGED)
    title, author, licence = (_plain(record.get(key), most) for key, most in
                              (("title", 100), ("author", 100), ("licence", 200)))  # fmt: skip
    return Template(name, title or name, rate, _motions(numbers), record.get("loop") is True, author, licence)


@cache
def shipped_names() -> tuple[str, ...]:
    """The names of the templates that ship with facezoo, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}")))


@cache
def shipped_templates() -> tuple[Template, ...]:
    """The shipped templates, in that order."""
    return tuple(shipped(name) for name in shipped_names())


@cache
def shipped(name: str) -> Template:
    """A template that ships with facezoo. Raises UsageError for a name that does not."""
    if name not in shipped_names():
        raise UsageError(f"There is no motion template {name!r}.", f"Choose one of {', '.join(shipped_names())}.")
    return load_template(_FOLDER / f"{name}{SUFFIX}")


def _numbers(motions: tuple[Motion, ...]) -> dict[str, NDArray[Any]]:
    """The arrays of _ARRAYS."""
    faces = np.stack([motion.expression.ravel() for motion in motions]).astype(np.float64)
    weights, components = _compressed(faces)
    turns = [cv2.Rodrigues(motion.rotation.astype(np.float64))[0].ravel() for motion in motions]
    found = {
        "rotation": np.stack(turns),
        "shift": np.stack([motion.shift for motion in motions]),
        "zoom": np.array([motion.zoom for motion in motions]),
        "eyes": np.stack([motion.eyes for motion in motions]),
        "gaze": np.stack([motion.gaze for motion in motions]),
        "time": np.array([motion.time for motion in motions]),
        "weights": weights,
        "components": components.reshape(-1, 468, 3),
    }
    return {name: np.ascontiguousarray(found[name], _DTYPES[kind]) for name, (_, kind, _, _) in _ARRAYS.items()}


def _compressed(faces: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(T, 1404) to weights (T, K) and components (K, 1404), as few as give every number back within _CLOSE."""
    u, values, vt = np.linalg.svd(faces, full_matrices=False)
    rounded = vt.astype(np.float16).astype(np.float64)  # as they are kept
    left = faces.copy()
    count = 0
    while count < min(len(values), _COMPONENTS) and np.abs(left).max() > _CLOSE:
        left -= np.outer(u[:, count] * values[count], rounded[count])
        count += 1
    return u[:, :count] * values[:count], rounded[:count]


def _motions(numbers: Mapping[str, NDArray[Any]]) -> tuple[Motion, ...]:
    count = len(numbers["time"])
    components = numbers["components"].astype(np.float32).reshape(-1, 1404)
    faces = np.clip(numbers["weights"] @ components, -_FURTHEST, _FURTHEST).reshape(count, 468, 3).astype(np.float32)
    return tuple(
        Motion(
            np.asarray(cv2.Rodrigues(numbers["rotation"][i].astype(np.float64))[0], np.float32),
            numbers["shift"][i],
            float(numbers["zoom"][i]),
            faces[i],
            numbers["eyes"][i],
            numbers["gaze"][i],
            float(numbers["time"][i]),
        )
        for i in range(count)
    )


def _opened(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description in a file, and its arrays as safetensors gives them: shape, dtype and data."""
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES + 1)
    except OSError:
        raise Unreadable(f"{path.name} cannot be opened.", "Check that it exists and may be read.") from None
    if len(data) > _BYTES:
        raise TooLarge(f"This template is larger than {_BYTES >> 20} MB.", "Use a shorter one.")
    if not data:
        raise Unreadable("This file is empty.", "Save or download it again.")
    if data.startswith(b"PK\3\4"):
        raise UnsupportedFormat("This template was made by an earlier version.", "Record it again.")
    if data[8:9] != b"{":
        raise UnsupportedFormat("This is no motion template.", f"Choose a {SUFFIX} file made by facezoo.")
    try:
        tensors = dict(deserialize(data))
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, RecursionError):
        raise Unreadable("This template is damaged.", _DAMAGED) from None
    return _record(header.get("__metadata__", {}).get(_FORMAT)), tensors


def _record(text: str | None) -> dict[str, Any]:
    """What the metadata say, of this version."""
    if text is None:
        raise UnsupportedFormat("This is no motion template.", f"Choose a {SUFFIX} file made by facezoo.")
    if len(text) > _TEXT_BYTES:
        raise TooLarge("The description of this template is too large.", "Use a shorter one.")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("The description of this template cannot be read.", _DAMAGED) from None
    if not isinstance(record, dict) or record.get("version") != _VERSION:
        raise UnsupportedFormat("This template was made by another version.", "Update facezoo and try again.")
    return record


def _name_and_rate(record: Mapping[str, Any]) -> tuple[str, Fraction]:
    name, rate = record.get("name"), record.get("rate")
    if isinstance(rate, list) and len(rate) == 2 and all(type(part) is int and 0 < part < 10**9 for part in rate):
        speed = Fraction(rate[0], rate[1])
        if isinstance(name, str) and _NAME.fullmatch(name) and _RATES[0] <= speed <= _RATES[1]:
            return name, speed
    raise Unreadable("The description of this template cannot be read.", _DAMAGED)


def _plain(text: object, most: int) -> str:
    """Text on one line, without control characters, at most that long."""
    return "".join(letter for letter in text if letter.isprintable())[:most] if isinstance(text, str) else ""


def _array(
    found: Mapping[str, Any], axes: tuple[int, ...], kind: str, low: float, high: float, sizes: Mapping[int, int]
) -> NDArray[Any]:
    """One array, only if it is just what is expected; clipped, always finite."""
    shape = [sizes.get(axis, axis) for axis in axes]
    if found["dtype"] != kind or found["shape"] != shape:
        raise Unreadable("The numbers of this template are not those expected.", _DAMAGED)
    values = np.frombuffer(found["data"], _DTYPES[kind]).reshape(shape).astype(_DTYPES[kind].newbyteorder("="))
    if not np.isfinite(values).all():
        raise Unreadable("The numbers of this template are not finite.", _DAMAGED)
    return np.clip(values, low, high)
