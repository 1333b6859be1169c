"""The parent's side of decoding: starts the confined process, asks it, times it, replaces it.

Photos go to one long-lived process (`decode_photo`), since starting one costs more than decoding most pictures. Each
walk through a clip has a process to itself (`stream`): the pipe between them holds a frame or two, so the decoder
works ahead while the caller works, at constant memory, and a caller that stops early just ends it. Other work on files
of strangers is a function of facezoo that gets a process for one `call`.

How facezoo and its decoding process talk: a JSON header, then bytes, both preceded by their length.

Nothing but JSON and raw pixels crosses, so neither side can make the other run anything.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any, Final, cast

from facezoo.errors import BadInput, FacezooError, TooLarge, Unreadable, UnsupportedFormat, UsageError
from facezoo.media.limits import LIMITS

__all__ = ["EndOfWire", "Header", "Payload", "call", "decode_photo", "receive", "send", "stream", "worker_pid"]

_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from facezoo.media._worker import main; main()"
)
_ERRORS: Final[dict[str, type[FacezooError]]] = {
    each.__name__: each for each in (FacezooError, TooLarge, Unreadable, UnsupportedFormat, UsageError)
}
_PICTURES_A_WORKER: Final = 1000
_PIPE_BYTES: Final = 1024**2
_LAST_WORDS: Final = 0.5
"""Seconds that a process has to die after it closed the wire."""
_F_SETPIPE_SZ: Final = 1031


def decode_photo(data: bytes, form: str) -> tuple[Header, bytearray]:
    """Decode the first picture of `data`, known by its magic bytes to be `form`, in the long-lived process.

    Returns the header {width, height, count, seconds} and its RGB bytes. Thread safe: callers take turns.
    Raises Unreadable, TooLarge, UnsupportedFormat."""
    request: Header = {"do": "photo", "form": form}
    with _Keeper.lock:
        child = _Keeper.child_now()
        try:
            try:
                return child.exchange(request, data)
            except _Broken as broken:
                if not broken.from_outside:
                    raise
                child = _Keeper.replace()  # somebody ended it: not this picture's fault
                return child.exchange(request, data)
        except _Broken as broken:
            _Keeper.end()
            raise broken.error from None
        except BaseException:
            if not child.idle:
                _Keeper.end()  # interrupted half way through an answer
            raise


def stream(request: Header, data: Payload = b"") -> Iterator[tuple[Header, bytearray]]:
    """Ask a process of its own and yield its messages until {"end"}; closing the iterator ends the process.

    Raises what the process reports: Unreadable, TooLarge, UnsupportedFormat."""
    work = "pictures" if request["do"] == "animation" else "video"
    child, finished = _Spares.take(work), False
    try:
        header, payload = child.exchange(request, data)
        while not header.get("end"):
            yield header, payload
            header, payload = child.answer()
        finished = True
    except BadInput:
        finished = True
        raise
    except _Broken as broken:
        raise broken.error from None
    finally:
        if finished:
            _Spares.keep(work, child)
        else:
            child.end()


def call(function: str, imports: list[str], *words: str, memory: int, seconds: int) -> Header:
    """Run a function of facezoo, "module:name", on some texts, in a confined process that ends with it.

    imports: modules that it needs, loaded before the limits are set. memory: bytes that it may take then, and that a
    file it writes may have. seconds: of processor time, with the imports. Returns its answer, made of what JSON knows.
    Raises FacezooError, UsageError, Unreadable, UnsupportedFormat as it does; TooLarge when it passes a limit."""
    request: Header = {"do": "call", "function": function, "imports": imports, "words": words}
    try:
        child = _Child("call", wall=3.0 * seconds)
        try:
            return child.exchange(request | {"memory": memory, "seconds": seconds}, b"")[0]
        finally:
            child.end()
    except _Broken as broken:
        raise broken.error from None


def worker_pid() -> int:
    """Process id of the long-lived decoder, started if need be."""
    with _Keeper.lock:
        return _Keeper.child_now().pid


class _Broken(Exception):
    """The child died or overran its time; `error` is what the user is told."""

    def __init__(self, error: BadInput, *, from_outside: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.from_outside = from_outside


class _Child:
    """One confined process and the wire to it. wall: seconds for an answer."""

    def __init__(self, work: str, wall: float | None = None) -> None:
        self._wall = wall
        roots = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" must become the working folder
        kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, json.dumps(roots), work],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={name: os.environ[name] for name in kept if name in os.environ}
            | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._overran = False
        self.asked = 0
        self.idle = True
        _widen(self._from.fileno())
        self._receive(LIMITS.start_seconds)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def exchange(self, header: Header, data: Payload) -> tuple[Header, bytearray]:
        """Send a request and return the first message that answers it. Raises as `answer` does."""
        self.asked += 1
        self.idle = False
        try:
            with self._clock(self._wall or LIMITS.wall_seconds):
                send(self._to, header, data)
        except OSError:
            raise self._broken() from None
        return self.answer()

    def answer(self) -> tuple[Header, bytearray]:
        """The next message. Raises the error it reports, or _Broken when there is none in time."""
        header, payload = self._receive(self._wall or LIMITS.wall_seconds)
        self.idle = True
        if "error" in header:
            kind = _ERRORS.get(str(header["error"]), Unreadable)
            raise kind(str(header.get("message", "")), str(header.get("advice", "")))
        return header, payload

    def end(self) -> None:
        """Kill it and reap it. Safe to call twice."""
        self._process.kill()
        for pipe in (self._to, self._from):
            try:
                pipe.close()
            except OSError:
                continue
        self._process.wait()

    def forget(self) -> None:
        """Close our copies of the pipes after a fork: the process belongs to the parent."""
        self._to.close()
        self._from.close()

    def _receive(self, seconds: float) -> tuple[Header, bytearray]:
        most = LIMITS.work_side**2 * 3
        try:
            with self._clock(seconds):
                return receive(self._from, most=most)
        except (EndOfWire, OSError, ValueError):
            raise self._broken() from None

    def _clock(self, seconds: float) -> _Clock:
        return _Clock(seconds, self._overrun)

    def _overrun(self) -> None:
        self._overran = True
        self._process.kill()

    def _broken(self) -> _Broken:
        """Why there is no answer. The process gets a moment to die its own death before it is ended here; a SIGKILL
        that is not ours comes from outside."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_WORDS)
        died = self._process.returncode
        self.end()
        if self._overran or died == -signal.SIGXCPU:
            late = TooLarge("This file takes too long to open.", "It may be damaged. Save it again, smaller.")
            return _Broken(late)
        damaged = Unreadable("This file is damaged and cannot be opened.", "Save or download it again.")
        return _Broken(damaged, from_outside=died == -signal.SIGKILL)


