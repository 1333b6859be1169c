"""One piece of the work: one method on one picture, or on a few pairs, done in processes of their own. Its answer is a
small file that is not made twice, so a stopped evaluation goes on where it was."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread
from typing import Any, cast

import cv2

from facezoo.errors import Cancelled
from facezoo.evaluate.figures import BASELINES, Row
from facezoo.evaluate.measuring import Settings, measure_pairs, measure_picture, seal_thumbnail
from facezoo.evaluate.subjects import PairSet, Subject
from facezoo.media.files import write_whole
from facezoo.types import Progress
from facezoo.zoo.embedded import personas

__all__ = ["Job", "do_all", "picture_of", "read_rows"]

_PROCESSES = 2
_stops: list[Event] = []  # of this process


@dataclass(frozen=True)
class Job:
    """One column (a method's id or one of BASELINES) on one subject. version: what tells this method's code and weights
    from earlier ones. shown: the persona with whom the report shows this picture, "" for none."""

    subject: Subject | PairSet
    column: str
    version: str
    settings: Settings
    shown: str = ""

    @property
    def answer(self) -> Path:
        """Where the answer is kept, named after all that it depends on."""
        people = [each.sha256 for each in personas() if each.id in self.settings.personas]
        what = (
            [self.subject.sha256, self.subject.persona, *self.subject.names]
            if isinstance(self.subject, PairSet)
            else [self.subject.sha256, self.subject.name, self.subject.kind, self.subject.part]
        )
        settings = [self.settings.source, self.settings.identity, self.settings.seed]
        text = json.dumps([settings, people, self.column, self.version, what])
        return self.settings.cache / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    @property
    def picture(self) -> Path:
        """Where the sealed thumbnail is kept."""
        return self.answer.with_name(f"{self.answer.stem}-{self.shown}.jpg")

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.answer.is_file() and (not self.shown or self.column in BASELINES or self.picture.is_file())


def do_all(jobs: Iterable[Job], progress: Progress | None) -> None:
    """Every job that is not done yet, those on one subject together, in processes of their own.

    progress("Measuring, 2 min left", fraction) may raise Cancelled; what was done by then is kept."""
    left: dict[Subject | PairSet, list[Job]] = {}
    for job in jobs:
        if not job.done:
            left.setdefault(job.subject, []).append(job)
    if not left:
        return
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(_PROCESSES, mp_context=context, initializer=_begin, initargs=(stop,))
    try:
        for done in _finished(pool, list(left.values())):
            if progress:
                rest = (time.monotonic() - began) / done * (len(left) - done) if done else 0.0
                progress(f"Measuring, {_minutes(rest)} left" if done else "Measuring", done / len(left))
    except (Cancelled, KeyboardInterrupt) as stopped:
        stop.set()
        raise Cancelled("Stopped.", "What was measured is kept: the same command goes on from here.") from stopped
    finally:
        pool.shutdown(cancel_futures=True)


def read_rows(jobs: Iterable[Job]) -> list[Row]:
    """The results of jobs that were done. A picture without a usable face is one row without a persona."""
    rows: list[Row] = []
    for job in jobs:
        answer = cast("dict[str, Any]", json.loads(job.answer.read_text(encoding="utf-8")))
        if answer["failure"] and not isinstance(job.subject, PairSet):
            rows.append(Row(job.column, job.subject.name, "", {}, answer["failure"], {}))
        rows += [
            Row(job.column, each["person"], each["persona"], answer["groups"], each["failure"], each["values"])
            for each in answer["rows"]
        ]
    return rows


def picture_of(job: Job) -> Path | None:
    """The sealed thumbnail of a job, None when the method failed on that picture."""
    return job.picture if job.picture.is_file() and job.picture.stat().st_size else None


def _finished(pool: ProcessPoolExecutor, groups: Sequence[Sequence[Job]]) -> Iterator[int]:
    """How many groups of jobs are done: 0, and again whenever some are, or half a second has gone by."""
    waiting: set[Future[None]] = {pool.submit(_do_group, group) for group in groups}
    yield 0
    while waiting:
        ready, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        for each in ready:
            each.result()
        yield len(groups) - len(waiting)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _begin(stop: Event) -> None:
    """Prepare a process of its own that does jobs: one core, Ctrl-C is its parent's to handle, `stop` ends a job, and
    it ends when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # torch is not loaded yet
    cv2.setNumThreads(1)
    _stops.append(stop)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _do_group(jobs: Sequence[Job]) -> None:
    """Do what is left of the jobs on one subject, whose face is found once. Raises Cancelled when `stop` was set.

    An answer: {"failure", "groups", "rows": [{"persona", "person", "failure", "values"}]} as JSON."""
    for job in jobs:
        subject, settings = job.subject, job.settings
        if not job.answer.is_file():
            measure = measure_pairs if isinstance(subject, PairSet) else measure_picture
            found = measure(subject, job.column, settings, _check_stop)  # pyright: ignore[reportArgumentType]
            write_whole(job.answer, json.dumps(found))
        if not job.done and isinstance(subject, Subject):
            seal_thumbnail(subject, job.column, job.shown, settings, job.picture)


def _check_stop() -> None:
    if any(stop.is_set() for stop in _stops):
        raise Cancelled("Stopped.")
