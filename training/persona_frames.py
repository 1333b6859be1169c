"""Make training pictures with exact labels from portraits: many frames of one person, of anyone, or pairs of both.

    python training/persona_frames.py --output runs/imani --portrait imani --count 1000
    python training/persona_frames.py --output runs/anyone --anyone portraits/ --each 4
    python training/persona_frames.py --output runs/pairs --portrait imani --anyone portraits/ --pairs 2000
    python training/persona_frames.py --output runs/more --portrait imani --anyone portraits/ --expressions pairs/train

Pairs show two people in the same pose with the same expression; they are split by who "anyone" is, and those held back
are left as clean as the portraits are. What the files hold: facezoo.train.render.store. The same settings and seed give
the same bytes, whatever the number of processes; a second run makes only what is missing.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import facezoo
from facezoo.errors import FacezooError, NoFace, UsageError, WeightsUnavailable
from facezoo.face.embedding import check_embedder
from facezoo.face.find import find_faces
from facezoo.media.limits import PHOTO_SUFFIXES
from facezoo.media.read import read_photo
from facezoo.train.config import start
from facezoo.train.render.frames import (
    ANYONE,
    PERSONA,
    FrameSettings,
    PairSample,
    Rules,
    Subject,
    check_face,
    pair,
    prepare,
)
from facezoo.train.render.frames import persona_frame as frame
from facezoo.train.render.match import AS_IT_IS, match
from facezoo.train.render.store import digest, gather_frames, is_written, write_frame
from facezoo.train.sources import folder_of, picture_paths
from facezoo.zoo.embedded import examples, persona, personas

_READER = "reader.npy"
CHUNK = 16  # frames of one portrait that a process makes before it tells
checksum = lru_cache(maxsize=None)(digest)


@dataclass(frozen=True)
class Config:
    """Make frames of one portrait, frames of many, or pairs."""

    output: Path
    """Folder for the frames, made when missing; pairs go to its train/ and held_back/."""
    portrait: str = ""
    """The persona: an id of facezoo's own, or a picture file: seen from the front, closed lips, 200 px or more."""
    anyone: str = ""
    """Folder of portraits of other people, one each, or facezoo for those that ship; those that do not suit are left
    out."""
    count: int = 1000
    """Frames in total."""
    each: int = 0
    """Frames of each portrait of `anyone`, in place of `count`."""
    pairs: int = 0
    """Pairs of the portrait with people of `anyone`, in place of frames."""
    expressions: Path = Path()
    """Folder of such pairs to learn reading expressions from: then anyone's portraits, and their mirror images, are
    left as they are, laughing or not, and the portrait alone is moved."""
    held_back: float = 0.1
    """Share of the people of `anyone`, and of the pairs, that is kept back for the evaluation."""
    size: int = 256
    """Side of the aligned crops in pixels."""
    yaw: float = 16.0
    """Standard deviation of the heads' yaw in degrees, at most 35 and what looks right."""
    light: float = 1.0
    """0 to 1: how much light and colour change. Of pairs only anyone's picture is changed."""
    compression: float = 1.0
    """0 to 1: how much blur, noise and JPEG there is."""
    background: float = 0.4
    """Share of the frames with another background."""
    identity: float = 0.45
    """Distance to the portrait above which a frame is thrown away; needs facezoo[identity], 0 does not look."""
    processes: int = os.cpu_count() or 1
    """Processes that work at a time."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if not (self.portrait or self.anyone) or (self.paired and not (self.portrait and self.anyone)):
            raise ValueError("give --portrait or --anyone, and both for pairs")
        if self.portrait and self.anyone and not self.paired:
            raise ValueError("--portrait together with --anyone makes pairs: say how many with --pairs")
        if self.pairs and self.expressions != Path():
            raise ValueError("--pairs moves both portraits, --expressions one of them: give one of these")
        if not 0 <= self.held_back <= 1 or self.size < 64:
            raise ValueError("--held-back must be from 0 to 1, --size at least 64")

    @property
    def paired(self) -> bool:
        """Whether pairs are made."""
        return bool(self.pairs) or self.expressions != Path()


PRESETS = {"varied": {}, "clean": {"light": 0.0, "compression": 0.0, "background": 0.0}}


@dataclass(frozen=True)
class Job:
    """Frames of one portrait, or pairs of it with `second`, the persona, when there is one."""

    folder: Path
    seed: int
    settings: FrameSettings
    first: Path = Path()
    second: Path | None = None
    indices: tuple[int, ...] = ()
    reader: Path | None = None  # for `first` to be left as it is, and mirrored where the index is odd

    def origin(self, index: int, side: str) -> dict[str, Any]:
        """What a frame is made from: the same origin gives the same frame."""
        people = [self.first] if self.second is None else [self.first, self.second]
        shown = people["ab".index(side)] if side else self.first
        made = {"index": index, "seed": self.seed, "portrait": shown.name, "settings": asdict(self.settings)}
        return made | {"people": [checksum(path) for path in people], "facezoo": facezoo.__version__}


def main(config: Config) -> None:
    """Choose portraits, make what is missing, list it, tell how it went."""
    settings = FrameSettings(config.size, config.yaw, config.light, config.compression, config.background,
                             config.identity)  # fmt: skip
    try:
        if config.identity:
            check_embedder()
    except WeightsUnavailable as missing:
        print(f"{missing.message} Only the pose of each frame is checked. ({missing.advice})", flush=True)
        settings = replace(settings, identity=0.0)
    with ProcessPoolExecutor(config.processes, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        rules = ANYONE if config.expressions == Path() else AS_IT_IS
        people = choose(pool, portraits_in(config.anyone), rules) if config.anyone else []
        source = Path()
        if config.portrait:
            source = Path(config.portrait) if Path(config.portrait).is_file() else persona(config.portrait).portrait
            choose(pool, [source], PERSONA)
            people = [path for path in people if checksum(path) != checksum(source)]
        sets = plan(config, settings, people, source)
        if config.expressions != Path():
            config.output.mkdir(parents=True, exist_ok=True)
            from facezoo.train.painting import fit_reader  # brings torch, which the processes that render do without

            np.save(config.output / _READER, fit_reader(config.expressions))
        render(pool, [job for jobs in sets.values() for job in jobs])
    for folder, jobs in sets.items():
        close(folder, jobs, config)


def portraits_in(place: str) -> list[Path]:
    """The pictures of a folder, or the portraits that ship. Raises UsageError when there are none."""
    if place != "facezoo":
        return picture_paths(folder_of(place), PHOTO_SUFFIXES)
    return [each.portrait for each in personas()] + [each.path for each in examples() if each.kind == "portrait"]


def choose(pool: ProcessPoolExecutor, paths: Sequence[Path], rules: Rules) -> list[Path]:
    """The portraits that suit. Raises UsageError when there is none."""
    reasons = list(pool.map(why_not, paths, [rules] * len(paths), chunksize=4))
    found = [path for path, reason in zip(paths, reasons, strict=True) if not reason]
    if not found:
        raise UsageError(f"No portrait of {paths[0].parent} suits: {reasons[0]}", "Use portraits seen from the front.")
    if len(paths) > 1:
        counted = Counter(reason.split(":")[0].rstrip(".") for reason in reasons if reason)
        why = ", ".join(f"{reason} ({number})" for reason, number in counted.most_common())
        print(f"{len(found)} of {len(paths)} portraits suit" + (f". Left out: {why}" if why else ""), flush=True)
    return found


def why_not(path: Path, rules: Rules) -> str:
    """Why a picture does not suit, "" when it does."""
    try:
        faces = find_faces(read_photo(path), crop_size=64, thorough=False)
        for face in faces[:1]:
            check_face(face, rules)
    except FacezooError as problem:
        return problem.message
    return "" if faces else "No face was found."


def plan(config: Config, settings: FrameSettings, people: list[Path], source: Path) -> dict[Path, list[Job]]:
    """Folder -> what is to be made in it."""
    if not config.paired:
        chosen = people or [source]
        count = config.each * len(chosen) if config.each and people else config.count
        return {config.output: share(chosen, count, Job(config.output, config.seed, settings))}
    ordered = sorted(people, key=lambda path: hashlib.sha256(f"{config.seed} {checksum(path)}".encode()).digest())
    kept, held = math.ceil(config.held_back * len(people)), round(config.held_back * config.pairs)
    if config.expressions != Path():
        job = Job(config.output, config.seed, settings, second=source, reader=config.output / _READER)
        sets = {config.output / "train": ordered[kept:], config.output / "held_back": ordered[:kept]}
        return {folder: [replace(job, folder=folder, first=path, indices=(2 * number, 2 * number + 1))
                         for number, path in enumerate(who)] for folder, who in sets.items() if who}  # fmt: skip
    clean = replace(settings, light=0.0, compression=0.0, background=0.0)
    jobs = [Job(config.output / "train", config.seed, settings, second=source),
            Job(config.output / "held_back", config.seed + 1, clean, second=source)]  # fmt: skip
    shares = [(ordered[kept:], config.pairs - held), (ordered[:kept], held)]
    return {job.folder: share(who, count, job) for job, (who, count) in zip(jobs, shares, strict=True) if who and count}


def share(people: list[Path], count: int, job: Job) -> list[Job]:
    """Frame i is of person i modulo their number; a job has frames of one person only."""
    step = CHUNK * len(people)
    return [
        replace(job, first=path, indices=tuple(range(start, min(start + step, count), len(people))))
        for number, path in enumerate(people)
        for start in range(number, count, step)
    ]


def render(pool: ProcessPoolExecutor, jobs: Sequence[Job]) -> None:
    """Make what is missing and tell how fast."""
    begun = told = time.monotonic()
    total, finished, made = sum(len(job.indices) for job in jobs), 0, 0
    waiting = {pool.submit(make, job): job for job in jobs}
    for future in as_completed(waiting):
        made += future.result()
        finished += len(waiting[future].indices)
        now = time.monotonic()
        if now - told > 5 or finished == total:
            told, rate = now, made / (now - begun)
            left = (total - finished) * (now - begun) / finished
            print(f"{finished} of {total}: {made} made, {rate:.1f} a second, {left:.0f} s left", flush=True)


def make(job: Job) -> int:
    """Draw the frames or pairs of a job that are not there; gives how many that were."""
    made = 0
    for index in job.indices:
        sides = ("a", "b") if job.second else ("",)
        names = [f"{index:06d}" + (side and f"_{side}") for side in sides]
        origins = [job.origin(index, side) for side in sides]
        if all(is_written(job.folder, name, origin) for name, origin in zip(names, origins, strict=True)):
            continue
        try:
            if job.second is None:
                samples = [frame(subject_of(job.first, job.settings), index, job.seed, job.settings)]
            else:
                both = pair_of(job, job.second, index)
                samples = [both.first, both.second]
        except NoFace as problem:
            print(f"{job.first.name}, frame {index}: {problem.message}", flush=True)
            continue
        for name, sample, origin in zip(names, samples, origins, strict=True):
            write_frame(job.folder, name, sample, origin)
        made += 1
    return made


def pair_of(job: Job, second: Path, index: int) -> PairSample:
    """One pair. Raises NoFace when it cannot be drawn well."""
    persona, settings = subject_of(second, job.settings), job.settings
    if job.reader is None:
        return pair(subject_of(job.first, settings), persona, index, job.seed, settings)
    photo = read_photo(job.first)
    photo = np.ascontiguousarray(photo[:, ::-1]) if index % 2 else photo
    faces = find_faces(photo, crop_size=settings.size, thorough=False)
    if not faces:
        raise NoFace("The mirror image shows no face.")
    return match(faces[0], persona, reader_at(job.reader), settings)


@lru_cache(maxsize=1)
def reader_at(path: Path) -> np.ndarray:
    """What takes faces to expressions."""
    return np.load(path, allow_pickle=False)


@lru_cache(maxsize=4)
def subject_of(path: Path, settings: FrameSettings) -> Subject:
    """The portrait at a path, ready to be moved."""
    return prepare(find_faces(read_photo(path), crop_size=64, thorough=False)[0], settings)


def close(folder: Path, jobs: Sequence[Job], config: Config) -> None:
    """List what is in a folder, and print what was thrown away and how like the portraits the rest is."""
    sides = ("_a", "_b") if config.paired else ("",)
    names = [f"{index:06d}{side}" for index in sorted(i for job in jobs for i in job.indices) for side in sides]
    here = [name for name in names if (folder / "parts" / f"{name}.npz").is_file()]
    people = sorted({job.first.name for job in jobs})
    told = asdict(jobs[0].settings) | {"seed": jobs[0].seed, "portrait": Path(config.portrait).name, "people": people}
    records = gather_frames(folder, here, told)
    thrown = 1 - len(records) / max(sum(record["tries"] for record in records), 1)
    lines = [f"{folder}: {len(records)} pictures, {thrown:.1%} of the drawn thrown away"]
    for key, unit in (("identity_distance", ""), ("yaw_error", " degrees"), ("mesh_error", " % of the eyes' distance")):
        values = np.abs([record[key] for record in records if record[key] is not None])
        if len(values):
            lines.append(f"{key} {values.mean():.3f} (95 % below {np.quantile(values, 0.95):.3f}){unit}")
    print(", ".join(lines), flush=True)


if __name__ == "__main__":
    start(main, Config, PRESETS)
