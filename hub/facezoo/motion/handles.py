"""A drawn face that is moved by its points: which of them can be taken hold of, and what dragging one does.

A face is held as a posture: the sliders of `controls`, and what each side of the face does beyond them. Dragging turns
the way of a point back into a posture, by Gauss-Newton steps over the numbers that the point stands for. Source:
Botsch & Kobbelt 2004, "An Intuitive Framework for Real-Time Freeform Modeling" (handles).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.find import move
from facezoo.face.mesh import INNER_LIPS, smoothstep, topology
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import irises_at
from facezoo.motion.motion import Motion
from facezoo.motion.paint_over import tilt_affine
from facezoo.motion.read import pose_mesh
from facezoo.types import Points, Pose

__all__ = ["HANDLES", "RANGES", "Handle", "Posture", "drag", "handles_at", "posture_from", "posture_of", "pull"]

_STEPS = 3  # of Gauss-Newton
_NUDGE = 0.02  # of a range: the difference that a slope is taken over
_STIFF = 0.02  # px squared by which a number that hardly moves its point is kept from running away
_SIDES = 0.15  # head units to each side of the middle of the face, over which one side becomes the other
_LIP = 0.11  # head units that a lip moves at most
_LIP_REACH = 0.09  # head units above or below the mouth within which the skin follows a lip


@dataclass(frozen=True)
class Posture(Controls):
    """What a face does, side by side. brow_left, brow_right and corner_left, corner_right (of the mouth): [-1, 1],
    added to brows and smile on the viewer's left or right. lid_left, lid_right: [0, 1], how far that eye is shut.
    upper_lip: [-1, 1], 1 lifts it; lower_lip: 1 lowers it."""

    brow_left: float = 0.0
    brow_right: float = 0.0
    corner_left: float = 0.0
    corner_right: float = 0.0
    lid_left: float = 0.0
    lid_right: float = 0.0
    upper_lip: float = 0.0
    lower_lip: float = 0.0


RANGES: dict[str, tuple[float, float]] = {
    "yaw": (-30, 30),
    "pitch": (-20, 25),
    "roll": (-30, 30),
    **dict.fromkeys(("mouth", "pucker", "blink", "lid_left", "lid_right"), (0.0, 1.0)),
    **dict.fromkeys(("smile", "brows", "wink", "look_x", "look_y"), (-1.0, 1.0)),
    **dict.fromkeys(("brow_left", "brow_right", "corner_left", "corner_right", "upper_lip", "lower_lip"), (-1.0, 1.0)),
}
"""Field of `Posture` -> lowest and highest value."""


@dataclass(frozen=True)
class Handle:
    """A point of the face to take hold of. point: of the mesh, or -1 and -2 for the left and right iris. moves: the
    fields of `Posture` that it stands for. beside: x and y, sides of the crop, by which it is held away from its point,
    so that a finger can tell it from the next one."""

    point: int
    moves: tuple[str, ...]
    beside: tuple[float, float] = (0.0, 0.0)


HANDLES: dict[str, Handle] = {
    "forehead": Handle(10, ("roll",)),
    "brow_left": Handle(66, ("brow_left",)),
    "brow_right": Handle(296, ("brow_right",)),
    "lid_left": Handle(160, ("lid_left",), (-0.03, -0.02)),
    "lid_right": Handle(387, ("lid_right",), (0.03, -0.02)),
    "iris_left": Handle(-1, ("look_x", "look_y")),
    "iris_right": Handle(-2, ("look_x", "look_y")),
    "nose": Handle(4, ("yaw", "pitch")),
    "corner_left": Handle(61, ("corner_left", "pucker")),
    "corner_right": Handle(291, ("corner_right", "pucker")),
    "upper_lip": Handle(0, ("upper_lip",)),
    "lower_lip": Handle(17, ("lower_lip",)),
    "chin": Handle(152, ("mouth",)),
}
"""Name -> handle, from the top of the face to the bottom, the viewer's left first."""


