"""Answers that cannot be forged: what a stranger wrote steers no terminal, and outer boxes of a film are signed too."""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facezoo.cli.app import execute
from facezoo.cli.shell import print_json, print_table, warn
from facezoo.errors import Unreadable, printable
from facezoo.media.read import open_clip
from facezoo.safety.seal import Claim, seal, verify
from facezoo.types import Clip, Frame

HOSTILE = {
    "moves the cursor": "pix2pix\x1b[3A\x1b[2Krecord:    trusted",
    "title and bell": "\x1b]0;owned\x07",
    "OSC 8 link": "\x1b]8;;http://evil.example\x1b\\cyclegan\x1b]8;;\x1b\\",
    "C1 controls": "\x9b2K\x9d8;;http://evil.example\x9c",
    "bidi": "\u202egnp.evil\u2066\u200f",
    "more lines": "x\r\nrecord:    trusted\x85\u2028\vrecord:    trusted",
    "backspaces": "unknown\b\b\b\b\b\b\btrusted\x7f",
    "tags": "a\U000e0041\ufeff",
}
STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def _steers(text: str) -> list[str]:
    return [each for each in text if each != "\n" and unicodedata.category(each) in STEERING]


def _sealed(folder: Path, portrait: Path, suffix: str, method: str = "example") -> Path:
    clip = open_clip(portrait)
    weights = {"repo": method, "revision": "", "sha256": ""}
    claim = Claim(method, method, 2001, weights, "somebody", {}, 7, (clip.sha256,), "swap")
    frames = (Frame(np.full((128, 128, 3), 90 + 5 * index, np.uint8), index / 12) for index in range(8))
    moving = Clip(**{**vars(clip), "kind": "video", "count": 8, "rate": Fraction(12)})
    return seal(frames, folder / f"result{suffix}", claim=claim, clip=moving if suffix == ".mp4" else clip).path


@pytest.mark.parametrize("kind", HOSTILE)
def test_verify_prints_nothing_that_steers(
    kind: str, tmp_path: Path, portrait: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = _sealed(tmp_path, portrait, ".png", HOSTILE[kind])
    found = verify(path)
    assert found.c2pa == "trusted" and found.method == printable(HOSTILE[kind])
    for words in (["verify", str(path)], ["verify", str(path), "--json"]):
        capfd.readouterr()
        assert execute(words) == 0
        said = capfd.readouterr()
        assert _steers(said.out) == [] and said.err == ""
    assert json.loads(said.out)["method"] == printable(HOSTILE[kind])
    assert len([line for line in said.out.splitlines() if "trusted" in line]) <= 3


def test_no_character_of_all_steers() -> None:
    shown = printable("".join(map(chr, range(0x110000))))
    assert _steers(shown) == ["\u200c", "\u200d"]
    assert len(shown.splitlines()) == 1
    assert printable(shown) == shown


@pytest.mark.parametrize("text", ["Zoë's photo (2).jpg", "顔の写真", "تصویر", "क्षत्रिय\u200d", "👩‍🎨", "a\\b"])
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


def test_errors_tables_json_and_logs(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    for text in HOSTILE.values():
        error = Unreadable(f"It holds {text}.", text)
        assert _steers(str(error)) == _steers(error.message) == [] and len(str(error).splitlines()) == 2
        logging.getLogger("facezoo").warning("%s", error.message)
        warn(text)
        print_table(("name",), [(text,)])
        print_json({"name": text})
    shown = capsys.readouterr()
    assert _steers(shown.out) == _steers(shown.err) == _steers(caplog.text) == []
    assert len(shown.err.splitlines()) == len(HOSTILE)


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "free": lambda data: data + _box(b"free", b"an advertisement"),
    "skip": lambda data: data + _box(b"skip", b"an advertisement"),
    "mfra": lambda data: data + _box(b"mfra", b"an advertisement"),
    "uuid": lambda data: data + _box(b"uuid", b"an advertisement"),
    "empty free": lambda data: data + _box(b"free", b""),
    "ftyp": lambda data: data[:8] + b"qt  " + data[12:],
    "minor version": lambda data: data[:15] + b"\x07" + data[16:],
    "to the end": lambda data: data + b"\0\0\0\0free and more",
    "long size": lambda data: data + b"\0\0\0\1free" + (20).to_bytes(8) + b"more",
    "lying size": lambda data: data + b"\xff\xff\xff\xffskip",
    "many": lambda data: data + _box(b"free", b"") * 100_000,
}


def test_outer_boxes_of_films_are_signed(tmp_path: Path, portrait: Path) -> None:
    path = _sealed(tmp_path, portrait, ".mp4")
    data = path.read_bytes()
    assert verify(path).c2pa == "trusted"
    answers: dict[str, str] = {}
    for name, forge in FORGERIES.items():
        path.write_bytes(forge(data))
        answers[name] = verify(path).c2pa
    assert answers == dict.fromkeys(FORGERIES, "tampered")


def test_outer_boxes_of_avif_are_signed(tmp_path: Path, portrait: Path) -> None:
    path = _sealed(tmp_path, portrait, ".avif")
    data = path.read_bytes()
    assert verify(path).c2pa == "trusted"
    for name in ("free", "skip", "minor version"):
        path.write_bytes(FORGERIES[name](data))
        assert verify(path).c2pa == "tampered", name
