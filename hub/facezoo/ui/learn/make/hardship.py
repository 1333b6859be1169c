"""Exhibits of the failure lab: what methods make of a face that is turned, covered, small, noisy or dark."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from facezoo import registry, runner
from facezoo.errors import FacezooError
from facezoo.evaluate.verdict import verdict
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Image, MethodSpec
from facezoo.ui.learn.make.row import Row, around, face_of, photo_of

__all__ = ["hardship"]

_PHOTO, _WHO, _TILE = "curls", "tarek", 176
_DIMMED = 0.35  # of a picture in which nothing could be done


def hardship() -> Iterator[Row]:
    """For each hardship a row of pictures before, and one for each method that swaps; with the measures."""
    swapping = [spec for spec in registry.list_methods() if "swap" in spec.tasks]
    for name, (levels, change) in _hardships().items():
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{number}.png" for number in range(len(levels))]
            for file, level in zip(files, levels, strict=True):
                Pillow.fromarray(change(level)).save(file)
            before = [_shown(file) for file in files]
            yield Row(f"lab-{name}", before, "", (_PHOTO,), made=name == "turn", side=_TILE, facts={"levels": levels})
            for spec in swapping:
                done = [_swapped(spec, file, Path(folder) / "result.png") for file in files]
                pictures = [picture for picture, _ in done]
                measures = [measure for _, measure in done]
                yield Row(f"lab-{name}-{spec.id}", pictures, spec.id, (_PHOTO, _WHO), persona=_WHO, side=_TILE,
                          facts={"measures": measures})  # fmt: skip


def _swapped(spec: MethodSpec, file: Path, output: Path) -> tuple[Image, dict[str, Any]]:
    """The face, and how it did: `turned` degrees and `mimicry` lost, the share `taken` of the way to the persona, all
    None when no face was found in the picture or the result."""
    lost: dict[str, Any] = {"taken": None, "turned": None, "mimicry": None}
    try:
        params = {name: value for name, value in vars(spec.swapping()).items() if value != getattr(spec.params(), name)}
        runner.run(spec.id, file, persona=_WHO, params=params, consent=True, output=output)  # nobody's face
    except FacezooError:
        return (_shown(file) * _DIMMED).astype(np.uint8), lost | {"refused": True}
    try:
        found = verdict(file, output, persona=_WHO)
    except FacezooError:
        return _shown(output), lost
    turned, _, mimicry = astuple(found.kept)
    taken = round(found.taken.share, 3) if found.taken else None
    return _shown(output), {"taken": taken, "turned": round(turned, 2), "mimicry": round(mimicry, 3)}


def _shown(file: Path) -> Image:
    image, photo = read_photo(file), photo_of(_PHOTO)
    if image.shape != photo.shape:
        image = np.asarray(cv2.resize(image, photo.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
    return around(image, face_of(_PHOTO), 1.7)


def _hardships() -> dict[str, tuple[list[Any], Callable[[Any], Image]]]:
    """Name -> its levels, the mildest first, and the picture at one of them."""
    photo = photo_of(_PHOTO)
    return {
        "turn": ([0, 8, 16, 24, 32], _turned),
        "cover": ([0, 15, 30, 45, 60], partial(_covered, photo)),
        "small": ([200, 100, 60, 40, 26], partial(_small, photo)),
        "noise": ([0, 12, 25, 45, 70], partial(_noisy, photo)),
        "dark": ([100, 50, 25, 12, 6], partial(_dark, photo)),
    }


def _turned(degrees: int) -> Image:
    photo = MovablePhoto(face_of(_PHOTO))
    return photo.draw(motion_of(Controls(yaw=degrees), photo.placement.rotation))


def _covered(photo: Image, percent: int) -> Image:
    """A grey board from below over so much of the face's height."""
    box, covered = face_of(_PHOTO).box, photo.copy()
    top = round(box.bottom + 0.06 * box.height - box.height * percent / 100)
    left, right = round(box.left - 0.15 * box.width), round(box.right + 0.15 * box.width)
    if percent:
        cv2.rectangle(covered, (left, top), (right, photo.shape[0]), (94, 92, 88), -1)
    return covered


def _small(photo: Image, pixels: int) -> Image:
    """The picture so small that the face is so many px high."""
    scale = pixels / face_of(_PHOTO).box.height
    return np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _noisy(photo: Image, deviation: int) -> Image:
    noise = np.random.default_rng(0).normal(0, deviation, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8)


def _dark(photo: Image, percent: int) -> Image:
    """So much of the light, with the noise that a camera adds to so little."""
    light = np.random.default_rng(0).poisson(photo.astype(np.float64) * percent / 100 / 2) * 2
    return np.clip(light if percent < 100 else photo, 0, 255).astype(np.uint8)
