"""A hub in public as it is started: one process, loopback, plain HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

pytest.importorskip("limits", reason="needs the extra facezoo[public]")

from facezoo.errors import UsageError
from facezoo.ui import workspace
from facezoo.ui.public import serve as serve_module
from facezoo.ui.public.serve import PublicHub, cores

if TYPE_CHECKING:
    from tests.ui.conftest import Server

SPARE = 256 << 20


def test_cores_follow_a_containers_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(serve_module, "_QUOTA", quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert cores() == 8
    for words, expected in (("max 100000", 8), ("400000 100000", 4), ("50000 100000", 1), ("", 8)):
        quota.write_text(words)
        assert cores() == expected


def test_files_leave_some_of_the_disk_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": SPARE + 1000}))
    assert PublicHub().limits().disk_bytes == 1000
    monkeypatch.setattr(serve_module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 50}))
    monkeypatch.delenv("FACEZOO_DISK", raising=False)
    assert PublicHub().limits().disk_bytes == 10_000_000_000
    monkeypatch.setenv("FACEZOO_DISK", "200")
    assert PublicHub().limits().disk_bytes == 200_000_000_000
    for words in ("much", "-1", "nan"):
        monkeypatch.setenv("FACEZOO_DISK", words)
        with pytest.raises(UsageError, match="FACEZOO_DISK"):
            PublicHub().limits()


def test_uploads_go_within_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a moved clock: whenever a file came, the look for old files after it is an hour old has deleted it, also in
    the folder of a hub that was killed."""
    killed = workspace.root().with_name(f"{workspace.root().name}-killed")
    killed.mkdir()
    own, left = workspace.new_folder() / "own.png", killed / "left.png"
    for path in (own, left):
        path.write_bytes(b"x")
    came = time.time()
    for minutes in range(0, 3600 + workspace.SWEEP_EVERY, workspace.SWEEP_EVERY):
        there = [path.exists() for path in (own, left)]
        if minutes < workspace.LIFETIME:
            assert all(there), f"gone after {minutes} s"
        monkeypatch.setattr(time, "time", lambda after=minutes: came + after + 1)
        workspace.sweep_all()
        if minutes >= 3600:
            break
    assert not own.exists()
    assert not left.exists()
    assert workspace.LIFETIME + workspace.SWEEP_EVERY <= 3600
    monkeypatch.undo()
    killed.rmdir()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """It is ready, and stays so until the last test, which ends it."""
    pytest.importorskip("gradio")
    from tests.ui.conftest import Server

    command = ["-m", "facezoo.ui", "--public", "--port", "PORT", "--methods", "landmark_warp", "--rate", "8/minute"]
    server = Server(command, tmp_path_factory.mktemp("public"), {**os.environ, "FACEZOO_PROXIES": "127.0.0.1"})
    server.start()
    assert server.process is not None
    try:
        until(lambda: ask(server, "/readyz")[0] == 200)
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def until(come: Callable[[], bool]) -> None:
    """Waits for it, for a minute at most."""
    ends = time.monotonic() + 60
    while not come():
        assert time.monotonic() < ends
        time.sleep(0.02)


