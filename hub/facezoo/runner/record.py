"""What is kept of a piece of work: the seconds of each stage, what the seal says of the result, and the record that
`facezoo run --json` prints."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from typing import Any, Literal, TypeVar

from facezoo.safety.seal import Claim
from facezoo.types import MethodSpec, Progress, Sealed

__all__ = ["Label", "Stopwatch", "claim_of", "noted", "recorded", "write_down"]

T = TypeVar("T")

Label = Literal["small", "medium", "large"]

_WAITING = ""
_log = logging.getLogger("facezoo.runner")


class Stopwatch:
    """Exclusive seconds of each stage: entering one stage pauses the stage around it. Threads are timed apart, and what
    several spend on one stage is added up.

    progress is told of every entry, with `prefix`: before the stage's name when one is given, and may raise Cancelled.
    """

    def __init__(self, progress: Progress | None, prefix: str = "") -> None:
        self._progress = progress
        self._prefix = prefix
        self._began = time.perf_counter()
        self._thread = _Thread()
        self._adding = threading.Lock()
        self._told = ("", 0.0)
        self._seconds: dict[str, float] = dict.fromkeys(("read", "detect", "method", "blend", "seal"), 0.0)

    @property
    def seconds(self) -> dict[str, float]:
        """Stage -> seconds until now; of a stage that still runs, what the thread that asks has spent in it."""
        self._lap()
        return dict(self._seconds)

    @property
    def total(self) -> float:
        """Seconds since the beginning, by the clock on the wall. Stages that ran at once make up more than that."""
        return time.perf_counter() - self._began

    @contextmanager
    def stage(self, name: str, fraction: float = 0.0, *, quiet: bool = False) -> Generator[None]:
        """Everything inside counts for this stage; fraction in [0, 1] is how much of it was done before. quiet:
        progress is not told."""
        self._lap()
        self._thread.running.append(name)
        try:
            if not quiet:
                self.tell(name, fraction)
            yield
        finally:
            self._lap()
            self._thread.running.pop()

    def timed(self, name: str, items: Iterator[T], count: int = 0) -> Generator[T]:
        """The same items; what getting them takes counts for this stage. count: how many there will be, when progress
        is to be told."""
        done = 0
        while True:
            with self.stage(name, done / max(count, 1), quiet=not count):
                item = next(items, None)
            if item is None:
                return
            yield item
            done += 1

    def waiting(self) -> AbstractContextManager[None]:
        """What is inside counts for no stage: other threads are waited for."""
        return self.stage(_WAITING, quiet=True)

    def tell(self, name: str, fraction: float) -> None:
        """Report progress without counting time for it."""
        self._told = (name, fraction)
        if self._progress:
            self._progress(f"{self._prefix}:{name}" if self._prefix else name, min(1.0, fraction))

    def tell_again(self) -> None:
        """Report what was reported last, so that the work can be cancelled while it is waited for."""
        self.tell(*self._told)

    def _lap(self) -> None:
        now = time.perf_counter()
        mine = self._thread
        if mine.running and mine.running[-1] != _WAITING:
            with self._adding:
                self._seconds[mine.running[-1]] += now - mine.since
        mine.since = now


class _Thread(threading.local):
    """The stages that one thread is in, the innermost last, and when it was last looked at."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.since = 0.0


def _weights(spec: MethodSpec) -> dict[str, str]:
    return {"repo": spec.weights.repo, "revision": spec.weights.revision, "sha256": spec.weights.sha256}


def claim_of(
    spec: MethodSpec,
    persona: str | None,
    params: Any,
    seed: int,
    sources: tuple[str, ...],
    personas: Mapping[int, str] | None = None,
) -> Claim:
    """What the seal says. sources: sha256 of the files that went in. personas: face number -> id."""
    weights, named = _weights(spec), _named(personas)
    task = spec.task(params)
    return Claim(spec.id, spec.title, spec.year, weights, persona, asdict(params), seed, sources, task, named)


def write_down(record: Mapping[str, Any]) -> None:
    """A line of log for one result, which the figures of a hub count."""
    told = {name: record[name] for name in ("method", "faces", "seconds")}
    _log.info("made", extra={"facts": told | {"frames": record.get("frames", 1)}})


def recorded(
    sealed: Sealed,
    spec: MethodSpec,
    persona: str | None,
    faces: int,
    clock: Stopwatch,
    personas: Mapping[int, str] | None = None,
) -> Sealed:
    """The result record of `facezoo run --json`; it has "personas" only when each face was given its own."""
    seconds = {name: round(value, 4) for name, value in clock.seconds.items()}
    record = sealed.record | {
        "method": spec.id,
        "persona": persona,
        "weights": _weights(spec),
        "faces": faces,
        "seconds": seconds | {"total": round(clock.total, 4)},
    }
    write_down(record)
    named = _named(personas)
    return replace(sealed, record=record if named is None else record | {"personas": named})


def noted(sealed: Sealed, notes: Sequence[str]) -> Sealed:
    """With what whoever asked for it should know, when there is anything."""
    return replace(sealed, record=sealed.record | {"notes": list(notes)}) if notes else sealed


def _named(personas: Mapping[int, str] | None) -> dict[str, str] | None:
    """As JSON has it, where keys are text."""
    return None if personas is None else {str(number): id for number, id in sorted(personas.items())}
