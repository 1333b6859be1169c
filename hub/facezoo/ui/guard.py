"""What stands before every request: whose page it comes from, what it may carry, how much one client may ask, and the
headers of every answer. One place for the page, its private functions and the named endpoints alike.

Gradio answers whoever knows its addresses. Here a foreign page is refused (Origin, Host: DNS rebinding), files of other
hosts are refused wherever they stand in a request, and nobody takes the hub from others (`shares`).
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from facezoo.ui.shares import CLIENT, Shares, TooMuch

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HubGuard", "own_hosts", "stay_offline"]

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
_DOORS = (
    "/proxy=", "/process_recording", "/vibe", "/undo-vibe", "/deep_link", "/custom_component", "/run-history",
    "/monitoring", "/profiling", "/dev/", "/login", "/reset", "/stream/",
)  # fmt: skip
_ADDRESS = re.compile(r"[\s/\\]*[a-z][a-z0-9+.-]+:|\s*(//|\\\\)", re.IGNORECASE)
_CALL = re.compile(r"/(?:gradio_api/)?(?:run|api|call(?:/v2)?)/([^/]+)/?$")
_LARGEST_BODY = 4 << 20  # bytes of a call; files come by /upload
_DEEPEST = 60  # levels of a call's JSON
_QUIET = ("GET", "HEAD", "OPTIONS")


class _Refusal(Exception):
    """An answer instead of the request's own. retry: seconds after which to come again, 0: never."""

    def __init__(self, status: int, words: str, retry: int = 0) -> None:
        super().__init__(words)
        self.status, self.words, self.retry = status, words, retry


class HubGuard:
    """ASGI middleware. hosts: names under which the hub is called, besides addresses of digits. calls: gives the
    numbers of the functions that may be called, with how many values each takes, and their names, asked at each call.
    shares: what each client may take. left: told the session of a page that was closed."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Iterable[str] = (),
        calls: Callable[[], tuple[dict[int, int], set[str]]] | None = None,
        shares: Shares | None = None,
        left: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._calls = calls
        self._shares = shares or Shares()
        self._left = left
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
            client = self._shares.client(scope)
            CLIENT.set(client)
            if scope["method"] not in _QUIET:
                receive = await self._checked(scope, receive, client)
            with self._shares.connection(client, scope["path"]):
                try:
                    await self.app(scope, receive, self._with_headers(send))
                finally:
                    _, leaving, session = scope["path"].partition("/heartbeat/")
                    if leaving:
                        self._left(session)
        except _Refusal as refusal:
            await self._answer(send, refusal)
        except TooMuch as much:
            await self._answer(send, _Refusal(much.status, much.words, much.retry))

    def _check_whence(self, scope: Scope) -> None:
        """The address, and the page that sends it, are the hub's own."""
        if _closed(scope["path"]):
            raise _Refusal(403, "Not here.")
        headers = _headers(scope)
        host = headers.get("host", "")
        if not self._known(host):
            raise _Refusal(421, "This hub is not called by that name.")
        if scope["method"] in _QUIET:
            return
        origin = headers.get("origin")
        if origin is not None and not _same(origin, host, headers.get("x-forwarded-host", "")):
            raise _Refusal(403, "Requests of other pages are not taken.")
        if origin is None and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise _Refusal(403, "Requests of other pages are not taken.")

    def _known(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        return name in self._hosts or _is_number(name)

    async def _checked(self, scope: Scope, receive: Receive, client: str) -> Receive:
        """The body, looked at: JSON of bounded size and depth without remote files, for a function that there is. Files
        are only counted."""
        path, headers = scope["path"], _headers(scope)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if path.rstrip("/").endswith("/upload"):
            if kind != "multipart/form-data":
                raise _Refusal(415, "Files are sent as multipart/form-data.")
            return self._shares.counted(client, receive, int(headers.get("content-length") or 0))
        body, session = await _read(receive), ""
        if body or kind:
            if kind != "application/json":
                raise _Refusal(415, "Calls are sent as application/json.")
            call = _parsed(body)
            self._check_call(path, call)
            session = str(call.get("session_hash") or "") if isinstance(call, dict) else ""
        self._shares.call(client, path, session)
        return _again(body, receive)

    def _check_call(self, path: str, call: Any) -> None:
        for value in _files(call):
            if _ADDRESS.match(value):
                raise _Refusal(400, "This hub fetches nothing from other hosts. Upload the file instead.")
        if self._calls is None or not isinstance(call, dict):
            return
        numbers, names = self._calls()
        asked = call.get("fn_index")
        if asked is not None and (not isinstance(asked, int) or isinstance(asked, bool) or asked not in numbers):
            raise _Refusal(404, "There is no such function.")
        if asked is not None and len(call.get("data") or []) < numbers[asked]:
            raise _Refusal(400, f"This function takes {numbers[asked]} values.")
        named = _CALL.search(path)
        if named and asked is None and named[1] not in names:
            raise _Refusal(404, "There is no such endpoint.")
        if path.rstrip("/").endswith("/queue/join") and asked is None:
            raise _Refusal(404, "There is no such function.")

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
        await send({"type": "http.response.body", "body": json.dumps({"detail": refusal.words}).encode()})


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
    if any(door in path for door in _DOORS):
        return True
    for marker in ("/file=", "/file/"):
        _, found, target = path.partition(marker)
        if found and _ADDRESS.match(target):
            return True
    return False


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _is_number(name: str) -> bool:
    """An address of digits cannot be made to point here by somebody else's name server."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(origin: str, host: str, forwarded: str) -> bool:
    """Whether the page of this origin came from here."""
    return urlsplit(origin).netloc.lower() in {each.lower() for each in (host, forwarded) if each}


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
