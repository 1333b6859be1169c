"""How much of the hub one client may take, so that there is some left for others.

A client is an address, which a whole class may share; an IPv6 network counts as one. Behind proxies that are trusted it
is the one that the outermost of them saw, else a header could name anybody. FACEZOO_PROXIES says which: their networks
("172.16.0.0/12, 10.1.2.3"), or how many stand before a hub that nobody reaches past them (1 on Spaces).
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facezoo.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

__all__ = ["CLIENT", "Limits", "Shares", "TooMuch"]

CLIENT: ContextVar[str] = ContextVar("client", default="")
"""Who makes the request that is being answered, or had the job put into the queue that runs."""

_HOUR = 3600.0
_COUNTED_BY = 60  # seconds: bytes are summed up in such pieces
_MOST_CLIENTS = 10_000  # from here on those who have gone are forgotten


@dataclass(frozen=True)
class Limits:
    """open: connections at a time that keep a page alive or wait for results, of a client and of all. waiting: jobs of
    a client in the queue. threads: calls of a client that are worked on at a time, and lined_up: that wait for it.
    sessions: pages of a client that are remembered. upload_bytes: an hour, of a client. disk_bytes: of the whole
    workspace."""

    open: int = 256
    open_of_all: int = 4000
    waiting: int = 20
    threads: int = 6
    lined_up: int = 100
    sessions: int = 400
    upload_bytes: int = 4 << 30
    disk_bytes: int = 10 << 30


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
        self.full: Callable[[], bool] = lambda: False  # whether nobody's job finds a place in the queue
        self.check_rate: Callable[[str], None] = lambda _: None  # raises TooMuch when a client starts work too often
        self._proxies, self._trusted = _proxies(os.environ.get("FACEZOO_PROXIES") or str(int("SPACE_ID" in os.environ)))
        self._open: Counter[str] = Counter()
        self._lines: dict[str, asyncio.Semaphore] = {}
        self._in_line: Counter[str] = Counter()
        self._uploads: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)
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
        if self._trusted:
            on_the_way = [peer, *reversed(hops)]
            return _network(next((hop for hop in on_the_way if not self._trusts(hop)), on_the_way[-1]))
        return _network(hops[-self._proxies] if 0 < self._proxies <= len(hops) else peer)

    def _trusts(self, hop: str) -> bool:
        try:
            return any(ipaddress.ip_address(hop) in network for network in self._trusted)
        except ValueError:
            return False

    @contextmanager
    def connection(self, client: str) -> Generator[None]:
        """A connection that waits for news while the block lasts. Raises TooMuch."""
        if self._open[client] >= self._limits.open or self._open.total() >= self._limits.open_of_all:
            raise TooMuch("Too many pages are open. Close some.", retry=5)
        self._open[client] += 1
        try:
            yield
        finally:
            _less(self._open, client)

    @asynccontextmanager
    async def thread(self, client: str) -> AsyncGenerator[None]:
        """A call that takes a thread while the block lasts; it waits until one of the client's is free. Raises
        TooMuch."""
        if self._in_line[client] >= self._limits.threads + self._limits.lined_up:
            raise TooMuch("Your other calls come first. Wait for one of them.", retry=2)
        self._in_line[client] += 1
        try:
            async with self._lines.setdefault(client, asyncio.Semaphore(self._limits.threads)):
                yield
        finally:
            _less(self._in_line, client)
            if client not in self._in_line:
                self._lines.pop(client, None)

    def job(self, client: str, *, run: bool = False) -> None:
        """One job more for the queue; run: it is work for a method. Raises TooMuch."""
        if self.full():
            raise TooMuch("The hub is busy. Come back in a moment.")
        if self.waiting(client) >= self._limits.waiting:
            raise TooMuch("Your other jobs come first. Wait for one of them.", retry=5)
        if run:
            self.check_rate(client)

    def session(self, client: str, session: str) -> None:
        """A page calls itself so. Raises TooMuch when the client has opened many within a few minutes."""
        now, known = self._clock(), self._sessions[client]
        if session not in known and len(known) >= self._limits.sessions:
            for old in [name for name, used in known.items() if now - used > _HOUR / 6]:
                del known[old]
            if len(known) >= self._limits.sessions:
                raise TooMuch("Too many pages were opened. Come back in a while.", retry=60)
        known[session] = now
        if len(self._sessions) > _MOST_CLIENTS:
            for gone in [name for name, pages in self._sessions.items() if now - max(pages.values()) > _HOUR]:
                del self._sessions[gone]

    def counted(self, client: str, receive: Receive, claimed: int) -> Receive:
        """The same upload, its bytes counted as they come. Raises TooMuch when it cannot fit."""
        self._check_upload(client, claimed)

        async def counting() -> Message:
            message = await receive()
            if size := len(message.get("body", b"")):
                self._count(client, size)
                self._check_upload(client, 0)
            return message

        return counting

    def _count(self, client: str, size: int) -> None:
        sent, minute = self._uploads[client], int(self._clock() // _COUNTED_BY)
        if sent and sent[-1][0] == minute:
            size += sent.pop()[1]
        sent.append((minute, size))
        if len(self._uploads) > _MOST_CLIENTS:
            oldest = minute - _HOUR / _COUNTED_BY
            for gone in [name for name, all in self._uploads.items() if not all or all[-1][0] < oldest]:
                del self._uploads[gone]

    def _check_upload(self, client: str, more: int) -> None:
        sent, oldest = self._uploads[client], self._clock() // _COUNTED_BY - _HOUR / _COUNTED_BY
        while sent and sent[0][0] < oldest:
            sent.popleft()
        if sum(size for _, size in sent) + more > self._limits.upload_bytes:
            raise TooMuch("You have uploaded a lot this hour. Come back later.", retry=600)
        if self._disk() + more > self._limits.disk_bytes:
            raise TooMuch("The hub has no room for files just now.", status=507, retry=600)


def _proxies(words: str) -> tuple[int, list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    """How many proxies there are, or their networks. Raises UsageError for other words."""
    try:
        if words.isdecimal():
            return int(words), []
        return 0, [ipaddress.ip_network(each.strip()) for each in words.split(",")]
    except ValueError:
        raise UsageError(
            f"FACEZOO_PROXIES={words!r} is not understood.",
            "Write how many proxies there are, or their networks: 172.16.0.0/12, 10.1.2.3",
        ) from None


def _network(address: str) -> str:
    """An IPv6 address stands for its /64, of which a single machine has all."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if known.version == 4 or known.ipv4_mapped:
        return str(known if known.version == 4 else known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))


def _less(counted: Counter[str], client: str) -> None:
    counted[client] -= 1
    if counted[client] <= 0:
        del counted[client]