def posture_from(values: Mapping[str, Any]) -> Posture:
    """A posture from numbers by name; those out of their range are clipped, those that are missing are 0.

    Raises UsageError for a name that is none, or a value that is no number."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if name not in RANGES:
            raise UsageError(f"A face has no {name!r} to move.", f"Use one of: {', '.join(RANGES)}.")
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(f"{name}={value} is not possible.", "Give a number.")
        found[name] = float(np.clip(number, *RANGES[name]))
    return Posture(**found)


def posture_of(pose: Pose, controls: Controls) -> Posture:
    """The posture of a face that was read, see `reading.read_controls`."""
    known = {field.name: getattr(controls, field.name) for field in fields(Controls)}
    return posture_from(known | {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll})


def pull(posture: Posture) -> Motion:
    """The motion, from rest and looking straight at the viewer, that a posture asks for."""
    left, right = (motion_of(_side(posture, side)) for side in ("left", "right"))
    share = _left()[:, None]
    expression = share * left.expression + (1 - share) * right.expression
    upper, lower = _lips()
    expression[:, 1] += _LIP * (posture.lower_lip * lower - posture.upper_lip * upper)
    eyes = np.array([left.eyes[0] * (1 - posture.lid_left), right.eyes[1] * (1 - posture.lid_right)], np.float32)
    return replace(left, expression=expression.astype(np.float32), eyes=eyes)


def handles_at(posture: Posture, rest: Points, side: int) -> dict[str, tuple[float, float]]:
    """Where each handle is, x and y in px of the aligned crop with `side` px, tilted as the head is (see
    `repaint.tilted`). rest: (468, 3) head units."""
    mesh, irises = _placed(posture, rest, side)
    return {name: _at(handle, mesh, irises, side) for name, handle in HANDLES.items()}


def drag(posture: Posture, name: str, to: tuple[float, float], rest: Points, side: int) -> Posture:
    """The posture that brings a handle as near as it can be to a place, x and y in px of the crop. The other arguments
    are those of `handles_at`. Raises UsageError for a name that is no handle."""
    if name not in HANDLES:
        raise UsageError(f"A face has no handle {name!r}.", f"Take one of: {', '.join(HANDLES)}.")
    handle = HANDLES[name]
    low, high = np.array([RANGES[each] for each in handle.moves]).T
    values = np.array([getattr(posture, each) for each in handle.moves])

    def placed(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        asked = replace(posture, **dict(zip(handle.moves, numbers.tolist(), strict=True)))
        return np.array(_at(handle, *_placed(asked, rest, side), side))

    for _ in range(_STEPS):
        here = placed(values)
        steps = np.where(values + _NUDGE * (high - low) > high, -1, 1) * _NUDGE * (high - low)
        slopes = [(placed(values + step * row) - here) for step, row in zip(steps, np.eye(len(values)), strict=True)]
        slope = np.stack(slopes, axis=1) / _NUDGE  # px a whole range
        way = np.sign(steps) * np.linalg.solve(
            slope.T @ slope + _STIFF * np.eye(len(values)), slope.T @ (np.array(to) - here)
        )
        values = np.clip(values + way * (high - low), low, high)
    return _shared(replace(posture, **dict(zip(handle.moves, values.tolist(), strict=True))))


def _shared(posture: Posture) -> Posture:
    """The same face, with what both of its sides do in the fields of both, which have the sliders."""
    sides = {name: [getattr(_side(posture, side), name) for side in ("left", "right")] for name in ("brows", "smile")}
    both = {name: (left + right) / 2 for name, (left, right) in sides.items()}
    apart = {name: (left - right) / 2 for name, (left, right) in sides.items()}
    return replace(
        posture, **both, brow_left=apart["brows"], brow_right=-apart["brows"],
        corner_left=apart["smile"], corner_right=-apart["smile"],
    )  # fmt: skip


def _side(posture: Posture, side: str) -> Controls:
    """The controls that one side of the face follows."""
    known = {field.name: getattr(posture, field.name) for field in fields(Controls)}
    known["brows"] = min(max(posture.brows + getattr(posture, f"brow_{side}"), -1), 1)
    known["smile"] = min(max(posture.smile + getattr(posture, f"corner_{side}"), -1), 1)
    return Controls(**known)


def _placed(posture: Posture, rest: Points, side: int) -> tuple[Points, NDArray[np.float32]]:
    motion = pull(posture)
    mesh = move(pose_mesh(rest, motion, side), tilt_affine(motion.pose.roll, side))
    return mesh, irises_at(mesh, motion.gaze)


def _at(handle: Handle, mesh: Points, irises: NDArray[np.float32], side: int) -> tuple[float, float]:
    x, y = (mesh[handle.point] if handle.point >= 0 else irises[-1 - handle.point])[:2].tolist()
    return x + handle.beside[0] * side, y + handle.beside[1] * side


@cache
def _left() -> NDArray[np.float32]:
    """(468,): 1 on the viewer's left half of the face, 0 on the right one."""
    return smoothstep(-topology().canonical[:, 0], -_SIDES, _SIDES)


@cache
def _lips() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(468,) each: how much the points follow the upper and the lower lip."""
    shape = topology().canonical
    ring = shape[list(INNER_LIPS)]
    upper, lower = ring[:11], np.concatenate([ring[:1], ring[:9:-1]])
    between = np.interp(shape[:, 0], (upper[:, 0] + lower[:, 0]) / 2, (upper[:, 1] + lower[:, 1]) / 2)
    along = np.clip(1 - (shape[:, 0] / ring[10, 0]) ** 2, 0, 1) ** 0.5  # the corners of the mouth stay
    apart = np.abs(shape[:, 1] - between) / _LIP_REACH
    near = along * np.exp(-(np.maximum(apart - 1, 0) ** 2))
    below = shape[:, 1] > between
    below[list(INNER_LIPS[:11])], below[list(INNER_LIPS[11:])] = False, True
    return (near * ~below).astype(np.float32), (near * below).astype(np.float32)
