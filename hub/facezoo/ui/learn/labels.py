"""Words for the positions of sliders and switches, from the numbers that exhibits were made with."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LABELS", "guides", "names", "numbered", "opened", "shares", "skips", "steps", "steps_of", "turned"]

_STEPS = {"window": "The photo", "points": "Its points", "asked": "What is asked", "carried": "Pixels carried over",
          "coarse": "Painted", "mask": "Which of the two", "result": "The result"}  # fmt: skip


def turned(degrees: Sequence[float]) -> list[str]:
    """Of a head. Positive turns it to the picture's right."""
    return [f"{abs(each):.0f}° to the {'right' if each > 0 else 'left'}" if each else "Straight ahead"
            for each in degrees]  # fmt: skip


def opened(shares: Sequence[float]) -> list[str]:
    """Of a mouth, 0 to 1."""
    return [f"{100 * each:.0f} % open" if each else "Closed" for each in shares]


def skips(sides: Sequence[int]) -> list[str]:
    """Of skip connections, each at maps of so many pixels' side: none cut, each alone, all."""
    return ["Nothing", *(f"At {side} px" for side in sides), "All of them"]


def shares(count: int, start: str, end: str) -> list[str]:
    """Of a walk in so many positions from one to another."""
    between = [f"{round(100 * step / (count - 1))} % of the way" for step in range(1, count - 1)]
    return [start, *between, end]


def names(steps: Sequence[str]) -> list[str]:
    """Of the talking head's steps, in words."""
    return [_STEPS[each] for each in steps]


def steps(counts: Sequence[int]) -> list[str]:
    """Of training."""
    return [f"{each} steps" if each else "Before" for each in counts]


def steps_of(count: int) -> list[str]:
    """Of taking noise away."""
    return [f"{number} of {count}" for number in range(1, count + 1)]


def numbered(word: str, count: int) -> list[str]:
    """Of pictures that have no names."""
    return [f"{word} {number}" for number in range(1, count + 1)]


def guides(shares: Sequence[float]) -> list[str]:
    """Of the way from a guess without a wish to one with it."""
    return [f"{100 * each:.0f} %" for each in shares]


LABELS = {"turned": turned, "opened": opened, "skips": skips, "shares": shares, "names": names,
          "steps": steps, "steps_of": steps_of, "numbered": numbered, "guides": guides}  # fmt: skip
"""As the pages call them."""
