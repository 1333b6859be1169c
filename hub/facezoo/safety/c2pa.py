"""C2PA manifests: signed into a finished file, and read back with four answers. Nothing here uses the network.

PNG, JPEG, WebP (still and moving), AVIF, GIF and MP4 are signed; WebM and Matroska cannot carry a manifest.

Who signs: a key and certificates of this machine, made on first use, or given by the environment.

The own identity is a folder `identity` below the home folder: certificates.pem (ES256 leaf, then its root) and
key.pem (PKCS#8, mode 0600). The root's private key is thrown away once the leaf is signed, so nothing else can ever be
issued in its name.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from facezoo.errors import FacezooError, UsageError

__all__ = ["FORMATS", "Identity", "Status", "anchors", "home", "identity", "read", "sign"]

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
    if (digest := _outer_boxes(path)) is not None:
        stated = {"label": _BOXES, "data": {"sha256": digest}}
        definition["assertions"] = [*definition.get("assertions", []), stated]
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
    else, or with a certificate out of date. "tampered": changed since signing, or a manifest is there and the file
    around it is broken. Unchanged means all that is shown, heard and said; of the manifest's own bytes a few, its
    padding among them, are under no hash. "none": no manifest inside, among these files in formats that carry none and
    files that only point to a manifest elsewhere. Never raises on what the file holds; OSError when it cannot be
    opened.
    """
    from c2pa import C2paError, Reader

    if len(_boxes(path)) > _MOST_BOXES:  # the library would take minutes over them
        return ("tampered" if _holds_manifest(path) else "none"), None
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
    if _boxes_changed(path, manifest):
        return "tampered", manifest
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


def _boxes_changed(path: Path, manifest: dict[str, Any] | None) -> bool:
    """Whether an MP4 or AVIF has other outer boxes than its manifest states. One that states none passes."""
    for assertion in (manifest or {}).get("assertions", []):
        if assertion.get("label") == _BOXES:
            return assertion.get("data") != {"sha256": _outer_boxes(path)}
    return False


def _outer_boxes(path: Path) -> str | None:
    """sha256 of what C2PA's hash of MP4 and AVIF leaves out (ftyp, free, skip ...): the types of the outermost boxes in
    their order, with the content of all but those that it covers. The manifest's box is passed over. None for a file
    of another make."""
    digest, boxes = hashlib.sha256(), _boxes(path)
    with path.open("rb") as file:
        for at, size, kind in boxes:
            if kind != b"uuid":  # C2PA covers all of these but its own
                digest.update(kind)
            if kind not in _COVERED:
                file.seek(at)
                for start in range(0, size, _PIECE):
                    digest.update(file.read(min(_PIECE, size - start)))
    return digest.hexdigest() if boxes else None


def _boxes(path: Path) -> list[tuple[int, int, bytes]]:
    """(offset, bytes, type) of the outermost boxes of an MP4 or AVIF, one more than _MOST_BOXES at most."""
    boxes: list[tuple[int, int, bytes]] = []
    with path.open("rb") as file:
        end, at = file.seek(0, os.SEEK_END), 0
        while at + 8 <= end and len(boxes) <= _MOST_BOXES:
            file.seek(at)
            head = file.read(16)
            size, kind = int.from_bytes(head[:4]), head[4:8]
            if at == 0 and kind != b"ftyp":
                break
            if size == 1:
                size = int.from_bytes(head[8:])
            boxes.append((at, size if 8 <= size <= end - at else end - at, kind))  # 0: to the end
            at += boxes[-1][1]
    return boxes


def _holds_manifest(path: Path) -> bool:
    """Whether the bytes contain a C2PA manifest store: a JUMBF description box with the label c2pa."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return False
        with data:
            return data.find(b"jumd") >= 0 and data.find(b"c2pa\0") >= 0


_BOXES = "org.facezoo.boxes"
_COVERED, _MOST_BOXES, _PIECE = (b"uuid", b"moov", b"mdat", b"meta"), 4000, 1024**2
_PACKAGED_ANCHORS = ("anchors.pem", "anchors_learn.pem")  # the roots of what ships, beside this file
_ROOT_YEARS, _LEAF_YEARS = 30, 20  # without a time stamp a signature is worth as long as its certificate


@dataclass(frozen=True)
class Identity:
    """certificates: PEM, leaf first, root last. key: PEM, PKCS#8, unencrypted. algorithm: C2PA's name, e.g. es256."""

    certificates: str
    key: str
    algorithm: str

    def __repr__(self) -> str:
        """Without the key: reprs end up in logs."""
        return f"Identity(algorithm={self.algorithm!r})"


def home() -> Path:
    """The folder for what facezoo keeps between runs: FACEZOO_HOME, or the platform's data folder. It may not exist."""
    if given := os.environ.get("FACEZOO_HOME"):
        return Path(given).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "facezoo"
    variable, default = ("LOCALAPPDATA", "AppData/Local") if os.name == "nt" else ("XDG_DATA_HOME", ".local/share")
    return Path(os.environ.get(variable) or Path.home() / default) / "facezoo"


