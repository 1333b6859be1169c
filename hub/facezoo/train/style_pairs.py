"""A photo painted in the manner of one painting, by rules: pairs that a generator can learn from.

Colours come from the painting, part by part: skin from its skin, hair from its hair. Strokes follow the forms of the
photo, as far apart in colour as the painting's; eyes and mouth stay sharp. No network learns or paints; the mesh of the
face and the mask of the person only say where the parts are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.occlusion import person_mask
from facezoo.face.paste import from_lab, to_lab
from facezoo.methods.cyclegan.strokes import directions, smear, stroke_guide
from facezoo.train.scene import SKIN, Floats, Scene, colors_of
from facezoo.types import Image

__all__ = [
    "STYLES",
    "Hand",
    "Look",
    "Style",
    "Tones",
    "choose_canvases",
    "look",
    "paint_over",
    "tones",
    "unlikeness",
]


@dataclass(frozen=True)
class Hand:
    """How somebody paints. light, hue: how far strokes are apart in the two directions in which the colours of a part
    of the painting differ most, in standard deviations. relief: lightness of the ridges of paint. skin: share of all
    that on skin. own: how much of eyes and mouth is left as it was, [0, 1]."""

    light: float
    hue: float
    relief: float
    skin: float
    own: float


_BOLD = Hand(light=0.35, hue=0.5, relief=4.0, skin=0.35, own=0.9)
_SMOOTH = Hand(light=0.2, hue=0.3, relief=3.0, skin=0.6, own=0.75)
_THICK = Hand(light=0.6, hue=0.7, relief=6.0, skin=0.8, own=0.3)  # for a way back, which learns to take off anything
_WIDEST = 14.0  # Lab, a standard deviation that counts: two colours of one part are not both in every stroke


@dataclass(frozen=True)
class Tones:
    """What a painting's colours are like: mean lightness [0, 100], mean chroma, and the share of bluish pixels."""

    light: float
    chroma: float
    blue: float


@dataclass(frozen=True)
class Style:
    """Paintings of one kind, and a hand like theirs. rights: what a manifest says of them must match. brushes: how
    many times as broad as usual its strokes are, and how strong, [0, 1], one photo after another."""

    artist: str
    rights: str
    suits: Callable[[Tones], bool]
    hand: Hand
    brushes: tuple[tuple[float, float], ...] = ((1.0, 1.0),)

    def shows(self, artist: str, rights: str, tones: Tones) -> bool:
        """Whether a painting is of this style."""
        return bool(re.search(self.artist, artist) and re.search(self.rights, rights)) and self.suits(tones)


STYLES = {
    "van_gogh_blue": Style("Gogh", "", lambda tones: tones.blue > 0.4 and 30 < tones.light < 60, _BOLD),
    "van_gogh_bright": Style(
        "Gogh", "", lambda tones: tones.blue <= 0.25 and tones.light > 50 and tones.chroma > 30, _BOLD
    ),
    "old_masters": Style("", r"died 1([0-6]\d\d|700)", lambda tones: tones.light < 28 and tones.blue < 0.1, _SMOOTH),
    "any": Style("", "", lambda _: True, _THICK, ((1.0, 1.0), (1.0, 0.0), (1.5, 0.7), (1.0, 0.4), (2.0, 1.0))),
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


def paint_over(photo: Scene, colored: Image, painting: Scene, hand: Hand) -> Image:
    """(S, S, 3) RGB uint8: `colored`, the photo as `recolor` gives it, smeared along strokes that differ as the colours
    of the painting do. Where the strokes lie is what a painter is told too: facezoo.methods.cyclegan.strokes."""
    light, hue, ridges = np.split(stroke_guide(photo.image)[..., 3:6], 3, axis=2)
    lab, features, skin = to_lab(colored), photo.features[..., None], photo.parts[SKIN][..., None]
    along = directions(photo.image, person_mask(photo.image))
    wide, fine = smear([cv2.GaussianBlur(lab, (0, 0), blur) for blur in (1.2, 0.5)], along)
    sharp = np.maximum(features, 0.5 * skin)
    made = wide * (1 - sharp) + fine * sharp
    bold = (1 - (1 - hand.skin) * skin) * (1 - 0.85 * features)
    for part, theirs in zip(photo.parts, colors_of(painting), strict=True):
        first, second = _spreads(theirs)
        made += part[..., None] * bold * (hand.light * light * first + hand.hue * hue * second)
    made[..., :1] += hand.relief * bold * ridges
    made += 0.5 * (made - cv2.GaussianBlur(made, (0, 0), 1))
    painted = np.clip(from_lab(np.asarray(made, np.float32)), 0, 255)
    own, kept = colored.astype(np.float32), hand.own * features
    own = own + 0.6 * (own - cv2.GaussianBlur(own, (0, 0), 1.6))
    return np.clip(painted * (1 - kept) + own * kept, 0, 255).round().astype(np.uint8)


def _spreads(colors: Floats) -> NDArray[Any]:
    """(2, 3), the two directions in Lab in which colours (N, 3) differ most, as long as their standard deviations."""
    values, vectors = np.linalg.eigh(np.cov(colors.T))
    return (vectors[:, ::-1] * np.minimum(np.sqrt(np.maximum(values[::-1], 0)), _WIDEST)).T[:2]
