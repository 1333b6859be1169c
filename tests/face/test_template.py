"""Motion templates: what is saved comes back, what strangers send is checked, what ships loops."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facezoo.errors import BadInput, TooLarge, Unreadable, UnsupportedFormat, UsageError
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import Motion, still
from facezoo.motion.mouth import MouthPatch
from facezoo.motion.template import (
    SUFFIX,
    Template,
    load_template,
    save_template,
    shipped,
    shipped_names,
    shipped_templates,
    template_from,
)

REPOSITORY = Path(__file__).parents[2]
NAMES = ("look_around", "nod", "smile", "surprise", "talk", "wink")
Parts = dict[str, bytes]


def motions(count: int = 20) -> list[Motion]:
    share = np.linspace(0, 1, count)
    return [
        replace(
            motion_of(Controls(yaw=20 * s, smile=s, mouth=s * s, blink=s, look_x=-s), time=3 + float(s)), zoom=1 + s / 5
        )
        for s in share
    ]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_template(template_from(motions(), Fraction(30), "one", "One"), tmp_path)


def unpacked(path: Path) -> tuple[dict[str, Any], Parts]:
    with zipfile.ZipFile(path) as outer:
        record = json.loads(outer.read("motion.json"))
        with zipfile.ZipFile(io.BytesIO(outer.read("motion.npz"))) as inner:
            return record, {name: inner.read(name) for name in inner.namelist()}


def packed(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def rewrite(path: Path, record: dict[str, Any], parts: Parts) -> None:
    path.write_bytes(packed({"motion.json": json.dumps(record).encode(), "motion.npz": packed(parts)}))


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def test_round_trip(saved: Path) -> None:
    assert saved.name == f"one{SUFFIX}"
    back, given = load_template(saved), motions()
    assert (back.name, back.title, back.rate, back.loop) == ("one", "One", Fraction(30), False)
    assert len(back.motions) == len(given) and back.motions[0].time == 0
    for one, two in zip(back.motions, given, strict=True):
        assert abs(one.expression - two.expression).max() < 0.002
        assert np.allclose(one.rotation, two.rotation, atol=1e-5) and np.allclose(one.eyes, two.eyes, atol=1e-5)
        assert np.allclose(one.shift, two.shift, atol=1e-5) and np.allclose(one.gaze, two.gaze, atol=1e-5)
        assert abs(one.zoom - two.zoom) < 1e-5 and abs(one.time - two.time + 3) < 1e-5
        assert one.expression.dtype == one.rotation.dtype == one.eyes.dtype == one.gaze.dtype == np.float32


def test_noise_comes_back_within_the_bound(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.004, (60, 468, 3)).astype(np.float32)
    given = [replace(still(i / 30), expression=each) for i, each in enumerate(noise)]
    back = load_template(save_template(template_from(given, Fraction(30), "noise"), tmp_path))
    assert max(abs(a.expression - b).max() for a, b in zip(back.motions, noise, strict=True)) < 0.002


def test_no_motion_is_kept_too(tmp_path: Path) -> None:
    back = load_template(save_template(template_from([still(0), still(1)], Fraction(1), "rest"), tmp_path))
    assert len(back.motions) == 2 and not back.motions[1].expression.any()


def test_pictures_of_the_driver_are_never_kept() -> None:
    patch = MouthPatch(np.zeros((96, 96, 3), np.uint8), np.zeros((20, 2), np.float32), np.zeros(3, np.float32))
    kept = template_from([replace(still(), mouth=patch)], Fraction(25), "mouth")
    assert kept.motions[0].mouth is None


def test_the_same_motions_make_the_same_file(saved: Path, tmp_path: Path) -> None:
    again = save_template(load_template(saved), tmp_path / f"two{SUFFIX}")
    assert save_template(load_template(saved), tmp_path / f"three{SUFFIX}").read_bytes() == again.read_bytes()


def test_what_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name"):
        template_from(motions(), Fraction(30), "../up")
    with pytest.raises(UsageError, match="no motion"):
        template_from([], Fraction(30), "none")
    with pytest.raises(UsageError, match="a second"):
        template_from(motions(), Fraction(1000), "fast")
    with pytest.raises(TooLarge):
        template_from([still(0), still(61)], Fraction(30), "long")
    with pytest.raises(TooLarge):
        template_from((still(i / 100) for i in range(1801)), Fraction(100), "many")
    with pytest.raises(UsageError, match="end in"):
        save_template(template_from(motions(2), Fraction(30), "one"), tmp_path / "one.zip")


def test_numbers_beyond_a_head_are_clipped(saved: Path) -> None:
    record, parts = unpacked(saved)
    parts["zoom.npy"] = npy(np.full(20, 1e6, np.float32))
    parts["weights.npy"] = npy(np.full((20, record["components"]), 1e30, np.float32))
    parts["rotation.npy"] = npy(np.full((20, 3), -1e20, np.float32))
    rewrite(saved, record, parts)
    for motion in load_template(saved).motions:
        assert motion.zoom == 2 and abs(motion.expression).max() <= 0.8
        assert np.allclose(motion.rotation @ motion.rotation.T, np.eye(3), atol=1e-5)


def _changed(key: str, value: object) -> Callable[[dict[str, Any], Parts], None]:
    return lambda record, parts: record.update({key: value})


def _array(name: str, data: bytes) -> Callable[[dict[str, Any], Parts], None]:
    return lambda record, parts: parts.update({f"{name}.npy": data})


def _claiming(shape: str) -> bytes:
    """An array of four bytes whose header claims another shape."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(4)


