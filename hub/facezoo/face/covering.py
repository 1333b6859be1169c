"""What covers a face from within its outline: masks, visors, cups, microphones, bars, another head.

A small network, learned on things drawn over synthetic people (training/covering.py), looks at the colours at the
points of the mesh, and says of each point whether something is in front of it; the pixels around follow by their
colours. Skin-coloured things (hands, cheeks of others) mostly escape it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.likeness import mesh_colours
from facezoo.face.mesh import OUTER_LIPS, disc, rasterise, topology
from facezoo.types import Face, Image, Mask, Points

__all__ = ["PATCHES", "Covering", "hidden_part", "inputs_of", "look_for_cover", "reference", "uncovered"]

PATCHES: dict[str, tuple[tuple[int, ...], float]] = {
    "forehead": ((151, 108, 337, 69, 299, 9), 1.5),
    "bridge": ((168, 6, 197, 122, 351), 1.5),
    "upper cheeks": ((118, 119, 100, 50, 101, 36), 1.0),
    "other upper cheek": ((347, 348, 329, 280, 330, 266), 1.0),
    "lower cheeks": ((187, 207, 205, 192), 0.6),
    "other lower cheek": ((411, 427, 425, 416), 0.6),
    "nose": ((4, 5, 195, 1), 0.6),
    "chin": ((199, 200, 175), 0.4),
}
"""Where skin is looked for: points of the mesh, and how much each place counts when they do not agree."""

_AGREE = 14.0  # Lab units between patches that are the same skin, lightness counting half
_LIGHT = 0.5
_SURE = 0.55  # probability from which a point is covered
_LEAST = 0.04  # share of the face below which nothing is said to be in front
_HIDDEN_LIPS = 0.6  # share of the lips
_TOO_LITTLE = 0.4  # share of a face that must be seen
_SPREAD = 0.04  # of the crop: how far a point speaks for its pixels
_TELLS, _TRUST = 8.0, 3.0  # Lab units by which colours tell; how much more the points do
_PALETTE, _SPECK = 5, 0.001  # colours of a thing; share of the crop below which it is none


@dataclass(frozen=True, eq=False)
class Covering:
    """points: (468,) in [0, 1], how likely each point of the mesh is covered. seen: share that is not. lips: share
    of the lips that is covered."""

    points: NDArray[np.float32]
    seen: float
    lips: float

    @property
    def something(self) -> bool:
        """Whether anything is in front."""
        return 1 - self.seen > _LEAST

    @property
    def mouth(self) -> bool:
        """Whether the mouth is behind something."""
        return self.something and self.lips > _HIDDEN_LIPS

    @property
    def too_much(self) -> bool:
        """Whether too little of the face is left to change it."""
        return self.seen < _TOO_LITTLE


def look_for_cover(image: Image, mesh: Points) -> Covering:
    """What is in front of a face. image: (H, W, 3) RGB uint8; mesh: (468, 3) px of it."""
    height, width = image.shape[:2]
    inside = ((mesh[:, :2] >= 0) & (mesh[:, :2] < (width, height))).all(axis=1)
    first, first_bias, last, last_bias = _learned()
    hidden = np.maximum(first @ inputs_of(mesh_colours(image, mesh)) + first_bias, 0)
    points = (1 / (1 + np.exp(-np.clip(last @ hidden + last_bias, -30, 30)))).astype(np.float32) * inside
    area = _areas(mesh) * inside
    sure = points > _SURE
    share = float((area * sure).sum() / max(float(area.sum()), 1e-6))
    return Covering(points, 1 - share, float(sure[list(OUTER_LIPS)].mean()))


def uncovered(faces: list[Face]) -> list[Face]:
    """Those of the faces of which enough is seen. Raises NoFace when that is none."""
    kept = [face for face in faces if not look_for_cover(face.frame, face.landmarks.mesh).too_much]
    if faces and not kept:
        raise NoFace(
            "Too little of this face is seen: something is in front of most of it.",
            "Use a picture in which at least half of the face shows.",
        )
    return kept


def inputs_of(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1407,): what the network sees of colours (468, 3) Lab, away from the skin's, and the skin's."""
    skin = reference(colours)
    return np.concatenate([np.clip((colours - skin) / 20, -4, 4).ravel(), skin / 50]).astype(np.float32)


