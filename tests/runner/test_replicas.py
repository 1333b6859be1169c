"""Replicas on Ray Serve, two of them on this machine: `make ray` installs Ray and runs these."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs the extra facezoo[ray]")

import psutil

import facezoo
from facezoo import runner
from facezoo.errors import Cancelled, ConsentRequired
from facezoo.runner.replicas import AGAIN, replicas

pytestmark = [pytest.mark.slow, pytest.mark.ray]


@pytest.fixture(scope="module", autouse=True)
def two() -> Iterator[None]:
    with replicas(2):
        yield


def workers() -> list[int]:
    """Process ids of the replicas."""
    own = psutil.Process().children(recursive=True)
    return sorted(each.pid for each in own if each.is_running() and "ServeReplica" in " ".join(each.cmdline()))


def test_every_visitor_gets_his_own(tmp_path: Path) -> None:
    """Eight at once: no result is another's, both replicas work, and one file has one record."""
    people = [each.id for each in facezoo.personas()] * 2

    def one(number: int) -> facezoo.Sealed:
        output = tmp_path / f"{number}.png"
        portrait = facezoo.personas()[number % 3].portrait
        return runner.run("landmark_warp", portrait, persona=people[number], output=output)

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(one, range(8)))
    for number, sealed in enumerate(made):
        assert sealed.path == tmp_path / f"{number}.png"
        assert sealed.record["persona"] == people[number]
        assert facezoo.verify(sealed.path).c2pa == "trusted"


def test_a_comparison_comes_piece_by_piece(portrait: Path, tmp_path: Path) -> None:
    told: list[str] = []
    made = runner.compare(
        portrait, persona="orla", methods=["landmark_warp", "deepfakes"], output=tmp_path / "new",
        on_result=lambda name, _: told.append(name),
    )  # fmt: skip
    assert told == ["landmark_warp", "deepfakes"]
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"landmark_warp.png", "deepfakes.png", "grid.png"}
    assert made.failures == {}


def test_consent_is_asked_for_there_too(portrait: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.open(portrait).save(tmp_path / "stranger.png")
    with pytest.raises(ConsentRequired):
        runner.run("landmark_warp", tmp_path / "stranger.png", output=tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def film(output: Path, stages: list[str], reached: threading.Event) -> facezoo.Sealed:
    """Several seconds of work."""

    def progress(stage: str, fraction: float) -> None:
        stages.append(stage)
        if stage == "method" and fraction > 0:
            reached.set()

    portrait = facezoo.personas()[0].portrait
    return runner.run("motion_transfer", portrait, driving="talk", output=output, progress=progress)


def busiest() -> int:
    """The replica that has worked within the last moment."""
    before = {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in workers()}
    time.sleep(0.3)
    return max(before, key=lambda pid: sum(psutil.Process(pid).cpu_times()[:2]) - before[pid])


def test_a_replica_that_dies_is_made_good(tmp_path: Path) -> None:
    """Its work is begun anew by another one, once, and whoever waits is told."""
    stages: list[str] = []
    reached = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(film, tmp_path / "film.mp4", stages, reached)
        assert reached.wait(120)
        os.kill(busiest(), signal.SIGKILL)
        killed = time.monotonic()
        sealed = answer.result(240)
    assert stages.count(AGAIN) == 1
    assert facezoo.verify(sealed.path).c2pa == "trusted"
    while len(workers()) < 2:
        assert time.monotonic() - killed < 120, "no new replica came"
        time.sleep(0.5)
    assert runner.run("landmark_warp", facezoo.personas()[0].portrait, output=tmp_path / "next.png").path.is_file()


def test_stopping_frees_the_replica(tmp_path: Path) -> None:
    """The next two pieces of work begin at once on both."""

    def stop(stage: str, fraction: float) -> None:
        if stage == "method" and fraction > 0:
            raise Cancelled("Stopped.")

    portrait = facezoo.personas()[0].portrait
    with pytest.raises(Cancelled):
        runner.run("motion_transfer", portrait, driving="talk", output=tmp_path / "film.mp4", progress=stop)
    assert list(tmp_path.iterdir()) == []
    began = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        list(
            threads.map(lambda name: runner.run("landmark_warp", portrait, output=tmp_path / name), ("a.png", "b.png"))
        )
    assert time.monotonic() - began < 15
