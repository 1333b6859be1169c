"""The one road: read, consent, detect, align, method, blend, seal. UI, API and CLI call this and nothing below it."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from facezoo import registry
from facezoo.errors import Cancelled, FacezooError, UsageError
from facezoo.face import find_faces, realign
from facezoo.face.blend import paste
from facezoo.face.follow import Follower, choose
from facezoo.media.read import open_clip, read_photo
from facezoo.media.sheet import side_by_side
from facezoo.media.stopwatch import Stopwatch
from facezoo.method import FacePipeline
from facezoo.safety import consent as consent_policy
from facezoo.safety import content
from facezoo.safety.seal import Claim, seal
from facezoo.types import Clip, Face, Frame, Image, MethodSpec, Progress, Sealed
from facezoo.zoo.embedded import consent_free
from facezoo.zoo.embedded import persona as load_persona
from facezoo.zoo.embedded import personas as list_personas

__all__ = ["Comparison", "Inspection", "compare", "inspect", "run"]

FaceChoice = int | Literal["all"]
Label = Literal["small", "medium", "large"]

_STILL = (".png", ".jpg", ".jpeg", ".webp", ".avif")
_MOVING = (".mp4", ".gif", ".webp")
_CONTENT_EVERY = 1.0  # seconds of a clip between two content checks


@dataclass(frozen=True, eq=False)
class Comparison:
    """One photo through several methods. results: method id -> sealed file, in the registry's order. grid: all of them
    in one sealed picture. failures: method id -> what went wrong; the other results are kept."""

    results: dict[str, Sealed]
    grid: Sealed
    failures: dict[str, FacezooError] = field(default_factory=dict[str, FacezooError])


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
    preview = _first_checked(clip)
    return Inspection(preview, find_faces(preview), clip, clip.sha256 not in consent_free())


def run(
    method: str,
    inputs: str | Path | Sequence[str | Path],
    *,
    persona: str | None = None,
    source: str | Path | None = None,
    driving: str | Path | None = None,
    params: Mapping[str, Any] | None = None,
    consent: bool | None = None,
    face: FaceChoice = 1,
    seed: int = 0,
    output: str | Path | None = None,
    label: Label = "small",
    progress: Progress | None = None,
) -> Sealed:
    """Run one method on a photo, painting, animation or video, and seal the result.

    inputs: a path (or a list of one). persona: id of the synthetic person to swap with, the first one when None; or
    source: a photo of another face. driving: a clip whose motion is taken. params: the method's parameters by name.
    consent: that every face that is not one of facezoo's own pictures may be used (see `safety.consent`). face: its
    number, 1 is the largest, or "all". output: where to write, the suffix decides the format; a new temporary folder
    when None. label: size of the visible mark. progress(stage, fraction) may raise Cancelled. Raises the errors of
    `facezoo.errors`; nothing is left at `output` then."""
    clock = Stopwatch(progress)
    spec = registry.load_spec(method)
    chosen = registry.parse_params(spec, params or {})
    with clock.stage("read"):
        clip = _admit(_only(inputs), consent, "the picture")
        identity, persona, sources = _identity(spec, persona, source, consent)
        motion = _driving(spec, driving, consent)
        pipeline = registry.load(method)
    follower = Follower(face, spec.inputs.crop_size)
    claim = _claim(spec, persona, chosen, seed, (clip.sha256, *sources))
    with _destination(output, clip) as destination, clock.stage("seal"):
        frames = _frames(clip, destination, clock)
        translated = _translate(frames, pipeline, follower, identity, chosen, motion, seed, clock)
        sealed = seal(_at_least_one_face(translated, follower), destination, claim=claim, clip=clip, label=label)
    return _recorded(sealed, spec, persona, follower.most, clock)


def compare(
    image: str | Path,
    *,
    persona: str | None = None,
    methods: Sequence[str] | None = None,
    consent: bool | None = None,
    face: FaceChoice = 1,
    seed: int = 0,
    output: str | Path | None = None,
    label: Label = "small",
    progress: Progress | None = None,
    on_result: Callable[[str, Sealed], None] | None = None,
) -> Comparison:
    """One photo through every method that swaps faces (or those named), each result sealed as `output`/<method>.png,
    and all of them beside the untouched photo in `output`/grid.png. The face is found once for all.

    on_result(method, sealed) is called as each is done. A method that fails is reported in `failures`; when all fail,
    the first error is raised."""
    clock = Stopwatch(progress)
    all_swaps = [spec.id for spec in registry.list_methods() if "swap" in spec.tasks]
    specs = [registry.load_spec(id) for id in methods or all_swaps]
    if not specs:
        raise UsageError("There is no method to compare.", "Install one below facezoo/methods, or name one.")
    with clock.stage("read"):
        clip = _admit(Path(image), consent, "the picture")
        photo = _first_checked(clip)
    with clock.stage("detect"):
        faces = choose(find_faces(photo), face)
    results: dict[str, Sealed] = {}
    failures: dict[str, FacezooError] = {}
    pictures: list[tuple[str, Image]] = [("Untouched", photo)]
    with _folder(output) as folder:
        for spec in specs:
            one = Stopwatch(progress, spec.id)
            try:
                results[spec.id], picture = _compare_one(spec, clip, photo, faces, persona, seed, folder, label, one)
            except Cancelled:
                raise
            except FacezooError as error:
                failures[spec.id] = error
                continue
            pictures.append((spec.title, picture))
            if on_result:
                on_result(spec.id, results[spec.id])
        if not results:
            raise next(iter(failures.values()))
        claim = Claim("compare", "Comparison", 0, {}, persona, {}, seed, (clip.sha256,), "swap")
        grid = seal(
            iter([Frame(side_by_side(pictures), 0.0)]), folder / "grid.png", claim=claim, clip=clip, label=label
        )
    return Comparison(results, grid, failures)


def _only(inputs: str | Path | Sequence[str | Path]) -> Path:
    if isinstance(inputs, (str, Path)):
        return Path(inputs)
    if len(inputs) != 1:
        raise UsageError(f"This method takes one picture or clip, not {len(inputs)}.", "Call it once for each.")
    return Path(inputs[0])


def _admit(path: Path, consent: bool | None, subject: str) -> Clip:
    clip = open_clip(path)
    consent_policy.require(clip.sha256, consent, consent_free(), subject=subject)
    return clip


def _first_checked(clip: Clip) -> Image:
    frame = next(iter(clip.frames()))
    content.check(frame.image)
    return frame.image


def _identity(
    spec: MethodSpec, persona: str | None, source: str | Path | None, consent: bool | None
) -> tuple[Face | None, str | None, tuple[str, ...]]:
    """The face that is put on: (face, persona id, sha256 of a source photo)."""
    if source is not None:
        if not spec.inputs.source:
            raise UsageError(f"{spec.id} takes no second photo.", "Choose a persona instead.")
        if persona is not None:
            raise UsageError("Both a persona and a second photo were given.", "Give one of them.")
        clip = _admit(Path(source), consent, "the second photo")
        photo = _first_checked(clip)
        return choose(find_faces(photo), 1)[0], None, (clip.sha256,)
    if not spec.inputs.persona:
        if persona is not None:
            raise UsageError(f"{spec.id} takes no persona.", "Leave it out.")
        return None, None, ()
    chosen = persona or list_personas()[0].id
    return _persona_face(chosen), chosen, ()


@cache
def _persona_face(id: str) -> Face:
    return find_faces(read_photo(load_persona(id).portrait), thorough=False)[0]


def _driving(spec: MethodSpec, driving: str | Path | None, consent: bool | None) -> Clip | None:
    if driving is None and not spec.inputs.driving:
        return None
    if driving is None:
        raise UsageError(f"{spec.id} needs a driving clip.", "Give one: driving=..., or --driving CLIP.")
    if not spec.inputs.driving:
        raise UsageError(f"{spec.id} takes no driving clip.", "Leave it out.")
    clip = _admit(Path(driving), consent, "the driving clip")
    return replace(clip, frames=lambda: _checked(clip.frames()))


@contextmanager
def _destination(output: str | Path | None, clip: Clip) -> Generator[Path]:
    """Where the result goes, and in which format; a folder made for it goes away again when the work fails."""
    if output is None:
        suffix = ".png" if clip.kind == "photo" else ".gif" if clip.container == "gif" else ".mp4"
        with _folder(None) as folder:
            yield folder / f"result{suffix}"
        return
    destination = Path(output)
    allowed = _STILL if clip.kind == "photo" else _MOVING if clip.kind == "video" else (*_MOVING, *_STILL)
    if destination.suffix.lower() not in allowed:
        written = destination.suffix or "a file without a suffix"
        raise UsageError(
            f"A {clip.kind} cannot be written as {written}.", f"Use one of: {' '.join(dict.fromkeys(allowed))}"
        )
    if not destination.parent.is_dir():
        raise UsageError(f"The folder {destination.parent} does not exist.", "Make it first, or write somewhere else.")
    yield destination


@contextmanager
def _folder(given: str | Path | None) -> Generator[Path]:
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


def _frames(clip: Clip, destination: Path, clock: Stopwatch) -> Iterator[Frame]:
    """The frames that are worked on: all, or the first when a still is asked for."""
    still = destination.suffix.lower() in _STILL and (clip.kind == "photo" or destination.suffix.lower() != ".webp")
    frames = _checked(islice(clip.frames(), 1) if still else clip.frames())
    for index in range(2**31):
        with clock.stage("read", index / max(clip.count, 1)):
            frame = next(frames, None)
            if frame is None:
                return
        yield frame


def _checked(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The same frames; the content of the first, and of one in every second of film, is checked on the way."""
    next_check = 0.0
    for frame in frames:
        if frame.time >= next_check:
            content.check(frame.image)
            next_check = frame.time + _CONTENT_EVERY
        yield frame


