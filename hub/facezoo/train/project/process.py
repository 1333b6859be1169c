"""The training of a project: a process of its own, which outlives the page and the server that started it.

Whoever holds the lock of `.training` in the folder of all projects trains, and it names the project; the lock goes with
its process, however that ends. So one project trains at a time, and none is taken for running that is not.

    training/state.json     what the worker last told      training/preview.jpg   labelled and watermarked
    training/wish           "pause" or "finish"            training/checkpoints/  training/worker.log
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast

from facezoo.errors import Busy, FacezooError, UsageError, WeightsUnavailable
from facezoo.media.files import write_whole

__all__ = ["Process", "State", "Told"]

Status = Literal["", "running", "pausing", "paused", "finishing", "finished", "failed"]
_RETRIES = 20  # of 0.05 s: somebody may be looking whether the lock is free


@dataclass
class Told:
    """What a worker tells of itself. seconds: trained so far. losses: step and mean loss, at most 500 of them."""

    status: Status = ""
    step: int = 0
    steps_per_second: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    seconds: float = 0.0
    minutes: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class State:
    """Where a training is.

    status: "" before the first start. losses: step and mean loss, at most 500. seconds: trained so far. seconds_left:
    of the planned minutes; None when nothing runs. preview: a JPEG of four rows of faces, A, A decoded as A, A as B, B
    as B; None for none. message: what went wrong."""

    status: Status
    step: int
    steps_per_second: float
    losses: list[tuple[int, float]]
    seconds: float
    seconds_left: float | None
    minutes: float
    message: str
    preview: Path | None


class Process:
    """The training of the project in a folder. `folder.parent` is the folder of all projects."""

    def __init__(self, project: Path) -> None:
        self.project, self.folder = project, project / "training"
        self.preview, self.weights = self.folder / "preview.jpg", project / "weights"
        self._lock = project.parent / ".training"

    def start(self, minutes: float) -> None:
        """Begin, or go on from the last checkpoint, until `minutes` in total were trained.

        Raises Busy, FacezooError when Accelerate is not installed."""
        if find_spec("accelerate") is None:
            raise FacezooError("Training needs Accelerate, which is not installed.", "pip install 'facezoo[train]'")
        lock = self._take()
        told = self.told()
        holder = {"project": self.project.name, "until": time.time() + 60 * minutes - told.seconds}
        try:
            _rewrite(lock, holder)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            (self.folder / "wish").unlink(missing_ok=True)
            told.status, told.minutes, told.message = "running", minutes, ""
            self.tell(told)
            with (self.folder / "worker.log").open("ab") as log:
                worker = subprocess.Popen(
                    [sys.executable, "-m", "facezoo.train.project.worker", str(self.project)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock,), start_new_session=True,
                    env={**os.environ, "OMP_NUM_THREADS": "2"},
                )  # fmt: skip
            _rewrite(lock, holder | {"pid": worker.pid})
        finally:
            os.close(lock)  # the worker holds it now

    def wish(self, wish: Literal["pause", "finish"]) -> None:
        """Ask a running worker to save and end. One that is not running is finished if it has weights.

        Raises UsageError when there is nothing to pause, WeightsUnavailable when there is nothing to finish."""
        if self._holder():
            write_whole(self.folder / "wish", wish)
            return
        if wish == "pause":
            raise UsageError("The training is not running.", "Start it, or go on with it.")
        if not self.weights.is_dir():
            raise WeightsUnavailable("Nothing has been learned yet.", "Train for a minute at least.")
        told = self.told()
        told.status, told.message = "finished", ""
        self.tell(told)

    @property
    def wished(self) -> str:
        """What was asked of the worker: "pause", "finish" or ""."""
        try:
            return (self.folder / "wish").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def told(self) -> Told:
        """What the worker said last."""
        try:
            return Told(**json.loads((self.folder / "state.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Told()

    def tell(self, told: Told) -> None:
        """Say something to those who ask for the state."""
        write_whole(self.folder / "state.json", json.dumps(asdict(told)))

    def state(self) -> State:
        """Where the training is, whatever has happened to its process."""
        runs = bool(self._holder())
        told = self.told()
        status, message = told.status, told.message
        if runs:
            status = cast("Status", {"pause": "pausing", "finish": "finishing"}.get(self.wished, "running"))
        elif status == "running":
            status, message = "paused", "The training was interrupted. It goes on from where it was last saved."
        left = max(0.0, 60 * told.minutes - told.seconds) if status == "running" else None
        preview = self.preview if self.preview.is_file() else None
        losses = [(int(step), float(loss)) for step, loss in told.losses]
        speed = told.steps_per_second
        return State(status, told.step, speed, losses, told.seconds, left, told.minutes, message, preview)

    def end(self) -> None:
        """Ends the worker now, whatever it does. Nothing is saved."""
        while "pid" in (holder := self._holder()):
            with suppress(ProcessLookupError):
                os.kill(int(holder["pid"]), signal.SIGKILL)
            time.sleep(0.05)

    def _take(self) -> int:
        """The lock, as a file descriptor. Raises Busy."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        for _ in range(_RETRIES):
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            time.sleep(0.05)
        os.close(descriptor)
        holder = _named_in(self._lock)
        if holder.get("project") == self.project.name:
            raise UsageError("This training is running already.", "Watch it, or pause it first.")
        left = max(1, round((float(holder.get("until", time.time())) - time.time()) / 60))
        raise Busy(
            "Another training is running on this machine, and two would only slow each other down.",
            f"It is planned to take about {left} more minute{'s' if left > 1 else ''}. Try again then.",
        )

    def _holder(self) -> dict[str, Any]:
        """What the lock's file says when a worker of this project holds it, else nothing."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return {}
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return {}
        except BlockingIOError:
            holder = _named_in(self._lock)
            return holder if holder.get("project") == self.project.name else {}
        finally:
            os.close(descriptor)


def _rewrite(descriptor: int, holder: dict[str, Any]) -> None:
    data = json.dumps(holder).encode()
    os.pwrite(descriptor, data, 0)
    os.truncate(descriptor, len(data))


def _named_in(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
