"""What facezoo accepts and writes, and what a decoder may use while it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["LIMITS", "PHOTO_SUFFIXES", "RESULT_SUFFIX", "VIDEO_SUFFIXES", "WRITES_CLIPS", "WRITES_PHOTOS", "Limits"]

PHOTO_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".heic", ".heif")
"""File name endings of pictures (and animations) that facezoo opens."""
VIDEO_SUFFIXES: Final = (".mp4", ".mov", ".m4v", ".3gp", ".webm", ".mkv")
"""File name endings of videos that facezoo opens."""
WRITES_PHOTOS: Final = (".png", ".jpg", ".jpeg", ".webp", ".avif")
"""File name endings of photos that facezoo writes."""
WRITES_CLIPS: Final = (".mp4", ".gif", ".webp")
"""File name endings of clips that facezoo writes; a .webp moves when what it was made from does."""
RESULT_SUFFIX: Final = {"photo": ".png", "animation": ".gif", "video": ".mp4"}
"""`Clip.kind` -> how the file of its result ends when nobody says."""


@dataclass(frozen=True)
class Limits:
    """Limits of uploads and of the process that decodes them.

    Sides are in pixels, bytes in bytes, memory is the address space of the decoding process. `cpu_seconds` and
    `wall_seconds` are for one picture or one frame; `start_seconds` is for the decoding process to come up.
    """

    image_bytes: int = 20 * 1024**2
    video_bytes: int = 50 * 1024**2
    side_min: int = 64
    side_max: int = 8192
    aspect_max: float = 8.0
    pixels_max: int = 51_000_000
    """The largest sensors of phones give 8160 x 6144."""
    work_side: int = 4096
    """Photos with a longer side are reduced to this one by area averaging."""
    moving_side_max: int = 1920
    """Films and animations leave the decoder at most this large."""
    film_pixels_max: int = 4096 * 2304
    seconds_max: float = 60.0
    frames_max: int = 1800
    cpu_seconds: int = 6
    wall_seconds: float = 7.5
    start_seconds: float = 30.0
    memory: int = 900 * 1024**2


LIMITS: Final = Limits()
"""The limits in force."""
