"""Motion templates: a driver's motion, kept without any picture of the driver.

A template is one file, `NAME.motion`: a zip of motion.json (what it is) and motion.npz (numbers, expressions as a few
components, Sirovich & Kirby 1987, "Low-dimensional procedure for the characterization of human faces"). Files come from
strangers: every size is checked before anything is read or allocated, every number before it is used.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat, UsageError
from facezoo.motion.motion import Motion

__all__ = ["SUFFIX", "Template", "TemplateInfo", "load_template", "save_template", "shipped", "shipped_names",
           "shipped_templates", "template_from"]  # fmt: skip

SUFFIX = ".motion"

_FOLDER = Path(__file__).parent / "templates"
_FORMAT, _VERSION = "facezoo-motion", 1
_BYTES, _PART_BYTES, _TEXT_BYTES = 8 << 20, 4 << 20, 16 << 10  # of the file, of each array, of motion.json
_SECONDS, _FRAMES, _COMPONENTS = 60.0, 1800, 256  # as for driving clips
_RATES = (Fraction(1), Fraction(120))
_CLOSE = 0.0015  # head units: how exactly components give an expression back
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# An array's header as NumPy writes it (format 1.0); NumPy's own reader of headers is made for files one trusts.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([^']*)', 'fortran_order': False, 'shape': (\([\d, ]*\)), \} *\n", re.DOTALL
)
_DAMAGED = "Export the template again."
_T, _K = -1, -2  # stand for the number of motions and of components
# Shape and kind of each array, and between which values it is kept.
_ARRAYS: dict[str, tuple[tuple[int, ...], str, float, float]] = {
    "rotation": ((_T, 3), "<f4", -1.2, 1.2),  # rotation vectors, radians
    "shift": ((_T, 2), "<f4", -2, 2),
    "zoom": ((_T,), "<f4", 0.5, 2),
    "eyes": ((_T, 2), "<f4", 0, 4),
    "gaze": ((_T, 2), "<f4", -0.6, 0.6),
    "time": ((_T,), "<f4", 0, _SECONDS),
    "weights": ((_T, _K), "<f4", -64, 64),
    "components": ((_K, 468, 3), "<f2", -1, 1),
}
_FURTHEST = 0.8  # head units that an expression may move a point


@dataclass(frozen=True)
class TemplateInfo:
    """What a template is, without its motions. rate: motions a second. loop: the last motion leads into the first."""

    name: str
    title: str
    rate: Fraction
    count: int
    loop: bool
    author: str
    licence: str

    @property
    def seconds(self) -> float:
        """How long it takes, once."""
        return float(self.count / self.rate)


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
    numbers, rate = _numbers(template.motions), template.rate
    record = {
        "format": _FORMAT, "version": _VERSION, "name": template.name, "title": template.title,
        "rate": [rate.numerator, rate.denominator], "count": len(template.motions),
        "components": len(numbers["components"]), "loop": template.loop, "author": template.author,
        "licence": template.licence, "made_with": "facezoo",
    }  # fmt: skip
    arrays = {f"{name}.npy": _npy(array) for name, array in numbers.items()}
    text = json.dumps(record, indent=1, ensure_ascii=False).encode()
    data = _zipped({"motion.json": text, "motion.npz": _zipped(arrays)})
    if len(data) > _BYTES:
        raise TooLarge(f"This template would take {len(data) >> 20} MB.", "Use a shorter clip.")
    target.write_bytes(data)
    return target


def load_template(path: Path) -> Template:
    """Read a template from a file that may come from anybody. Numbers beyond what a head can do are clipped.

    Raises UnsupportedFormat for another kind or version of file, TooLarge beyond 8 MB, 60 s or 1,800 motions, and
    Unreadable for a damaged one."""
    opened = _open(path)
    info, components = _info(opened)
    parts = {f"{name}.npy" for name in _ARRAYS}
    with _archive(_member(opened, "motion.npz", _BYTES)) as inside:
        if set(inside.namelist()) != parts or len(inside.namelist()) != len(parts):
            raise Unreadable("This template does not hold what it should.", _DAMAGED)
        sizes: dict[int, int] = {_T: info.count, _K: components}
        numbers = {name: _array(inside, name, sizes) for name in _ARRAYS}
    if (np.diff(numbers["time"]) < 0).any():
        raise Unreadable("The times of this template run backward.", _DAMAGED)
    return Template(info.name, info.title, info.rate, _motions(numbers), info.loop, info.author, info.licence)


@cache
def shipped_names() -> tuple[str, ...]:
    """The names of the templates that ship with facezoo, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}")))


