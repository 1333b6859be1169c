"""Which files a method's weights are made of, and the sha256 of each: checked before any of them is used.

A manifest is a JSON file beside the weights, or, for weights that are only on the Hub, in facezoo itself:

    weights/<method>/manifest.json   {"files": {"generator/config.json": {"sha256": "...", "bytes": 123}, ...}}

"files" are those of the Hub at the commit pinned in SPEC; "embedded", when it is there, those of the smaller copy
beside the manifest, otherwise that copy has the same files.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast

from facezoo.errors import WeightsUnavailable
from facezoo.types import MethodSpec, Weights

__all__ = [
    "MANIFEST",
    "WEIGHTS",
    "Fault",
    "Manifest",
    "WeightFile",
    "describe",
    "faults",
    "fingerprint",
    "is_pinned",
    "make_manifest",
    "manifest_text",
    "method_of",
    "read_manifest",
    "sha256_of",
    "tag_of",
]

WEIGHTS = Path(__file__).parent / "weights"
"""One folder a method: its manifest, its metrics.json and, for some, the embedded copy."""
MANIFEST = "manifest.json"
Fault = Literal["missing", "changed", "not listed"]
_SUFFIXES = (".json", ".safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*", re.ASCII)


@dataclass(frozen=True)
class WeightFile:
    """One file: its path below the folder with forward slashes, the sha256 (64 hex) and number of its bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The files of one set of weights, by path."""

    files: tuple[WeightFile, ...]

    @property
    def sha256(self) -> str:
        """What `fingerprint` gives for a folder with these files."""
        return _digest([(each.path, each.sha256) for each in self.files if each.path.endswith(".safetensors")])

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(each.bytes for each in self.files)


def fingerprint(folder: Path) -> str:
    """sha256 (64 hex) of all weights below a folder: of the lines "<sha256>  <path>\\n" that
    `sha256sum */*.safetensors` prints, sorted by path with forward slashes."""
    return _digest([(path.relative_to(folder).as_posix(), sha256_of(path)) for path in folder.rglob("*.safetensors")])


def read_manifest(folder: Path, part: Literal["files", "embedded"] = "files") -> Manifest:
    """The manifest of a folder. part "embedded" falls back to "files".

    Raises WeightsUnavailable when it is missing or names something that is not JSON or safetensors below the folder."""
    try:
        record = cast("dict[str, Any]", json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        listed = cast("dict[str, dict[str, Any]]", record.get(part) or record["files"])
        files = tuple(WeightFile(path, each["sha256"], each["bytes"]) for path, each in sorted(listed.items()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WeightsUnavailable(
            f"There is no usable {MANIFEST} in {folder}.", "Install facezoo again, or make the bundle again."
        ) from problem
    for each in files:
        safe = _PATH.fullmatch(each.path) and each.path.endswith(_SUFFIXES)
        if not safe or not _SHA256.fullmatch(each.sha256) or not isinstance(each.bytes, int):
            raise WeightsUnavailable(
                f"{MANIFEST} in {folder} names {each.path!r}, which cannot be a file of weights.",
                "Do not use these weights: facezoo's own are JSON and safetensors.",
            )
    return Manifest(files)


def make_manifest(folder: Path) -> Manifest:
    """The manifest of what lies in a folder now: its JSON and safetensors."""
    return Manifest(
        tuple(WeightFile(name, sha256_of(folder / name), (folder / name).stat().st_size) for name in _names(folder))
    )


def manifest_text(manifest: Manifest, embedded: Manifest | None = None) -> str:
    """The text of manifest.json. embedded: of the copy beside it, when that has other files."""
    parts = {"files": manifest} | ({"embedded": embedded} if embedded else {})
    listed = {
        name: {each.path: {"sha256": each.sha256, "bytes": each.bytes} for each in part.files}
        for name, part in parts.items()
    }
    return json.dumps(listed, indent=2) + "\n"


def is_pinned(spec: MethodSpec) -> bool:
    """Whether these are the very weights that facezoo's own SPEC of the method names: those of its manifest."""
    try:
        return read_manifest(WEIGHTS / spec.id).sha256 == spec.weights.sha256
    except WeightsUnavailable:
        return False


def tag_of(sha256: str) -> str:
    """The tag that weights get on the Hub: it says what they are, so it may be trusted as a commit is."""
    return f"weights-{sha256[:16]}"


def sha256_of(path: Path) -> str:
    """sha256 (64 hex) of the bytes of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def method_of(folder: str | Path) -> str:
    """The id of the method whose saved pipeline lies in a folder; "" when there is none."""
    try:
        return str(json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))["method"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def describe(folder: Path, repo: str = "", revision: str = "") -> Weights:
    """What SPEC says of the weights in a folder: sha256, number of parameters, and bytes, of all safetensors in it."""
    found = sorted(folder.rglob("*.safetensors"))
    total = sum(path.stat().st_size for path in found)
    return Weights(repo, revision, fingerprint(folder), sum(_parameters(path) for path in found), total)


def faults(folder: Path, manifest: Manifest) -> dict[str, Fault]:
    """Path -> what is wrong with it, nothing when every file is as the manifest says. All bytes are read."""
    found: dict[str, Fault] = {}
    for each in manifest.files:
        path = folder / each.path
        if not path.is_file():
            found[each.path] = "missing"
        elif path.stat().st_size != each.bytes or sha256_of(path) != each.sha256:
            found[each.path] = "changed"
    listed = {each.path for each in manifest.files}
    for name in _names(folder):
        if name not in listed:
            found[name] = "not listed"
    return found


def _names(folder: Path) -> list[str]:
    """Paths of what could be loaded from a folder, with forward slashes."""
    found = (PurePosixPath(path.relative_to(folder).as_posix()) for path in folder.rglob("*"))
    return sorted(str(path) for path in found if path.suffix in _SUFFIXES and str(path) != MANIFEST)


def _parameters(path: Path) -> int:
    """Numbers in a safetensors file, from its header: 8 bytes of its length, then JSON."""
    with path.open("rb") as stream:
        header = cast("dict[str, Any]", json.loads(stream.read(int.from_bytes(stream.read(8), "little"))))
    return sum(math.prod(each["shape"]) for name, each in header.items() if name != "__metadata__")


def _digest(files: list[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{sha256}  {path}\n" for path, sha256 in sorted(files)).encode()).hexdigest()
