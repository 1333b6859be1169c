"""The surroundings of a face: rings from its outline out over hair, neck and shoulders, that follow the head less and
less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.head import Placement
from facezoo.face.mesh import FACE_OVAL, rasterise, smoothstep
from facezoo.types import Box, Points

__all__ = ["Rings", "make_rings"]

_RADII = np.array([1, 1.07, 1.16, 1.28, 1.45, 1.75, 2.15, 2.6, 3.1, 3.7])
_LEAK = np.array([1, 0.8, 0.6, 0.4, 0.2, 0.05, 0, 0, 0, 0])  # of the outline's expression, ring by ring
_BEYOND = np.array([0.12, 0.11, 0.09, 0.06, 0.02, 0, 0, 0, 0, 0])  # of the radius: see `Rings.warp`
_UP, _SIDE, _DOWN = (1.75, 3.6), (1.45, 3.2), (1.0, 2.2)  # radii between which the head's motion fades out
_SILHOUETTE = (1.45, 1.85)  # radius at which the skull, seen from the front, turns away: at the sides, at the top
_TURNED = 22.0  # degrees of yaw from which one side of the head is hidden
_TIGHTEST = 0.2  # of its width in the photo that a ring keeps
_HELD = 1.0  # head units from the photo's edge over which what is cut off there is stretched
_COARSE = 200  # px, longer side of the grid on which the smooth outer map is made


@dataclass(frozen=True, eq=False)
class Rings:
    """The surroundings of the face: rings of 36 points. points: (R, 36, 3) px in the photo, shape: the same in head
    units, weight: (R, 36) how much of the head's motion they take part in. middle: (3,) px and its head units."""

    points: NDArray[np.float32]
    shape: NDArray[np.float32]
    weight: NDArray[np.float32]
    middle: NDArray[np.float32]
    middle_shape: NDArray[np.float32]

    def warp(
        self, size: tuple[int, ...], place: Placement, leaked: Points, uncovered: Points
    ) -> tuple[tuple[int, int, int, int], NDArray[np.float32]]:
        """The part of the picture that moves (left, top, right, bottom), and its (h, w, 2) map into the photo.

        leaked: (36, 3) px, how the outline's own expression moves it. uncovered: (36,) in [0, 1], where the face has
        been completed beyond the outline it had in the photo: the outline's own skin must not be seen beside it."""
        count = len(_RADII)
        moved = place.to_picture(self.shape.reshape(-1, 3)).reshape(count, 36, 3)
        weight = self.weight[..., None]
        target = (weight * moved + (1 - weight) * self.points + _LEAK[:, None, None] * leaked).astype(np.float32)
        _unfold(target, self.points)
        source = self.points + (uncovered[:, None] * (self.points[0] - self.middle)) * _BEYOND[:, None, None]
        both = np.concatenate([target.reshape(-1, 3), self.points.reshape(-1, 3)])[:, :2]
        left, top = np.maximum(np.floor(both.min(axis=0)).astype(int), 0)
        right, bottom = np.minimum(np.ceil(both.max(axis=0)).astype(int) + 1, (size[1], size[0]))
        wide, high = int(right - left), int(bottom - top)
        grain = min(1.0, _COARSE / max(wide, high))
        grid = (max(2, round(wide * grain)), max(2, round(high * grain)))
        ratio = np.array([grid[0] / wide, grid[1] / high])
        outline = target[0, :, :2].copy()
        middle = place.to_picture(self.middle_shape[None])
        target = np.concatenate([target.reshape(-1, 3), middle])
        source = np.concatenate([source.reshape(-1, 3), self.middle[None]])[:, :2]
        target[:, :2] = (target[:, :2] - (left, top) + 0.5) * ratio - 0.5
        raster = rasterise(target, _ring_triangles(), grid)
        coarse = raster.read(source)
        xs = (np.arange(grid[0]) + 0.5) / ratio[0] - 0.5 + left
        ys = (np.arange(grid[1]) + 0.5) / ratio[1] - 0.5 + top
        identity = np.stack(np.meshgrid(xs, ys), axis=2).astype(np.float32)
        np.copyto(coarse, identity, where=raster.numbers[..., None] == 0)
        _hold_edges(coarse, identity, outline, size, _HELD * place.scale)
        warp = cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_LINEAR)
        return (int(left), int(top), int(right), int(bottom)), np.asarray(warp, np.float32)


