"""Work that runs beside the page: the one engine for runs, gathered faces and downloads, and the one run button."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facezoo.errors import Cancelled, FacezooError, Refused
from facezoo.safety.admission import IN_PROGRAMS
from facezoo.types import Progress
from facezoo.ui.shares import CLIENT

__all__ = [
    "LIVE", "LOOKING", "QUIET", "Done", "Event", "Failure", "Job", "Partial", "Run", "Stage", "Turn", "Working",
    "duration", "explain", "find", "forget", "main_button", "run", "running", "shows", "start",
    "stop", "stop_button", "wire_runs",
]  # fmt: skip

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How events of the page are set; these two as well where a file is looked at, or a picture moved live."""
LOOKING: dict[str, Any] = {**QUIET, "concurrency_limit": 2, "concurrency_id": "look"}
LIVE: dict[str, Any] = {**QUIET, "concurrency_limit": 2, "concurrency_id": "live"}
_log = logging.getLogger("facezoo.ui")
_REPORTS_EVERY = 0.15  # seconds between two stages told; more would only queue up in the browser
_ENOUGH = 0.02  # of the work: before that its speed is not known
_WORDS = {
    "": "Starting",
    "read": "Reading the picture",
    "detect": "Finding faces",
    "method": "Making the new face",
    "blend": "Blending it in",
    "seal": "Labelling, watermarking, signing",
}
_NOT_KEPT = "Nothing was kept. Your picture and choices are still here."


@dataclass(frozen=True)
class Stage:
    """Where the work is: the stage in words and by the name that the work gives it, its fraction in [0, 1], seconds
    left in it (None: not known), and the method whose stage it is ("" for stages all methods share)."""

    words: str
    fraction: float = 0.0
    seconds_left: float | None = None
    method: str = ""
    name: str = ""

    @property
    def left(self) -> str:
        """How long it takes yet, "" while nobody knows and at the very end."""
        known = self.seconds_left is not None and self.seconds_left >= 2
        return f"about {duration(self.seconds_left or 0)} left" if known else ""

    @property
    def line(self) -> str:
        """Words and time left."""
        return ", ".join(each for each in (self.words, self.left) if each)


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


class Turn:
    """Lets one job work at a time. Clients take turns; who waits takes no thread."""

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._waiting: list[tuple[str, Callable[[], None]]] = []
        self._now: str | None = None  # whose turn it is

    def waiting(self, client: str) -> int:
        """How many jobs of this client wait."""
        with self._door:
            return sum(whose == client for whose, _ in self._waiting)

    def take(self, begin: Callable[[], None]) -> None:
        """Calls `begin` when the turn has come, perhaps at once."""
        with self._door:
            if self._now is not None:
                self._waiting.append((CLIENT.get(), begin))
                return
            self._now = CLIENT.get()
        begin()

    def leave(self, begin: Callable[[], None]) -> bool:
        """Waits no longer; whether it was waiting."""
        with self._door:
            before = len(self._waiting)
            self._waiting = [each for each in self._waiting if each[1] != begin]
            return len(self._waiting) < before

    def release(self) -> None:
        """The turn is over: another client's first job begins, or this one's next."""
        with self._door:
            following = next((each for each in self._waiting if each[0] != self._now), (self._waiting or [None])[0])
            if following is None:
                self._now = None
                return
            self._waiting.remove(following)
            self._now, begin = following
        begin()


