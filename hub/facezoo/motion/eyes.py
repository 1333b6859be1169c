"""Eyes: where they look, and how they are drawn when lids and gaze move.

The eyeball moves with the head, the lids slide over it: a blink covers the iris and does not squash it.
Source of the iris: Ablavatski et al. 2020, "Real-time Pupil Tracking from Monocular Video for Digital Puppetry"
(arXiv:2006.11341).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import EYES, fit_affine, lay_over, rasterise, sample
from facezoo.face.networks import network
from facezoo.types import Image, Points

__all__ = ["Eyes", "Iris", "lid_skin", "paint_eye", "paint_lashes", "read_eyes", "set_lids"]

Iris = NDArray[np.float32]
"""(3,) float32: centre x, y in pixels and radius."""

_SHUT, _SEEN = 0.09, 0.2  # height over width: what the network gives a closed eye, and from where it is right

_SIDE = 64  # px, the iris network's input
_WIDER = 2.3  # its crop is this many eye widths wide
_UPPER_LID = 0.85  # of a blink
_LASHES = 0.13  # eye widths above the lid's edge that belong to the lash line
_NARROW = (0.3, 0.75)  # how far open an eye is that shows little, and enough
_BEYOND = 0.1  # eye widths below and beside the mesh's eye that may still be white
_INSIDE = 0.94  # of the opening that is surely eye and not lash
_MARGIN = 2  # px that the eye is painted beyond the opening, under the skin


@dataclass(frozen=True, eq=False)
class Eyes:
    """Both eyes, the viewer's left one first. irises: (2, 3), centre x, y and radius in px. opening: (2,) height over
    width, 0 when shut, about 0.4 at rest. gaze: (2,) how far the irises are from the middle of the eyes, mean of both,
    in eye widths, right and down; it means nothing when the eyes are shut."""

    irises: NDArray[np.float32]
    opening: NDArray[np.float32]
    gaze: NDArray[np.float32]


def read_eyes(image: Image, mesh: Points) -> Eyes:
    """Look at both eyes of a face. image: (H, W, 3) RGB uint8; mesh: (468, 3) px."""
    found = [_find(image, mesh[list(ring), :2], mirrored=bool(side)) for side, ring in enumerate(EYES)]
    irises = np.stack([iris for iris, _ in found])
    heights = np.array([height for _, height in found])
    shut = np.maximum(heights - _SHUT, 0) * (_SEEN / (_SEEN - _SHUT))
    opening = np.where(heights > _SEEN, heights, shut).astype(np.float32)
    return Eyes(irises, opening, _gaze(irises, mesh))


def _gaze(irises: NDArray[np.float32], mesh: Points) -> NDArray[np.float32]:
    offsets: list[NDArray[np.float64]] = []
    for iris, ring in zip(irises, EYES, strict=True):
        left, right = mesh[ring[0], :2].astype(np.float64), mesh[ring[8], :2].astype(np.float64)
        across = right - left
        down = np.array([-across[1], across[0]])
        offset = iris[:2] - (left + right) / 2
        offsets.append(np.array([offset @ across, offset @ down]) / (across @ across))
    return np.mean(offsets, axis=0).astype(np.float32)


def set_lids(shape: Points, own: Points, side: int, factor: float) -> None:
    """Move the lids of one eye in place so that it opens `factor` times as wide as in `own`; 0 shuts it. Both arrays:
    (468, 3), the y axis down."""
    ring = EYES[side]
    for upper in range(1, 8):
        above, below = ring[upper], ring[16 - upper]
        gap = own[below] - own[above]
        drift = (shape[below] + shape[above] - own[below] - own[above]) / 2
        change = gap * (1 - factor)
        shape[above] = own[above] + drift + change * _UPPER_LID
        shape[below] = own[below] + drift - change * (1 - _UPPER_LID)


def lid_skin(mesh: Points, side: int, closing: float, opened: float) -> Points:
    """(16, 2) px, along an eye's ring: where the skin around it is read from. The more the lid comes down (closing, 0
    to 1), the further above the lashes, so that they are not stretched over it; and when little of the eye is seen
    (opened, 1 as in the photo), from below and beside it, so that nothing of its white is left around closed lids."""
    points = mesh[list(EYES[side]), :2].astype(np.float32)
    up, across = _upward(points), points[8] - points[0]
    beyond = _BEYOND * float(np.clip((_NARROW[1] - opened) / (_NARROW[1] - _NARROW[0]), 0, 1))
    points[1:8] += _LASHES * closing * up
    points[9:16] -= beyond * up
    for corner, out in ((0, -beyond), (8, beyond)):
        points[corner] += 1.6 * out * across
        points[[(corner - 1) % 16, corner + 1]] += 0.8 * out * across
    return points


def paint_eye(
    canvas: Image,
    photo: Image,
    opening: Points,
    resting: Points,
    origin: Points,
    iris: Iris,
    gaze: NDArray[np.float32],
) -> None:
    """Draw one eye's content into `canvas` between its lids.

    opening: (16, 2) px of the canvas, the lids as they are now. resting: the same as the head's motion alone would
    have them. origin: (16, 2) px of the photo. iris: in the photo. gaze: (2,) eye widths that the iris is moved by."""
    low = np.maximum(np.floor(opening.min(axis=0)).astype(int) - _MARGIN, 0)
    high = np.minimum(np.ceil(opening.max(axis=0)).astype(int) + _MARGIN + 1, canvas.shape[1::-1])
    if (high <= low).any():
        return
    affine = fit_affine(resting, origin)
    xs, ys = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
    seen = np.stack([xs, ys], axis=2) @ affine[:, :2].T + affine[:, 2]  # photo pixels before lids and gaze
    left, right = origin[0].astype(np.float64), origin[8].astype(np.float64)
    middle, across = (left + right) / 2, (right - left) / 2
    down = np.array([-across[1], across[0]])
    length = float(across @ across)
    offset = seen - middle
    axes = np.stack([across, down]).T / length  # corners at u = -1 and 1
    u, v = offset @ axes[:, 0], offset @ axes[:, 1]
    upper, lower = (origin[:9] - middle) @ axes, (origin[[0, *range(15, 7, -1)]] - middle) @ axes
    u, v = _turned(u, v, (upper, lower), (iris[:2] - middle) @ axes, iris[2] / np.sqrt(length), gaze)
    warp = (middle + u[..., None] * across + v[..., None] * down).astype(np.float32)
    drawn = sample(photo, warp)
    mask = np.zeros(drawn.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round((opening - low) * 16).astype(np.int32)], 1, shift=4)
    mask = cv2.dilate(mask, np.ones((2 * _MARGIN + 1,) * 2, np.uint8)) > 0
    canvas[low[1] : high[1], low[0] : high[0]][mask] = drawn[mask]


def paint_lashes(canvas: Image, photo: Image, opening: Points, origin: Points, closing: float) -> None:
    """Lay the upper lash line of the photo over the edge of a closing lid. opening, origin: as in `paint_eye`."""
    if closing <= 0:
        return
    strip = np.arange(9)
    rise, drop = _LASHES, 0.25 * _LASHES
    ends = np.sin(np.pi * np.clip(strip / 8, 0.12, 0.88))[:, None]
    source = np.concatenate([origin[:9] + k * ends * _upward(origin) for k in (rise, -drop)])
    target = np.concatenate([opening[:9] + k * ends * _upward(opening) for k in (rise, -drop)])
    low = np.maximum(np.floor(target.min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(target.max(axis=0)).astype(int) + 3, canvas.shape[1::-1])
    if (high <= low).any():
        return
    flat = np.concatenate([target - low, np.zeros((18, 1))], axis=1).astype(np.float32)
    triangles = np.array([t for i in range(8) for t in ((i, i + 1, i + 10), (i, i + 10, i + 9))], np.int32)
    raster = rasterise(flat, triangles, (int(high[0] - low[0]), int(high[1] - low[1])))
    covered = raster.covered
    width = float(np.linalg.norm(opening[8] - opening[0]))
    soft = cv2.GaussianBlur(covered, (0, 0), max(0.6, 0.03 * width))
    alpha = np.clip(soft * 1.6 - 0.4, 0, 1) * min(1.0, closing * 2)
    below = canvas[low[1] : high[1], low[0] : high[0]]
    drawn = np.minimum(sample(photo, raster.read(source.astype(np.float32))), below)  # lashes darken
    lay_over(below, drawn, (alpha * covered).astype(np.float32))


def _turned(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    lids: tuple[NDArray[np.float64], NDArray[np.float64]],
    centre: NDArray[np.float64],
    radius: float,
    gaze: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eye coordinates to read from when the iris has moved by `gaze`: the iris moves whole, the white stretches between
    the lids. What the photo's lids hide is mirrored: of the iris about its centre, of the white about the lid.

    lids: (9, 2) upper and (9, 2) lower lid in eye coordinates, corner to corner."""
    room = 1.0 - radius * 0.6
    moved = float(np.clip(centre[0] + 2 * gaze[0], -room, room))
    across, down = moved - centre[0], float(np.clip(2 * gaze[1], -0.3, 0.3))
    near = np.abs(u - moved)
    edge = np.where(u > moved, 1.15 - moved, 1.15 + moved)  # from the iris to the corner on that side
    read = u - across * np.clip((edge - near) / np.maximum(edge - radius * 1.05, 0.05), 0, 1)
    top, bottom = _between(lids, read)
    here_top, here_bottom = _between(lids, u)
    level = np.clip(np.abs((v - here_top) / (here_bottom - here_top)), 0, None)
    level = 1 - np.abs(1 - level)
    white = top + np.clip(level, 0.05, 0.95) * (bottom - top)
    iris = v - down
    hidden = (iris < top) | (iris > bottom)
    iris = np.where(hidden, np.clip(2 * centre[1] - iris, top, bottom), iris)
    share = np.clip((radius * 1.3 - np.hypot(u - moved, v - centre[1] - down)) / (radius * 0.25), 0, 1)
    return read, share * iris + (1 - share) * white


