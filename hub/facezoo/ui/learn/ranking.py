"""How methods rank when people were asked which of two results is better.

Sources: Bradley & Terry 1952, "Rank Analysis of Incomplete Block Designs: The Method of Paired Comparisons"; Hunter
2004, "MM Algorithms for Generalized Bradley-Terry Models" (the iteration); Efron 1979 (percentile bootstrap, over
sessions: ten votes of one visitor are not ten visitors).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ENOUGH", "SESSIONS", "Ranked", "Vote", "bradley_terry", "rank"]

ENOUGH, SESSIONS = 30, 5
"""Votes, and sessions that they come from, before anything is said."""
_ROUNDS, _DRAWS = 300, 400
_PRIOR = 0.5  # of a win that each method has against each other one before anybody voted: nobody is infinitely good


@dataclass(frozen=True)
class Vote:
    """first, second: ids of methods. won: 1, 2, or 0 for as good. session: whose, a number that means nothing else."""

    session: str
    first: str
    second: str
    won: int


@dataclass(frozen=True)
class Ranked:
    """strength: chance to be preferred to a method drawn at random, 0 to 1; low, high: its 95 % interval. votes: how
    many it was in."""

    method: str
    strength: float
    low: float
    high: float
    votes: int


def bradley_terry(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., M) strengths that sum to 1, of (..., M, M) wins of the row over the column."""
    import numpy as np

    played = wins + np.swapaxes(wins, -1, -2)
    strength = np.full(wins.shape[:-1], 1 / wins.shape[-1])
    for _ in range(_ROUNDS):
        against = played / (strength[..., :, None] + strength[..., None, :])
        strength = wins.sum(axis=-1) / against.sum(axis=-1)
        strength /= strength.sum(axis=-1, keepdims=True)
    return strength


def rank(votes: Sequence[Vote], seed: int = 0) -> list[Ranked]:
    """The methods that were in a vote, the best first; [] while votes are too few to say anything."""
    import numpy as np

    methods = sorted({name for vote in votes for name in (vote.first, vote.second)})
    sessions = sorted({vote.session for vote in votes})
    if len(votes) < ENOUGH or len(sessions) < SESSIONS:
        return []
    tables = np.zeros((len(sessions), len(methods), len(methods)))
    places = {session: place for place, session in enumerate(sessions)}
    for vote in votes:
        first, second = methods.index(vote.first), methods.index(vote.second)
        table = tables[places[vote.session]]
        table[first, second] += {1: 1.0, 2: 0.0}.get(vote.won, 0.5)
        table[second, first] += {1: 0.0, 2: 1.0}.get(vote.won, 0.5)
    drawn = np.random.default_rng(seed).multinomial(len(sessions), np.full(len(sessions), 1 / len(sessions)), _DRAWS)
    low, high = np.quantile(_chances(np.einsum("ds,sij->dij", drawn, tables)), (0.025, 0.975), axis=0)
    wins = tables.sum(axis=0)
    chances, counts = _chances(wins), (wins + wins.T).sum(axis=1)
    return [
        Ranked(methods[at], float(chances[at]), float(low[at]), float(high[at]), round(counts[at]))
        for at in np.argsort(-chances)
    ]


def _chances(wins: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., M) mean chance of each to be preferred to the others."""
    import numpy as np

    methods = wins.shape[-1]
    strength = bradley_terry(wins + _PRIOR * (1 - np.eye(methods)))
    beats = strength[..., :, None] / (strength[..., :, None] + strength[..., None, :])
    return (beats.sum(axis=-1) - 0.5) / (methods - 1)
