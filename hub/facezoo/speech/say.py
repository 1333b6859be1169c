"""A sentence becomes a voice: the program espeak-ng, when it is installed (GPL-3: called as a program, never bundled).

Its own transcription says which phones it speaks; `hear.align` finds when.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from facezoo.errors import UsageError
from facezoo.media.sound import read_sound
from facezoo.speech.hear import align, hear
from facezoo.speech.phones import Phone, from_ipa

__all__ = ["MOST_SIGNS", "Speaker", "Voice", "check_sentence", "say", "transcribe", "voices"]

Speaker = Literal["man", "woman"]

MOST_SIGNS = 900
"""Characters of a sentence; about a minute."""
_SECONDS = 30  # the program may take
_SLOWEST, _FASTEST = 80, 320  # words a minute
_SPEAKERS = {"man": "", "woman": "+f2"}  # espeak-ng's variants of a voice


@dataclass(frozen=True)
class Voice:
    """A language that can be spoken. id: "en", "de", "fr-fr" ... name: as espeak-ng calls it."""

    id: str
    name: str


@cache
def voices() -> tuple[Voice, ...]:
    """What the installed espeak-ng speaks; () when it is not installed."""
    if shutil.which("espeak-ng") is None:
        return ()
    lines = _run(["--voices"], "").splitlines()[1:]
    found = [line.split() for line in lines]
    return tuple(Voice(words[1], words[3].replace("_", " ")) for words in found if len(words) >= 5)


def check_sentence(sentence: str) -> str:
    """The sentence with its white space tidied. Raises UsageError for one that cannot be spoken."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in sentence).split())
    if not re.search(r"[^\W_]", text):
        raise UsageError("There is nothing to say.", "Write a sentence with words in it.")
    if len(text) > MOST_SIGNS:
        raise UsageError(f"This text has {len(text):,} characters.", f"Say at most {MOST_SIGNS}, about a minute.")
    return text


def say(
    sentence: str, folder: Path, *, voice: str = "en", speaker: Speaker = "man", speed: int = 150, pitch: int = 50
) -> tuple[Path, list[Phone]]:
    """Speak a sentence: a WAV file in `folder`, and its phones with their times.

    voice: a language of `voices`. speed: words a minute, 80 to 320. pitch: 0 to 99. Raises UsageError when espeak-ng is
    not installed, for an unknown voice, or a text without words."""
    text = check_sentence(sentence)
    chosen = _voice(voice)
    if not _SLOWEST <= speed <= _FASTEST or not 0 <= pitch <= 99:
        raise UsageError("This speed or pitch is not possible.", "Speed is 80 to 320 words a minute, pitch 0 to 99.")
    if speaker not in get_args(Speaker):
        raise UsageError(f"There is no speaker {speaker!r}.", f"Speakers: {', '.join(get_args(Speaker))}.")
    path = folder / "said.wav"
    _run(["-v", chosen + _SPEAKERS[speaker], "-s", f"{speed:.0f}", "-p", f"{pitch:.0f}", "-w", str(path)], text)
    phones = transcribe(text, voice)
    if not any(phone.symbol for phone in phones):
        raise UsageError("There is nothing to say.", "Write a sentence with words in it.")
    return path, align(phones, hear(read_sound(path)))


def transcribe(text: str, voice: str = "en", *, breaths: bool = False) -> list[Phone]:
    """The phones of a text, without times. voice: as of `say`; raises as it does. breaths: between any two words there
    may be a pause, as people make them; else between clauses alone."""
    ipa = _run(["-v", _voice(voice), "-q", "--ipa"], text)
    return from_ipa(ipa.replace(" ", "\n") if breaths else ipa)


def _voice(wanted: str) -> str:
    """The id as espeak-ng takes it: one of a variety, or of a language, for which it chooses a variety."""
    known = [voice.id for voice in voices()]
    if not known:
        raise UsageError(
            "Sentences need the program espeak-ng, which is not installed.",
            "On Debian: apt-get install espeak-ng. Or give a recording: --sound FILE.",
        )
    wanted = wanted.strip().lower()
    id = "cmn" if wanted in ("zh", "zh-cn") else wanted
    if any(each == id or each.startswith(f"{id}-") for each in known):
        return id
    raise UsageError(f"There is no voice for {wanted!r}.", "Such as en, de, es, fr, zh; espeak-ng --voices lists them.")


def _run(arguments: list[str], text: str) -> str:
    """What espeak-ng prints. The text goes in on its standard input: no word of it can become an argument."""
    try:
        done = subprocess.run(
            ["espeak-ng", "-b", "1", *arguments, *([] if "--voices" in arguments else ["--stdin"])],
            input=text, capture_output=True, text=True, encoding="utf-8", timeout=_SECONDS, check=True,
            env=os.environ | {"PULSE_RUNTIME_PATH": os.devnull},  # nothing is played: no folder of PulseAudio's is made
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError("espeak-ng could not speak this.", "Try a shorter or simpler sentence.") from error
    return done.stdout
