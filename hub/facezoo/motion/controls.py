"""A face moved by hand: sliders for the head, the mouth, the brows, the eyes.

Each expression is a field of displacements over the mesh: a few points are told where to go (the tables below), the
others follow as a thin plate would. Sources: Botsch & Kobbelt 2004, "An Intuitive Framework for Real-Time Freeform
Modeling" (handles and a bilaplacian, section 3). The tables were written by hand. Jaw, smile and raised brows follow
how the mesh network's answers differ between synthetic portraits with open and closed, wide and narrow mouths, high
and low brows; the others are drawn after them.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from facezoo.face.head import rotation_of
from facezoo.face.mesh import EYES, INNER_LIPS, OUTER_LIPS, angles, topology
from facezoo.motion.motion import NECK, Motion, still
from facezoo.types import Points, Pose

__all__ = ["FULL_LOOK", "Controls", "motion_of"]

FULL_LOOK = np.array([0.17, 0.1], np.float32)
"""Eye widths right and down that eyes have moved when look_x and look_y are 1."""

_Handles = dict[int, tuple[float, float, float]]

_STIFF = 0.02  # how much the plate also resists stretching; keeps it from swinging beyond its handles
_SQUINT = 0.15  # of the eye's opening that a full smile takes
_STARTLED = 0.18  # of the eye's opening that fully raised brows add
_LID_FOLLOWS = 0.3  # of the eye's opening, with a full look down

# Points that no expression moves: top of the head, temples, bridge of the nose, ears. Lids have their own rule.
_FIXED = (10, 338, 297, 332, 284, 251, 389, 356, 454, 168, 6, 197, 195, 151, 9, 162, 127, 234, 103, 67, 109, 54, 21)
_EYE_CORNERS = (33, 133, 362, 263)
_NOSE = (1, 4, 5)


@dataclass(frozen=True)
class Controls:
    """What a face is to do beyond what it does in the photo; all zero changes nothing.

    yaw, pitch, roll: degrees added to the photo's own (signs as in `Pose`). smile: [-1, 1], -1 turns the corners down.
    mouth: [0, 1], how far the jaw opens. pucker: [0, 1]. brows: [-1, 1], 1 raises them, -1 draws them together.
    blink: [0, 1], both eyes. wink: [-1, 1], -1 shuts the viewer's left eye, 1 the right one. look_x, look_y: [-1, 1],
    the eyes to the right and down."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    smile: float = 0.0
    mouth: float = 0.0
    pucker: float = 0.0
    brows: float = 0.0
    blink: float = 0.0
    wink: float = 0.0
    look_x: float = 0.0
    look_y: float = 0.0


def motion_of(controls: Controls, own: NDArray[np.float32] | None = None, time: float = 0.0) -> Motion:
    """The motion that the controls ask for. own: (3, 3), the photo's own rotation (of its `MovablePhoto.placement`), to
    which the degrees are added; the head turns about its neck. None: looking straight at the viewer."""
    if not any(astuple(controls)):
        return still(time)
    start = np.eye(3, dtype=np.float32) if own is None else own
    rotation, shift = np.eye(3, dtype=np.float32), np.zeros(2, np.float32)
    if controls.yaw or controls.pitch or controls.roll:
        pose = angles(start)
        turned = rotation_of(Pose(pose.yaw + controls.yaw, pose.pitch + controls.pitch, pose.roll + controls.roll))
        rotation = (turned @ start.T).astype(np.float32)
        shift = ((start - turned) @ NECK)[:2].astype(np.float32)
    gaze = np.clip(np.array([controls.look_x, controls.look_y], np.float32), -1, 1) * FULL_LOOK
    return Motion(rotation, shift, 1.0, _expression(controls), _eyes(controls), gaze, time)


def _expression(controls: Controls) -> Points:
    """(468, 3) head units."""
    smile, brows = float(np.clip(controls.smile, -1, 1)), float(np.clip(controls.brows, -1, 1))
    wink = float(np.clip(controls.wink, -1, 1))
    amounts = {
        "jaw": float(np.clip(controls.mouth, 0, 1)),
        "pucker": float(np.clip(controls.pucker, 0, 1)),
        "smile": max(smile, 0.0),
        "sad": max(-smile, 0.0),
        "raise": max(brows, 0.0),
        "lower": max(-brows, 0.0),
        "wink_left": max(-wink, 0.0),
        "wink_right": max(wink, 0.0),
    }
    fields = _fields()
    moved = np.zeros((468, 3), np.float32)
    for name, amount in amounts.items():
        if amount:
            moved += np.float32(amount) * fields[name]
    return moved


def _eyes(controls: Controls) -> NDArray[np.float32]:
    """(2,) factors of the eyes' openings, the viewer's left first."""
    smile, brows = float(np.clip(controls.smile, 0, 1)), float(np.clip(controls.brows, -1, 1))
    down = float(np.clip(controls.look_y, -1, 1))
    wide = (1 - _SQUINT * smile) * (1 + _STARTLED * brows) * (1 - _LID_FOLLOWS * (down if down > 0 else down / 3))
    shut = np.clip([controls.blink + max(-controls.wink, 0), controls.blink + max(controls.wink, 0)], 0, 1)
    return (wide * (1 - shut)).astype(np.float32)


