"""Exhibits of the failure lab: what methods make of a face that is turned, covered, small, noisy, dark, of darker skin
or painted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from facezoo import registry, runner
from facezoo.errors import FacezooError
from facezoo.evaluate.verdict import verdict
from facezoo.face.mesh import EYES, OUTER_LIPS
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Image, MethodSpec
from facezoo.ui.learn.make.row import Row, around, face_of, photo_of

__all__ = ["HARDSHIPS", "hardship"]

_PHOTO, _WHO, _TILE = "curls", "tarek", 176
_DIMMED = 0.35  # of a picture in which nothing could be done


def hardship(name: str) -> Iterator[Row]:
    """A row of pictures before, and one for each method that swaps; with the measures. name: of HARDSHIPS."""
    swapping = [spec for spec in registry.list_methods() if "swap" in spec.tasks]
    levels, change = HARDSHIPS[name]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.png" for number in range(len(levels))]
        for file, level in zip(files, levels, strict=True):
            Pillow.fromarray(change(level)).save(file)
        before = [_shown(file) for file in files]
        facts = {"levels": list(levels)}
        yield Row(f"lab-{name}", before, "", (_PHOTO,), made=name == "turn", side=_TILE, facts=facts)
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


def _turned(degrees: int) -> Image:
    photo = MovablePhoto(face_of(_PHOTO))
    return photo.draw(motion_of(Controls(yaw=degrees), photo.placement.rotation))


def _covered(percent: int) -> Image:
    """A grey board from below over so much of the face's height."""
    box, covered = face_of(_PHOTO).box, photo_of(_PHOTO).copy()
    top = round(box.bottom + 0.06 * box.height - box.height * percent / 100)
    left, right = round(box.left - 0.15 * box.width), round(box.right + 0.15 * box.width)
    if percent:
        cv2.rectangle(covered, (left, top), (right, covered.shape[0]), (94, 92, 88), -1)
    return covered


def _small(pixels: int) -> Image:
    """The picture so small that the face is so many px high."""
    scale = pixels / face_of(_PHOTO).box.height
    return np.asarray(cv2.resize(photo_of(_PHOTO), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _noisy(deviation: int) -> Image:
    photo = photo_of(_PHOTO)
    noise = np.random.default_rng(0).normal(0, deviation, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8)


def _dark(percent: int) -> Image:
    """So much of the light, with the noise that a camera adds to so little."""
    photo = photo_of(_PHOTO)
    light = np.random.default_rng(0).poisson(photo.astype(np.float64) * percent / 100 / 2) * 2
    return np.clip(light if percent < 100 else photo, 0, 255).astype(np.uint8)


def _darker_skin(percent: int) -> Image:
    """Skin that is so light, of its own lightness, and a little warmer; eyes, lips, hair and what is around stay."""
    photo = photo_of(_PHOTO)
    if percent == 100:
        return photo
    face, share = face_of(_PHOTO), percent / 100
    points, high = face.landmarks.mesh[:, :2], face.box.height
    skin = np.zeros(photo.shape[:2], np.float32)
    cv2.fillConvexPoly(skin, cv2.convexHull(points.astype(np.int32))[:, 0], 1.0)
    for ring in (*EYES, OUTER_LIPS):
        cv2.fillPoly(skin, [points[list(ring)].astype(np.int32)], 0.0)
    lab = cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    usual = np.median(lab[skin > 0], axis=0)
    below = np.mgrid[: photo.shape[0], : photo.shape[1]][0] > face.box.top - 0.2 * high
    alike = np.exp(-0.5 * np.square((lab - usual) / (34, 14, 16)).sum(axis=2)) * below
    skin = cv2.GaussianBlur(np.maximum(skin, alike.astype(np.float32)), (0, 0), 0.015 * high)[..., None]
    darker = lab * (share, 1, share**0.4) + (0, 7 * (1 - share), 0)
    made = cv2.cvtColor((skin * darker + (1 - skin) * lab).astype(np.float32), cv2.COLOR_LAB2RGB)
    return (np.clip(made, 0, 1) * 255).round().astype(np.uint8)


def _painted(radius: int) -> Image:
    """As by a brush of so many px (Kuwahara 1976): each pixel takes the mean of that neighbouring square which varies
    least."""
    photo = photo_of(_PHOTO)
    if not radius:
        return photo
    image, side = photo.astype(np.float64), radius + 1
    grey = image.mean(axis=2)
    means, varying = list[Any](), list[Any]()
    for anchor in ((0, 0), (0, radius), (radius, 0), (radius, radius)):
        mean = cv2.blur(grey, (side, side), anchor=anchor)
        varying.append(cv2.blur(grey * grey, (side, side), anchor=anchor) - mean * mean)
        means.append(cv2.blur(image, (side, side), anchor=anchor))
    calmest = np.argmin(varying, axis=0)[None, ..., None]
    return np.take_along_axis(np.stack(means), calmest, axis=0)[0].round().clip(0, 255).astype(np.uint8)


HARDSHIPS: Mapping[str, tuple[Sequence[int], Callable[[int], Image]]] = {
    "turn": ((0, 8, 16, 24, 32), _turned),
    "cover": ((0, 15, 30, 45, 60), _covered),
    "small": ((200, 100, 60, 40, 26), _small),
    "noise": ((0, 12, 25, 45, 70), _noisy),
    "dark": ((100, 50, 25, 12, 6), _dark),
    "tone": ((100, 85, 70, 57, 46), _darker_skin),
    "paint": ((0, 1, 2, 4, 6), _painted),
}
"""Name -> its levels, the mildest first, and what gives the picture at one of them."""
