"""What a face does, without who it is: read from anyone, put onto a persona's own shape.

Source: Thies et al. 2016, "Face2Face: Real-Time Face Capture and Reenactment of RGB Videos" (the idea: pose and
expression of the driver, shape of the one who is driven).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import crop_affine, move
from facezoo.face.head import Placement, fit_head, rotation_of
from facezoo.face.mesh import to_68, topology
from facezoo.motion.controls import FULL_LOOK, Controls, motion_of
from facezoo.motion.eyes import Eyes, read_eyes
from facezoo.motion.motion import Motion
from facezoo.motion.photo import express
from facezoo.types import Image, Landmarks, Points, Pose

__all__ = ["EXPRESSIONS", "amounts_of", "pose_mesh", "read_controls", "read_face"]

EXPRESSIONS = ("smile", "sad", "mouth", "pucker", "brows up", "brows down")
"""What is read from a face, each about 0 to 1: the axes of all expressions that are put onto a persona."""

_YAW_GAIN = 1.2  # the mesh network under-reports turns; measured on faces turned by known amounts
_WIDEST = (35.0, 30.0)  # degrees of yaw and pitch that a persona was shown in
_SHUT, _OPEN = 0.1, 0.34  # height over width of eyes: shut, and at rest
_LAZY, _WINKING = 0.35, 0.5  # shares of an eye's opening: missing before it counts as closing, and of one eye alone
_GAZE = np.array([1, 0.4], np.float32)  # how far the iris network is trusted, sideways and up or down


def read_face(image: Image, mesh: Points, reader: NDArray[np.float32]) -> Motion:
    """The pose, expression, lids and gaze of a face, as a motion from rest. The pose is absolute, nothing tells the
    shape of the head.

    image: (H, W, 3) RGB uint8; mesh: (468, 3) px of it. reader: (6, 1405), see `nn.people.KnownPeople.reader`."""
    placement = fit_head(mesh)
    eyes, pose = read_eyes(image, mesh), placement.pose
    yaw, pitch = np.clip([pose.yaw * _YAW_GAIN, pose.pitch], np.negative(_WIDEST), _WIDEST).tolist()
    return replace(
        motion_of(_expression(placement, mesh, reader)),
        rotation=rotation_of(Pose(yaw, pitch, pose.roll)),
        eyes=_openness(eyes),
        gaze=(eyes.gaze * _GAZE).astype(np.float32),
    )


def read_controls(image: Image, mesh: Points, reader: NDArray[np.float32]) -> tuple[Pose, Controls]:
    """The same as settings: the head's pose, and what its face does; yaw, pitch and roll of the settings are 0, lids
    count as closing from a third on. Arguments as of `read_face`."""
    placement = fit_head(mesh)
    eyes, pose = read_eyes(image, mesh), placement.pose
    left, right = (1 - np.clip(_openness(eyes), 0, 1)).tolist()
    blink = min(left, right) if min(left, right) > _LAZY else 0.0
    wink = right - left if abs(right - left) > _WINKING and not blink else 0.0
    look_x, look_y = np.clip(eyes.gaze * _GAZE / FULL_LOOK, -1, 1).tolist()
    found = _expression(placement, mesh, reader)
    return (
        Pose(pose.yaw * _YAW_GAIN, pose.pitch, pose.roll),
        replace(found, blink=blink, wink=wink, look_x=look_x, look_y=look_y),
    )


def amounts_of(controls: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 6), see EXPRESSIONS, of (N, 11) controls in the order of `Controls`."""
    smile, mouth, pucker, brows = controls[:, 3:7].T
    parts = [np.maximum(smile, 0), np.maximum(-smile, 0), mouth, pucker, np.maximum(brows, 0), np.maximum(-brows, 0)]
    return np.stack(parts, axis=1).astype(np.float32)


def pose_mesh(rest: Points, motion: Motion, side: int) -> Points:
    """(468, 3) px of the aligned crop with `side` px: a head that does what the motion says.

    rest: (468, 3) head units, its own shape at rest; the motion's rotation is the head's whole turn."""
    seen = Placement(1.0, motion.rotation, np.zeros(3, np.float32)).to_picture(express(rest, motion))
    affine, _ = crop_affine(Landmarks(to_68(seen), seen, 1.0, "mesh"), side)
    return move(seen, affine)


def _expression(placement: Placement, mesh: Points, reader: NDArray[np.float32]) -> Controls:
    shape = (placement.to_head(mesh) - topology().canonical).ravel()
    smile, sad, mouth, pucker, up, down = (reader[:, :-1] @ shape + reader[:, -1]).tolist()
    return Controls(smile=smile - sad, mouth=mouth, pucker=pucker, brows=up - down)  # clipped where they are used


def _openness(eyes: Eyes) -> NDArray[np.float32]:
    """(2,) 0 when shut, 1 at rest."""
    return np.clip((eyes.opening - _SHUT) / (_OPEN - _SHUT), 0, 1.2).astype(np.float32)
