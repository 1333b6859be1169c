"""Two heaps of pictures that have nothing to do with each other, cut to size once and kept as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import FacezooError, UsageError
from facezoo.face.find import find_faces
from facezoo.media.read import PHOTO_SUFFIXES, read_photo
from facezoo.methods.cyclegan.window import SHARE, window
from facezoo.train.data import picture_paths
from facezoo.types import Image
from facezoo.zoo.pull import COMMIT, REPO

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CUTS", "Cut", "draw_crops", "find_pictures", "picture_folder", "square"]

Cut = Literal["face", "aligned", "window", "square"]
CUTS: tuple[Cut, ...] = ("face", "aligned", "window", "square")
"""What of a picture is learned from: an upright square around the largest face with hair and some shoulders; the face
alone, turned and scaled as every method sees it; the part of that which CycleGAN's translator of faces sees; or the
middle of the picture, whatever it shows."""

_ROOM = 1.4  # side of the square around a face in sides of the aligned crop


def picture_folder(place: str) -> Path:
    """The folder itself, or that of a data set on the Hub, `owner/name@commit`, whose pictures are fetched.

    Raises UsageError when it is neither."""
    if Path(place).is_dir():
        return Path(place)
    repo, _, commit = place.partition("@")
    if not REPO.fullmatch(repo) or not COMMIT.fullmatch(commit):
        raise UsageError(
            f"There are no pictures at {place}.",
            "Give a folder, or a data set of the Hub with its commit: owner/name@0123... (40 hex digits).",
        )
    from huggingface_hub import snapshot_download

    patterns = [f"*{suffix}" for suffix in PHOTO_SUFFIXES]
    try:
        return Path(snapshot_download(repo, repo_type="dataset", revision=commit, allow_patterns=patterns))
    except Exception as problem:
        raise UsageError(
            f"The data set {place} cannot be fetched: {type(problem).__name__}.",
            "Look at its name and commit, and whether huggingface.co can be reached.",
        ) from problem


def find_pictures(place: str, side: int, cut: Cut, cache: Path) -> NDArray[np.uint8]:
    """(N, side, side, 3) RGB uint8 of all pictures below a folder or in a Hub data set, in the order of their names.

    Pictures that cannot be read, or show no face where one is needed, are left out. cache: a .npy file, which is made
    when missing and otherwise believed. Raises UsageError when no picture is left."""
    if not cache.exists():
        squares: list[Image] = []
        for path in picture_paths(picture_folder(place)):
            try:
                squares.append(square(read_photo(path), side, cut))
            except FacezooError:
                continue
        if not squares:
            raise UsageError(f"No face was found in {place}.", "Give pictures of faces, or use --cut square.")
        cache.parent.mkdir(parents=True, exist_ok=True)
        unfinished = cache.with_suffix(".part")
        with unfinished.open("wb") as stream:
            np.save(stream, np.stack(squares), allow_pickle=False)
        unfinished.rename(cache)
    return np.load(cache, mmap_mode="r", allow_pickle=False)


def square(picture: Image, side: int, cut: Cut) -> Image:
    """The part of a picture (H, W, 3) that is learned from, (side, side, 3) RGB uint8.

    Raises UsageError when a face is needed and there is none."""
    height, width = picture.shape[:2]
    middle, span = np.array([width / 2, height / 2]), float(min(height, width))
    if cut != "square":
        size = {"aligned": side, "window": round(side / SHARE)}.get(cut, 64)
        faces = find_faces(picture, crop_size=size, thorough=False)
        if not faces:
            raise UsageError("There is no face in this picture.", "Leave it out.")
        if cut != "face":
            return faces[0].crop if cut == "aligned" else window(faces[0].crop, side)
        turn = faces[0].affine[:, :2].astype(np.float64)
        middle = np.linalg.solve(turn, 31.5 - faces[0].affine[:, 2])
        span = min(span, _ROOM * 64 / float(np.sqrt(np.linalg.det(turn))))
    left, top = np.clip(np.round(middle - span / 2), 0, [width - span, height - span]).astype(int).tolist()
    part = picture[top : top + int(span), left : left + int(span)]
    smoothing = cv2.INTER_AREA if span > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (side, side), interpolation=smoothing), np.uint8)


def draw_crops(pictures: NDArray[np.uint8], count: int, side: int, zoom: float) -> Tensor:
    """(count, 3, side, side) float32 in [-1, 1]: parts of pictures drawn at random, mirrored half of the time.

    zoom: a picture is scaled so that its side is 1.06 to 1.06 zoom times that of the part, smaller ones more often."""
    import torch

    parts: list[NDArray[np.uint8]] = []
    for number in torch.randint(len(pictures), (count,)).tolist():
        size, left, top, mirrored = torch.rand(4).tolist()
        scaled = round(side * 1.06 * zoom ** (size * size))
        method = cv2.INTER_AREA if scaled < pictures.shape[1] else cv2.INTER_CUBIC
        whole = cv2.resize(np.asarray(pictures[number]), (scaled, scaled), interpolation=method)
        x, y = round(left * (scaled - side)), round(top * (scaled - side))
        part = np.asarray(whole[y : y + side, x : x + side], np.uint8)
        parts.append(part[:, ::-1] if mirrored < 0.5 else part)
    return torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float() / 127.5 - 1
