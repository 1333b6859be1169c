"""How well a photo follows a driver: measured on a clip whose first frame drives the rest, and across people.

    python -m facezoo.evaluate.reenactment self CLIP... [--every 6] [--json]
    python -m facezoo.evaluate.reenactment across --source PHOTO... --driving CLIP... [--json]

Every figure is the mean over frames with a 95 % bootstrap interval. Landmarks are found anew in the drawn picture and
in the true frame, so both carry the finder's own noise. Baselines: "static", the untouched first frame; "landmarks", a
thin-plate spline that puts the 68 points on the driver's (Bookstein 1989, "Principal Warps").
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import choose, find_faces
from facezoo.face.mesh import expression, inter_ocular, sample
from facezoo.media.read import open_clip, read_photo
from facezoo.motion.driver import Sight, find_start, track
from facezoo.motion.motion import Motion, relative
from facezoo.motion.mouth import cut_mouth
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Clip, Face, Frame, Image, Points
from facezoo.zoo.figures import Figure, mean, saved, ssim

__all__ = ["Across", "Followed", "across", "errors_of", "self_reenactment"]


@dataclass(frozen=True)
class Followed:
    """Against the true frames. nme: mean distance of the 68 points in % of the inter-ocular distance; shape: the same
    after the best similarity transform; pose: mean absolute error of yaw, pitch and roll in degrees; ssim: in the box
    of the true landmarks; saved: what mean nme is smaller by than that of the static frame, 0 to 1."""

    nme: Figure
    shape: Figure
    pose: Figure
    ssim: Figure
    saved: Figure


@dataclass(frozen=True)
class Across:
    """One face driven by another's: pose: error of the change in yaw, pitch and roll, degrees; mouth, eyes: correlation
    of the openings over the clip; lost: share of frames in which no face is found again."""

    pose: float
    mouth: float
    eyes: float
    lost: float
    frames: int


def self_reenactment(clip: Clip, every: int = 6) -> dict[str, Followed]:
    """The first frame, driven by the clip it comes from, against the clip's own frames.

    every: one frame in so many is measured. Raises NoFace when the first frame has none."""
    drawn: dict[str, list[list[float]]] = {"static": [], "landmarks": [], "drawn mouth": [], "driver's mouth": []}
    for frame, sight, motion, puppet, source in _driven(clip, every):
        truth = find_faces(frame.image, thorough=False)
        if not truth:
            continue
        pictures = {
            "static": puppet.photo,
            "landmarks": _by_landmarks(source, truth[0].landmarks.points),
            "drawn mouth": puppet.draw(motion),
            "driver's mouth": puppet.draw(replace(motion, mouth=cut_mouth(frame.image, sight.mesh))),
        }
        rows = {name: errors_of(picture, truth[0]) for name, picture in pictures.items()}
        for name, row in rows.items():
            drawn[name].append(row)
    columns = {name: np.array(rows).T for name, rows in drawn.items()}
    static = columns["static"][0]
    return {
        name: Followed(mean(nme), mean(shape), mean(pose), mean(similarity), saved(nme, static))
        for name, (nme, shape, pose, similarity) in columns.items()
    }


def across(photo: Image, clip: Clip, every: int = 6) -> Across:
    """A photo driven by somebody else's clip, from the clip's frame that is most like the photo."""
    source = choose(find_faces(photo), 1)[0]
    puppet = MovablePhoto(source)
    sights = [sight for _, sight in track(clip.frames(), 0.3)]
    start = find_start(sights, puppet)
    driven: list[list[float]] = []
    followed: list[list[float]] = []
    lost = 0
    for sight in islice(sights, 0, None, every):
        if not sight.seen or sight.observation is None:
            continue
        motion = relative(sight.observation, start)
        found = find_faces(puppet.draw(motion), thorough=False)
        if not found:
            lost += 1
            continue
        wanted = puppet.turned(motion)
        driven.append([wanted.yaw, wanted.pitch, wanted.roll, *sight.observation.eyes, *_opening(sight)])
        face = found[0]
        openings = expression(face.landmarks)
        followed.append([face.pose.yaw, face.pose.pitch, face.pose.roll, *openings])
    ours, theirs = np.array(driven), np.array(followed)
    pose = np.abs((theirs[:, :3] - theirs[:, :3].mean(axis=0)) - (ours[:, :3] - ours[:, :3].mean(axis=0))).mean()
    eyes = np.corrcoef(ours[:, 3:5].mean(axis=1), theirs[:, 3:5].mean(axis=1))[0, 1]
    mouth = np.corrcoef(ours[:, 5], theirs[:, 5])[0, 1]
    return Across(float(pose), float(mouth), float(eyes), lost / (lost + len(driven)), len(driven))


def _driven(clip: Clip, every: int) -> Iterator[tuple[Frame, Sight, Motion, MovablePhoto, Face]]:
    """Every so many frames after the first: what was seen, the motion since the first, and the first, made movable."""
    seen = track(clip.frames())
    frame, sight = next(seen)
    first = sight.observation
    if first is None:
        raise NoFace("The first frame shows no face.", "Cut the clip so that it begins with one.")
    source = choose(find_faces(frame.image), 1)[0]
    puppet = MovablePhoto(source)
    for number, (frame, sight) in enumerate(seen, start=1):
        if number % every == 0 and sight.seen and sight.observation is not None:
            yield frame, sight, relative(sight.observation, first), puppet, source


def errors_of(picture: Image, truth: Face) -> list[float]:
    """nme and shape in %, pose in degrees, SSIM of a drawn picture."""
    found = find_faces(picture, thorough=False)
    face = min(found, key=lambda each: _apart(each, truth)) if found else truth
    points, true = face.landmarks.points, truth.landmarks.points
    unit = inter_ocular(truth.landmarks) / 100
    pose = np.abs(np.subtract((face.pose.yaw, face.pose.pitch, face.pose.roll),
                              (truth.pose.yaw, truth.pose.pitch, truth.pose.roll)))  # fmt: skip
    low, high = np.maximum(true.min(axis=0).astype(int), 0), true.max(axis=0).astype(int) + 1
    part = slice(low[1], high[1]), slice(low[0], high[0])
    return [
        float(np.linalg.norm(points - true, axis=1).mean() / unit),
        float(np.linalg.norm(_aligned(points, true) - true, axis=1).mean() / unit),
        float(pose.mean()),
        ssim(truth.frame[part], picture[part]),
    ]


def _apart(one: Face, other: Face) -> float:
    return float(np.linalg.norm(one.landmarks.points.mean(axis=0) - other.landmarks.points.mean(axis=0)))


def _opening(sight: Sight) -> list[float]:
    """The opening of the driver's inner lips over their width."""
    lips = sight.mesh[[13, 14, 78, 308], :2]
    return [float(np.linalg.norm(lips[0] - lips[1]) / np.linalg.norm(lips[2] - lips[3]))]


