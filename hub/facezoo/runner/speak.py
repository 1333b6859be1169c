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
from facezoo.speech.hear import PocketSphinx, Recogniser, align, hear
from facezoo.speech.perform import Speech, check_voice, perform
from facezoo.speech.phones import Phone
from facezoo.speech.say import Speaker, check_sentence, say, transcribe

__all__ = ["Manner", "spoken"]

_HEARD = 0.75  # how sure recognised phones are
_NOT_ALONE = "This recording hardly swells and fades as speech does: the lips follow music or noise in it, too."


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

    sentence: is spoken by espeak-ng. sound: a recording, or a film whose sound is taken. Both: the sentence is what the
    recording says, which makes the lips exact in any language that `manner.voice` names. consent: that the voice of a
    recording may be used. recogniser: finds phones that no sentence tells, PocketSphinx when None. Raises UsageError
    for neither, for a sentence that cannot be spoken, and for a sound without a voice; ConsentRequired; Unreadable,
    UnsupportedFormat and TooLarge for a sound that cannot be opened."""
    if sentence is None and sound is None:
        raise UsageError("Nothing is said.", "Give either a sentence or a sound, or a sound and what it says.")
    manner = manner or Manner()
    folder = Path(tempfile.mkdtemp(prefix="facezoo-"))
    try:
        if sound is not None:
            recording = read_sound(sound)
            admission.require_consent(
                recording.sha256, consent, frozenset(), subject="the recorded voice",
                statement=admission.VOICE_STATEMENT,
            )  # fmt: skip
            yield _recorded(recording, sentence, manner, recogniser)
        elif sentence is not None:
            yield _sentence(sentence, folder, manner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _recorded(recording: Sound, sentence: str | None, manner: Manner, recogniser: Recogniser | None) -> Speech:
    heard = hear(recording)
    check_voice(heard)
    notes = (_NOT_ALONE,) if heard.steady else ()
    if sentence is None:
        phones = (recogniser or PocketSphinx())(recording)
        return replace(_speech(recording, phones, "recording", manner, _HEARD), notes=notes)
    text = check_sentence(sentence)
    phones = align(transcribe(text, manner.voice, breaths=True), heard)
    return replace(_captioned(_speech(recording, phones, "recording", manner), text, phones, manner), notes=notes)


def _sentence(sentence: str, folder: Path, manner: Manner) -> Speech:
    path, phones = say(
        sentence, folder, voice=manner.voice, speaker=manner.speaker, speed=manner.speed, pitch=manner.pitch
    )
    voice = f"synthetic, espeak-ng {manner.voice}" + (", woman" if manner.speaker == "woman" else "")
    return _captioned(_speech(read_sound(path), phones, voice, manner), check_sentence(sentence), phones, manner)


def _captioned(speech: Speech, text: str, phones: list[Phone], manner: Manner) -> Speech:
    cues = cues_of(text, phones, lambda phrase: transcribe(phrase, manner.voice))
    return replace(speech, captions=webvtt(cues))


def _speech(sound: Sound, phones: list[Phone], voice: str, manner: Manner, certain: float = 1.0) -> Speech:
    made = perform(phones, hear(sound), life=manner.life, seed=manner.seed, certain=certain)
    return Speech(**vars(made), sound=sound.path, sha256=sound.sha256, voice=voice)