def _translate(
    frames: Iterator[Frame],
    pipeline: FacePipeline,
    follower: Callable[[Image], list[Face]],
    identity: Face | None,
    params: Any,
    driving: Clip | None,
    seed: int,
    clock: Stopwatch,
) -> Iterator[Frame]:
    """Every frame with its faces replaced. The pipeline sees one stream of faces and may batch them; a frame without a
    face ends the stream and a new one begins after it, so that no more than a batch of frames is ever held."""
    stream = _Stream(frames, follower, clock)
    while not stream.ended:
        crops = iter(pipeline(stream.faces(), identity=identity, params=params, driving=driving, seed=seed))
        while True:
            with clock.stage("method"):
                crop = next(crops, None)
            if crop is None:
                break
            frame, faces = stream.waiting.popleft()
            with clock.stage("blend"):
                image = _paste(faces[0], frame.image, crop, params)
            for face in faces[1:]:
                with clock.stage("method"):
                    crop = next(crops)
                with clock.stage("blend"):
                    image = _paste(face, image, crop, params)
            yield Frame(image, frame.time)
        yield from stream.without_face


class _Stream:
    """The faces of consecutive frames, up to a frame that has none. waiting holds the frames whose faces were handed
    out and whose crops have not come back."""

    def __init__(self, frames: Iterator[Frame], follower: Callable[[Image], list[Face]], clock: Stopwatch) -> None:
        self._frames = frames
        self._follower = follower
        self._clock = clock
        self.waiting: deque[tuple[Frame, list[Face]]] = deque()
        self.without_face: list[Frame] = []
        self.ended = False

    def faces(self) -> Iterator[Face]:
        self.without_face = []
        for frame in self._frames:
            with self._clock.stage("detect"):
                faces = self._follower(frame.image)
            if not faces:
                self.without_face = [frame]
                return
            self.waiting.append((frame, faces))
            yield from faces
        self.ended = True


