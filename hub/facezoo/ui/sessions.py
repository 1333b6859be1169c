"""What gradio keeps of each page, made light, and its queue, made fair.

For every session gradio copies the configuration of the whole page: half a megabyte, and time in which the server
answers nobody. Only its deep links need that copy, and they are closed here.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any

from gradio import blocks as gradio_blocks
from gradio import route_utils, state_holder
from gradio.queueing import Event, EventQueue, Queue
from gradio.state_holder import SessionState

from facezoo.ui.shares import CLIENT

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["FairQueue", "LightState", "forget_session", "keep_sessions_light", "queue_fairly"]

_log = logging.getLogger("facezoo.ui")
_KEPT = 3600  # seconds for which the choices of a closed page are kept


class LightState(SessionState):
    """A session's values and the components that were changed in it, without a copy of the page's configuration."""

    def __init__(self, blocks: gr.Blocks) -> None:  # the inherited one makes the copy
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = _KEPT

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


def keep_sessions_light() -> None:
    """From now on every session of every hub in this process is light."""
    for module in (state_holder, route_utils, gradio_blocks):
        held: Any = module
        held.SessionState = LightState


def forget_session(hub: gr.Blocks, session: str) -> None:
    """A page was closed. Its choices are kept for a while, if there are any: it may only have lost its connection."""
    held: Any = hub
    kept: dict[str, SessionState] = held.state_holder.session_data
    if session in kept and not kept[session].state_data:
        del kept[session]
        held.state_holder.time_last_used.pop(session, None)
    if not held._queue.pending_event_ids_session.get(session):
        held._queue.pending_event_ids_session.pop(session, None)
        held._queue.pending_messages_per_session.pop(session, None)


class FairQueue(Queue):
    """Gradio's queue in which clients take turns: nobody waits for the second job of somebody else.

    client_of: who sent a request, from its ASGI scope. places: jobs that may wait; `full` says so before they are sent,
    gradio itself refuses none."""

    client_of: Callable[[Any], str]
    places: int | None

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """As gradio's; the new job takes its turn."""
        told = await super().push(body, request, username)
        for queue in self.event_queue_per_concurrency_id.values():
            self._take_turns(queue)
        return told

    async def process_events(self, events: list[Event], batch: bool, begin_time: float, fn: Any) -> None:
        """As gradio's; the work knows whose it is, and how long it waited and took is written down."""
        CLIENT.set(self._client(events[0]))
        began = time.monotonic()
        try:
            await super().process_events(events, batch, begin_time, fn)
        finally:
            seconds = {"waited": began - events[0].enqueue_time, "worked": time.monotonic() - began}
            queue = events[0].concurrency_id
            facts = {"queue": "other" if queue.isdecimal() else queue}  # those without a name have a number
            _log.info("job", extra={"facts": facts | {name: round(each, 3) for name, each in seconds.items()}})

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """As gradio's; whoever is served now comes after the others."""
        taken = super().get_events()
        if taken:
            events, _, id = taken
            self._take_turns(self.event_queue_per_concurrency_id[id], events)
        return taken

    def waiting(self, client: str) -> int:
        """How many jobs of this client wait."""
        queues = self.event_queue_per_concurrency_id.values()
        return sum(self._client(event) == client for queue in queues for event in queue.queue)

    def full(self) -> bool:
        """Whether the next job finds no place."""
        return self.places is not None and len(self) >= self.places

    def at_work(self) -> int:
        """How many jobs are worked on."""
        return sum(job is not None for job in self.active_jobs)

    def _take_turns(self, queue: EventQueue, begun: list[Event] | None = None) -> None:
        """Every client's first job, then every one's second, in the order of arrival; a job that runs is one before."""
        running = [event for job in self.active_jobs if job for event in job]
        at_work = {event._id: event for event in [*running, *(begun or [])]}  # pyright: ignore[reportPrivateUsage]
        before = Counter(
            self._client(event) for event in at_work.values() if event.concurrency_id == queue.concurrency_id
        )
        turns: dict[str, int] = {}
        for event in sorted(queue.queue, key=lambda event: event.enqueue_time):
            client = self._client(event)
            turns[event._id] = before[client]  # pyright: ignore[reportPrivateUsage]
            before[client] += 1
        queue.queue.sort(key=lambda event: (turns[event._id], event.enqueue_time))  # pyright: ignore[reportPrivateUsage]

    def _client(self, event: Event) -> str:
        return self.client_of(event.request.scope)


def queue_fairly(hub: gr.Blocks, client_of: Callable[[Any], str]) -> FairQueue:
    """Gives the hub, whose queue is set up, a fair one of the same settings. Call before it is launched."""
    held: Any = hub
    old: Queue = held._queue
    fair = FairQueue(
        live_updates=old.live_updates,
        concurrency_count=old.max_thread_count,
        update_intervals=old.update_intervals,
        max_size=None,
        blocks=hub,
        default_concurrency_limit=old.default_concurrency_limit,
    )
    fair.client_of, fair.places = client_of, old.max_size
    held._queue = fair
    return fair
