"""A photo painted in the manner of one painting, by rules: pairs that a generator can learn from.

Colours come from the painting, part by part: skin from its skin, hair from its hair. Strokes follow the forms of the
photo, in colours that the painting has; eyes and mouth stay sharp. No network learns or paints; the mesh of the face
and the mask of the person only say where the parts are.

Source: Hertzmann 1998, "Painterly Rendering with Curved Brush Strokes of Multiple Sizes".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.paste import from_lab, to_lab
from facezoo.train.scene import BACKGROUND, SKIN, Floats, Scene, colors_of
from facezoo.types import Image, Mask

__all__ = [
    "STYLES",
    "Hand",
    "Layer",
    "Look",
    "Style",
    "Tones",
    "choose_canvases",
    "draw_strokes",
    "look",
    "tones",
    "unlikeness",
]

_FINER = 3  # strokes are drawn that many times as large and then reduced
_PALETTE = 1500  # colours of each part of the painting that strokes are chosen from


@dataclass(frozen=True)
class Layer:
    """Strokes of one brush, in px of a picture of 256 px.

    spacing: in widths. odd: how far a stroke's colour goes from the picture's to one that the painting has, [0, 1].
    only_where: difference in Lab that calls for a stroke; 0 paints everywhere."""

    width: float
    length: float
    spacing: float
    odd: float
    only_where: float


@dataclass(frozen=True)
class Hand:
    """How somebody paints. around: how much strokes of the background swirl. stop: change of colour in Lab at which a
    stroke ends. relief: lightness of the ridges of paint. face: how much
    finer faces are painted, own: how much of eyes and mouth is left as it was, [0, 1]."""

    around: float
    stop: float
    relief: float
    face: float
    own: float
    layers: tuple[Layer, ...]


_BOLD = Hand(
    around=1.0,
    stop=34,
    relief=5.0,
    face=0.6,
    own=0.75,
    layers=(
        Layer(9, 28, 0.7, 1.0, 0),
        Layer(5.5, 22, 0.6, 0.9, 0),
        Layer(3.4, 15, 0.55, 0.8, 9),
        Layer(2.0, 8, 0.6, 0.5, 15),
    ),
)
_SMOOTH = Hand(
    around=0.2,
    stop=18,
    relief=1.2,
    face=0.4,
    own=0.75,
    layers=(Layer(8, 22, 0.7, 0.5, 0), Layer(4, 13, 0.6, 0.4, 5), Layer(2, 8, 0.6, 0.3, 6)),
)


@dataclass(frozen=True)
class Tones:
    """What a painting's colours are like: mean lightness [0, 100], mean chroma, and the share of bluish pixels."""

    light: float
    chroma: float
    blue: float


@dataclass(frozen=True)
class Style:
    """Paintings of one kind, and a hand like theirs. rights: what a manifest says of them must match."""

    artist: str
    rights: str
    suits: Callable[[Tones], bool]
    hand: Hand

    def shows(self, artist: str, rights: str, tones: Tones) -> bool:
        """Whether a painting is of this style."""
        return bool(re.search(self.artist, artist) and re.search(self.rights, rights)) and self.suits(tones)


STYLES = {
    "van_gogh_blue": Style("Gogh", "", lambda tones: tones.blue > 0.4 and 30 < tones.light < 60, _BOLD),
    "van_gogh_bright": Style(
        "Gogh", "", lambda tones: tones.blue <= 0.25 and tones.light > 50 and tones.chroma > 30, _BOLD
    ),
    "old_masters": Style("", r"died 1([0-6]\d\d|700)", lambda tones: tones.light < 28 and tones.blue < 0.1, _SMOOTH),
    "any": Style("", "", lambda _: True, _BOLD),
}


@dataclass(frozen=True)
class Look:
    """Of each part, in the order of PARTS, its share of the picture, and mean and deviation of its lightness."""

    shares: tuple[float, ...]
    light: tuple[tuple[float, float], ...]


def tones(image: Image) -> Tones:
    """image: (H, W, 3) RGB uint8."""
    lab = to_lab(np.asarray(cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA), np.uint8))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    return Tones(float(lab[..., 0].mean()), float(chroma.mean()), float((lab[..., 2] < -2).mean()))


def look(seen: Scene) -> Look:
    """Of each part its share, and its mean and deviation of lightness; of one that is hardly there, the picture's."""
    light = to_lab(seen.image)[..., 0]
    shares = seen.parts.mean(axis=(1, 2))
    values = [light[part > 0.5] if (part > 0.5).mean() > 0.01 else light.ravel() for part in seen.parts]
    return Look(tuple(shares.tolist()), tuple((float(each.mean()), float(each.std())) for each in values))


