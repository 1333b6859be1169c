"""What stands before every request: whose page it comes from, what it may carry, how much one client may ask, and the
headers of every answer. One place for the page, its private functions and the named endpoints alike.

Gradio answers whoever knows its addresses. Here a foreign page is refused (Origin, Host: DNS rebinding), files of other
hosts are refused wherever they stand in a request, and nobody takes the hub from others (`shares`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from facezoo.ui.shares import CLIENT, Shares, TooMuch

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Calls", "HubGuard", "own_hosts", "stay_offline"]

_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # gradio compiles its HTML templates in the page
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ]
)
_DOORS = re.compile(
    "/(proxy=|process_recording|(undo-)?vibe-|gradio_api/deep_link|custom_component|run-history|monitoring|profiling|dev/|"
    "login|stream/)"
)  # looked for where gradio's addresses begin, not in the names of files
_ADDRESS = re.compile(r"[\s/\\]*[a-z][a-z0-9+.-]+:|\s*(//|\\\\)", re.IGNORECASE)
_CALL = re.compile(r"/(?:gradio_api/)?(?:run|api|call(?:/v2)?)/([^/]+)/?$")
_LARGEST_BODY = 4 << 20  # bytes of a call; files come by /upload
_DEEPEST = 60  # levels of a call's JSON
_QUIET = ("GET", "HEAD", "OPTIONS")
_WAITS = re.compile(r"/(heartbeat/[^/]*|queue/data|upload_progress|call/(v2/)?[^/]+/[^/]+)$")
_PICTURE = re.compile(rb"data:(image|video|audio|application)/")
_CLASSROOM = "This hub is for a class: choose one of the ready pictures."
_WORKS = re.compile(r"/(component_server|(run|api)/[^/]+)$")
_SESSION = re.compile(r"[\w.-]{1,64}")


class _Refusal(Exception):
    """An answer instead of the request's own. retry: seconds after which to come again, 0: never."""

    def __init__(self, status: int, words: str, retry: int = 0) -> None:
        super().__init__(words)
        self.status, self.words, self.retry = status, words, retry


@dataclass(frozen=True)
class Calls:
    """What may be called. values: the number of a function -> how many values it takes. names: those of endpoints,
    with their numbers. queued: numbers of the functions that wait for one another, runs: of those that are work for a
    method. parts: those of components."""

    values: Mapping[int, int]
    names: Mapping[str, int]
    queued: frozenset[int]
    runs: frozenset[int]
    parts: frozenset[int]


