"""How well a talking head does what its person did, learned from one photo or a few, with and without learning.

    python -m facezoo.evaluate.few_shot rendered PORTRAIT... [--photos 1 4 8] [--learn 0 60] [--frames 6] [--json]
    python -m facezoo.evaluate.few_shot clips CLIP... [...]

rendered: people who were never learned from, moved by the motion engine; what they are asked to do, and what they look
like then, is known exactly. It is also what motion_transfer draws, which therefore is not among the columns. clips: the
first frame, and others of the first half, are the photos; frames of the second half are the truth.
Every figure is a mean over frames with a 95 % bootstrap interval. Identity is dlib's distance to the true frame, left
out where dlib is not installed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np

from facezoo import registry
from facezoo.evaluate.metrics import why_no_identity
from facezoo.evaluate.reenactment import errors_of
from facezoo.face.embedding import describe
from facezoo.face.find import find_faces
from facezoo.media.read import open_clip, read_photo
from facezoo.methods.talking_head.pipeline import TalkingHead
from facezoo.methods.talking_head.spec import Params
from facezoo.motion.driver import track
from facezoo.motion.goal import draw_goal, motion_to
from facezoo.motion.motion import Motion, relative
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Face, Image
from facezoo.zoo.figures import Figure, mean, saved

__all__ = ["Subject", "clip_subject", "measure", "rendered_subject"]

_MOST = 8
_NAMES = ("nme", "shape", "pose", "ssim", "identity")


@dataclass(frozen=True, eq=False)
class Subject:
    """photos: faces to learn from, the first is the one that is moved. asked: motions of it. truths: what they looked
    like. engine: whether motion_transfer would draw the truth itself."""

    photos: Sequence[Face]
    asked: Sequence[Motion]
    truths: Sequence[Face]
    engine: bool


def rendered_subject(portrait: Image, frames: int, seed: int = 0) -> Subject:
    """A portrait (H, W, 3), seven frames of it to learn from besides, and `frames` others."""
    source = find_faces(portrait)[0]
    puppet, random = MovablePhoto(source), np.random.default_rng(seed)
    found: list[tuple[Motion, Face]] = []
    for _ in range(4 * (_MOST + frames)):
        motion = motion_to(puppet, draw_goal(random, puppet.placement.pose.pitch))
        seen = find_faces(puppet.draw(motion), thorough=False)
        if seen:
            found.append((motion, seen[0]))
        if len(found) == _MOST - 1 + frames:
            break
    photos = [source, *(face for _, face in found[: _MOST - 1])]
    tests = found[_MOST - 1 : _MOST - 1 + frames]
    return Subject(photos, [motion for motion, _ in tests], [face for _, face in tests], engine=True)


def clip_subject(path: Path, frames: int) -> Subject:
    """The first frame of a clip, seven more of its first half, and `frames` of its second half."""
    clip = open_clip(path)
    seen = [(frame.image, sight.observation) for frame, sight in track(clip.frames()) if sight.seen]
    first, half = seen[0][1], len(seen) // 2
    if first is None:
        raise ValueError(f"{path} shows no face")
    photos = [find_faces(seen[number][0])[0] for number in np.linspace(0, half - 1, _MOST).astype(int)]
    asked: list[Motion] = []
    truths: list[Face] = []
    for number in np.linspace(half, len(seen) - 1, frames).astype(int):
        image, observation = seen[number]
        again = find_faces(image, thorough=False)
        if again and observation is not None:
            asked.append(relative(observation, first))
            truths.append(again[0])
    return Subject(photos, asked, truths, engine=False)


def measure(
    subjects: Sequence[Subject], counts: Sequence[int], steps: Sequence[int], weights: str = ""
) -> dict[str, dict[str, Figure]]:
    """Column -> figure of each of nme, shape (%), pose (degrees), ssim, identity, and saved, the share of static's nme
    that is gone; no identity without dlib. counts: T, photos. steps: of learning. weights: as for `registry.load`."""
    base = cast("TalkingHead", registry.load("talking_head", weights))
    rows: dict[str, list[list[float]]] = {}
    for number, subject in enumerate(subjects):
        for name, draw in _columns(subject, base, counts, steps):
            for motion, truth in zip(subject.asked, subject.truths, strict=True):
                picture = draw(motion)
                found = [*errors_of(picture, truth), *([] if why_no_identity() else [_identity(picture, truth)])]
                rows.setdefault(name, []).append(found)
            print(f"{number + 1} of {len(subjects)}: {name}", flush=True)
    static = np.array(rows["static"])[:, 0]
    table: dict[str, dict[str, Figure]] = {}
    for name, values in rows.items():
        columns = np.array(values).T
        figures = {key: mean(column) for key, column in zip(_NAMES, columns, strict=False)}
        table[name] = figures | {"saved": saved(columns[0], static)}
    return table


def _columns(
    subject: Subject, base: TalkingHead, counts: Sequence[int], steps: Sequence[int]
) -> Iterator[tuple[str, Callable[[Motion], Image]]]:
    source = subject.photos[0]
    puppet = MovablePhoto(source)
    yield "static", lambda _: puppet.photo
    if not subject.engine:
        yield "motion_transfer", puppet.draw
    for count in counts:
        pipeline = TalkingHead(base.networks, others=subject.photos[1:count])
        for many in steps:
            stage = pipeline.stage(source, puppet, Params(learn=many), None)
            yield f"T {count}, learn {many}", stage.draw


def _identity(picture: Image, truth: Face) -> float:
    """dlib distance of the face in a picture to the true one."""
    found = find_faces(picture, thorough=False)
    mesh = (found[0] if found else truth).landmarks.mesh
    return float(np.linalg.norm(describe(picture, mesh) - describe(truth.frame, truth.landmarks.mesh)))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m facezoo.evaluate.few_shot", description=__doc__)
    parser.add_argument("kind", choices=("rendered", "clips"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--photos", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--learn", type=int, nargs="+", default=[0, 60])
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--weights", default="", help="a folder, or OWNER/NAME@REVISION, instead of facezoo's own")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    subjects = [
        rendered_subject(read_photo(path), asked.frames)
        if asked.kind == "rendered"
        else clip_subject(path, asked.frames)
        for path in asked.paths
    ]
    table = measure(subjects, asked.photos, asked.learn, asked.weights)
    for name, figures in table.items():
        print(f"{name:20}" + "  ".join(f"{key} {each.mean:.3f} [{each.low:.3f}, {each.high:.3f}]"
                                       for key, each in figures.items()))  # fmt: skip
    if why := why_no_identity():
        print(f"Identity was not measured. {why}")
    if asked.json:
        told = {name: {key: asdict(each) for key, each in figures.items()} for name, figures in table.items()}
        asked.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
