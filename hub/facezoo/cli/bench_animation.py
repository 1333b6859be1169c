"""How fast a photo follows a driver on this machine, against what published methods cost on two such cores.

The driver is one synthetic person, talking; the photo is another, brought to 512 and 1024 px.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from facezoo import registry
from facezoo.errors import UsageError
from facezoo.face.find import find_faces
from facezoo.media.read import open_clip, read_photo
from facezoo.method.pipeline import AnimationPipeline
from facezoo.motion.photo import MovablePhoto
from facezoo.motion.template import shipped
from facezoo.types import Clip, Frame, Image
from facezoo.zoo.embedded import personas

__all__ = ["PUBLISHED", "talking", "time_animation"]

_DRIVER = 512  # px, longer side
PUBLISHED = {"first-order model, generator alone, 256 px": 3.5, "LivePortrait, 512 px": 40.0}
"""Processor seconds a frame of the authors' networks, measured once on two cores of the kind this was written on."""


def time_animation(method: str, count: int = 120) -> dict[str, Any]:
    """Frames a second and processor seconds a frame: "512" and "1024" from a decoded driver frame to a drawn picture of
    that side, "file" from the driver's file to the sealed film; "cheaper": times less processor time than PUBLISHED."""
    pipeline = registry.load(method)
    if not isinstance(pipeline, AnimationPipeline):
        raise UsageError(f"{method} does not animate portraits.", "Choose a method that does.")
    row: dict[str, Any] = {"method": method}
    for side in (512, 1024):
        row[str(side)] = _time(pipeline, side, count)
    row["file"] = {"fps": _whole_path(method, 512)}
    row["cheaper"] = {name: seconds / row["512"]["cpu"] for name, seconds in PUBLISHED.items()}
    return row


def _time(pipeline: AnimationPipeline, side: int, count: int) -> dict[str, float]:
    photo = _sized(read_photo(personas()[0].portrait), side)
    frames = list(talking(count))
    params = pipeline.spec.params()
    if hasattr(params, "start"):
        params = replace(params, start="first")  # in one go
    source = find_faces(photo)[0]
    for _ in pipeline.animate(source, driving=_clip(frames[:3]), params=params):
        pass
    began, spent = time.perf_counter(), time.process_time()
    drawn = sum(1 for _ in pipeline.animate(source, driving=_clip(frames), params=params))
    return {"fps": drawn / (time.perf_counter() - began), "cpu": (time.process_time() - spent) / drawn}


def talking(count: int) -> Iterator[Image]:
    """Frames (H, W, 3) RGB uint8 of a synthetic person who talks."""
    photo = _sized(read_photo(personas()[1].portrait), _DRIVER)
    puppet = MovablePhoto(find_faces(photo)[0])
    motions = shipped("talk").motions
    for number in range(count):
        yield puppet.draw(motions[number % len(motions)])


def _sized(photo: Image, side: int) -> Image:
    scale = side / max(photo.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=method), np.uint8)


def _clip(frames: Sequence[Image]) -> Clip:
    height, width = frames[0].shape[:2]
    timed = [Frame(image, number / 30) for number, image in enumerate(frames)]
    return Clip("video", width, height, len(frames), Fraction(30), False, "mp4", Path(), "", lambda: iter(timed))


def _whole_path(method: str, side: int) -> float:
    """Frames a second from the driver's file to the sealed film."""
    from facezoo import runner

    with tempfile.TemporaryDirectory(prefix="facezoo-speed-") as name:
        photo = Path(name) / "photo.png"
        Pillow.fromarray(_sized(read_photo(personas()[0].portrait), side)).save(photo)
        actor = Path(name) / "actor.png"
        Pillow.fromarray(_sized(read_photo(personas()[1].portrait), _DRIVER)).save(actor)
        driver = runner.run(method, actor, driving="talk", consent=True, output=Path(name) / "driver.mp4").path
        total = open_clip(driver).count
        began = time.perf_counter()
        runner.run(method, photo, driving=driver, consent=True, output=Path(name) / "film.mp4")
        return total / (time.perf_counter() - began)
