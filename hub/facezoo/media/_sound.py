"""Sound with PyAV: copied into films, or decoded to be listened to. In the confined process only."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError
from av.stream import Disposition

from facezoo.errors import TooLarge, Unreadable
from facezoo.media._sandbox import Header, Payload
from facezoo.media.limits import LIMITS

__all__ = ["copy_audio", "decode_sound", "sound_of", "start_of"]

_RATE: Final = 16_000
_MOST_RATE: Final = 48_000
_COPIED: Final = {"aac", "mp3", "mp3float", "opus", "libopus", "alac", "flac", "ac3"}
"""What MP4 carries and its players take."""


def copy_audio(path: Path, form: str) -> Iterator[tuple[Header, Payload]]:
    """The sound of a video, packet by packet: first {} + a one-packet NUT file that carries the codec's parameters,
    then {pts, dts, duration, time_base: [n, d], key} + the packet's bytes, untouched.

    Times are counted from the first video frame, in units of time_base. What MP4 players do not take is encoded anew
    as AAC. A file without a sound that can be decoded gives nothing."""
    with opened(path, form) as container:
        stream = sound_of(container)
        if stream is None:
            return
        start = start_of(container.streams.video[0]) if container.streams.video else Fraction(0)
        template: Any = stream
        if stream.codec_context.name in _COPIED:
            packets: Iterator[Any] = (packet for packet in container.demux(stream) if packet.size)
        else:
            template, packets = _as_aac(container, stream)
        first = True
        for packet in packets:
            if first:
                yield {}, _parameters(template, packet)
                first = False
            base = packet.time_base or stream.time_base
            shift = round(start / base)
            yield (
                {
                    "pts": None if packet.pts is None else packet.pts - shift,
                    "dts": None if packet.dts is None else packet.dts - shift,
                    "duration": packet.duration or 0,
                    "time_base": [base.numerator, base.denominator],
                    "key": packet.is_keyframe,
                },
                bytes(packet),
            )


def decode_sound(path: Path, form: str) -> Iterator[tuple[Header, Payload]]:
    """The sound of a file, as mono s16le at 16 kHz, in pieces: ({}, bytes) each. Nothing comes from a file without one.

    Raises Unreadable, TooLarge."""
    with opened(path, form) as container:
        stream = sound_of(container)
        if stream is None:
            return
        resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
        most, sent = int((LIMITS.seconds_max + 1) * _RATE), 0
        for frame in _decoded(container, stream):
            for piece in resampler.resample(frame):
                sent += piece.samples
                if sent > most:
                    raise TooLarge(f"This sound is longer than {LIMITS.seconds_max:.0f} s.", "Cut it shorter.")
                yield {}, piece.to_ndarray().tobytes()
        for piece in resampler.resample(None):
            yield {}, piece.to_ndarray().tobytes()


def sound_of(container: Any) -> Any:
    """The sound that players play: the one marked as default, else the first, among those that can be decoded; None
    when there is none."""
    able = [
        each for each in container.streams.audio if each.codec_context is not None and each.codec_context.sample_rate
    ]
    return next((each for each in able if each.disposition & Disposition.default), able[0] if able else None)


def start_of(stream: Any) -> Fraction:
    """When the first video frame is shown, in seconds of the container's clock."""
    return Fraction(stream.start_time or 0) * Fraction(stream.time_base or 1)


def opened(path: Path, form: str) -> Any:
    """The container of a sound or a film, over local files only. Raises Unreadable."""
    options = {"protocol_whitelist": "file", "max_streams": "16"}
    try:
        return av.open(str(path), format=form, options=options, metadata_errors="replace")
    except (FFmpegError, ValueError):
        raise _damaged() from None


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames; damage becomes an error that says so."""
    try:
        yield from container.decode(stream)
    except (FFmpegError, EOFError):
        raise _damaged() from None


def _damaged() -> Unreadable:
    return Unreadable("This sound is damaged or cut off.", "Save or record it again.")


def _parameters(template: Any, packet: Any) -> bytes:
    """A NUT file of one packet: the shortest way to carry codec parameters (extradata, layout) between processes."""
    store = BytesIO()
    with av.open(store, "w", format="nut") as carrier:
        stream = carrier.add_stream_from_template(template)
        copy = av.Packet(bytes(packet))
        copy.pts = copy.dts = 0
        copy.time_base = packet.time_base or template.time_base
        copy.is_keyframe = True
        copy.stream = stream
        carrier.mux(copy)
    return store.getvalue()


def _as_aac(container: Any, stream: Any) -> tuple[Any, Iterator[Any]]:
    """An AAC encoder's stream for `stream`, and its packets."""
    sink = av.open(BytesIO(), "w", format="nut")
    rate = stream.codec_context.sample_rate
    encoded: Any = sink.add_stream("aac", rate=rate if 8_000 <= rate <= 48_000 else _MOST_RATE)
    encoded.codec_context.layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    encoded.codec_context.bit_rate = 160_000
    encoded.codec_context.open()

    def packets() -> Iterator[Any]:
        resampler = av.AudioResampler(
            format=encoded.codec_context.format,
            layout=encoded.codec_context.layout,
            rate=encoded.codec_context.sample_rate,
            frame_size=encoded.codec_context.frame_size,
        )
        for decoded in _decoded(container, stream):
            for frame in resampler.resample(decoded):
                yield from encoded.codec_context.encode(frame)
        for frame in resampler.resample(None):
            yield from encoded.codec_context.encode(frame)
        yield from encoded.codec_context.encode(None)

    return encoded, packets()
