"""Faces to learn from, found in anybody's photos and videos: aligned crops, and why some are of no use.

Who is who is told by place and looks alone: within a film a face near the last one's place is the same person, and
beyond that whoever looks alike in a 12 x 12 px picture. That tells two people who share a film apart when they are in
it together, or differ in hair or skin; people who look alike in separate photos are taken for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import BadInput, NoFace
from facezoo.face.find import find_faces, move
from facezoo.face.mesh import rasterise, topology
from facezoo.media.read import PHOTO_SUFFIXES, VIDEO_SUFFIXES, open_clip
from facezoo.methods.deepfakes.window import LEFT, SHARE, TOP
from facezoo.safety import admission
from facezoo.train.deepfakes import FacePairs
from facezoo.train.render.frames import label_features
from facezoo.types import Clip, Face, Frame, Image

__all__ = ["Crop", "Sorter", "crops_of", "gather_pairs"]

_A_SECOND = 5.0  # frames of a film that are looked at
_CONTENT_EVERY = 1.0  # seconds of a film between two content checks
_SMALLEST = 64.0  # px, height of a face
_WIDEST = 50.0  # degrees of yaw
_BLURRED = 0.11  # sharpness below which a crop is of no use
_NEAR = 0.9  # of a face's width that it may move between two looks at a film
_ALIKE = 14.0  # mean Lab difference of the same person's looks
_APART = 30.0  # and from which two faces are two people even if they are never seen together
_SAME = 9.0  # grey levels in which 98 of 100 cells of nearly the same picture differ at most


@dataclass(frozen=True, eq=False)
class Crop:
    """One face found.

    image: (D, D, 3) RGB uint8, aligned. labels: (D, D) uint8, `render.frames.LABELS`, of which 0 and 2 to 7 are told.
    height: px of the face where it was found. sharpness: mean Laplacian of the crop at 128 px over its deviation.
    yaw: degrees. frame: number of the picture it was found in, the same for all faces of one. clip: number of the file.
    place: middle x, y and width, px."""

    image: Image
    labels: NDArray[np.uint8]
    height: float
    sharpness: float
    yaw: float
    frame: int
    clip: int
    place: tuple[float, float, float]

    @property
    def reason(self) -> str:
        """Why it is of no use by itself, "" when it is."""
        if self.height < _SMALLEST:
            return "small"
        if abs(self.yaw) > _WIDEST:
            return "turned away"
        return "blurred" if self.sharpness < _BLURRED else ""


def crops_of(
    paths: Sequence[Path],
    size: int,
    *,
    admit: Callable[[Clip], None],
    refused: Callable[[Path, BadInput], None],
    progress: Callable[[float], None],
) -> Iterator[Crop]:
    """All faces of photos and films, the latter looked at five times a second, at constant memory.

    size: D, px. admit: called with each file before anything is made of it; raises what refuses it. refused: called
    with a file that cannot be read, and why. progress: called with the share that is done, may raise Cancelled.
    Raises ContentRefused, and what `admit`, `refused` and `progress` raise."""
    number = 0
    for clip_number, path in enumerate(paths):
        progress(clip_number / len(paths))
        try:
            clip = open_clip(path)
            admit(clip)
            for frame in _looked_at(clip):
                number += 1
                for face in find_faces(frame.image, crop_size=size, thorough=clip.kind == "photo"):
                    yield _crop(face, number, clip_number)
                length = max(1.0, clip.count / max(float(clip.rate), 1e-3))
                progress((clip_number + min(1.0, frame.time / length)) / len(paths))
        except BadInput as problem:
            refused(path, problem)
    progress(1.0)


def gather_pairs(folder: Path, side: int) -> FacePairs:
    """The faces of the person in a folder of photos and videos, each its own pair; files that cannot be read are left
    out.

    side: px of the window, see `FacePairs`. Raises NoFace when there are fewer than two."""
    sorter, kept = Sorter(), dict[int, Crop]()
    paths = sorted(each for each in folder.rglob("*") if each.suffix.lower() in PHOTO_SUFFIXES + VIDEO_SUFFIXES)
    found = crops_of(
        paths,
        round(side / SHARE),
        admit=lambda _: None,
        refused=lambda path, problem: print(f"{path.name}: {problem.message}", flush=True),
        progress=lambda _: None,
    )
    for number, crop in enumerate(found):
        if not sorter.add(crop):
            kept[number] = crop
    for number in sorter.others():
        kept.pop(number, None)
    if len(kept) < 2:
        raise NoFace(f"{folder} shows too few faces.", "Give photos or a video in which one face is large and sharp.")
    images, labels = (np.stack([getattr(crop, name) for crop in kept.values()]) for name in ("image", "labels"))
    return FacePairs(images, images, labels)


class Sorter:
    """Tells which faces are of use, in the order in which they were found, and in the end whose they are.

    known: crops (D, D, 3) that are there already, which none is to repeat."""

    def __init__(self, known: Sequence[Image] = ()) -> None:
        self._cells = [_cells(image) for image in known]
        self._looks: list[NDArray[np.float32]] = []  # of each person
        self._last: list[Crop] = []  # of each person
        self._found: list[tuple[int, int]] = []  # frame and person of each face

    def add(self, crop: Crop) -> str:
        """Why this face is of no use, "" when it is."""
        self._found.append((crop.frame, self._who(crop)))
        if crop.reason:
            return crop.reason
        cells = _cells(crop.image)
        if self._cells:
            apart = np.abs(np.stack(self._cells) - cells)
            if float(np.quantile(apart, 0.98, axis=1).min()) < _SAME:
                return "nearly the same as another"
        self._cells.append(cells)
        return ""

    def others(self) -> list[int]:
        """Numbers, from 0, of the faces of other people than the one who is seen most."""
        if not self._found:
            return []
        counted = Counter(person for _, person in self._found)
        main = counted.most_common(1)[0][0]
        together = {frame for frame, person in self._found if person == main}
        strangers = {i for i, look in enumerate(self._looks) if _differ(look, self._looks[main]) > _APART}
        return [
            number
            for number, (frame, person) in enumerate(self._found)
            if person != main and (frame in together or person in strangers)
        ]

    def _who(self, crop: Crop) -> int:
        """The number of the person, a new one for somebody new."""
        look = _look(crop.image)
        taken = {person for frame, person in self._found if frame == crop.frame}
        free = [i for i in range(len(self._looks)) if i not in taken]
        near = [i for i in free if _moved(self._last[i], crop) < _NEAR and _differ(self._looks[i], look) < _APART]
        alike = [(_differ(self._looks[i], look), i) for i in near or free]
        if alike and (near or min(alike)[0] < _ALIKE):
            person = min(alike)[1]
            self._looks[person] += 0.1 * (look - self._looks[person])
            self._last[person] = crop
            return person
        self._looks.append(look)
        self._last.append(crop)
        return len(self._looks) - 1


def _looked_at(clip: Clip) -> Iterator[Frame]:
    """Some of the frames of a clip, the content of a few of them checked."""
    next_look = next_check = 0.0
    for frame in clip.frames():
        if frame.time >= next_check:
            admission.check_content(frame.image)
            next_check = frame.time + _CONTENT_EVERY
        if frame.time >= next_look:
            next_look = frame.time + 1 / _A_SECOND - 1e-3
            yield frame


def _crop(face: Face, frame: int, clip: int) -> Crop:
    size = face.crop.shape[0]
    mesh = move(face.landmarks.mesh, face.affine)
    labels = label_features(mesh, rasterise(mesh, topology().triangles, (size, size)).covered)
    box = face.box
    return Crop(
        image=face.crop,
        labels=labels,
        height=float(np.ptp(face.landmarks.mesh[:, 1])),
        sharpness=_sharpness(face.crop, labels),
        yaw=face.pose.yaw,
        frame=frame,
        clip=clip,
        place=((box.left + box.right) / 2, (box.top + box.bottom) / 2, box.width),
    )


def _sharpness(image: Image, labels: NDArray[np.uint8]) -> float:
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (128, 128), interpolation=cv2.INTER_AREA)
    face = cv2.resize(labels, (128, 128), interpolation=cv2.INTER_NEAREST) >= 2
    edges = np.abs(cv2.Laplacian(small.astype(np.float32), cv2.CV_32F))
    return float(edges[face].mean() / max(float(small[face].std()), 4.0)) if face.any() else 0.0


def _look(image: Image) -> NDArray[np.float32]:
    """(12, 12, 3) float32 Lab of a crop."""
    small = cv2.resize(image, (12, 12), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2Lab), np.float32)


def _cells(image: Image) -> NDArray[np.float32]:
    """(1024,) float32 grey levels of the window's 32 x 32 cells."""
    side = image.shape[0]
    top, left, part = round(TOP * side), round(LEFT * side), round(SHARE * side)
    grey = cv2.cvtColor(image[top : top + part, left : left + part], cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA), np.float32).ravel()


def _differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(one - other, axis=2).mean())


def _moved(before: Crop, now: Crop) -> float:
    """How far a face went from one look at a film to the next, in its widths; infinite from one file to another."""
    if before.clip != now.clip or now.frame - before.frame > _A_SECOND:
        return float("inf")
    x, y, width = before.place
    return float(np.hypot(now.place[0] - x, now.place[1] - y)) / max(width, 1.0)
