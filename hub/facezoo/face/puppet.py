"""One photo, made movable: the face as a mesh, the head and hair around it as rings, drawn back to front.

Every pixel comes from the photo itself at its own resolution; what the photo does not show (mouth interior, hidden
cheek) comes from `mouth` and from the mirrored side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.eyes import find_irises, lash_line, look, paint_eye, paint_lashes, set_lids
from facezoo.face.head import Placement, angles, fit_head, rotation_of
from facezoo.face.mesh import EYES, FACE_OVAL, INNER_LIPS, topology
from facezoo.face.motion import Motion, lid_opening, lip_opening
from facezoo.face.mouth import paint_mouth, skin_color
from facezoo.face.warp import lay_over, rasterise, sample
from facezoo.types import Box, Face, Image, Points, Pose

__all__ = ["Puppet"]

_RADII = np.array([1, 1.07, 1.16, 1.28, 1.45, 1.75, 2.15, 2.6, 3.1, 3.7])
_LEAK = np.array([1, 0.8, 0.6, 0.4, 0.2, 0.05, 0, 0, 0, 0])  # of the outline's expression, ring by ring
_UP, _SIDE, _DOWN = (1.75, 3.6), (1.45, 3.2), (1.0, 2.2)  # radii between which the head's motion fades out
_SILHOUETTE = 1.45  # radius at which the skull, seen from the front, turns away
_COARSE = 200  # px, longer side of the grid on which the smooth outer map is made
_WIDEST = 1.45  # times as open as in the photo


class Puppet:
    """A photo whose chosen face can be moved.

    face: of the photo, with the 468-point mesh. others: boxes of faces that must stay as they are."""

    def __init__(self, face: Face, others: Sequence[Box] = ()) -> None:
        self.photo = face.frame
        self.mesh = face.landmarks.mesh
        self.placement = fit_head(self.mesh)
        self.shape = self.placement.to_head(self.mesh)
        self.eyes = lid_opening(self.shape)
        self.mouth = lip_opening(self.shape)
        self.irises = find_irises(self.photo, self.mesh)
        self.gaze = look(self.irises, self.mesh)
        self.skin = skin_color(self.photo, self.mesh)
        self._rings = _make_rings(self.mesh, self.shape, self.placement, others)

    def place(self, motion: Motion) -> Points:
        """The (468, 3) mesh in photo pixels that a motion moves the face to."""
        place = self._moved(motion)
        return place.to_picture(self._expressed(motion))

    def draw(self, motion: Motion) -> Image:
        """The whole photo with the face moved: (H, W, 3) RGB uint8, a new array."""
        place = self._moved(motion)
        shape = self._expressed(motion)
        return self._render(place, shape, motion)

    def _moved(self, motion: Motion) -> Placement:
        own = self.placement
        rotation = _limited(motion.rotation @ own.rotation, own.rotation)
        zoom = float(np.clip(motion.zoom, 0.7, 1.45))
        shift = own.shift.copy()
        shift[:2] += np.clip(motion.shift, -0.8, 0.8) * own.scale
        return Placement(own.scale * zoom, rotation, shift)

    def _expressed(self, motion: Motion) -> Points:
        shape = self.shape + motion.expression
        for side in range(2):
            set_lids(shape, self.shape, side, float(np.clip(motion.eyes[side], 0, _WIDEST)))
        _keep_lips_apart(shape, self.shape)
        return shape

    def _render(self, place: Placement, shape: Points, motion: Motion) -> Image:
        mesh = place.to_picture(shape)
        left, top, right, bottom, warp = self._rings.warp(self.photo.shape, place, self._leaked(place, shape))
        out = self.photo.copy()
        canvas = sample(self.photo, warp)
        corner = np.array([left, top, 0], np.float32)
        local, resting = mesh - corner, place.to_picture(self.shape) - corner
        for side, ring in enumerate(map(list, EYES)):
            paint_eye(canvas, self.photo, local[ring, :2], resting[ring, :2], self.mesh[ring, :2], self.irises[side],
                      float(motion.eyes[side]), motion.gaze)  # fmt: skip
        here = replace(place, shift=place.shift - corner)
        paint_mouth(canvas, self.photo, local, self.mesh, shape, self.shape, here, self.skin, motion.mouth)
        closing = np.clip((1 - motion.eyes) / 0.35, 0, 1)
        self._paint_face(canvas, local, closing)
        for side, ring in enumerate(map(list, EYES)):
            paint_lashes(canvas, self.photo, local[ring, :2], self.mesh[ring, :2], float(closing[side]))
        out[top:bottom, left:right] = canvas
        return out

    def _leaked(self, place: Placement, shape: Points) -> Points:
        """(36, 3) px: how far expression alone moves the outline of the face."""
        oval = list(FACE_OVAL)
        return (place.scale * (shape[oval] - self.shape[oval]) @ place.rotation.T).astype(np.float32)

    def _paint_face(self, canvas: Image, mesh: Points, closing: NDArray[np.float32]) -> None:
        height, width = canvas.shape[:2]
        low = np.maximum(np.floor(mesh[:, :2].min(axis=0)).astype(int) - 3, 0)
        high = np.minimum(np.ceil(mesh[:, :2].max(axis=0)).astype(int) + 4, (width, height))
        if (high <= low).any():
            return
        size = (high[0] - low[0], high[1] - low[1])
        moved = mesh.copy()
        moved[:, :2] -= low
        read = self.mesh[:, :2].copy()
        for side, ring in enumerate(EYES):
            read[list(ring[1:8])] = lash_line(self.mesh, side, float(closing[side]))
        warp, covered = rasterise(moved, read, topology().triangles, size)
        drawn = sample(self.photo, warp)
        alpha = cv2.blur(covered, (3, 3))
        part = canvas[low[1] : high[1], low[0] : high[0]]
        lay_over(part, drawn, alpha)


@dataclass(frozen=True, eq=False)
class _Rings:
    """The surroundings of the face: rings of 36 points. points: (R, 36, 3) px in the photo, shape: the same in head
    units, weight: (R, 36) how much of the head's motion they take part in. middle: (3,) px and its head units."""

    points: NDArray[np.float32]
    shape: NDArray[np.float32]
    weight: NDArray[np.float32]
    middle: NDArray[np.float32]
    middle_shape: NDArray[np.float32]

    def warp(
        self, size: tuple[int, ...], place: Placement, leaked: Points
    ) -> tuple[int, int, int, int, NDArray[np.float32]]:
        """The part of the picture that moves (left, top, right, bottom), and its (h, w, 2) map into the photo."""
        count = len(_RADII)
        moved = place.to_picture(self.shape.reshape(-1, 3)).reshape(count, 36, 3)
        weight = self.weight[..., None]
        target = weight * moved + (1 - weight) * self.points + _LEAK[:, None, None] * leaked
        both = np.concatenate([target.reshape(-1, 3), self.points.reshape(-1, 3)])[:, :2]
        left, top = np.maximum(np.floor(both.min(axis=0)).astype(int), 0)
        right, bottom = np.minimum(np.ceil(both.max(axis=0)).astype(int) + 1, (size[1], size[0]))
        wide, high = int(right - left), int(bottom - top)
        grain = min(1.0, _COARSE / max(wide, high))
        grid = (max(2, round(wide * grain)), max(2, round(high * grain)))
        ratio = np.array([grid[0] / wide, grid[1] / high])
        middle = place.to_picture(self.middle_shape[None])
        target = np.concatenate([target.reshape(-1, 3), middle])
        source = np.concatenate([self.points.reshape(-1, 3), self.middle[None]])[:, :2]
        target[:, :2] = (target[:, :2] - (left, top) + 0.5) * ratio - 0.5
        coarse, covered = rasterise(target, source, _ring_triangles(), grid)
        xs = (np.arange(grid[0]) + 0.5) / ratio[0] - 0.5 + left
        ys = (np.arange(grid[1]) + 0.5) / ratio[1] - 0.5 + top
        identity = np.stack(np.meshgrid(xs, ys), axis=2).astype(np.float32)
        np.copyto(coarse, identity, where=covered[..., None] == 0)
        return (
            int(left),
            int(top),
            int(right),
            int(bottom),
            cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_LINEAR),
        )


