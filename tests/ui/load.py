"""Many visitors at once: `python tests/ui/load.py --clients 50 --minutes 5`. A hub of its own, in public, on loopback.

Every client has an address of its own and a picture of a size of its own, asks for a face swap again and again, and
checks that what comes back is his: the size, the persona, the seed. Printed: results, crossed ones, refusals and the
longest wait for one, answers of 500 and above, how long the front took to say that it lives, what it and each replica
took of memory and processors. `--replicas 2` puts the work on Ray. `--rate 1.5` has so many visits a second begin at
random, however many go on, in place of clients that ask again at once. `--record run.json` keeps what
tests/ui/simulate.py needs."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import random
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
_MOST = 400  # visits at a time
_JSON = {"Content-Type": "application/json"}


@dataclass
class Figures:
    """What was measured. seconds: of results. refused: seconds until each refusal. front: of each probe. memory:
    resident bytes, once a second. statuses: of all answers. ends: how calls ended. came: when each job was sent, in
    seconds from the start. waited, worked: seconds of each job in the hub's queue. lasted: seconds of the whole. uses:
    processes by kind, see `used`."""

    seconds: list[float] = field(default_factory=list[float])
    refused: list[float] = field(default_factory=list[float])
    front: list[float] = field(default_factory=list[float])
    memory: list[int] = field(default_factory=list[int])
    statuses: Counter[int] = field(default_factory=Counter[int])
    ends: Counter[str] = field(default_factory=Counter[str])
    began: float = field(default_factory=time.monotonic)
    came: list[float] = field(default_factory=list[float])
    waited: list[float] = field(default_factory=list[float])
    worked: list[float] = field(default_factory=list[float])
    lasted: float = 0.0
    uses: dict[str, Use] = field(default_factory=dict[str, "Use"])
    adding: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Use:
    """What processes of one kind take. count: how many. memory: bytes, each shared page counted in parts. processor:
    seconds."""

    count: int = 0
    memory: int = 0
    processor: float = 0.0

    def __add__(self, other: Use) -> Use:
        return Use(self.count + other.count, self.memory + other.memory, self.processor + other.processor)


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
            self.ask_once(turn)

    def ask_once(self, turn: int) -> None:
        """Asks, and writes down how it ended."""
        end = self.once(PERSONAS[(self.number + turn) % 4], self.number * 1000 + turn, time.monotonic())
        with self.figures.adding:
            self.figures.ends[end] += 1

    def once(self, persona: str, seed: int, began: float) -> str:
        status, headers, body = self.ask("/gradio_api/upload", self.form, _PARTS)
        if status != 200:
            return self.refusal(status, headers, began)
        image = {"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}}
        call = json.dumps({"image": image, "persona": persona, "seed": seed, "consent": True}).encode()
        self.figures.came.append(time.monotonic() - self.figures.began)
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


def measure(port: int, pid: int, portrait: Path, clients: int, minutes: float, rate: float, log: Path) -> Figures:
    """All clients at once, for so long; with a rate, visits that begin by chance, of one client after the other."""
    figures, over = Figures(), threading.Event()
    visitors = [Client(port, number, portrait, figures) for number in range(clients)]
    before, told = used(pid), len(jobs(log))
    began = figures.began = time.monotonic()
    ends = began + 60 * minutes
    watcher = threading.Thread(target=watch, args=(port, pid, figures, over))
    watcher.start()
    with ThreadPoolExecutor(_MOST if rate else clients) as threads:
        if rate:
            turn, at = 0, began
            while (at := at + random.expovariate(rate)) < ends:
                time.sleep(max(0.0, at - time.monotonic()))
                turn += 1
                threads.submit(visitors[turn % clients].ask_once, turn // clients)
        else:
            list(threads.map(lambda visitor: visitor.visit(ends), visitors))
    over.set()
    watcher.join()
    figures.lasted = time.monotonic() - began
    figures.uses = {
        kind: Use(use.count, use.memory, use.processor - before.get(kind, Use()).processor)
        for kind, use in used(pid).items()
    }
    figures.waited, figures.worked = ([job[name] for job in jobs(log)[told:]] for name in ("waited", "worked"))
    return figures


def jobs(log: Path) -> list[dict[str, float]]:
    """What the hub wrote down of each run in its queue."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "job" and line["queue"] == "run"]


def used(pid: int) -> dict[str, Use]:
    """The hub's front, its decoders, replicas, and the rest of Ray."""
    found: dict[str, Use] = {}
    front = psutil.Process(pid)
    for process in [front, *front.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            named = {"ServeReplica:": "replicas", "facezoo.media": "decoders"}
            kind = next((named[each] for each in named if each in words), "Ray's own")
            kind = "front" if process == front else kind
            spent = process.cpu_times()
            use = Use(1, process.memory_full_info().pss, spent.user + spent.system)
            found[kind] = found.get(kind, Use()) + use
    return found


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--replicas", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--record", type=Path)
    given = parser.parse_args()
    from facezoo.zoo.embedded import personas

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, hub(Path(name), given.replicas) as (port, pid):
        print(f"ready {time.monotonic() - began:.1f} s after it was started")
        portrait, log = personas()[0].portrait, Path(name) / "log.txt"
        found = measure(port, pid, portrait, given.clients, given.minutes, given.rate, log)
    if given.record:
        kept = {"replicas": given.replicas or max(1, (os.cpu_count() or 1) // 2), "clients": given.clients}
        kept |= {name: getattr(found, name) for name in ("lasted", "seconds", "came", "waited", "worked")}
        kept |= {"rate": given.rate, "refused": len(found.refused), "front": found.uses["front"].processor}
        given.record.write_text(json.dumps(kept))
    show(found)


def show(found: Figures) -> None:
    """Prints the figures."""
    print(f"{len(found.seconds)} results, {len(found.seconds) / found.lasted:.2f} a second; {dict(found.ends)}")
    print(f"answers {dict(sorted(found.statuses.items()))}")
    print(f"seconds to a result: median {statistics.median(found.seconds):.1f}, longest {max(found.seconds):.1f}")
    if found.refused:
        print(f"seconds to a refusal: median {statistics.median(found.refused):.2f}, longest {max(found.refused):.2f}")
    front = sorted(found.front)
    middle, high = (1000 * front[int(len(front) * share)] for share in (0.5, 0.95))
    print(f"front: median {middle:.0f} ms, 95 % below {high:.0f} ms")
    early, late = found.memory[len(found.memory) // 5], found.memory[-1]
    print(f"memory {early / 1e6:.0f} MB after a fifth of the time, {late / 1e6:.0f} MB at the end")
    for name in ("waited", "worked"):
        all = sorted(getattr(found, name))
        print(f"in the queue, {name}: mean {statistics.mean(all):.2f} s, 95 % below {all[int(len(all) * 0.95)]:.2f} s")
    for kind, use in found.uses.items():
        spent = use.processor / len(found.seconds)
        print(f"{kind}: {use.count} processes, {use.memory / 1e6:.0f} MB, {1000 * spent:.0f} ms of processor a result")


if __name__ == "__main__":
    main()
