"""One hub, started as a user starts it, and one browser, for all tests of this folder."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import facezoo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("gradio", reason="the hub needs the extra facezoo[hub]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


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
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # background jobs ignore it
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(url, process, log)
        seconds = time.monotonic() - began
        yield Hub(url, process.pid, seconds, resident_megabytes(process.pid), log)
    finally:
        died = process.poll()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    assert died is None, f"the hub ended by itself with {died}: {log.read_text()}"
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


@dataclass
class Visit:
    """A page and what went wrong or out on it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Nothing left the machine, nothing broke."""
        outside = [url for url in self.requests if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
        assert outside == []
        assert self.errors == []


Visitor = Callable[..., Visit]
"""(width, height, scheme) -> Visit; all have defaults."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, before whose camera a synthetic person moves the head."""
    from facezoo.zoo.embedded import personas

    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    folder = tmp_path_factory.mktemp("chromium")
    program = _without_realtime(CHROMIUM, folder / "chromium")
    camera = _camera(personas()[0].portrait, folder / "camera.mjpeg")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=program, args=[*ARGUMENTS, f"--use-file-for-fake-video-capture={camera}"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, hub: Hub) -> Iterator[Visitor]:
    """Opens the hub as a new visitor. Pages are closed when the test ends, or they would go on asking the server."""

    def opened(width: int = 1440, height: int = 900, scheme: str = "light", **settings: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            accept_downloads=True,
            permissions=["camera"],
            **settings,
        )
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("console", lambda line: seen.errors.append(line.text) if line.type == "error" else None)
        seen.page.goto(hub.url)
        seen.page.wait_for_selector(".picker")
        return seen

    yield opened
    for context in browser.contexts:
        context.close()


def _without_realtime(chromium: str, wrapper: Path) -> str:
    """Run by root, Chromium gives its drawing threads real-time priority; on two cores they can starve the threads they
    wait for, and the whole machine. So root's Chromium runs without the right to do that."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        return chromium
    wrapper.write_text(f'#!/bin/sh\nexec {setpriv} --bounding-set=-sys_nice --inh-caps=-sys_nice {chromium} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


def _camera(portrait: Path, file: Path) -> Path:
    """A film for the camera, frame after frame as JPEG: the portrait, tilted to and fro."""
    from PIL import Image

    person = Image.open(portrait).convert("RGB").resize((480, 480))
    with file.open("wb") as film:
        for step in range(24):
            frame = Image.new("RGB", (640, 480), "gray")
            angle = 12 * (1 - abs(step - 12) / 12)
            frame.paste(person.rotate(angle, Image.Resampling.BILINEAR, fillcolor="gray"), (80, 0))
            data = io.BytesIO()
            frame.save(data, "JPEG", quality=85)
            film.write(data.getvalue())
    return file
