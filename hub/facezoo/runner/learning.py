"""Learning a face: one to eight photos of somebody become a head, a folder that moves in place of a photo.

    HEAD/head.json              method, weights it began from, consent, sha256 of the photos, steps, seconds
    HEAD/photo-1.jpg ...        the photos as they were given
    HEAD/generator/             the network that has learned the face: config.json, safetensors, float16

It is the user's own. Nothing of it leaves the machine, nothing else is kept.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

import facezoo
from facezoo import registry
from facezoo.errors import BadInput, UsageError
from facezoo.face.embedding import describe
from facezoo.face.turn import GUESSED, turned_away
from facezoo.media.read import open_clip
from facezoo.runner.admit import admit, portrait_of
from facezoo.safety.marks import draw, mark
from facezoo.types import Clip, Face, Image, Progress
from facezoo.zoo.manifest import fingerprint

if TYPE_CHECKING:
    from facezoo.methods.talking_head.pipeline import TalkingHead

__all__ = ["Learned", "learn", "open_head", "unpack_head"]

METHOD = "talking_head"
_RECORD = "head.json"
_SMALLEST = 60.0  # px, height of a face that can be learned
_SOMEBODY_ELSE = 0.68  # dlib distance; 0.6 is its author's, photos and paintings of one person come near it
_PICTURE_EVERY = 4.0  # seconds
_IN_A_HEAD = re.compile(r"head\.json|photo-[1-8]\.[a-z]{3,4}|generator/(config\.json|[\w.-]+\.safetensors)")
_FILES, _LARGEST = 11, 100_000_000  # bytes of all of them


@dataclass(frozen=True)
class Learned:
    """head.json. photos: file -> sha256. weights: fingerprint of the zoo's that it began from. generator: fingerprint
    of what it became. notes: what the user should know."""

    photos: dict[str, str]
    steps: int
    seconds: float
    weights: str
    generator: str
    consent: bool
    method: str = METHOD
    facezoo: str = facezoo.__version__
    notes: tuple[str, ...] = ()


def learn(
    photos: Sequence[str | Path],
    output: str | Path,
    *,
    steps: int = 120,
    seconds: float = 150.0,
    consent: bool | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    on_picture: Callable[[int, Image], None] | None = None,
) -> Learned:
    """Learn the face of 1 to 8 photos or paintings of one person and write the folder `output`.

    steps: of fine-tuning in all; a folder that exists and was learned from the same photos goes on from where it was.
    seconds: after which it stops with what it has. progress("learn", fraction) may raise Cancelled: nothing is written
    then. on_picture(step, picture), every few seconds: the first photo asked to turn and speak, labelled. Raises
    UsageError (number of photos, small or turned faces, two people), NoFace, BadInput, ConsentRequired,
    ContentRefused."""
    from facezoo.methods.talking_head.pipeline import TalkingHead

    paths, output = [Path(each) for each in photos], Path(output)
    _check_count(paths, steps)
    clips = [admit(path, consent, "the photo") for path in paths]
    base = cast("TalkingHead", registry.load(METHOD))
    done, before, began = _known(output, clips, base)
    notes: list[str] = []
    faces = [_usable(clip, notes) for clip in clips]
    _check_one_person(faces)
    start = TalkingHead({"embedder": base.networks["embedder"], "generator": began})
    watch = _Watch(start, faces[0], steps - done, seconds, progress, on_picture)
    generator = start.learned(faces, max(steps - done, 0), seed + done, watch)
    record = Learned({}, done + watch.steps, round(before + watch.seconds, 1), base.weights.sha256, "", bool(consent),
                     notes=tuple(notes))  # fmt: skip
    return _written(record, output, clips, generator)


def open_head(folder: str | Path) -> tuple[TalkingHead, Path]:
    """The pipeline of a head, for `runner.run(..., pipeline=)`, and its first photo. Raises BadInput when the folder
    holds no head, or not the one that its record describes."""
    from facezoo.methods.talking_head.bilayer import Bilayer
    from facezoo.methods.talking_head.pipeline import TalkingHead

    folder = Path(folder)
    record = _read_record(folder)
    clips = [open_clip(folder / name) for name in record.photos]
    intact = all(clip.sha256 == record.photos[clip.source.name] for clip in clips)
    if not intact or fingerprint(folder / "generator") != record.generator:
        raise BadInput(f"The head in {folder} was changed after it was learned.", "Learn it again: facezoo learn")
    base = registry.load(METHOD)
    others = [portrait_of(clip, 1)[0] for clip in clips[1:]]
    generator: Any = Bilayer.from_pretrained(folder / "generator", use_safetensors=True)
    pipeline = TalkingHead({"embedder": base.networks["embedder"], "generator": generator}, others=others)
    pipeline.weights = replace(base.weights, repo="", revision="", sha256=record.generator)
    return pipeline, clips[0].source


def unpack_head(archive: Path, folder: Path) -> Path:
    """The head in a zip file, as a folder inside `folder`, for `open_head`. Raises BadInput for any other zip file, and
    for one that is larger than a head: nothing is left then."""
    head = folder / "head"
    try:
        with zipfile.ZipFile(archive) as packed:
            files = [each for each in packed.infolist() if not each.is_dir()]
            if not all(_IN_A_HEAD.fullmatch(each.filename) for each in files) or len(files) > _FILES:
                raise BadInput("This zip file is no head.", "Send the one that /learn gave, or a photo.")
            if sum(each.file_size for each in files) > _LARGEST:
                raise BadInput("This zip file is too large for a head.", "Send the one that /learn gave, or a photo.")
            for each in files:
                packed.extract(each, head)
    except (OSError, zipfile.BadZipFile, RuntimeError, zlib.error) as problem:
        shutil.rmtree(head, ignore_errors=True)
        raise BadInput("This zip file cannot be read.", "Send the one that /learn gave, or a photo.") from problem
    return head


class _Watch:
    """Tells how the learning goes and when it has to end."""

    def __init__(
        self,
        pipeline: TalkingHead,
        face: Face,
        most: int,
        limit: float,
        progress: Progress | None,
        on_picture: Callable[[int, Image], None] | None,
    ) -> None:
        self._pipeline, self._face, self._most, self._limit = pipeline, face, most, limit
        self._progress, self._on_picture = progress, on_picture
        self._began = self._shown = time.monotonic()
        self.steps = 0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def __call__(self, step: int, generator: Any) -> bool:
        self.steps = step
        if self._progress:
            self._progress("learn", step / max(self._most, 1))
        if self._on_picture and time.monotonic() - self._shown > _PICTURE_EVERY:
            self._shown = time.monotonic()
            self._on_picture(step, mark(draw(self._pipeline.tried(self._face, generator), "small")))
        return self.seconds < self._limit


def _check_count(paths: Sequence[Path], steps: int) -> None:
    from facezoo.methods.talking_head.head import MOST

    if not 1 <= len(paths) <= MOST:
        raise UsageError(f"A head is learned from 1 to {MOST} photos, not {len(paths)}.", "Choose the sharpest ones.")
    if not 0 <= steps <= 2000:
        raise UsageError(f"{steps} steps are not possible.", "Give a number from 0 to 2000; 120 take two minutes.")


def _usable(clip: Clip, notes: list[str]) -> Face:
    """The face of a photo. Raises UsageError when it is too small or turned away, NoFace when there is none."""
    name = clip.source.name
    face, others = portrait_of(clip, 1)
    height = float(np.ptp(face.landmarks.mesh[:, 1]))
    if height < _SMALLEST:
        raise UsageError(f"The face in {name} is {height:.0f} px high.", f"It must have at least {_SMALLEST:.0f}.")
    if (turned := turned_away(face)) >= GUESSED:
        raise UsageError(
            f"The head in {name} is turned about {turned:.0f} degrees away.", "Use photos in which both eyes are seen."
        )
    if others:
        notes.append(f"There are {len(others) + 1} faces in {name}; the largest one was learned.")
    return face


def _check_one_person(faces: Sequence[Face]) -> None:
    """Raises UsageError when photos show different people, as far as anybody can tell: without facezoo[identity] nobody
    can."""
    if len(faces) < 2 or not (find_spec("dlib") and find_spec("face_recognition_models")):
        return
    known = [describe(face.frame, face.landmarks.mesh) for face in faces]
    for number, each in enumerate(known[1:], start=2):
        if min(float(np.linalg.norm(each - other)) for other in known[: number - 1]) > _SOMEBODY_ELSE:
            raise UsageError(f"Photo {number} shows somebody else.", "Give photos of one person only.")


def _known(output: Path, clips: Sequence[Clip], base: TalkingHead) -> tuple[int, float, Any]:
    """Steps and seconds of the head that is in `output` already, and its generator; or none, and the zoo's."""
    if not output.exists():
        if not output.absolute().parent.is_dir():
            raise UsageError(f"The folder {output.parent} does not exist.", "Make it first, or write somewhere else.")
        return 0, 0.0, base.networks["generator"]
    record = _read_record(output)
    if list(record.photos.values()) != [clip.sha256 for clip in clips]:
        raise UsageError(f"{output} is a head of other photos.", "Name a new folder.")
    return record.steps, record.seconds, open_head(output)[0].networks["generator"]


def _read_record(folder: Path) -> Learned:
    try:
        given = cast("dict[str, Any]", json.loads((folder / _RECORD).read_text(encoding="utf-8")))
        given["notes"] = tuple(given["notes"])
        return Learned(**given)
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise BadInput(f"{folder} holds no head.", "Make one: facezoo learn PHOTO... -o HEAD --consent") from problem


def _written(record: Learned, output: Path, clips: Sequence[Clip], generator: Any) -> Learned:
    """Write a head, whole or not at all; gives its record."""
    with tempfile.TemporaryDirectory(prefix=".facezoo-", dir=output.parent) as temporary:
        made = Path(temporary) / "head"
        generator.half().save_pretrained(made / "generator")
        photos: dict[str, str] = {}
        for number, clip in enumerate(clips, start=1):
            name = f"photo-{number}{clip.source.suffix.lower()}"
            shutil.copyfile(clip.source, made / name)
            photos[name] = clip.sha256
        record = replace(record, photos=photos, generator=fingerprint(made / "generator"))
        (made / _RECORD).write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(output, ignore_errors=True)
        made.replace(output)
    return record
