"""The one engine for work beside the page: what it reports, how it ends, who may stop it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from facezoo.errors import Cancelled, ConsentRequired, UsageError
from facezoo.ui.jobs import (
    Done,
    Event,
    Failure,
    Partial,
    Stage,
    Turn,
    Working,
    duration,
    explain,
    find,
    forget,
    run,
    start,
    stop,
)
from facezoo.ui.shares import CLIENT


def test_work_reports_and_finishes() -> None:
    def work(working: Any) -> str:
        working.progress("read", 0.5)
        working.partial("first", 1)
        return "all"

    events = list(run(work, "somebody"))
    assert [type(event) for event in events] == [Stage, Partial, Done]
    assert events[-1] == Done("all")


def test_work_can_be_stopped_by_its_owner_alone() -> None:
    def work(working: Any) -> None:
        for step in range(500):
            working.progress("method", step / 500)
            time.sleep(0.01)

    events: list[Event] = []
    for event in run(work, "me"):
        stop("somebody else")
        if len(events) == 2:
            stop("me")
        events.append(event)
    last = events[-1]
    assert isinstance(last, Failure)
    assert last.state == "stopped"
    assert len(events) < 20


def test_work_stops_when_the_visitor_leaves() -> None:
    ended: list[str] = []

    def work(working: Any) -> None:
        try:
            while True:
                working.progress("method", 0.1)
                time.sleep(0.01)
        except Cancelled:
            ended.append("yes")
            raise

    events = run(work, "leaver")
    next(events)
    events.close()  # type: ignore[attr-defined]
    for _ in range(200):
        if ended:
            break
        time.sleep(0.01)
    assert ended == ["yes"]


def test_errors_become_words(caplog: pytest.LogCaptureFixture) -> None:
    refused = explain(ConsentRequired("Nobody agreed.", "Tick the box."))
    assert (refused.state, refused.message, refused.advice) == ("refused", "Nobody agreed.", "Tick the box.")
    unexpected = explain(ValueError("secret /inner/path"))
    assert unexpected.state == "failed"
    assert "secret" not in unexpected.message + unexpected.advice
    assert "secret" in caplog.text  # the log has it


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (600, "10 min"),
        (1500, "25 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_one_at_a_time_in_turn_and_each_can_be_stopped() -> None:
    go, began, turn = threading.Event(), threading.Event(), Turn()
    words = {"": "Waiting for another visitor", "read": "Reading"}

    def work(working: Working) -> None:
        began.set()
        while not go.wait(0.02):
            working.progress("Finding faces", 0.5)

    first = start("one", work, words=words, turn=turn)
    began.wait(5)
    second = start("two", work, words=words, turn=turn, kept="What came is kept.")
    assert second.now.words == "Waiting for another visitor"
    stop("two")
    second.wait()
    assert second.problem == Failure("stopped", "Stopped.", "What came is kept.")
    assert find("one") is first
    assert first.busy and not second.busy
    go.set()
    first.wait()
    assert first.problem is None
    for key in ("one", "two"):
        forget(key)
        assert find(key) is None


def test_work_that_fails_says_why() -> None:
    def work(_: Working) -> None:
        raise UsageError("It is too dark.", "Switch on the light.")

    job = start("three", work)
    job.wait()
    assert job.problem == Failure("failed", "It is too dark.", "Switch on the light.")
    assert list(job.events()) == [job.problem]
    forget("three")


def test_an_impatient_stop_counts_at_once_whatever_the_work_waits_for() -> None:
    go = threading.Event()
    job = start("four", lambda _: go.wait(20), patient=False)
    job.stop()
    assert isinstance(list(job.events())[-1], Failure)
    go.set()
    job.wait()
    assert job.problem is not None  # what comes after does not count
    forget("four")


def test_time_left_follows_the_speed_of_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    now, shown = [100.0], list[str]()

    def work(working: Working) -> None:
        for seconds, stage, fraction in ((0, "read", 0.0), (5, "read", 0.5), (0, "method", 0.4), (10, "method", 0.5)):
            now[0] += seconds
            working.progress(stage, fraction)
            job = find("five")
            shown.append(job.now.line if job else "")

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    ready = threading.Event()
    job = start("five", lambda working: ready.wait(5) and work(working))
    ready.set()
    job.wait()
    assert shown == [
        "Reading the picture",
        "Reading the picture, about 5 s left",
        "Making the new face",
        "Making the new face, about 50 s left",
    ]
    forget("five")


def test_who_waits_takes_no_thread_and_clients_take_turns() -> None:
    go, turn, served = threading.Event(), Turn(), list[str]()

    def work_of(name: str) -> Any:
        def work(_: Working) -> None:
            go.wait(5)
            served.append(name)

        return work

    before = threading.active_count()
    for name in ("greedy", "greedy", "greedy", "late", "greedy"):
        whose = CLIENT.set(name)
        start((name, len(served), time.monotonic()), work_of(name), turn=turn)
        CLIENT.reset(whose)
    last = start("last", work_of("nobody"), turn=turn)
    assert turn.waiting("greedy") == 3
    assert threading.active_count() <= before + 1
    go.set()
    last.wait()
    assert served[:2] == ["greedy", "late"]
    assert turn.waiting("late") == 0