def identity() -> Identity:
    """The signing identity: FACEZOO_CERTIFICATE and FACEZOO_PRIVATE_KEY (each a path or PEM text), else the own one,
    made on the first call; processes that do so at the same moment end up with the same one.

    Raises UsageError when the environment's is unusable, FacezooError when the home folder cannot be written.
    """
    certificate, key = os.environ.get("FACEZOO_CERTIFICATE"), os.environ.get("FACEZOO_PRIVATE_KEY")
    if certificate or key:
        if not (certificate and key):
            raise UsageError(
                "Only one of FACEZOO_CERTIFICATE and FACEZOO_PRIVATE_KEY is set.",
                "Set both (paths or PEM text), or neither to sign with a certificate of this machine.",
            )
        return _load(_pem(certificate, "FACEZOO_CERTIFICATE"), _pem(key, "FACEZOO_PRIVATE_KEY"), "FACEZOO_CERTIFICATE")
    folder = home() / "identity"
    try:
        if not folder.is_dir():
            _create(folder)
        return _load((folder / "certificates.pem").read_text(), (folder / "key.pem").read_text(), str(folder))
    except OSError as error:
        raise FacezooError(
            f"The signing certificate in {folder} cannot be made or read: {error.strerror}.",
            "Set FACEZOO_HOME to a folder that facezoo may write to.",
        ) from error


def anchors() -> tuple[str, str]:
    """Whom we trust: (PEM of root certificates, PEM of single signing certificates). Creates nothing.

    The own identity, the environment's, and the roots packaged with facezoo (its shipped examples)."""
    chains: list[str] = []
    own = home() / "identity" / "certificates.pem"
    if own.is_file():
        chains.append(own.read_text())
    if given := os.environ.get("FACEZOO_CERTIFICATE"):
        chains.append(_pem(given, "FACEZOO_CERTIFICATE"))
    packaged = [Path(__file__).with_name(name) for name in _PACKAGED_ANCHORS]
    roots, leaves = [each.read_text() for each in packaged if each.is_file()], list[str]()
    for chain in chains:
        first, *others = _certificates(chain, "the trusted certificates")
        leaves.append(_text(first))
        roots.extend(_text(other) for other in others)
    return "".join(roots), "".join(leaves)


def _create(folder: Path) -> None:
    """Write a new identity beside `folder` and rename it: the first process wins, the others drop theirs."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".identity-", dir=folder.parent))  # mode 0700
    try:
        certificates, key = _issue()
        for name, text, mode in (("certificates.pem", certificates, 0o644), ("key.pem", key, 0o600)):
            descriptor = os.open(draft / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _issue() -> tuple[str, str]:
    """A root, an ES256 leaf below it with what C2PA asks of one (2.2, section 14.5), and the leaf's key, as PEM."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("facezoo root of one machine")
    root = (
        _draft(issuer, issuer, root_key, _ROOT_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _draft(_name("facezoo of one machine"), issuer, key, _LEAF_YEARS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return _text(leaf) + _text(root), private


def _name(common: str) -> x509.Name:
    """No host or user name: every result carries this."""
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "facezoo"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, years: int
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - timedelta(days=1)  # clocks disagree
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365 * years))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _load(certificates: str, key: str, where: str) -> Identity:
    """Check that key and certificate belong together, and bring the key to PKCS#8, the only form c2pa takes."""
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise UsageError(f"The private key of {where} is not an unencrypted PEM key.", "Give one that is.") from error
    leaf = _certificates(certificates, where)[0]
    if private.public_key() != leaf.public_key():
        raise UsageError(
            f"The private key of {where} does not belong to its first certificate.",
            "Give the signing certificate first and its own key.",
        )
    if leaf.not_valid_after_utc <= datetime.now(UTC):
        raise UsageError(f"The certificate of {where} has expired.", "Replace it; an own one is made when it is gone.")
    match private:
        case ec.EllipticCurvePrivateKey():
            algorithm = {256: "es256", 384: "es384", 521: "es512"}.get(private.curve.key_size, "")
        case rsa.RSAPrivateKey():
            algorithm = "ps256"
        case ed25519.Ed25519PrivateKey():
            algorithm = "ed25519"
        case _:
            algorithm = ""
    if not algorithm:
        raise UsageError(f"C2PA cannot sign with the kind of key of {where}.", "Use an ES256 (P-256) key.")
    normal = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Identity(certificates, normal, algorithm)


def _certificates(text: str, where: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        raise UsageError(f"The certificate of {where} is not PEM.", "Give the chain as PEM, signer first.") from error


def _pem(given: str, variable: str) -> str:
    """PEM text given as itself or as a path."""
    if "-----BEGIN" in given:
        return given.replace("\\n", "\n")  # secrets stores often flatten lines
    try:
        return Path(given).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{variable} names a file that cannot be read.", "Give a path or PEM text.") from error


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
