"""Opening photos, animations and videos from untrusted bytes. The only decoder facezoo has.

What a file is, its first bytes say; its name is believed in one thing only: a picture that calls itself a video, or
the reverse, is refused. Decoding happens in a confined process (`_sandbox`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import numpy as np

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat
from facezoo.media import _sandbox
from facezoo.media._sandbox import Header
from facezoo.media.limits import LIMITS, PHOTO_SUFFIXES, VIDEO_SUFFIXES, Limits
from facezoo.types import Clip, Frame, Image

__all__ = ["LIMITS", "PHOTO_SUFFIXES", "VIDEO_SUFFIXES", "Limits", "open_clip", "read_photo", "video_form"]

_MOVING: Final = ("gif", "webp", "avif")
_VIDEO: Final = ("mov", "matroska")
_OPENS: Final = "facezoo opens JPEG, PNG, WebP, AVIF, GIF and HEIC pictures, and MP4, MOV, WebM and MKV videos."
_HEAD_BYTES: Final = 4096


def open_clip(path: Path) -> Clip:
    """Open whatever `path` holds: a photo, an animation or a video.

    A photo is decoded at once (what is broken is said here) and `frames()` hands out copies of it; animations and
    videos show their first frame to prove themselves and are decoded anew by each `frames()`, whose times are seconds
    from the first frame. Frames are RGB uint8 (H, W, 3), sRGB, upright, see-through parts over white; photos longer
    than `LIMITS.work_side` are reduced to it. Raises Unreadable, UnsupportedFormat, TooLarge."""
    path = Path(path)
    form = _sniff(path)
    _check_name(path, form)
    if form in _VIDEO:
        return _open_video(path, form)
    data = _bytes(path)
    header, pixels = _sandbox.decode_photo(data, form)
    photo = _image(pixels, header)
    sha256 = hashlib.sha256(data).hexdigest()
    count = int(header["count"])
    if form not in _MOVING or count < 2:
        return _clip("photo", path, form, sha256, photo, lambda: iter((Frame(photo.copy(), 0.0),)))
    if count > LIMITS.frames_max or float(header["seconds"]) > LIMITS.seconds_max:
        raise TooLarge(
            f"This animation is longer than {LIMITS.seconds_max:.0f} s or {LIMITS.frames_max} frames.",
            "Cut it shorter.",
        )
    _check_moving(int(header["width"]), int(header["height"]))
    rate = Fraction(count / float(header["seconds"])).limit_denominator(1000) if header["seconds"] else Fraction(10)
    del data
    return _clip(
        "animation", path, form, sha256, photo, lambda: _animation_frames(path, form, sha256), count=count, rate=rate,
        plays=int(header["plays"]),
    )  # fmt: skip


def read_photo(path: Path) -> Image:
    """The picture at `path` as RGB uint8 (H, W, 3); the first frame of an animation or video.

    Raises Unreadable, UnsupportedFormat, TooLarge."""
    path = Path(path)
    form = _sniff(path)
    _check_name(path, form)
    if form in _VIDEO:
        return next(open_clip(path).frames()).image
    header, pixels = _sandbox.decode_photo(_bytes(path), form)
    return _image(pixels, header)


def video_form(path: Path) -> str:
    """The demuxer for the video at `path`, by its magic bytes: "mov" (also mp4) or "matroska" (also webm).

    Raises UnsupportedFormat when it is no video, Unreadable, TooLarge."""
    form = _sniff(Path(path))
    if form not in _VIDEO:
        raise UnsupportedFormat("This file is a picture and has no sound.", "Choose a video.")
    return form


def _clip(
    kind: Literal["photo", "animation"],
    path: Path,
    form: str,
    sha256: str,
    photo: Image,
    frames: Callable[[], Iterator[Frame]],
    *,
    count: int = 1,
    rate: Fraction = Fraction(1),
    plays: int = 0,
) -> Clip:
    height, width = photo.shape[:2]
    return Clip(kind, width, height, count, rate, False, form, path, sha256, frames, plays)


def _open_video(path: Path, form: str) -> Clip:
    """Probe a video by decoding its first frame."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    request: Header = {"do": "video", "form": form, "path": str(path.absolute()), "most": 1}
    header, *_ = [header for header, _ in _sandbox.stream(request)]
    return Clip(
        "video",
        int(header["width"]),
        int(header["height"]),
        int(header["count"]),
        Fraction(*header["rate"]),
        bool(header["audio"]),
        form,
        path,
        sha256,
        lambda: _video_frames(path, form, sha256),
    )


