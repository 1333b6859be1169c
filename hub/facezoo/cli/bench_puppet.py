"""How fast a persona is painted on this machine: as a posture changes, and as a webcam is followed.

The webcam's face is one synthetic person, talking, in pictures as small as the page sends them."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import cv2
import numpy as np

from facezoo import registry
from facezoo.cli.bench_animation import talking
from facezoo.errors import UsageError
from facezoo.motion.handles import Posture
from facezoo.types import Image

__all__ = ["time_puppet"]

_WEBCAM = 320  # px, the longer side of a webcam's picture
_RATE = 25.0  # frames a second that the driver claims


def time_puppet(method: str, count: int = 120) -> dict[str, Any]:
    """ "posture": median milliseconds from a posture to a labelled, watermarked picture, and of dragging a point to get
    there; "webcam": frames a second and processor seconds a frame, from a decoded picture to the same. side: px of what
    the network paints. Raises UsageError for a method that moves no personas."""
    from facezoo.method.pipeline import PuppetPipeline
    from facezoo.runner import Puppet

    pipeline = registry.load(method)
    if not isinstance(pipeline, PuppetPipeline):
        raise UsageError(f"{method} moves no personas.", "Choose a method that does.")
    puppet = Puppet(method, pipeline.people[0])
    frames = [_small(frame) for frame in talking(count)]
    for frame in frames[:3]:
        puppet.follow(frame, 0.0)
    shown: list[float] = []
    dragged: list[float] = []
    for step in np.linspace(-1, 1, count).tolist():
        began = time.perf_counter()
        posture = puppet.drag(Posture(smile=step), "nose", 0.5 + 0.04 * step, 0.55)
        dragged.append(time.perf_counter() - began)
        began = time.perf_counter()
        puppet.show(posture)
        shown.append(time.perf_counter() - began)
    puppet.restart({})
    began, spent = time.perf_counter(), time.process_time()
    for number, frame in enumerate(frames):
        puppet.follow(frame, number / _RATE)
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    return {
        "method": method,
        "side": pipeline.side,
        "posture": {"show": 1000 * median(shown), "drag": 1000 * median(dragged)},
        "webcam": {"fps": count / seconds, "cpu": cpu / count},
    }


def _small(frame: Image) -> Image:
    scale = _WEBCAM / max(frame.shape[:2])
    return np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