def _unfold(target: NDArray[np.float32], points: NDArray[np.float32]) -> None:
    """Push each ring outward, in place, where it would lie inside the one before it: hair is squeezed, not folded."""
    outward = target[-1, :, :2] - target[0, :, :2]
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    for ring in range(1, len(target)):
        step = ((target[ring] - target[ring - 1])[:, :2] * outward).sum(axis=1)
        least = _TIGHTEST * np.linalg.norm((points[ring] - points[ring - 1])[:, :2], axis=1)
        target[ring, :, :2] += np.maximum(least - step, 0)[:, None] * outward


def _hold_edges(
    warp: NDArray[np.float32], here: NDArray[np.float32], outline: Points, size: tuple[int, ...], width: float
) -> None:
    """Keep a map from reading beyond the photo's edges, in place: what is cut off there is stretched from the edge to
    the face, over at most `width` px. here: (h, w, 2) px of each pixel; outline: (36, 2) px, the face as it is now."""
    away = warp - here
    for axis, length in ((0, size[1]), (1, size[0])):
        at, move = here[..., axis], away[..., axis]
        before = np.clip(outline[:, axis].min(), 4, width)
        after = np.clip(length - 1 - outline[:, axis].max(), 4, width)
        near = np.where(move < 0, at / before, (length - 1 - at) / after)
        warp[..., axis] = at + move * np.clip(near, 0, 1)


@cache
def _ring_triangles() -> NDArray[np.int32]:
    found: list[tuple[int, int, int]] = []
    count = len(_RADII)
    for ring in range(count - 1):
        for j in range(36):
            a, b = ring * 36 + j, ring * 36 + (j + 1) % 36
            found += [(a, a + 36, b + 36), (a, b + 36, b)]
    found += [(count * 36, j, (j + 1) % 36) for j in range(36)]
    return np.array(found, np.int32)


def make_rings(mesh: Points, shape: Points, place: Placement, others: Sequence[Box]) -> Rings:
    """The rings of a face. mesh: (468, 3) px; shape: the same in head units; others: boxes that must not move."""
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
    far = np.clip(directions[:, 0] * np.sign(place.pose.yaw), 0, 1) * min(abs(place.pose.yaw) / _TURNED, 1.0)
    points, inside = _with_depth(flat, depth, directions, far, shape, place)
    middle = np.append(centre, mesh[1, 2]).astype(np.float32)
    return Rings(points, inside, _fade(directions), middle, place.to_head(middle[None])[0])


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
    flat: NDArray[np.float64], depth: Points, directions: Points, far: Points, shape: Points, place: Placement
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ring points with depth: an ellipse from the outline of the face back to the plane of the ears, then slowly on.

    far: (36,) in [0, 1], where a turned head hides its own side: what is seen there stays with the outline."""
    ears = float(shape[[234, 454], 2].mean())
    down = np.clip(directions[:, 1], 0, 1) ** 2
    back = ears + 0.1 - 0.3 * down
    back = depth + (np.maximum(back, depth) - depth) * (1 - far)
    edge = _SILHOUETTE[0] + (_SILHOUETTE[1] - _SILHOUETTE[0]) * np.clip(-directions[:, 1], 0, 1) ** 2
    beyond = _RADII[:, None] - edge
    u = np.clip(1 + beyond / (edge - 1), 0, 1)
    z = depth + np.maximum(back - depth, 0) * (1 - np.sqrt(1 - u**2)) + 0.08 * np.maximum(beyond, 0)
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
    return smoothstep(_RADII[:, None], stop, begin)
