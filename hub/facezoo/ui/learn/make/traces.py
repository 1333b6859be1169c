"""Exhibits of how one tells: the mark made visible, and what of mark and signature survives."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from facezoo import registry
from facezoo.face.paste import paste, settings_of
from facezoo.media.read import read_photo
from facezoo.safety.marks import THRESHOLD, detect, mark
from facezoo.safety.seal import verify
from facezoo.types import Image
from facezoo.ui.common.gallery import file_of
from facezoo.ui.learn.make.row import Row, around, face_of, persona_face, settings, square

__all__ = ["traces"]

_PHOTO, _WHO, _METHOD = "curls", "tarek", "face2face"
_LOUDER = 24  # times the mark is made stronger to be seen
_SHOWN = 512  # px of the part that is shown before it is made a tile: the mark at its own size


def traces() -> Iterator[Row]:
    """A result before and after it is marked, and the difference; what was found in copies of it."""
    target = face_of(_PHOTO, 512)
    pipeline, params = registry.load_faces(_METHOD), settings(_METHOD)
    (crop,) = pipeline(iter([target]), identity=persona_face(_WHO), params=params)
    plain = square(paste(target, crop, **settings_of(params)), 2 * _SHOWN)
    marked = mark(plain)
    louder = 128 + _LOUDER * (marked.astype(np.int16) - plain)
    shown = [each[_SHOWN // 4 : _SHOWN // 4 + _SHOWN, _SHOWN // 2 : _SHOWN // 2 + _SHOWN]
             for each in (plain, marked, np.clip(louder, 0, 255).astype(np.uint8))]  # fmt: skip
    facts = {"louder": _LOUDER, "threshold": THRESHOLD, "survives": _survival()}
    yield Row("traces-mark", shown, _METHOD, (_PHOTO, _WHO), persona=_WHO, side=384, facts=facts)


def _survival() -> list[dict[str, Any]]:
    """What is found in a result that ships and in copies of it: score of the mark, and what its signature says."""
    sealed = file_of(_PHOTO, _WHO, _METHOD)
    image = read_photo(sealed)
    rows = [{"name": "As it ships", **_found(sealed)}]
    with tempfile.TemporaryDirectory() as folder:
        for name, change in _copies().items():
            copy = Path(folder) / "copy.jpg"
            change(image, copy)
            rows.append({"name": name, **_found(copy)})
    return rows


def _copies() -> Mapping[str, Callable[[Image, Path], None]]:
    def saved(quality: int) -> Callable[[Image, Path], None]:
        return lambda image, path: Pillow.fromarray(image).save(path, quality=quality)

    def half(image: Image, path: Path) -> None:
        small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        saved(85)(np.asarray(small, np.uint8), path)

    def cropped(image: Image, path: Path) -> None:
        height, width = image.shape[:2]
        saved(85)(image[height // 10 : -height // 10, width // 10 : -width // 10], path)

    def screenshot(image: Image, path: Path) -> None:
        larger = cv2.resize(image, None, fx=1.37, fy=1.37, interpolation=cv2.INTER_LINEAR)
        saved(80)(np.asarray(larger, np.uint8), path)

    def blurred(image: Image, path: Path) -> None:
        saved(85)(np.asarray(cv2.GaussianBlur(image, (0, 0), 2.0), np.uint8), path)

    def mirrored(image: Image, path: Path) -> None:
        saved(85)(np.ascontiguousarray(image[:, ::-1]), path)

    def face_only(image: Image, path: Path) -> None:
        part = around(image, face_of(_PHOTO), 0.9)
        saved(60)(np.ascontiguousarray(part), path)

    return {
        "Saved again as JPEG, quality 85": saved(85),
        "Saved again as JPEG, quality 40": saved(40),
        "Half the size": half,
        "A tenth cut off each side": cropped,
        "A screenshot, enlarged": screenshot,
        "Mirrored": mirrored,
        "Blurred": blurred,
        "The face alone, quality 60": face_only,
    }


def _found(path: Path) -> dict[str, Any]:
    seen, said = detect(read_photo(path)), verify(path)
    return {"score": round(seen.score, 1), "mark": seen.found, "signature": said.c2pa}