def _between(
    lids: tuple[NDArray[np.float64], NDArray[np.float64]], u: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The height of the upper and the lower lid at u, drawn in a little so that lashes stay outside."""
    top, bottom = (np.interp(u, lid[:, 0], lid[:, 1]) for lid in lids)
    middle, half = (top + bottom) / 2, np.maximum((bottom - top) / 2, 0.03) * _INSIDE
    return middle - half, middle + half


def _upward(points: Points) -> Points:
    """From an eye's ring (its first nine points run corner to corner): one eye width at right angles, upward."""
    across = points[8] - points[0]
    return np.array([across[1], -across[0]], np.float32)


def _find(image: Image, ring: Points, *, mirrored: bool) -> tuple[Iris, float]:
    """The iris of one eye, and the eye's height over width."""
    across = ring[8] - ring[0]
    centre = (ring[0] + ring[8]) / 2
    scale = float(np.linalg.norm(across)) * _WIDER / _SIDE
    angle = float(np.arctan2(across[1], across[0]))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    half = (_SIDE - 1) / 2
    affine = np.concatenate([turn, (centre - turn @ np.array([half, half]))[:, None]], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(image, affine, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if mirrored:
        crop = crop[:, ::-1]
    outputs = network("iris_landmark.tflite")(np.ascontiguousarray(crop[None], np.float32) / 255.0)
    contour, points = (
        output.reshape(-1, 3)[:, :2].astype(np.float64) for output in sorted(outputs, key=lambda output: -output.size)
    )
    height = np.mean([np.linalg.norm(contour[i] - contour[i + 8]) for i in (3, 4, 5)])  # 0-8 below, 9-15 above
    height /= max(float(np.linalg.norm(contour[8] - contour[0])), 1e-6)
    if mirrored:
        points[:, 0] = _SIDE - 1 - points[:, 0]
    radius = float(np.linalg.norm(points[1:] - points[0], axis=1).mean()) * scale
    return np.append(points[0] @ turn.T + affine[:, 2], radius).astype(np.float32), float(height)
