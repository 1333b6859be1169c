"""How facezoo and its decoding process talk: a JSON header, then bytes, both preceded by their length.

Nothing but JSON and raw pixels crosses, so neither side can make the other run anything.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any, Final

__all__ = ["EndOfWire", "Header", "Payload", "receive", "send"]

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
