"""Signatures: four answers, from every kind of file, and an identity that is made once."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from facezoo.errors import FacezooError, UsageError
from facezoo.safety import c2pa
from facezoo.safety import c2pa as identity

MANIFEST = {
    "title": "facezoo result",
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {
                "actions": [
                    {
                        "action": "c2pa.created",
                        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic",
                    }
                ]
            },
        }
    ],
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an identity yet."""
    monkeypatch.setenv("FACEZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FACEZOO_CERTIFICATE", raising=False)
    monkeypatch.delenv("FACEZOO_PRIVATE_KEY", raising=False)
    return tmp_path / "home"


def _picture(path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path


def test_sign_and_read(machine: Path, tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.png")
    assert c2pa.read(path) == ("none", None)
    before = path.stat().st_size
    written = c2pa.sign(path, MANIFEST)
    assert c2pa.read(path)[0] == "trusted"
    assert written["claim_generator_info"][0]["name"] == "facezoo"
    assert 2000 < path.stat().st_size - before < 6000, "thumbnails are off"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "home"]
    assert str(tmp_path) not in json.dumps(written)


def test_reading_makes_no_identity(machine: Path, tmp_path: Path) -> None:
    c2pa.read(_picture(tmp_path / "a.png"))
    assert not machine.exists()


def test_somebody_elses_signature(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _picture(tmp_path / "a.jpg")
    c2pa.sign(path, MANIFEST)
    monkeypatch.setenv("FACEZOO_HOME", str(tmp_path / "elsewhere"))
    status, manifest = c2pa.read(path)
    assert (status, manifest is not None) == ("unknown-signer", True)
    c2pa.identity()
    assert c2pa.read(path)[0] == "unknown-signer"


def test_changed_bytes_by_somebody_else_are_tampering(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _picture(tmp_path / "a.jpg")
    c2pa.sign(path, MANIFEST)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    monkeypatch.setenv("FACEZOO_HOME", str(tmp_path / "elsewhere"))
    assert c2pa.read(path)[0] == "tampered"


@pytest.mark.parametrize("data", [b"", b"hello", b"RIFF" + bytes(40), b"\x1aE\xdf\xa3" + bytes(99), b"c2pa\0jumd"])
def test_files_that_are_no_pictures(machine: Path, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "thing.png"
    path.write_bytes(data)
    assert c2pa.read(path)[0] == ("tampered" if b"jumd" in data else "none")


def test_a_format_without_manifests(machine: Path, tmp_path: Path) -> None:
    path = _picture(tmp_path / "a.bmp")
    assert c2pa.read(path) == ("none", None)
    with pytest.raises(UsageError, match=r"\.bmp"):
        c2pa.sign(path, MANIFEST)


def test_keys_are_private(machine: Path) -> None:
    c2pa.identity()
    folder = machine / "identity"
    assert sorted(path.name for path in folder.iterdir()) == ["certificates.pem", "key.pem"]
    if os.name == "posix":
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "PRIVATE" not in (folder / "certificates.pem").read_text()
    assert "PRIVATE" not in repr(c2pa.identity())


def test_processes_that_start_together_share_one_identity(machine: Path) -> None:
    code = "from facezoo.safety import c2pa as i; import hashlib; print(i.identity().certificates, end='')"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(6)
    ]
    seen = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 6
    assert seen == {(machine / "identity" / "certificates.pem").read_text()}
    assert [path.name for path in machine.iterdir()] == ["identity"]


def test_a_loser_of_the_race_takes_the_winners(machine: Path) -> None:
    folder = machine / "identity"
    identity._create(folder)  # pyright: ignore[reportPrivateUsage]
    winner = (folder / "key.pem").read_text()
    identity._create(folder)  # pyright: ignore[reportPrivateUsage]
    assert (folder / "key.pem").read_text() == winner
    assert [path.name for path in machine.iterdir()] == ["identity"]


@pytest.mark.parametrize("as_text", [True, False])
def test_an_identity_from_the_environment(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_text: bool
) -> None:
    certificates, key = identity._issue()  # pyright: ignore[reportPrivateUsage]
    given = {"FACEZOO_CERTIFICATE": certificates, "FACEZOO_PRIVATE_KEY": key}
    for name, text in given.items():
        (tmp_path / name).write_text(text)
        monkeypatch.setenv(name, text.replace("\n", "\\n") if as_text else str(tmp_path / name))
    path = _picture(tmp_path / "a.png")
    c2pa.sign(path, MANIFEST)
    assert c2pa.read(path)[0] == "trusted"
    assert not machine.exists(), "no own identity is made beside a given one"
    monkeypatch.delenv("FACEZOO_CERTIFICATE")
    with pytest.raises(UsageError, match="Only one"):
        c2pa.identity()
    monkeypatch.delenv("FACEZOO_PRIVATE_KEY")
    assert c2pa.read(path)[0] == "unknown-signer"


def test_wrong_identities_say_what_is_wrong(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (one, _), (_, other) = (identity._issue() for _ in range(2))  # pyright: ignore[reportPrivateUsage]
    for certificate, key, message in [
        (one, other, "does not belong"),
        ("-----BEGIN nonsense", other, "not PEM"),
        (one, "-----BEGIN nonsense", "not an unencrypted PEM key"),
        (str(tmp_path / "missing.pem"), other, "cannot be read"),
    ]:
        monkeypatch.setenv("FACEZOO_CERTIFICATE", certificate)
        monkeypatch.setenv("FACEZOO_PRIVATE_KEY", key)
        with pytest.raises(UsageError, match=message) as refusal:
            c2pa.identity()
        assert refusal.value.advice
        assert other not in str(refusal.value)


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("FACEZOO_HOME", str(blocker))
    with pytest.raises(FacezooError, match="FACEZOO_HOME"):
        c2pa.identity()


def test_a_failed_signature_leaves_the_file_alone(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _picture(tmp_path / "a.png")
    before = path.read_bytes()
    monkeypatch.setattr(c2pa, "read", lambda _path: ("tampered", None))
    with pytest.raises(FacezooError, match="reads back as tampered"):
        c2pa.sign(path, MANIFEST)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "home"]


def test_packaged_anchors_hold_no_private_key() -> None:
    packaged = Path(identity.__file__).with_name("anchors.pem")
    if packaged.is_file():
        assert "PRIVATE" not in packaged.read_text()