def unlikeness(photo: Look, painting: Look) -> float:
    """How badly a painting suits a photo: differences of lightness and contrast, by the photo's parts."""
    apart = np.abs(np.array(photo.light) - np.array(painting.light)).sum(axis=1)
    return float(np.array(photo.shares) @ apart)


def choose_canvases(apart: NDArray[Any], count: int) -> list[int]:
    """At most `count` paintings that together suit photos best, chosen one after another. apart: (photos, paintings),
    `unlikeness`."""
    chosen: list[int] = []
    nearest = np.full(len(apart), np.inf)
    for _ in range(min(count, apart.shape[1])):
        best = int(np.minimum(apart, nearest[:, None]).mean(axis=0).argmin())
        chosen.append(best)
        nearest = np.minimum(nearest, apart[:, best])
    return sorted(set(chosen))


def draw_strokes(photo: Scene, colored: Image, painting: Scene, hand: Hand, seed: int) -> Image:
    """(S, S, 3) RGB uint8: `colored`, the photo as `recolor` gives it, painted with strokes."""
    random, size = np.random.default_rng(seed), colored.shape[0]
    unit = size / 256
    along = _directions(photo, colored, hand, random)
    lab, where = to_lab(colored), photo.parts.argmax(axis=0)
    palettes = np.stack([each[random.integers(0, len(each), _PALETTE)] for each in colors_of(painting)])
    large = cv2.resize(cv2.GaussianBlur(colored, (0, 0), 4 * unit), None, fx=_FINER, fy=_FINER)
    canvas = np.ascontiguousarray(large, np.uint8)
    for layer in hand.layers:
        width = layer.width * unit
        wanted = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.35 * width, 0.4)), np.float32)
        starts = _starts(canvas, wanted, photo.features, layer, width, random)
        x, y = starts.astype(int).T
        eyes = np.maximum(photo.features, hand.face * photo.parts[SKIN])[y, x]
        length = layer.length * unit * (1 - 0.6 * eyes) * random.uniform(0.6, 1.2, len(starts)) / 2
        paths, alive = _walk(starts, length, along, wanted, where, hand.stop)
        colors = _stroke_colors(wanted[y, x], where[y, x], palettes, layer.odd * (1 - 0.85 * eyes), random)
        fine = 1 - 0.5 * eyes
        _draw(canvas, paths, alive, colors, width * fine, hand.relief * fine, random)
    painted = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    own, kept = colored.astype(np.float32), hand.own * photo.features[..., None]
    own = own + 0.6 * (own - cv2.GaussianBlur(own, (0, 0), 1.6 * unit))
    return np.clip(painted * (1 - kept) + own * kept, 0, 255).round().astype(np.uint8)


def _directions(photo: Scene, colored: Image, hand: Hand, random: np.random.Generator) -> Floats:
    """(2, S, S), the unit vectors (x, y) that strokes follow: along edges where there are some, elsewhere around the
    face and, in the background, around the person and whirls of chance."""
    size = colored.shape[0]
    unit = size / 256

    def slope(values: Any, blur: float) -> tuple[Any, Any]:
        smooth = cv2.GaussianBlur(np.asarray(values, np.float32), (0, 0), blur * unit)
        return cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)

    back = photo.parts[BACKGROUND]
    whirls = slope(cv2.resize(random.standard_normal((5, 5)).astype(np.float32), (size, size),
                              interpolation=cv2.INTER_CUBIC), 6)  # fmt: skip
    around = [a + 0.3 * hand.around * b for a, b in zip(slope(1 - back, 18), whirls, strict=True)]
    within = slope(photo.parts[SKIN], 14)
    tensor = np.zeros((3, size, size), np.float32)
    edges = slope(to_lab(colored)[..., 0], 1.5)
    for (x, y), strength in ((edges, None), (around, 3 + 12 * back), (within, 9 * photo.parts[SKIN])):
        square = 1.0 if strength is None else (strength / (np.hypot(x, y) + 1e-6)) ** 2
        tensor += square * np.stack([x * x, x * y, y * y])
    xx, xy, yy = (cv2.GaussianBlur(each, (0, 0), 4.5 * unit) for each in tensor)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def _starts(
    canvas: Image, wanted: Floats, eyes: Mask, layer: Layer, width: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """(N, 2) px, in the order of painting: where this brush has to paint."""
    size = len(wanted)
    step = width * layer.spacing
    grid = np.stack(np.meshgrid(np.arange(0, size, step), np.arange(0, size, step)), axis=-1).reshape(-1, 2)
    points = np.clip(grid + random.uniform(-step / 2, step / 2, grid.shape), 0, size - 1)
    random.shuffle(points)
    now = to_lab(np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.uint8))
    wrong = np.abs(cv2.GaussianBlur(now, (0, 0), width / 2) - wanted).sum(axis=2)
    x, y = points.astype(int).T
    return points[(wrong[y, x] >= layer.only_where) | (eyes[y, x] >= 0.3)]


