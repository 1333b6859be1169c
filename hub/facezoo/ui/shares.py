"""How much of the hub one client may take, so that there is some left for others.

A client is an address. Behind proxies that are trusted (FACEZOO_PROXIES: how many stand before the hub; 1 on Spaces) it
is the one that the outermost of them saw, else a header could name anybody.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

__all__ = ["CLIENT", "Limits", "Shares", "TooMuch"]

CLIENT: ContextVar[str] = ContextVar("client", default="")
"""Who makes the request that is being answered."""

_HOUR = 3600.0


@dataclass(frozen=True)
class Limits:
    """open: connections at a time that keep a page alive or wait for results, of a client and of all. calls: a minute,
    of a client. waiting: jobs of a client in the queue. upload_bytes: an hour, of a client. disk_bytes: of the whole
    workspace. sessions: pages of a client that are remembered, each costs half a megabyte."""

    open: int = 60
    open_of_all: int = 600
    calls: int = 1200
    waiting: int = 8
    sessions: int = 64
    upload_bytes: int = 1 << 30
    disk_bytes: int = 4 << 30


class TooMuch(Exception):
    """More than a share. status: HTTP's. retry: seconds after which to come again."""

    def __init__(self, words: str, *, status: int = 429, retry: int = 10) -> None:
        super().__init__(words)
        self.words, self.status, self.retry = words, status, retry


class Shares:
    """Counts what clients have taken. waiting(client): their jobs in the queue. disk: bytes of the workspace."""

    def __init__(
        self,
        limits: Limits = Limits(),  # frozen
        waiting: Callable[[str], int] = lambda _: 0,
        disk: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits, self.waiting, self._disk, self._clock = limits, waiting, disk, clock
        self._proxies = int(os.environ.get("FACEZOO_PROXIES") or bool(os.environ.get("SPACE_ID")))
        self._open: Counter[str] = Counter()
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._uploads: defaultdict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._sessions: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def client(self, scope: Scope) -> str:
        """The address that a request comes from."""
        peer = (scope.get("client") or ("", 0))[0]
        hops = [
            hop.strip()
            for name, value in scope["headers"]
            if name.lower() == b"x-forwarded-for"
            for hop in value.decode("latin-1").split(",")
        ]
        return hops[-self._proxies] if 0 < self._proxies <= len(hops) else peer

    @contextmanager
    def connection(self, client: str, path: str) -> Generator[None]:
        """A connection that stays open while the block lasts; only those that wait are counted. Raises TooMuch."""
        if "/heartbeat/" not in path and "/queue/data" not in path and "/upload_progress" not in path:
            yield
            return
        if self._open[client] >= self._limits.open or self._open.total() >= self._limits.open_of_all:
            raise TooMuch("Too many pages are open. Close some.", retry=5)
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def call(self, client: str, path: str, session: str = "") -> None:
        """One call more, of a page that calls itself `session`. Raises TooMuch."""
        now = self._clock()
        self._check_session(client, session, now)
        recent = self._calls[client]
        while recent and now - recent[0] > 60:
            recent.popleft()
        if len(recent) >= self._limits.calls:
            raise TooMuch("Too many calls in a minute.", retry=max(1, round(60 - (now - recent[0]))))
        joins = path.rstrip("/").endswith("/queue/join") or "/call/" in path
        if joins and self.waiting(client) >= self._limits.waiting:
            raise TooMuch("Your other jobs come first. Wait for one of them.", retry=5)
        recent.append(now)
        self._forget(now)

    def counted(self, client: str, receive: Receive, claimed: int) -> Receive:
        """The same upload, its bytes counted as they come. Raises TooMuch when it cannot fit."""
        self._check_upload(client, claimed)

        async def counting() -> Message:
            message = await receive()
            size = len(message.get("body", b""))
            if size:
                self._uploads[client].append((self._clock(), size))
                self._check_upload(client, 0)
            return message

        return counting

    def _check_session(self, client: str, session: str, now: float) -> None:
        known = self._sessions[client]
        if session and session not in known and len(known) >= self._limits.sessions:
            for old in [name for name, used in known.items() if now - used > _HOUR / 6]:
                del known[old]
            if len(known) >= self._limits.sessions:
                raise TooMuch("Too many pages were opened. Come back in a while.", retry=60)
        if session:
            known[session] = now

    def _check_upload(self, client: str, more: int) -> None:
        now = self._clock()
        sent = self._uploads[client]
        while sent and now - sent[0][0] > _HOUR:
            sent.popleft()
        if sum(size for _, size in sent) + more > self._limits.upload_bytes:
            raise TooMuch("You have uploaded a lot this hour. Come back later.", retry=600)
        if self._disk() + more > self._limits.disk_bytes:
            raise TooMuch("The hub has no room for files just now.", status=507, retry=600)

    def _forget(self, now: float) -> None:
        """Clients who have gone leave nothing behind."""
        if len(self._calls) > 1000:
            for gone in [name for name, recent in self._calls.items() if not recent or now - recent[-1] > 60]:
                del self._calls[gone]
            for gone in [
                name for name, known in self._sessions.items() if now - max(known.values(), default=0) > _HOUR
            ]:
                del self._sessions[gone]
        if len(self._uploads) > 1000:
            for gone in [name for name, sent in self._uploads.items() if not sent or now - sent[-1][0] > _HOUR]:
                del self._uploads[gone]