def _paste(face: Face, image: Image, crop: Image, params: Any) -> Image:
    """Blends with those of the method's parameters that blending knows."""
    known = {name: getattr(params, name) for name in ("color", "blend", "grain") if hasattr(params, name)}
    return paste(replace(face, frame=image), crop, **known)


def _at_least_one_face(frames: Iterator[Frame], follower: Follower) -> Iterator[Frame]:
    """The frames; at their end it raises NoFace when none of them had a face."""
    yield from frames
    if not follower.most:
        choose([], "all")


def _weights(spec: MethodSpec) -> dict[str, str]:
    return {"repo": spec.weights.repo, "revision": spec.weights.revision, "sha256": spec.weights.sha256}


def _claim(spec: MethodSpec, persona: str | None, params: Any, seed: int, sources: tuple[str, ...]) -> Claim:
    return Claim(spec.id, spec.title, spec.year, _weights(spec), persona, asdict(params), seed, sources, spec.tasks[0])


def _recorded(sealed: Sealed, spec: MethodSpec, persona: str | None, faces: int, clock: Stopwatch) -> Sealed:
    """The result record of `facezoo run --json`."""
    seconds = {name: round(value, 4) for name, value in clock.seconds.items()}
    record = sealed.record | {
        "method": spec.id,
        "persona": persona,
        "weights": _weights(spec),
        "faces": faces,
        "seconds": seconds | {"total": round(sum(clock.seconds.values()), 4)},
    }
    return replace(sealed, record=record)


def _compare_one(
    spec: MethodSpec,
    clip: Clip,
    photo: Image,
    faces: list[Face],
    persona: str | None,
    seed: int,
    folder: Path,
    label: Label,
    clock: Stopwatch,
) -> tuple[Sealed, Image]:
    with clock.stage("read"):
        identity, persona, _ = _identity(spec, persona if spec.inputs.persona else None, None, None)
        pipeline = registry.load(spec.id)
    params = spec.params()
    sized = [realign(face, spec.inputs.crop_size) if spec.inputs.crop_size else face for face in faces]
    once = iter([Frame(photo, 0.0)])
    (frame,) = _translate(once, pipeline, lambda _image: sized, identity, params, None, seed, clock)
    claim = _claim(spec, persona, params, seed, (clip.sha256,))
    with clock.stage("seal"):
        sealed = seal(iter([frame]), folder / f"{spec.id}.png", claim=claim, clip=clip, label=label)
    return _recorded(sealed, spec, persona, len(faces), clock), frame.image
