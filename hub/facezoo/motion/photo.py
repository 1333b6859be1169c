"""One photo, made movable: the face as a mesh, the head and hair around it as rings, drawn back to front.

Every pixel comes from the photo itself at its own resolution; what the photo does not show (mouth interior, hidden
cheek) comes from `mouth` and from the mirrored side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.head import Placement, fit_head, rotation_of
from facezoo.face.mesh import EYES, FACE_OVAL, INNER_LIPS, Raster, angles, lay_over, rasterise, sample, topology
from facezoo.motion.eyes import lid_skin, paint_eye, paint_lashes, read_eyes, set_lids
from facezoo.motion.hidden import FarSide, Stretch, facing
from facezoo.motion.lids import Lids
from facezoo.motion.motion import Motion, lip_opening
from facezoo.motion.mouth import Mouth
from facezoo.motion.rings import make_rings
from facezoo.types import Box, Face, Image, Points, Pose

__all__ = ["MovablePhoto", "Moved", "express"]

Vector = NDArray[np.float32]
_EDGE_ON = 0.1  # cosine to the viewer below which a piece of skin is not drawn
_WIDEST = 1.45  # times as open as in the photo


class MovablePhoto:
    """A photo whose chosen face can be moved.

    face: of the photo, with the 468-point mesh. others: boxes of faces that must stay as they are."""

    def __init__(self, face: Face, others: Sequence[Box] = ()) -> None:
        self.photo = face.frame
        self.mesh = face.landmarks.mesh
        self.placement = fit_head(self.mesh)
        self.shape = self.placement.to_head(self.mesh)
        self.mouth = lip_opening(self.shape)
        seen = read_eyes(self.photo, self.mesh)
        self.eyes, self.irises, self.gaze = seen.opening, seen.irises, seen.gaze
        self._lids = Lids(self.photo, self.mesh)
        self._mouth = Mouth(self.photo, self.mesh, self.shape)
        self._rings = make_rings(self.mesh, self.shape, self.placement, others)
        self._stretch = Stretch(self.mesh, facing(self.mesh))
        self._far_side = FarSide(self.photo, self.mesh, self.placement.scale)

    def place(self, motion: Motion) -> Points:
        """The (468, 3) mesh in photo pixels that a motion moves the face to."""
        place = self._moved(motion)
        return place.to_picture(express(self.shape, motion))

    def turned(self, motion: Motion) -> Pose:
        """The pose that a motion turns the head to, after what does not look right was held back."""
        return self._moved(motion).pose

    def clamped(self, motion: Motion) -> float:
        """Degrees of turn that a motion asks for and this photo cannot give, because it would not look right."""
        asked, given = angles(motion.rotation @ self.placement.rotation), self.turned(motion)
        return max(abs(asked.yaw - given.yaw), abs(asked.pitch - given.pitch), abs(asked.roll - given.roll))

    def draw(self, motion: Motion) -> Image:
        """The whole photo with the face moved: (H, W, 3) RGB uint8, a new array."""
        return self.layers(motion).image

    def layers(self, motion: Motion) -> Moved:
        """The photo with the face moved, and how each pixel came about."""
        place = self._moved(motion)
        shape = express(self.shape, motion)
        mesh = place.to_picture(shape)
        hidden = self._far_side.weight(mesh)
        (left, top, right, bottom), around = self._rings.warp(
            self.photo.shape, place, self._leaked(place, shape), hidden[list(FACE_OVAL)]
        )
        canvas = sample(self.photo, around)
        corner = np.array([left, top, 0], np.float32)
        local, resting = mesh - corner, place.to_picture(self.shape) - corner
        for side, ring in enumerate(map(list, EYES)):
            paint_eye(canvas, self.photo, local[ring, :2], resting[ring, :2], self.mesh[ring, :2], self.irises[side],
                      motion.gaze)  # fmt: skip
        here = replace(place, shift=place.shift - corner)
        self._mouth.paint(canvas, local, shape, here, motion.mouth)
        closing = np.clip((1 - motion.eyes) / 0.35, 0, 1)
        skin = self._paint_skin(canvas, local, closing, motion.eyes, hidden)
        self._lids.paint(canvas, local, closing)
        for side, ring in enumerate(map(list, EYES)):
            paint_lashes(canvas, self.photo, local[ring, :2], self.mesh[ring, :2], float(closing[side]))
        image = self.photo.copy()
        image[top:bottom, left:right] = canvas
        return Moved(image, mesh, (left, top, right, bottom), around, skin)

    def _moved(self, motion: Motion) -> Placement:
        own = self.placement
        rotation = _limited(motion.rotation @ own.rotation, own.rotation)
        zoom = float(np.clip(motion.zoom, 0.7, 1.45))
        shift = own.shift.copy()
        shift[:2] += np.clip(motion.shift, -0.8, 0.8) * own.scale
        return Placement(own.scale * zoom, rotation, shift)

    def _leaked(self, place: Placement, shape: Points) -> Points:
        """(36, 3) px: how far expression alone moves the outline of the face."""
        oval = list(FACE_OVAL)
        return (place.scale * (shape[oval] - self.shape[oval]) @ place.rotation.T).astype(np.float32)

    def _paint_skin(self, canvas: Image, mesh: Points, closing: Vector, opened: Vector, weight: Vector) -> _Skin:
        ends = np.array(canvas.shape[1::-1])
        low = np.clip(np.floor(mesh[:, :2].min(axis=0)).astype(int) - 3, 0, ends - 1)
        high = np.clip(np.ceil(mesh[:, :2].max(axis=0)).astype(int) + 4, low + 1, ends)
        moved = mesh.copy()
        moved[:, :2] -= low
        read = self._stretch.read(mesh)
        for side, ring in enumerate(EYES):
            read[list(ring)] = lid_skin(self.mesh, side, float(closing[side]), float(opened[side]))
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        raster = rasterise(moved, topology().triangles, size, edge_on=_EDGE_ON)
        drawn = sample(self.photo, raster.read(read))
        if weight.max() > 0.02:
            mirrored = sample(self._far_side.picture, raster.read(self._far_side.mirrored))
            lay_over(drawn, mirrored, np.clip(raster.read(weight[:, None])[..., 0], 0, 1))
        alpha = np.asarray(cv2.blur(raster.covered, (3, 3)), np.float32)
        lay_over(canvas[low[1] : high[1], low[0] : high[0]], drawn, alpha)
        return _Skin(int(low[0]), int(low[1]), raster, read)


def express(own: Points, motion: Motion) -> Points:
    """A head's shape with the expression and the lids of a motion. own and the answer: (468, 3) head units."""
    shape = own + motion.expression
    for side in range(2):
        set_lids(shape, own, side, float(np.clip(motion.eyes[side], 0, _WIDEST)))
    _keep_lips_apart(shape)
    return shape


