"""One piece of the work: one method on one picture, or on a few pairs. Its answer is a small file that is not made
twice, so a stopped evaluation goes on where it was.

Results are measured as the method and the blending gave them, before the label and the watermark. They are never
written anywhere; the few that the report shows are sealed first.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo import registry
from facezoo.errors import Cancelled, FacezooError
from facezoo.evaluate.metrics import find_again, kept, outside_ssim, sharpness
from facezoo.evaluate.strata import groups
from facezoo.evaluate.subjects import PairSet, Subject
from facezoo.face.embedding import Descriptor, describe
from facezoo.face.find import choose, find_faces, realign
from facezoo.face.mesh import head_pose
from facezoo.face.paste import paste, settings_of
from facezoo.media.files import write_whole
from facezoo.media.read import open_clip, read_photo
from facezoo.safety import admission
from facezoo.safety.seal import Claim, seal
from facezoo.types import Box, Face, Frame, Image, Landmarks, Mask
from facezoo.zoo.embedded import consent_free, persona, personas
from facezoo.zoo.figures import ssim

__all__ = ["BASELINES", "COPIED_INPUT", "COPIED_PERSONA", "Job", "Settings", "begin", "do_all", "picture_of"]

COPIED_INPUT, COPIED_PERSONA = "copied input", "copied persona"
BASELINES = (COPIED_INPUT, COPIED_PERSONA)
_THUMBNAIL = 320  # px, the longer side
_SKIN, _MOUTH = 2, 7  # labels of a pair between which the face lies, see `facezoo.train.render.frames.LABELS`
_stops: list[Event] = []  # of this process


@dataclass(frozen=True)
class Settings:
    """What all jobs of an evaluation share. identity: whether identities are compared. source: sha256 of the code that
    measures. cache: where answers are kept."""

    personas: tuple[str, ...]
    identity: bool
    seed: int
    source: str
    cache: Path


@dataclass(frozen=True)
class Job:
    """One column (a method's id or one of BASELINES) on one subject. version: what tells this method's code and weights
    from earlier ones. shown: the persona with whom the report shows this picture, "" for none."""

    subject: Subject | PairSet
    column: str
    version: str
    settings: Settings
    shown: str = ""

    @property
    def answer(self) -> Path:
        """Where the answer is kept, named after all that it depends on."""
        people = [each.sha256 for each in personas() if each.id in self.settings.personas]
        what = (
            [self.subject.sha256, self.subject.persona, *self.subject.names]
            if isinstance(self.subject, PairSet)
            else [self.subject.sha256, self.subject.name, self.subject.kind, self.subject.part]
        )
        settings = [self.settings.source, self.settings.identity, self.settings.seed]
        text = json.dumps([settings, people, self.column, self.version, what])
        return self.settings.cache / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    @property
    def picture(self) -> Path:
        """Where the sealed thumbnail is kept."""
        return self.answer.with_name(f"{self.answer.stem}-{self.shown}.jpg")

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.answer.is_file() and (not self.shown or self.column in BASELINES or self.picture.is_file())


def begin(stop: Event) -> None:
    """Prepare a process of its own that does jobs: one core, Ctrl-C is its parent's to handle, `stop` ends a job, and
    it ends when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # torch is not loaded yet
    cv2.setNumThreads(1)
    _stops.append(stop)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def do_all(jobs: Sequence[Job]) -> None:
    """Do what is left of the jobs on one subject, whose face is found once. Raises Cancelled when `stop` was set."""
    for job in jobs:
        _do(job)


def _check_stop() -> None:
    if any(stop.is_set() for stop in _stops):
        raise Cancelled("Stopped.")


def _do(job: Job) -> None:
    """The answer: {"failure", "groups", "rows": [{"persona", "person", "failure", "values"}]} as JSON."""
    if not job.answer.is_file():
        found = _measure_pairs(job, job.subject) if isinstance(job.subject, PairSet) else _measure(job, job.subject)
        write_whole(job.answer, json.dumps(found))
    if not job.done and isinstance(job.subject, Subject):
        _show(job, job.subject)


def picture_of(job: Job) -> Path | None:
    """The sealed thumbnail of a job, None when the method failed on that picture."""
    return job.picture if job.picture.is_file() and job.picture.stat().st_size else None


def _measure(job: Job, subject: Subject) -> dict[str, Any]:
    try:
        face = _face_of(subject)
    except FacezooError as error:
        return {"failure": error.message, "groups": {}, "rows": []}
    own = _descriptor_of(subject) if job.settings.identity else None
    rows: list[dict[str, Any]] = []
    for who in job.settings.personas:
        _check_stop()
        if persona(who).sha256 == subject.sha256:
            continue  # into oneself
        if job.column not in BASELINES and not registry.load_spec(job.column).inputs.knows(who):
            continue
        row: dict[str, Any] = {"persona": who, "person": subject.name, "failure": "", "values": {}}
        try:
            row["values"] = _values(job, face, own, who)
        except FacezooError as error:
            row["failure"] = error.message
        rows.append(row)
    return {"failure": "", "groups": groups(subject, face), "rows": rows}


def _values(job: Job, face: Face, own: Descriptor | None, who: str) -> dict[str, float]:
    """The measures of one result by their ids, see `facezoo.evaluate.measures`."""
    if job.column == COPIED_INPUT:
        values, shown = {"pose": 0.0, "nme": 0.0, "expression": 0.0, "outside": 1.0, "sharpness": 1.0}, own
    elif job.column == COPIED_PERSONA:
        errors = kept(face, _persona(who))
        values = {"pose": errors.pose_error, "expression": errors.expression_error}
        shown = None if own is None else _persona_descriptor(who)
    else:
        image, seconds = _swap(job, face, who)
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


def _measure_pairs(job: Job, pairs: PairSet) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for name, person in zip(pairs.names, pairs.people, strict=True):
        _check_stop()
        row: dict[str, Any] = {"persona": pairs.persona, "person": person, "failure": "", "values": {}}
        face, truth, where = _pair(pairs.folder, name)
        try:
            made = _unblended(job, face, pairs.persona)
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


def _unblended(job: Job, face: Face, who: str) -> Image:
    """What a method makes of a rendered face, laid over it by the method's own mask, its colours as they are."""
    if job.column == COPIED_INPUT:
        return face.frame
    side = face.frame.shape[0]
    if job.column == COPIED_PERSONA:
        return realign(_persona(who), side).crop
    target, crop = _crop(job, face, who)
    layers = crop if crop.shape[2] == 4 else np.dstack([crop, np.full(crop.shape[:2], 255, np.uint8)])
    placed: NDArray[np.float32] = cv2.warpAffine(  # pyright: ignore[reportAssignmentType]
        layers.astype(np.float32), target.affine, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    share = placed[..., 3:] / 255
    return np.round(face.frame * (1 - share) + placed[..., :3] * share).astype(np.uint8)


def _swap(job: Job, face: Face, who: str) -> tuple[Image, float]:
    """The whole picture with its face replaced, and the processor seconds that method and blending took: other work
    on the machine hardly changes them."""
    _warm(job.column, who)
    began = time.process_time()
    target, crop = _crop(job, face, who)
    image = paste(target, crop, **settings_of(registry.load_spec(job.column).swapping()))
    return image, time.process_time() - began


def _crop(job: Job, face: Face, who: str) -> tuple[Face, Image]:
    """The face as the method wants it, and what the method makes of it."""
    spec = registry.load_spec(job.column)
    target = realign(face, spec.inputs.crop_size) if spec.inputs.crop_size else face
    faces: Iterator[Face] = iter([target])
    made = registry.load(job.column)(faces, identity=_persona(who), params=spec.swapping(), seed=job.settings.seed)
    return target, next(iter(made))


@cache
def _warm(method: str, who: str) -> None:
    """The first call loads networks and is not timed."""
    next(iter(registry.load(method)(iter([_persona(who)]), identity=_persona(who),
                                    params=registry.load_spec(method).swapping())))  # fmt: skip


def _show(job: Job, subject: Subject) -> None:
    """Seal a thumbnail of the result; an empty file says that there is none."""
    try:
        image, _ = _swap(job, _face_of(subject), job.shown)
    except FacezooError:
        job.picture.write_bytes(b"")
        return
    spec = replace(registry.load_spec(job.column), weights=registry.load(job.column).weights)
    named = {key: value for key, value in asdict(spec.weights).items() if key in ("repo", "revision", "sha256")}
    claim = Claim(spec.id, spec.title, spec.year, named, job.shown, asdict(spec.swapping()), job.settings.seed,
                  (subject.sha256,), "swap")  # fmt: skip
    ratio = _THUMBNAIL / max(image.shape[:2])
    small = np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8)
    seal(iter([Frame(small, 0.0)]), job.picture, claim=claim, clip=open_clip(subject.path))


@cache
def _persona(who: str) -> Face:
    return replace(find_faces(read_photo(persona(who).portrait), thorough=False)[0], persona=who)


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