_NANS = np.full(20, np.nan, np.float32)
HOSTILE: dict[str, tuple[Callable[[dict[str, Any], Parts], None], type[BadInput]]] = {
    "another format": (_changed("format", "something"), UnsupportedFormat),
    "a later version": (_changed("version", 2), UnsupportedFormat),
    "too many motions": (_changed("count", 10**9), TooLarge),
    "no motions": (_changed("count", 0), Unreadable),
    "another count": (_changed("count", 19), Unreadable),
    "a count that is none": (_changed("count", "20"), Unreadable),
    "a count that is a truth": (_changed("count", True), Unreadable),
    "a rate of nothing": (_changed("rate", [30, 0]), Unreadable),
    "a huge rate": (_changed("rate", [10**8, 1]), Unreadable),
    "a rate that is none": (_changed("rate", "fast"), Unreadable),
    "a name that leads elsewhere": (_changed("name", "../../etc/passwd"), Unreadable),
    "a name that is none": (_changed("name", ["one"]), Unreadable),
    "a long description": (_changed("title", "x" * 20_000), TooLarge),
    "objects": (_array("zoom", npy(np.array([print] * 20, object))), Unreadable),
    "a huge shape": (_array("zoom", _claiming("(1000000000000,)")), Unreadable),
    "a huge product": (_array("zoom", _claiming("(4294967296, 4294967296, 4)")), Unreadable),
    "a negative shape": (_array("zoom", _claiming("(-20,)")), Unreadable),
    "a header of code": (_array("zoom", _claiming("__import__('os').getcwd()")), Unreadable),
    "a deep header": (_array("zoom", _claiming("(" * 60)), Unreadable),
    "too few numbers": (_array("zoom", _claiming("(20,)")), Unreadable),
    "not finite": (_array("zoom", npy(_NANS)), Unreadable),
    "not finite components": (_array("components", npy(np.full((9, 468, 3), np.inf, np.float16))), Unreadable),
    "another kind": (_array("zoom", npy(np.ones(20, np.float64))), Unreadable),
    "another order": (_array("shift", npy(np.asfortranarray(np.ones((20, 2), np.float32)))), Unreadable),
    "time backward": (_array("time", npy(np.arange(20, 0, -1).astype(np.float32))), Unreadable),
    "no array": (_array("zoom", b"zoom"), Unreadable),
    "one array more": (_array("secret", npy(np.ones(3))), Unreadable),
    "a bomb": (_array("zoom", bytes(200 << 20)), TooLarge),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_contents(case: str, saved: Path) -> None:
    change, expected = HOSTILE[case]
    record, parts = unpacked(saved)
    change(record, parts)
    rewrite(saved, record, parts)
    tracemalloc.start()
    try:
        with pytest.raises(expected) as caught:
            load_template(saved)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.advice


def test_hostile_files(saved: Path, tmp_path: Path) -> None:
    data = saved.read_bytes()
    outer = {"motion.json": b"[" * 10_000, "motion.npz": b"x"}
    bomb = packed({"motion.json": bytes(50 << 20), "motion.npz": bytes(50 << 20)})
    lies = bytearray(data)
    lies[data.index(b"PK\x01\x02") + 24 :][:4] = b"\x10\0\0\0"
    encrypted = bytearray(data)
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    files = {
        "empty": (b"", Unreadable),
        "text": (b"hello, I am a motion", UnsupportedFormat),
        "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), UnsupportedFormat),
        "half": (data[: len(data) // 2], Unreadable),
        "no end": (data[:-10], Unreadable),
        "flipped": (data[:400] + bytes(200) + data[600:], Unreadable),
        "encrypted": (bytes(encrypted), Unreadable),
        "other archive": (packed({"word/document.xml": b"<w/>"}), UnsupportedFormat),
        "one part more": (packed({"motion.json": b"{}", "motion.npz": b"", "run.sh": b""}), UnsupportedFormat),
        "deep description": (packed(outer), Unreadable),
        "no record": (packed(outer | {"motion.json": b"[]"}), UnsupportedFormat),
        "not text": (packed(outer | {"motion.json": b"\xff\xfe\xfd"}), Unreadable),
        "lzma": (packed(outer | {"motion.json": b"{}"}, zipfile.ZIP_LZMA), Unreadable),
        "bomb": (bomb, TooLarge),
        "large": (b"PK\x03\x04" + bytes(9 << 20), TooLarge),
    }
    for name, (content, expected) in files.items():
        path = tmp_path / f"hostile{SUFFIX}"
        path.write_bytes(content)
        with pytest.raises(expected):
            load_template(path)
            pytest.fail(name)
    with pytest.raises(Unreadable, match="cannot be opened"):
        load_template(tmp_path / f"missing{SUFFIX}")
    with pytest.raises(Unreadable, match="cannot be opened"):
        load_template(tmp_path)


def test_every_cut_and_every_flip_is_told_kindly(saved: Path, tmp_path: Path) -> None:
    """A damaged file either still loads or is a typed error."""
    data, path = saved.read_bytes(), tmp_path / f"damaged{SUFFIX}"
    numbers = np.random.default_rng(1)
    damaged = [data[: int(cut)] for cut in numbers.integers(0, len(data), 60)]
    for place in numbers.integers(0, len(data), 240):
        changed = bytearray(data)
        changed[int(place)] ^= 1 << int(numbers.integers(8))
        damaged.append(bytes(changed))
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            load_template(path)
        except BadInput:
            refused += 1
    assert refused > 200


def test_titles_are_plain_text(saved: Path) -> None:
    record, parts = unpacked(saved)
    rewrite(saved, record | {"title": "a\nb\x1b[31m" + "c" * 500, "author": 7}, parts)
    back = load_template(saved)
    assert re.fullmatch(r"ab\[31mc{94}", back.title) and back.author == ""


def test_shipped_list_is_complete_and_small() -> None:
    assert shipped_names() == NAMES
    folder = REPOSITORY / "hub" / "facezoo" / "face" / "templates"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(NAMES)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 500_000
    for info in shipped_templates():
        assert info.title and info.author and info.licence and info.loop
        assert 2 <= info.seconds <= 5.1 and info.rate in (25, 30)
    with pytest.raises(UsageError, match="no motion template"):
        shipped("sneeze")


@pytest.mark.parametrize("name", NAMES)
def test_shipped_templates_loop_quietly(name: str) -> None:
    template = shipped(name)
    assert isinstance(template, Template) and template.name == name
    for motion in (template.motions[0], template.motions[-1]):
        assert np.allclose(motion.rotation, np.eye(3), atol=1e-6) and abs(motion.shift).max() < 1e-6
        assert abs(motion.expression).max() < 1e-6 and np.allclose(motion.eyes, 1) and abs(motion.gaze).max() < 1e-6
    steps = list(zip(template.motions, template.motions[1:], strict=False))
    for one, two in (steps[0], steps[-1]):
        assert abs(one.expression - two.expression).max() < 0.004 and abs(one.rotation - two.rotation).max() < 0.003
        assert abs(one.eyes - two.eyes).max() < 0.05
    assert max(abs(one.expression - two.expression).max() for one, two in steps) < 0.13
    assert max(abs(one.rotation - two.rotation).max() for one, two in steps) < 0.04
    times = [motion.time for motion in template.motions]
    assert np.allclose(np.diff(times), 1 / float(template.rate), atol=1e-4)
    assert min(motion.eyes.min() for motion in template.motions) < 0.1, "everybody blinks"


def test_the_shipped_files_are_what_the_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = REPOSITORY / "training" / "motion_templates.py"
    spec = importlib.util.spec_from_file_location("motion_templates", path)
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "motion_templates", script)
    spec.loader.exec_module(script)
    monkeypatch.setattr("sys.argv", [str(path), "--output", str(tmp_path)])
    script.main()
    assert sorted(made.stem for made in tmp_path.iterdir()) == sorted(NAMES)
    for name in NAMES:
        made = load_template(tmp_path / f"{name}{SUFFIX}")
        for one, two in zip(made.motions, shipped(name).motions, strict=True):
            assert abs(one.expression - two.expression).max() < 0.004
            assert np.allclose(one.rotation, two.rotation, atol=1e-4) and np.allclose(one.eyes, two.eyes, atol=1e-4)
