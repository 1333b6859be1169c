"""Learn the linear map by which films tell their people apart (facezoo.face.likeness), on rendered synthetic people.

    python training/likeness.py --photos portraits/train --held-back portraits/test --output likeness.safetensors

Each photo is moved to poses and expressions at random, before other backgrounds, in other light, at other sizes, as
cameras show it; Fisher's discriminant of their measures is the map. On the people held back it prints how often two
pictures of one person are further apart than two of different people, and the distance that errs least.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from facezoo.face.find import find_faces
from facezoo.face.likeness import measure, unlike
from facezoo.face.mesh import to_68
from facezoo.face.networks import track_mesh
from facezoo.face.occlusion import person_mask
from facezoo.media.read import read_photo
from facezoo.motion.goal import draw_goal, motion_to
from facezoo.motion.photo import MovablePhoto
from facezoo.train.config import start
from facezoo.types import Image, Landmarks

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Config:
    """Learn to tell people apart."""

    photos: Path
    """A folder of portraits of synthetic people, one each."""
    held_back: Path
    """Another, to measure with."""
    output: Path
    """The file to write."""
    people: int = 250
    """How many photos are used at most."""
    pictures: int = 8
    """Rendered of each."""
    components: int = 160
    """Principal components that the discriminant is taken among."""
    size: int = 32
    """Length of the descriptor."""
    shrink: float = 0.3
    """[0, 1]: how much what pictures of one person differ by is taken to be the same in all directions."""
    processes: int = 2
    """That render side by side."""
    seed: int = 0
    """Of poses, light and backgrounds."""


def main(config: Config) -> None:
    """Render, learn, measure, write."""
    with ProcessPoolExecutor(config.processes, get_context("spawn")) as workers:
        learned = _measures(config.photos, config, workers)
        held = _measures(config.held_back, config, workers)
    middle, weights = fisher(learned, config.components, config.size, config.shrink)
    save_file({"middle": middle.astype(np.float16), "weights": weights.astype(np.float16)}, config.output)
    for name, people in (("learned from", learned), ("held back", held)):
        wrong, threshold, missed = errors([((each - middle) @ weights).astype(np.float32) for each in people])
        print(f"{name}: {len(people)} people, {wrong:.4f} in the wrong order, {missed:.4f} wrong at {threshold:.2f}")


def fisher(people: list[Values], components: int, size: int, shrink: float) -> tuple[Values, Values]:
    """(F,) mean and (F, size) map: within people the mapped values vary by 1, between them as much as can be.

    people: for each, (N, F) measures."""
    everything = np.concatenate(people).astype(np.float64)
    middle = everything.mean(axis=0)
    _, _, axes = np.linalg.svd(everything - middle, full_matrices=False)
    axes = axes[:components].T
    reduced = [(each - middle) @ axes for each in people]
    within = np.mean([np.cov(each.T) for each in reduced], axis=0)
    within = (1 - shrink) * within + shrink * np.eye(len(within)) * np.trace(within) / len(within)
    values, vectors = np.linalg.eigh(within)
    white = vectors / np.sqrt(values)
    between = np.cov(np.array([each.mean(axis=0) for each in reduced] @ white, dtype=np.float64).T)
    _, best = np.linalg.eigh(between)
    weights = axes @ white @ best[:, ::-1][:, :size]
    spread = np.sqrt(np.mean([np.var((each - middle) @ weights, axis=0, ddof=1) for each in people]))
    return middle.astype(np.float32), (weights / spread).astype(np.float32)


def errors(people: list[Values]) -> tuple[float, float, float]:
    """How often two pictures of one person are less alike than two of different people; the distance that errs least,
    and how often it does."""
    same = [unlike(a, b) for each in people for i, a in enumerate(each) for b in each[:i]]
    firsts = [each[k] for k in (0, 1) for each in people]
    owner = list(range(len(people))) * 2
    other = [unlike(a, b) for i, a in enumerate(firsts) for j, b in enumerate(firsts[:i]) if owner[i] != owner[j]]
    ours, theirs = np.sort(same), np.sort(other)
    wrong = float(np.searchsorted(theirs, ours).mean() / len(theirs))
    places = np.linspace(ours[0], theirs[-1], 400)
    missed = 1 - np.searchsorted(ours, places) / len(ours)
    mixed = np.searchsorted(theirs, places) / len(theirs)
    best = int(np.argmin(np.abs(missed - mixed)))
    return wrong, float(places[best]), float((missed[best] + mixed[best]) / 2)


def _measures(folder: Path, config: Config, workers: ProcessPoolExecutor) -> list[Values]:
    paths = sorted(each for each in folder.iterdir() if each.suffix in (".jpg", ".png"))[: config.people]
    work = partial(pictures_of, count=config.pictures, seed=config.seed)
    return [each for each in workers.map(work, paths, chunksize=4) if len(each) >= config.pictures // 2]


def pictures_of(path: Path, count: int, seed: int) -> Values:
    """(N, F): measures of one person in N rendered pictures, those in which the face was found."""
    random = np.random.default_rng([seed, *path.stem.encode()])
    return np.array(list(_pictures(path, count, random)), np.float32)


def _pictures(path: Path, count: int, random: np.random.Generator) -> Iterator[Values]:
    found = find_faces(read_photo(path), crop_size=64, thorough=False)
    if not found:
        return
    puppet = MovablePhoto(found[0])
    for _ in range(count):
        motion = motion_to(puppet, draw_goal(random, puppet.placement.pose.pitch))
        image = puppet.draw(motion)
        mask = person_mask(image)[..., None]
        shown = filmed((mask * image + (1 - mask) * backdrop(image.shape, random)).astype(np.uint8), random)
        ratio = shown.shape[0] / image.shape[0]
        mesh = (puppet.place(motion) * ratio).astype(np.float32)
        marks = track_mesh(shown, Landmarks(to_68(mesh), mesh, 1.0, "mesh"))
        if marks.presence > 0.5:
            yield measure(shown, marks)


def backdrop(shape: tuple[int, ...], random: np.random.Generator) -> Values:
    """(H, W, 3): a few soft colours."""
    patch = random.uniform(0, 255, (random.integers(1, 5), random.integers(1, 5), 3)).astype(np.float32)
    return np.asarray(cv2.resize(patch, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def filmed(image: Image, random: np.random.Generator) -> Image:
    """The picture in other light, at another size, as a camera and a codec leave it. image: (H, W, 3) RGB uint8."""
    height, width = image.shape[:2]
    values = np.power(image.astype(np.float32) / 255, float(np.exp(random.normal(0, 0.15))))
    values *= np.exp(random.normal(0, 0.15) + random.normal(0, 0.07, 3))
    slope, angle = random.normal(0, 0.25), random.uniform(0, 2 * np.pi)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    along = np.cos(angle) * (xs / width - 0.5) + np.sin(angle) * (ys / height - 0.5)
    values *= np.exp(slope * along)[..., None]
    ratio = float(random.uniform(0.35, 1))
    small = cv2.resize(values, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    noisy = np.clip(small * 255 + random.normal(0, random.uniform(0, 6), small.shape), 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 95))])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


if __name__ == "__main__":
    start(main, Config, {"full": {}})
