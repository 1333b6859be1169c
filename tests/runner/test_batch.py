"""Folders of any size, on Ray Data: `make ray` installs Ray and runs what needs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

import facezoo
from facezoo.cli import batch
from facezoo.errors import FacezooError, UsageError
from facezoo.runner.batch import run_batch


@pytest.fixture
def photos(portrait: Path, tmp_path: Path) -> Path:
    """A folder of 12 portraits, some of them deeper, and a file that is no picture."""
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    picture = Image.open(portrait).convert("RGB")
    for number in range(12):
        place = folder / "deeper" if number % 3 == 0 else folder
        picture.resize((300 + number, 300 + number)).save(place / f"{number:02}.jpg")
    (folder / "notes.txt").write_text("no picture")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def facezoo_run(photos: Path, output: Path, *more: str) -> list[str]:
    words = ["run", "landmark_warp", str(photos), "-o", str(output), "--persona", "orla", "--consent", "--ray"]
    return [sys.executable, "-m", "facezoo", *words, *more]


def test_results_lie_as_their_files_do(photos: Path, tmp_path: Path) -> None:
    found = batch._results([photos, photos / "01.jpg"], tmp_path / "results")
    assert len(found) == 13
    assert found[photos / "deeper" / "00.jpg"] == Path("deeper/00.jpg")
    assert photos / "notes.txt" not in found


def test_what_is_no_batch(photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(photos / "01.png")
    (photos / "01.heic").write_bytes(b"")
    with pytest.raises(UsageError, match=r"both become 01\.png"):
        batch._results([photos], tmp_path / "results")
    with pytest.raises(UsageError, match="lies in"):
        batch._results([photos], photos / "results")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no picture"):
        batch._results([tmp_path / "empty"], tmp_path / "results")
    with pytest.raises(UsageError, match="is no folder"):
        batch._results([photos], photos / "notes.txt")


def test_a_folder_has_results_of_one_kind(tmp_path: Path) -> None:
    """And what is there is not made again: with everything there, Ray is not even started."""
    (tmp_path / "a.png").write_bytes(b"sealed")
    results = {tmp_path / "photos" / "a.jpg": Path("a.png")}
    assert list(run_batch("landmark_warp", results, tmp_path, {"persona": "orla"})) == []
    assert list(run_batch("landmark_warp", results, tmp_path, {"persona": "orla"})) == []
    with pytest.raises(UsageError, match="made otherwise"):
        list(run_batch("landmark_warp", results, tmp_path, {"persona": "imani"}))


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(FacezooError, match="not installed"):
        list(run_batch("landmark_warp", {tmp_path / "a.jpg": Path("a.png")}, tmp_path / "results", {}))
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["facezoo-run.json"]


@pytest.mark.slow
@pytest.mark.ray
def test_a_run_that_is_killed_goes_on(photos: Path, tmp_path: Path) -> None:
    """What was finished stays as it is, the rest is made; nothing half done is left; who failed is told."""
    pytest.importorskip("ray", reason="needs the extra facezoo[ray]")
    output = tmp_path / "results"
    killed = subprocess.Popen(facezoo_run(photos, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    while len(list(output.rglob("*.jpg"))) < 3 + len(list(output.glob(".facezoo-unfinished/**/*.jpg"))):
        assert killed.poll() is None and time.monotonic() - began < 180
        time.sleep(0.05)
    family = psutil.Process(killed.pid).children(recursive=True)
    for process in [*family, killed]:
        os.kill(process.pid, signal.SIGKILL)
    killed.wait()
    there = {path: path.stat().st_mtime_ns for path in output.rglob("*.jpg") if ".facezoo" not in str(path)}
    assert 3 <= len(there) < 12
    done = subprocess.run(facezoo_run(photos, output, "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 13 - len(there)
    (failed,) = [each for each in told if each["error"]]
    assert failed["path"].endswith("broken.jpg") and "broken.jpg" in done.stderr
    results = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.jpg"))
    expected = (path.relative_to(photos).as_posix() for path in photos.rglob("*.jpg") if path.name != "broken.jpg")
    assert results == sorted(expected)
    assert {path: path.stat().st_mtime_ns for path in there} == there
    assert facezoo.verify(output / "deeper" / "00.jpg").c2pa == "trusted"
    assert not (output / ".facezoo-unfinished").exists()
