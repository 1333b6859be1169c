"""The encoders of moving pictures behind `write.write_clip`, each at constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import av
import av.filter
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from facezoo.errors import UsageError
from facezoo.media import _sandbox
from facezoo.media.sound import sound_form
from facezoo.types import Frame, Image

__all__ = ["gif", "mp4", "webp"]

Tick = Callable[[int], None]

_CLOCK: Final = 90_000
"""Units of video time a second: MPEG's, fine enough for any frame rate."""
_THREADS: Final = 2
_GIF_SHORTEST: Final = 2
"""Hundredths of a second; browsers slow down anything shorter."""


def mp4(path: Path, frames: Iterator[Frame], *, rate: Fraction, audio_from: Path | None, tick: Tick) -> int:
    """H.264 with the frames' own times, and the sound of `audio_from` beside it. Returns the number of frames."""
    sound = None if audio_from is None else _Sound(audio_from)
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            first, frames = _peek(frames)
            stream = _h264(container, first.image, rate)
            if sound is not None:
                sound.join(container)
            converter = VideoReformatter()
            number = 0
            for number, frame in enumerate(frames, start=1):
                picture = _yuv(converter, frame, rate)
                container.mux(stream.encode(picture))
                if sound is not None:
                    sound.copy_until(container, frame.time)
                tick(number)
            container.mux(stream.encode(None))
            if sound is not None:
                sound.copy_until(container, float("inf"))
        return number
    finally:
        if sound is not None:
            sound.close()