class _Clock:
    """Runs `overrun` on another thread unless the block ends first: works on every system, for pipes too."""

    def __init__(self, seconds: float, overrun: object) -> None:
        self._timer = threading.Timer(seconds, cast("type[None]", overrun))
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


class _Keeper:
    """Holds the long-lived process. `lock` is held by whoever talks to it."""

    lock = threading.Lock()
    child: _Child | None = None

    @classmethod
    def child_now(cls) -> _Child:
        child = cls.child
        if child is None or not child.alive or child.asked >= _PICTURES_A_WORKER:
            return cls.replace()
        return child

    @classmethod
    def replace(cls) -> _Child:
        cls.end()
        try:
            cls.child = _Child("pictures")
        except _Broken as broken:
            raise broken.error from None
        return cls.child

    @classmethod
    def end(cls) -> None:
        if cls.child is not None:
            cls.child.end()
            cls.child = None

    @classmethod
    def after_fork(cls) -> None:
        """A forked child must not share the parent's wire: both would read each other's pictures."""
        cls.lock = threading.Lock()
        if cls.child is not None:
            cls.child.forget()
            cls.child = None


class _Spares:
    """At most one idle process of each kind, kept after a clip for the next one: starting one takes a while."""

    lock = threading.Lock()
    idle: Final[dict[str, _Child]] = {}

    @classmethod
    def take(cls, work: str) -> _Child:
        with cls.lock:
            child = cls.idle.pop(work, None)
        if child is not None and child.alive:
            return child
        try:
            return _Child(work)
        except _Broken as broken:
            raise broken.error from None

    @classmethod
    def keep(cls, work: str, child: _Child) -> None:
        with cls.lock:
            kept = cls.idle.setdefault(work, child)
        if kept is not child:
            child.end()

    @classmethod
    def end(cls) -> None:
        with cls.lock:
            for child in cls.idle.values():
                child.end()
            cls.idle.clear()

    @classmethod
    def after_fork(cls) -> None:
        """As for `_Keeper`: the parent's processes are not ours to talk to."""
        cls.lock = threading.Lock()
        for child in cls.idle.values():
            child.forget()
        cls.idle.clear()


def _widen(descriptor: int) -> None:
    """A frame of video should cross in a few turns; the default pipe holds 64 KiB. Best effort, Linux only."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(descriptor, _F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            return


atexit.register(_Keeper.end)
atexit.register(_Spares.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Keeper.after_fork)
    os.register_at_fork(after_in_child=_Spares.after_fork)


Header = dict[str, Any]
Payload = bytes | bytearray | memoryview

_LENGTHS: Final = struct.Struct("<IQ")
_HEADER_BYTES: Final = 65_536


class EndOfWire(Exception):
    """The other side is gone."""


def send(stream: IO[bytes], header: Header, payload: Payload = b"") -> None:
    """Write one message and flush it. Raises OSError when the other side is gone."""
    text = json.dumps(header).encode()
    size = memoryview(payload).nbytes
    stream.write(_LENGTHS.pack(len(text), size))
    stream.write(text)
    if size:
        stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes], *, most: int) -> tuple[Header, bytearray]:
    """Read one message whose payload has at most `most` bytes.

    Raises EndOfWire when the stream ends or the message breaks the protocol."""
    header_size, size = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if header_size > _HEADER_BYTES or size > most:
        raise EndOfWire("a message is longer than the protocol allows")
    header = json.loads(bytes(_exactly(stream, header_size)))
    if not isinstance(header, dict):
        raise EndOfWire("a message without a header")
    return header, _exactly(stream, size)  # pyright: ignore[reportUnknownVariableType]


def _exactly(stream: IO[bytes], count: int) -> bytearray:
    """Read `count` bytes, writable so that a picture can be viewed in place without a copy."""
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got: int = stream.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EndOfWire("the stream ended")
        view = view[got:]
    return data
