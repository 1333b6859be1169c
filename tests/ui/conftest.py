"""One hub, started as a user starts it, and one browser, for all tests of this folder; more hubs for those who ask."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
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
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
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


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """What it gives. In a thread of its own: playwright's loop may be running in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(contextvars.copy_context().run, asyncio.run, work).result()


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A hub in a process of its own, which a test may stop and start again."""

    command: list[str]
    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Returns when it answers."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, *(each.replace("PORT", str(self.port)) for each in self.command)],
                env={**self.environment, "TMPDIR": str(temporary)}, stdout=output, stderr=subprocess.STDOUT,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # background jobs ignore it
            )  # fmt: skip
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(self.url, timeout=5) as answer:
                    assert answer.status == 200
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"the hub did not answer: {self.log.read_text()}")

    def stop(self) -> None:
        """As with Ctrl-C."""
        assert self.process is not None
        died = self.process.poll()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        assert died is None, f"the hub ended by itself with {died}: {self.log.read_text()}"
        assert "Traceback" not in self.log.read_text(), self.log.read_text()


Serve = Callable[..., contextlib.AbstractContextManager[Server]]
"""(command, folder, environment) -> a running hub; PORT in the command is its port."""


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Starts a hub for a test that needs one of its own."""
    return _serve


@contextlib.contextmanager
def _serve(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Iterator[Server]:
    server = Server(command, folder, environment or {**os.environ})
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Hub:
    """The hub that tests share."""

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
    began = time.monotonic()
    with _serve(["-m", "facezoo.ui", "--port", "PORT"], tmp_path_factory.mktemp("hub")) as server:
        seconds = time.monotonic() - began
        yield Hub(server.url, server.pid, seconds, resident_megabytes(server.pid), server.log)
    left = sorted(path.name for path in (server.folder / "tmp").iterdir())
    assert left == [], f"left in the temp folder: {left}"


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process; nan where psutil is missing."""
    try:
        import psutil
    except ImportError:
        return float("nan")
    return psutil.Process(pid).memory_info().rss / 1e6


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
"""(width, height, scheme) -> Visit; all have defaults. Of `meet`, the address comes first."""


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
def meet(browser: Browser) -> Iterator[Visitor]:
    """Opens an address as a new visitor. Pages are closed when the test ends, or they would go on asking the server."""

    def opened(url: str, width: int = 1440, height: int = 900, scheme: str = "light", **settings: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            accept_downloads=True,
            **settings,
        )
        context.set_default_timeout(60_000)  # ms; the machine may do something else as well
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("console", lambda line: seen.errors.append(line.text) if line.type == "error" else None)
        seen.page.goto(url)
        seen.page.locator("#first-view").wait_for(state="detached")  # what is seen until gradio has drawn the same
        return seen

    yield opened
    for context in browser.contexts:
        context.close()


@pytest.fixture
def visit(meet: Visitor, hub: Hub) -> Visitor:
    """Opens the hub that tests share as a new visitor, who has a camera."""

    def opened(*given: Any, **settings: Any) -> Visit:
        seen = meet(hub.url, *given, **{"permissions": ["camera"], **settings})
        seen.page.wait_for_selector(".picker")
        return seen

    return opened


@pytest.fixture
def stranger(portrait: Path, tmp_path: Path) -> Path:
    """The synthetic portrait saved again: other bytes, so that consent is asked as for anybody's photo."""
    path = tmp_path / "holiday.jpg"
    _rgb(portrait).save(path, quality=93)
    return path


@pytest.fixture
def two_people(portrait: Path, tmp_path: Path) -> Path:
    """The portrait twice, a larger and a smaller face."""
    one = _rgb(portrait).resize((480, 480))
    pair = one.resize((880, 480))
    pair.paste("gray", (0, 0, 880, 480))
    pair.paste(one, (0, 0))
    pair.paste(one.resize((320, 320)), (520, 100))
    path = tmp_path / "pair.png"
    pair.save(path)
    return path


def _rgb(path: Path) -> Any:
    from PIL import Image

    return Image.open(path).convert("RGB")


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
