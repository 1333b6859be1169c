"""Why a result looks as it does: every picture on the way, each written as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from facezoo import registry
from facezoo.face.find import choose, find_faces
from facezoo.face.paste import paste, settings_of
from facezoo.face.turn import toward_viewer
from facezoo.media.sheet import enlarged
from facezoo.method.pipeline import FacePipeline, RestylePipeline
from facezoo.runner.admit import admit, checked, first_checked, folder_of, identity_of
from facezoo.runner.clip import repaints
from facezoo.runner.record import Stopwatch, claim_of
from facezoo.safety.seal import Claim, seal
from facezoo.types import Clip, Face, Frame, Progress, Step

__all__ = ["Explained", "explain", "explains"]

_LOOKED_AT = 60  # frames of a clip in which a face is looked for


@dataclass(frozen=True)
class Explained:
    """A step that was written. number: from 1. made: the file at `path`, a PNG, is labelled, watermarked and signed
    because a computer made what it shows; the others are of the picture that was given."""

    number: int
    name: str
    title: str
    text: str
    path: Path
    made: bool


def explains(method: str, weights: str | Path = "") -> bool:
    """Whether the method has steps to show. Loads it, with its weights; errors as `registry.load`."""
    pipeline = registry.load(method, str(weights))
    return isinstance(pipeline, FacePipeline) and type(pipeline).explain is not FacePipeline.explain


def explain(
    method: str, path: str | Path, *, persona: str | None = None, source: str | Path | None = None,
    params: Mapping[str, Any] | None = None, consent: bool | None = None, face: int = 1, seed: int = 0,
    weights: str | Path = "", output: str | Path | None = None, progress: Progress | None = None,
) -> list[Explained]:  # fmt: skip
    """Write every picture between a photo (of a clip: its first frame with a face, or the first of all
    when the whole picture is repainted) and its result as <number>-<name>.png.

    First the original, then the method's own steps, last the finished picture; [] when the method explains nothing.
    output: a folder, made when missing; a new temporary one when None. The other arguments, and the errors, are those
    of `runner.run`."""
    clock = Stopwatch(progress)
    spec = registry.spec_in_use(method, str(weights))
    chosen = registry.parse_params(spec, params or {})
    with clock.stage("read"):
        clip = admit(Path(path), consent, "the picture")
        if not explains(method, weights):
            return []
        identity, persona, sources = identity_of(spec, persona, source, consent)
        pipeline = registry.load_faces(method, str(weights))
    if repaints(pipeline, chosen):
        persona, sources = None, ()
        steps = _repainted(pipeline, clip, chosen, seed, clock)
    else:
        with clock.stage("detect"):
            (target,) = toward_viewer(choose(_first_faces(clip, spec.inputs.crop_size, clock), face))
        with clock.stage("method"):
            steps = list(_steps(pipeline, target, identity, chosen, seed, clip.kind))
    claim = claim_of(registry.spec_of(pipeline), persona, chosen, seed, (clip.sha256, *sources))
    with folder_of(output) as folder:
        return [_written(number, step, folder, claim, clip, clock) for number, step in enumerate(steps, start=1)]


def _written(number: int, step: Step, folder: Path, claim: Claim, clip: Clip, clock: Stopwatch) -> Explained:
    """A made step is sealed. What shows nothing made is written as it is: nobody may take it for a result."""
    file = folder / f"{number}-{step.name}.png"
    with clock.stage("seal"):
        if step.made:
            seal(iter([Frame(step.image, 0.0)]), file, claim=claim, clip=clip)
        else:
            Pillow.fromarray(step.image).save(file, compress_level=2)
    return Explained(number, step.name, step.title, step.text, file, step.made)


def _first_faces(clip: Clip, crop_size: int, clock: Stopwatch) -> list[Face]:
    for index, frame in enumerate(islice(checked(clip.frames()), _LOOKED_AT)):
        clock.tell("detect", index / _LOOKED_AT)
        if faces := find_faces(frame.image, crop_size=crop_size):
            return faces
    return []


def _steps(
    pipeline: FacePipeline, target: Face, identity: Face | None, params: Any, seed: int, kind: str
) -> Iterator[Step]:
    """The method's own steps between the two that every method has."""
    told = "The picture as you gave it." if kind == "photo" else "The first picture of your clip that shows a face."
    yield Step("original", "The original", told, target.frame, made=False)
    for step in pipeline.explain(target, identity=identity, params=params, seed=seed):
        yield replace(step, image=enlarged(step.image))
    (crop,) = pipeline(iter([target]), identity=identity, params=params, seed=seed)
    pasted = paste(target, crop, **settings_of(params))
    yield Step("result", "Pasted back", "The new face is laid into the picture with a soft edge.", pasted, made=True)


def _repainted(pipeline: RestylePipeline, clip: Clip, params: Any, seed: int, clock: Stopwatch) -> list[Step]:
    """The same of a picture that is repainted as a whole."""
    told = "The picture as you gave it." if clip.kind == "photo" else "The first picture of your clip."
    with clock.stage("detect"):
        image = first_checked(clip)
        faces = find_faces(image)
    with clock.stage("method"):
        own = pipeline.explain_restyle(image, params=params, seed=seed)
        made = pipeline.restyle(image, faces, params=params, seed=seed)
    return [
        Step("original", "The original", told, image, made=False),
        *(replace(step, image=enlarged(step.image)) for step in own),
        Step("result", "The result", "What was changed, added to the picture at its own size.", made, made=True),
    ]
