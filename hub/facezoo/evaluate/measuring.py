"""What one job finds out: one method, or a baseline, on one picture or a few pairs.

Results are measured as the method and the blending gave them, before the label and the watermark. They are never
written anywhere; the few that the report shows are sealed first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo import registry
from facezoo.errors import FacezooError
from facezoo.evaluate.figures import BASELINES, COPIED_INPUT, COPIED_PERSONA
from facezoo.evaluate.metrics import find_again, kept, outside_ssim, sharpness
from facezoo.evaluate.subjects import PairSet, Subject, groups
from facezoo.face.embedding import Descriptor, describe
from facezoo.face.find import choose, find_faces, portrait_face, realign
from facezoo.face.mesh import head_pose
from facezoo.face.paste import paste, settings_of
from facezoo.media.read import open_clip, read_photo
from facezoo.method.pipeline import FacePipeline
from facezoo.safety import admission
from facezoo.safety.seal import Claim, seal
from facezoo.types import Box, Face, Frame, Image, Landmarks, Mask
from facezoo.zoo.embedded import consent_free, persona, personas
from facezoo.zoo.figures import ssim
from facezoo.zoo.pull import methods_of

__all__ = ["Settings", "measure_pairs", "measure_picture", "seal_thumbnail"]

_THUMBNAIL = 320  # px, the longer side
_SKIN, _MOUTH = 2, 7  # labels of a pair between which the face lies, see `facezoo.train.render.frames.LABELS`


@dataclass(frozen=True)
class Settings:
    """What all jobs of an evaluation share. identity: whether identities are compared. source: sha256 of the code that
    measures. cache: where answers are kept. weights: own ones of a method, see `registry.load`, "" for the zoo's."""

    personas: tuple[str, ...]
    identity: bool
    seed: int
    source: str
    cache: Path
    weights: str = ""


def measure_picture(
    subject: Subject, column: str, settings: Settings, check_stop: Callable[[], None]
) -> dict[str, Any]:
    """What a column (a method's id or one of BASELINES) makes of a picture, with every persona. The answer of a job."""
    try:
        face = _face_of(subject)
    except FacezooError as error:
        return {"failure": error.message, "groups": {}, "rows": []}
    own = _descriptor_of(subject) if settings.identity else None
    rows: list[dict[str, Any]] = []
    for who in settings.personas:
        check_stop()
        if persona(who).sha256 == subject.sha256:
            continue  # into oneself
        if column not in BASELINES and not registry.spec_of(_pipeline(column, settings.weights)).inputs.knows(who):
            continue
        row: dict[str, Any] = {"persona": who, "person": subject.name, "failure": "", "values": {}}
        try:
            row["values"] = _values(column, settings, face, own, who)
        except FacezooError as error:
            row["failure"] = error.message
        rows.append(row)
    return {"failure": "", "groups": groups(subject, face), "rows": rows}


def seal_thumbnail(subject: Subject, method: str, who: str, settings: Settings, path: Path) -> None:
    """Seal a small picture of a result; an empty file says that there is none."""
    try:
        image, _ = _swap(method, settings, _face_of(subject), who)
    except FacezooError:
        path.write_bytes(b"")
        return
    spec = registry.spec_of(_pipeline(method, settings.weights))
    named = {key: value for key, value in asdict(spec.weights).items() if key in ("repo", "revision", "sha256")}
    claim = Claim(spec.id, spec.title, spec.year, named, who, asdict(spec.swapping()), settings.seed,
                  (subject.sha256,), "swap")  # fmt: skip
    ratio = _THUMBNAIL / max(image.shape[:2])
    small = np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8)
    seal(iter([Frame(small, 0.0)]), path, claim=claim, clip=open_clip(subject.path))


def _values(column: str, settings: Settings, face: Face, own: Descriptor | None, who: str) -> dict[str, float]:
    """The measures of one result by their ids, see `facezoo.evaluate.measures`."""
    if column == COPIED_INPUT:
        values, shown = {"pose": 0.0, "nme": 0.0, "expression": 0.0, "outside": 1.0, "sharpness": 1.0}, own
    elif column == COPIED_PERSONA:
        errors = kept(face, _persona(who))
        values = {"pose": errors.pose_error, "expression": errors.expression_error}
        shown = None if own is None else _persona_descriptor(who)
    else:
        image, seconds = _swap(column, settings, face, who)
        found = find_again(face, image)
        errors = kept(face, found)
        values = {
            "pose": errors.pose_error,
            "nme": errors.landmark_error,
            "expression": errors.expression_error,
            "outside": outside_ssim(face, image),
            "sharpness": sharpness(face, image),
            "seconds": seconds,
        }
        shown = None if own is None else describe(image, found.landmarks.mesh)
    if own is not None and shown is not None:
        values |= _identity(shown, own, who)
    return {name: round(value, 6) for name, value in values.items()}


def _identity(shown: Descriptor, own: Descriptor, who: str) -> dict[str, float]:
    distances = {each.id: float(np.linalg.norm(shown - _persona_descriptor(each.id))) for each in personas()}
    return {
        "top1": float(min(distances, key=lambda id: distances[id]) == who),
        "to_persona": distances[who],
        "to_input": float(np.linalg.norm(shown - own)),
    }


