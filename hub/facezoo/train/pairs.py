"""Damaged pictures whose undamaged original is known: a portrait is moved at random, and moved back.

The way back has the damage that a real use has: skin stretched from a narrow strip, a mirrored cheek, a mouth interior
that had to be invented. No video is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import crop_image
from facezoo.face.head import fit_head, rotation_of
from facezoo.face.mesh import EYES, OUTER_LIPS, topology
from facezoo.methods.motion_transfer.repair import SIDE, find_damage
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import NECK, Motion, lip_opening
from facezoo.motion.photo import MovablePhoto
from facezoo.train.data import Person, face_of
from facezoo.types import Image, Points, Pose

__all__ = ["PairJob", "back", "pair_jobs", "random_motion", "render_pairs"]

_OPEN = 0.06  # opening over width of the inner lips from which a mouth is open
_WORST = 1.0  # px, mean error of the mesh at which a pair is dropped
_ALIKE = 12.0  # degrees of yaw and of pitch within which two heads' shapes are compared
_HALF = np.array([0.5, 0.5, 0], np.float32)  # px from a pixel's centre to its corner


@dataclass(frozen=True, eq=False)
class PairJob:
    """One portrait, to be damaged `count` times. others: (N, 468, 3) shapes in head units of other heads, of which
    mouths and brows are borrowed."""

    person: Person
    others: Points
    count: int
    seed: int


def pair_jobs(people: Sequence[Person], count: int, seed: int) -> list[PairJob]:
    """A job for every person, with the mouths of people who are turned alike.

    count: of pairs a person; twice as many of those who show their teeth, which most do not."""
    random = np.random.default_rng(seed)
    placed = [fit_head(person.mesh) for person in people]
    turns = np.array([[place.pose.yaw, place.pose.pitch] for place in placed])
    shapes = np.stack([place.to_head(person.mesh) for place, person in zip(placed, people, strict=True)])
    jobs: list[PairJob] = []
    for number, person in enumerate(people):
        alike = np.flatnonzero((np.abs(turns - turns[number]) < _ALIKE).all(axis=1))
        chosen = random.choice(alike, size=min(len(alike), 4 * count), replace=False)
        times = 2 if _is_open(shapes[number]) else 1
        jobs.append(PairJob(person, shapes[chosen], times * count, int(random.integers(2**31))))
    return jobs


def render_pairs(job: PairJob) -> NDArray[np.uint8]:
    """(N, 256, 256, 10) uint8, N at most job.count: truth RGB, damaged RGB, stretch, hidden, inside, weight, on the
    aligned crop. Pairs whose mouth leaves the picture and pairs whose way back misses the portrait are left out."""
    cv2.setNumThreads(1)
    random = np.random.default_rng(job.seed)
    face = job.person.face()
    records: list[NDArray[np.uint8]] = []
    for _ in range(job.count):
        finer = float(random.choice([1.0, 1.5]))  # a photo has often more pixels than the crop
        photo = np.asarray(cv2.resize(face.frame, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC), np.uint8)
        mesh = ((job.person.mesh + _HALF) * finer - _HALF).astype(np.float32)
        first = MovablePhoto(face_of(photo, mesh))
        motion = random_motion(first, job.others, random)
        away = first.layers(motion)
        if not _within(away.mesh[list(OUTER_LIPS), :2], away.image):
            continue
        second = MovablePhoto(face_of(away.image, away.mesh))
        home = second.layers(back(first, second, motion))
        if np.linalg.norm((home.mesh - mesh)[:, :2], axis=1).mean() > _WORST * finer:
            continue
        damage = find_damage(home, mesh, away.image)
        truth = crop_image(photo, damage.affine, SIDE)
        planes = np.rint(np.dstack([damage.maps, damage.weight]) * 255).astype(np.uint8)
        records.append(np.concatenate([truth, damage.crop, planes], axis=2))
    return np.stack(records) if records else np.zeros((0, SIDE, SIDE, 10), np.uint8)


def random_motion(puppet: MovablePhoto, others: Points, random: np.random.Generator) -> Motion:
    """A motion to move a portrait by: a turn about the neck, another mouth, other lids, another gaze."""
    strength = float(random.uniform(0.3, 1.0))
    turn = Pose(strength * float(np.clip(random.normal(0, 19), -30, 30)), strength * float(random.uniform(-18, 22)),
                strength * float(random.uniform(-10, 10)))  # fmt: skip
    rotation, own = rotation_of(turn), puppet.placement.rotation
    made = motion_of(Controls(smile=float(random.uniform(-1, 1)), mouth=float(random.uniform(0, 1)),
                              pucker=float(random.uniform(0, 0.8)), brows=float(random.uniform(-1, 1))))  # fmt: skip
    expression = made.expression * np.float32(random.choice([0, 1]) * random.uniform(0.3, 1))
    if random.random() < 0.6:
        expression = _borrowed(puppet, others, random)
    eyes = np.full(2, random.uniform(0.7, 1.4) if random.random() < 0.5 else 1.0, np.float32)
    gaze = random.normal(0, 0.06, 2) if random.random() < 0.4 else np.zeros(2)
    return Motion(rotation, ((own - rotation @ own) @ NECK)[:2].astype(np.float32), float(random.uniform(0.95, 1.05)),
                  expression, eyes, gaze.astype(np.float32))  # fmt: skip


def back(first: MovablePhoto, second: MovablePhoto, motion: Motion) -> Motion:
    """The motion that takes `second`, the picture of `first` moved by `motion`, back to where `first` was."""
    here, there = first.placement, second.placement
    expression = first.shape - second.shape
    eyes = np.ones(2, np.float32)
    for side, ring in enumerate(EYES):
        upper, lower = list(ring[1:8]), [ring[16 - i] for i in range(1, 8)]
        eyes[side] = _gap(first.shape, upper, lower) / max(_gap(second.shape, upper, lower), 1e-4)
        # the lids are moved by their own factor; only what they share is an expression
        shut = (second.shape[lower] - second.shape[upper]) * (1 - eyes[side])
        expression[upper] = expression[lower] = (expression[upper] + expression[lower] - 0.7 * shut) / 2
    return Motion(
        rotation=here.rotation @ there.rotation.T,
        shift=((here.shift - there.shift)[:2] / there.scale).astype(np.float32),
        zoom=here.scale / there.scale,
        expression=expression.astype(np.float32),
        eyes=eyes,
        gaze=-motion.gaze,
    )


def _borrowed(puppet: MovablePhoto, others: Points, random: np.random.Generator) -> Points:
    """(468, 3) head units: from this head's mouth and brows to another's, an open mouth's rather to a shut one."""
    opened, shut = np.array([_is_open(other) for other in others]), not _is_open(puppet.shape)
    wanted = opened if shut else ~opened
    swapped = bool(wanted.any()) and random.random() < 0.7
    other = others[int(random.choice(np.flatnonzero(wanted) if swapped else np.arange(len(others))))]
    amount = random.uniform(1.0, 1.4) if swapped and not shut else random.uniform(0.6, 1.0)  # lips are shut whole
    height = topology().canonical[:, 1]
    share = _ramp(height, 0.42, 0.62) + random.uniform(0, 0.7) * (1 - _ramp(height, -0.25, -0.1))
    # sizes differ between people, and are no expression: the mouth stays where this head has it
    middle = (puppet.shape - other)[[61, 291]].mean(axis=0)
    lower = _ramp(height, 0.42, 0.62)[:, None] * middle
    return ((other - puppet.shape + lower) * share[:, None] * amount).astype(np.float32)


def _is_open(shape: Points) -> bool:
    opening, width = lip_opening(shape)
    return bool(opening > _OPEN * width)


def _within(points: Points, image: Image) -> bool:
    return bool((points >= 1).all() and (points < np.array(image.shape[1::-1]) - 1).all())


def _gap(shape: Points, upper: list[int], lower: list[int]) -> float:
    return float(np.linalg.norm(shape[upper] - shape[lower], axis=1).sum())


def _ramp(value: Points, low: float, high: float) -> Points:
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