def _video_frames(path: Path, form: str, sha256: str) -> Iterator[Frame]:
    _check_same(path, sha256)
    messages = _sandbox.stream({"do": "video", "form": form, "path": str(path.absolute())})
    shape, _ = next(messages)
    for header, pixels in messages:
        yield Frame(_image(pixels, shape), float(header["time"]))


def _animation_frames(path: Path, form: str, sha256: str) -> Iterator[Frame]:
    data = _bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _changed()
    for header, pixels in _sandbox.stream({"do": "animation", "form": form}, data):
        yield Frame(_image(pixels, header), float(header["time"]))


def _check_same(path: Path, sha256: str) -> None:
    """The bytes that were checked must be the bytes that are decoded."""
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return
    except OSError:
        pass
    raise _changed()


def _changed() -> Unreadable:
    return Unreadable("The file changed while it was in use.", "Try again.")


def _image(pixels: bytearray, header: Header) -> Image:
    """View the bytes of the decoding process as a picture; they must be as many as it said."""
    width, height = int(header["width"]), int(header["height"])
    if len(pixels) != width * height * 3 or not pixels:
        raise Unreadable("This file is damaged.", "Save or download it again.")
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def _bytes(path: Path) -> bytes:
    """The bytes of a picture, no more than allowed."""
    with path.open("rb") as file:
        data = file.read(LIMITS.image_bytes + 1)
    if len(data) > LIMITS.image_bytes:
        raise TooLarge(f"This picture is larger than {LIMITS.image_bytes >> 20} MB.", "Save it smaller.")
    return data


def _check_moving(width: int, height: int) -> None:
    if max(width, height) > LIMITS.moving_side_max:
        raise TooLarge(
            f"This animation is {width} x {height} pixels; the limit is {LIMITS.moving_side_max} on a side.",
            "Scale it down, or save its first frame as a photo.",
        )


def _sniff(path: Path) -> str:
    """What the first bytes say: jpeg, png, webp, avif, gif, heic, mov (also mp4) or matroska (also webm).

    Raises Unreadable when there is no such file or it is empty, TooLarge, UnsupportedFormat."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            size = file.seek(0, 2)
    except IsADirectoryError:
        raise Unreadable(f"{path.name} is a folder.", "Choose a file.") from None
    except OSError:
        raise Unreadable(f"{path.name} cannot be opened.", "Check that it exists and may be read.") from None
    if not head:
        raise Unreadable("This file is empty.", "Save or download it again.")
    form = _form(head)
    if form in _VIDEO and size > LIMITS.video_bytes:
        raise TooLarge(
            f"This video is larger than {LIMITS.video_bytes >> 20} MB.", "Cut it shorter or save it smaller."
        )
    return form


def _form(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _brand(head)
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"  # QuickTime from before file type boxes
    if head.startswith(b"\x1a\x45\xdf\xa3") and (b"webm" in head[:64] or b"matroska" in head[:64]):
        return "matroska"
    raise UnsupportedFormat(f"This is {_guess(head)}.", _OPENS)


def _brand(head: bytes) -> str:
    """Tell pictures from videos by the brands of the file type box (ISO 14496-12, 4.3)."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "avif"
    if head[8:12] in {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"mif2"}:
        return "heic"
    return "mov"


def _guess(head: bytes) -> str:
    """A name for common files that facezoo does not open, for the message only."""
    text = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    known = (
        (head.startswith((b"II*\0", b"MM\0*")), "a TIFF picture"),
        (head.startswith(b"\0\0\1\0"), "an icon"),
        (head.startswith(b"BM"), "a BMP picture"),
        (head.startswith(b"%PDF"), "a PDF document"),
        (head.startswith(b"PK\3\4"), "a ZIP archive (or a checkpoint)"),
        (b"<svg" in text or text.startswith(b"<?xml"), "an SVG drawing"),
        (text.startswith(b"#extm3u"), "a playlist"),
    )
    return next((name for match, name in known if match), "not a picture or video that facezoo knows")


def _check_name(path: Path, form: str) -> None:
    """A picture named as a video, or a video named as a photo, was chosen by mistake or made to mislead."""
    suffix = path.suffix.lower()
    if form in _VIDEO and suffix in PHOTO_SUFFIXES and suffix != ".gif":
        raise Unreadable("This file is named as a picture but holds a video.", "Rename it to .mp4.")
    if form not in _VIDEO and suffix in VIDEO_SUFFIXES:
        raise Unreadable("This file is named as a video but holds a picture.", f"Rename it to .{form}.")
