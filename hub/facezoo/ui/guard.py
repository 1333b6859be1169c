"""What keeps the hub to itself: headers that forbid the page to talk to other hosts, and no fetching of addresses."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HeaderGuard", "stay_offline"]

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
        "form-action 'self'",
    ]
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_DOORS = (
    "/proxy=", "/process_recording", "/vibe", "/undo-vibe", "/deep_link", "/custom_component", "/run-history",
    "/monitoring", "/profiling", "/dev/",
)  # fmt: skip
_ADDRESS = re.compile(r"[\s/]*[a-z][a-z0-9+.-]+:", re.IGNORECASE)


class HeaderGuard:
    """ASGI middleware: adds the headers above to every answer, refuses `file=http://...`, with which gradio would fetch
    a picture from another host on a visitor's behalf, and shuts the parts of gradio that the hub does not use."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _closed(scope["path"]):
            await send({"type": "http.response.start", "status": 403, "headers": list(_HEADERS)})
            await send({"type": "http.response.body", "body": b"Not here."})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _HEADERS if pair[0] not in given)]
            await send(message)

        await self.app(scope, receive, send_with_headers)


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
