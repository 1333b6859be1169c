"""Things drawn in front of faces, so that which pixels are theirs is known: masks, bars, cups, fingers, other heads.

Shapes and surfaces are drawn apart: any shape may have any colour, pattern or piece of another picture on it, may be
lit, and may throw a shadow on the face, which is not a part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import EYES, FACE_OVAL
from facezoo.types import Image, Mask, Points

__all__ = ["Sight", "cover", "lit"]

Random = np.random.Generator
Values = NDArray[Any]
_SIXTEENTH = 4  # bits of a pixel in which OpenCV takes places


@dataclass(frozen=True, eq=False)
class Sight:
    """An aligned face. crop: (S, S, 3) RGB uint8; mesh: (468, 3) px of it; glasses: whether it wears any."""

    crop: Image
    mesh: Points
    glasses: bool = False


def cover(sight: Sight, other: Sight, random: Random) -> tuple[Image, Mask, Mask]:
    """The face in odd light, perhaps with glasses on and with one or two things in front of it; (2, S, S) float32 in
    [0, 1], where things are and where glasses are, frames and what is behind them; (2, S, S), 1 where that is known.

    other: a face whose skin, picture or head may be in front."""
    side = sight.crop.shape[0]
    picture = sight.crop.astype(np.float32)
    truth, known = np.zeros((2, side, side), np.float32), np.ones((2, side, side), np.float32)
    if sight.glasses:  # where their frames are nobody said
        truth[1] = known[1] = _eyes(sight)
    elif random.random() < 0.35:
        picture, truth[1] = _with_glasses(sight, picture, random)
        known[0] = truth[1] < 0.1  # frames are glasses, no other thing
    if random.random() < 0.3:  # a shadow alone is nothing in front
        picture = _shadowed(picture, _soft(_shape(sight, random), random.uniform(0.5, 4)), random)
    for _ in range(random.choice(3, p=[0.35, 0.5, 0.15])):
        if random.random() < 0.1:
            shape, surface = _head(other, random)
        else:
            shape = _shape(sight, random)
            surface = _surface(sight, other, shape, random)
        shape = _soft(shape, random.uniform(0.4, 1.2))
        if random.random() < 0.4:
            moved = np.roll(shape, random.integers(-side // 20, side // 20 + 1, 2), (0, 1))
            picture = _shadowed(picture, _soft(moved, random.uniform(1, 4)), random)
        picture = picture + (surface - picture) * shape[..., None]
        truth[0] = np.maximum(truth[0], shape)
        truth[1] *= 1 - shape
        known[0] = np.maximum(known[0], shape > 0.5)
    return lit(picture, random), truth, known


def _eyes(sight: Sight) -> Mask:
    """(S, S), 1 on the eyes."""
    drawn = np.zeros(sight.crop.shape[:2], np.float32)
    for ring in EYES:
        _fill(drawn, cv2.convexHull(sight.mesh[list(ring), :2].astype(np.float32))[:, 0])
    return drawn


def _with_glasses(sight: Sight, picture: Values, random: Random) -> tuple[Values, Mask]:
    """The picture with glasses of any form and colour on, and where they are."""
    side, points = picture.shape[0], sight.mesh[:, :2]
    eyes = [(points[a] + points[b]) / 2 for a, b in ((33, 133), (362, 263))]
    across = eyes[1] - eyes[0]
    far = float(np.hypot(*across))
    turn = float(np.degrees(np.arctan2(across[1], across[0])))
    down = np.array([-across[1], across[0]]) / far
    wide, high = random.uniform(0.36, 0.47) * far, random.uniform(0.22, 0.42) * far
    corner, low = random.uniform(1.8, 6), random.uniform(0, 0.12) * far
    lenses, rims, arms = (np.zeros((side, side), np.float32) for _ in range(3))
    thick = max(1, round(random.uniform(0.008, 0.07) * far))
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    form = np.stack([np.sign(f(angles)) * np.abs(f(angles)) ** (2 / corner) for f in (np.cos, np.sin)], axis=1)
    tilt = np.radians(turn)
    spun = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    for eye in eyes:
        ring = eye + low * down + (form * (wide, high)) @ spun.T
        _fill(lenses, ring)
        if random.random() < 0.9 or thick > 2:
            line = np.rint(ring * 16).astype(np.int32)[:, None]
            cv2.polylines(rims, [line], True, 1.0, thick, cv2.LINE_AA, _SIXTEENTH)
    along = across / far
    _stroke(rims, eyes[0] + wide * along + low * down, eyes[1] - wide * along + low * down, thick / side)
    for eye, ear, way in ((eyes[0], points[127], -1), (eyes[1], points[356], 1)):
        _stroke(arms, eye + way * wide * along + low * down, ear, thick / side)
    colour = random.uniform(0, 255, 3) if random.random() < 0.4 else np.full(3, random.uniform(0, 70))
    if random.random() < 0.25:  # gold or clear
        colour = np.array([190, 150, 90]) + random.normal(0, 25, 3)
    glare = random.uniform(0, 0.35) * np.clip(_cloud(side, random), 0, 1) * lenses
    tint = random.uniform(0.5, 0.95) if random.random() < 0.15 else random.uniform(0, 0.15)
    picture = picture * (1 - tint * lenses[..., None]) + 255 * glare[..., None]
    frame = np.maximum(rims, arms)[..., None] * random.uniform(0.6, 1)
    picture = picture + (colour - picture) * frame
    return picture, np.asarray(np.clip(np.maximum(np.maximum(lenses, rims), arms), 0, 1), np.float32)


def lit(picture: Values, random: Random) -> Image:
    """A picture, float32 in [0, 255], in other light and colours, sharper or not, with noise and blocks."""
    side = picture.shape[0]
    if random.random() < 0.08:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    slope = cv2.resize(random.normal(0, 0.12, (2, 2, 3)).astype(np.float32), (side, side))
    picture = picture * (1 + random.normal(0, 0.1, 3) + slope * (1 if random.random() < 0.3 else slope.mean()))
    picture = 255 * np.clip(picture / 255, 0.002, 1) ** float(np.exp(random.normal(0, 0.3)))
    if random.random() < 0.2:
        picture = picture * random.uniform(0.4, 0.9) + random.uniform(0, 80)
    if random.random() < 0.35:
        small = max(24, round(side * random.uniform(0.25, 0.9)))
        picture = cv2.resize(cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    whole = np.clip(picture + random.normal(0, random.uniform(0, 4), picture.shape), 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        _, file = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 90))])
        whole = cv2.imdecode(file, cv2.IMREAD_COLOR)
    return np.asarray(whole, np.uint8)


def _shape(sight: Sight, random: Random) -> Mask:
    """(S, S) float32, 1 on a thing."""
    drawn = np.zeros(sight.crop.shape[:2], np.float32)
    _SHAPES[random.choice(len(_SHAPES), p=_OFTEN)](drawn, sight.mesh[:, :2], random)
    if random.random() < 0.1:  # torn, or seen through leaves
        drawn *= _cloud(len(drawn), random) > random.uniform(-0.8, -0.3)
    return drawn


def _mask(drawn: Mask, points: Points, random: Random) -> None:
    """Over nose and mouth, or only one of them, with bands to the ears."""
    down = points[152] - points[10]
    start = points[234] + random.uniform(-0.1, 0.4) * down, points[454] + random.uniform(-0.1, 0.4) * down
    ridge = points[random.choice([6, 197, 195, 5, 4, 2, 0])]
    lower = [each for each in FACE_OVAL if points[each] @ down > points[234] @ down]
    corners = np.concatenate([[*start, ridge], points[lower] + random.uniform(-0.05, 0.06) * down])
    _fill(drawn, cv2.convexHull(corners.astype(np.float32))[:, 0])
    if random.random() < 0.5:
        for a, b in ((corners[0], points[127]), (corners[1], points[356])):
            _stroke(drawn, a, b, random.uniform(0.005, 0.03))


def _half(drawn: Mask, points: Points, random: Random) -> None:
    """All on one side of a wavy line."""
    side = drawn.shape[0]
    ys, xs = np.mgrid[:side, :side]
    angle, middle = random.uniform(0, 2 * np.pi), points[random.integers(468)]
    along, away = xs * np.cos(angle) + ys * np.sin(angle), ys * np.cos(angle) - xs * np.sin(angle)
    edge = middle[1] * np.cos(angle) - middle[0] * np.sin(angle)
    wave = random.uniform(0, 0.04) * side * np.sin(along * random.uniform(0.02, 0.3) + random.uniform(0, 6))
    drawn[away - edge + wave > random.uniform(0, 0.15) * side] = 1


def _bars(drawn: Mask, points: Points, random: Random) -> None:
    """Parallel bars, strings or a grid."""
    middle = points[random.integers(468)]
    angles = [random.uniform(0, np.pi)]
    if random.random() < 0.25:
        angles.append(angles[0] + random.normal(np.pi / 2, 0.1))
    for angle in angles:
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        apart, thick, count = random.uniform(0.1, 0.6), random.uniform(0.012, 0.12), random.integers(1, 7)
        for number in range(count):
            at = middle + (number - count / 2) * apart * drawn.shape[0] * across
            reach = 2 * drawn.shape[0] * along
            _stroke(drawn, at - reach, at + reach, min(thick, 0.6 * apart))


def _stick(drawn: Mask, points: Points, random: Random) -> None:
    """A microphone, a lolly, a spoon: a head, often at the mouth, on a stick."""
    side = drawn.shape[0]
    at = points[14 if random.random() < 0.6 else random.integers(468)] + random.normal(0, 0.07, 2) * side
    size = np.maximum(random.uniform(0.04, 0.16) * random.uniform(0.7, 1.4, 2) * side, 2)
    turn = random.uniform(0, 180)
    cv2.ellipse(drawn, (at.tolist(), (2 * size).tolist(), turn), 1.0, -1, cv2.LINE_AA)
    angle = random.normal(np.pi / 2, 0.7)
    _stroke(
        drawn,
        at,
        at + 2 * side * np.array([np.cos(angle), np.sin(angle)]),
        random.uniform(0.3, 1.2) * size.min() / side,
    )


def _fingers(drawn: Mask, points: Points, random: Random) -> None:
    """One to five fingers side by side, perhaps with the hand that they grow from."""
    side = drawn.shape[0]
    tip, angle = points[random.integers(468)], random.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    thick = random.uniform(0.05, 0.12)
    for number in range(random.integers(1, 6)):
        spread = along + random.normal(0, 0.12) * across
        start = tip + (number * thick * 1.1 * across + random.normal(0, 0.05) * along) * side
        bend = start + random.uniform(0.2, 0.4) * side * spread
        _stroke(drawn, start, bend, thick)
        _stroke(drawn, bend, bend + 0.5 * side * (along + random.normal(0, 0.15) * across), thick * 1.05)
    if random.random() < 0.5:
        palm = tip + (random.uniform(0.35, 0.6) * along + 0.1 * across) * side
        cv2.ellipse(drawn, (palm.tolist(), (0.45 * side, 0.35 * side), float(np.degrees(angle))), 1.0, -1, cv2.LINE_AA)


def _box(drawn: Mask, points: Points, random: Random) -> None:
    """A phone, a book, a cup, a visor: a box, perhaps narrower at one end."""
    side, middle = drawn.shape[0], points[random.integers(468)]
    wide, high = random.uniform(0.06, 0.45, 2) * side
    angle = random.normal(0, 0.3) if random.random() < 0.7 else random.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    narrow = random.uniform(0.6, 1)
    box = np.array([[-wide, -high], [wide, -high], [narrow * wide, high], [-narrow * wide, high]])
    _fill(drawn, middle + box @ turn.T)


def _disc(drawn: Mask, points: Points, random: Random) -> None:
    """A ball, a fan, a plate."""
    size = random.uniform(0.05, 0.4) * random.uniform(0.6, 1.5, 2) * 2 * drawn.shape[0]
    middle = points[random.integers(468)]
    cv2.ellipse(drawn, (middle.tolist(), size.tolist(), random.uniform(0, 180)), 1.0, -1, cv2.LINE_AA)


def _blob(drawn: Mask, points: Points, random: Random) -> None:
    """Something without a form: cloth, a plant, an animal."""
    side, middle = drawn.shape[0], points[random.integers(468)]
    ys, xs = np.mgrid[:side, :side]
    far = np.hypot(xs - middle[0], ys - middle[1]) / side
    drawn[_cloud(side, random) * random.uniform(0.05, 0.2) + random.uniform(0.05, 0.35) > far] = 1


_SHAPES: tuple[Callable[[Mask, Points, Random], None], ...] = (
    _mask,
    _half,
    _bars,
    _stick,
    _fingers,
    _box,
    _disc,
    _blob,
)
_OFTEN = (0.16, 0.06, 0.22, 0.18, 0.16, 0.1, 0.05, 0.07)


def _head(other: Sight, random: Random) -> tuple[Mask, Values]:
    """Somebody else's head beside or before the face, and their picture."""
    side = other.crop.shape[0]
    away = random.uniform(0.25, 0.6) * side
    angle, scale = random.uniform(0, 2 * np.pi), random.uniform(0.7, 1.3)
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, random.normal(0, 20), scale)
    matrix[:, 2] += away * np.array([np.cos(angle), np.sin(angle)])
    oval = np.zeros((side, side), np.float32)
    _fill(oval, other.mesh[list(FACE_OVAL), :2])
    if random.random() < 0.5:  # with the hair above it
        _fill(oval, other.mesh[list(FACE_OVAL), :2] - (0, 0.12 * side))
    shape = cv2.warpAffine(oval, matrix, (side, side))
    picture = cv2.warpAffine(other.crop, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(shape, np.float32), picture.astype(np.float32)


def _surface(sight: Sight, other: Sight, shape: Mask, random: Random) -> Values:
    """(S, S, 3) float32: what a thing looks like: one colour, skin, a pattern, a piece of a picture; lit."""
    side = sight.crop.shape[0]
    kind = random.choice(4, p=[0.3, 0.25, 0.2, 0.25])
    if kind == 3:  # a piece of another picture, enlarged and turned
        matrix = cv2.getRotationMatrix2D(tuple(random.uniform(0, side, 2).tolist()), random.uniform(0, 360), 2.5)
        surface = cv2.warpAffine(other.crop, matrix, (side, side), borderMode=cv2.BORDER_REFLECT).astype(np.float32)
    else:
        surface = np.broadcast_to(_colour(sight, other, random, skin=kind == 1), (side, side, 3)).astype(np.float32)
    if kind == 2:
        surface = surface + (_pattern(side, random) > 0)[..., None] * (_colour(sight, other, random) - surface)
    if kind != 1 and random.random() < 0.15:
        surface = np.full_like(surface, random.uniform(5, 45))  # black things
    grain = _cloud(side, random)[..., None] * random.uniform(0, 14) + random.normal(
        0, random.uniform(0, 5), surface.shape
    )
    if random.random() < 0.6:  # round: darker towards its edge
        inside = cv2.distanceTransform((shape > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        round_ = np.clip(inside / max(float(inside.max()), 1) * random.uniform(1, 3), 0, 1)
        surface = surface * (1 - random.uniform(0.1, 0.6) * (1 - round_[..., None]))
    light = cv2.resize(random.normal(1, 0.2, (2, 2)).astype(np.float32), (side, side))[..., None]
    return np.clip(surface * light + grain, 0, 255)


def _colour(sight: Sight, other: Sight, random: Random, *, skin: bool = False) -> Values:
    """(3,) float32 RGB: of a cheek, of the face's own or another one's, or any, often a grey one."""
    if skin:
        face = sight if random.random() < 0.7 else other
        x, y = np.clip(face.mesh[random.choice([50, 280, 5, 151]), :2], 0, face.crop.shape[0] - 1).astype(int)
        return face.crop[y, x] * np.exp(random.normal(0, 0.15)) + random.normal(0, 5, 3)
    return random.uniform(0, 255, 3) if random.random() < 0.6 else random.uniform(0, 255) + random.normal(0, 8, 3)


def _pattern(side: int, random: Random) -> Values:
    """(S, S): stripes, checks, dots or spots, where above zero."""
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    angle, pace = random.uniform(0, np.pi), random.uniform(0.15, 1.5)
    along, across = xs * np.cos(angle) + ys * np.sin(angle), ys * np.cos(angle) - xs * np.sin(angle)
    kind = random.integers(4)
    if kind == 3:
        return _cloud(side, random)
    lines = np.sin(along * pace)
    return lines if kind == 0 else lines * np.sin(across * pace) - (0.5 if kind == 2 else 0)


def _cloud(side: int, random: Random) -> Values:
    """(S, S): smooth noise of any grain, deviation 1."""
    small = int(random.integers(3, 24))
    return cv2.resize(
        random.normal(0, 1, (small, small)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )


def _shadowed(picture: Values, shape: Mask, random: Random) -> Values:
    return picture * (1 - random.uniform(0.1, 0.6) * shape[..., None])


def _soft(shape: Mask, radius: float) -> Mask:
    return np.asarray(cv2.GaussianBlur(shape, (0, 0), radius), np.float32)


def _fill(drawn: Mask, corners: Values) -> None:
    cv2.fillPoly(drawn, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, _SIXTEENTH)


def _stroke(drawn: Mask, start: Points, end: Points, share: float) -> None:
    """A line as thick as a share of the side."""
    a, b = (np.rint(each * 16).astype(int).tolist() for each in (start, end))
    cv2.line(drawn, a, b, 1.0, max(1, round(share * drawn.shape[0])), cv2.LINE_AA, _SIXTEENTH)
