"""What the server keeps of a page is small, and its queue serves clients in turn."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from .conftest import finished

gr = pytest.importorskip("gradio", reason="the hub needs the extra facezoo[hub]")


@pytest.fixture
def page() -> Any:
    """A page of 60 components, with a function that waits in the queue and remembers what it was told."""
    from facezoo.ui.sessions import keep_sessions_light

    def remember(new: str, old: str) -> tuple[str, str]:
        return new, old

    keep_sessions_light()
    with gr.Blocks() as made:
        for number in range(60):
            gr.HTML(f"<p>{number}</p>")
        told, remembered, shown = gr.Textbox(), gr.State(""), gr.Textbox()
        told.submit(remember, [told, remembered], [remembered, shown])
    return made.queue(max_size=60)


def test_a_session_remembers_without_a_copy_of_the_page(page: Any) -> None:
    from gradio.state_holder import StateHolder

    from facezoo.ui.sessions import LightState

    holder = StateHolder()
    holder.set_blocks(page)
    (function,) = page.fns.values()

    async def call(words: str, session: str) -> list[Any]:
        made = await page.process_api(function, [words, None], state=holder[session])
        return made["data"]

    assert finished(call("first", "a"))[1] == ""
    assert finished(call("second", "a"))[1] == "first"
    assert finished(call("other", "b"))[1] == ""
    assert isinstance(holder["a"], LightState)
    assert holder["a"].config_values == {}


def test_clients_take_turns(page: Any) -> None:
    from gradio.queueing import Event

    from facezoo.ui.sessions import queue_fairly

    (function,) = page.fns.values()
    queue = queue_fairly(page, lambda scope: scope["client"][0])
    assert page._queue is queue
    assert queue.places == 60 and not queue.full()
    queue.active_jobs = [None] * 4
    queue.create_event_queue_for_fn(function)
    waiting = queue.event_queue_per_concurrency_id[function.concurrency_id]
    waiting.concurrency_limit = 1
    for number, client in enumerate(["greedy"] * 5 + ["late", "late", "later"]):
        event: Any = Event(f"{client} {number}", function, SimpleNamespace(scope={"client": (client, 1)}), None)  # type: ignore[arg-type]
        event.enqueue_time = number
        waiting.queue.append(event)
    assert queue.waiting("greedy") == 5
    queue.places = 8
    assert queue.full()
    served: list[str] = []
    while taken := queue.get_events():
        events, _, _ = taken
        queue.active_jobs[0] = events  # it runs when the next one is chosen
        served.append(events[0].session_hash.partition(" ")[0])
    assert served == ["greedy", "late", "later", "greedy", "late", "greedy", "greedy", "greedy"]
    assert queue.waiting("greedy") == 0


def test_what_a_job_waited_and_took_is_written_down(
    page: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio.queueing import Event, Queue

    from facezoo.ui.sessions import queue_fairly

    async def worked(*_: Any) -> None:
        await asyncio.sleep(0.1)

    monkeypatch.setattr(Queue, "process_events", worked)
    (function,) = page.fns.values()
    queue = queue_fairly(page, lambda scope: scope["client"][0])
    event: Any = Event("a", function, SimpleNamespace(scope={"client": ("a", 1)}), None)  # type: ignore[arg-type]
    event.enqueue_time = time.monotonic() - 2.0
    with caplog.at_level("INFO", "facezoo.ui"):
        finished(queue.process_events([event], False, 0.0, function))
    (facts,) = [each.facts for each in caplog.records if each.msg == "job"]  # type: ignore[attr-defined]
    assert facts["queue"] == "other"
    assert facts["waited"] == pytest.approx(2.0, abs=0.5)
    assert facts["worked"] == pytest.approx(0.1, abs=0.09)