def measure_pairs(pairs: PairSet, column: str, settings: Settings, check_stop: Callable[[], None]) -> dict[str, Any]:
    """How near a column comes to the truth of some pairs. The answer of a job."""
    rows: list[dict[str, Any]] = []
    for name, person in zip(pairs.names, pairs.people, strict=True):
        check_stop()
        row: dict[str, Any] = {"persona": pairs.persona, "person": person, "failure": "", "values": {}}
        face, truth, where = _pair(pairs.folder, name)
        try:
            made = _unblended(column, settings, face, pairs.persona)
            error = np.abs(made.astype(np.float32) - truth).mean(axis=2)
            row["values"] = {"l1": float(np.average(error, weights=where)), "ssim": ssim(made, truth, where)}
        except FacezooError as failed:
            row["failure"] = failed.message
        rows.append(row)
    return {"failure": "", "groups": {}, "rows": rows}


@lru_cache(16)
def _pair(folder: Path, name: str) -> tuple[Face, Image, Mask]:
    """The first of a pair, the picture of the second, and where in that the face lies."""
    truth = read_photo(folder / "frames" / f"{name}_b.jpg")
    labels = read_photo(folder / "masks" / f"{name}_b.png")[..., 0]
    return _rendered(folder, f"{name}_a"), truth, ((labels >= _SKIN) & (labels <= _MOUTH)).astype(np.float32)


def _rendered(folder: Path, name: str) -> Face:
    """A stored frame, which is an aligned crop, as a face; its landmarks are those it was drawn with."""
    image = read_photo(folder / "frames" / f"{name}.jpg")
    with np.load(folder / "parts" / f"{name}.npz", allow_pickle=False) as arrays:
        mesh, points = arrays["mesh"].astype(np.float32), arrays["points68"].astype(np.float32)
    marks = Landmarks(points, mesh, 1.0, "mesh")
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    box = Box(*low.tolist(), *high.tolist())
    return Face(1, box, marks, head_pose(marks), image, image, np.eye(2, 3, dtype=np.float32))


def _unblended(column: str, settings: Settings, face: Face, who: str) -> Image:
    """What a method makes of a rendered face, laid over it by the method's own mask, its colours as they are."""
    if column == COPIED_INPUT:
        return face.frame
    side = face.frame.shape[0]
    if column == COPIED_PERSONA:
        return realign(_persona(who), side).crop
    target, crop = _crop(column, settings, face, who)
    layers = crop if crop.shape[2] == 4 else np.dstack([crop, np.full(crop.shape[:2], 255, np.uint8)])
    placed: NDArray[np.float32] = cv2.warpAffine(  # pyright: ignore[reportAssignmentType]
        layers.astype(np.float32), target.affine, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    share = placed[..., 3:] / 255
    return np.round(face.frame * (1 - share) + placed[..., :3] * share).astype(np.uint8)


def _swap(column: str, settings: Settings, face: Face, who: str) -> tuple[Image, float]:
    """The whole picture with its face replaced, and the processor seconds that method and blending took: other work
    on the machine hardly changes them."""
    _warm(column, settings.weights, who)
    began = time.process_time()
    target, crop = _crop(column, settings, face, who)
    image = paste(target, crop, **settings_of(_pipeline(column, settings.weights).spec.swapping()))
    return image, time.process_time() - began


def _crop(column: str, settings: Settings, face: Face, who: str) -> tuple[Face, Image]:
    """The face as the method wants it, and what the method makes of it."""
    pipeline = _pipeline(column, settings.weights)
    spec = pipeline.spec
    target = realign(face, spec.inputs.crop_size) if spec.inputs.crop_size else face
    faces: Iterator[Face] = iter([target])
    made = pipeline(faces, identity=_persona(who), params=spec.swapping(), seed=settings.seed)
    return target, next(iter(made))


@cache
def _warm(method: str, weights: str, who: str) -> None:
    """The first call loads networks and is not timed."""
    pipeline = _pipeline(method, weights)
    next(iter(pipeline(iter([_persona(who)]), identity=_persona(who), params=pipeline.spec.swapping())))


def _pipeline(method: str, weights: str) -> FacePipeline:
    """The method, with own weights when these are of it."""
    return registry.load_faces(method, weights if method in methods_of(weights) else "")


@cache
def _persona(who: str) -> Face:
    return portrait_face(read_photo(persona(who).portrait), who)


@cache
def _persona_descriptor(who: str) -> Descriptor:
    return describe(_persona(who).frame, _persona(who).landmarks.mesh)


@lru_cache(4)
def _face_of(subject: Subject) -> Face:
    """The largest face. Raises NoFace, BadInput, ContentRefused."""
    photo = read_photo(subject.path)
    if subject.sha256 not in consent_free():
        admission.check_content(photo)
    return choose(find_faces(photo), 1)[0]


@lru_cache(4)
def _descriptor_of(subject: Subject) -> Descriptor:
    face = _face_of(subject)
    return describe(face.frame, face.landmarks.mesh)
