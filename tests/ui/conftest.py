"""One hub, started as a user starts it, for all tests of this folder."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import facezoo

pytest.importorskip("gradio", reason="the hub needs the extra facezoo[hub]")


@dataclass(frozen=True)
class Hub:
    """A running hub. log: what its process printed."""

    url: str
    pid: int
    seconds_to_first_page: float
    idle_megabytes: float
    log: Path

    def verify(self, path: Path) -> dict[str, Any]:
        """What facezoo.verify says of a file; this process and the hub share one FACEZOO_HOME."""
        return dataclasses.asdict(facezoo.verify(path))


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """`python -m facezoo.ui` on a free port of this machine."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log.txt"
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "facezoo.ui", "--port", str(port)],
            env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(url, process, log)
        seconds = time.monotonic() - began
        yield Hub(url, process.pid, seconds, resident_megabytes(process.pid), log)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    assert "Traceback" not in log.read_text(), log.read_text()
    left = sorted(path.name for path in (folder / "tmp").iterdir())
    assert left == [], f"left in the temp folder: {left}"


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process; nan where psutil is missing."""
    try:
        import psutil
    except ImportError:
        return float("nan")
    return psutil.Process(pid).memory_info().rss / 1e6


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the hub did not answer: {log.read_text()}")
