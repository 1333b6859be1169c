"""A day of a hub in public, in ten minutes: does anything grow? `python tests/ui/day.py --minutes 10`

The hub is real, in a process of its own on loopback, but its clock for files runs faster (uploads go after as many
seconds as make an hour of such a day) and a stand-in makes its results, so that thousands of visitors come and go: each
has an address of his own, opens the page, uploads a picture, gets his result, some vote. Printed: memory, open files,
threads, files and bytes in its folder, bytes of the votes, and how much of each a thousand visits add."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import linear_regression
from typing import Any

import psutil
from load import Client, Figures, probed
from PIL import Image

_ADDRESSES, _AT_A_TIME = 2000, 8
_SAMPLED_EVERY = 5.0  # seconds
_KINDS = ("memory, MB", "open files", "threads", "files", "files, MB", "votes, kB")


def hub(port: int, folder: str, pace: float) -> None:
    """Serves until it is told to leave. pace: seconds of a day in one."""
    os.environ |= {"TMPDIR": folder, "FACEZOO_HOME": f"{folder}/home", "OMP_NUM_THREADS": "1"}
    tempfile.tempdir = None
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where its log goes
    from facezoo import runner
    from facezoo.runner.record import write_down
    from facezoo.types import Sealed
    from facezoo.ui import sessions, workspace
    from facezoo.ui.public import front
    from facezoo.ui.public.serve import serve

    def stand_in(method: str, inputs: Path, *, output: Path, persona: str | None = None, **_: Any) -> Sealed:
        Image.open(inputs).save(output)
        record = {"method": method, "persona": persona, "faces": 1, "seconds": {"total": 0.0}, "output": str(output)}
        write_down(record)
        return Sealed(Path(output), {}, record)

    runner.run = stand_in
    workspace.SWEEP_EVERY = round(workspace.SWEEP_EVERY / pace)
    workspace.LIFETIME = round(workspace.LIFETIME / pace)
    sessions._KEPT = round(sessions._KEPT / pace)
    front._CALLS = "100000/minute"
    serve(port=port, rate="100000/minute")


class Visitors:
    """All of them, one after the other."""

    def __init__(self, port: int, portrait: Path) -> None:
        self.figures, self.done = Figures(), 0
        self._port, self._drawn = port, [Client(port, number, portrait, self.figures) for number in range(_AT_A_TIME)]
        _, _, config = self._drawn[0].ask("/config")
        parts = json.loads(config)["components"]
        self._game = next(each["id"] for each in parts if "vote" in (each["props"].get("server_fns") or []))

    def come(self, thread: int, ends: float) -> None:
        """One visitor after the other, until the time is over."""
        client, number = self._drawn[thread], thread
        while time.monotonic() < ends:
            number = (number + _AT_A_TIME) % _ADDRESSES
            client.address = f"127.1.{number // 200}.{number % 200 + 1}"
            client.ask("/")
            page = self._opened(client, f"day{thread}x{self.done}")
            client.ask_once(self.done)
            if self.done % 10 == 0:
                self._vote(client)
            page.close()
            with self.figures.adding:
                self.done += 1

    def _opened(self, client: Client, session: str) -> http.client.HTTPConnection:
        """The connection by which the hub knows that a page is open."""
        page = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60, source_address=(client.address, 0))
        page.request("GET", f"/gradio_api/heartbeat/{session}")
        page.getresponse().read(1)
        return page

    def _vote(self, client: Client) -> None:
        offered = self._game_says(client, "new_pair", {"session": ""})
        token = offered["html"].partition('data-token="')[2].partition('"')[0]
        if not token:  # a pair of which one does not ship
            return
        voted = self._game_says(client, "vote", {"token": token, "answer": "left"})
        assert "ranking" in voted, (offered, voted)

    def _game_says(self, client: Client, name: str, asked: dict[str, str]) -> dict[str, str]:
        call = {"component_id": self._game, "fn_name": name, "session_hash": "game", "data": asked}
        status, _, body = client.ask(
            "/gradio_api/component_server", json.dumps(call).encode(), {"Content-Type": "application/json"}
        )
        assert status == 200, body
        return json.loads(body)


def sample(process: psutil.Process, folder: Path) -> Sequence[float]:
    """As _KINDS has them."""
    sizes: list[int] = []
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append(Path(place, name).lstat().st_size)
    votes = folder / "home" / "votes.sqlite3"
    return (
        process.memory_info().rss / 1e6, process.num_fds(), process.num_threads(), len(sizes), sum(sizes) / 1e6,
        votes.stat().st_size / 1e3 if votes.exists() else 0.0,
    )  # fmt: skip


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    from facezoo.zoo.embedded import personas

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as name:
        server = multiprocessing.get_context("spawn").Process(
            target=hub, args=(port, name, 24 * 60 / minutes), daemon=True
        )
        server.start()
        ends = time.monotonic() + 120
        while probed(port, "/readyz")[0] != 200:
            assert server.is_alive() and time.monotonic() < ends, "the hub does not start"
            time.sleep(0.5)
        visitors, process = Visitors(port, personas()[0].portrait), psutil.Process(server.pid)
        ends, samples = time.monotonic() + 60 * minutes, list[tuple[int, Sequence[float]]]()
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            come = [threads.submit(visitors.come, number, ends) for number in range(_AT_A_TIME)]
            while time.monotonic() < ends and not any(each.done() for each in come):
                time.sleep(_SAMPLED_EVERY)
                samples.append((visitors.done, sample(process, Path(name))))
        server.terminate()
        server.join(90)
        for each in come:
            each.result()
    print(f"{visitors.done} visits; {dict(visitors.figures.ends)}; answers {dict(visitors.figures.statuses)}")
    late = samples[len(samples) // 2 :]
    for number, kind in enumerate(_KINDS):
        values = [each[number] for _, each in samples]
        slope = linear_regression([done for done, _ in late], [each[number] for _, each in late]).slope
        print(
            f"{kind:12} first {values[0]:8.1f}  half-way {late[0][1][number]:8.1f}  last {values[-1]:8.1f}  "
            f"of 1,000 visits in the second half {1000 * slope:+.2f}"
        )


if __name__ == "__main__":
    main()
