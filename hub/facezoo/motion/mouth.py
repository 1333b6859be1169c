"""The inside of the mouth: what a photo with closed lips does not show.

Upper teeth stay with the skull, lower teeth and tongue go with the jaw, lips cover both. The texture was cut from the
portrait of a synthetic person (see models/NOTICE); a driver's own mouth can be used in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.head import Placement
from facezoo.face.mesh import INNER_LIPS, fit_affine, lay_over, rasterise, sample, smoothstep
from facezoo.motion.palette import colorfulness, grain_at, palette_of, skin_color, tiled
from facezoo.types import Image, Mask, Points

__all__ = ["Mouth", "MouthPatch", "cut_mouth"]

_PER_UNIT = 250.0  # texture pixels a head unit
_UPPER_EDGE = np.array([119.0, 61.0])  # texture pixels: lower edge of the upper teeth, in the middle
_LOWER_EDGE = np.array([119.0, 132.0])  # lower edge of the lower teeth
_TONGUE = 112  # texture rows above the lower teeth
_SHOWN = 0.036  # head units of the upper teeth that a resting, opened mouth shows
_DEEPER = 0.78  # light of tongue and lower teeth: less falls in
_GRAIN, _GRAIN_IN_THE_DARK = 0.7, 0.35  # of the skin's, or of the paint's
_CHEEK = 205  # mesh point
_MARGIN = 2
_PATCH = 96  # px, side of a driver's mouth patch
_OPEN = (0.02, 0.07)  # opening over width: patches fade in
_WIDE, _SHOWS = (0.10, 0.16), (0.03, 0.09)  # of the photo: its own mouth is used in place of a patch, of a drawn one


@dataclass(frozen=True, eq=False)
class MouthPatch:
    """A driver's mouth. picture: (96, 96, 3) RGB uint8; lips: (20, 2) px in it; skin: (3,) mean colour around it."""

    picture: Image
    lips: Points
    skin: NDArray[np.float32]


