"""Decoding of video with PyAV, at constant memory. `decode_video` runs in the confined process
only (see `_worker`); nothing outside it opens a video file that a user brought.

The demuxer is forced by the magic bytes, never probed, and may open local files only: no playlist, no socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat
from facezoo.media._hdr import is_plain, to_srgb
from facezoo.media._sandbox import Header, Payload
from facezoo.media._sound import sound_of, start_of
from facezoo.media.limits import LIMITS

__all__ = ["decode_video"]

_CODECS: Final = {"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9", "mpeg4", "mjpeg", "prores",
                  "h263", "mpeg2video"}  # fmt: skip
_WITH_ALPHA: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders of these pass over transparency
_HELD: Final = 1.5  # frame lengths from which the last frame counts as held
_THREADS: Final = 2
_MATRIX_STEP: Final = 65536  # display matrices are 16.16 fixed point


def decode_video(path: Path, form: str, *, most: int = 0) -> Iterator[tuple[Header, Payload]]:
    """First {width, height, count, rate: [n, d], audio}, then each frame as ({"time"}, RGB bytes).

    Frames are upright (display matrix) with square pixels; times are seconds from the first frame. Count and rate
    are the container's claims. most: stop after so many frames (0: at the end). Limits are counted while decoding.
    Raises Unreadable, TooLarge, UnsupportedFormat."""
    with _open(path, form) as container:
        stream = _film(container)
        _check(container, stream)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        rate = min(max(Fraction(rate), Fraction(1, 10)), Fraction(240))
        size: tuple[int, int] | None = None
        converter = VideoReformatter()  # one for all frames: each holds threads and tables of its own
        turn, rotation = np.eye(2, dtype=np.int64), None
        last, number, held = -1.0, 0, 0.0
        picture = np.zeros((0, 0, 3), np.uint8)
        for frame in _frames(container, stream):
            number += 1
            time = _time(frame, stream, number, rate)
            if number > LIMITS.frames_max or time > LIMITS.seconds_max:
                raise _too_long()
            time = max(time, last + 0.001) if number > 1 else 0.0
            if frame.rotation != rotation:  # a look at side data keeps its frame in memory until cycles are collected
                turn, rotation = _matrix(frame), frame.rotation
            picture = _picture(converter, frame, stream, size, turn)
            held = float((frame.duration or 0) * (frame.time_base or 0))
            if size is None:
                size = (picture.shape[1], picture.shape[0])
                yield _header(container, stream, rate, size), b""
            last = time
            yield {"time": time}, picture.data
            if number == most:
                return
        if not number:
            raise Unreadable("This video holds no picture that can be shown.", "Save or download it again.")
        if held * rate > _HELD and last + held <= LIMITS.seconds_max:  # shown to its end, as players do
            yield {"time": last + held - float(1 / rate)}, picture.data


def _open(path: Path, form: str) -> Any:
    """Open with the demuxer that the magic bytes named, over local files only."""
    try:
        return av.open(
            str(path),
            format=form,
            options={"protocol_whitelist": "file", "max_streams": "16", "enable_drefs": "0"},
            metadata_errors="replace",
        )
    except (FFmpegError, ValueError):
        raise Unreadable(
            "This video is damaged or cut off: its index cannot be read.", "Save or download it again."
        ) from None


def _film(container: Any) -> Any:
    """The stream that moves: not the cover picture that some files put first."""
    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not streams:
        raise Unreadable("This file has no picture track.", "Choose a video.")
    return streams[0]


def _check(container: Any, stream: Any) -> None:
    """Refuse by what the container says, before a frame is allocated, and cap what the codec may say later."""
    context = stream.codec_context
    if context is None or context.name not in _CODECS:
        name = "an unknown codec" if context is None else context.name
        raise UnsupportedFormat(
            f"This video is coded as {name}, which facezoo does not open.", "Save it as H.264 (mp4) or VP9 (webm)."
        )
    _check_size(stream.width, stream.height)
    claimed = _claimed_seconds(container, stream)
    if claimed > LIMITS.seconds_max + 0.5 or stream.frames > LIMITS.frames_max:
        raise _too_long(claimed)
    context.options = {**context.options, "max_pixels": str(LIMITS.film_pixels_max)}
    context.thread_type = "AUTO"
    context.thread_count = _THREADS


def _check_size(width: int, height: int) -> None:
    if width * height > LIMITS.film_pixels_max:
        raise TooLarge(f"This video is {width} x {height} pixels; the limit is 4K.", "Save it as 1080p or smaller.")
    if min(width, height) < LIMITS.side_min or max(width, height) > LIMITS.aspect_max * min(width, height):
        raise TooLarge(
            f"This video is {width} x {height} pixels, too small or too narrow.",
            f"Both sides need at least {LIMITS.side_min} pixels, one at most {LIMITS.aspect_max:.0f} times the other.",
        )


def _too_long(seconds: float = 0) -> TooLarge:
    length = f"{seconds:.0f} s long" if seconds > LIMITS.seconds_max else "too long"
    return TooLarge(
        f"This video is {length}; the limit is {LIMITS.seconds_max:.0f} s and {LIMITS.frames_max} frames.",
        "Cut it shorter.",
    )


def _claimed_seconds(container: Any, stream: Any) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / av.time_base


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames, with their transparency where the file has some; damage becomes an error that says so."""
    decoder = _WITH_ALPHA.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
    try:
        if decoder is None:
            yield from container.decode(stream)
            return
        context: Any = av.CodecContext.create(decoder, "r")
        for packet in container.demux(stream):
            yield from context.decode(packet)
    except (FFmpegError, EOFError):
        raise Unreadable(
            "This video is damaged or cut off: some of it cannot be decoded.", "Save or download it again."
        ) from None


