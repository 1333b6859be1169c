"""`facezoo demo --public`: the hub for everybody, by the cores and the disk of this machine, until told to leave."""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facezoo.ui import workspace
from facezoo.ui.public.figures import Figures
from facezoo.ui.public.front import Front, Rate, State
from facezoo.ui.public.log import log_as_json
from facezoo.ui.public.zero import on_zero_gpu
from facezoo.ui.shares import Limits, Shares

if TYPE_CHECKING:
    import gradio as gr

    from facezoo.ui.sessions import FairQueue

__all__ = ["LIMITS", "RUNS", "PublicHub", "cores", "serve"]

RUNS = "60/minute; 600/hour"
"""How often one client may start work."""
LIMITS = Limits(open=128, waiting=6, sessions=200, upload_bytes=1 << 30)
"""What one client may take of a hub in public."""
_log = logging.getLogger("facezoo.ui.public")
_GRACE = 60.0  # seconds that work has to end when the hub is told to leave
_SPARE = 256 << 20  # bytes of the disk that stay free
_HEAPS = -8  # glibc's M_ARENA_MAX
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class PublicHub:
    """A hub for everybody. rate: how often a client may start work; raises UsageError when it is none."""

    def __init__(self, rate: str = RUNS) -> None:
        self.state, self.figures = State(), Figures()
        self._rate = Rate(rate)
        self._queue: FairQueue | None = None

    def limits(self) -> Limits:
        """Shares for this machine: files leave some of its disk free. Raises UsageError as `workspace.most`."""
        free = shutil.disk_usage(workspace.root()).free - _SPARE
        return replace(LIMITS, disk_bytes=max(0, min(workspace.most(), free)))

    def front(self, hub: gr.Blocks, shares: Shares) -> Any:
        """The middleware that stands before all others. The hub's queue is set up."""
        from starlette.middleware import Middleware

        held: Any = hub
        queue: FairQueue = held._queue
        self._queue, shares.check_rate = queue, self._rate.check
        self.figures.gauge("queue_waiting", "Jobs that wait.", lambda: len(queue))
        self.figures.gauge("queue_at_work", "Jobs that are worked on.", queue.at_work)
        self.figures.gauge("workspace_bytes", "Bytes of uploads and results.", workspace.used)
        return Middleware(Front, self.state, self.figures, shares.client, _has_room)

    def begin(self) -> None:
        """The server was started: from now on the log is JSON. Makes one picture, in a thread; then it is ready."""
        log_as_json(sys.stdout, self.figures)
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def leave(self) -> None:
        """Takes nothing new, and waits until what was begun has ended, for a minute at most."""
        self.state.leaving = True
        ends = time.monotonic() + _GRACE
        while self._queue and (len(self._queue) or self._queue.at_work()) and time.monotonic() < ends:
            time.sleep(0.2)
        time.sleep(1.0)  # for the last answer to be read

    def _warm_up(self) -> None:
        from facezoo import runner
        from facezoo.zoo.embedded import personas

        with tempfile.TemporaryDirectory() as folder:
            runner.run("landmark_warp", personas()[0].portrait, output=Path(folder) / "first.png")
        self.state.warm = True


def serve(
    methods: Sequence[str] | None = None, *, host: str = "127.0.0.1", port: int | None = None, rate: str = RUNS,
    at_once: int = 0,
) -> None:  # fmt: skip
    """Builds the hub, starts it, and returns when SIGTERM or SIGINT came and all work has ended; a second one ends it
    at once. No Train tab, which would keep faces for days.

    methods: ids to offer, all when None. port: GRADIO_SERVER_PORT when None, as on Spaces, or 7860. rate: how often a
    client may start work. at_once: runs that go on at a time, one for every two cores when 0. Raises UsageError for
    methods and rate, OSError when the port is taken."""
    at_once = at_once or max(1, cores() // 2)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // at_once)))  # before torch is imported
    from facezoo.ui.app import build, launch

    leaving = threading.Event()

    def leave(number: int, frame: object) -> None:
        if leaving.is_set():
            sys.exit(1)
        leaving.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    _give_memory_back()
    public, place = PublicHub(rate), on_zero_gpu()
    hub = build(methods, at_once=at_once, train=False)
    port = port or int(os.environ.get("GRADIO_SERVER_PORT", "7860"))
    with place:
        launch(hub, host=host, port=port, block=False, quiet=True, public=public)
        public.begin()
        _log.info("started", extra={"facts": {"host": host, "port": port, "cores": cores(), "at_once": at_once}})
        leaving.wait()
        _log.info("leaving")
        public.leave()
    hub.close(verbose=False)


def cores() -> int:
    """Processors that this process may use: of its affinity, or fewer where a container's quota says so."""
    mine = len(os.sched_getaffinity(0))
    try:
        quota, period = (int(each) for each in _QUOTA.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # no container, or one without a limit
        return mine
    return max(1, min(mine, quota // period))


def _give_memory_back() -> None:
    """Of glibc, which gives each thread a heap of its own and seldom takes it back: a hub grew with every page it sent.
    Two heaps are enough."""
    with suppress(OSError, AttributeError):  # another system, another library
        ctypes.CDLL(None).mallopt(_HEAPS, 2)


def _has_room() -> bool:
    return shutil.disk_usage(workspace.root()).free > _SPARE / 2
