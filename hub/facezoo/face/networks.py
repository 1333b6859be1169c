"""The embedded networks, and what they see in a picture: faces (BlazeFace, on the whole picture and on tiles of it),
and the 468 points of the mesh with depth. Five small LiteRT files of MediaPipe (Apache-2.0, see models/NOTICE).

The 68 points of face-alignment (`fan`) are the other backend, with weights of its own.

Sources: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (arXiv:1907.05047);
Kartynnik et al. 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs" (arXiv:1907.06724);
Bulat & Tzimiropoulos 2017, "How far are we from solving the 2D & 3D Face Alignment problem?" (arXiv:1703.07332).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import WeightsUnavailable
from facezoo.face.mesh import to_68
from facezoo.types import Box, Image, Landmarks, Points

__all__ = ["FaceBox", "Network", "checksums", "detect", "fan", "locate_fan", "locate_mesh", "network", "track_mesh"]

MODELS = Path(__file__).parent / "models"
SHA256 = {
    "face_detection_short_range.tflite": "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    "face_detection_full_range_sparse.tflite": "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    "face_landmark.tflite": "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "iris_landmark.tflite": "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    "selfie_segmentation.tflite": "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
}


class Network:
    """One network, loaded and checked on first use, safe to call from several threads.

    Raises WeightsUnavailable when the file is missing or is not the one facezoo was built with."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._interpreter: Any = None

    def __call__(self, tensor: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """tensor: (1, S, S, 3) float32 in the range the network was trained on. Returns its outputs in file order."""
        with self._lock:
            if self._interpreter is None:
                self._interpreter = _load(self._name)
            interpreter = self._interpreter
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
            interpreter.invoke()
            return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


@cache
def network(name: str) -> Network:
    """The one shared instance of a network, by file name."""
    return Network(name)


def checksums() -> dict[str, bool]:
    """For each embedded network: is the file there and unchanged."""
    return {name: _digest(name) == expected for name, expected in SHA256.items()}


def _digest(name: str) -> str:
    path = MODELS / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _load(name: str) -> Any:
    if _digest(name) != SHA256[name]:
        raise WeightsUnavailable(
            f"The embedded network {name} is missing or changed.",
            "Install facezoo again: pip install --force-reinstall facezoo",
        )
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(MODELS / name), num_threads=2)
    interpreter.allocate_tensors()
    return interpreter


MINIMUM_SCORE = 0.5
SAME_FACE = 0.35  # intersection over union, or over the smaller box (0.6), from which two boxes are one face
_SMALLEST_TILE = 160  # px: below this, enlarging a tile only invents faces


@dataclass(frozen=True, eq=False)
class FaceBox:
    """A box and the six BlazeFace keypoints: (6, 2) float32 px, viewer's left eye, right eye, nose tip, mouth, left and
    right ear."""

    box: Box
    keypoints: Points


def detect(image: Image, *, thorough: bool = True) -> list[FaceBox]:
    """Faces of a picture, largest first.

    image: (H, W, 3) RGB uint8. thorough also searches overlapping tiles (half and a third of the picture) for small
    faces: about five times the cost. Boxes that only a tile saw and that hang over the tile's edge are dropped.
    """
    found = [*_scan(image, "short"), *_scan(image, "full")]
    if thorough:
        for left, top, side in _tiles(image.shape[1], image.shape[0]):
            tile = image[top : top + side, left : left + side]
            whole = (left == 0, top == 0, left + side >= image.shape[1], top + side >= image.shape[0])
            found += [_moved(d, left, top) for d in _scan(tile, "full") if _inside(d.box, tile.shape, whole)]
    kept = _merge(found)
    return sorted(kept, key=lambda detection: -detection.box.area)


@dataclass(frozen=True)
class _Variant:
    file: str
    side: int
    strides: tuple[tuple[int, int], ...]  # (stride, anchors a cell)


_VARIANTS = {
    "short": _Variant("face_detection_short_range.tflite", 128, ((8, 2), (16, 6))),
    "full": _Variant("face_detection_full_range_sparse.tflite", 192, ((4, 1),)),
}