@dataclass(frozen=True, eq=False)
class _Skin:
    """Where the mesh was drawn in the moving part: left, top px, and what each of its points was read from."""

    left: int
    top: int
    raster: Raster
    read: Points


@dataclass(frozen=True, eq=False)
class Moved:
    """A moved photo. image: (H, W, 3) RGB uint8. mesh: (468, 3) px, where the face is now. box: left, top, right and
    bottom of the part that moved."""

    image: Image
    mesh: Points
    box: tuple[int, int, int, int]
    _around: NDArray[np.float32]
    _skin: _Skin

    @cached_property
    def warp(self) -> NDArray[np.float32]:
        """(h, w, 2) px: where in the photo each pixel of the box was read, x then y."""
        warp, skin = self._around.copy(), self._skin
        covered = skin.raster.numbers > 0
        height, width = covered.shape
        warp[skin.top : skin.top + height, skin.left : skin.left + width][covered] = skin.raster.read(skin.read)[
            covered
        ]
        return warp


def _keep_lips_apart(shape: Points) -> None:
    """Lips that are pushed through one another meet instead."""
    for upper in range(1, 10):
        above, below = INNER_LIPS[upper], INNER_LIPS[20 - upper]
        gap = shape[below, 1] - shape[above, 1]
        if gap < 0:
            middle = (shape[below, 1] + shape[above, 1]) / 2
            shape[above, 1] = shape[below, 1] = middle


def _limited(rotation: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float32]:
    pose, start = angles(rotation), angles(own)
    yaw = _soft(pose.yaw, -27 + (1.1 if start.yaw > 0 else 0.45) * start.yaw,
                27 + (1.1 if start.yaw < 0 else 0.45) * start.yaw)  # fmt: skip
    pitch = _soft(pose.pitch, start.pitch - 20, start.pitch + 26)
    roll = _soft(pose.roll, start.roll - 35, start.roll + 35)
    return rotation_of(Pose(yaw, pitch, roll))


def _soft(value: float, low: float, high: float, knee: float = 6.0) -> float:
    """Clip with a soft knee of that many degrees."""
    for edge, sign in ((high, 1), (low, -1)):
        over = sign * (value - edge) + knee
        if over > 0:
            value = edge + sign * (knee * np.tanh(over / knee) - knee)
    return float(value)
