"""Motion templates: what is saved comes back, what strangers send is checked, what ships loops."""

from __future__ import annotations

import importlib.util
import json
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

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
FORMAT = "facezoo-motion"
Arrays = dict[str, np.ndarray]


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


def unpacked(path: Path) -> tuple[dict[str, Any], Arrays]:
    """What a file says of itself, and its arrays."""
    data = path.read_bytes()
    return json.loads(_header(data)["__metadata__"][FORMAT]), load(data)


def rewrite(path: Path, record: object, arrays: Arrays) -> None:
    path.write_bytes(save(arrays, {FORMAT: json.dumps(record)}))


def _header(data: bytes) -> dict[str, Any]:
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def _forged(data: bytes, **changes: Any) -> bytes:
    """The file with other claims about its array `zoom`."""
    header = _header(data)
    header["zoom"] |= changes
    return _with_header(json.dumps(header).encode(), data)


def _with_header(header: bytes, data: bytes = bytes(8)) -> bytes:
    return len(header).to_bytes(8, "little") + header + data[8 + int.from_bytes(data[:8], "little") :]


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
    record, arrays = unpacked(saved)
    arrays["zoom"] = np.full(20, 1e6, np.float32)
    arrays["weights"] = np.full_like(arrays["weights"], 1e30)
    arrays["rotation"] = np.full((20, 3), -1e20, np.float32)
    rewrite(saved, record, arrays)
    for motion in load_template(saved).motions:
        assert motion.zoom == 2 and abs(motion.expression).max() <= 0.8
        assert np.allclose(motion.rotation @ motion.rotation.T, np.eye(3), atol=1e-5)


def _changed(key: str, value: object) -> Callable[[dict[str, Any], Arrays], None]:
    return lambda record, arrays: record.update({key: value})


def _array(name: str, array: np.ndarray) -> Callable[[dict[str, Any], Arrays], None]:
    return lambda record, arrays: arrays.update({name: array})


def _long(count: int) -> Callable[[dict[str, Any], Arrays], None]:
    return lambda record, arrays: arrays.update(
        {name: np.resize(array, (count, *array.shape[1:])) for name, array in arrays.items() if name != "components"}
    )


