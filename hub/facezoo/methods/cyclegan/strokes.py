"""Where strokes would lie: along the forms of a picture and, where it has none, around the person and in whirls.

A network of a few million numbers that learns for an hour does not find out how paint lies; so it is told, and learns
what colours the strokes have and how far they go. Source: Cabral and Leedom 1993, "Imaging Vector Fields Using Line
Integral Convolution" (noise smeared along a field looks like strokes).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import find_faces
from facezoo.face.occlusion import features, person_mask
from facezoo.types import Image, Mask

__all__ = ["GUIDES", "directions", "smear", "stroke_guide"]

Floats = NDArray[np.float32]
GUIDES = 8  # channels of a guide
_LENGTH = 10  # px, half a stroke
_WIDTHS = (1.3, 1.3, 0.55)  # px, blur of the noise: two of strokes, one of the ridges that bristles leave
_SMEARED = 1.2  # px, blur of the picture's own colours before they are smeared
_SMALL = 64  # px, crops that nobody looks at
_WHIRLS = 6  # across a picture


def stroke_guide(image: Image, *, paints: bool = True) -> Floats:
    """(H, W, 8) float32: the picture smeared along its strokes, RGB in [-1, 1]; noise smeared alike, three times, in
    [-1, 1]: lighter and darker strokes, strokes of one hue and another, ridges of paint; in [0, 1] where a person is,
    and where eyes, brows and mouths are.

    image: (H, W, 3) RGB uint8. paints: False leaves the noise 0, for who makes photos: strokes that are there already
    lie elsewhere. The same picture gives the same guide."""
    person = person_mask(image)
    along = directions(image, person)
    random = np.random.default_rng(0)
    noise = [cv2.GaussianBlur(random.standard_normal(image.shape[:2], np.float32), (0, 0), each) for each in _WIDTHS]
    colors = cv2.GaussianBlur(image.astype(np.float32), (0, 0), _SMEARED)
    smeared, strokes = smear([colors, np.dstack(noise)], along)
    faces = np.zeros(image.shape[:2], np.float32)
    for face in find_faces(image, crop_size=_SMALL, thorough=False):
        of_one = features(face.landmarks.mesh, max(image.shape[:2]), soft=True)
        faces = np.maximum(faces, of_one[: image.shape[0], : image.shape[1]])
    told = np.tanh(1.2 * strokes / strokes.std(axis=(0, 1))) * paints
    return np.dstack([smeared / 127.5 - 1, told, person, faces])


def directions(image: Image, person: Mask) -> Floats:
    """(2, H, W) float32, the unit vectors (x, y) that strokes follow. image: (H, W, 3) RGB uint8; person: (H, W) in
    [0, 1], 1 where one is."""
    height, width = image.shape[:2]
    whirls = np.random.default_rng(0).standard_normal((_WHIRLS, _WHIRLS)).astype(np.float32)
    whirls = cv2.resize(whirls, (width, height), interpolation=cv2.INTER_CUBIC)
    around = [a + 0.3 * b for a, b in zip(_slope(person, 18), _slope(whirls, 6), strict=True)]
    edges = _slope(cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0] / 2.55, 1.8)
    tensor = _tensor(*edges) + _tensor(*around) * ((14 - 10 * person) / (np.hypot(*around) + 1e-6)) ** 2
    xx, xy, yy = (cv2.GaussianBlur(each, (0, 0), 4.5) for each in tensor)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def _slope(values: Any, blur: float) -> tuple[Any, Any]:
    smooth = cv2.GaussianBlur(np.asarray(values, np.float32), (0, 0), blur)
    return cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)


def _tensor(x: Any, y: Any) -> Any:
    return np.stack([x * x, x * y, y * y])


def smear(pictures: list[Any], along: Floats) -> list[Any]:
    """Pictures (H, W, 3) float32, every pixel the weighted mean of a line through it that follows `along`."""
    ys, xs = np.mgrid[: along.shape[1], : along.shape[2]].astype(np.float32)
    totals, weights = [each.copy() for each in pictures], 1.0
    for sign in (-1, 1):
        x, y, ahead = xs.copy(), ys.copy(), sign * along
        for step in range(1, _LENGTH + 1):
            x, y = x + ahead[0], y + ahead[1]
            weight = float(np.cos(np.pi / 2 * step / (_LENGTH + 1)) ** 2)
            weights += weight
            for total, each in zip(totals, pictures, strict=True):
                there = cv2.remap(each, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
                np.add(total, weight * there, out=total)
            here = np.stack([cv2.remap(each, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
                             for each in along])  # fmt: skip
            ahead = np.where((here * ahead).sum(axis=0) < 0, -here, here)  # a line does not turn back
    return [each / weights for each in totals]