@cache
def _anchors(name: str) -> NDArray[np.float32]:
    """Anchor centres, (N, 2) float32 in [0, 1], row by row."""
    variant = _VARIANTS[name]
    centres: list[NDArray[np.float64]] = []
    for stride, repeats in variant.strides:
        cells = variant.side // stride
        ys, xs = np.mgrid[0:cells, 0:cells]
        grid = np.stack([(xs.ravel() + 0.5) / cells, (ys.ravel() + 0.5) / cells], axis=1)
        centres.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _scan(image: Image, name: str) -> list[FaceBox]:
    """One pass of one variant over a picture, letterboxed to the network's square."""
    variant = _VARIANTS[name]
    height, width = image.shape[:2]
    long_side = max(height, width)
    scale = variant.side / long_side
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.zeros((variant.side, variant.side, 3), np.float32)
    canvas[: size[1], : size[0]] = small.astype(np.float32) / 127.5 - 1.0
    outputs = network(variant.file)(canvas[None])
    raw, logits = sorted(outputs, key=lambda output: -output.shape[-1])
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100, 100)))
    chosen = np.flatnonzero(scores > MINIMUM_SCORE)
    anchors = _anchors(name)[chosen]
    values = raw[0, chosen].reshape(-1, 8, 2) / variant.side  # centre, size, six keypoints
    centres = (values[:, 0] + anchors) * long_side
    sizes = values[:, 1] * long_side
    points = (values[:, 2:] + anchors[:, None]) * long_side
    return [
        FaceBox(Box(*(c - s / 2).tolist(), *(c + s / 2).tolist(), score=float(score)), p.astype(np.float32))
        for c, s, p, score in zip(centres, sizes, points, scores[chosen], strict=True)
    ]


