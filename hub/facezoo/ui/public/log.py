"""The log of a hub in public: a JSON object a line, without pictures, names, addresses, or words of visitors.

Of an exception it has the type and the places in the code, not the message, which may name somebody's file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

__all__ = ["JsonLines", "client_tag", "log_as_json"]

_log = logging.getLogger("facezoo.ui.public")
_KEY = secrets.token_bytes(16)  # of this process, so that nobody is known again from another one's log
_OURS = ("facezoo", "gradio", "uvicorn", "asyncio")  # whose words are written by programs, not by visitors


def client_tag(client: str) -> str:
    """The same 8 letters for the same client while this process lives; they tell nothing of the address."""
    return hashlib.blake2b(client.encode(), key=_KEY, digest_size=4).hexdigest()


class JsonLines(logging.Formatter):
    """time, level, logger, event; what `extra={"facts": {...}}` gave; of an exception its type and places."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts: Mapping[str, Any] = getattr(record, "facts", {})
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.msg,  # without its arguments, which may be a visitor's
            **facts,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "where": _places(record.exc_info[2])}
        return json.dumps(line, ensure_ascii=True, default=lambda value: type(value).__name__)


def log_as_json(stream: TextIO, *others: logging.Handler) -> None:
    """From now on all that this process logs goes there, tracebacks of gradio, uvicorn and threads as well.

    others: handlers that see the same lines. Call after the server was started: it sets up its own logs."""
    from gradio import queueing, route_utils, routes, utils

    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler, *others]
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO if name == "facezoo" else logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for module in (queueing, route_utils, routes, utils):
        held: Any = module
        held.traceback = _Traceback
    threading.excepthook = lambda told: _log.error("error in a thread", exc_info=told.exc_value)


class _Traceback:
    """Stands for the module `traceback` in gradio, which would print visitors' names."""

    format_exc = staticmethod(traceback.format_exc)

    @staticmethod
    def print_exc() -> None:
        """The exception that is being handled, to the log."""
        _log.error("error", exc_info=sys.exc_info())


def _places(trace: TracebackType | None) -> list[str]:
    """package/file.py:line of the last ten calls."""
    found: list[str] = []
    for frame in traceback.extract_tb(trace)[-10:]:
        parts = frame.filename.replace("\\", "/").split("/")
        start = parts.index("site-packages") + 1 if "site-packages" in parts else max(0, len(parts) - 3)
        found.append(f"{'/'.join(parts[start:])}:{frame.lineno}")
    return found
