"""What covers a face from within its outline: masks, visors, cups, microphones, bars, hands, another head; and glasses.

A small U-Net, learned on things drawn over portraits (training/covering.py), looks at the aligned face and says of each
pixel whether something lies over it, and whether it is seen through glasses.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import move
from facezoo.face.mesh import BROWS, EYES, FACE_OVAL, OUTER_LIPS, disc
from facezoo.types import Face, Image, Mask, Points

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["SIDE", "Covering", "covering_of", "inputs_of", "look_for_cover", "uncovered"]

SIDE = 128
"""px of the aligned face that the network looks at."""

_SURE = 0.5  # probability from which a pixel is covered
_LEAST = 0.035  # share of the face below which nothing is said to be in front
_HIDDEN_LIPS = 0.6  # share of the lips
_TOO_LITTLE = 0.4  # share of a face that must be seen
_GLASSES = 0.8, 0.148  # share of the eyes that is behind glasses, and glasses' of the face
_BLURRED, _CONTRAST = 0.05, 10.0  # detail of a face out of focus; grey levels
_SPECK = 0.001  # share of the crop below which a part is no thing
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Covering:
    """What the network says of an aligned face, and where the face, its lips, and its eyes and brows are. All
    (SIDE, SIDE), things and spectacles float32 in [0, 1]."""

    things: Mask
    spectacles: Mask
    face: NDArray[np.bool_]
    lips: NDArray[np.bool_]
    eyes: NDArray[np.bool_]

    @property
    def seen(self) -> float:
        """Share of the face that nothing covers."""
        return 1 - _share(self.things, self.face)

    @property
    def something(self) -> bool:
        """Whether anything is in front."""
        return 1 - self.seen > _LEAST

    @property
    def mouth(self) -> bool:
        """Whether the mouth is behind something."""
        return self.something and _share(self.things, self.lips) > _HIDDEN_LIPS

    @property
    def too_much(self) -> bool:
        """Whether too little of the face is left to change it."""
        return self.seen < _TOO_LITTLE

    @property
    def glasses(self) -> bool:
        """Whether the eyes are seen through glasses."""
        behind, wide = _share(self.spectacles, self.eyes), np.sum(self.spectacles > _SURE) / max(np.sum(self.face), 1)
        return bool(behind > _GLASSES[0] and wide > _GLASSES[1])

    def mask(self, size: int) -> Mask:
        """(size, size) float32 in [0, 1]: 1 where something is in front; of an ordinary face 0 everywhere."""
        return _enlarged(self.things, size) if self.something else np.zeros((size, size), np.float32)

    def worn(self, size: int) -> Mask:
        """(size, size) float32 in [0, 1]: 1 where glasses are, their frames, and what is behind them."""
        return _enlarged(self.spectacles, size) if self.glasses else np.zeros((size, size), np.float32)


def look_for_cover(crop: Image, mesh: Points) -> Covering:
    """What is in front of a face. crop: (S, S, 3) RGB uint8, aligned; mesh: (468, 3) px of it."""
    small = np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    mesh = ((mesh + 0.5) * (SIDE / crop.shape[0]) - 0.5).astype(np.float32)
    inputs = inputs_of(small, mesh)
    with _lock:
        (logits,) = _network().run(None, {"face": inputs[None]})
    things, spectacles = (1 / (1 + np.exp(-np.clip(np.asarray(logits)[0], -30, 30)))).astype(np.float32)
    face, lips, eyes = inputs[3] > 0, _drawn(mesh, OUTER_LIPS) > 0, _drawn(mesh, *EYES) > 0
    if _detail(small, face) < _BLURRED:  # a face that is lost in blur for a moment is not behind anything
        things = spectacles = np.zeros_like(things)
    return Covering(things, spectacles, face, lips, eyes)


def uncovered(faces: list[Face]) -> list[Face]:
    """Those of the faces of which enough is seen. Raises NoFace when that is none."""
    kept = [face for face in faces if not covering_of(face).too_much]
    if faces and not kept:
        raise NoFace(
            "Too little of this face is seen: something is in front of most of it.",
            "Use a picture in which at least half of the face shows.",
        )
    return kept


def inputs_of(crop: Image, mesh: Points) -> NDArray[np.float32]:
    """(5, SIDE, SIDE) float32: what the network sees of a crop (SIDE, SIDE, 3) and its mesh: the colours in [-1, 1],
    where the face is, and where its eyes, brows and lips are."""
    drawn = [_drawn(mesh, FACE_OVAL), _drawn(mesh, *EYES, *BROWS, OUTER_LIPS)]
    return np.concatenate([crop.transpose(2, 0, 1) / np.float32(127.5) - 1, drawn]).astype(np.float32)


def covering_of(face: Face) -> Covering:
    """What is in front of a face."""
    return look_for_cover(face.crop, move(face.landmarks.mesh, face.affine))


def _drawn(mesh: Points, *rings: tuple[int, ...]) -> NDArray[np.uint8]:
    """(SIDE, SIDE), 1 inside the hulls of these points of the mesh."""
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    for ring in rings:
        hull = cv2.convexHull(mesh[list(ring), :2].astype(np.float32))[:, 0]
        cv2.fillPoly(drawn, [np.rint(hull * 16).astype(np.int32)], 1, shift=4)
    return drawn


def _detail(small: Image, face: NDArray[np.bool_]) -> float:
    """Second differences of lightness on the face against its contrast: above .07 on pictures, else out of focus."""
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.7)
    if not face.any():
        return 1.0
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_32F))[face].mean() / max(float(grey[face].std()), _CONTRAST))


def _share(likely: Mask, where: NDArray[np.bool_]) -> float:
    return float((likely[where] > _SURE).mean()) if where.any() else 0.0


def _enlarged(likely: Mask, size: int) -> Mask:
    """What is likely, without specks, a little wider, softly, at another size."""
    large = np.asarray(cv2.resize(likely, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
    thing = (large > _SURE).astype(np.uint8)
    count, labels, figures, _ = cv2.connectedComponentsWithStats(thing)
    kept = [i for i in range(1, count) if figures[i, cv2.CC_STAT_AREA] > _SPECK * thing.size]
    grown = cv2.dilate(np.isin(labels, kept).astype(np.uint8), disc(size / 90)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), max(0.8, size / 256)), np.float32)


@cache
def _network() -> InferenceSession:
    """The embedded network, loaded on first use."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 2
    path = Path(__file__).parent / "models" / "covering.onnx"
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