def _walk(
    starts: NDArray[Any], length: NDArray[Any], along: Floats, wanted: Floats, where: NDArray[Any], stop: float
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """(N, L, 2) px, paths along the directions both ways from their starts, in steps of 1 px; (N, L), where they are to
    be painted: up to `length` px each way, not beyond the picture, a part, or a change of colour."""
    x, y = starts.astype(int).T
    sides: list[list[Any]] = []
    for sign in (-1, 1):
        points, going, heading = starts.copy(), np.ones(len(starts), bool), sign * along[:, y, x].T
        side: list[Any] = []
        for step in range(int(length.max()) + 1):
            points = points + heading
            inside = np.clip(points, 0, len(where) - 1)
            a, b = inside.astype(int).T
            near = np.abs(wanted[b, a] - wanted[y, x]).sum(axis=1) < stop
            going &= near & (where[b, a] == where[y, x]) & (step < length) & (points == inside).all(axis=1)
            side.append((points, going.copy()))
            ahead = along[:, b, a].T
            heading = ahead * np.sign((ahead * heading).sum(axis=1, keepdims=True) + 1e-9)
        sides.append(side)
    row = [*sides[0][::-1], (starts, np.ones(len(starts), bool)), *sides[1]]
    return np.stack([each[0] for each in row], axis=1), np.stack([each[1] for each in row], axis=1)


def _stroke_colors(
    wanted: Floats, part: NDArray[Any], palettes: Floats, odd: NDArray[Any], random: np.random.Generator
) -> Floats:
    """(N, 3) Lab: the wanted colours (N, 3) moved to the nearest of 40 that the painting's part has. odd: (N,)."""
    chosen = palettes[part[:, None], random.integers(0, _PALETTE, (len(part), 40))]
    apart = np.square((chosen - wanted[:, None]) / np.array([0.7, 1, 1])).sum(axis=2)
    nearest = chosen[np.arange(len(part)), apart.argmin(axis=1)]
    share = (odd * np.where(part == SKIN, 0.8, 1.0))[:, None]
    chance = random.normal(0, 1, wanted.shape) * np.array([3, 2, 2])
    return np.asarray(wanted + share * ((nearest - wanted) * np.array([0.35, 0.8, 0.8]) + chance), np.float32)


def _draw(
    canvas: Image,
    paths: NDArray[Any],
    alive: NDArray[np.bool_],
    colors: Floats,
    widths: NDArray[Any],
    relief: NDArray[Any],
    random: np.random.Generator,
) -> None:
    """Strokes on the large canvas: a band of paint, and in it the ridges that bristles leave, lit from above left.

    paths: (N, L, 2) px of the picture, of which `alive` (N, L), without gaps, is drawn; colors: (N, 3) Lab."""
    ahead = np.gradient(paths, axis=1)
    across = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1) / (np.hypot(ahead[..., :1], ahead[..., 1:]) + 1e-6)
    across *= -np.sign((across * alive[..., None]).sum(axis=(1, 2)) + 1e-9)[:, None, None]  # towards the light
    count = max(2, int(widths.max() * _FINER / 2.2)) if len(paths) else 2
    ridges = np.linspace(-0.38, 0.38, count)
    change = random.normal(0, 1, (len(paths), count, 3)) * np.array([1, 0.25, 0.25])
    change[..., 0] += 1.6 * ridges
    shades = np.concatenate([colors[:, None], colors[:, None] + change * relief[:, None, None]], axis=1)
    shades = np.clip(from_lab(shades.astype(np.float32)), 0, 255).tolist()
    places = np.outer(widths, [0, *ridges])[:, :, None, None] * across[:, None] + paths[:, None]
    lines = np.round((places + 0.5) * _FINER * 8).astype(np.int32)
    first, last = alive.argmax(axis=1), alive.shape[1] - alive[:, ::-1].argmax(axis=1)
    thick = np.maximum(1, np.round(np.outer(widths * _FINER, [1, *[0.2] * count]))).astype(int).tolist()
    for stroke, (begin, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        for line, shade, wide in zip(lines[stroke, :, begin:end], shades[stroke], thick[stroke], strict=True):
            cv2.polylines(canvas, [line], False, shade, wide, cv2.LINE_8, 3)