def cut_mouth(image: Image, mesh: Points) -> MouthPatch:
    """The mouth of a face, small. image: (H, W, 3) RGB uint8; mesh: (468, 3) px."""
    lips = mesh[list(INNER_LIPS), :2]
    across = lips[10] - lips[0]
    height = float(np.abs((lips - lips[0]) @ np.array([-across[1], across[0]])).max()) / max(
        1e-6, float(np.hypot(*across))
    )
    side = max(float(np.hypot(*across)), height) * 1.25
    centre = (lips.min(axis=0) + lips.max(axis=0)) / 2
    scale = _PATCH / side
    affine = np.array([[scale, 0, _PATCH / 2 - centre[0] * scale], [0, scale, _PATCH / 2 - centre[1] * scale]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.warpAffine(image, affine, (_PATCH, _PATCH), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return MouthPatch(
        np.asarray(picture, np.uint8), (lips * scale + affine[:, 2]).astype(np.float32), skin_color(image, mesh)
    )


class Mouth:
    """The mouth of a photo, ready to be opened.

    photo: (H, W, 3) RGB uint8; mesh: (468, 3) px in it; shape: the same in head units."""

    def __init__(self, photo: Image, mesh: Points, shape: Points) -> None:
        self._photo = photo
        self._shape = shape
        self._lips = mesh[list(INNER_LIPS), :2]
        self._color = colorfulness(photo, mesh)
        self._skin = skin_color(photo, mesh)
        self._palette = palette_of(photo, mesh)
        self._upper, self._lower = self._painted(photo, mesh, shape)
        self._openness = _openness(shape)
        self._split = _teeth_end(photo, self._lips)

    def paint(self, canvas: Image, mesh: Points, shape: Points, place: Placement, patch: MouthPatch | None) -> None:
        """Draw what is seen between the lips into `canvas`.

        mesh: (468, 2+) px of the canvas; shape: (468, 3) head units, as it is now; place: of the head now, in the
        canvas. patch: the driver's mouth, used in place of a drawn one."""
        lips = mesh[list(INNER_LIPS), :2]
        low = np.maximum(np.floor(lips.min(axis=0)).astype(int) - _MARGIN, 0)
        high = np.minimum(np.ceil(lips.max(axis=0)).astype(int) + _MARGIN + 1, canvas.shape[1::-1])
        if (high <= low).any():
            return
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        local = lips - low
        mask = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillPoly(mask, [np.round(local * 16).astype(np.int32)], 1, shift=4)
        if not mask.any():
            return
        drawn = self._teeth_and_tongue(low, size, shape, place)
        dark = self._palette.dark
        inside = np.clip(dark + (drawn - dark) * _shade(mask, place.scale)[..., None], 0, 255).astype(np.uint8)
        if patch is not None and (share := float(smoothstep(np.array(_openness(shape)), *_OPEN))) > 0:
            from_driver = _muted(_from_patch(patch, local, size, self._skin).astype(np.float32), self._color)
            lay_over(inside, from_driver.astype(np.uint8), np.full(mask.shape, share, np.float32))
        wide = _WIDE if patch is not None else _SHOWS
        if (share := float(smoothstep(np.array(self._openness), *wide))) > 0:
            self._lay_own(inside, local, place.to_picture(self._shape)[list(INNER_LIPS), :2] - low, share)
        area = cv2.dilate(mask, np.ones((2 * _MARGIN + 1,) * 2, np.uint8)) > 0
        canvas[low[1] : high[1], low[0] : high[0]][area] = inside[area]

    def _painted(self, photo: Image, mesh: Points, shape: Points) -> list[NDArray[np.float32]]:
        """The textures, upper teeth and the rest, in the colours and the grain of the face."""
        unit = float(np.linalg.norm(mesh[33, :2] - mesh[263, :2]) / np.linalg.norm(shape[33, :2] - shape[263, :2]))
        eye = float(np.linalg.norm(mesh[33, :2] - mesh[133, :2]))
        grain = grain_at(photo, mesh[_CHEEK, :2], eye) * _GRAIN
        zoom = _PER_UNIT / max(unit, 1.0)
        size = (max(1, round(grain.shape[1] * zoom)), max(1, round(grain.shape[0] * zoom)))
        grain = np.asarray(cv2.resize(grain, size, interpolation=cv2.INTER_CUBIC), np.float32)
        found: list[NDArray[np.float32]] = []
        for texture, light in zip(_textures(), (1.0, _DEEPER), strict=True):
            colors = self._palette.painted(texture[..., :3].astype(np.float32), light)
            lit = np.clip(
                colors.mean(axis=2, keepdims=True) / max(float(self._skin.mean()), 1.0), _GRAIN_IN_THE_DARK, 1
            )
            colors = np.clip(colors + tiled(grain, colors.shape[1::-1]) * lit, 0, 255)
            found.append(np.concatenate([colors, texture[..., 3:]], axis=2).astype(np.float32))
        return found

    def _teeth_and_tongue(
        self, low: NDArray[np.int_], size: tuple[int, int], shape: Points, place: Placement
    ) -> NDArray[np.float32]:
        own = self._shape
        middle = (own[78] + own[308]) / 2
        upper_anchor = np.array([middle[0], own[13, 1] + _SHOWN, own[13, 2] + 0.03], np.float32)
        lower_anchor = np.array(
            [(shape[78, 0] + shape[308, 0]) / 2, shape[14, 1] + 0.01, shape[14, 2] + 0.03], np.float32
        )
        scale = float(np.clip(np.linalg.norm(own[308] - own[78]) / 0.46, 0.8, 1.15)) / _PER_UNIT
        below = _project(self._lower, lower_anchor, _LOWER_EDGE, scale, place, low, size)[..., :3]
        above = _project(self._upper, upper_anchor, _UPPER_EDGE, scale, place, low, size)
        alpha = above[..., 3:] / 255
        return (above[..., :3] * alpha + below * (1 - alpha)).astype(np.float32)

    def _lay_own(self, inside: Image, lips: Points, resting: Points, share: float) -> None:
        """The photo's own open mouth: what is above the split stays with the skull, what is below goes with the jaw.

        lips, resting: (20, 2) px, the inner lips now, and where the head's motion alone would have put them."""
        affine = fit_affine(resting, self._lips)
        upper, lower = resting[:11], resting[[0, *range(19, 10, -1), 10]]
        split = upper + (lower - upper) * self._split
        away = (lower - upper).mean(axis=0) * 0.25  # beyond the lips, in case they draw back
        jaw = (lips[13:18] - resting[13:18]).mean(axis=0)
        for outline, shift in ((np.concatenate([split, (lower + away)[::-1]]), jaw),
                               (np.concatenate([upper - away, split[::-1]]), np.zeros(2))):  # fmt: skip
            if shift.any() and self._split == 1:
                continue
            mask = np.zeros(inside.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.round((outline + shift) * 16).astype(np.int32)], 255, shift=4)
            soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0) * (share / 255)
            moved = affine.copy()
            moved[:, 2] -= moved[:, :2] @ shift
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            size = (inside.shape[1], inside.shape[0])
            drawn = cv2.warpAffine(self._photo, moved, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
            lay_over(inside, np.asarray(drawn, np.uint8), np.asarray(soft, np.float32))


def _teeth_end(photo: Image, lips: Points) -> float:
    """How far down between the inner lips (20, 2) px the upper teeth reach: to the darkest level below them, or 1 when
    nothing but them is seen."""
    upper, lower = lips[3:8], lips[[17, 16, 15, 14, 13]]
    levels = np.linspace(0.1, 0.95, 18)
    points = upper + (lower - upper) * levels[:, None, None]
    xs = np.clip(np.round(points[..., 0]).astype(int), 0, photo.shape[1] - 1)
    ys = np.clip(np.round(points[..., 1]).astype(int), 0, photo.shape[0] - 1)
    light = photo[ys, xs].astype(np.float32).mean(axis=(1, 2))
    darkest = 4 + int(np.argmin(light[4:]))
    return float(levels[darkest]) if light[darkest] < 0.6 * light[:darkest].max() else 1.0


def _project(
    texture: NDArray[np.float32],
    anchor: Points,
    at: NDArray[np.float64],
    scale: float,
    place: Placement,
    low: NDArray[np.int_],
    size: tuple[int, int],
) -> NDArray[np.float32]:
    """Draw a texture that stands upright in the head, its point `at` on `anchor` (head units)."""
    linear = place.scale * place.rotation[:2, :2] * scale  # texture pixels to canvas pixels
    where = place.to_picture(anchor[None])[0, :2] - low
    affine = np.concatenate([linear, (where - linear @ at)[:, None]], axis=1)
    flags = cv2.INTER_AREA if place.scale * scale < 1 else cv2.INTER_CUBIC
    drawn = cv2.warpAffine(texture, affine, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return drawn.astype(np.float32)


def _from_patch(patch: MouthPatch, local: Points, size: tuple[int, int], skin: NDArray[np.float32]) -> Image:
    drawn = _between_lips(patch.picture, patch.lips, local, size)
    gain = np.clip((skin + 8) / (patch.skin + 8), 0.45, 1.35)
    return np.clip(drawn * gain, 0, 255).astype(np.uint8)


def _between_lips(picture: Image, source: Points, target: Points, size: tuple[int, int]) -> Image:
    """What lies between one pair of lips, drawn between another: strips from each upper point to the one below it."""
    upper, lower = list(range(11)), [0, *range(19, 10, -1), 10]
    points = np.concatenate([_grown(target[upper], target[lower]), _grown(target[lower], target[upper])])
    origin = np.concatenate([_grown(source[upper], source[lower]), _grown(source[lower], source[upper])])
    triangles = np.array([t for i in range(10) for t in ((i, i + 1, i + 12), (i, i + 12, i + 11))], np.int32)
    flat = np.concatenate([points, np.zeros((22, 1))], axis=1).astype(np.float32)
    raster = rasterise(flat, triangles, size)
    drawn = sample(picture, raster.read(origin.astype(np.float32)))
    drawn[raster.numbers == 0] = picture[tuple(np.clip(np.round(source.mean(axis=0)).astype(int), 0, None)[::-1])]
    return drawn


def _grown(points: Points, others: Points) -> Points:
    """A row of lip points pushed a little away from the opposite row, so that the strips reach under the skin."""
    away = points - others
    return points + away * (1.5 / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1.5))


def _shade(mask: NDArray[np.uint8], scale: float) -> Mask:
    """Darker near the lips, which shade what lies behind them."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3) / max(scale, 1.0)
    return (0.5 + 0.5 * np.clip(depth / 0.05, 0, 1)).astype(np.float32)


def _muted(picture: NDArray[np.float32], color: float) -> NDArray[np.float32]:
    """Less of a picture's (H, W, 3) colour. color: 1 leaves it, 0 makes it grey."""
    if color == 1:
        return picture
    gray = picture.mean(axis=2, keepdims=True)
    return gray + (picture - gray) * color


def _openness(shape: Points) -> float:
    ring = shape[list(INNER_LIPS), :2]
    gaps = [np.linalg.norm(ring[i] - ring[20 - i]) for i in range(3, 8)]
    return float(np.mean(gaps) / max(float(np.linalg.norm(ring[10] - ring[0])), 1e-6))


@cache
def _textures() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Upper teeth and the rest, each (200, 240, 4) RGBA."""
    read = np.asarray(cv2.imread(str(Path(__file__).parent / "mouth.png"), cv2.IMREAD_UNCHANGED), np.uint8)
    both = np.asarray(cv2.cvtColor(read, cv2.COLOR_BGRA2RGBA), np.uint8)
    lower = np.ascontiguousarray(both[:, 240:])
    lower[:_TONGUE] = cv2.GaussianBlur(lower[:_TONGUE], (0, 0), sigmaX=9, sigmaY=1.5)  # no furrow
    return np.ascontiguousarray(both[:, :240]), lower