class Job:
    """`work` in a thread. It goes on when nobody follows it. now: where it is; end: how it ended, None before that.

    words: what its stages are called, "" before the first. kept: what to tell whoever stops it. turn: taken while it
    works. patient: a stop counts when the work reports next, else at once, whatever the work waits for."""

    def __init__(
        self,
        work: Callable[[Working], Any],
        *,
        words: Mapping[str, str] = _WORDS,
        kept: str = _NOT_KEPT,
        turn: Turn | None = None,
        patient: bool = True,
    ) -> None:
        self.now = self._first = Stage(words[""])
        self.end: Done | Failure | None = None
        self._words, self._kept, self._patient, self._turn = words, kept, patient, turn
        self._working, self._partials = Working(self._progress, self._partial), list[Partial]()
        self._began = (0.0, 0.0)  # when the stage began, the fraction then
        self._told = 0.0
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name="facezoo-job", daemon=True)
        if turn:
            turn.take(self._thread.start)
        else:
            self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it goes on."""
        return self.end is None

    @property
    def problem(self) -> Failure | None:
        """Why it ended; None while it goes on, and when all went well."""
        return self.end if isinstance(self.end, Failure) else None

    def stop(self) -> None:
        """Asks it to end."""
        self._stopped.set()
        if not self._patient or (self._turn and self._turn.leave(self._thread.start)):
            self._finish(explain(Cancelled("Stopped."), kept=self._kept))

    def wait(self) -> None:
        """Until its thread has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self.end is not None)
        if self._thread.ident:
            self._thread.join()

    def events(self) -> Iterator[Event]:
        """What it reports from now on, the latest stage alone of those meanwhile; last Done or Failure."""
        seen, told = self._first, 0
        while True:
            with self._changed:
                while not (self.end or self.now is not seen or len(self._partials) > told):
                    self._changed.wait()
                now, partials, end = self.now, self._partials[told:], self.end
            if now is not seen:
                yield now
            yield from partials
            if end:
                yield end
                return
            seen, told = now, told + len(partials)

    def _run(self, work: Callable[[Working], Any]) -> None:
        try:
            if self._turn:
                self._progress("read", 0.0)
            end: Done | Failure = Done(work(self._working))
        except BaseException as error:  # a thread has nobody else to tell
            end = explain(error, kept=self._kept)
        self._finish(end)
        if self._turn:
            self._turn.release()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Cancelled("Stopped.")

    def _finish(self, end: Done | Failure) -> None:
        with self._changed:
            self.end = self.end or end
            self._changed.notify_all()

    def _partial(self, name: str, value: Any) -> None:
        with self._changed:
            self._partials.append(Partial(name, value))
            self._changed.notify_all()

    def _progress(self, stage: str, fraction: float) -> None:
        self._check()
        now = time.monotonic()
        method, _, name = stage.rpartition(":")
        if (method, name) != (self.now.method, self.now.name) or self.now is self._first:
            self._began, self._told = (now, fraction), 0.0
        if now - self._told < _REPORTS_EVERY and fraction < 1:
            return
        self._told = now
        spent, done = now - self._began[0], fraction - self._began[1]
        left = (1 - fraction) * spent / done if spent > 1 and done > _ENOUGH else None
        words = self._words.get(name, name.replace("_", " ").capitalize())
        with self._changed:
            self.now = Stage(words, min(1.0, fraction), left, method, name)
            self._changed.notify_all()


_jobs: dict[Hashable, Job] = {}


def start(key: Hashable, work: Callable[[Working], Any], **settings: Any) -> Job:
    """A new job that is known by this key from now on. settings: as of `Job`."""
    _jobs[key] = Job(work, **settings)
    return _jobs[key]


def find(key: Hashable) -> Job | None:
    """The job of this key, at work or ended."""
    return _jobs.get(key)


def running(key: Hashable) -> Job | None:
    """The job of this key while it is at work."""
    now = _jobs.get(key)
    return now if now and now.busy else None


def stop(key: Hashable) -> None:
    """Asks the job of this key to end, if there is one."""
    if now := _jobs.get(key):
        now.stop()


def forget(key: Hashable) -> None:
    """Stops the job of this key, if there is one, and waits for its end."""
    if now := _jobs.pop(key, None):
        now.stop()
        now.wait()


