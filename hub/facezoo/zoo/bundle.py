"""One archive with all weights, for rooms without a network."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.media.files import whole
from facezoo.zoo.manifest import MANIFEST, make_manifest, manifest_text, sha256_of

__all__ = ["write_bundle"]

_TIME = (2000, 1, 1, 0, 0, 0)  # the same content makes the same archive
_HOW = """facezoo, for a room without a network
=====================================

On each machine in the room, with this archive unpacked here:

    python3 -m venv facezoo && . facezoo/bin/activate
    pip install --no-index --find-links wheels 'facezoo[hub]'
    export FACEZOO_WEIGHTS="$PWD/weights" HF_HUB_OFFLINE=1
    facezoo zoo check                              # every file against its sha256
    facezoo demo                                   # http://127.0.0.1:7860
{missing}
weights/<method>/   the weights of each method that has any, with their record (metrics.json) and manifest.json
cards/<method>.md   what each method is, what it learned from, what it may be used for
wheels/             facezoo itself{others}
SHA256SUMS          of every file here: sha256sum -c SHA256SUMS

Methods without learned weights need nothing but facezoo itself: {plain}.
"""
_MISSING = """
What facezoo needs is not in wheels/ yet. Once, on a machine with a network, of the same system and Python as those in
the room, and in this folder:

    pip download --find-links wheels --dest wheels 'facezoo[hub]'

Or make the archive with it: facezoo zoo bundle OUT.zip --wheels FOLDER.
"""


def write_bundle(
    archive: Path, folders: Mapping[str, Path], cards: Mapping[str, str], wheels: Sequence[Path] = ()
) -> list[tuple[str, int]]:
    """Write a zip archive and give the path and size in bytes of each file in it.

    folders: method -> its checked weights. cards: method -> its card, of all methods. wheels: of what facezoo needs;
    its own is put in, made of what is installed, unless it is among them.
    An archive is there when it is whole, or not at all. Raises UsageError when archive is no name of a .zip file."""
    if archive.suffix != ".zip" or not archive.parent.is_dir():
        raise UsageError(f"{archive} cannot be the archive.", "Give a name that ends in .zip, in a folder that exists.")
    files: dict[str, Path | bytes] = {f"cards/{method}.md": card.encode() for method, card in cards.items()}
    for method, folder in folders.items():
        manifest = make_manifest(folder)
        files[f"weights/{method}/{MANIFEST}"] = manifest_text(manifest).encode()
        files |= {f"weights/{method}/{each.path}": folder / each.path for each in manifest.files}
    files |= {f"wheels/{wheel.name}": wheel for wheel in wheels}
    if not any(wheel.name.startswith("facezoo-") for wheel in wheels):
        name, content = _own_wheel()
        files[f"wheels/{name}"] = content
    plain = ", ".join(method for method in cards if method not in folders) or "(none)"
    others = " and all that it needs" if wheels else ""
    files["README.txt"] = _HOW.format(missing="" if wheels else _MISSING, others=others, plain=plain).encode()
    sums = "".join(f"{_sha256(content)}  {name}\n" for name, content in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()

    with whole(archive) as unfinished:
        _write_zip(unfinished, files)
    return [(name, len(content) if isinstance(content, bytes) else content.stat().st_size)
            for name, content in sorted(files.items())]  # fmt: skip


def _own_wheel() -> tuple[str, bytes]:
    """The name and content of facezoo's wheel, of the package as it lies here (PEP 427)."""
    package, here = Path(__file__).parents[1], distribution("facezoo")
    info = f"facezoo-{here.version}.dist-info"
    files: dict[str, Path | bytes] = {
        f"facezoo/{path.relative_to(package).as_posix()}": path
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        files[f"{info}/{name}"] = (here.read_text(name) or "").encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: facezoo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{name},sha256={_base64(_sha256(content))}," for name, content in sorted(files.items())]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    stream = BytesIO()
    _write_zip(stream, files)
    return f"facezoo-{here.version}-py3-none-any.whl", stream.getvalue()


def _base64(sha256: str) -> str:
    return urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


def _write_zip(target: Path | BytesIO, files: Mapping[str, Path | bytes]) -> None:
    with zipfile.ZipFile(target, "w") as stream:
        for name, content in sorted(files.items()):
            _add(stream, name, content)


def _add(stream: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if isinstance(content, Path) else zipfile.ZIP_DEFLATED
    with stream.open(entry, "w", force_zip64=True) as target:
        if isinstance(content, bytes):
            target.write(content)
            return
        with content.open("rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)


def _sha256(content: Path | bytes) -> str:
    return sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()
