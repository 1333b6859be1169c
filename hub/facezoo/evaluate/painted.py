"""A judge that tells two kinds of pictures apart by strokes and colours, photos and paintings for example.

It is a logistic regression on a few dozen statistics, learned in thirds: whatever it judges, and what that was made
from, it has never seen. It learns from the first kind as it is and in the colours of the other, so that colours alone
do not persuade it. Source of the statistics: Ruderman and Bialek 1994, "Statistics of natural images" (differences
to blurred pictures at several scales; photos have heavier tails than brushwork).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.paste import to_lab
from facezoo.types import Image
from facezoo.zoo.figures import Figure, mean

__all__ = ["taken_for"]

_PARTS = 3
_SCALES = (1, 2, 4, 8)  # px
_WEIGHT_COST = 1.0  # of the squared weights
_ROUNDS = 40  # of Newton's method

Numbers = NDArray[np.float64]


def taken_for(
    ours: Sequence[Image], recolored: Sequence[Image], theirs: Sequence[Image], made: Mapping[str, Sequence[Image]]
) -> tuple[Figure, dict[str, Figure]]:
    """The share of true pictures of both kinds, held back, that the judge is right about; and by name the share of
    pictures made of ours that it takes for pictures of their kind.

    ours, theirs: (H, W, 3) RGB uint8, at least three each; recolored: ours in the colours of theirs; made: of ours.
    These are in the order of ours, as many."""
    mine, tinted, other = (np.stack([_described(picture) for picture in some]) for some in (ours, recolored, theirs))
    judged = {name: np.stack([_described(picture) for picture in some]) for name, some in made.items()}
    right: list[float] = []
    taken = {name: np.zeros(len(ours)) for name in made}
    for part in range(_PARTS):
        held, apart = (np.arange(len(some)) % _PARTS == part for some in (mine, other))
        judge = _learned(np.concatenate([mine[~held], tinted[~held]]), other[~apart])
        right += (_verdicts(judge, mine[held]) <= 0).astype(float).tolist()
        right += (_verdicts(judge, other[apart]) > 0).astype(float).tolist()
        for name, some in judged.items():
            taken[name][held] = _verdicts(judge, some[held]) > 0
    return mean(right), {name: mean(found.tolist()) for name, found in taken.items()}


def _described(picture: Image) -> Numbers:
    """(31,): mean and spread of the colours, and the spread of details by channel of CIE Lab and scale, of all and of
    most pixels."""
    lab = to_lab(picture)
    found = [*lab.mean(axis=(0, 1)), *lab.std(axis=(0, 1)), np.hypot(lab[..., 1], lab[..., 2]).mean()]
    for scale in _SCALES:
        detail = lab - cv2.GaussianBlur(lab, (0, 0), scale)
        found += [*np.log(detail.std(axis=(0, 1)) + 0.05), *np.log(np.median(np.abs(detail), axis=(0, 1)) + 0.02)]
    return np.array(found, np.float64)


def _learned(ours: Numbers, theirs: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Middle and spread of the statistics, and weights of those and 1: positive for their kind. Both kinds count alike
    (Newton's method)."""
    both = np.concatenate([ours, theirs])
    middle, spread = both.mean(axis=0), both.std(axis=0) + 1e-6
    x = np.column_stack([(both - middle) / spread, np.ones(len(both))])
    wanted = np.repeat([0.0, 1.0], [len(ours), len(theirs)])
    count = len(both) / 2 / np.repeat([len(ours), len(theirs)], [len(ours), len(theirs)])
    weights = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (count * (chance - wanted)) + _WEIGHT_COST * weights
        bend = (x * (count * chance * (1 - chance))[:, None]).T @ x + _WEIGHT_COST * np.eye(len(weights))
        weights = weights - np.linalg.solve(bend, slope)
    return middle, spread, weights


def _verdicts(judge: tuple[Numbers, Numbers, Numbers], statistics: Numbers) -> Numbers:
    middle, spread, weights = judge
    return np.column_stack([(statistics - middle) / spread, np.ones(len(statistics))]) @ weights
