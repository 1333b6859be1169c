"""How sure a mean is: intervals over people, because ten pictures of one person are not ten people.

Sources: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife" (percentile interval); Cameron, Gelbach & Miller
2008, "Bootstrap-Based Improvements for Inference with Clustered Errors" (whole clusters are drawn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Figure", "gap", "mean"]

_RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True)
class Figure:
    """A mean over n results or frames with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def mean(values: Sequence[float], people: Sequence[str], *, geometric: bool = False) -> Figure:
    """The mean of n values, n at least 1, and its interval; people are drawn, each with all of their values.

    people: who each value is of. geometric: of values above 0, the mean of their logarithms, turned back."""
    array = np.asarray(values, np.float64)
    totals, counts = _by_person(np.log(array) if geometric else array, people, np.ones(len(array), np.bool_))
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


def _by_person(
    values: NDArray[np.float64], people: Sequence[str], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of the counted values of each person, in the order of their names."""
    _, owner = np.unique(np.asarray(people), return_inverse=True)
    sums, counts = (np.bincount(owner, each).astype(np.float64) for each in (values * counted, counted))
    return sums, counts


def _draws(people: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(people, size=(_RESAMPLES, people))
