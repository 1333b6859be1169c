"""Faces being gathered: a thread for each side of a project, which goes on when its page is closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from facezoo.errors import Cancelled, UsageError
from facezoo.types import Progress
from facezoo.ui.jobs import Failure, explain

__all__ = ["EXAMPLE", "Gathering", "begin", "forget", "gathering"]

EXAMPLE = "example"
"""The side under which both sides of the synthetic pair are gathered."""
_ENOUGH = 0.05  # of the work: before that its speed is not known
_turn = threading.Lock()  # one gathering at a time: more would only share the same cores


class Gathering:
    """`work` in a thread. words, fraction in [0, 1]: where it is. problem: why it ended; None when all went well."""

    def __init__(self, work: Callable[[Progress], object]) -> None:
        self.words = "Waiting for the pictures of another visitor"
        self.fraction = 0.0
        self.problem: Failure | None = None
        self._began = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name="facezoo-gather", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None while that is not known."""
        spent = time.monotonic() - self._began
        if not self._began or self.fraction < _ENOUGH or spent < 1:
            return None
        return spent / self.fraction * (1 - self.fraction)

    def stop(self) -> None:
        """Ends it at its next step. Faces that were found are kept."""
        self._stopped.set()

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def _run(self, work: Callable[[Progress], object]) -> None:
        try:
            while not _turn.acquire(timeout=1):
                self._progress(self.words, 0.0)
            try:
                self._began, self.words = time.monotonic(), "Reading"
                work(self._progress)
            finally:
                _turn.release()
        except Cancelled:
            self.problem = Failure("stopped", "Stopped.", "The faces found so far are kept.")
        except Exception as error:
            self.problem = explain(error)

    def _progress(self, stage: str, fraction: float) -> None:
        if self._stopped.is_set():
            raise Cancelled("Stopped.")
        self.words, self.fraction = _WORDS.get(stage, stage), fraction


_WORDS = {"read": "Reading", "faces": "Finding faces", "sort": "Sorting out blurred and repeated ones"}
_known: dict[tuple[str, str], Gathering] = {}


def begin(project: str, side: str, work: Callable[[Progress], object]) -> None:
    """Starts `work` for this side of a project. Raises UsageError while something is gathered there already."""
    now = _known.get((project, side))
    if now is not None and now.busy:
        raise UsageError("Faces of the files before are still being gathered.", "Add these when that is done.")
    _known[project, side] = Gathering(work)


def gathering(project: str, side: str) -> Gathering | None:
    """What is, or was last, gathered for this side."""
    return _known.get((project, side))


def forget(project: str) -> None:
    """Stops whatever is gathered for a project and waits for its end."""
    for key in [key for key in _known if key[0] == project]:
        now = _known.pop(key)
        now.stop()
        now.wait()