def _time(frame: Any, stream: Any, number: int, rate: Fraction) -> float:
    """Seconds from the first frame; counted where the file gives no time."""
    base = frame.time_base or stream.time_base
    if frame.pts is None or base is None:
        return float((number - 1) / rate)
    return float(frame.pts * base - start_of(stream))


def _header(container: Any, stream: Any, rate: Fraction, size: tuple[int, int]) -> Header:
    count = int(stream.frames) or round(_claimed_seconds(container, stream) * rate)
    return {
        "width": size[0],
        "height": size[1],
        "count": min(max(count, 1), LIMITS.frames_max),
        "rate": [rate.numerator, rate.denominator],
        "audio": sound_of(container) is not None,
    }


def _picture(
    converter: VideoReformatter, frame: Any, stream: Any, size: tuple[int, int] | None, turn: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """RGB (H, W, 3): square pixels, upright, and of one size even where the stream changes its own."""
    _check_size(frame.width, frame.height)
    if size is None:
        width, height = _square(frame.width, frame.height, stream.sample_aspect_ratio)
    else:
        width, height = size if turn[0, 0] else (size[1], size[0])
    colorspace = frame.colorspace
    if colorspace not in (Colorspace.ITU709, Colorspace.ITU601, Colorspace.SMPTE240M, Colorspace.FCC):
        # Undeclared: HD is BT.709 and SD BT.601 by custom. BT.2020's matrix is nearer to 709.
        colorspace = Colorspace.ITU709 if frame.height >= 720 or int(frame.colorspace) in (9, 10) else Colorspace.ITU601
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    clear = "a" in frame.format.name.partition("p")[0]  # yuva420p, rgba, gbrap ...
    rgb = converter.reformat(
        frame,
        width=width,
        height=height,
        format="rgba" if clear else "rgb24",
        src_colorspace=colorspace,
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.BICUBIC,
        threads=1,
    )
    picture = cast("NDArray[np.uint8]", rgb.to_ndarray())
    if clear:
        alpha = picture[..., 3:].astype(np.uint16)
        picture = ((picture[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if not is_plain(primaries, transfer):
        picture = to_srgb(picture, primaries, transfer)
    return np.ascontiguousarray(_turned(picture, turn))


def _square(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Size with square pixels, reduced to the limit. Aspects beyond 4 are taken for mistakes."""
    usual = not aspect or not Fraction(1, 4) <= aspect <= 4
    wide = width if usual else width * float(aspect or 1)
    scale = min(1.0, LIMITS.moving_side_max / max(wide, height))
    if scale == 1 and wide == width:
        return width, height
    return max(2, round(wide * scale)), max(2, round(height * scale))


def _matrix(frame: Any) -> NDArray[np.int64]:
    """The display matrix's upper left 2 x 2 as signs, (a, b; c, d) with x' = a x + c y, y' = b x + d y (ISO 14496-12,
    6.2.2), y pointing down. Anything but quarter turns and flips counts as none."""
    identity = np.eye(2, dtype=np.int64)
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return identity
    values = np.frombuffer(bytes(data), np.int32)[[0, 1, 3, 4]].astype(np.float64) / _MATRIX_STEP
    signs = np.rint(values).astype(np.int64).reshape(2, 2)
    quarter = abs(round(float(np.linalg.det(signs)))) == 1 and int(np.abs(signs).sum()) == 2
    return signs if quarter else identity


def _turned(picture: NDArray[np.uint8], turn: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Apply a signed quarter turn to pixels."""
    if turn[0, 0] == 0:  # x' depends on y: swap the axes first
        picture = picture.transpose(1, 0, 2)
        across, down = turn[1, 0], turn[0, 1]
    else:
        across, down = turn[0, 0], turn[1, 1]
    return picture[:: int(down), :: int(across)]
