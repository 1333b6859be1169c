"""Makers of small pictures and clips."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from facezoo.types import Frame, Image


@pytest.fixture
def chart() -> Image:
    """A picture (96, 128, 3) that differs from all its turns and flips: four flat colours and a shaded corner."""
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[:48, :64], picture[:48, 64:] = (220, 40, 40), (40, 200, 60)
    picture[48:, :64], picture[48:, 64:] = (40, 60, 210), (230, 220, 60)
    picture[8:24, 8:40] = (250, 250, 250)
    return picture


@pytest.fixture
def moving() -> Callable[..., list[Frame]]:
    """moving(count, rate=25, size=(96, 128), times=None): frames with a bright bar that walks across a gradient."""

    def make(
        count: int, *, rate: float = 25, size: tuple[int, int] = (96, 128), times: Sequence[float] | None = None
    ) -> list[Frame]:
        height, width = size
        frames = []
        for number in range(count):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[..., 0] = np.linspace(20, 200, width, dtype=np.uint8)
            picture[..., 2] = np.linspace(200, 20, height, dtype=np.uint8)[:, None]
            left = number * 7 % (width - 16)
            picture[:, left : left + 16, 1] = 230
            frames.append(Frame(picture, times[number] if times else number / rate))
        return frames

    return make


@pytest.fixture
def film(moving: Callable[..., list[Frame]]) -> Callable[..., Path]:
    """film(path, count, codec=..., audio=..., ...) -> path: a video made with PyAV, not with our own encoder."""

    def make(
        path: Path,
        count: int,
        *,
        codec: str = "libx264",
        audio: str = "",
        rate: int = 25,
        size: tuple[int, int] = (96, 128),
        aspect: Fraction | None = None,
        pixels: str = "yuv420p",
        options: dict[str, str] | None = None,
    ) -> Path:
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream(
                codec, rate=rate, options={"crf": "12", "preset": "8" if codec == "libsvtav1" else "fast"}
            )
            stream.height, stream.width, stream.pix_fmt = *size, pixels
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            sound = container.add_stream(audio, rate=48_000) if audio else None
            if audio in ("vorbis", "opus"):
                sound.codec_context.options = {"strict": "-2"}
            for frame in moving(count, rate=rate, size=size):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
            container.mux(stream.encode(None))
            if sound is not None:
                _hum(container, sound, count / rate)
        if hasattr(os, "sched_setscheduler"):  # SVT-AV1, run as root, makes its caller a real-time process, for good
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return path

    return make


def _hum(container: object, stream: object, seconds: float) -> None:
    """A sine whose pitch rises, so that no two packets are equal."""
    clock = np.arange(int(seconds * 48_000)) / 48_000
    wave = (np.sin(2 * np.pi * (220 + 200 * clock) * clock) * 9000).astype(np.int16)
    samples: NDArray[np.int16] = np.stack([wave, wave // 2]).reshape(2, -1)
    frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    context = stream.codec_context
    resampler = av.AudioResampler(
        format=context.format, layout=context.layout, rate=48_000, frame_size=context.frame_size or 1024
    )
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))
