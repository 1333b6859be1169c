"""The gate: what comes in is read, asked for consent, checked; who becomes whom; where the result may go."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from facezoo.errors import UsageError
from facezoo.face.find import Wanted, choose, find_faces, portrait_face
from facezoo.face.turn import toward_viewer
from facezoo.media.limits import WRITES_CLIPS, WRITES_PHOTOS
from facezoo.media.read import open_clip, read_photo
from facezoo.motion.template import SUFFIX, Template, load_template, shipped, shipped_names
from facezoo.safety import admission
from facezoo.types import Box, Clip, Face, Frame, Image, Landmarks, MethodSpec, Pose
from facezoo.zoo.embedded import consent_free
from facezoo.zoo.embedded import persona as load_persona
from facezoo.zoo.embedded import personas as list_personas

__all__ = [
    "Cast",
    "FaceChoice",
    "Inspection",
    "WebcamCheck",
    "admit",
    "cast_of",
    "check_knows",
    "checked",
    "destination_of",
    "driver_of",
    "first_checked",
    "folder_for",
    "folder_of",
    "identity_of",
    "inspect",
    "only",
    "parse_personas",
    "persona_face",
    "portrait_of",
]

_CONTENT_EVERY = 1.0  # seconds of a clip between two content checks
_WEBCAM_EVERY = 30  # frames of a webcam between two


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
    admission.require_consent(clip.sha256, consent, consent_free(), subject=subject)
    return clip


def first_checked(clip: Clip) -> Image:
    """The first frame (H, W, 3) RGB uint8 of a clip, its content checked."""
    frame = next(iter(clip.frames()))
    admission.check_content(frame.image)
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
        return toward_viewer(choose(find_faces(photo), 1))[0], None, (clip.sha256,)
    if not spec.inputs.persona:
        if persona is not None:
            raise UsageError(f"{spec.id} takes no persona.", "Leave it out.")
        return None, None, ()
    chosen = persona or (_known_to(spec) or spec.inputs.people[::-1])[0]
    return persona_face(spec, chosen), chosen, ()


def check_knows(spec: MethodSpec, persona: str) -> None:
    """Raises UsageError for a persona that does not exist, or that the method's weights do not know."""
    if persona in spec.inputs.people:
        return
    name = load_persona(persona).name
    if not spec.inputs.knows(persona):
        known = (f"{load_persona(id).name} ({id})" for id in _known_to(spec))
        raise UsageError(f"{spec.title} was not taught {name}.", f"Choose {', '.join(known) or spec.inputs.people}.")


def _known_to(spec: MethodSpec) -> list[str]:
    """Ids of the personas that a method can put on."""
    return [each.id for each in list_personas() if spec.inputs.knows(each.id)]


def persona_face(spec: MethodSpec, id: str) -> Face:
    """The face of a persona's portrait; of somebody whom only one's own weights know, a face without a picture.

    Raises UsageError when the weights know nobody of this id."""
    check_knows(spec, id)
    if any(each.id == id for each in list_personas()):
        return _persona_face(id)
    nothing = np.zeros((1, 1, 3), np.uint8)
    points = Landmarks(np.zeros((0, 2), np.float32), np.zeros((0, 3), np.float32), 0.0, "mesh")
    return Face(1, Box(0, 0, 0, 0), points, Pose(0, 0, 0), nothing, nothing, np.eye(2, 3, dtype=np.float32), id)


@cache
def _persona_face(id: str) -> Face:
    return portrait_face(read_photo(load_persona(id).portrait), id)


def driver_of(spec: MethodSpec, driving: str | Path | Template | None, consent: bool | None) -> Clip | Template | None:
    """The driver of an animation: a clip or photo, whose content is checked as it is read, or a motion template, by
    path, by the name of one that ships, or ready (`speech.perform.Speech`)."""
    wanted = spec.inputs.driving
    if driving is None:
        if wanted == "required":
            raise UsageError(f"{spec.id} needs a driving clip.", "Give one: driving=..., or --driving CLIP.")
        return None
    if not wanted:
        raise UsageError(f"{spec.id} takes no driving clip.", "Leave it out.")
    if isinstance(driving, Template):
        return driving
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
    stills, moving = WRITES_PHOTOS, WRITES_CLIPS
    allowed = stills if clip.kind == "photo" else moving if clip.kind == "video" else (*moving, *stills)
    if destination.suffix.lower() not in allowed:
        written = destination.suffix or "a file without a suffix"
        raise UsageError(
            f"A {clip.kind} cannot be written as {written}.", f"Use one of: {' '.join(dict.fromkeys(allowed))}"
        )
    folder_for(destination)
    yield destination