def _ring_triangles() -> NDArray[np.int32]:
    found: list[tuple[int, int, int]] = []
    count = len(_RADII)
    for ring in range(count - 1):
        for j in range(36):
            a, b = ring * 36 + j, ring * 36 + (j + 1) % 36
            found += [(a, a + 36, b + 36), (a, b + 36, b)]
    found += [(count * 36, j, (j + 1) % 36) for j in range(36)]
    return np.array(found, np.int32)


def _make_rings(mesh: Points, shape: Points, place: Placement, others: Sequence[Box]) -> _Rings:
    oval = mesh[list(FACE_OVAL)]
    centre = oval[:, :2].mean(axis=0)
    spokes = oval[:, :2] - centre
    hull = cv2.convexHull(mesh[:, :2].astype(np.float32))[:, 0]
    reach = np.maximum(1.0, _hull_reach(hull - centre, spokes))
    first = centre + spokes * reach[:, None]
    depth = shape[list(FACE_OVAL), 2].copy()
    for j in np.flatnonzero(reach > 1.04):
        depth[j] = shape[np.argmin(np.linalg.norm(mesh[:, :2] - first[j], axis=1)), 2]
    flat = centre + (first - centre) * _radii(others, centre, first)[:, None, None]
    directions = spokes @ place.rotation[:2, :2]  # in the head's own axes, nearly
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points, inside = _with_depth(flat, depth, directions, shape, place)
    return _Rings(points, inside, _fade(directions), np.append(centre, mesh[1, 2]).astype(np.float32),
                  place.to_head(np.append(centre, mesh[1, 2])[None].astype(np.float32))[0])  # fmt: skip


