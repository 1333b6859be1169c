"""C2PA manifests: signed into a finished file, and read back with four answers. Nothing here uses the network.

PNG, JPEG, WebP (still and moving), AVIF, GIF and MP4 are signed; WebM and Matroska cannot carry a manifest.
"""

from __future__ import annotations

import json
import mmap
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from facezoo.errors import FacezooError, UsageError
from facezoo.safety.identity import Identity, anchors, home, identity

__all__ = ["FORMATS", "Identity", "Status", "home", "identity", "read", "sign"]

Status = Literal["trusted", "unknown-signer", "tampered", "none"]

FORMATS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
}
"""What can be signed: suffix -> media type."""


def sign(path: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Sign a finished file in place, and return its manifest as a reader sees it.

    path: its suffix is one of `FORMATS` and true. manifest: a C2PA manifest definition (title, ingredients,
    assertions); generator and format are added here. The file is replaced only when the signed copy reads back as
    trusted. Raises UsageError for another format or an unusable identity, FacezooError when signing fails.
    """
    from c2pa import Builder, C2paError, C2paSignerInfo, Signer

    media_type = FORMATS.get(path.suffix.lower())
    if media_type is None:
        raise UsageError(f"A {path.suffix or 'file without a suffix'} cannot be signed.", f"Use {' '.join(FORMATS)}")
    signer_is = identity()
    generator = {"name": "facezoo", "version": version("facezoo")}
    definition = {"claim_generator_info": [generator], "format": media_type} | manifest
    with tempfile.TemporaryDirectory(prefix=".facezoo-", dir=path.parent) as folder:
        signed = Path(folder) / path.name
        try:
            info = C2paSignerInfo(signer_is.algorithm, signer_is.certificates.encode(), signer_is.key.encode(), None)
            with (
                Signer.from_info(info) as signer,
                Builder(definition, context=_context()) as builder,
                path.open("rb") as source,
                signed.open("w+b") as target,
            ):
                builder.sign(signer, media_type, source, target)
        except C2paError as error:
            raise FacezooError(f"Signing failed: {error}", "Run `facezoo doctor`.") from error
        status, written = read(signed)
        if status != "trusted" or written is None:
            raise FacezooError(
                f"The signed file reads back as {status}, so it is thrown away.",
                "Check FACEZOO_CERTIFICATE (signer first, then its issuers), or unset it.",
            )
        signed.replace(path)
    return written


def read(path: Path) -> tuple[Status, dict[str, Any] | None]:
    """Read a file's manifest back: (answer, active manifest or None).

    "trusted": unchanged and signed by an anchor (`identity.anchors`). "unknown-signer": unchanged, signed by somebody
    else, or with a certificate out of date. "tampered": the bytes changed since signing, or a manifest is there and the
    file around it is broken. "none": no manifest inside, among these files in formats that carry none and files that
    only point to a manifest elsewhere. Never raises on what the file holds; OSError when it cannot be opened.
    """
    from c2pa import C2paError, Reader

    with path.open("rb") as file:
        try:
            with Reader(None, file, context=_context(*anchors())) as reader:
                state = str(reader.get_validation_state())
                results = reader.get_validation_results() or {}
                store: dict[str, Any] = json.loads(reader.json())
        except (C2paError, ValueError) as error:
            if str(error).startswith(("ManifestNotFound", "RemoteManifest")):
                return "none", None
            return ("tampered" if _holds_manifest(path) else "none"), None
    manifest = store.get("manifests", {}).get(store.get("active_manifest"))
    if state == "Trusted":
        return "trusted", manifest
    failures = [str(entry.get("code", "")) for entry in results.get("activeManifest", {}).get("failure", [])]
    if state == "Valid" or (failures and all(code.startswith("signingCredential.") for code in failures)):
        return "unknown-signer", manifest
    return "tampered", manifest


def _context(roots: str = "", leaves: str = "") -> Any:
    """Settings of one call: no thumbnails (they would show the picture before later edits), no network, our anchors."""
    from c2pa import Context

    trust = {key: value for key, value in (("user_anchors", roots), ("allowed_list", leaves)) if value}
    settings: dict[str, Any] = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    }
    return Context.from_dict(settings | ({"trust": trust} if trust else {}))


def _holds_manifest(path: Path) -> bool:
    """Whether the bytes contain a C2PA manifest store: a JUMBF description box with the label c2pa."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return False
        with data:
            return data.find(b"jumd") >= 0 and data.find(b"c2pa\0") >= 0
