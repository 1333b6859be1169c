"""The one road: read, consent, detect, align, method, blend, seal. UI, API and CLI take it for every result.

Methods that repaint whole pictures take it too: nothing is pasted back then, and no face is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facezoo import registry
from facezoo.errors import Cancelled, FacezooError, UsageError
from facezoo.face.covering import uncovered
from facezoo.face.find import choose, find_faces, realign
from facezoo.face.follow import Follower
from facezoo.face.turn import Turns, toward_viewer
from facezoo.media.limits import WRITES_PHOTOS
from facezoo.method.pipeline import AnimationPipeline, FacePipeline
from facezoo.motion.template import Template
from facezoo.runner.admit import (
    FaceChoice,
    admit,
    cast_of,
    checked,
    destination_of,
    driver_of,
    first_checked,
    folder_of,
    only,
)
from facezoo.runner.animate import animate
from facezoo.runner.clip import Translator, translator_of
from facezoo.runner.place import anywhere
from facezoo.runner.prefetch import Crew
from facezoo.runner.record import Label, Stopwatch, claim_of, noted, recorded
from facezoo.runner.sheet import seal_sheet
from facezoo.safety.seal import seal
from facezoo.types import Clip, Face, Frame, Image, Progress, Sealed
from facezoo.zoo.embedded import personas as list_personas
from facezoo.zoo.pull import methods_of

__all__ = ["Comparison", "comparable", "compare", "run"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One photo through several methods. results: method id -> sealed file, in the registry's order. grid: all of them
    in one sealed picture. failures: method id -> what went wrong; the other results are kept."""

    results: dict[str, Sealed]
    grid: Sealed
    failures: dict[str, FacezooError] = field(default_factory=dict[str, FacezooError])


@anywhere
def run(
    method: str, inputs: str | Path | Sequence[str | Path], *, persona: str | None = None,
    personas: Mapping[int, str] | None = None, source: str | Path | None = None,
    driving: str | Path | Template | None = None, params: Mapping[str, Any] | None = None, consent: bool | None = None,
    face: FaceChoice | None = None, seed: int = 0, smoothing: float = 0.3,
    pipeline: FacePipeline | AnimationPipeline | None = None, weights: str | Path = "",
    output: str | Path | None = None, label: Label = "small", progress: Progress | None = None,
) -> Sealed:  # fmt: skip
    """Run one method on a photo, painting, animation or video, and seal the result.

    inputs: a path (or a list of one). persona: id of the synthetic person to swap with, the first one when None; or
    personas: one for each face, by its number, and all other faces stay; or source: a photo of another face. driving:
    whose motion is taken: a clip, a photo, a motion template (a file or the name of one that ships). params: the
    method's parameters by name. consent: that every face that is not one of facezoo's own pictures may be used (see
    `safety.admission`). face: its number, 1 is the largest and what None means, or "all". smoothing: [0, 1], how much
    the landmarks of a clip are calmed. A method that repaints whole pictures needs no face and puts nobody on.
    pipeline: the method with one's own weights, instead of the zoo's; it puts on whom these know. weights: the same
    from a folder, or OWNER/NAME@REVISION of the Hub; persona then names one of the people whom they know. output: where
    to write, the suffix decides the format; a new temporary folder when None. label: size of the visible mark.
    progress(stage, fraction), called on the caller's thread, may raise Cancelled. Raises the errors of
    `facezoo.errors`; nothing is left at `output` then."""
    clock = Stopwatch(progress)
    spec = registry.spec_in_use(method, str(weights)) if pipeline is None else _own(pipeline, method).spec
    _check_smoothing(smoothing)
    chosen = registry.parse_params(spec, params or {})
    with clock.stage("read"):
        clip = admit(only(inputs), consent, "the picture")
        cast = cast_of(spec, face, persona, personas, source, consent, own=pipeline is not None)
        driver = driver_of(spec, driving, consent)
        pipeline = pipeline or registry.load(method, str(weights))
    if isinstance(pipeline, AnimationPipeline):
        return animate(pipeline, clip, driver, chosen, face or 1, seed, output, label, clock)
    translator = translator_of(pipeline, cast, chosen, seed, smoothing, clock)
    with destination_of(output, clip) as destination, clock.stage("seal"):
        return _translated(translator, clip, destination, label)


@anywhere
def compare(
    image: str | Path, *, persona: str | None = None, methods: Sequence[str] | None = None, consent: bool | None = None,
    face: FaceChoice = 1, seed: int = 0, weights: str | Path = "", output: str | Path | None = None,
    label: Label = "small", progress: Progress | None = None, on_result: Callable[[str, Sealed], None] | None = None,
) -> Comparison:  # fmt: skip
    """One photo through every method that swaps faces with this persona (or those named), each result sealed as
    `output`/<method>.png, and all of them beside the untouched photo in `output`/grid.png. The face is found once for
    all.

    weights: as for `run`, of the one method of theirs. on_result(method, sealed) is called as each is done. A method
    that fails is reported in `failures`; when all fail, the first error is raised."""
    clock = Stopwatch(progress)
    persona = persona or list_personas()[0].id
    own = methods_of(weights)
    specs = [registry.load_spec(id) for id in methods or sorted({*comparable(persona), *own})]
    if not specs or not own <= {spec.id for spec in specs}:
        raise UsageError("There is no method to compare.", "Name one that swaps faces, and that the weights are of.")
    with clock.stage("read"):
        clip = admit(Path(image), consent, "the picture")
        photo = first_checked(clip)
    notes: list[str] = []
    with clock.stage("detect"):
        faces = toward_viewer(uncovered(choose(find_faces(photo), face)), notes)
    with folder_of(output) as folder:
        scene = _Scene(clip, photo, faces, persona, seed, folder, label, notes)
        results: dict[str, Sealed] = {}
        failures: dict[str, FacezooError] = {}
        for spec in specs:
            try:
                named = str(weights) if spec.id in own else ""
                results[spec.id] = scene.played(spec.id, named, Stopwatch(progress, spec.id))
            except Cancelled:
                raise
            except FacezooError as error:
                failures[spec.id] = error
            else:
                if on_result:
                    on_result(spec.id, results[spec.id])
        return Comparison(results, scene.grid(results, failures), failures)


