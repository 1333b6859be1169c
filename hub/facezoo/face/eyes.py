"""Eyes: where they look, and how they are drawn when lids and gaze move.

The eyeball moves with the head, the lids slide over it: a blink covers the iris and does not squash it.
Source of the iris: Ablavatski et al. 2020, "Real-time Pupil Tracking from Monocular Video for Digital Puppetry"
(arXiv:2006.11341).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face._litert import network
from facezoo.face.mesh import EYES
from facezoo.face.warp import lay_over, rasterise, sample
from facezoo.types import Image, Points

__all__ = ["Iris", "find_irises", "lash_line", "look", "paint_eye", "paint_lashes", "set_lids"]

Iris = NDArray[np.float32]
"""(3,) float32: centre x, y in pixels and radius."""

_SIDE = 64  # px, the iris network's input
_WIDER = 2.3  # its crop is this many eye widths wide
_UPPER_LID = 0.85  # of a blink
_LASHES = 0.13  # eye widths above the lid's edge that belong to the lash line
_MARGIN = 2  # px that the eye is painted beyond the opening, under the skin


def find_irises(image: Image, mesh: Points) -> tuple[Iris, Iris]:
    """Both irises, the viewer's left first. image: (H, W, 3) RGB uint8; mesh: (468, 3) px."""
    left, right = (_find(image, mesh[list(ring), :2], mirrored=bool(side)) for side, ring in enumerate(EYES))
    return left, right


def look(irises: tuple[Iris, Iris], mesh: Points) -> NDArray[np.float32]:
    """(2,) gaze: how far the irises are from the middle of the eyes, mean of both, in eye widths, right and down."""
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


def lash_line(mesh: Points, side: int, closing: float) -> Points:
    """(7, 2) px: where the skin above the upper lid is read from. The more the eye closes (0 to 1), the further above
    the lashes, so that they are not stretched over the lid."""
    points = mesh[list(EYES[side]), :2]
    return (points[1:8] + _upward(points) * (_LASHES * closing)).astype(np.float32)


def paint_eye(
    canvas: Image,
    photo: Image,
    opening: Points,
    resting: Points,
    origin: Points,
    iris: Iris,
    stretch: float,
    gaze: NDArray[np.float32],
) -> None:
    """Draw one eye's content into `canvas` between its lids.

    opening: (16, 2) px of the canvas, the lids as they are now. resting: the same as the head's motion alone would
    have them. origin: (16, 2) px of the photo. iris: in the photo. stretch: how much wider than in the photo the eye
    opens, at least 1. gaze: (2,) eye widths that the iris is moved by."""
    low = np.maximum(np.floor(opening.min(axis=0)).astype(int) - _MARGIN, 0)
    high = np.minimum(np.ceil(opening.max(axis=0)).astype(int) + _MARGIN + 1, canvas.shape[1::-1])
    if (high <= low).any():
        return
    affine = _fit_affine(resting.astype(np.float64), origin.astype(np.float64))
    xs, ys = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
    seen = np.stack([xs, ys], axis=2) @ affine[:, :2].T + affine[:, 2]  # photo pixels before lids and gaze
    left, right = origin[0].astype(np.float64), origin[8].astype(np.float64)
    middle, across = (left + right) / 2, (right - left) / 2
    down = np.array([-across[1], across[0]])
    length = float(across @ across)
    offset = seen - middle
    u, v = offset @ across / length, offset @ down / length / max(stretch, 1.0)  # corners at u = -1 and 1
    u, v = _turned(u, v, (iris[:2] - middle) @ np.stack([across, down]).T / length, iris[2] / np.sqrt(length), gaze)
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
    drawn = sample(photo, raster.read(source.astype(np.float32)))
    lay_over(canvas[low[1] : high[1], low[0] : high[0]], drawn, (alpha * covered).astype(np.float32))


def _turned(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    centre: NDArray[np.float64],
    radius: float,
    gaze: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eye coordinates read where the iris has moved by `gaze`: the iris moves whole, the white stretches."""
    if not gaze.any():
        return u, v
    room = 1.0 - radius * 0.6
    moved_u = float(np.clip(centre[0] + 2 * gaze[0], -room, room))
    shift_u, shift_v = moved_u - centre[0], float(np.clip(2 * gaze[1], -0.3, 0.3))
    near = np.abs(u - moved_u)
    edge = np.where(u > moved_u, 1.15 - moved_u, 1.15 + moved_u)  # distance from the iris to the corner on that side
    flat = radius * 1.05
    share = np.clip((edge - near) / np.maximum(edge - flat, 0.05), 0, 1)
    return u - shift_u * share, v - shift_v * np.clip((radius * 2.2 - near) / (radius * 1.2), 0, 1)


def _upward(points: Points) -> Points:
    """From an eye's ring (its first nine points run corner to corner): one eye width at right angles, upward."""
    across = points[8] - points[0]
    return np.array([across[1], -across[0]], np.float32)


def _find(image: Image, ring: Points, *, mirrored: bool) -> Iris:
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
    points = min(outputs, key=lambda output: output.size).reshape(5, 3)[:, :2].astype(np.float64)
    if mirrored:
        points[:, 0] = _SIDE - 1 - points[:, 0]
    radius = float(np.linalg.norm(points[1:] - points[0], axis=1).mean()) * scale
    return np.append(points[0] @ turn.T + affine[:, 2], radius).astype(np.float32)


def _fit_affine(points: NDArray[np.float64], images: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): the affine that takes points (N, 2) nearest to images (N, 2)."""
    rows = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return np.asarray(np.linalg.lstsq(rows, images, rcond=None)[0].T, np.float64)
