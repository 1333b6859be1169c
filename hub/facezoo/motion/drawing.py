"""The drawing that the network translates into a picture: landmarks as lines, or the whole face as coloured relief.

Sources: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (a picture in, a picture
out); Thies et al. 2019, "Deferred Neural Rendering" (section 4: where each pixel lies in the face's texture).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import BROWS, EYES, INNER_LIPS, OUTER_LIPS, rasterise, to_68, topology
from facezoo.motion.motion import NECK
from facezoo.types import Image, Points

__all__ = ["FACE_SHARE", "NOWHERE", "Drawing", "Style", "draw", "irises_at"]

Style = Literal["mesh", "lines"]
"""mesh: relief, features, irises and mouth in colours; lines: 68 points joined by white lines, as in pix2pix demos."""

FACE_SHARE = 0.8
"""Of a texture's height that the skin takes; eyes and mouth lie side by side in the strip below it."""
NOWHERE = 2.0
"""What `Drawing.places` says where the texture has nothing: off the face."""

_PARTS = ((0, 17), (17, 22), (22, 27), (27, 31), (31, 36))  # of the 68 points, open lines
_RINGS = ((36, 42), (42, 48), (48, 60), (60, 68))  # and closed ones
_WIDTH = 3 / 256  # of a line, in sides of the picture
_IRIS = 0.21  # radius in eye widths
_WHITE, _IRIS_COLOR, _PUPIL, _MOUTH = (235, 235, 235), (60, 120, 255), (0, 0, 40), (110, 10, 30)
_LINES = (*((ring, (255, 255, 255)) for ring in (*EYES, OUTER_LIPS, INNER_LIPS)),)
_EYE_REACH, _MOUTH_REACH = (0.8, 0.45), (0.65, 0.9)  # widths of it from their middle, that a strip's field holds


@dataclass(frozen=True, eq=False)
class Drawing:
    """picture: (S, S, 3) RGB uint8. places: (S, S, 2) float32, where each pixel lies in a texture, x then y, [-1, 1]
    from edge to edge; NOWHERE off the face."""

    picture: Image
    places: NDArray[np.float32]


def draw(mesh: Points, gaze: NDArray[np.float32], side: int, style: Style = "mesh") -> Drawing:
    """Draw a face. mesh: (468, 3) px of the picture, which has `side` px; gaze: (2,) eye widths that the irises are off
    the middle of the eyes, right and down."""
    raster = rasterise(mesh, topology().triangles, (side, side))
    skin = raster.numbers > 0
    read = raster.read(np.hstack([_places(), _colors()]))
    places = np.full((side, side, 2), NOWHERE, np.float32)
    places[skin] = np.clip(read[skin, :2], -1, (1, 2 * FACE_SHARE - 1))  # slivers at the outline read beyond
    relief = np.zeros((side, side, 3), np.uint8)
    relief[skin] = np.clip(read[skin, 2:], 0, 255)
    irises = irises_at(mesh, gaze)
    for number, ring in enumerate((*EYES, INNER_LIPS)):
        points = mesh[list(ring), :2]
        inside = _filled(points, side) & ~skin
        across = points[len(ring) // 2] - points[0]
        middle = irises[number, :2] if number < 2 else mesh[13, :2]
        places[inside] = _strip_places(inside, middle, across, number)
        relief[inside] = _WHITE if number < 2 else _MOUTH
        if number < 2:
            _put_iris(relief, inside, irises[number])
    picture = _with_features(relief, mesh) if style == "mesh" else _lines(mesh, side)
    return Drawing(picture, places)


def irises_at(mesh: Points, gaze: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, 3) float32: centre x, y and radius in px of both irises, the viewer's left first. Arguments: see `draw`."""
    found: list[NDArray[np.float32]] = []
    for ring in EYES:
        left, right = mesh[ring[0], :2], mesh[ring[8], :2]
        across = right - left
        down = np.array([-across[1], across[0]])
        middle = (left + right) / 2 + gaze[0] * across + gaze[1] * down
        found.append(np.append(middle, _IRIS * float(np.hypot(*across))))
    return np.stack(found).astype(np.float32)


@cache
def _places() -> NDArray[np.float32]:
    """(468, 2): the skin unrolled from a cylinder about the neck, in the upper part of the texture."""
    shape = topology().canonical
    around = np.arctan2(shape[:, 0], NECK[2] - shape[:, 2])
    height = shape[:, 1]
    x = 0.97 * around / np.abs(around).max()
    y = 0.98 * (2 * (height - height.min()) / np.ptp(height) - 1)
    return np.stack([x, (y + 1) * FACE_SHARE - 1], axis=1).astype(np.float32)


@cache
def _colors() -> NDArray[np.float32]:
    """(468, 3): red across, green down, blue in depth, from 40 to 200."""
    shape = topology().canonical
    return (40 + 160 * (shape - shape.min(axis=0)) / np.ptp(shape, axis=0)).astype(np.float32)


def _strip_places(
    inside: NDArray[np.bool_], middle: NDArray[np.float32], across: NDArray[np.float32], field: int
) -> NDArray[np.float32]:
    """(n, 2): the places of the pixels of an eye (field 0, 1) or the mouth (2), which move with `middle`."""
    ys, xs = np.nonzero(inside)
    offset = np.stack([xs, ys], axis=1) - middle
    down = np.array([-across[1], across[0]])
    local = np.stack([offset @ across, offset @ down], axis=1) / max(float(across @ across), 1.0)
    local = np.clip(local / (_EYE_REACH if field < 2 else _MOUTH_REACH), -1, 1)
    left, right, middle_height = (2 * field - 3) / 3, (2 * field - 1) / 3, FACE_SHARE
    x = (left + right) / 2 + 0.3 * local[:, 0]
    return np.stack([x, middle_height + 0.9 * (1 - FACE_SHARE) * local[:, 1]], axis=1).astype(np.float32)


def _filled(points: Points, side: int) -> NDArray[np.bool_]:
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [_fixed(points)], 1, shift=4)
    return mask > 0


def _put_iris(relief: Image, inside: NDArray[np.bool_], iris: NDArray[np.float32]) -> None:
    disc = relief.copy()
    centre = tuple(_fixed(iris[:2]).tolist())
    for share, color in ((1.0, _IRIS_COLOR), (0.45, _PUPIL)):
        cv2.circle(disc, centre, max(1, round(float(iris[2]) * share * 16)), color, -1, cv2.LINE_AA, shift=4)
    relief[inside] = disc[inside]


def _with_features(relief: Image, mesh: Points) -> Image:
    """Brows filled, lids and lips outlined."""
    width = max(1, round(_WIDTH * relief.shape[0] / 3))
    for ring in BROWS:
        hull = cv2.convexHull(mesh[list(ring), :2])[:, 0]
        cv2.fillPoly(relief, [_fixed(np.asarray(hull, np.float32))], (255, 180, 0), cv2.LINE_AA, shift=4)
    for ring, color in _LINES:
        cv2.polylines(relief, [_fixed(mesh[list(ring), :2])], True, color, width, cv2.LINE_AA, shift=4)
    return relief


def _lines(mesh: Points, side: int) -> Image:
    picture = np.zeros((side, side, 3), np.uint8)
    points, width = _fixed(to_68(mesh)), max(1, round(_WIDTH * side))
    for parts, closed in ((_PARTS, False), (_RINGS, True)):
        lines = [points[first:last] for first, last in parts]
        cv2.polylines(picture, lines, closed, (255, 255, 255), width, cv2.LINE_AA, shift=4)
    return picture


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * 16).astype(np.int32)