def comparable(persona: str) -> list[str]:
    """Ids of the methods that can put this persona on, oldest first."""
    return [spec.id for spec in registry.list_methods() if "swap" in spec.tasks and spec.inputs.knows(persona)]


def _translated(translator: Translator, clip: Clip, destination: Path, label: Label) -> Sealed:
    """The sealed result, one picture or a clip."""
    cast, clock = translator.cast, translator.clock
    spec = registry.spec_of(translator.pipeline)
    claim = claim_of(
        spec, cast.persona, translator.params, translator.seed, (clip.sha256, *cast.sources), cast.personas
    )
    if _is_still(clip, destination):
        frame, count, notes = _still(translator, clip)
        sealed = seal(iter([frame]), destination, claim=claim, clip=clip, label=label)
        return noted(recorded(sealed, spec, cast.persona, count, clock, cast.personas), notes)
    follower = Follower(cast.wanted, 0)  # the crops are taken anew; at the picture's own size they cost least
    turns = Turns()
    with Crew() as crew:
        frames = translator.clip(crew, clock.timed("read", checked(clip.frames())), follower, turns)
        frames = _at_least_one_face(frames, follower) if translator.needs_face else frames
        sealed = seal(
            frames,
            destination,
            claim=claim,
            clip=clip,
            label=label,
            progress=lambda _, fraction: clock.tell("method", fraction),
        )
    return noted(recorded(sealed, spec, cast.persona, follower.most, clock, cast.personas), turns.notes())


def _is_still(clip: Clip, destination: Path) -> bool:
    """Whether the result is one picture: of a photo always, of an animation when a still is asked for."""
    suffix = destination.suffix.lower()
    return suffix in WRITES_PHOTOS and (clip.kind == "photo" or suffix != ".webp")


def _still(translator: Translator, clip: Clip) -> tuple[Frame, int, list[str]]:
    """The first frame, translated, how many faces were, and what there is to know of them."""
    clock, notes = translator.clock, list[str]()
    with clock.stage("read"):
        frame = next(checked(clip.frames()))
    with clock.stage("detect"):
        found = find_faces(frame.image, crop_size=translator.pipeline.spec.inputs.crop_size)
        if translator.needs_face:
            found = toward_viewer(uncovered(choose(found, translator.cast.wanted)), notes)
    return translator.photo(frame, found), len(found), notes


def _at_least_one_face(frames: Iterator[Frame], follower: Follower) -> Iterator[Frame]:
    """The frames; at their end it raises NoFace when a face that was asked for never came."""
    yield from frames
    follower.check_all_came()


def _own(pipeline: FacePipeline | AnimationPipeline, method: str) -> FacePipeline | AnimationPipeline:
    if pipeline.spec.id != method:
        raise UsageError(f"These weights are of {pipeline.spec.id}, not of {method}.", "Name the method they are of.")
    return pipeline


def _check_smoothing(smoothing: float) -> None:
    if not 0 <= smoothing <= 1:
        raise UsageError(f"A smoothing of {smoothing} is not possible.", "Give a number from 0 to 1.")


@dataclass(eq=False)
class _Scene:
    """One photo, admitted and found, that several methods are shown. notes: what there is to know of its faces.
    pictures: title -> what was made so far."""

    clip: Clip
    photo: Image
    faces: list[Face]
    persona: str
    seed: int
    folder: Path
    label: Label
    notes: list[str]
    pictures: list[tuple[str, Image]] = field(default_factory=list[tuple[str, Image]])

    def played(self, method: str, weights: str, clock: Stopwatch) -> Sealed:
        """The photo through one method, sealed."""
        with clock.stage("read"):
            spec = registry.spec_in_use(method, weights)
            cast = cast_of(spec, None, self.persona if spec.inputs.persona else None, None, None, None)
            pipeline = registry.load_faces(method, weights)
        spec = registry.spec_of(pipeline)
        params, side = spec.swapping(), spec.inputs.crop_size
        sized = [realign(face, side) if side else face for face in self.faces]
        translator = translator_of(pipeline, cast, params, self.seed, 0.0, clock)
        cast = translator.cast
        frame = translator.photo(Frame(self.photo, 0.0), sized)
        claim = claim_of(spec, cast.persona, params, self.seed, (self.clip.sha256,))
        with clock.stage("seal"):
            sealed = seal(iter([frame]), self.folder / f"{method}.png", claim=claim, clip=self.clip, label=self.label)
        self.pictures.append((f"{spec.title}, {spec.year}", frame.image))
        return noted(recorded(sealed, spec, cast.persona, len(self.faces), clock), self.notes)

    def grid(self, results: Mapping[str, Sealed], failures: Mapping[str, FacezooError]) -> Sealed:
        """All of them beside the untouched photo. Raises the first failure when there is no result."""
        if not results:
            raise next(iter(failures.values()))
        worn = {sealed.record["persona"] for sealed in results.values()} - {None}
        named = self.persona if self.persona in worn else None
        shown, place = [("Untouched", self.photo), *self.pictures], self.folder / "grid.png"
        return seal_sheet(shown, self.faces, self.clip, place, persona=named, seed=self.seed, label=self.label)