class HubGuard:
    """ASGI middleware. hosts: names under which the hub is called; addresses of digits are names of it as well, those
    of other machines when one of `hosts` is none of this machine alone. calls: None lets every call pass. shares: what
    each client may take. left: told the session of a page that was closed. uploads: whether files and frames of a
    camera are taken."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Iterable[str] = (),
        calls: Calls | None = None,
        shares: Shares | None = None,
        left: Callable[[str], None] = lambda _: None,
        uploads: bool = True,
    ) -> None:
        self.app, self._uploads = app, uploads
        self._hosts = frozenset(host.lower() for host in hosts)
        self._open = any(_number(host) and not _is_loopback(host) for host in self._hosts)
        self._calls = calls
        self._shares = shares or Shares()
        self._left = left
        self._pages: Counter[str] = Counter()
        self._alone = asyncio.Semaphore(1)  # of functions that wait for one another, called past the queue
        ancestors = "'self' https://huggingface.co" if os.environ.get("SPACE_ID") else "'self'"
        self._headers = [
            (b"content-security-policy", f"{_POLICY}; frame-ancestors {ancestors}".encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            if scope["type"] != "http":
                raise _Refusal(403, "Not here.")
            self._check_whence(scope)
            CLIENT.set(self._shares.client(scope))
            if scope["method"] in _QUIET:
                await self._read_only(scope, receive, self._with_headers(send))
            else:
                await self._call(scope, receive, self._with_headers(send))
        except _Refusal as refusal:
            await self._answer(send, refusal)
        except TooMuch as much:
            await self._answer(send, _Refusal(much.status, much.words, much.retry))

    def _check_whence(self, scope: Scope) -> None:
        """The address, and the page that sends it, are the hub's own."""
        if _closed(scope["path"]):
            raise _Refusal(403, "Not here.")
        headers = _headers(scope)
        host = headers.get("host", "").lower()
        if not self._known(_name(host)):
            raise _Refusal(421, "This hub is not called by that name.")
        if scope["method"] in _QUIET:
            return
        origin = headers.get("origin", "").lower()
        whence = headers.get("sec-fetch-site", "same-origin") if not origin else ""
        if (origin and not self._own(origin, host)) or whence not in ("", "same-origin", "none"):
            raise _Refusal(403, "Requests of other pages are not taken.")

    def _known(self, name: str) -> bool:
        """A name of this hub. An address of digits cannot be made to point here by somebody else's name server."""
        return name in self._hosts or (_number(name) and (self._open or _is_loopback(name)))

    def _own(self, origin: str, host: str) -> bool:
        """Whether the page of this origin came from here, perhaps through a proxy that gives the hub another name."""
        scheme, _, place = origin.partition("://")
        return place == host or (scheme == "https" and place in self._hosts and place != "localhost")

    async def _read_only(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if not _WAITS.search(path):
            await self.app(scope, receive, send)
            return
        _, lives, session = path.partition("/heartbeat/")
        with self._shares.connection(CLIENT.get()):
            self._pages[session] += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self._pages[session] -= 1
                if not self._pages[session]:
                    del self._pages[session]
                    if lives:
                        self._left(session)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The body is looked at: JSON of bounded size and depth without remote files, for a function that there is.
        Files are only counted."""
        path, headers, client = scope["path"].rstrip("/"), _headers(scope), CLIENT.get()
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if path.endswith("/upload"):
            if not self._uploads:
                raise _Refusal(403, _CLASSROOM)
            if kind != "multipart/form-data":
                raise _Refusal(415, "Files are sent as multipart/form-data.")
            receive = self._shares.counted(client, receive, int(headers.get("content-length") or 0))
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if body and kind != "application/json":
            raise _Refusal(415, "Calls are sent as application/json.")
        if not self._uploads and _PICTURE.search(body):
            raise _Refusal(403, _CLASSROOM)
        asked = self._checked(path, _parsed(body) if body else {})
        if path.endswith("/queue/join") or "/call/" in path:
            self._shares.job(client, run=self._calls is not None and asked in self._calls.runs)
        works = _WORKS.search(path)
        alone = works and self._calls and asked in self._calls.queued
        async with self._shares.thread(client) if works else nullcontext(), self._alone if alone else nullcontext():
            await self.app(scope, _again(body, receive), send)

    def _checked(self, path: str, call: Any) -> int | None:
        """The number of the function that is called, if one is."""
        for value in _files(call):
            if _ADDRESS.match(value):
                raise _Refusal(422, "This hub fetches nothing from other hosts. Upload the file instead.")
        if not isinstance(call, dict):
            raise _Refusal(400, "This is no call.")
        given = cast("dict[str, Any]", call)
        session = given.get("session_hash")
        if session is not None:
            if not isinstance(session, str) or not _SESSION.fullmatch(session):
                raise _Refusal(400, "This is no session.")
            self._shares.session(CLIENT.get(), session)
        if given.get("batched"):
            raise _Refusal(400, "One call at a time.")
        return self._function(path, given, self._calls) if self._calls else None

    def _function(self, path: str, call: dict[str, Any], calls: Calls) -> int | None:
        if path.endswith("/component_server"):
            if type(call.get("component_id")) is not int or call["component_id"] not in calls.parts:
                raise _Refusal(404, "There is no such part of the page.")
            return None
        asked, named = call.get("fn_index"), _CALL.search(path)
        if asked is not None and (type(asked) is not int or asked not in calls.values):
            raise _Refusal(404, "There is no such function.")
        if asked is None and (path.endswith("/queue/join") or (named and named[1] not in calls.names)):
            raise _Refusal(404, "There is no such function.")
        if asked is None:
            return calls.names[named[1]] if named else None
        values = call.get("data")
        if "data" in call and (not isinstance(values, list) or len(values) < calls.values[asked]):
            raise _Refusal(400, f"This function takes {calls.values[asked]} values.")
        return asked

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in self._headers if pair[0] not in given)]
            await send(message)

        return send_with_headers

    async def _answer(self, send: Send, refusal: _Refusal) -> None:
        headers = [*self._headers, (b"content-type", b"application/json")]
        if refusal.retry:
            headers.append((b"retry-after", str(refusal.retry).encode()))
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        told: Any = refusal.words
        if refusal.status == 422:  # as gradio's clients read it
            told = [{"__type__": "validate", "is_valid": False, "parameter_name": "file", "message": refusal.words}]
        await send({"type": "http.response.body", "body": json.dumps({"detail": told}).encode()})


def own_hosts(host: str) -> set[str]:
    """The names of this hub: of this machine, `host`, the Space's, and those of FACEZOO_HOSTS (with commas between)."""
    named = os.environ.get("FACEZOO_HOSTS", "").split(",")
    names = ["localhost", socket.gethostname(), host, os.environ.get("SPACE_HOST", ""), *named]
    return {name.strip().lower() for name in names if name.strip()}


def stay_offline() -> None:
    """Sets the environment that keeps gradio and huggingface_hub from reporting usage. Call before importing gradio."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"


def _closed(path: str) -> bool:
    """True for gradio's side doors, and for files that would be fetched from another host."""
    door, file, target = path.partition("/file=")
    if not file:
        door, file, target = path.partition("/file/")
    return bool(_DOORS.search(door) or (file and _ADDRESS.match(target)))


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _name(host: str) -> str:
    """A host without its port, "" when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _number(name: str) -> bool:
    """Whether it is an address of digits."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return ipaddress.ip_address(name).is_loopback


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise _Refusal(400, "The request was cut off.")
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > _LARGEST_BODY:
            raise _Refusal(413, "This call is too large. Send files by /upload.")
    return b"".join(parts)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _Refusal(400, "This is no JSON.") from None


def _files(value: Any, depth: int = 0) -> Iterator[str]:
    """Every path of a file in a call, wherever it stands."""
    if depth > _DEEPEST:
        raise _Refusal(400, "This call is nested too deeply.")
    if isinstance(value, dict):
        path = value.get("path")
        if isinstance(path, str):
            yield path
        for each in value.values():
            yield from _files(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _files(each, depth + 1)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what comes after it."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
