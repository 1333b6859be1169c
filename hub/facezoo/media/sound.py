"""Sounds from untrusted bytes: recordings, and the sound of films. Decoding happens in the confined process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat
from facezoo.media import _sandbox
from facezoo.media.limits import LIMITS
from facezoo.media.read import video_form

__all__ = ["RATE", "SOUND_SUFFIXES", "Sound", "read_sound", "sound_form"]

RATE: Final = 16_000
"""Samples a second of what is listened to; what is laid under a film keeps its own."""
SOUND_SUFFIXES: Final = (".wav", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".flac", ".aif", ".aiff")
"""File name endings of sounds that facezoo opens, besides those of videos."""
_ADVICE: Final = "facezoo opens WAV, MP3, M4A, AAC, Ogg, Opus, FLAC and AIFF sounds, and the sound of videos."


@dataclass(frozen=True, eq=False)
class Sound:
    """samples: (N,) float32 in [-1, 1], one channel, RATE a second. path, sha256: the file it came from."""

    samples: NDArray[np.float32]
    path: Path
    sha256: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE


def read_sound(path: str | Path) -> Sound:
    """The sound at `path`, mixed to one channel at 16 kHz.

    Raises Unreadable (damaged, or a video without sound), UnsupportedFormat, TooLarge beyond 60 s or 50 MB."""
    path = Path(path)
    form = sound_form(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    parts = [
        np.frombuffer(data, "<i2")
        for _, data in _sandbox.stream({"do": "sound", "form": form, "path": str(path.absolute())})
        if data
    ]
    if not parts:
        raise Unreadable(f"There is no sound in {path.name}.", "Choose a recording of a voice.")
    samples = (np.concatenate(parts) / np.float32(32768)).astype(np.float32)
    if len(samples) > (LIMITS.seconds_max + 0.5) * RATE:
        raise TooLarge(f"This sound is longer than {LIMITS.seconds_max:.0f} s.", "Cut it shorter.")
    return Sound(samples, path, sha256)


def sound_form(path: Path) -> str:
    """The demuxer for the sound or video at `path`, by its first bytes. Raises as `read_sound`."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            size = file.seek(0, 2)
    except OSError:
        raise Unreadable(f"{path.name} cannot be opened.", "Check that it exists and may be read.") from None
    if not head:
        raise Unreadable("This file is empty.", "Save or record it again.")
    if size > LIMITS.video_bytes:
        raise TooLarge(f"This sound is larger than {LIMITS.video_bytes >> 20} MB.", "Cut it shorter.")
    if form := _form(head):
        return form
    try:
        return video_form(path)
    except UnsupportedFormat as error:
        raise UnsupportedFormat(error.message, _ADVICE) from None


def _form(head: bytes) -> str:
    """The demuxer's name, "" for what is no sound file."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:11] == b"AIF":
        return "aiff"
    if head[:3] == b"ID3" or (head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "mp3"
    if head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    return {b"fLaC": "flac", b"OggS": "ogg"}.get(head[:4], "")
