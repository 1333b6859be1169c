"""The options of `animate` for a face that speaks."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from facezoo.errors import UsageError
from facezoo.media.files import write_whole

__all__ = ["Captions", "KeptMotion", "Liveliness", "Say", "SoundFile", "Speaker", "Speed", "VoiceId", "VoicePitch",
           "driver_of"]  # fmt: skip

Say = Annotated[
    str | None,
    typer.Option("--say", metavar="TEXT", help="A sentence that the face says; with --sound, what the recording says."),
]
SoundFile = Annotated[
    Path | None, typer.Option("--sound", metavar="FILE", help="A recording that the face speaks, or a film's sound.")
]
VoiceId = Annotated[str, typer.Option("--voice", metavar="LANG", help="The language of --say: en, de, es, fr, zh ...")]
Speaker = Annotated[Literal["man", "woman"], typer.Option("--speaker", help="Whose voice it is like.")]
Speed = Annotated[int, typer.Option("--speed", metavar="80..320", help="Words a minute of --say.")]
VoicePitch = Annotated[int, typer.Option("--voice-pitch", metavar="0..99", help="How high the voice of --say is.")]
Liveliness = Annotated[float, typer.Option("--life", metavar="0..2", help="How much head and eyes move in speech.")]
Captions = Annotated[
    Path | None, typer.Option("--captions", metavar="OUT.vtt", help="Write the sentence of --say as WebVTT.")
]
KeptMotion = Annotated[
    Path | None, typer.Option("--keep-motion", metavar="OUT.motion", help="Keep the speech for another --driving.")
]


@contextmanager
def driver_of(
    driving: Path | None, say: str | None, sound: Path | None, captions: Path | None, kept: Path | None,
    consent: bool, **manner: Any,
) -> Generator[Any]:  # fmt: skip
    """What drives an animation while the block lasts: what was given, or somebody who speaks. captions, kept: written
    when all went well. manner: of `runner.Manner`. Raises UsageError for what does not go together."""
    if say is None and sound is None:
        if captions or kept:
            raise UsageError("Nothing is said.", "Use --captions and --keep-motion with --say or --sound.")
        yield driving
        return
    if driving is not None:
        raise UsageError("Both a driving clip and speech were given.", "Give one of --driving, --say and --sound.")
    if captions and say is None:
        raise UsageError("What a recording says is not known.", "Say it with --say, or leave out --captions.")
    _writable(captions, ".vtt")
    _writable(kept, ".motion")
    from facezoo.motion.template import save_template
    from facezoo.runner.speak import Manner, spoken

    with spoken(say, sound, manner=Manner(**manner), consent=consent or None) as speech:
        yield speech
        if kept:
            save_template(speech, kept)
        if captions:
            write_whole(captions, speech.captions)


def _writable(path: Path | None, suffix: str) -> None:
    folder_is_open = path is None or (path.parent.is_dir() and os.access(path.parent, os.W_OK) and not path.is_dir())
    if path is not None and (path.suffix.lower() != suffix or not folder_is_open):
        raise UsageError(f"Nothing can be written to {path}.", f"Name a file ending in {suffix}, in a folder that is.")
