"""Work that runs beside the page: started in a thread, followed as events, stopped by the visitor."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from facezoo.errors import Cancelled, FacezooError, Refused
from facezoo.types import Progress

__all__ = ["Done", "Event", "Failure", "Partial", "Stage", "Working", "explain", "follow", "stop"]

_log = logging.getLogger("facezoo.ui")
_REPORTS_EVERY = 0.15  # seconds between two stage events; more would only queue up in the browser
_WORDS = {
    "read": "Reading the picture",
    "detect": "Finding faces",
    "method": "Making the new face",
    "blend": "Blending it in",
    "seal": "Labelling, watermarking, signing",
}


@dataclass(frozen=True)
class Stage:
    """Where the work is: the stage in words, its fraction in [0, 1], seconds left in it (None: not known), and the
    method whose stage it is ("" for stages all methods share)."""

    words: str
    fraction: float
    seconds_left: float | None
    method: str = ""


@dataclass(frozen=True)
class Partial:
    """Something is finished while the rest still runs."""

    name: str
    value: Any


@dataclass(frozen=True)
class Done:
    """All is finished."""

    value: Any


@dataclass(frozen=True)
class Failure:
    """What happened and what to do, for the page. state: the card state it leads to."""

    state: str  # "refused" | "failed" | "stopped"
    message: str
    advice: str


Event = Stage | Partial | Done | Failure


@dataclass(frozen=True)
class Working:
    """What running work may use: progress(stage, fraction) and partial(name, value)."""

    progress: Progress
    partial: Callable[[str, Any], None]


_stops: dict[str, threading.Event] = {}


def follow(work: Callable[[Working], Any], owner: str, *, words: Mapping[str, str] | None = None) -> Iterator[Event]:
    """Runs `work` in a thread and yields what it reports; the last event is Done or Failure.

    owner names the visitor's session for `stop`. words: what stages are called where it differs from a swap. Closing
    the iterator (the visitor left) stops the work too."""
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    stopped = threading.Event()
    _stops[owner] = stopped
    working = Working(
        _reporter(events, stopped, _WORDS | dict(words or {})), lambda name, value: events.put(Partial(name, value))
    )
    threading.Thread(target=_work, args=(work, working, events), name="facezoo-job", daemon=True).start()
    try:
        while True:
            event = events.get()
            yield event
            if isinstance(event, Done | Failure):
                return
    finally:
        stopped.set()
        if _stops.get(owner) is stopped:
            del _stops[owner]


def stop(owner: str) -> None:
    """Asks the work of this visitor to stop; it does at its next progress report."""
    if event := _stops.get(owner):
        event.set()


def explain(error: BaseException) -> Failure:
    """Any exception as words for the page. Unexpected ones are logged in full and shown without inner workings."""
    if isinstance(error, Cancelled):
        return Failure("stopped", "Stopped.", "Nothing was kept. Your picture and choices are still here.")
    if isinstance(error, FacezooError):
        return Failure("refused" if isinstance(error, Refused) else "failed", error.message, error.advice)
    _log.error("unexpected error", exc_info=error)
    return Failure(
        "failed",
        "Something went wrong on our side.",
        "Nothing of yours is lost. Try again, or try another picture; the server's log has the details.",
    )


def _work(work: Callable[[Working], Any], working: Working, events: queue.SimpleQueue[Event]) -> None:
    try:
        events.put(Done(work(working)))
    except BaseException as error:  # a thread has nobody else to tell
        events.put(explain(error))


def _reporter(events: queue.SimpleQueue[Event], stopped: threading.Event, called: Mapping[str, str]) -> Progress:
    last = {"stage": "", "began": 0.0, "told": 0.0}

    def progress(stage: str, fraction: float) -> None:
        if stopped.is_set():
            raise Cancelled("Stopped.")
        now = time.monotonic()
        if stage != last["stage"]:
            last.update(stage=stage, began=now, told=0.0)
        if now - float(last["told"]) < _REPORTS_EVERY and fraction < 1:
            return
        last["told"] = now
        spent = now - float(last["began"])
        left = spent / fraction * (1 - fraction) if fraction > 0.05 and spent > 1 else None
        method, _, name = stage.rpartition(":")
        words = called.get(name, name.replace("_", " ").capitalize())
        events.put(Stage(words, min(1.0, fraction), left, method))

    return progress