def run(work: Callable[[Working], Any], owner: str, *, words: Mapping[str, str] | None = None) -> Iterator[Event]:
    """Runs `work` for one visitor and yields what it reports; the last event is Done or Failure.

    owner names the visitor's session for `stop`. words: what stages are called where it differs from a swap. Closing
    the iterator (the visitor left) stops the work too."""
    job = start(owner, work, words=_WORDS | dict(words or {}))
    try:
        yield from job.events()
    finally:
        job.stop()
        if _jobs.get(owner) is job:
            del _jobs[owner]


def explain(error: BaseException, *, kept: str = _NOT_KEPT) -> Failure:
    """Any exception as words for the page. Unexpected ones are logged in full and shown without inner workings.

    kept: what became of the work when it was stopped."""
    _log.info("ended", extra={"facts": {"error": type(error).__name__}})
    if isinstance(error, Cancelled):
        return Failure("stopped", "Stopped.", kept)
    if isinstance(error, FacezooError):
        advice = error.advice.replace(IN_PROGRAMS, "")
        return Failure("refused" if isinstance(error, Refused) else "failed", error.message, advice)
    _log.error("unexpected error", exc_info=error)
    advice = "Nothing of yours is lost. Try again, or try another picture; the server's log has the details."
    return Failure("failed", "Something went wrong on our side.", advice)


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@dataclass(frozen=True)
class Run:
    """What starts a run. event: of a component, such as a button's click. work(owner, *values of inputs) yields what
    the page shows of it, again and again. script: runs in the page first, see `shows`."""

    event: Callable[..., Any]
    inputs: Sequence[Any]
    work: Callable[..., Iterator[Any]]
    script: str | None = None


def wire_runs(
    runs: Sequence[Run],
    *,
    owner: str,
    outputs: Sequence[Any],
    buttons: Sequence[gr.Button],
    cancel: gr.Button,
    failed: Callable[[Failure], Any],
) -> None:
    """While one of `runs` goes on, `buttons` make room for `cancel`, which stops it. owner: one run of this name a
    visitor. outputs: what a run's values, or those of `failed`, are shown in: one of them or a tuple."""
    for each in runs:
        each.event(
            _handler(each.work, owner, len(outputs), len(buttons), failed),
            inputs=list(each.inputs),
            outputs=[*outputs, *buttons, cancel],
            js=each.script,
            concurrency_id="run",
            **QUIET,
        )

    def cancelled(request: gr.Request) -> None:
        stop(f"{request.session_hash}:{owner}")

    cancel.click(cancelled, queue=False, **QUIET)


def main_button(words: str, id: str, *, interactive: bool = True) -> gr.Button:
    """The button that starts a run."""
    return gr.Button(words, variant="primary", interactive=interactive, elem_classes=["main-button"], elem_id=id)


def stop_button(id: str | None = None) -> gr.Button:
    """The button that appears in its place."""
    return gr.Button("Stop", visible=False, elem_classes=["cancel-button"], elem_id=id)


def shows(results: str, first: str = "") -> str:
    """The script of a main button that brings its results into sight. results: element id. first: a statement."""
    return f"(...values) => {{ {first} window.facezooShowResults('{results}'); return values; }}"


def _handler(
    work: Callable[..., Iterator[Any]], owner: str, outputs: int, buttons: int, failed: Callable[[Failure], Any]
) -> Callable[..., Iterator[list[Any]]]:
    def states(*, busy: bool) -> list[Any]:  # each is new: gradio takes the update it is given apart
        return [*(gr.update(visible=not busy) for _ in range(buttons)), gr.update(visible=busy)]

    def started(request: gr.Request, *values: Any) -> Iterator[list[Any]]:
        last: list[Any] = [gr.skip() for _ in range(outputs + buttons + 1)]
        try:
            for each in work(f"{request.session_hash}:{owner}", *values):
                yield [*_tuple(each), *states(busy=True)]
                last = [*(gr.skip() for _ in range(outputs)), *states(busy=False)]
        except Exception as error:
            last = [*_tuple(failed(explain(error))), *states(busy=False)]
        yield last

    return started


def _tuple(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)
