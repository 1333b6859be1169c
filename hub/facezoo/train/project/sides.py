"""The faces of one side of a project, on disk.

faces.json          [{"id", "kept", "reason"}], in the order in which they were found
frames/<id>.jpg     aligned crop, RGB           masks/<id>.png      labels, see `facezoo.train.render.frames.LABELS`
thumbs/<id>.jpg     the crop at 96 px
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from facezoo.media.files import write_whole
from facezoo.types import Image

__all__ = ["MOST", "FoundFace", "Side"]

MOST = 1000
"""Faces of one side that are stored; all of them are held in memory while the training runs, 0.25 MB each."""
_THUMB = 96  # px
_QUALITY = 92  # of the stored JPEG


@dataclass(frozen=True)
class FoundFace:
    """A face that was found. thumbnail: a small JPEG. reason: why it was dropped, "" of a face that is kept."""

    id: str
    thumbnail: Path
    kept: bool
    reason: str


class Side:
    """Whose head stays ("a"), or whose face is put on ("b"). folder: made when the first face is added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def faces(self) -> list[FoundFace]:
        """All of them, as they were found."""
        return [
            FoundFace(each["id"], self.folder / "thumbs" / f"{each['id']}.jpg", each["kept"], each["reason"])
            for each in self._records()
        ]

    def add(self, found: Sequence[tuple[Image, NDArray[np.uint8], str]]) -> list[str]:
        """Store faces: the crop (D, D, 3) RGB uint8, its labels (D, D) uint8, and why it is dropped or "". Gives their
        ids; those beyond `MOST` are left out."""
        with self._changing() as records:
            room = MOST - len(records)
            ids = [f"{len(records) + i:06d}" for i in range(min(room, len(found)))]
            for id, (image, labels, reason) in zip(ids, found, strict=False):
                self._store(id, image, labels)
                records.append({"id": id, "kept": not reason, "reason": reason})
        return ids

    def set_kept(self, ids: Collection[str], kept: bool, reason: str) -> None:
        """Keep or drop some, the latter for a reason. Ids that there are not are passed over."""
        with self._changing() as records:
            for each in records:
                if each["id"] in ids:
                    each.update(kept=kept, reason="" if kept else reason)

    def kept(self) -> list[str]:
        """Ids of the faces that are kept."""
        return [each["id"] for each in self._records() if each["kept"]]

    def crops(self, ids: Sequence[str], size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """(N, D, D, 3) RGB uint8 crops and (N, D, D) uint8 labels, D = size px."""
        images = np.empty((len(ids), size, size, 3), np.uint8)
        labels = np.empty((len(ids), size, size), np.uint8)
        for number, id in enumerate(ids):
            image, label = (
                np.asarray(PIL.Image.open(self.folder / folder / f"{id}{suffix}"))
                for folder, suffix in (("frames", ".jpg"), ("masks", ".png"))
            )
            cv2.resize(image, (size, size), images[number], interpolation=cv2.INTER_AREA)
            cv2.resize(label, (size, size), labels[number], interpolation=cv2.INTER_NEAREST)
        return images, labels

    def _store(self, id: str, image: Image, labels: NDArray[np.uint8]) -> None:
        for name in ("frames", "masks", "thumbs"):
            (self.folder / name).mkdir(exist_ok=True)
        small = np.asarray(cv2.resize(image, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA), np.uint8)
        PIL.Image.fromarray(image).save(self.folder / "frames" / f"{id}.jpg", quality=_QUALITY, subsampling=0)
        PIL.Image.fromarray(labels).save(self.folder / "masks" / f"{id}.png")
        PIL.Image.fromarray(small).save(self.folder / "thumbs" / f"{id}.jpg", quality=85)

    def _records(self) -> list[dict[str, Any]]:
        try:
            return json.loads((self.folder / "faces.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []

    @contextmanager
    def _changing(self) -> Generator[list[dict[str, Any]]]:
        """The records, written back at the end; nobody else changes them meanwhile."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            records = self._records()
            yield records
            write_whole(self.folder / "faces.json", json.dumps(records))
