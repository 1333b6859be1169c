"""One archive with all weights, for rooms without a network."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.zoo.manifest import MANIFEST, make_manifest, manifest_text

__all__ = ["write_bundle"]

_TIME = (2000, 1, 1, 0, 0, 0)  # the same content makes the same archive
_HOW = """facezoo, for a room without a network
=====================================

On one machine with a network, of the same system and Python as those in the room:

    pip download 'facezoo[hub]' -d wheels          # or: give `facezoo zoo bundle --wheels FOLDER` such a folder

On each machine in the room, with this archive unpacked:

    python -m venv facezoo && . facezoo/bin/activate
    pip install --no-index --find-links wheels 'facezoo[hub]'
    export FACEZOO_WEIGHTS="$PWD/weights" HF_HUB_OFFLINE=1
    facezoo zoo check                              # every file against its sha256
    facezoo demo                                   # http://127.0.0.1:7860

weights/<method>/   the weights of each method that has any, with their record (metrics.json) and manifest.json
cards/<method>.md   what each method is, what it learned from, what it may be used for
wheels/             facezoo and what it needs, if this archive was made with --wheels
SHA256SUMS          of every file here: sha256sum -c SHA256SUMS

Methods without learned weights need nothing but facezoo itself: """


def write_bundle(
    archive: Path, folders: Mapping[str, Path], cards: Mapping[str, str], wheels: Sequence[Path] = ()
) -> list[tuple[str, int]]:
    """Write a zip archive and give the path and size in bytes of each file in it.

    folders: method -> its checked weights. cards: method -> its card, of all methods. wheels: files to put in as well.
    An archive is there when it is whole, or not at all. Raises UsageError when archive is no name of a .zip file."""
    if archive.suffix != ".zip" or not archive.parent.is_dir():
        raise UsageError(f"{archive} cannot be the archive.", "Give a name that ends in .zip, in a folder that exists.")
    files: dict[str, Path | bytes] = {f"cards/{method}.md": card.encode() for method, card in cards.items()}
    for method, folder in folders.items():
        manifest = make_manifest(folder)
        files[f"weights/{method}/{MANIFEST}"] = manifest_text(manifest).encode()
        files |= {f"weights/{method}/{each.path}": folder / each.path for each in manifest.files}
    files |= {f"wheels/{wheel.name}": wheel for wheel in wheels}
    plain = [method for method in cards if method not in folders]
    files["README.txt"] = (_HOW + ", ".join(plain or ["(none)"]) + ".\n").encode()
    sums = "".join(f"{_sha256(content)}  {name}\n" for name, content in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()

    unfinished = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(unfinished, "w") as stream:
            for name, content in sorted(files.items()):
                _add(stream, name, content)
        unfinished.replace(archive)
    finally:
        unfinished.unlink(missing_ok=True)
    return [(name, len(content) if isinstance(content, bytes) else content.stat().st_size)
            for name, content in sorted(files.items())]  # fmt: skip


def _add(stream: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if isinstance(content, Path) else zipfile.ZIP_DEFLATED
    with stream.open(entry, "w", force_zip64=True) as target:
        if isinstance(content, bytes):
            target.write(content)
            return
        with content.open("rb") as source:
            while chunk := source.read(1 << 20):
                target.write(chunk)


def _sha256(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