def hidden_part(crop: Image, mesh: Points) -> Mask:
    """(S, S) float32 in [0, 1]: 1 where something is in front of the face; of an ordinary face 0 everywhere. crop:
    (S, S, 3) RGB uint8, aligned; mesh: (468, 3) px of it."""
    cover, size = look_for_cover(crop, mesh), crop.shape[0]
    if not cover.something:
        return np.zeros((size, size), np.float32)
    raster = rasterise(mesh, topology().triangles, (size, size))
    drawn = raster.numbers > 0
    whole = cv2.morphologyEx(drawn.astype(np.uint8), cv2.MORPH_CLOSE, disc(size / 12)) > 0  # with eyes and mouth
    likely = raster.read(cover.points[:, None])[..., 0] * drawn
    near = (_SPREAD * size) / 2
    weight = cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), near) + 1e-3
    likely = cv2.GaussianBlur(np.asarray(likely, np.float32), (0, 0), near) / weight
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.7, size / 300)), np.float32)
    theirs, ours = (likely > _SURE) & whole, (likely < 1 - _SURE) & whole
    if not theirs.any():
        return np.zeros((size, size), np.float32)
    nearer = _from_palette(lab, ours) - _from_palette(lab, theirs) if ours.any() else np.zeros_like(likely)
    odds = np.clip(nearer / _TELLS, -2, 2) + (likely - 0.5) * _TRUST
    thing = ((odds > 0) & whole).astype(np.uint8)
    thing = cv2.morphologyEx(thing, cv2.MORPH_CLOSE, disc(size / 60))
    grown = cv2.dilate(_large(np.asarray(thing, np.uint8)), disc(size / 80)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), max(0.8, size / 256)), np.float32)


def _from_palette(lab: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(S, S): how far each pixel is from the nearest of the colours of the chosen ones, Lab units."""
    return np.min([_distance_map(lab - centre) for centre in _palette(lab[chosen])], axis=0)


def _palette(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """(K, 3): the colours that a thing has. colours: (N, 3) Lab of its pixels."""
    chosen = np.ascontiguousarray(colours[:: max(1, len(colours) // 1500)])
    count = min(_PALETTE, len(chosen))
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    cv2.setRNGSeed(0)
    none: Any = None
    _, _, centres = cv2.kmeans(chosen, count, none, stop, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(centres, np.float32)


def _large(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without the parts that are small specks."""
    count, labels, figures, _ = cv2.connectedComponentsWithStats(mask)
    kept = [i for i in range(1, count) if figures[i, cv2.CC_STAT_AREA] > _SPECK * mask.size]
    return np.isin(labels, kept).astype(np.uint8)


def _distance_map(change: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.sqrt(np.square(change * np.array([_LIGHT, 1, 1], np.float32)).sum(axis=2))


def reference(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3,) Lab of the skin: of those patches that agree with one another and count most. colours: (468, 3) Lab."""
    found = np.array([np.median(colours[list(points)], axis=0) for points, _ in PATCHES.values()])
    counts = np.array([count for _, count in PATCHES.values()])
    alike = np.linalg.norm((found[:, None] - found) * (_LIGHT, 1, 1), axis=2) < _AGREE
    best = int(np.argmax(alike @ counts))
    return np.average(found[alike[best]], axis=0, weights=counts[alike[best]]).astype(np.float32)


@cache
def _learned() -> tuple[NDArray[np.float32], ...]:
    """(H, 1407), (H,), (468, H), (468,): the network's two layers."""
    from safetensors.numpy import load_file

    kept = load_file(Path(__file__).parent / "models" / "covering.safetensors")
    return tuple(kept[name].astype(np.float32) for name in ("first", "first_bias", "last", "last_bias"))


def _areas(mesh: Points) -> NDArray[np.float32]:
    """(468,): the area of the triangles around each point that is seen, px."""
    corners = mesh[topology().triangles, :2]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.maximum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], 0)
    total = np.zeros(468, np.float32)
    for corner in range(3):
        np.add.at(total, topology().triangles[:, corner], area / 3)
    return total
