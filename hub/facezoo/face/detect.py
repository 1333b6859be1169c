"""Where faces are: BlazeFace, short and full range, on the whole picture and on tiles of it.

Source: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (arXiv:1907.05047).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face._litert import network
from facezoo.types import Box, Image, Points

__all__ = ["Detection", "detect"]

MINIMUM_SCORE = 0.5
SAME_FACE = 0.35  # intersection over union, or over the smaller box (0.6), from which two boxes are one face
_SMALLEST_TILE = 160  # px: below this, enlarging a tile only invents faces


@dataclass(frozen=True, eq=False)
class Detection:
    """A box and the six BlazeFace keypoints: (6, 2) float32 px, viewer's left eye, right eye, nose tip, mouth, left and
    right ear."""

    box: Box
    keypoints: Points


def detect(image: Image, *, thorough: bool = True) -> list[Detection]:
    """Faces of a picture, largest first.

    image: (H, W, 3) RGB uint8. thorough also searches overlapping tiles (half and a third of the picture) for small
    faces: about five times the cost. Boxes that only a tile saw and that hang over the tile's edge are dropped.
    """
    found = [*_scan(image, "short"), *_scan(image, "full")]
    if thorough:
        for left, top, side in _tiles(image.shape[1], image.shape[0]):
            tile = image[top : top + side, left : left + side]
            whole = (left == 0, top == 0, left + side >= image.shape[1], top + side >= image.shape[0])
            found += [_moved(d, left, top) for d in _scan(tile, "full") if _inside(d.box, tile.shape, whole)]
    kept = _merge(found)
    return sorted(kept, key=lambda detection: -detection.box.area)


@dataclass(frozen=True)
class _Variant:
    file: str
    side: int
    strides: tuple[tuple[int, int], ...]  # (stride, anchors a cell)


_VARIANTS = {
    "short": _Variant("face_detection_short_range.tflite", 128, ((8, 2), (16, 6))),
    "full": _Variant("face_detection_full_range_sparse.tflite", 192, ((4, 1),)),
}


@cache
def _anchors(name: str) -> NDArray[np.float32]:
    """Anchor centres, (N, 2) float32 in [0, 1], row by row."""
    variant = _VARIANTS[name]
    centres: list[NDArray[np.float64]] = []
    for stride, repeats in variant.strides:
        cells = variant.side // stride
        ys, xs = np.mgrid[0:cells, 0:cells]
        grid = np.stack([(xs.ravel() + 0.5) / cells, (ys.ravel() + 0.5) / cells], axis=1)
        centres.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _scan(image: Image, name: str) -> list[Detection]:
    """One pass of one variant over a picture, letterboxed to the network's square."""
    variant = _VARIANTS[name]
    height, width = image.shape[:2]
    long_side = max(height, width)
    scale = variant.side / long_side
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.zeros((variant.side, variant.side, 3), np.float32)
    canvas[: size[1], : size[0]] = small.astype(np.float32) / 127.5 - 1.0
    outputs = network(variant.file)(canvas[None])
    raw, logits = sorted(outputs, key=lambda output: -output.shape[-1])
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100, 100)))
    chosen = np.flatnonzero(scores > MINIMUM_SCORE)
    anchors = _anchors(name)[chosen]
    values = raw[0, chosen].reshape(-1, 8, 2) / variant.side  # centre, size, six keypoints
    centres = (values[:, 0] + anchors) * long_side
    sizes = values[:, 1] * long_side
    points = (values[:, 2:] + anchors[:, None]) * long_side
    return [
        Detection(Box(*(c - s / 2).tolist(), *(c + s / 2).tolist(), score=float(score)), p.astype(np.float32))
        for c, s, p, score in zip(centres, sizes, points, scores[chosen], strict=True)
    ]


def _tiles(width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """(left, top, side) of square tiles that overlap by about a third, coarse to fine."""
    for share in (0.6, 0.36):
        side = int(max(width, height) * share)
        if side < _SMALLEST_TILE:
            return
        for top in _starts(height, side):
            for left in _starts(width, side):
                yield left, top, side


def _starts(length: int, side: int) -> list[int]:
    if side >= length:
        return [0]
    count = int(np.ceil((length - side) / (side * 0.67))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


def _inside(box: Box, shape: tuple[int, ...], whole: tuple[bool, bool, bool, bool]) -> bool:
    margin = 2.0
    return (
        (whole[0] or box.left > margin)
        and (whole[1] or box.top > margin)
        and (whole[2] or box.right < shape[1] - margin)
        and (whole[3] or box.bottom < shape[0] - margin)
    )


def _moved(detection: Detection, left: int, top: int) -> Detection:
    box = detection.box
    moved = Box(box.left + left, box.top + top, box.right + left, box.bottom + top, box.score)
    return Detection(moved, detection.keypoints + np.array([left, top], np.float32))


def _merge(found: list[Detection]) -> list[Detection]:
    """Weighted non-maximum suppression (Bazarevsky et al. 2019, section 4): boxes of one face are averaged by score."""
    rest = sorted(found, key=lambda detection: -detection.box.score)
    merged: list[Detection] = []
    while rest:
        best = rest[0]
        same = [other for other in rest if _same(best.box, other.box)]
        rest = [other for other in rest if not _same(best.box, other.box)]
        alike = [other for other in same if _overlap(best.box, other.box)[0] > SAME_FACE]
        weights = np.array([other.box.score for other in alike], np.float32)
        weights /= weights.sum()
        edges = np.array([[o.box.left, o.box.top, o.box.right, o.box.bottom] for o in alike], np.float32)
        points = np.stack([o.keypoints for o in alike])
        box = Box(*(weights @ edges).tolist(), score=best.box.score)
        merged.append(Detection(box, np.tensordot(weights, points, 1).astype(np.float32)))
    return merged


def _same(a: Box, b: Box) -> bool:
    union, smaller = _overlap(a, b)
    return union > SAME_FACE or smaller > 0.6


def _overlap(a: Box, b: Box) -> tuple[float, float]:
    """Intersection over union, and over the smaller box."""
    width = max(0.0, min(a.right, b.right) - max(a.left, b.left))
    height = max(0.0, min(a.bottom, b.bottom) - max(a.top, b.top))
    shared = width * height
    return shared / max(a.area + b.area - shared, 1e-6), shared / max(min(a.area, b.area), 1e-6)