@dataclass(frozen=True)
class _Lips:
    """Where the lips go, x right, y down, z away, head units; the left half mirrors the right one.

    corner: the corner of the mouth on the viewer's right. The others: the middle of each edge, x is not used."""

    corner: tuple[float, float, float]
    upper_outer: tuple[float, float, float] = (0, 0, 0)
    upper_inner: tuple[float, float, float] = (0, 0, 0)
    lower_inner: tuple[float, float, float] = (0, 0, 0)
    lower_outer: tuple[float, float, float] = (0, 0, 0)

    def handles(self) -> _Handles:
        """Every point of the four edges. The height follows from the middle to the corner like an arch."""
        shape = topology().canonical
        found: _Handles = {}
        for ring, upper, lower in ((OUTER_LIPS, self.upper_outer, self.lower_outer),
                                   (INNER_LIPS, self.upper_inner, self.lower_inner)):  # fmt: skip
            width = float(shape[ring[10], 0])
            for number, point in enumerate(ring):
                middle = np.array(upper if number <= 10 else lower)
                along = float(np.clip(shape[point, 0] / width, -1, 1))
                arch = (1 - along**2) ** 0.75
                y, z = np.array(self.corner[1:]) * (1 - arch) + middle[1:] * arch
                found[point] = (self.corner[0] * along, float(y), float(z))
        return found


_JAW = _Lips((-0.01, 0.085, 0.045), (0, 0.002, 0), (0, -0.004, 0), (0, 0.306, 0.09), (0, 0.322, 0.12))
_JAW_SKIN: _Handles = {
    200: (0, 0.262, 0.155), 199: (0, 0.232, 0.155), 152: (0, 0.212, 0.125), 377: (0.002, 0.198, 0.12),
    400: (0, 0.172, 0.105), 378: (-0.003, 0.142, 0.078), 379: (-0.007, 0.108, 0.045), 365: (-0.011, 0.075, 0.01),
    397: (-0.014, 0.044, -0.012), 288: (-0.01, 0.016, -0.018), 361: (-0.004, 0.004, -0.01), 323: (0, 0, 0),
    425: (-0.006, 0.014, 0), 280: (0, 0.006, -0.004), 411: (-0.01, 0.014, -0.006), 358: (0.002, 0.002, 0),
    2: (0, 0, 0), 164: (0, 0.001, 0), 410: (-0.008, 0.038, 0.03), 430: (-0.008, 0.082, 0.065),
}  # fmt: skip
_SMILE = _Lips((0.088, -0.104, 0.085), (0, -0.022, 0.035), (0, -0.032, 0.038), (0, -0.029, 0.034), (0, -0.034, 0.026))
_SMILE_SKIN: _Handles = {
    410: (0.072, -0.082, 0.07), 411: (0.05, -0.046, 0.04), 425: (0.036, -0.046, 0.03), 280: (0.026, -0.046, 0.02),
    358: (0.024, -0.026, 0.016), 2: (0, -0.006, 0.008), 164: (0, -0.014, 0.02), 200: (0, -0.012, 0.012),
    152: (0, 0.008, 0.012), 397: (0.028, -0.002, 0.03), 288: (0.028, -0.002, 0.028), 430: (0.03, -0.02, 0.05),
    323: (0.012, 0, 0.012), 361: (0.023, -0.002, 0.02), 435: (0.029, -0.008, 0.03), 401: (0.024, -0.007, 0.022),
    287: (0.087, -0.104, 0.084),
}  # fmt: skip
_SAD = _Lips((-0.004, 0.054, 0.012), (0, 0.004, 0), (0, -0.002, 0), (0, -0.006, 0), (0, -0.016, -0.012))
_SAD_SKIN: _Handles = {
    410: (0, 0.045, 0.008), 411: (0.002, 0.02, 0), 425: (0, 0.008, 0), 358: (0, 0, 0), 2: (0, 0, 0), 164: (0, 0.002, 0),
    200: (0, -0.02, -0.012), 152: (0, -0.008, 0), 397: (-0.002, 0.012, 0), 288: (-0.002, 0.006, 0),
    430: (0.006, 0.04, 0), 280: (0, 0, 0), 323: (0, 0, 0),
}  # fmt: skip
_PUCKER = _Lips((-0.09, 0.004, -0.05), (0, -0.026, -0.06), (0, -0.002, -0.05), (0, -0.002, -0.05), (0, 0.02, -0.055))
_PUCKER_SKIN: _Handles = {
    410: (-0.06, 0.004, -0.03), 411: (-0.03, 0.006, -0.01), 425: (-0.018, 0.01, -0.005), 358: (-0.008, 0.006, 0),
    2: (0, 0.004, 0), 164: (0, 0, -0.025), 200: (0, -0.006, -0.01), 152: (0, -0.004, 0), 397: (-0.008, 0, 0),
    288: (-0.004, 0, 0), 430: (-0.03, 0, -0.01), 280: (-0.006, 0.006, 0), 323: (0, 0, 0),
}  # fmt: skip
_RAISE_SKIN: _Handles = {
    336: (0.006, -0.067, 0.016), 296: (0.006, -0.076, 0.016), 334: (0.006, -0.078, 0.016), 293: (0.004, -0.072, 0.014),
    300: (0.002, -0.054, 0.01), 285: (0.006, -0.062, 0.012), 295: (0.006, -0.073, 0.014), 282: (0.006, -0.075, 0.016),
    283: (0.004, -0.066, 0.014), 276: (0.002, -0.048, 0.01), 8: (0, -0.03, 0.004), 280: (0, 0, 0), 425: (0, 0, 0),
}  # fmt: skip
_LOWER_SKIN: _Handles = {
    336: (-0.03, 0.05, -0.012), 296: (-0.024, 0.048, -0.01), 334: (-0.016, 0.036, -0.006), 293: (-0.01, 0.022, 0),
    300: (-0.004, 0.01, 0), 285: (-0.03, 0.045, -0.012), 295: (-0.022, 0.044, -0.01), 282: (-0.014, 0.034, -0.006),
    283: (-0.008, 0.022, 0), 276: (-0.004, 0.01, 0), 8: (0, 0.02, -0.006), 280: (0, 0, 0), 425: (0, 0, 0),
}  # fmt: skip
_WINK_SKIN: _Handles = {
    280: (0.008, -0.035, 0.012), 425: (0.014, -0.03, 0.012), 336: (0, 0.006, 0), 296: (0, 0.012, 0),
    334: (0, 0.018, 0), 293: (0, 0.014, 0), 300: (0, 0.008, 0), 291: (0.022, -0.03, 0.02), 308: (0.02, -0.026, 0.02),
    410: (0.018, -0.028, 0.016), 358: (0.004, -0.01, 0.004), 397: (0, 0, 0), 323: (0, 0, 0),
    0: (0.004, -0.003, 0), 13: (0.004, -0.003, 0), 14: (0.004, -0.003, 0), 17: (0.003, -0.003, 0), 152: (0, 0, 0),
}  # fmt: skip


