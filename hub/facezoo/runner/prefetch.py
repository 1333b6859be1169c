"""Work on a stream that goes on in several places at once: each stage on a thread, a few items ahead of the next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Generic, Self, TypeVar

__all__ = ["Crew"]

T = TypeVar("T")

_LOOK_UP = 0.1  # seconds after which whoever waits looks up


class Crew:
    """Threads that hand items on to each other, in order, through queues of bounded length.

    with Crew() as crew:
        for item in crew.ahead(second(crew.ahead(first(), 4)), 4): ...

    Leaving the block, by whatever way, stops all of them and waits until they are gone; each iterator is closed on the
    thread that worked it. What a stage raises comes out where its items are taken, after the items before it."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._stopped = False
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._moved:
            self._stopped = True
            self._moved.notify_all()
        for thread in self._threads:
            thread.join()

    def ahead(self, items: Generator[T], most: int, *, while_waiting: Callable[[], None] = lambda: None) -> Iterator[T]:
        """The same items, made on a thread of their own, up to `most` of them before they are asked for.

        while_waiting: called about ten times a second by whoever waits for an item; may raise."""
        lane = _Lane[T](most)
        thread = threading.Thread(target=self._work, args=(items, lane), name="facezoo-stage", daemon=True)
        self._threads.append(thread)
        thread.start()
        return self._take(lane, while_waiting)

    def _work(self, items: Generator[T], lane: _Lane[T]) -> None:
        try:
            for item in items:
                with self._moved:
                    self._moved.wait_for(lambda: self._stopped or len(lane.items) < lane.most)
                    if self._stopped:
                        break
                    lane.items.append(item)
                    self._moved.notify_all()
        except _Stopped:
            pass
        except BaseException as error:  # the thread that takes the items raises it
            lane.error = error
        finally:
            items.close()
            with self._moved:
                lane.ended = True
                self._moved.notify_all()

    def _take(self, lane: _Lane[T], while_waiting: Callable[[], None]) -> Iterator[T]:
        while True:
            with self._moved:
                there = self._moved.wait_for(lambda: self._stopped or lane.items or lane.ended, _LOOK_UP)
                if self._stopped:
                    raise _Stopped
                if there and not lane.items:
                    if lane.error is not None:
                        raise lane.error
                    return
                taken = [lane.items.popleft()] if there else []
                self._moved.notify_all()
            if not taken:
                while_waiting()
            yield from taken


class _Lane(Generic[T]):
    """What one thread has made and the next has not taken."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.items: deque[T] = deque()
        self.ended = False
        self.error: BaseException | None = None


class _Stopped(BaseException):
    """The block was left: no more items are wanted."""