_NANS = np.full(20, np.nan, np.float32)
HOSTILE: dict[str, tuple[Callable[[dict[str, Any], Arrays], object], type[BadInput]]] = {
    "an earlier version": (_changed("version", 1), UnsupportedFormat),
    "a later version": (_changed("version", 3), UnsupportedFormat),
    "too many motions": (_long(1801), TooLarge),
    "no motions": (_long(0), Unreadable),
    "too many components": (_array("components", np.zeros((257, 468, 3), np.float16)), TooLarge),
    "another count": (_array("zoom", np.ones(19, np.float32)), Unreadable),
    "a number in place of an array": (_array("time", np.float32([1]).reshape(())), Unreadable),
    "a rate of nothing": (_changed("rate", [30, 0]), Unreadable),
    "a huge rate": (_changed("rate", [10**8, 1]), Unreadable),
    "a rate that is none": (_changed("rate", "fast"), Unreadable),
    "a rate of truths": (_changed("rate", [True, True]), Unreadable),
    "a name that leads elsewhere": (_changed("name", "../../etc/passwd"), Unreadable),
    "a name that is none": (_changed("name", ["one"]), Unreadable),
    "a long description": (_changed("title", "x" * 20_000), TooLarge),
    "not finite": (_array("zoom", _NANS), Unreadable),
    "not finite components": (_array("components", np.full((9, 468, 3), np.inf, np.float16)), Unreadable),
    "another kind": (_array("zoom", np.ones(20, np.float64)), Unreadable),
    "another order": (_array("shift", np.ones((2, 20), np.float32)), Unreadable),
    "time backward": (_array("time", np.arange(20, 0, -1).astype(np.float32)), Unreadable),
    "one array more": (_array("secret", np.ones(3)), Unreadable),
    "one array less": (lambda record, arrays: arrays.pop("zoom"), Unreadable),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_contents(case: str, saved: Path) -> None:
    change, expected = HOSTILE[case]
    record, arrays = unpacked(saved)
    change(record, arrays)
    rewrite(saved, record, arrays)
    tracemalloc.start()
    try:
        with pytest.raises(expected) as caught:
            load_template(saved)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.advice


def test_hostile_files(saved: Path, tmp_path: Path) -> None:
    data, (_, arrays) = saved.read_bytes(), unpacked(saved)
    begin, end = _header(data)["zoom"]["data_offsets"]
    files = {
        "empty": (b"", Unreadable),
        "text": (b"hello, I am a motion", UnsupportedFormat),
        "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), UnsupportedFormat),
        "made by an earlier version": (b"PK\3\4" + bytes(100), UnsupportedFormat),
        "half": (data[: len(data) // 2], Unreadable),
        "no end": (data[:-10], Unreadable),
        "more at the end": (data + bytes(10), Unreadable),
        "flipped": (data[:400] + bytes(200) + data[600:], Unreadable),
        "other tensors": (save(arrays), UnsupportedFormat),
        "tensors of others": (save(arrays, {"format": "pt"}), UnsupportedFormat),
        "a huge shape": (_forged(data, shape=[10**12]), Unreadable),
        "a huge product": (_forged(data, shape=[2**32, 2**32, 4]), Unreadable),
        "a negative shape": (_forged(data, shape=[-20]), Unreadable),
        "too few numbers": (_forged(data, data_offsets=[begin, end - 4]), Unreadable),
        "another's numbers": (_forged(data, data_offsets=[0, end - begin]), Unreadable),
        "numbers beyond the end": (_forged(data, data_offsets=[2**50, 2**50 + end - begin]), Unreadable),
        "objects": (_forged(data, dtype="O"), Unreadable),
        "a header of code": (_with_header(b"__import__('os').getcwd()"), UnsupportedFormat),
        "a deep header": (_with_header(b'{"a":' * 10_000), Unreadable),
        "a header without end": ((2**60).to_bytes(8, "little") + data[8:], Unreadable),
        "deep description": (save(arrays, {FORMAT: "[" * 10_000}), Unreadable),
        "no record": (save(arrays, {FORMAT: "[]"}), UnsupportedFormat),
        "not JSON": (save(arrays, {FORMAT: "motion"}), Unreadable),
        "large": (_with_header(b"{}") + bytes(9 << 20), TooLarge),
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
    """A damaged file is a typed error, or, where only a number is another one, a motion that a head can make."""
    data, path = saved.read_bytes(), tmp_path / f"damaged{SUFFIX}"
    header, numbers = 8 + int.from_bytes(data[:8], "little"), np.random.default_rng(1)
    cuts = [data[: int(cut)] for cut in numbers.integers(0, len(data), 60)]
    flips: list[bytes] = []
    for place in [*numbers.integers(0, header, 200), *numbers.integers(header, len(data), 100)]:
        changed = bytearray(data)
        changed[int(place)] ^= 1 << int(numbers.integers(8))
        flips.append(bytes(changed))
    refused: list[bytes] = []
    for content in [*cuts, *flips]:
        path.write_bytes(content)
        try:
            for motion in load_template(path).motions:
                assert np.isfinite(motion.expression).all() and abs(motion.expression).max() <= 0.8
                assert np.isfinite(motion.rotation).all() and 0.5 <= motion.zoom <= 2
        except BadInput:
            refused.append(content)
    assert refused[: len(cuts)] == cuts, "no cut file is taken for a whole one"
    assert len(refused) > len(cuts) + 100


def test_titles_are_plain_text(saved: Path) -> None:
    record, arrays = unpacked(saved)
    rewrite(saved, record | {"title": "a\nb\x1b[31m" + "c" * 500, "author": 7}, arrays)
    back = load_template(saved)
    assert re.fullmatch(r"ab\[31mc{94}", back.title) and back.author == ""


def test_shipped_list_is_complete_and_small() -> None:
    assert shipped_names() == NAMES
    folder = REPOSITORY / "hub" / "facezoo" / "motion" / "templates"
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
