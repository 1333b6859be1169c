"""What one client can do to another: `python tests/ui/flood.py`. A hub of its own on loopback, never another one.

A flooding client at 127.0.0.1 opens and closes 1,000 heartbeats, joins 500 jobs, makes 200 projects and asks for 50
live pictures. A second one at 127.0.0.2 asks a small question all the while. Printed: its worst wait in each of them,
how often the first was refused, the hub's memory, and what lies in its folders in the end. `--small` does a tenth."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

FLOODER, OTHER = "127.0.0.1", "127.0.0.2"
_JSON = {"Content-Type": "application/json"}


@dataclass
class Figures:
    """What was measured. worst: seconds, by kind of flood. answers: HTTP statuses of the flooder, by kind. idle, after:
    resident bytes. files: bytes in the hub's folders."""

    worst: dict[str, float] = field(default_factory=dict[str, float])
    answers: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    idle: int = 0
    after: int = 0
    files: int = 0


def ask(port: int, path: str, body: Any = None, *, client: str = FLOODER, timeout: float = 120) -> tuple[int, bytes]:
    """One request from an address of this machine; status 0 when there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout, source_address=(client, 0))
    try:
        sent = None if body is None else json.dumps(body).encode()
        connection.request("GET" if sent is None else "POST", path, sent, {} if sent is None else _JSON)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def heartbeat(port: int, number: int) -> int:
    """A page that is opened and closed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", f"/gradio_api/heartbeat/flood{number}")
        answer = connection.getresponse()
        answer.read(1)
        return answer.status
    except OSError:
        return 0
    finally:
        connection.close()


def floods(port: int, share: float) -> dict[str, Callable[[], list[int]]]:
    """Name -> what makes it, which gives the statuses that came back. share: of the full numbers."""
    config: dict[str, Any] = json.loads(ask(port, "/config")[1])
    train = next(each["id"] for each in config["components"] if "ask" in str(each["props"].get("server_fns")))
    kinds = {each["id"]: each["props"].get("elem_classes") or [] for each in config["components"]}
    begin = next(
        each["id"]
        for each in config["dependencies"]
        if each["targets"][0][1] == "opened" and [kinds[id] for id in each["inputs"]] == [["puppet-stage"]]
    )
    cheap = next(each for each in config["dependencies"] if each["targets"][0][1] == "copied")

    def many(count: int, one: Callable[[int], int]) -> Callable[[], list[int]]:
        def run() -> list[int]:
            with ThreadPoolExecutor(32) as workers:
                return list(workers.map(one, range(max(1, round(count * share)))))

        return run

    def join(number: int) -> int:
        call = {"data": [{"method": "landmark_warp"}], "fn_index": cheap["id"], "session_hash": f"join{number % 100}"}
        return ask(port, "/gradio_api/queue/join", call)[0]

    def project(number: int) -> int:
        question = {"what": "add", "side": "a", "uploads": [], "consent": True}
        call = {"component_id": train, "fn_name": "ask", "session_hash": f"train{number % 50}", "data": question}
        return ask(port, "/gradio_api/component_server", call)[0]

    def live(number: int) -> int:
        person = {"person": "imani", "posture": {}}
        call = {"data": [person], "fn_index": begin, "session_hash": f"live{number}"}
        return ask(port, "/gradio_api/queue/join", call)[0]

    return {
        "1,000 heartbeats": many(1000, lambda number: heartbeat(port, number)),
        "500 joins": many(500, join),
        "200 projects": many(200, project),
        "50 live places": many(50, live),
    }


def worst_wait(port: int, flood: Callable[[], list[int]]) -> tuple[float, list[int]]:
    """The longest answer that the other client waited for while the flood went on and 3 s after, and the flooder's."""
    statuses: list[int] = []
    at_work = threading.Thread(target=lambda: statuses.extend(flood()))
    at_work.start()
    worst, ends = 0.0, 0.0
    while at_work.is_alive() or time.monotonic() < ends:
        if at_work.is_alive():
            ends = time.monotonic() + 3
        began = time.monotonic()
        status, _ = ask(port, "/gradio_api/queue/status", client=OTHER)
        worst = max(worst, time.monotonic() - began)
        assert status == 200, f"the other client was answered {status}"
        time.sleep(0.05)
    at_work.join()
    return worst, statuses


def measure(port: int, pid: int, folder: Path, share: float, rest: float) -> Figures:
    """All floods, one after the other, after one of each has made the hub load what it needs. rest: seconds between the
    last one and the look at the memory."""
    process, found = psutil.Process(pid), Figures()
    for flood in floods(port, 0).values():
        flood()
    time.sleep(20)
    found.idle = process.memory_info().rss
    for name, flood in floods(port, share).items():
        found.worst[name], statuses = worst_wait(port, flood)
        found.answers[name] = dict(Counter(statuses))
    time.sleep(rest)
    found.after = process.memory_info().rss
    found.files = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return found


@contextmanager
def hub(folder: Path) -> Generator[tuple[int, int]]:
    """(port, process id) of a hub whose folders lie in this one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = os.environ | {"TMPDIR": str(folder), "FACEZOO_HOME": str(folder / "home")}
    server = subprocess.Popen([sys.executable, "-m", "facezoo.ui", "--port", str(port)], env=environment,
                              stdout=subprocess.DEVNULL, stderr=(folder / "log.txt").open("w"))  # fmt: skip
    try:
        while ask(port, "/")[0] != 200:
            assert server.poll() is None, (folder / "log.txt").read_text()
            time.sleep(0.5)
        time.sleep(10)  # until it has imported what the first click needs
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    with tempfile.TemporaryDirectory() as name, hub(Path(name)) as (port, pid):
        found = measure(port, pid, Path(name), 0.1 if small else 1.0, 5 if small else 60)
    for kind, seconds in found.worst.items():
        print(
            f"{kind:17} worst wait of the other client {seconds:6.2f} s; answers to the flooder {found.answers[kind]}"
        )
    before, after = found.idle / 1e6, found.after / 1e6
    print(f"memory {before:.0f} MB before, {after:.0f} MB after; files {found.files / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
