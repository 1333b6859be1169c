"""Seconds and progress of the stages of a piece of work."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from facezoo.types import Progress

__all__ = ["Stopwatch"]


class Stopwatch:
    """Exclusive seconds of each stage: entering one stage pauses the stage around it.

    progress is told of every entry, with `prefix`: before the stage's name when one is given, and may raise Cancelled.
    """

    def __init__(self, progress: Progress | None, prefix: str = "") -> None:
        self._progress = progress
        self._prefix = prefix
        self._running: list[str] = []
        self._since = time.perf_counter()
        self.seconds: dict[str, float] = dict.fromkeys(("read", "detect", "method", "blend", "seal"), 0.0)

    @contextmanager
    def stage(self, name: str, fraction: float = 0.0, *, quiet: bool = False) -> Generator[None]:
        """Everything inside counts for this stage; fraction in [0, 1] is how much of it was done before. quiet:
        progress is not told."""
        self._lap()
        self._running.append(name)
        if not quiet:
            self.tell(name, fraction)
        try:
            yield
        finally:
            self._lap()
            self._running.pop()

    def tell(self, name: str, fraction: float) -> None:
        """Report progress without counting time for it."""
        if self._progress:
            self._progress(f"{self._prefix}:{name}" if self._prefix else name, min(1.0, fraction))

    def _lap(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now