@cache
def shipped_templates() -> tuple[TemplateInfo, ...]:
    """What the shipped templates are; their motions are not read."""
    return tuple(_info(_open(_FOLDER / f"{name}{SUFFIX}"))[0] for name in shipped_names())


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
    return {name: np.ascontiguousarray(found[name], dtype) for name, (_, dtype, _, _) in _ARRAYS.items()}


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


def _open(path: Path) -> zipfile.ZipFile:
    """The file, read whole, as an archive of exactly the two parts."""
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES + 1)
    except OSError:
        raise Unreadable(f"{path.name} cannot be opened.", "Check that it exists and may be read.") from None
    if len(data) > _BYTES:
        raise TooLarge(f"This template is larger than {_BYTES >> 20} MB.", "Use a shorter one.")
    if not data:
        raise Unreadable("This file is empty.", "Save or download it again.")
    if not data.startswith(b"PK\3\4"):
        raise UnsupportedFormat("This is no motion template.", f"Choose a {SUFFIX} file made by facezoo.")
    opened = _archive(data)
    if sorted(opened.namelist()) != ["motion.json", "motion.npz"]:
        raise UnsupportedFormat("This archive is no motion template.", f"Choose a {SUFFIX} file made by facezoo.")
    return opened


def _archive(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OverflowError, RuntimeError):
        raise Unreadable("This template is damaged.", _DAMAGED) from None


def _member(opened: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One part, of which no more than `most` bytes are ever unpacked."""
    about = opened.getinfo(name)
    if about.file_size > most:
        raise TooLarge("A part of this template is too large.", "Use a shorter one.")
    if about.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or about.flag_bits & 1:
        raise Unreadable("This template is packed in an unknown way.", _DAMAGED)
    try:
        with opened.open(name) as part:
            data = part.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        raise Unreadable("This template is damaged.", _DAMAGED) from None
    if len(data) != about.file_size:
        raise Unreadable("This template is damaged.", _DAMAGED)
    return data


def _info(opened: zipfile.ZipFile) -> tuple[TemplateInfo, int]:
    """What motion.json says, and the number of components."""
    try:
        record = json.loads(_member(opened, "motion.json", _TEXT_BYTES))
    except (ValueError, RecursionError):
        raise Unreadable("The description of this template cannot be read.", _DAMAGED) from None
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise UnsupportedFormat("This is no motion template.", f"Choose a {SUFFIX} file made by facezoo.")
    if record.get("version") != _VERSION:
        raise UnsupportedFormat("This template was made by another version.", "Update facezoo and try again.")
    count, components = _whole(record, "count"), _whole(record, "components")
    rate = record.get("rate")
    if not (isinstance(rate, list) and len(rate) == 2 and all(type(part) is int and 0 < part < 10**9 for part in rate)):
        raise Unreadable("The rate of this template cannot be read.", _DAMAGED)
    name, speed = record.get("name"), Fraction(rate[0], rate[1])
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not _RATES[0] <= speed <= _RATES[1] or count < 1:
        raise Unreadable("The description of this template cannot be read.", _DAMAGED)
    if count > _FRAMES or components > _COMPONENTS:
        raise TooLarge(f"This template has more than {_FRAMES:,} motions.", "Use a shorter one.")
    title, author, licence = (_plain(record.get(key), most) for key, most in
                              (("title", 100), ("author", 100), ("licence", 200)))  # fmt: skip
    return TemplateInfo(name, title or name, speed, count, record.get("loop") is True, author, licence), components


def _whole(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    if type(value) is not int or value < 0:
        raise Unreadable("The description of this template cannot be read.", _DAMAGED)
    return value


def _plain(text: object, most: int) -> str:
    """Text on one line, without control characters, at most that long."""
    return "".join(letter for letter in text if letter.isprintable())[:most] if isinstance(text, str) else ""


def _array(opened: zipfile.ZipFile, name: str, sizes: Mapping[int, int]) -> NDArray[Any]:
    """One array, only if its header says just what is expected; clipped, always finite."""
    axes, dtype, low, high = _ARRAYS[name]
    shape = tuple(sizes.get(axis, axis) for axis in axes)
    data = _member(opened, f"{name}.npy", _PART_BYTES)
    header = _HEADER.match(data)
    kind = np.dtype(dtype)
    if not header or header.groups() != (dtype.encode(), str(shape).encode()):
        raise Unreadable("The numbers of this template are not those expected.", _DAMAGED)
    if len(data) - header.end() != math.prod(shape) * kind.itemsize:
        raise Unreadable("The numbers of this template are cut off.", _DAMAGED)
    values = np.frombuffer(data, kind, offset=header.end()).reshape(shape).astype(kind.newbyteorder("="))
    if not np.isfinite(values).all():
        raise Unreadable("The numbers of this template are not finite.", _DAMAGED)
    return np.clip(values, low, high)


def _npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    """An archive whose bytes depend on the parts alone, not on the day."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
