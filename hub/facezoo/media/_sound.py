"""Decoding of sound with PyAV, in the confined process only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from facezoo.errors import TooLarge, Unreadable
from facezoo.media._sandbox import Header, Payload
from facezoo.media.limits import LIMITS

__all__ = ["decode_sound"]

_RATE = 16_000


def decode_sound(path: Path, form: str) -> Iterator[tuple[Header, Payload]]:
    """The first sound that can be decoded, as mono s16le at 16 kHz, in pieces: ({}, bytes) each.

    Nothing comes from a file without sound. Raises Unreadable, TooLarge."""
    try:
        container = av.open(str(path), format=form, options={"protocol_whitelist": "file", "max_streams": "16"})
    except (FFmpegError, ValueError):
        raise _damaged() from None
    with container:
        for stream in container.streams.audio:
            codec: Any = stream.codec_context  # None where FFmpeg has no decoder
            if codec is not None:
                yield from _resampled(container, stream)
                return


def _resampled(container: Any, stream: Any) -> Iterator[tuple[Header, Payload]]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    most, sent = int((LIMITS.seconds_max + 1) * _RATE), 0
    try:
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                sent += piece.samples
                if sent > most:
                    raise TooLarge(f"This sound is longer than {LIMITS.seconds_max:.0f} s.", "Cut it shorter.")
                yield {}, piece.to_ndarray().tobytes()
        for piece in resampler.resample(None):
            yield {}, piece.to_ndarray().tobytes()
    except (FFmpegError, EOFError):
        raise _damaged() from None


def _damaged() -> Unreadable:
    return Unreadable("This sound is damaged or cut off.", "Save or record it again.")