def folder_for(output: str | Path) -> Path:
    """The folder that a result goes into. Raises UsageError when there is none."""
    folder = Path(output).parent
    if not folder.is_dir():
        raise UsageError(f"The folder {folder} does not exist.", "Make it first, or write somewhere else.")
    return folder


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
            admission.check_content(frame.image)
            next_check = frame.time + _CONTENT_EVERY
        yield frame


class WebcamCheck:
    """Called with every frame (H, W, 3) RGB uint8 of a webcam; checks the content of the first and of some others."""

    def __init__(self) -> None:
        self._seen = 0

    def __call__(self, image: Image) -> None:
        """Raises ContentRefused."""
        if self._seen % _WEBCAM_EVERY == 0:
            admission.check_content(image)
        self._seen += 1


FaceChoice = int | Literal["all"]


@dataclass(frozen=True, eq=False)
class Cast:
    """wanted: the faces that are changed. identity: what they become, None when the method puts on no other face. each:
    face number -> identity, for those that get one of their own. persona: the id when it is the same for all. personas:
    face number -> persona id, as it was asked for. sources: sha256 of a second photo."""

    wanted: Wanted
    identity: Face | None = None
    each: Mapping[int, Face] = field(default_factory=dict[int, Face])
    persona: str | None = None
    personas: Mapping[int, str] | None = None
    sources: tuple[str, ...] = ()

    def identity_of(self, number: int) -> Face | None:
        """What the face of this number becomes."""
        return self.each.get(number, self.identity)


def cast_of(
    spec: MethodSpec,
    face: FaceChoice | None,
    persona: str | None,
    personas: Mapping[int, str] | None,
    source: str | Path | None,
    consent: bool | None,
    *,
    own: bool = False,
) -> Cast:
    """What the arguments of `runner.run` of these names say. own: the weights are the user's own, and know themselves
    whom they put on. Raises UsageError for what does not go together, and as `admit.identity_of` does."""
    if own:
        if persona is not None or personas is not None or source is not None:
            raise UsageError("One's own weights know whom they put on.", "Leave persona, personas and source out.")
        return Cast(face or 1)
    if personas is None:
        identity, persona, sources = identity_of(spec, persona, source, consent)
        return Cast(face or 1, identity, persona=persona, sources=sources)
    if face is not None or persona is not None or source is not None:
        raise UsageError(
            "A persona for each face was given, and face, persona or source as well.", "Give personas alone."
        )
    if not spec.inputs.persona:
        raise UsageError(f"{spec.id} takes no persona.", "Leave it out.")
    if not personas:
        raise UsageError("No face was given a persona.", "Give at least one: {1: 'imani'}.")
    faces = {id: persona_face(spec, id) for id in set(personas.values())}
    each = {number: faces[id] for number, id in personas.items()}
    return Cast(frozenset(personas), each=each, persona=next(iter(faces)) if len(faces) == 1 else None,
                personas=personas)  # fmt: skip


_ADVICE = "Give one persona for the chosen face, or one for each face: 1=imani, 3=orla."


def parse_personas(words: Sequence[str]) -> tuple[str | None, dict[int, str] | None]:
    """(persona, None) for one id, (None, {face number: id}) for words like "1=imani", (None, None) for no words.

    A word may hold several, with commas between them. Raises UsageError for anything else; whether there is such a
    persona or face is for `run` to say."""
    parts = [part.strip() for word in words for part in word.split(",")]
    if not parts:
        return None, None
    if len(parts) == 1 and parts[0] and "=" not in parts[0]:
        return parts[0], None
    mapping: dict[int, str] = {}
    for part in parts:
        number, equals, persona = (each.strip() for each in part.partition("="))
        if not equals or not persona or not number.isdecimal() or int(number) < 1:
            raise UsageError(f"The persona {part!r} is not understood.", _ADVICE)
        if int(number) in mapping:
            raise UsageError(f"Face {int(number)} was given two personas.", "Give one for each face.")
        mapping[int(number)] = persona
    return None, mapping
