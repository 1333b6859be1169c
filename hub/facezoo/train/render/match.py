"""Pairs in which anyone's portrait stays as it is, teeth and all, and the persona is asked to do the same.

`frames.pair` moves both portraits, so both must have closed lips, and a network that learns from its pairs alone never
sees a real laugh. Here the expression is read from the portrait, and the persona's jaw is moved until the lips are as
far apart.
"""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import move
from facezoo.face.mesh import rasterise, to_68, topology
from facezoo.motion.goal import Goal, motion_to
from facezoo.motion.motion import lip_opening
from facezoo.motion.read import read_controls
from facezoo.train.render.appearance import Appearance
from facezoo.train.render.frames import FrameSample, FrameSettings, PairSample, Rules, Subject, label_features, render
from facezoo.types import Face, Points

__all__ = ["AS_IT_IS", "match"]

AS_IT_IS = Rules(yaw=28, height=100, opening=9.0)
"""What a portrait must be that is not moved."""
_STEPS = 4  # in which the lips are brought as far apart
_JAW = 0.5  # of the lips' width, that they are apart when the jaw is open
_ALIKE = (0.1, 6.0)  # most that openings over widths, and degrees of the heads, may differ


def match(first: Face, second: Subject, reader: NDArray[np.float32], settings: FrameSettings) -> PairSample:
    """A portrait and the persona doing what it shows. first: its crop has `settings.size` px. reader: (6, 1405), see
    `face.reading.read_face`. Raises NoFace when the persona cannot be brought near enough."""
    mesh = move(first.landmarks.mesh, first.affine)
    pose, controls = read_controls(first.frame, first.landmarks.mesh, reader)
    goal = Goal(pose, controls)
    for _ in range(_STEPS):
        drawn = second.puppet.layers(motion_to(second.puppet, goal)).mesh
        mouth = goal.controls.mouth + (_opening(mesh) - _opening(drawn)) / _JAW
        goal = replace(goal, controls=replace(goal.controls, mouth=float(np.clip(mouth, 0, 1))))
    there = render(second, goal, Appearance(), settings, 1)
    turned = float(np.abs(np.subtract(astuple(pose), astuple(there.pose))).max())
    if abs(_opening(mesh) - _opening(there.mesh)) > _ALIKE[0] or turned > _ALIKE[1]:
        raise NoFace("The persona cannot do what this portrait shows.", "Use portraits that are turned less.")
    covered = rasterise(mesh, topology().triangles, (settings.size, settings.size)).covered
    gaze = np.array([controls.look_x, controls.look_y], np.float32)
    here = FrameSample(first.crop, label_features(mesh, covered), mesh, to_68(mesh), pose, goal, gaze, Appearance(),
                       float("nan"), 0.0, 0.0, 1)  # fmt: skip
    return PairSample(here, there)


def _opening(mesh: Points) -> float:
    opening, width = lip_opening(mesh)
    return float(opening / width)
