"""Figures that weights are judged by: how alike two pictures are, and how sure a mean is.

Intervals are over people, because ten pictures of one person are not ten people.

Sources: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity" (equation 13);
Efron 1979, "Bootstrap Methods: Another Look at the Jackknife" (percentile interval); Cameron, Gelbach & Miller 2008,
"Bootstrap-Based Improvements for Inference with Clustered Errors" (whole clusters are drawn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.types import Image, Mask

__all__ = ["SSIM_WINDOW", "Figure", "gap", "mean", "saved", "ssim"]

SSIM_WINDOW = 11
"""Side in px of the window that `ssim` looks through."""

_RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True)
class Figure:
    """A mean over n results or frames with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def mean(
    values: Sequence[float] | NDArray[np.float64], people: Sequence[str] = (), *, geometric: bool = False
) -> Figure:
    """The mean of n values, n at least 1, and its interval; people are drawn, each with all of their values.

    people: who each value is of; somebody else each when empty. geometric: of values above 0, the mean of their
    logarithms, turned back."""
    array = np.asarray(values, np.float64)
    counted = np.ones(len(array), np.bool_)
    totals, counts = _by_person(np.log(array) if geometric else array, people or range(len(array)), counted)
    drawn = _draws(len(counts))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    found = np.array([totals.sum() / counts.sum(), *np.quantile(means, [0.025, 0.975])])
    center, low, high = (np.exp(found) if geometric else found).tolist()
    return Figure(center, low, high, len(array))


def gap(values: Sequence[float], people: Sequence[str], inside: Sequence[bool], *, geometric: bool = False) -> Figure:
    """The mean of the values inside a group minus that of those outside (geometric: their ratio), with its interval; n
    is the number inside. Both sides need a value; a draw that leaves one empty does not count."""
    array = np.asarray(values, np.float64)
    array = np.log(array) if geometric else array
    chosen = np.asarray(inside, np.bool_)
    (ours, own), (theirs, other) = (_by_person(array, people, each) for each in (chosen, ~chosen))
    drawn = _draws(len(own))
    counts, others = own[drawn].sum(axis=1), other[drawn].sum(axis=1)
    whole = (counts > 0) & (others > 0)
    gaps = ours[drawn].sum(axis=1)[whole] / counts[whole] - theirs[drawn].sum(axis=1)[whole] / others[whole]
    found = np.array([ours.sum() / own.sum() - theirs.sum() / other.sum(), *np.quantile(gaps, [0.025, 0.975])])
    center, low, high = (np.exp(found) if geometric else found).tolist()
    return Figure(center, low, high, int(chosen.sum()))


def saved(values: NDArray[np.float64], baseline: NDArray[np.float64]) -> Figure:
    """What the mean of values (n,) is smaller by than that of others, measured on the same: 1 - mean / mean."""
    drawn = _draws(len(values))
    shares = 1 - values[drawn].mean(axis=1) / baseline[drawn].mean(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Figure(float(1 - values.mean() / baseline.mean()), float(low), float(high), len(values))


def ssim(one: Image, other: Image, weight: Mask | None = None) -> float:
    """Structural similarity of two pictures, (H, W, 3) RGB uint8 or (H, W) grey, mean over pixels and channels, 1 for
    equal ones; the window is a Gaussian of 1.5 px. weight: (H, W), how much each pixel counts, not all 0."""
    a, b = one.astype(np.float64), other.astype(np.float64)

    def window(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(picture, (SSIM_WINDOW, SSIM_WINDOW), 1.5), np.float64)

    mean_a, mean_b = window(a), window(b)
    spread_a, spread_b = window(a * a) - mean_a**2, window(b * b) - mean_b**2
    both = window(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    similar = top / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2))
    planes = similar if similar.ndim == 2 else similar.mean(axis=2)
    return float(np.average(planes, weights=weight))


def _by_person(
    values: NDArray[np.float64], people: Sequence[str] | Sequence[int], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the counted values of each person, in the order of their names."""
    _, owner = np.unique(np.asarray(people), return_inverse=True)
    sums, counts = (np.bincount(owner, each).astype(np.float64) for each in (values * counted, counted))
    return sums, counts


def _draws(people: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(people, size=(_RESAMPLES, people))
