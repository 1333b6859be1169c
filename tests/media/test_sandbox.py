"""The decoding process: used again and again, replaced when it dies, bounded, and gone when its parent is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import psutil
import pytest

from facezoo.errors import TooLarge, Unreadable
from facezoo.media import _sandbox
from facezoo.media.read import LIMITS, open_clip, read_photo
from facezoo.types import Image


@pytest.fixture
def picture(tmp_path: Path, chart: Image) -> Path:
    path = tmp_path / "chart.png"
    PIL.Image.fromarray(chart).save(path)
    return path


def test_one_process_for_many_pictures(picture: Path) -> None:
    os.kill(_sandbox.worker_pid(), signal.SIGKILL)  # one that earlier tests used may be due for replacement
    read_photo(picture)
    first = _sandbox.worker_pid()
    for _ in range(30):
        read_photo(picture)
    assert _sandbox.worker_pid() == first


def test_killed_worker_is_replaced(picture: Path, chart: Image) -> None:
    read_photo(picture)
    first = _sandbox.worker_pid()
    os.kill(first, signal.SIGKILL)
    assert np.array_equal(read_photo(picture), chart)
    assert _sandbox.worker_pid() != first


def test_worker_that_hangs_is_ended(picture: Path, chart: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = _sandbox.worker_pid()
    monkeypatch.setattr(_sandbox, "LIMITS", replace(LIMITS, wall_seconds=0.4))
    os.kill(stuck, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(TooLarge, match="too long"):
        read_photo(picture)
    assert time.monotonic() - start < 3
    monkeypatch.undo()
    assert not psutil.pid_exists(stuck)
    assert np.array_equal(read_photo(picture), chart)


def test_processor_time_is_bounded(tmp_path: Path, picture: Path) -> None:
    bomb = tmp_path / "scans.jpg"
    bomb.write_bytes(scan_bomb(bomb))
    start = time.monotonic()
    with pytest.raises(TooLarge, match="too long"):
        read_photo(bomb)
    assert time.monotonic() - start < LIMITS.wall_seconds + 1
    assert read_photo(picture).shape == (96, 128, 3)


def test_bounds_are_set_and_light(picture: Path) -> None:
    read_photo(picture)
    worker = psutil.Process(_sandbox.worker_pid())
    limits = Path(f"/proc/{worker.pid}/limits").read_text()
    rows = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()}
    assert rows["Max address space"] == str(LIMITS.memory)
    assert rows["Max file size"] == "0"
    assert rows["Max core file size"] == "0"
    assert int(rows["Max cpu time"]) < sum(worker.cpu_times()[:2]) + LIMITS.cpu_seconds + 2
    maps = Path(f"/proc/{worker.pid}/maps").read_text()
    assert not [name for name in ("torch", "cv2", "/av/", "litert", "onnxruntime") if name in maps]
    assert worker.memory_info().rss < 120 * 1024**2


def test_memory_comes_back_after_a_large_picture(tmp_path: Path, picture: Path) -> None:
    PIL.Image.new("RGB", (7000, 5000), (9, 99, 200)).save(tmp_path / "large.jpg")
    read_photo(tmp_path / "large.jpg")
    read_photo(picture)
    assert psutil.Process(_sandbox.worker_pid()).memory_info().rss < 160 * 1024**2


def test_a_film_needs_no_more_memory_the_longer_it_is(tmp_path: Path, film: Callable[..., Path]) -> None:
    def after(count: int) -> int:
        path = film(tmp_path / f"{count}.mp4", count, size=(720, 1280), options={})
        assert sum(1 for _ in open_clip(path).frames()) == count
        return psutil.Process(_sandbox._Spares.idle["video"].pid).memory_info().rss

    short, long = after(10), after(150)
    assert long - short < 60 * 1024**2  # a frame is 1.4 MB


def test_many_threads_share_it(tmp_path: Path) -> None:
    paths = []
    for number in range(8):
        paths.append(tmp_path / f"{number}.png")
        PIL.Image.new("RGB", (64 + number, 80), (number * 30, 9, 9)).save(paths[-1])
    with ThreadPoolExecutor(8) as pool:
        photos = list(pool.map(read_photo, paths * 5))
    for index, photo in enumerate(photos):
        number = index % 8
        assert photo.shape == (80, 64 + number, 3)
        assert (photo == (number * 30, 9, 9)).all()


def test_it_ends_with_its_parent(picture: Path) -> None:
    script = (
        "import os, sys; from facezoo.media import _sandbox, read; read.read_photo(sys.argv[1]);"
        "print(_sandbox.worker_pid(), flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(picture)], capture_output=True, text=True, check=False)
    worker = int(done.stdout)
    deadline = time.monotonic() + 5
    while _running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _running(worker)


def test_forked_child_has_its_own(picture: Path) -> None:
    script = """
import os, sys
from facezoo.media import read
from facezoo.media import _sandbox
before = read.read_photo(sys.argv[1])
mine = _sandbox.worker_pid()
child = os.fork()
if child == 0:
    same = (read.read_photo(sys.argv[1]) == before).all() and _sandbox.worker_pid() != mine
    _sandbox._Keeper.end()
    os._exit(0 if same else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert (read.read_photo(sys.argv[1]) == before).all() and _sandbox.worker_pid() == mine
"""
    subprocess.run([sys.executable, "-c", script, str(picture)], check=True, timeout=60)


def test_clip_decoder_that_dies_is_a_typed_error(tmp_path: Path, film: Callable[..., Path]) -> None:
    clip = open_clip(film(tmp_path / "a.mp4", 120, size=(480, 640)))
    frames = clip.frames()
    next(frames)
    for child in psutil.Process().children():  # a hub that other tests look at may be among them
        if any("facezoo.media._worker" in word for word in child.cmdline()):
            child.kill()
    with pytest.raises(Unreadable, match="damaged"):
        list(frames)
    assert len(list(clip.frames())) == 120, "the next walk has a decoder of its own"


def _running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def scan_bomb(path: Path) -> bytes:
    """A progressive JPEG of 39 megapixels that says its last scan a thousand times over: few bytes, much work."""
    PIL.Image.new("RGB", (7800, 5000), (120, 60, 30)).save(path, progressive=True, quality=20)
    data = path.read_bytes()
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    return data[:-2] + scan * min(1000, (LIMITS.image_bytes - len(data)) // len(scan) - 1) + data[-2:]
