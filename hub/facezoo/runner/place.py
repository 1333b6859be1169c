"""Where a road is taken: in the thread that asks, or by somebody else, such as a replica on another machine.

Whoever asked hears the same either way: how far it is, each result that is finished, errors as they are.
"""

from __future__ import annotations

import functools
import inspect
import queue
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from facezoo.errors import Cancelled, FacezooError
from facezoo.types import Sealed

__all__ = ["Call", "Event", "Finished", "Made", "Place", "Reached", "anywhere", "elsewhere", "take"]

P = ParamSpec("P")
R = TypeVar("R")

_TELLS_EVERY = 0.1  # seconds between two reports of progress
_TELLS_AGAIN = 0.5  # seconds after which the last one is told again, so that whoever follows can stop the work
_STAYS = ("progress", "on_result")  # functions of whoever asked


@dataclass(frozen=True)
class Call:
    """A road by its name in `runner.road`, and its arguments but for the functions of whoever asked."""

    road: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reached:
    """How far the work is: as `types.Progress` is called."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Made:
    """One result of several is finished: as `on_result` of `compare` is called."""

    name: str
    sealed: Sealed


@dataclass(frozen=True)
class Finished:
    """What the road gives."""

    value: Any


Event = Reached | Made | Finished
Place = Callable[[Call], Generator[Event]]
"""Takes a road and tells of it, at the end that it is finished. Raises what the road raises. Closing stops the work."""

_place: Place | None = None


@contextmanager
def elsewhere(place: Place) -> Generator[None]:
    """While the block lasts, all roads of this process are taken there."""
    global _place  # noqa: PLW0603
    before, _place = _place, place
    try:
        yield
    finally:
        _place = before


def anywhere(road: Callable[P, R]) -> Callable[P, R]:
    """The same road, taken where `elsewhere` says. With a pipeline that is in memory here it is taken here."""
    signature = inspect.signature(road)

    @functools.wraps(road)
    def taken(*given: P.args, **named: P.kwargs) -> R:
        arguments = signature.bind(*given, **named).arguments
        if _place is None or arguments.get("pipeline") is not None:
            return road(*given, **named)
        progress, on_result = (arguments.pop(name, None) for name in _STAYS)
        with closing(_place(Call(road.__name__, arguments))) as events:
            for event in events:
                if isinstance(event, Finished):
                    return event.value
                if isinstance(event, Made) and on_result:
                    on_result(event.name, event.sealed)
                if isinstance(event, Reached) and progress:
                    progress(event.stage, event.fraction)
        raise FacezooError("The work ended without a result.", "Try again.")

    return taken


def take(call: Call) -> Generator[Event]:
    """A `Place`: here, in a thread of its own."""
    told: queue.Queue[Event | BaseException] = queue.Queue()
    stopped = threading.Event()
    thread = threading.Thread(target=_work, args=(call, told, stopped), name="facezoo-road", daemon=True)
    thread.start()
    last: Event = Reached("read", 0.0)
    try:
        while not isinstance(last, Finished):
            try:
                event = told.get(timeout=_TELLS_AGAIN)
            except queue.Empty:
                yield last
                continue
            if isinstance(event, BaseException):
                raise event
            if not isinstance(event, Made):
                last = event
            yield event
    finally:
        stopped.set()
        thread.join()


def _work(call: Call, told: queue.Queue[Event | BaseException], stopped: threading.Event) -> None:
    from facezoo.runner import road

    told_at = 0.0

    def progress(stage: str, fraction: float) -> None:
        nonlocal told_at
        if stopped.is_set():
            raise Cancelled("Stopped.")
        if fraction >= 1 or time.monotonic() - told_at > _TELLS_EVERY:
            told_at = time.monotonic()
            told.put(Reached(stage, fraction))

    def on_result(name: str, sealed: Sealed) -> None:
        told.put(Made(name, sealed))

    taken = inspect.unwrap(getattr(road, call.road))  # here, whatever `elsewhere` says
    heard = {"progress": progress} | ({"on_result": on_result} if call.road == "compare" else {})
    try:
        told.put(Finished(taken(**call.arguments, **heard)))
    except BaseException as error:  # a thread has nobody else to tell
        told.put(error)
