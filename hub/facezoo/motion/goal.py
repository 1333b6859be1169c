"""What a face is asked to do: poses, expressions and gazes at random that go together as they do in life."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import Motion
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Pose

__all__ = ["Goal", "draw_goal", "motion_to"]

_SPREAD_YAW = 16.0  # degrees
_WIDEST_YAW = 35.0
_FOLLOW_X, _FOLLOW_Y = 0.04, 0.05  # look units a degree that eyes turn back to stay on whom they look at


@dataclass(frozen=True)
class Goal:
    """pose: of the head in the picture, not relative to the photo. controls: the expression; its yaw, pitch and roll
    are 0. Eyes open by a share of the photo's own opening; look_x and look_y are absolute: 0 is straight out of the
    head."""

    pose: Pose
    controls: Controls


def draw_goal(random: np.random.Generator, pitch: float, spread: float = _SPREAD_YAW, strength: float = 1.0) -> Goal:
    """A goal at random. pitch: degrees, about which pitches are drawn. spread: deviation of yaw in degrees. strength:
    [0, 1] makes everything less.

    A third of the faces are at rest, the others talk, smile, laugh, are surprised, sad or cross, or purse their lips;
    one in eight blinks."""
    widest = min(_WIDEST_YAW, 2.5 * spread)
    yaw = strength * float(np.clip(random.normal(0, spread), -widest, widest))
    nod = strength * float(np.clip(random.normal(0.5, spread * 0.5), -18, 22))
    roll = strength * float(np.clip(random.normal(0, 6), -18, 18))
    mood = _mood(random)
    shut = float(random.uniform(0.75, 1)) if random.random() < 0.09 else 0.0
    if random.random() < 0.12:
        shut = float(random.uniform(0.15, 0.6))
    wink = float(random.choice([-1, 1]) * random.uniform(0.7, 1)) if random.random() < 0.03 and not shut else 0.0
    watching = float(random.uniform(0, 1)) * (random.random() < 0.7)
    look = np.clip(random.normal(0, 1, 2) * np.array([0.35, 0.22]), -1, 1)
    look -= watching * np.array([yaw * _FOLLOW_X, nod * _FOLLOW_Y])
    values = {name: strength * value for name, value in mood.items()}
    controls = Controls(
        **values,
        blink=shut,
        wink=wink,
        look_x=float(np.clip(strength * look[0], -1, 1)),
        look_y=float(np.clip(strength * look[1], -0.8, 0.8)),
    )
    return Goal(Pose(yaw, pitch + nod, roll), controls)


def motion_to(puppet: MovablePhoto, goal: Goal) -> Motion:
    """The motion that brings a photo to a goal, as near as the photo allows (`MovablePhoto.turned` says how near)."""
    own = puppet.placement.pose
    asked = np.array([goal.pose.yaw, goal.pose.pitch, goal.pose.roll])
    wanted, start = asked.copy(), np.array([own.yaw, own.pitch, own.roll])
    motion = _motion(puppet, goal, asked - start)
    for _ in range(4):  # the puppet holds wide turns back softly: ask for a little more
        got = puppet.turned(motion)
        asked = np.clip(asked + wanted - np.array([got.yaw, got.pitch, got.roll]), wanted - 6, wanted + 6)
        motion = _motion(puppet, goal, asked - start)
    return motion


def _motion(puppet: MovablePhoto, goal: Goal, turn: NDArray[np.float64]) -> Motion:
    controls = replace(goal.controls, yaw=float(turn[0]), pitch=float(turn[1]), roll=float(turn[2]))
    motion = motion_of(controls, puppet.placement.rotation)
    return replace(motion, gaze=(motion.gaze - puppet.gaze).astype(np.float32))


def _mood(random: np.random.Generator) -> dict[str, float]:
    """smile, mouth, pucker and brows of one of eight moods, each a little different every time."""

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    kind = random.choice(8, p=[0.33, 0.24, 0.16, 0.07, 0.06, 0.05, 0.05, 0.04])
    calm = {"smile": between(-0.12, 0.18), "mouth": 0.0, "pucker": 0.0, "brows": between(-0.15, 0.2)}
    made: dict[str, float] = (
        {},
        {"mouth": between(0.08, 0.65), "smile": between(-0.1, 0.35), "brows": between(-0.2, 0.5)}
        | ({"pucker": between(0.3, 0.9), "smile": 0.0} if random.random() < 0.35 else {}),
        {"smile": between(0.3, 0.95), "mouth": between(-0.15, 0.15), "brows": between(0, 0.25)},
        {"smile": between(0.55, 1), "mouth": between(0.25, 0.55), "brows": between(0, 0.35)},
        {"brows": between(0.55, 1), "mouth": between(0.15, 0.7), "pucker": between(0, 0.4), "smile": 0.0},
        {"brows": between(-1, -0.35), "smile": between(-0.6, 0)},
        {"pucker": between(0.5, 1), "smile": 0.0, "brows": between(-0.2, 0.3)},
        {"smile": between(-0.9, -0.3), "brows": between(-0.1, 0.3)},
    )[int(kind)]
    mood = calm | made
    return mood | {"mouth": max(mood["mouth"], 0.0)}
