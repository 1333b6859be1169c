"""What stands before everything in public: probes, rates, patience with slow clients, a count and a line of log for
each request.

/healthz: the server answers. /readyz: it takes work, too. /metrics: for machines beside it, not for who comes through
a proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from facezoo.errors import UsageError
from facezoo.ui.public.figures import CONTENT_TYPE, Figures
from facezoo.ui.public.log import client_tag
from facezoo.ui.shares import TooMuch

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Front", "Rate", "State"]

_log = logging.getLogger("facezoo.ui.public")
_CALLS = "1200/minute"  # of a client, however small: a slider moved is one
_SILENCE = 60.0  # seconds for which a client may neither send what it began nor read what it asked for
_RETRY = 10  # seconds after which to come again, where nothing better is known
_KINDS = {
    "/gradio_api/upload": "upload", "/gradio_api/file": "file", "/gradio_api/queue/join": "call",
    "/gradio_api/call/": "call", "/gradio_api/run/": "call", "/gradio_api/component_server": "call",
    "/gradio_api/queue/data": "stream", "/gradio_api/heartbeat/": "stream", "/gradio_api/upload_progress": "stream",
    "/assets/": "asset", "/static/": "asset", "/theme": "asset",
}  # fmt: skip


class Rate:
    """How often one client may do something. words: as limits has it, such as "60/minute; 600/hour"."""

    def __init__(self, words: str) -> None:
        try:
            self._items: list[RateLimitItem] = parse_many(words)
        except ValueError:
            raise UsageError(f"{words!r} is no rate.", 'Write it as "60/minute; 600/hour".') from None
        self._kept = MovingWindowRateLimiter(MemoryStorage())

    def check(self, client: str) -> None:
        """Counts one. Raises TooMuch, with the seconds after which there is room again."""
        for item in self._items:
            if not self._kept.test(item, client):
                again = self._kept.get_window_stats(item, client).reset_time - time.time()
                raise TooMuch("That was a lot in a short time. Come back in a moment.", retry=max(1, math.ceil(again)))
        for item in self._items:
            self._kept.hit(item, client)


@dataclass
class State:
    """warm: what the first visitor needs is loaded. leaving: nothing new is taken, what was begun is finished."""

    warm: bool = False
    leaving: bool = False


class Front:
    """ASGI middleware. client_of: who sent a request. has_room: whether files can be stored."""

    def __init__(
        self,
        app: ASGIApp,
        state: State,
        figures: Figures,
        client_of: Callable[[Scope], str],
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self.app = app
        self._state, self._figures, self._client_of, self._has_room = state, figures, client_of, has_room
        self._rate = Rate(_CALLS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, counts it, and writes it down."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] == "GET" and (probe := self._probe(scope)):
            await _answer(send, *probe)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind, began, status = _kind(scope), time.monotonic(), 0
        client = self._client_of(scope)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 503:
                    message["headers"] = [*message["headers"], (b"retry-after", str(_RETRY).encode())]
            async with asyncio.timeout(_SILENCE):
                await send(message)

        try:
            await self._passed(scope, _patient(receive), watched, client)
        except TimeoutError:  # the client is silent; its connection is closed, after an answer if none was begun
            if not status:
                status = 408
                await _answer(send, status, json.dumps({"detail": "Nothing came for a minute."}).encode())
        finally:
            spent = time.monotonic() - began
            status = status or 500  # as the server answers when the hub raises
            self._figures.answered(kind, status, spent)
            facts = {"kind": kind, "method": scope["method"], "status": status, "seconds": round(spent, 3)}
            _log.info("request", extra={"facts": facts | {"client": client_tag(client)}})

    async def _passed(self, scope: Scope, receive: Receive, send: Send, client: str) -> None:
        if scope["method"] == "POST":
            try:
                if self._state.leaving:
                    raise TooMuch("This hub is being restarted. Come back in a moment.", status=503, retry=_RETRY)
                if _kind(scope) == "upload" and not self._has_room():
                    raise TooMuch("The hub has no room for files just now.", status=507, retry=600)
                self._rate.check(client)
            except TooMuch as much:
                body = json.dumps({"detail": much.words}).encode()
                await _answer(send, much.status, body, retry=0 if much.status == 503 else much.retry)
                return
        await self.app(scope, receive, send)

    def _probe(self, scope: Scope) -> tuple[int, bytes, str] | None:
        path, plain = scope["path"], "text/plain"
        if path == "/healthz":
            return 200, b"ok\n", plain
        if path == "/readyz":
            missing = self._missing()
            return (503, f"{missing}\n".encode(), plain) if missing else (200, b"ok\n", plain)
        if path == "/metrics":
            return (200, self._figures.text(), CONTENT_TYPE) if _beside(scope) else (404, b"Not here.\n", plain)
        return None

    def _missing(self) -> str:
        """Why it takes no work, "" when it does."""
        if self._state.leaving:
            return "leaving"
        if not self._state.warm:
            return "warming up"
        return "" if self._has_room() else "no room for files"


def _kind(scope: Scope) -> str:
    """What is asked for, without a name of it."""
    path: str = scope["path"]
    if path == "/":
        return "page"
    if scope["method"] == "GET" and path.startswith("/gradio_api/call/"):
        return "stream"
    return next((kind for start, kind in _KINDS.items() if path.startswith(start)), "other")


def _beside(scope: Scope) -> bool:
    """Whether it comes straight from a machine of the same private network."""
    forwarded = any(name.lower() in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    try:
        address = ipaddress.ip_address((scope.get("client") or ("", 0))[0])
    except ValueError:
        return False
    return address.is_private and not forwarded


def _patient(receive: Receive) -> Receive:
    """The same, but what was begun must go on within a minute."""
    whole = False

    async def received() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        async with asyncio.timeout(_SILENCE):
            message = await receive()
        whole = not message.get("more_body", False)
        return message

    return received


async def _answer(send: Send, status: int, body: bytes, kind: str = "application/json", *, retry: int = 0) -> None:
    headers: list[Any] = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if retry:
        headers.append((b"retry-after", str(retry).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
