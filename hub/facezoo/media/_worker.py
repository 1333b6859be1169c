"""The decoding process: confines itself, then answers requests on its standard input.

It is a process of its own because decoders of pictures and video are where hostile files do their damage. It may
not grow beyond a set address space, not run longer than a few seconds a picture, and write no file. It imports
Pillow and pillow-heif, or PyAV, and nothing else of weight. It ends when its input does, so never outlives its parent.
For a call it imports what is asked for, and has limits of that call, which may write files.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from facezoo.errors import FacezooError, TooLarge, Unreadable
from facezoo.media._sandbox import EndOfWire, Header, Payload, receive, send
from facezoo.media.limits import LIMITS

__all__ = ["main"]

_ROOMY: Final = 32 * 1024**2


def main() -> None:
    """Serve until the parent closes the wire: `{"ready"}` once, then answers.

    Requests: {"do": "photo" | "animation", "form"} + the file's bytes, or {"do": "video" | "audio" | "sound", "form",
    "path", "most"}. A photo is answered by one message, the others by many, then {"end"}. {"do": "call"} is that of
    `_sandbox.call`. Any failure is {"error", "message", "advice"}."""
    wire_in, wire_out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not speak into the protocol
    if sys.argv[-1] != "call":
        _confine(LIMITS.memory, 0)
        # Imported before the first request, so that none pays for it.
        importlib.import_module("facezoo.media._pictures" if sys.argv[-1] == "pictures" else "facezoo.media.video")
    try:
        send(wire_out, {"ready": True})
        while True:
            header, payload = receive(wire_in, most=LIMITS.image_bytes)
            _serve(wire_out, header, bytes(payload))
            del payload
    except (EndOfWire, BrokenPipeError, KeyboardInterrupt):
        os._exit(0)


def _serve(wire: IO[bytes], header: Header, payload: bytes) -> None:
    """Answer one request, whatever happens in it."""
    largest = 0
    try:
        _allow_seconds(int(header.get("seconds", LIMITS.cpu_seconds)))
        for answer, pixels in _answers(header, payload):
            send(wire, answer, pixels)
            largest = max(largest, memoryview(pixels).nbytes)
            _allow_seconds(LIMITS.cpu_seconds)
    except BrokenPipeError:
        raise
    except FacezooError as error:
        send(wire, {"error": type(error).__name__, "message": error.message, "advice": error.advice})
    except MemoryError:
        error = TooLarge("This file needs more memory than facezoo gives to one file.", "Use a smaller one.")
        send(wire, {"error": "TooLarge", "message": error.message, "advice": error.advice})
    except Exception:  # a decoder failed in a way of its own: to the user the file is damaged
        error = Unreadable("This file is damaged.", "Save or download it again.")
        send(wire, {"error": "Unreadable", "message": error.message, "advice": error.advice})
    if largest > _ROOMY:
        _give_memory_back()


def _answers(header: Header, payload: bytes) -> Iterator[tuple[Header, Payload]]:
    """The messages that answer a request."""
    if header["do"] == "call":
        for name in header["imports"]:
            importlib.import_module(name)
        module, _, name = str(header["function"]).partition(":")
        function = getattr(importlib.import_module(module), name)
        _confine(_address_space() + header["memory"], header["memory"])
        yield function(*header["words"]), b""
        return
    task, form = str(header["do"]), str(header["form"])
    if task == "photo":
        from facezoo.media._pictures import decode_photo

        yield decode_photo(payload, form)
        return
    if task == "animation":
        from facezoo.media._pictures import decode_animation

        yield from decode_animation(payload, form)
    elif task == "video":
        from facezoo.media.video import decode_video

        yield from decode_video(Path(header["path"]), form, most=int(header.get("most", 0)))
    elif task == "audio":
        from facezoo.media._sound import copy_audio

        yield from copy_audio(Path(header["path"]), form)
    elif task == "sound":
        from facezoo.media._sound import decode_sound

        yield from decode_sound(Path(header["path"]), form)
    yield {"end": True}, b""


def _confine(memory: int, file_bytes: int) -> None:
    """Limit the address space and the size of files that are written, forbid core dumps. On systems without rlimits
    the parent's clock is all there is."""
    try:
        import resource
    except ImportError:
        return
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):  # macOS refuses RLIMIT_AS
            continue


def _address_space() -> int:
    """Bytes of this process now, as RLIMIT_AS counts them. 0 where the system does not say: none of those limits it."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _allow_seconds(seconds: int) -> None:
    """Grant the next work its processor time. RLIMIT_CPU counts from the start of the process, hence the sum."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _give_memory_back() -> None:
    """Return freed pages of a large picture to the system; glibc would keep them for the life of the process."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (OSError, AttributeError):
            return
