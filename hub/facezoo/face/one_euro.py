"""A filter that calms what is at rest and lets through what moves.

Source: Casiez et al. 2012, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems"
(equations 1-8).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["OneEuro"]


class OneEuro:
    """Call it with (N,) values in the order of their times; it returns the filtered ones.

    amount: [0, 1]; near 0 it changes little, at 1 a value at rest is very smooth."""

    def __init__(self, amount: float) -> None:
        self._cutoff = 30.0 * (0.02 ** float(np.clip(amount, 0, 1)))  # Hz at rest: 30 ... 0.6
        self._follow = 20.0 * (1.0 - 0.7 * amount)  # Hz a unit of speed (units a second)
        self._speed = np.zeros(0)
        self._time = 0.0
        self.state: NDArray[np.float64] | None = None
        """The last result; None before the first call."""

    def __call__(self, value: NDArray[np.float64], units: NDArray[np.float64], time: float) -> NDArray[np.float64]:
        """value, units: (N,) float64; speeds count in these units a second. time: seconds, growing."""
        if self.state is None:
            self.state, self._speed, self._time = value, np.zeros_like(value), time
            return value
        step = max(time - self._time, 1e-3)
        speed = (value - self.state) / units / step
        self._speed += _alpha(np.array(1.0), step) * (speed - self._speed)
        cutoff = self._cutoff + self._follow * np.abs(self._speed)
        self.state = self.state + _alpha(cutoff, step) * (value - self.state)
        self._time = time
        return self.state


def _alpha(cutoff: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Weight of the new value for a cut-off frequency in Hz and a time step in seconds."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))
