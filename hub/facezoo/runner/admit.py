"""The gate: what comes in is read, asked for consent, its content checked; and where the result may go."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from facezoo.errors import UsageError
from facezoo.face import find_faces
from facezoo.face.follow import choose
from facezoo.face.template import SUFFIX, Template, load_template, shipped, shipped_names
from facezoo.media.read import open_clip, read_photo
from facezoo.safety import consent as consent_policy
from facezoo.safety import content
from facezoo.types import Clip, Face, Frame, Image, MethodSpec, Persona
from facezoo.zoo.embedded import consent_free
from facezoo.zoo.embedded import persona as load_persona
from facezoo.zoo.embedded import personas as list_personas

__all__ = ["MOVING", "STILL", "Inspection", "admit", "check_knows", "checked", "destination_of", "driver_of",
           "first_checked", "folder_of", "identity_of", "inspect", "only", "persona_face", "portrait_of"]  # fmt: skip

STILL = (".png", ".jpg", ".jpeg", ".webp", ".avif")
MOVING = (".mp4", ".gif", ".webp")
_CONTENT_EVERY = 1.0  # seconds of a clip between two content checks


@dataclass(frozen=True, eq=False)
class Inspection:
    """What is in an upload, before anything is made of it. preview: its first frame (H, W, 3) RGB uint8, upright.
    faces: largest first, perhaps none. needs_consent: false for the synthetic people and the paintings that ship with
    facezoo."""

    preview: Image
    faces: list[Face]
    clip: Clip
    needs_consent: bool


def inspect(path: str | Path) -> Inspection:
    """Read an upload, check its content, find its faces. Raises BadInput, ContentRefused."""
    clip = open_clip(Path(path))
    preview = first_checked(clip)
    return Inspection(preview, find_faces(preview), clip, clip.sha256 not in consent_free())


def only(inputs: str | Path | Sequence[str | Path]) -> Path:
    """The one path that was given."""
    if isinstance(inputs, (str, Path)):
        return Path(inputs)
    if len(inputs) != 1:
        raise UsageError(f"This method takes one picture or clip, not {len(inputs)}.", "Call it once for each.")
    return Path(inputs[0])


def admit(path: Path, consent: bool | None, subject: str) -> Clip:
    """Open a file and ask for consent where it is needed."""
    clip = open_clip(path)
    consent_policy.require(clip.sha256, consent, consent_free(), subject=subject)
    return clip


def first_checked(clip: Clip) -> Image:
    """The first frame (H, W, 3) RGB uint8 of a clip, its content checked."""
    frame = next(iter(clip.frames()))
    content.check(frame.image)
    return frame.image


def portrait_of(clip: Clip, face: int | Literal["all"]) -> tuple[Face, list[Face]]:
    """The face that is to move, and the others in the picture, its content checked."""
    if clip.kind != "photo":
        raise UsageError("One picture is brought to life, not a clip.", "Give a photo or a painting.")
    if face == "all":
        raise UsageError("One face at a time can be brought to life.", "Give its number, 1 is the largest.")
    found = find_faces(first_checked(clip))
    (chosen,) = choose(found, face)
    return chosen, [other for other in found if other is not chosen]


def identity_of(
    spec: MethodSpec, persona: str | None, source: str | Path | None, consent: bool | None
) -> tuple[Face | None, str | None, tuple[str, ...]]:
    """The face that is put on: (face, persona id, sha256 of a source photo)."""
    if source is not None:
        if not spec.inputs.source:
            raise UsageError(f"{spec.id} takes no second photo.", "Choose a persona instead.")
        if persona is not None:
            raise UsageError("Both a persona and a second photo were given.", "Give one of them.")
        clip = admit(Path(source), consent, "the second photo")
        photo = first_checked(clip)
        return choose(find_faces(photo), 1)[0], None, (clip.sha256,)
    if not spec.inputs.persona:
        if persona is not None:
            raise UsageError(f"{spec.id} takes no persona.", "Leave it out.")
        return None, None, ()
    chosen = persona or _known_to(spec)[0].id
    check_knows(spec, chosen)
    return persona_face(chosen), chosen, ()


def check_knows(spec: MethodSpec, persona: str) -> None:
    """Raises UsageError for a persona that does not exist, or that the method's weights do not know."""
    name = load_persona(persona).name
    if not spec.inputs.knows(persona):
        known = ", ".join(f"{each.name} ({each.id})" for each in _known_to(spec))
        raise UsageError(f"{spec.title} was not taught {name}.", f"Choose {known}.")


def _known_to(spec: MethodSpec) -> list[Persona]:
    """The personas that a method can put on."""
    return [each for each in list_personas() if spec.inputs.knows(each.id)]


@cache
def persona_face(id: str) -> Face:
    """The face of a persona's portrait. Raises UsageError when there is none of this id."""
    return replace(find_faces(read_photo(load_persona(id).portrait), thorough=False)[0], persona=id)


def driver_of(spec: MethodSpec, driving: str | Path | None, consent: bool | None) -> Clip | Template | None:
    """The driver of an animation: a clip or photo, whose content is checked as it is read, or a motion template, by
    path or by the name of one that ships."""
    wanted = spec.inputs.driving
    if driving is None:
        if wanted == "required":
            raise UsageError(f"{spec.id} needs a driving clip.", "Give one: driving=..., or --driving CLIP.")
        return None
    if not wanted:
        raise UsageError(f"{spec.id} takes no driving clip.", "Leave it out.")
    path = Path(driving)
    if str(driving) in shipped_names() and not path.exists():
        return shipped(str(driving))
    if path.suffix.lower() == SUFFIX:
        return load_template(path)
    clip = admit(path, consent, "the driving clip")
    return replace(clip, frames=lambda: checked(clip.frames()))


@contextmanager
def destination_of(output: str | Path | None, clip: Clip) -> Generator[Path]:
    """Where the result goes, and in which format; a folder made for it goes away again when the work fails."""
    if output is None:
        suffix = ".png" if clip.kind == "photo" else ".gif" if clip.container == "gif" else ".mp4"
        with folder_of(None) as folder:
            yield folder / f"result{suffix}"
        return
    destination = Path(output)
    allowed = STILL if clip.kind == "photo" else MOVING if clip.kind == "video" else (*MOVING, *STILL)
    if destination.suffix.lower() not in allowed:
        written = destination.suffix or "a file without a suffix"
        raise UsageError(
            f"A {clip.kind} cannot be written as {written}.", f"Use one of: {' '.join(dict.fromkeys(allowed))}"
        )
    if not destination.parent.is_dir():
        raise UsageError(f"The folder {destination.parent} does not exist.", "Make it first, or write somewhere else.")
    yield destination


@contextmanager
def folder_of(given: str | Path | None) -> Generator[Path]:
    """The folder given, made if need be; or a temporary one, which goes away again when the work fails."""
    if given is not None:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield Path(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="facezoo-"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def checked(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The same frames; the content of the first, and of one in every second of film, is checked on the way."""
    next_check = 0.0
    for frame in frames:
        if frame.time >= next_check:
            content.check(frame.image)
            next_check = frame.time + _CONTENT_EVERY
        yield frame