@cache
def _fields() -> dict[str, Points]:
    """Each expression at its fullest: (468, 3) head units."""
    mirror = topology().mirror
    wink = _spread(_WINK_SKIN, lids=-0.008, one_sided=True)
    flipped = (wink[mirror] * np.array([-1, 1, 1])).astype(np.float32)
    mouth = {
        "jaw": (_JAW, _JAW_SKIN, 0.0),
        "smile": (_SMILE, _SMILE_SKIN, -0.014),
        "sad": (_SAD, _SAD_SKIN, 0.0),
        "pucker": (_PUCKER, _PUCKER_SKIN, 0.0),
    }
    fields = {name: _spread(lips.handles() | skin, lids=lids) for name, (lips, skin, lids) in mouth.items()}
    fields |= {"raise": _spread(_RAISE_SKIN, lids=-0.008), "lower": _spread(_LOWER_SKIN, lids=0.004)}
    return fields | {"wink_right": wink, "wink_left": flipped}


def _spread(handles: _Handles, *, lids: float, one_sided: bool = False) -> Points:
    """(468, 3): the field that takes the handles where they say and is smooth in between. handles: those of the
    viewer's right half and the middle; the others mirror them unless one_sided, when the left half stays. lids: how far
    down both lids go."""
    shape, mirror = topology().canonical, topology().mirror
    goals: _Handles = dict.fromkeys((*_FIXED, *_EYE_CORNERS, *_NOSE), (0.0, 0.0, 0.0))
    for side, ring in enumerate(EYES):
        moved = 0.0 if one_sided and side == 0 else lids
        goals |= {point: (0.0, moved, 0.0) for point in ring if point not in _EYE_CORNERS}
    for point, (x, y, z) in handles.items():
        other = int(mirror[point])
        if other != point and shape[point, 0] > 0:
            goals[other] = (0.0, 0.0, 0.0) if one_sided else (-x, y, z)
        goals.setdefault(point, (x, y, z))
        goals[point] = (x, y, z)
    held = np.array(list(goals))
    free = np.setdiff1d(np.arange(468), held)
    field = np.zeros((468, 3))
    field[held] = np.array(list(goals.values()))
    stiffness = _stiffness()
    field[free] = np.linalg.solve(stiffness[np.ix_(free, free)], -stiffness[np.ix_(free, held)] @ field[held])
    if not one_sided:  # the triangles themselves are not quite mirrored
        field = (field + field[mirror] * np.array([-1, 1, 1])) / 2
    return field.astype(np.float32)


@cache
def _stiffness() -> NDArray[np.float64]:
    """(468, 468): the plate's bending (Laplacian squared) and a little stretching; edges weigh by their length."""
    shape, triangles = topology().canonical.astype(np.float64), topology().triangles
    laplacian = np.zeros((468, 468))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        first, second = triangles[:, a], triangles[:, b]
        weight = 0.05 / np.maximum(np.linalg.norm(shape[first] - shape[second], axis=1), 0.01)
        laplacian[first, second] = laplacian[second, first] = -weight
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    return laplacian @ laplacian + _STIFF * laplacian
