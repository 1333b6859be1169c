"""How far two heaps of pictures lie apart in colour and brushwork: a kernel distance, and its interval.

The distance is that of KID (Bińkowski et al. 2018, "Demystifying MMD GANs"): the unbiased squared maximum mean
discrepancy under the kernel (x . y / d + 1)^3. The features are not KID's, whose network ships nowhere offline: each
picture is described by the spread and the kurtosis of what random filters of 7 x 7 px say at three scales, and by its
mean colour (after Heeger & Bergen 1995, "Pyramid-Based Texture Analysis/Synthesis"). So its figures compare with each
other alone, and say nothing of what a picture shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.types import Image
from facezoo.zoo.figures import Figure

__all__ = ["features", "kernel_distance"]

Features = NDArray[np.float64]
"""(N, D), one row a picture."""

_PATCH, _STRIDE, _FILTERS, _SCALES = 7, 2, 64, 3
_RESAMPLES = 1000


def features(pictures: Sequence[Image]) -> Features:
    """What pictures, (H, W, 3) RGB uint8 of at least 32 px a side, look like: (N, 387)."""
    filters = np.random.default_rng(0).normal(size=(_FILTERS, _PATCH, _PATCH, 3))
    filters -= filters.mean(axis=(1, 2), keepdims=True)  # the mean colour is a feature of its own
    filters /= np.linalg.norm(filters.reshape(_FILTERS, -1), axis=1)[:, None, None, None]
    return np.stack([_described(picture, filters.reshape(_FILTERS, -1).T) for picture in pictures])


def kernel_distance(ours: Features, theirs: Features, reference: Features, seed: int = 0) -> Figure:
    """The distance of two heaps with its 95 % bootstrap interval over pictures of both; about 0, or a little below,
    when both are of one kind. n is the number of ours.

    reference: each feature is measured in units of its spread here, about its mean here. Both heaps need two
    pictures. A picture that is drawn twice is never compared with itself."""
    middle, spread = reference.mean(axis=0), reference.std(axis=0) + 1e-6
    (x, y) = ((each - middle) / spread for each in (ours, theirs))
    within, other, across = (_kernel(*pair) for pair in ((x, x), (y, y), (x, y)))
    random = np.random.default_rng(seed)
    ours_drawn, theirs_drawn = (
        random.multinomial(len(each), np.full(len(each), 1 / len(each)), _RESAMPLES).astype(np.float64)
        for each in (x, y)
    )
    found = _distances(within, other, across, ours_drawn, theirs_drawn)
    (center,) = _distances(within, other, across, np.ones((1, len(x))), np.ones((1, len(y))))
    low, high = np.quantile(found[np.isfinite(found)], [0.025, 0.975])
    return Figure(float(center), float(low), float(high), len(x))


def _distances(
    within: Features, other: Features, across: Features, ours: NDArray[np.float64], theirs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One distance for each row of ours and theirs, which say how often each picture counts."""
    same = [_pairs(kernel, counts) for kernel, counts in ((within, ours), (other, theirs))]
    between = np.einsum("ri,ij,rj->r", ours, across, theirs, optimize=True)
    return same[0] + same[1] - 2 * between / (ours.sum(axis=1) * theirs.sum(axis=1))


def _pairs(kernel: Features, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the kernel over pairs of two different pictures; nan where there is no pair."""
    twice = counts**2
    total = np.einsum("ri,ij,rj->r", counts, kernel, counts, optimize=True) - twice @ np.diag(kernel)
    pairs = counts.sum(axis=1) ** 2 - twice.sum(axis=1)
    return np.divide(total, pairs, out=np.full(len(total), np.nan), where=pairs > 0)


def _kernel(x: Features, y: Features) -> Features:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _described(picture: Image, filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """filters: (7 * 7 * 3, 64). Gives (387,)."""
    image = picture.astype(np.float32) / 255
    found = [image.mean(axis=(0, 1), dtype=np.float64)]
    for _ in range(_SCALES):
        windows = np.lib.stride_tricks.sliding_window_view(image, (_PATCH, _PATCH), axis=(0, 1))[::_STRIDE, ::_STRIDE]
        answers = windows.transpose(0, 1, 3, 4, 2).reshape(-1, len(filters)) @ filters
        spread = answers.std(axis=0) + 1e-4
        found += [np.log(spread), np.log(((answers - answers.mean(axis=0)) ** 4).mean(axis=0) / spread**4 + 1e-4)]
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.concatenate(found)
