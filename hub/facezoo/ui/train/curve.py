"""The error of a training so far, as a small drawing that is sharp at any size, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence

from facezoo.ui.common.html import template

__all__ = ["curve", "is_flat"]

_HTML = template("train/parts.html")
_POINTS = 160  # of the line; more would not be seen
_SMOOTH = 0.12  # how much each point moves the line
_EARLY = 500  # steps: the first fall ends long before faces are sharp
_FLAT = 0.02  # a gain below this share, over the last third, is none that an eye sees


def curve(losses: Sequence[tuple[float, float]]) -> str:
    """An HTML figure with both axes labelled. losses: (step, error), the steps growing."""
    if len(losses) < 2:
        return _HTML.curve("", [], [], "")
    points = _thinned(_smoothed(losses))
    last = points[-1][0] or 1.0
    top = _rounded_up(max(error for _, error in points))
    return _HTML.curve(
        " ".join(f"{100 * step / last:.2f},{100 - 100 * error / top:.2f}" for step, error in points),
        [(100 * share, _short(top * share, top)) for share in (0.0, 0.5, 1.0)],
        [(100 * step / last, f"{step:,.0f}") for step in _ticks(last)],
        f"The error after {last:,.0f} steps is {points[-1][1]:.3f}; at the beginning it was {points[0][1]:.3f}.",
    )


def is_flat(losses: Sequence[tuple[float, float]]) -> bool:
    """Whether the error has hardly fallen over the last third of the steps."""
    if len(losses) < 30 or losses[-1][0] < _EARLY:
        return False
    third = [error for _, error in losses[-(len(losses) // 3) :]]
    half = len(third) // 2
    before, after = math.fsum(third[:half]) / half, math.fsum(third[half:]) / (len(third) - half)
    return before - after < _FLAT * before


def _smoothed(losses: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Each error drawn towards those before it: single batches differ more than the training moves."""
    level, made = losses[0][1], list[tuple[float, float]]()
    for step, error in losses:
        level += _SMOOTH * (error - level)
        made.append((step, level))
    return made


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    stride = math.ceil(len(points) / _POINTS)
    return [*points[:-1:stride], points[-1]]


def _rounded_up(value: float) -> float:
    """The next 1, 1.5, 2, 3, 4, 6 or 8 times a power of ten."""
    unit = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(unit * times for times in (1, 1.5, 2, 3, 4, 6, 8, 10) if value <= unit * times * 1.000001)


def _short(level: float, top: float) -> str:
    """As many digits as half of `top` needs."""
    return f"{level:.{max(0, 1 - math.floor(math.log10(top / 2)))}f}" if level else "0"


def _ticks(last: float) -> list[float]:
    """Round step numbers from 0, three to five of them."""
    unit = _rounded_up(last / 4)
    return [unit * index for index in range(int(last / unit) + 1)]