def ask(server: Server, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    from tests.ui.test_security import ask as asked

    return asked(server.url, path, body, **headers)


def run_once(server: Server, picture: Path, client: str, **values: Any) -> str:
    """What the named endpoint answers to this client, an address behind a trusted proxy."""
    boundary = b'--x\r\nContent-Disposition: form-data; name="files"; filename="aunt_mathilda.jpg"\r\n\r\n'
    form, kind = boundary + picture.read_bytes() + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"
    status, _, body = ask(server, "/gradio_api/upload", form, Content_Type=kind, X_Forwarded_For=client)
    assert status == 200, body
    image = {"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}}
    status, headers, body = ask(
        server, "/gradio_api/call/v2/landmark_warp", {"image": image, **values}, X_Forwarded_For=client
    )
    if status != 200:
        return f"{status} {headers.get('retry-after', '')}"
    path = f"/gradio_api/call/landmark_warp/{json.loads(body)['event_id']}"
    return ask(server, path, X_Forwarded_For=client)[2].decode()


@pytest.mark.slow
def test_rates_errors_figures_and_log(public: Server, stranger: Path, landscape: Path) -> None:
    assert ask(public, "/healthz")[0] == ask(public, "/readyz")[0] == 200
    assert "event: complete" in run_once(public, stranger, "198.51.100.1", consent=True)
    refused = run_once(public, stranger, "198.51.100.1")
    assert "consent" in refused
    broken = run_once(public, Path(__file__), "198.51.100.1", consent=True)
    faceless = run_once(public, landscape, "198.51.100.1", consent=True)
    stolen = ask(public, "/gradio_api/file=/etc/passwd")[2].decode()
    paths = [str(Path(sys.prefix)), str(Path(__file__).parents[3]), "site-packages", "Traceback"]
    for told in (refused, broken, faceless, stolen):
        assert not [path for path in paths if path in told], told
    answers = [run_once(public, landscape, "198.51.100.1") for _ in range(5)]
    assert answers[-1].startswith("429 ")
    assert 1 <= int(answers[-1].split()[1]) <= 60
    assert "consent" in run_once(public, landscape, "198.51.100.2")
    assert ask(public, "/metrics", X_Forwarded_For="198.51.100.1")[0] == 404
    figures = ask(public, "/metrics")[2].decode()
    assert 'facezoo_results_total{method="landmark_warp"} 2.0' in figures  # its own first one, and that of the visitor
    for line in ('refusals_total{why="ConsentRequired"}', 'refusals_total{why="429"}', "queue_waiting 0.0"):
        assert f"facezoo_{line}" in figures
    log = public.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"request", "made", "ended"} <= {line["event"] for line in lines}
    for secret in ("mathilda", "198.51.100", "passwd", "Traceback"):
        assert secret not in log


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    """The command names the extra."""
    code = (
        "import importlib.util as u, sys\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'limits' else find(name, *rest)\n"
        "from facezoo.cli.app import execute\nsys.exit(execute(['demo', '--public']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "pip install 'facezoo[hub,public]'" in done.stderr


@pytest.mark.slow
def test_the_next_one_is_served_whoever_hangs(public: Server, portrait: Path) -> None:
    """Forty clients begin an upload and send no more of it, twenty ask for the page and never read it, and decoders
    are killed: a result comes within 15 s all the same."""
    assert public.process is not None
    port = int(public.url.rstrip("/").rpartition(":")[2])
    hanging = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
    head = f"Host: 127.0.0.1:{port}\r\nX-Forwarded-For: 198.51.100.7"
    for number, connection in enumerate(hanging):
        if number < 20:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(f"GET / HTTP/1.1\r\n{head}\r\n\r\n".encode() * 8)
        else:
            kind = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000"
            connection.sendall(f"POST /gradio_api/upload HTTP/1.1\r\n{head}\r\n{kind}\r\n\r\n--x\r\n".encode())
    decoders = [each for each in psutil.Process(public.process.pid).children() if "-I" in each.cmdline()]
    assert decoders
    for decoder in decoders:
        decoder.kill()
    began = time.monotonic()
    assert "event: complete" in run_once(public, portrait, "198.51.100.4", consent=True)
    assert time.monotonic() - began < 15
    assert ask(public, "/readyz")[0] == 200
    for connection in hanging:
        connection.close()


@pytest.mark.slow
def test_it_leaves_when_its_work_is_done(public: Server, portrait: Path) -> None:
    """A job that was begun when SIGTERM came is finished; what comes after is told to come again."""
    told: list[str] = []
    work = threading.Thread(target=lambda: told.append(run_once(public, portrait, "198.51.100.3", consent=True)))
    work.start()
    until(lambda: b"queue_at_work 1.0" in ask(public, "/metrics")[2] or not work.is_alive())
    assert public.process is not None
    public.process.send_signal(signal.SIGTERM)
    until(lambda: ask(public, "/readyz")[0] != 200)
    status, headers, _ = ask(public, "/gradio_api/queue/join", {})
    assert (status, headers["retry-after"]) == (503, "10")
    work.join(30)
    assert "event: complete" in told[0]
    assert public.process.wait(30) == 0
    assert list((public.folder / "tmp").iterdir()) == []
