"""Many visitors at once: `python tests/ui/load.py --clients 50 --minutes 5`. A hub of its own, in public, on loopback.

Every client has an address of its own and a picture of a size of its own, asks for a face swap again and again, and
checks that what comes back is his: the size, the persona, the seed. Printed: results, crossed ones, refusals and the
longest wait for one, answers of 500 and above, how long the front took to say that it lives, and the hub's memory.
`--replicas 2` puts the work on Ray."""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

PERSONAS = ("imani", "joss", "orla", "tarek")
_PARTS = {"Content-Type": "multipart/form-data; boundary=x"}
_JSON = {"Content-Type": "application/json"}


@dataclass
class Figures:
    """What was measured. seconds: of results. refused: seconds until each refusal. front: of each probe. memory:
    resident bytes, once a second. statuses: of all answers. ends: how calls ended."""

    seconds: list[float] = field(default_factory=list[float])
    refused: list[float] = field(default_factory=list[float])
    front: list[float] = field(default_factory=list[float])
    memory: list[int] = field(default_factory=list[int])
    statuses: Counter[int] = field(default_factory=Counter[int])
    ends: Counter[str] = field(default_factory=Counter[str])
    adding: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """One visitor."""

    def __init__(self, port: int, number: int, portrait: Path, figures: Figures) -> None:
        self.port, self.number, self.figures = port, number, figures
        self.side = 320 + 2 * number
        self.address = f"127.0.1.{number + 1}"
        picture, data = Image.open(portrait).convert("RGB").resize((self.side, self.side)), io.BytesIO()
        picture.save(data, "JPEG", quality=90)
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="me.jpg"\r\n\r\n'
        self.form = head + data.getvalue() + b"\r\n--x--\r\n"

    def ask(self, path: str, body: bytes | None = None, kind: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300, source_address=(self.address, 0))
        try:
            connection.request("GET" if body is None else "POST", path, body, kind or {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        with self.figures.adding:
            self.figures.statuses[answer.status] += 1
        return answer.status, answer.headers, content

    def visit(self, ends: float) -> None:
        """Asks until the time is over."""
        turn = 0
        while time.monotonic() < ends:
            turn += 1
            began = time.monotonic()
            end = self.once(PERSONAS[(self.number + turn) % 4], self.number * 1000 + turn, began)
            with self.figures.adding:
                self.figures.ends[end] += 1

    def once(self, persona: str, seed: int, began: float) -> str:
        status, headers, body = self.ask("/gradio_api/upload", self.form, _PARTS)
        if status != 200:
            return self.refusal(status, headers, began)
        image = {"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}}
        call = json.dumps({"image": image, "persona": persona, "seed": seed, "consent": True}).encode()
        status, headers, body = self.ask("/gradio_api/call/v2/landmark_warp", call, _JSON)
        if status != 200:
            return self.refusal(status, headers, began)
        _, _, told = self.ask(f"/gradio_api/call/landmark_warp/{json.loads(body)['event_id']}")
        if b"event: complete" not in told:
            return "failed"
        file, record = json.loads(told.rpartition(b"data: ")[2])
        _, _, content = self.ask(f"/gradio_api/file={file['path']}")
        mine = Image.open(io.BytesIO(content)).size == (self.side, self.side)
        with self.figures.adding:
            self.figures.seconds.append(time.monotonic() - began)
        return "done" if mine and record["persona"] == persona else "CROSSED"

    def refusal(self, status: int, headers: Any, began: float) -> str:
        with self.figures.adding:
            self.figures.refused.append(time.monotonic() - began)
        again = headers.get("Retry-After")
        time.sleep(min(float(again or 1), 5.0))
        return f"refused with {status}" if again else f"refused with {status}, without Retry-After"


@contextmanager
def hub(folder: Path, replicas: int) -> Generator[tuple[int, int]]:
    """(port, process id) of a hub that is ready, and whose folders lie in this one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = ["-m", "facezoo.ui", "--public", "--port", str(port), "--replicas", str(replicas)]
    environment = os.environ | {"TMPDIR": str(folder), "FACEZOO_HOME": str(folder / "home")}
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen([sys.executable, *command], env=environment, stdout=log, stderr=log)
    try:
        while probed(port, "/readyz")[0] != 200:
            assert server.poll() is None, (folder / "log.txt").read_text()
            time.sleep(0.5)
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(90)


def probed(port: int, path: str) -> tuple[int, float]:
    """Status and seconds; status 0 when there is no answer."""
    began, connection = time.monotonic(), http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except OSError:
        status = 0
    finally:
        connection.close()
    return status, time.monotonic() - began


def watch(port: int, pid: int, figures: Figures, over: threading.Event) -> None:
    """Once a second: does the front live, and how much memory has it?"""
    process = psutil.Process(pid)
    while not over.wait(1.0):
        figures.front.append(probed(port, "/healthz")[1])
        figures.memory.append(process.memory_info().rss)


def measure(port: int, pid: int, portrait: Path, clients: int, minutes: float) -> Figures:
    """All clients at once, for so long."""
    figures, over = Figures(), threading.Event()
    visitors = [Client(port, number, portrait, figures) for number in range(clients)]
    ends = time.monotonic() + 60 * minutes
    watcher = threading.Thread(target=watch, args=(port, pid, figures, over))
    watcher.start()
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(lambda visitor: visitor.visit(ends), visitors))
    over.set()
    watcher.join()
    return figures


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--replicas", type=int, default=0)
    given = parser.parse_args()
    from facezoo.zoo.embedded import personas

    with tempfile.TemporaryDirectory() as name, hub(Path(name), given.replicas) as (port, pid):
        found = measure(port, pid, personas()[0].portrait, given.clients, given.minutes)
    print(f"{len(found.seconds)} results, {len(found.seconds) / given.minutes / 60:.2f} a second; {dict(found.ends)}")
    print(f"answers {dict(sorted(found.statuses.items()))}")
    print(f"seconds to a result: median {statistics.median(found.seconds):.1f}, longest {max(found.seconds):.1f}")
    if found.refused:
        print(f"seconds to a refusal: median {statistics.median(found.refused):.2f}, longest {max(found.refused):.2f}")
    front = sorted(found.front)
    middle, high = (1000 * front[int(len(front) * share)] for share in (0.5, 0.95))
    print(f"front: median {middle:.0f} ms, 95 % below {high:.0f} ms")
    early, late = found.memory[len(found.memory) // 5], found.memory[-1]
    print(f"memory {early / 1e6:.0f} MB after a fifth of the time, {late / 1e6:.0f} MB at the end")


if __name__ == "__main__":
    main()
