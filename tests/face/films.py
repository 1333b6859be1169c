"""Films of synthetic people, rendered: who is where in each frame is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from facezoo.face.find import find_faces
from facezoo.face.follow import Follower
from facezoo.face.occlusion import person_mask
from facezoo.face.steady import Steady
from facezoo.motion.goal import draw_goal, motion_to
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Frame, Image

RATE = 25
SIZE = (360, 640)  # px, height and width


@dataclass(frozen=True, eq=False)
class Actor:
    """Pictures of one person (S, S, 4) RGBA, in several poses, and where the middle of the face is in them, [0, 1]."""

    poses: list[Image]
    middles: list[np.ndarray]


@dataclass(frozen=True)
class Part:
    """One person in one shot: places of the face, (x, y, height of the picture) in heights of the film, at its start
    and end; those who come later in a shot stand in front. frames: in which the person is there."""

    who: int
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    frames: range = range(10**6)


def actor(portrait: Image, seed: int, poses: int = 4) -> Actor:
    """A person cut out of a portrait (H, W, 3) RGB uint8, at rest and in some poses."""
    side = 240
    small = np.asarray(cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    photo = MovablePhoto(find_faces(small, thorough=False)[0])
    random = np.random.default_rng(seed)
    goals = [draw_goal(random, photo.placement.pose.pitch, spread=8.0) for _ in range(poses)]
    pictures, middles = [], []
    for goal in goals:
        motion = motion_to(photo, goal)
        picture = photo.draw(motion)
        pictures.append(np.dstack([picture, (person_mask(picture) * 255).astype(np.uint8)]))
        middles.append(photo.place(motion)[:, :2].mean(axis=0) / side)
    return Actor(pictures, middles)


def film(
    actors: Sequence[Actor], shots: Sequence[tuple[int, Sequence[Part]]], seed: int
) -> Iterator[tuple[Image, dict[int, np.ndarray]]]:
    """Frames (H, W, 3) RGB uint8, and for each person in it where the face is, (3,): x, y, its width in px; of those
    whose face is hidden by more than half, the width is 0."""
    random = np.random.default_rng(seed)
    for length, parts in shots:
        back = random.uniform(20, 235, (3, 4, 3)).astype(np.float32)
        backdrop = cv2.resize(back, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        light = np.exp(random.normal(0, 0.1) + random.normal(0, 0.03, 3)).astype(np.float32)
        for index in range(length):
            canvas = np.clip(backdrop, 0, 255).copy()
            owner = np.full(SIZE, -1)
            where: dict[int, np.ndarray] = {}
            for part in parts:
                if index in part.frames:
                    share = index / max(length - 1, 1)
                    place = np.array(part.start) * (1 - share) + np.array(part.end) * share
                    where[part.who] = _laid(canvas, owner, actors[part.who], part.who, place * SIZE[0], index)
            noise = random.normal(0, 2, canvas.shape)
            yield (
                np.clip(canvas * light + noise, 0, 255).astype(np.uint8),
                {who: _seen(owner, who, each) for who, each in where.items()},
            )


def _laid(canvas: np.ndarray, owner: np.ndarray, person: Actor, who: int, place: np.ndarray, index: int) -> np.ndarray:
    """Put a person into the picture; gives x, y and the width of the face."""
    pose = index // 9 % len(person.poses)
    x, y, side = place
    ratio = side / person.poses[pose].shape[0]
    left, top = np.array([x, y]) - person.middles[pose] * side
    matrix = np.array([[ratio, 0, left], [0, ratio, top]])
    if ratio < 0.5:
        shown = cv2.resize(person.poses[pose], None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
        matrix[:, :2] = np.eye(2)
    else:
        shown = person.poses[pose]
    laid = cv2.warpAffine(shown, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR)
    alpha = laid[..., 3:].astype(np.float32) / 255
    canvas += (laid[..., :3] - canvas) * alpha
    owner[alpha[..., 0] > 0.5] = who
    return np.array([x, y, 0.4 * side])


def _seen(owner: np.ndarray, who: int, place: np.ndarray) -> np.ndarray:
    """x, y, and the width, 0 when others hide more than half of the face, NaN when half of it is outside."""
    x, y, width = place
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]]
    inside = (np.abs(xs - x) < 0.4 * width) & (np.abs(ys - y) < 0.5 * width)
    whole = 0.8 * width * width
    if inside.sum() < 0.5 * whole:
        return np.array([x, y, np.nan])
    return np.array([x, y, width if (owner[inside] == who).sum() > 0.5 * inside.sum() else 0])


@dataclass(frozen=True)
class Followed:
    """switches: how often a number went over to somebody else, or somebody got another number. found: share of the
    faces in sight that have one; hidden: frames in which a face got one that is hidden by more than half."""

    switches: int
    found: float
    hidden: int
    people: int


def follow(frames: Iterator[tuple[Image, dict[int, np.ndarray]]]) -> Followed:
    """What comes of a film when all of its people are followed."""
    follower, calm = Follower("all", 16), Steady(0.3, 16)
    truths: list[dict[int, np.ndarray]] = []
    seen = []
    for index, (image, truth) in enumerate(frames):
        truths.append(truth)
        seen += calm.see(Frame(image, index / RATE), follower(image), cut=follower.cut)
    seen += calm.rest()
    who_has: dict[int, int] = {}
    number_of: dict[int, int] = {}
    switches = found = hidden = there = 0
    for each, truth in zip(seen, truths, strict=True):
        there += sum(int(width > 0) for _, _, width in truth.values())
        for face in each.faces:
            middle = face.landmarks.mesh[:, :2].mean(axis=0)
            away = {who: float(np.hypot(*(middle - place[:2]))) for who, place in truth.items()}
            nearest = min(away.values())
            who = min(away, key=lambda one: (away[one] > nearest + 15, truth[one][2] == 0, away[one]))
            hidden += int(truth[who][2] == 0)
            found += int(truth[who][2] > 0)
            switches += who_has.setdefault(face.number, who) != who
            switches += number_of.setdefault(who, face.number) != face.number
            who_has[face.number], number_of[who] = who, face.number
    return Followed(switches, found / max(there, 1), hidden, len(who_has))


def shots_of(kind: str) -> list[tuple[int, list[Part]]]:
    """Films of three people by what happens in them."""
    left, right = (0.4, 0.5, 0.7), (1.3, 0.5, 0.7)
    near, far = (0.9, 0.5, 1.3), (0.85, 0.4, 0.45)
    crossing = [Part(0, left, right), Part(1, right, left)]
    return {
        "cut": [(25, [Part(0, left, left), Part(1, right, right)]), (25, [Part(1, left, left), Part(0, right, right)])],
        "close-up": [(25, [Part(0, left, left), Part(1, right, right)]), (25, [Part(1, near, near)])],
        "crossing": [(50, crossing)],
        "crossing and cut": [(50, crossing), (20, [Part(1, near, near)]), (20, crossing)],
        "absence": [(80, [Part(1, right, right), Part(0, (0.6, 0.5, 0.7), (0.5, 0.5, 0.7), range(20)),
                          Part(0, (0.2, 0.5, 0.7), (0.5, 0.5, 0.7), range(45, 80))])],
        "one leaves, another comes": [(75, [Part(0, left, left, range(25)), Part(1, left, left, range(40, 75))]),
                                      (25, [Part(0, right, right)])],
        "newcomer": [(75, [Part(0, left, left), Part(1, (2.2, 0.5, 0.7), (1.1, 0.5, 0.7), range(15, 75))])],
        "three, one by one": [(25, [Part(0, near, near)]), (25, [Part(1, near, near)]), (25, [Part(2, near, near)]),
                              (25, [Part(0, left, left), Part(1, right, right), Part(2, far, far)])],
        "passer-by": [(60, [Part(0, (0.9, 0.5, 0.8), (0.9, 0.5, 0.8)), Part(1, (-0.4, 0.55, 1.0), (2.2, 0.55, 1.0))])],
        "jump": [(25, [Part(0, left, left), Part(1, right, right)]), (25, [Part(0, (0.8, 0.4, 0.7), (0.8, 0.4, 0.7))]),
                 (25, [Part(1, (0.8, 0.4, 0.7), (0.8, 0.4, 0.7))])],
        "shot and reverse shot": [(18, [Part(index % 2, near, near)]) for index in range(5)],
        "fast": [(20, [Part(0, left, right), Part(1, (1.6, 0.3, 0.4), (1.6, 0.3, 0.4))]), (20, [Part(0, right, left)])],
    }[kind]  # fmt: skip


KINDS = ("cut", "close-up", "crossing", "crossing and cut", "absence", "one leaves, another comes", "newcomer",
         "three, one by one", "passer-by", "jump", "shot and reverse shot", "fast")  # fmt: skip
