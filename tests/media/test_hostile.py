"""The hostile corpus: right verdicts, typed errors with advice, bounded time and memory, nothing left behind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from facezoo.errors import BadInput
from facezoo.media.read import open_clip, read_photo

SECONDS = 10
MEMORY = 1.5 * 1024**3
ACCEPT = {"accept", "accept-first-frame"}
OTHERS = {"repo-id", "checkpoint"}
"""Kinds that are no pictures: whatever another part of facezoo does with them, media must refuse them."""


@dataclass
class Outcome:
    file: str
    wanted: str
    got: str
    seconds: float
    says: str

    @property
    def right(self) -> bool:
        if self.seconds >= SECONDS or not self.got:
            return False
        return {"accept": self.got == "accept", "reject": self.got == "reject"}.get(self.wanted, True)


def test_every_verdict(shared: Path, empty_temp: Path) -> None:
    folder = shared / "hostile"
    items = json.loads((folder / "manifest.json").read_text())["items"]
    assert len(items) > 100
    with peak_memory() as peak:
        outcomes = [judge(folder / item["file"], wanted(item)) for item in items]
    wrong = [outcome for outcome in outcomes if not outcome.right]
    assert not wrong, table(wrong)
    assert peak[0] < MEMORY, f"{peak[0] / 1024**2:.0f} MB"


def test_turned_photos_look_alike(shared: Path) -> None:
    upright = read_photo(shared / "hostile" / "exif_orient_3.jpg").astype(int)
    for name in ("exif_orient_5.jpg", "exif_orient_7.jpg", "exif_orient_8.jpg", "exif_orient_6.png"):
        assert np.abs(read_photo(shared / "hostile" / name) - upright).mean() < 4, name


def wanted(item: dict[str, str]) -> str:
    """The strict verdict on a file, as far as reading goes; "any" where the corpus leaves it open."""
    if item["kind"] in OTHERS:
        return "reject"
    if item["expected"] in ACCEPT or item["expected"] in ("reject-noface", "accept-or-noface"):
        return "accept"
    return "reject" if item["expected"] == "reject" else "any"


def judge(path: Path, verdict: str) -> Outcome:
    """Open a file and walk through it."""
    start = time.monotonic()
    try:
        clip = open_clip(path)
        shown = 0
        for frame in clip.frames():
            assert frame.image.shape == (clip.height, clip.width, 3)
            assert frame.image.dtype == np.uint8
            shown += 1
        got, says = "accept", f"{clip.kind} {clip.width} x {clip.height}, {shown} frames"
    except BadInput as error:
        got, says = ("reject" if error.message and error.advice else ""), str(error).replace("\n", " ")
    except Exception as error:  # any other is a crash
        got, says = "", repr(error)
    return Outcome(path.name, verdict, got, time.monotonic() - start, says)


def table(outcomes: list[Outcome]) -> str:
    rows = [f"{o.file:50} wanted {o.wanted:7} got {o.got or 'CRASH':7} {o.seconds:5.1f} s  {o.says}" for o in outcomes]
    return "\n" + "\n".join(rows)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Watches how much the resident memory of this process grows, and that of its decoders."""
    peak, done = [0], threading.Event()
    me = psutil.Process()
    before = me.memory_info().rss

    def watch() -> None:
        while not done.wait(0.03):
            total = me.memory_info().rss - before
            for child in me.children():  # a hub that other tests look at may be among them
                try:
                    decodes = any("facezoo.media._worker" in word for word in child.cmdline())
                    total += child.memory_info().rss if decodes else 0
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