def _aligned(points: Points, true: Points) -> Points:
    """Points moved onto others by the best similarity transform (Umeyama 1991)."""
    middle, target = points.mean(axis=0), true.mean(axis=0)
    u, values, vt = np.linalg.svd((true - target).T @ (points - middle))
    turn = u @ vt
    scale = values.sum() / ((points - middle) ** 2).sum()
    return (scale * (points - middle) @ turn.T + target).astype(np.float32)


def _by_landmarks(source: Face, wanted: Points) -> Image:
    """The photo with its 68 points pulled onto `wanted` (68, 2) px by a thin-plate spline; the frame stays."""
    height, width = source.frame.shape[:2]
    edge = np.array(
        [(x, y) for x in (0, width / 2, width) for y in (0, height / 2, height) if (x, y) != (width / 2, height / 2)]
    )
    target = np.concatenate([wanted, edge]).astype(np.float64)
    origin = np.concatenate([source.landmarks.points, edge]).astype(np.float64)
    count = len(target)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(target, target) + 1e-3 * np.eye(count)
    system[:count, count:] = np.concatenate([np.ones((count, 1)), target], axis=1)
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.concatenate([origin, np.zeros((3, 2))]))
    xs, ys = np.meshgrid(np.linspace(0, width - 1, 96), np.linspace(0, height - 1, 96))
    grid = np.stack([xs.ravel(), ys.ravel()], axis=1)
    mapped = (
        _bending(grid, target) @ weights[:count]
        + np.concatenate([np.ones((len(grid), 1)), grid], axis=1) @ weights[count:]
    )
    warp = cv2.resize(mapped.reshape(96, 96, 2).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return sample(source.frame, np.asarray(warp, np.float32))


def _bending(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = ((points[:, None] - others[None]) ** 2).sum(axis=2)
    return squared * np.log(np.maximum(squared, 1e-9))


def main(words: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m facezoo.evaluate.reenactment", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--every", type=int, default=6, help="measure one frame in so many")
    kinds = parser.add_subparsers(dest="kind", required=True)
    alone = kinds.add_parser("self")
    alone.add_argument("clips", type=Path, nargs="+")
    other = kinds.add_parser("across")
    other.add_argument("--source", type=Path, nargs="+", required=True)
    other.add_argument("--driving", type=Path, nargs="+", required=True)
    asked = parser.parse_args(words)
    if asked.kind == "self":
        found = {path.name: self_reenactment(open_clip(path), asked.every) for path in asked.clips}
        table = {clip: {name: asdict(row) for name, row in rows.items()} for clip, rows in found.items()}
        _print(table, asked.json, lambda row: "  ".join(
            f"{name} {value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]" for name, value in row.items()
        ) + f"  n {row['nme']['n']}")  # fmt: skip
    else:
        table = {
            photo.name: {
                clip.name: asdict(across(read_photo(photo), open_clip(clip), asked.every)) for clip in asked.driving
            }
            for photo in asked.source
        }
        _print(table, asked.json, lambda row: "  ".join(f"{name} {value:.3f}" for name, value in row.items()))


def _print(table: dict[str, dict[str, dict[str, Any]]], as_json: bool, words: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        print(json.dumps(table, indent=2))
        return
    for first, rows in table.items():
        print(first)
        for second, row in rows.items():
            print(f"  {second:24} {words(row)}")


if __name__ == "__main__":
    main()
