"""Motions that were read from a face, frame by frame: taken against a first one, and calmed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.one_euro import OneEuro
from facezoo.motion.motion import Motion

__all__ = ["Calm", "against"]

_NARROW = 0.4  # opening of an eye, of its own at rest, that openings are compared with at least
_WIDEST = 1.3  # times as open as at the first moment
_UNITS = (1.0, 1.0, 1.0, 0.25)  # radians, head units, shares of an opening, eye widths: what counts as one of speed


class Calm:
    """A one-euro filter over motions: a face at rest becomes quiet, fast motion passes.

    amount: [0, 1], see `OneEuro`. Call it with the motions in the order of their times."""

    def __init__(self, amount: float = 0.5) -> None:
        self._filter = OneEuro(amount)

    def __call__(self, motion: Motion) -> Motion:
        """The calmed motion; shift and zoom are left as they are."""
        parts = [_turn(motion.rotation), motion.expression.ravel(), motion.eyes, motion.gaze]
        units = np.concatenate([np.full(len(part), unit) for part, unit in zip(parts, _UNITS, strict=True)])
        value = self._filter(np.concatenate(parts).astype(np.float64), units, motion.time).astype(np.float32)
        turn, expression, eyes, gaze = value[:3], value[3:-4], value[-4:-2], value[-2:]
        rotation = np.asarray(cv2.Rodrigues(turn.astype(np.float64))[0], np.float32)
        return replace(motion, rotation=rotation, expression=expression.reshape(-1, 3), eyes=eyes, gaze=gaze)


def against(motion: Motion, first: Motion) -> Motion:
    """What a face does beyond what it did at a first moment, which counts as rest; the time is kept."""
    return replace(
        motion,
        rotation=motion.rotation @ first.rotation.T,
        expression=motion.expression - first.expression,
        eyes=np.clip(motion.eyes / np.maximum(first.eyes, _NARROW), 0, _WIDEST).astype(np.float32),
        gaze=motion.gaze - first.gaze,
    )


def _turn(rotation: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(cv2.Rodrigues(rotation.astype(np.float64))[0], np.float64).ravel()
