"""The one road: read, consent, detect, align, method, blend, seal. UI, API and CLI call this and nothing below it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from facezoo import registry
from facezoo.errors import Cancelled, FacezooError, UsageError
from facezoo.face import find_faces, realign
from facezoo.face.blend import paste
from facezoo.face.follow import Follower, choose
from facezoo.media.sheet import side_by_side
from facezoo.media.stopwatch import Stopwatch
from facezoo.method import AnimationPipeline, FacePipeline
from facezoo.runner.admit import (
    STILL,
    admit,
    checked,
    destination_of,
    driver_of,
    first_checked,
    folder_of,
    identity_of,
    only,
)
from facezoo.runner.animation import animate
from facezoo.runner.record import Label, claim_of, recorded
from facezoo.safety.seal import Claim, seal
from facezoo.types import Clip, Face, Frame, Image, MethodSpec, Progress, Sealed

__all__ = ["Comparison", "compare", "run"]

FaceChoice = int | Literal["all"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One photo through several methods. results: method id -> sealed file, in the registry's order. grid: all of them
    in one sealed picture. failures: method id -> what went wrong; the other results are kept."""

    results: dict[str, Sealed]
    grid: Sealed
    failures: dict[str, FacezooError] = field(default_factory=dict[str, FacezooError])


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
    source: a photo of another face. driving: whose motion is taken: a clip, a photo, a
    motion template (a file or the name of one that ships). params: the method's parameters by name.
    consent: that every face that is not one of facezoo's own pictures may be used (see `safety.consent`). face: its
    number, 1 is the largest, or "all". output: where to write, the suffix decides the format; a new temporary folder
    when None. label: size of the visible mark. progress(stage, fraction) may raise Cancelled. Raises the errors of
    `facezoo.errors`; nothing is left at `output` then."""
    clock = Stopwatch(progress)
    spec = registry.load_spec(method)
    chosen = registry.parse_params(spec, params or {})
    with clock.stage("read"):
        clip = admit(only(inputs), consent, "the picture")
        identity, persona, sources = identity_of(spec, persona, source, consent)
        driver = driver_of(spec, driving, consent)
        pipeline = registry.load(method)
    spec = replace(spec, weights=pipeline.weights)  # those in use, which the record names
    if isinstance(pipeline, AnimationPipeline):
        return animate(
            pipeline, clip, driver, params=chosen, face=face, seed=seed, output=output, label=label, clock=clock
        )
    follower = Follower(face, spec.inputs.crop_size)
    claim = claim_of(spec, persona, chosen, seed, (clip.sha256, *sources))
    with destination_of(output, clip) as destination, clock.stage("seal"):
        frames = _frames(clip, destination, clock)
        translated = _translate(frames, pipeline, follower, identity, chosen, seed, clock)
        sealed = seal(_at_least_one_face(translated, follower), destination, claim=claim, clip=clip, label=label)
    return recorded(sealed, spec, persona, follower.most, clock)


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
        clip = admit(Path(image), consent, "the picture")
        photo = first_checked(clip)
    with clock.stage("detect"):
        faces = choose(find_faces(photo), face)
    results: dict[str, Sealed] = {}
    failures: dict[str, FacezooError] = {}
    pictures: list[tuple[str, Image]] = [("Untouched", photo)]
    with folder_of(output) as folder:
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


def _frames(clip: Clip, destination: Path, clock: Stopwatch) -> Iterator[Frame]:
    """The frames that are worked on: all, or the first when a still is asked for."""
    still = destination.suffix.lower() in STILL and (clip.kind == "photo" or destination.suffix.lower() != ".webp")
    frames = checked(islice(clip.frames(), 1) if still else clip.frames())
    for index in range(2**31):
        with clock.stage("read", index / max(clip.count, 1)):
            frame = next(frames, None)
            if frame is None:
                return
        yield frame


def _translate(
    frames: Iterator[Frame],
    pipeline: FacePipeline,
    follower: Callable[[Image], list[Face]],
    identity: Face | None,
    params: Any,
    seed: int,
    clock: Stopwatch,
) -> Iterator[Frame]:
    """Every frame with its faces replaced. The pipeline sees one stream of faces and may batch them; a frame without a
    face ends the stream and a new one begins after it, so that no more than a batch of frames is ever held."""
    stream = _Stream(frames, follower, clock)
    while not stream.ended:
        crops = iter(pipeline(stream.faces(), identity=identity, params=params, seed=seed))
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
        identity, persona, _ = identity_of(spec, persona if spec.inputs.persona else None, None, None)
        pipeline = registry.load(spec.id)
    spec = replace(spec, weights=pipeline.weights)
    params = spec.params()
    sized = [realign(face, spec.inputs.crop_size) if spec.inputs.crop_size else face for face in faces]
    once = iter([Frame(photo, 0.0)])
    (frame,) = _translate(once, pipeline, lambda _image: sized, identity, params, seed, clock)
    claim = claim_of(spec, persona, params, seed, (clip.sha256,))
    with clock.stage("seal"):
        sealed = seal(iter([frame]), folder / f"{spec.id}.png", claim=claim, clip=clip, label=label)
    return recorded(sealed, spec, persona, len(faces), clock), frame.image
