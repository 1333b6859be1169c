"""How the page reaches the browser: its document compressed, its pictures at the size they are shown, and word of what
may be kept. ASGI middleware between the guard and gradio."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable, MutableMapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facezoo.ui.common.shown import PICTURES, picture
from facezoo.ui.document import PREVIEW, PREVIEW_PICTURE, Document
from facezoo.ui.languages.choice import LANGUAGES, address, chosen, script

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Delivery"]

_FOREVER = "public, max-age=31536000, immutable"  # for addresses that change with their bytes
_DAY = "public, max-age=86400"
_SHIPPED = ("static/", f"gradio_api/file={Path(str(files('facezoo')))}/")
_BROTLI, _GZIP = 9, 6  # levels: the document takes a tenth of a second, once
_DOCUMENTS = 32  # kept: one for each name the hub is called by, in each language


class Delivery:
    """visited: called each time the document is sent."""

    def __init__(self, app: ASGIApp, hub: gr.Blocks, visited: Callable[[], None] = lambda: None) -> None:
        self.app, self._document, self._visited = app, Document(hub), visited
        self._packed: MutableMapping[tuple[str, str], bytes] = {}
        self._words = {address(language): language for language in LANGUAGES if address(language)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or lets gradio answer it."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/")
        if path == "":
            await self._page(scope, receive, send)
        elif path == self._document.look_address:
            await self._text(scope, receive, send, self._document.look, "text/css", _FOREVER)
        elif language := self._words.get(path):
            await self._text(scope, receive, send, script(language), "text/javascript", _FOREVER)
        elif path == PREVIEW:
            answer = _answer(await asyncio.to_thread(PREVIEW_PICTURE.read_bytes), "image/jpeg", _DAY)
            await answer(scope, receive, send)
        elif path.startswith(PICTURES):
            shown = await asyncio.to_thread(picture, path.removeprefix(PICTURES))
            answer = _answer(shown, "image/avif", _FOREVER) if shown else _answer(b"", "text/plain", "no-store", 404)
            await answer(scope, receive, send)
        else:
            kept = _FOREVER if path.startswith("assets/") else _DAY if path.startswith(_SHIPPED) else ""
            await self.app(scope, receive, _keeping(send, kept) if kept else send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collected(self.app, scope, receive)
        if start["status"] != 200:
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        html = await asyncio.to_thread(self._document.made_from, body.decode(), chosen(_headers(scope)))
        await self._text(scope, receive, send, html, "text/html", "no-cache")
        self._visited()

    async def _text(self, scope: Scope, receive: Receive, send: Send, text: str, kind: str, kept: str) -> None:
        """In the encoding that the browser understands; nothing when it has the same already."""
        headers = _headers(scope)
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
        understood = headers.get("accept-encoding", "")
        coding = next((each for each in ("br", "gzip") if each in understood), "identity")
        if headers.get("if-none-match") == tag:
            answer = _answer(b"", kind, kept, 304)
        else:
            packed = self._packed.get((tag, coding)) or await asyncio.to_thread(_pack, text, coding)
            if len(self._packed) >= _DOCUMENTS:
                self._packed.clear()
            self._packed[tag, coding] = packed
            answer = _answer(packed, f"{kind}; charset=utf-8", kept)
            answer.headers["content-encoding"] = coding
        depends = "accept-encoding, accept-language, cookie" if kind == "text/html" else "accept-encoding"
        answer.headers.update({"etag": tag, "vary": depends})
        await answer(scope, receive, send)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _pack(text: str, coding: str) -> bytes:
    if coding == "br":
        import brotli

        return bytes(brotli.compress(text.encode(), quality=_BROTLI))
    return gzip.compress(text.encode(), _GZIP) if coding == "gzip" else text.encode()


def _answer(body: bytes, kind: str, kept: str, status: int = 200) -> Any:
    from starlette.responses import Response

    return Response(body, status, {"cache-control": kept}, kind)


def _keeping(send: Send, kept: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            headers = [pair for pair in message["headers"] if pair[0].lower() != b"cache-control"]
            message["headers"] = [*headers, (b"cache-control", kept.encode())]
        await send(message)

    return sent


async def _collected(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """The whole answer of an app."""
    start: Message = {"type": "http.response.start", "status": 500, "headers": []}
    parts: list[bytes] = []

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, take)
    return start, b"".join(parts)
