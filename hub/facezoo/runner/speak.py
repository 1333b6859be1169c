"""Speech for any animator: a sentence or a recording becomes what drives a face, with the sound to lay under it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.media.sound import Sound, read_sound
from facezoo.safety import admission
from facezoo.speech.hear import PocketSphinx, Recogniser, hear
from facezoo.speech.perform import Speech, perform
from facezoo.speech.phones import Phone
from facezoo.speech.say import say

__all__ = ["Manner", "spoken"]


@dataclass(frozen=True)
class Manner:
    """How something is said. voice: the language, of `speech.say.voices`. speed: words a minute, 80 to 320. pitch: 0 to
    99. life: [0, 2], how much head, brows and eyes move. These three are the synthesiser's alone: voice, speed, pitch.
    seed: of glances and blinks."""

    voice: str = "en"
    speed: int = 150
    pitch: int = 50
    life: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.life <= 2:
            raise UsageError(f"A liveliness of {self.life:g} is not possible.", "Give 0 to 2.")


@contextmanager
def spoken(
    sentence: str | None = None,
    sound: str | Path | None = None,
    *,
    manner: Manner | None = None,
    consent: bool | None = None,
    recogniser: Recogniser | None = None,
) -> Generator[Speech]:
    """What `run`, `portray` and the others take as `driving`, while the block lasts.

    sentence: is spoken by espeak-ng; or sound: a recording, or a film whose sound is taken. consent: that the voice
    of a recording may be used. recogniser: finds its phones, PocketSphinx when None. Raises UsageError for both or
    neither, for a sentence that cannot be spoken, and for a sound without a voice; ConsentRequired; Unreadable,
    UnsupportedFormat and TooLarge for a sound that cannot be opened."""
    if (sentence is None) == (sound is None):
        raise UsageError("Give either a sentence or a sound.", "Use one of them.")
    manner = manner or Manner()
    folder = Path(tempfile.mkdtemp(prefix="facezoo-"))
    try:
        if sentence is not None:
            path, phones = say(sentence, folder, voice=manner.voice, speed=manner.speed, pitch=manner.pitch)
            yield _speech(read_sound(path), phones, f"synthetic, espeak-ng {manner.voice}", manner)
        elif sound is not None:
            recording = read_sound(sound)
            admission.require_consent(recording.sha256, consent, frozenset(), subject="the recorded voice")
            yield _speech(recording, (recogniser or PocketSphinx())(recording), "recording", manner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _speech(sound: Sound, phones: list[Phone], voice: str, manner: Manner) -> Speech:
    made = perform(phones, hear(sound), life=manner.life, seed=manner.seed)
    return Speech(**vars(made), sound=sound.path, sha256=sound.sha256, voice=voice)
