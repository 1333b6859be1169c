"""Encoding of finished pictures and clips. Only `safety` may import this: nothing leaves facezoo unsealed.

Every file is encoded afresh from pixels, so nothing of the source's metadata (EXIF, GPS, comments, trailing bytes)
can pass; only the sound of a video is copied, packet by packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image
from PIL import features

from facezoo.errors import UsageError
from facezoo.media import _encode
from facezoo.media.files import whole
from facezoo.media.limits import WRITES_CLIPS, WRITES_PHOTOS
from facezoo.types import Frame, Image, Progress

__all__ = ["write_clip", "write_photo"]


def write_photo(path: Path, image: Image, *, quality: int = 95) -> None:
    """Encode `image`, RGB uint8 (H, W, 3), as the suffix of `path` says, without metadata.

    quality: 1 to 100 for JPEG (full colour resolution), WebP and AVIF; PNG is lossless. Nothing is written when the
    encoder fails. Raises UsageError for another suffix."""
    path = Path(path)
    encoded = BytesIO()
    PIL.Image.fromarray(image).save(encoded, **_photo_settings(path.suffix.lower(), quality))
    path.write_bytes(encoded.getbuffer())


def write_clip(
    path: Path,
    frames: Iterable[Frame],
    *,
    rate: Fraction,
    audio_from: Path | None = None,
    count: int = 0,
    plays: int = 0,
    progress: Progress | None = None,
) -> int:
    """Encode `frames` as .mp4, .gif or .webp and return how many there were.

    Frames keep their own times (a variable frame rate stays one); the last is shown for 1 / rate seconds. mp4: H.264,
    crf 18, yuv420p, BT.709, index first; an odd side is made even by repeating the edge. audio_from: a video whose
    sound is copied, packets untouched (Vorbis and PCM become AAC: players do not take them in mp4). count: frames
    expected, for progress("seal", fraction), which cancels by raising. plays: how often a .gif or .webp is shown, 0 for
    ever. On any error nothing is left at `path`, and the
    iterator is closed. All frames have the size of the first. Raises UsageError, UnsupportedFormat."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITES_CLIPS:
        raise UsageError(f"facezoo writes clips as {', '.join(WRITES_CLIPS)}, not '{suffix}'.", "Change the name.")
    tick = _ticker(progress, count)
    steady = _steady(frames)
    try:
        with whole(path) as partial:
            if suffix == ".mp4":
                return _encode.mp4(partial, steady, rate=rate, audio_from=audio_from, tick=tick)
            if suffix == ".gif":
                return _encode.gif(partial, steady, rate=rate, plays=plays, tick=tick)
            return _encode.webp(partial, steady, rate=rate, plays=plays, tick=tick)
    finally:
        for iterator in (steady, frames):
            close = getattr(iterator, "close", None)
            if close is not None:
                close()


def _photo_settings(suffix: str, quality: int) -> dict[str, Any]:
    """Pillow's arguments for a format."""
    if suffix == ".png":
        return {"format": "PNG", "compress_level": 2}
    if suffix in (".jpg", ".jpeg"):
        return {"format": "JPEG", "quality": quality, "subsampling": 0}
    if suffix == ".webp":
        return {"format": "WEBP", "quality": quality, "method": 4}
    if suffix == ".avif" and features.check("avif"):
        return {"format": "AVIF", "quality": quality, "subsampling": "4:4:4", "speed": 8}
    raise UsageError(f"facezoo writes pictures as {', '.join(WRITES_PHOTOS)}, not '{suffix}'.", "Change the name.")


def _steady(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Frames of one size whose times only grow. Raises UsageError otherwise."""
    shape: tuple[int, ...] = ()
    last = -1.0
    for frame in frames:
        shape = shape or frame.image.shape
        if frame.image.shape != shape:
            raise UsageError("The frames of a clip must all have the same size.")
        if frame.time <= last:
            raise UsageError("The frames of a clip must be in the order of their times.")
        last = frame.time
        yield frame


def _ticker(progress: Progress | None, count: int) -> Callable[[int], None]:
    """Reports the frames done as a fraction of `count`; without a count it still gives the chance to cancel."""

    def tick(done: int) -> None:
        if progress is not None:
            progress("seal", min(1.0, done / count) if count > 0 else 0.0)

    return tick
