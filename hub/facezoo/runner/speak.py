"""Speech for any animator: a sentence or a recording becomes what drives a face, with the sound to lay under it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.media.sound import Sound, read_sound
from facezoo.safety import admission
from facezoo.speech.captions import cues_of, webvtt
from facezoo.speech.hear import PocketSphinx, Recogniser, hear
from facezoo.speech.perform import Speech, perform
from facezoo.speech.phones import Phone
from facezoo.speech.say import Speaker, check_sentence, say, transcribe

__all__ = ["Manner", "spoken"]

_HEARD = 0.75  # how sure recognised phones are


@dataclass(frozen=True)
class Manner:
    """How something is said. life: [0, 2], how much head, brows and eyes move. seed: of glances and blinks. The others
    are the synthesiser's. voice: the language, of `speech.say.voices`. speaker: whose voice it is like. speed: words a
    minute, 80 to 320. pitch: 0 to 99."""

    voice: str = "en"
    speaker: Speaker = "man"
    speed: int = 150
    pitch: int = 50
    life: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("speed", "pitch", "life"):
            given: object = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, int | float):
                raise UsageError(f"A {name} of {str(given)[:40]!r} is not possible.", "Give a number.")
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
            yield _sentence(sentence, folder, manner)
        elif sound is not None:
            recording = read_sound(sound)
            admission.require_consent(
                recording.sha256,
                consent,
                frozenset(),
                subject="the recorded voice",
                statement=admission.VOICE_STATEMENT,
            )
            yield _speech(recording, (recogniser or PocketSphinx())(recording), "recording", manner, _HEARD)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sentence(sentence: str, folder: Path, manner: Manner) -> Speech:
    path, phones = say(
        sentence, folder, voice=manner.voice, speaker=manner.speaker, speed=manner.speed, pitch=manner.pitch
    )
    cues = cues_of(check_sentence(sentence), phones, lambda phrase: transcribe(phrase, manner.voice))
    voice = f"synthetic, espeak-ng {manner.voice}" + (", woman" if manner.speaker == "woman" else "")
    return replace(_speech(read_sound(path), phones, voice, manner), captions=webvtt(cues))


def _speech(sound: Sound, phones: list[Phone], voice: str, manner: Manner, certain: float = 1.0) -> Speech:
    made = perform(phones, hear(sound), life=manner.life, seed=manner.seed, certain=certain)
    return Speech(**vars(made), sound=sound.path, sha256=sound.sha256, voice=voice)