def _tiles(width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """(left, top, side) of square tiles that overlap by about a third, coarse to fine."""
    for share in (0.6, 0.36):
        side = int(max(width, height) * share)
        if side < _SMALLEST_TILE:
            return
        for top in _starts(height, side):
            for left in _starts(width, side):
                yield left, top, side


def _starts(length: int, side: int) -> list[int]:
    if side >= length:
        return [0]
    count = int(np.ceil((length - side) / (side * 0.67))) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


def _inside(box: Box, shape: tuple[int, ...], whole: tuple[bool, bool, bool, bool]) -> bool:
    margin = 2.0
    return (
        (whole[0] or box.left > margin)
        and (whole[1] or box.top > margin)
        and (whole[2] or box.right < shape[1] - margin)
        and (whole[3] or box.bottom < shape[0] - margin)
    )


def _moved(detection: FaceBox, left: int, top: int) -> FaceBox:
    box = detection.box
    moved = Box(box.left + left, box.top + top, box.right + left, box.bottom + top, box.score)
    return FaceBox(moved, detection.keypoints + np.array([left, top], np.float32))


def _merge(found: list[FaceBox]) -> list[FaceBox]:
    """Weighted non-maximum suppression (Bazarevsky et al. 2019, section 4): boxes of one face are averaged by score."""
    rest = sorted(found, key=lambda detection: -detection.box.score)
    merged: list[FaceBox] = []
    while rest:
        best = rest[0]
        same = [other for other in rest if _same(best.box, other.box)]
        rest = [other for other in rest if not _same(best.box, other.box)]
        alike = [other for other in same if _overlap(best.box, other.box)[0] > SAME_FACE]
        weights = np.array([other.box.score for other in alike], np.float32)
        weights /= weights.sum()
        edges = np.array([[o.box.left, o.box.top, o.box.right, o.box.bottom] for o in alike], np.float32)
        points = np.stack([o.keypoints for o in alike])
        box = Box(*(weights @ edges).tolist(), score=best.box.score)
        merged.append(FaceBox(box, np.tensordot(weights, points, 1).astype(np.float32)))
    return merged


def _same(a: Box, b: Box) -> bool:
    union, smaller = _overlap(a, b)
    return union > SAME_FACE or smaller > 0.6


def _overlap(a: Box, b: Box) -> tuple[float, float]:
    """Intersection over union, and over the smaller box."""
    width = max(0.0, min(a.right, b.right) - max(a.left, b.left))
    height = max(0.0, min(a.bottom, b.bottom) - max(a.top, b.top))
    shared = width * height
    return shared / max(a.area + b.area - shared, 1e-6), shared / max(min(a.area, b.area), 1e-6)


_SIDE = 192  # px, the mesh network's input
_MARGIN = 1.5  # the crop is this much wider than the face
_EMPTY = np.zeros((0, 3), np.float32)


def locate_mesh(image: Image, box: Box, eyes: Points, *, passes: int = 2) -> Landmarks:
    """The mesh of a detected face.

    image: (H, W, 3) RGB uint8. eyes: (2, 2) px, viewer's left and right, roughly. passes: how often the crop is taken
    anew from the mesh found before it; two are enough.
    """
    centre = np.array([(box.left + box.right) / 2, (box.top + box.bottom) / 2], np.float32)
    side = max(box.width, box.height) * _MARGIN
    mesh, presence = _run_mesh(image, centre, side, _angle(eyes[0], eyes[1]))
    for _ in range(passes - 1):
        mesh, presence = _refine(image, mesh)
    return Landmarks(to_68(mesh), mesh, presence, "mesh")


def track_mesh(image: Image, previous: Landmarks) -> Landmarks:
    """The mesh of the same face in the next frame, started from the previous frame's mesh: no detector needed while
    `presence` stays above 0.5."""
    mesh, presence = _refine(image, previous.mesh)
    return Landmarks(to_68(mesh), mesh, presence, "mesh")


def locate_fan(image: Image, box: Box) -> Landmarks:
    """The 68 points of face-alignment's 2D network.

    Raises WeightsUnavailable when face-alignment or its weights are not here (it fetches them on first use)."""
    with_brow = [box.left, box.top, box.right, box.bottom, box.score]
    try:
        found = fan().get_landmarks_from_image(image, detected_faces=[np.array(with_brow)])
    except OSError as error:
        raise WeightsUnavailable(
            "The weights of face-alignment could not be fetched.",
            "Put 2DFAN4-11f355bf06.pth.tar into $TORCH_HOME/hub/checkpoints, or use the mesh backend.",
        ) from error
    points = np.asarray(found[0], np.float32).reshape(68, 2)
    return Landmarks(points, _EMPTY, 1.0, "fan")


@cache
def fan() -> Any:
    """The one shared network of face-alignment. Raises WeightsUnavailable when it is not installed."""
    try:
        import face_alignment
    except ImportError as error:
        raise WeightsUnavailable("face-alignment is not installed.", "pip install 'facezoo[fan]'") from error
    return face_alignment.FaceAlignment(
        face_alignment.LandmarksType.TWO_D,
        device="cpu",
        face_detector="folder",  # the faces are given, so no detector is fetched
        compile=False,
    )


def _refine(image: Image, mesh: Points) -> tuple[Points, float]:
    angle = _angle(mesh[33, :2], mesh[263, :2])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    upright = mesh[:, :2] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = turn.T @ ((low + high) / 2)
    return _run_mesh(image, centre, float((high - low).max()) * _MARGIN, angle)


def _angle(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))


def _run_mesh(image: Image, centre: NDArray[np.float32], side: float, angle: float) -> tuple[Points, float]:
    """One pass over a square crop turned by `angle` (radians). Returns the (468, 3) mesh in picture pixels and the
    presence in [0, 1]; depth is in the same pixels."""
    scale = side / _SIDE
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    half = (_SIDE - 1) / 2
    to_image = np.array(
        [
            [cos, -sin, centre[0] - cos * half + sin * half],
            [sin, cos, centre[1] - sin * half - cos * half],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if scale > 2:  # an area filter first, so that a large face is not aliased
        factor = 1.0 / scale
        reduced = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        ratio = np.array([reduced.shape[1] / image.shape[1], reduced.shape[0] / image.shape[0]])
        crop = cv2.warpAffine(
            reduced, to_image * ratio[:, None], (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
    else:
        crop = cv2.warpAffine(image, to_image, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    outputs = network("face_landmark.tflite")(crop[None].astype(np.float32) / 255.0)
    raw, logit = sorted(outputs, key=lambda output: -output.size)
    points = raw.reshape(468, 3).astype(np.float64)
    flat = points[:, :2] @ to_image[:, :2].T + to_image[:, 2]
    mesh = np.concatenate([flat, points[:, 2:] * scale], axis=1).astype(np.float32)
    return mesh, float(1.0 / (1.0 + np.exp(-logit.ravel()[0])))
