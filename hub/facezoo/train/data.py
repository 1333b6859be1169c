"""Pictures to learn from: faces found in a folder, and arrays rendered once and kept in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import FacezooError, UsageError
from facezoo.face.find import crop_affine, crop_image, find_faces
from facezoo.face.mesh import head_pose, to_68
from facezoo.media.read import PHOTO_SUFFIXES, read_photo
from facezoo.types import Box, Face, Image, Landmarks, Points

__all__ = ["Person", "Shards", "face_of", "find_people", "picture_paths", "render_shards"]

Job = TypeVar("Job")


@dataclass(frozen=True, eq=False)
class Person:
    """The largest face of a picture, without the picture's pixels. mesh: (468, 3) px."""

    path: Path
    mesh: Points

    def face(self) -> Face:
        """The face with its picture, read anew."""
        return face_of(read_photo(self.path), self.mesh)


def face_of(image: Image, mesh: Points, crop_size: int = 64) -> Face:
    """A face whose mesh is known, not found. image: (H, W, 3) RGB uint8; mesh: (468, 3) px."""
    marks = Landmarks(to_68(mesh), mesh, 1.0, "mesh")
    affine, side = crop_affine(marks, crop_size)
    box = Box(*mesh[:, :2].min(axis=0).tolist(), *mesh[:, :2].max(axis=0).tolist())
    return Face(1, box, marks, head_pose(marks), image, crop_image(image, affine, side), affine)


def picture_paths(folder: Path) -> list[Path]:
    """All pictures below a folder, sorted. Raises UsageError when there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise UsageError(f"There is no picture in {folder}.", "Give a folder with JPEG, PNG or WebP files.")
    return found


def find_people(folder: Path) -> list[Person]:
    """The largest face of every picture below a folder; pictures that cannot be read or show no face are left out.

    Raises UsageError when no face was found at all."""
    people: list[Person] = []
    for path in picture_paths(folder):
        try:
            faces = find_faces(read_photo(path), crop_size=64, thorough=False)
        except FacezooError:
            continue
        if faces:
            people.append(Person(path, faces[0].landmarks.mesh))
    if not people:
        raise UsageError(f"No face was found in {folder}.", "Give pictures in which faces are at least 100 px wide.")
    return people


def render_shards(
    folder: Path, jobs: Sequence[Job], render: Callable[[Job], NDArray[np.uint8]], processes: int = 1
) -> Shards:
    """Make one file of records for each job and give them all. Files that are there already are kept.

    folder: of the files `000000.npy` and so on, made when missing. render: gives the records of a job, (N, ...) uint8,
    N may be 0; it must be a function that another process can import. processes: how many work at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06d}.npy" for number in range(len(jobs))]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for number, records in zip(missing, pool.map(render, [jobs[i] for i in missing]), strict=True):
            unfinished = paths[number].with_suffix(".part")
            with unfinished.open("wb") as stream:
                np.save(stream, records, allow_pickle=False)
            unfinished.rename(paths[number])
    return Shards(paths)


class Shards:
    """Records in files, read when they are asked for: `len` and `[number]`, as torch's DataLoader wants it."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [np.load(path, mmap_mode="r", allow_pickle=False) for path in paths]
        self._ends = np.cumsum([len(file) for file in self._files])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        """One record, uint8, a new array. Raises IndexError beyond the last."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        file = int(np.searchsorted(self._ends, number, side="right"))
        return np.array(self._files[file][number - int(self._ends[file])])