def _radii(others: Sequence[Box], centre: Points, first: Points) -> NDArray[np.float64]:
    """The radii of the rings, drawn in when another face is near."""
    size = float(np.linalg.norm(first - centre, axis=1).mean())
    free = _RADII[-1]
    for box in others:
        nearest = np.array([np.clip(centre[0], box.left, box.right), np.clip(centre[1], box.top, box.bottom)])
        free = min(free, float(np.linalg.norm(nearest - centre)) / size)
    share = np.clip((free - 1) / (_RADII[-1] - 1), 0.1, 1)
    return 1 + (_RADII - 1) * share


def _hull_reach(hull: Points, spokes: Points) -> NDArray[np.float64]:
    """How far along each spoke the edge of the hull lies, 1 at the spoke's end."""
    reach = np.zeros(len(spokes))
    following = np.roll(hull, -1, axis=0)
    for j, spoke in enumerate(spokes.astype(np.float64)):
        edge = (following - hull).astype(np.float64)
        cross = spoke[0] * edge[:, 1] - spoke[1] * edge[:, 0]
        safe = np.where(np.abs(cross) < 1e-9, 1e-9, cross)
        along = (hull[:, 0] * edge[:, 1] - hull[:, 1] * edge[:, 0]) / safe
        where = (hull[:, 0] * spoke[1] - hull[:, 1] * spoke[0]) / safe
        hit = (where >= -1e-6) & (where <= 1 + 1e-6) & (along > 0)
        reach[j] = along[hit].max() if hit.any() else 1.0
    return reach


def _with_depth(
    flat: NDArray[np.float64], depth: Points, directions: Points, shape: Points, place: Placement
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ring points with depth: an ellipse from the outline of the face back to the plane of the ears, then slowly on."""
    ears = float(shape[[234, 454], 2].mean())
    down = np.clip(directions[:, 1], 0, 1) ** 2
    back = ears + 0.1 - 0.3 * down
    u = np.clip((_RADII - 1) / (_SILHOUETTE - 1), 0, 1)[:, None]
    z = (
        depth
        + np.maximum(back - depth, 0) * (1 - np.sqrt(1 - u**2))
        + 0.08 * np.maximum(_RADII - _SILHOUETTE, 0)[:, None]
    )
    offset = flat - place.shift[:2]
    turn = place.rotation
    away = (z * place.scale - offset @ turn[:2, 2]) / turn[2, 2] + place.shift[2]
    points = np.concatenate([flat, away[..., None]], axis=2).astype(np.float32)
    return points, place.to_head(points.reshape(-1, 3)).reshape(points.shape)


def _fade(directions: Points) -> NDArray[np.float32]:
    """(R, 36) in [0, 1]: the share of the head's motion."""
    x, y = directions[:, 0], directions[:, 1]
    end = np.where((y < 0)[:, None], _UP, _DOWN)
    begin, stop = (np.outer(x**2, _SIDE) + (y**2)[:, None] * end).T
    t = np.clip((_RADII[:, None] - begin) / (stop - begin), 0, 1)
    return (1 - t * t * (3 - 2 * t)).astype(np.float32)


def _keep_lips_apart(shape: Points, own: Points) -> None:
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