def gif(path: Path, frames: Iterator[Frame], *, rate: Fraction, plays: int, tick: Tick) -> int:
    """A GIF with one palette for the whole clip, made from all its frames, so that colours do not flicker.

    The frames come once and the palette must be known before the first is written, so they are kept losslessly in a
    file beside `path` meanwhile: the first half of the progress. Returns the number of frames."""
    store = path.with_suffix(".frames")
    try:
        palette, times = _keep(store, frames, lambda done: tick(done // 2))
        _dithered(path, store, palette, times, rate, plays, tick)
        return len(times)
    finally:
        store.unlink(missing_ok=True)


def webp(path: Path, frames: Iterator[Frame], *, rate: Fraction, plays: int, tick: Tick) -> int:
    """An animated WebP, lossy at quality 90. Returns the number of frames."""
    first, frames = _peek(frames)
    height, width = first.image.shape[:2]
    number = 0
    with av.open(str(path), "w", format="webp", options={"loop": str(plays)}) as container:
        stream: Any = container.add_stream("libwebp_anim", rate=_whole_rate(rate))
        stream.width, stream.height, stream.pix_fmt = width, height, "bgra"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.options = {"quality": "90", "compression_level": "3"}
        for number, frame in enumerate(frames, start=1):
            container.mux(stream.encode(_timed(frame.image, frame.time, rate, 1000, "bgra")))
            tick(number)
        container.mux(stream.encode(None))
    return number


class _Sound:
    """The packets of a video's sound, demuxed in a confined process and handed over in step with the pictures."""

    def __init__(self, source: Path) -> None:
        self._messages = _sandbox.stream(
            {"do": "audio", "form": sound_form(source), "path": str(Path(source).absolute())}
        )
        self._stream: Any = None
        self._next: Any = None

    def join(self, container: Any) -> None:
        """Add the sound's stream to `container`: the codec's parameters come in a one-packet file."""
        opening = next(self._messages, None)
        if opening is None:
            return
        with av.open(BytesIO(opening[1]), format="nut") as carrier:
            self._stream = container.add_stream_from_template(carrier.streams.audio[0], opaque=True)
        self._next = self._packet()

    def copy_until(self, container: Any, time: float) -> None:
        """Mux the packets due up to `time` seconds."""
        while self._next is not None and float(self._next.dts * self._next.time_base) <= time:
            container.mux(self._next)
            self._next = self._packet()

    def close(self) -> None:
        """End the process that reads the source."""
        self._messages.close()  # type: ignore[attr-defined]

    def _packet(self) -> Any:
        message = next(self._messages, None)
        if message is None:
            return None
        header, data = message
        packet: Any = av.Packet(bytes(data))
        packet.stream = self._stream
        packet.pts, packet.dts = header["pts"], header["dts"]
        packet.duration = header["duration"]
        packet.time_base = Fraction(*header["time_base"])
        packet.is_keyframe = header["key"]
        return packet


def _peek(frames: Iterator[Frame]) -> tuple[Frame, Iterator[Frame]]:
    """The first frame, and all of them. Raises UsageError when there is none."""
    first = next(frames, None)
    if first is None:
        raise UsageError("There is no frame to write.")

    def whole() -> Iterator[Frame]:
        yield first
        yield from frames

    return first, whole()


def _h264(container: Any, image: Image, rate: Fraction) -> Any:
    """An H.264 stream for pictures of this size, sides rounded up to even."""
    height, width = image.shape[:2]
    stream = container.add_stream("libx264", rate=_whole_rate(rate))
    stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, _CLOCK)
    # No B-frames: a track's length is counted in decoding order, so with them an uneven frame rate loses its end.
    context.options = {"crf": "18", "preset": "fast", "bf": "0"}
    context.thread_count = _THREADS
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream


def _yuv(converter: VideoReformatter, frame: Frame, rate: Fraction) -> Any:
    """A frame as BT.709 yuv420p, made even by repeating the last row and column."""
    height, width = frame.image.shape[:2]
    image = frame.image
    if width % 2 or height % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rgb = _timed(image, frame.time, rate, _CLOCK)
    picture: Any = converter.reformat(
        rgb,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
        threads=1,
    )
    picture.pts, picture.time_base, picture.duration = rgb.pts, rgb.time_base, rgb.duration
    return picture


def _timed(image: Image, time: float, rate: Fraction, clock: int, form: str = "rgb24") -> Any:
    """A PyAV frame of `image`, shown at `time` seconds for 1 / rate, in units of 1 / clock."""
    picture: Any = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    if form != "rgb24":
        picture = picture.reformat(format=form)
    picture.pts = round(time * clock)
    picture.time_base = Fraction(1, clock)
    picture.duration = max(1, round(clock / rate))
    return picture


def _whole_rate(rate: Fraction) -> Fraction:
    """A frame rate that encoders take: inside their range and with a short denominator."""
    return min(max(rate, Fraction(1, 10)), Fraction(240)).limit_denominator(1001)


def _keep(store: Path, frames: Iterator[Frame], tick: Tick) -> tuple[Any, list[int]]:
    """Put the frames into `store` losslessly and learn a palette from them.

    Returns the palette (a PyAV frame of 16 x 16) and the frames' times in GIF's hundredths of a second; frames closer
    than GIF can show (2 hundredths) are left out."""
    first, frames = _peek(frames)
    height, width = first.image.shape[:2]
    learner = _graph(width, height, "palettegen", "stats_mode=full:reserve_transparent=1")
    times: list[int] = []
    with av.open(str(store), "w", format="nut") as container:
        stream: Any = container.add_stream("libx264rgb", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        stream.codec_context.options = {"qp": "0", "preset": "ultrafast"}
        stream.codec_context.time_base = Fraction(1, 100)
        stream.codec_context.thread_count = _THREADS
        for number, frame in enumerate(frames, start=1):
            at = round(frame.time * 100)
            if not times or at - times[-1] >= _GIF_SHORTEST:
                times.append(at)
                picture = _timed(frame.image, at / 100, Fraction(25), 100)
                learner.vpush(picture)
                container.mux(stream.encode(picture))
            tick(number)
        container.mux(stream.encode(None))
    learner.vpush(None)
    return learner.vpull(), times


def _dithered(path: Path, store: Path, palette: Any, times: list[int], rate: Fraction, plays: int, tick: Tick) -> None:
    """Write the kept frames as a GIF in `palette`; error diffusion only where the picture changed, so that still
    parts stay still."""
    loop = {"loop": str((plays or 1) - 1 if plays != 1 else -1)}  # repetitions, 0 for ever, -1 for none
    with av.open(str(store), format="nut") as source, av.open(str(path), "w", format="gif", options=loop) as container:
        kept: Any = source.streams.video[0]
        stream: Any = container.add_stream("gif", rate=Fraction(100, 2))
        stream.width, stream.height, stream.pix_fmt = kept.width, kept.height, "pal8"
        stream.codec_context.time_base = Fraction(1, 100)
        painter = _graph(kept.width, kept.height, "paletteuse", "dither=sierra2_4a:diff_mode=rectangle", palette)
        pictures = source.decode(kept)
        for number, (picture, at) in enumerate(zip(pictures, times, strict=True)):
            picture.pts, picture.time_base = at, Fraction(1, 100)
            painter.vpush(picture.reformat(format="rgb24"), 0)
            shown = painter.vpull()
            shown.pts, shown.time_base = at, Fraction(1, 100)
            following = times[number + 1] - at if number + 1 < len(times) else round(100 / rate)
            shown.duration = max(_GIF_SHORTEST, following)
            container.mux(stream.encode(shown))
            tick((len(times) + number + 1) // 2)
        container.mux(stream.encode(None))


def _graph(width: int, height: int, name: str, settings: str, palette: Any = None) -> Any:
    """A filter over rgb24 pictures; with a palette as its second input where one is given."""
    graph = av.filter.Graph()
    rgb, second = av.VideoFormat("rgb24"), av.VideoFormat("bgra")
    clock = Fraction(1, 100)
    source = graph.add_buffer(width=width, height=height, format=rgb, time_base=clock)
    step = graph.add(name, settings)
    source.link_to(step, 0, 0)
    if palette is not None:
        colors = graph.add_buffer(width=palette.width, height=palette.height, format=second, time_base=clock)
        colors.link_to(step, 0, 1)
    step.link_to(graph.add("buffersink"))
    graph.configure()
    if palette is not None:
        palette = palette.reformat(format="bgra")
        palette.pts, palette.time_base = 0, clock
        graph.vpush(palette, 1)
        graph.vpush(None, 1)
    return graph
