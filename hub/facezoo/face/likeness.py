"""Who somebody is, as far as a film must tell its people apart: a short descriptor that needs no network.

The colours of the skin at the points of the mesh, of the hair around it, and the shape of the head, each mirrored side
averaged with the other, so that turns and side light matter less. A linear map, learned on rendered synthetic people
(training/likeness.py), keeps what differs between people and drops what pose, expression, light and the camera do.
It tells the few people of a film apart; it is no proof of who anybody is (`embedding` is nearer to that).

Source: Fisher 1936, "The Use of Multiple Measurements in Taxonomic Problems"; Belhumeur et al. 1997, "Eigenfaces vs.
Fisherfaces".
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.head import fit_head
from facezoo.face.mesh import BROWS, EYES, FACE_OVAL, INNER_LIPS, OUTER_LIPS, topology, vertex_normals
from facezoo.types import Image, Landmarks, Points

__all__ = ["Likeness", "covered", "likeness", "measure", "mesh_colours", "skin_colours", "unlike"]

Likeness = NDArray[np.float32]
"""(D,) float32; `unlike` says how far two are from each other."""

_WIDE = 40.0  # px: width of the face in the reduced picture that colours are read from
_MARGIN = 0.45  # of the face's size, that is seen around it
_UPPER = tuple(range(-8, 9))  # places on the outline of the face, counted from the top of the forehead
_AROUND = (1.12, 1.25, 1.4)  # how far out hair is looked at, in distances of the outline from the middle of the face
_SEEN = -0.35  # z of the normals of skin that is turned to the viewer
_OTHER = 16.0  # weighted Lab units from which a colour is another one
_RELIT, _TINTED = 1.6, 10.0  # how much light may change as a whole: factor, and Lab units
_WEIGHTS = (0.6, 1.0, 1.0)  # light changes more easily than hue
_FAR = 0.08  # the least weight of a side that is turned away


def likeness(image: Image, landmarks: Landmarks) -> Likeness:
    """The descriptor of a face. image: (H, W, 3) RGB uint8; landmarks: with the mesh of 468 points, px."""
    middle, weights = _learned()
    return ((measure(image, landmarks) - middle) @ weights).astype(np.float32)


def unlike(one: Likeness, other: Likeness) -> float:
    """How different two people are: about 1 for one person seen twice, and 2 for two."""
    return float(np.sqrt(np.mean(np.square(one - other))) / np.sqrt(2))


def measure(image: Image, landmarks: Landmarks) -> NDArray[np.float32]:
    """(F,) float32: what the descriptor is made of. Arguments as of `likeness`."""
    lab, mesh = _reduced(image, landmarks.mesh)
    skin = _even(_read(lab, mesh), vertex_normals(mesh)[:, 2])
    middle, spread = skin.mean(axis=0), np.maximum(skin.std(axis=0), (4.0, 1.5, 1.5))
    shape = _even(fit_head(mesh).to_head(mesh), np.full(468, -1, np.float32), flip=True)
    parts = ((skin - middle) / spread, (_hair(lab, mesh) - middle) / 20, 40 * shape, middle / (20, 5, 5), spread / 4)
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def skin_colours(image: Image, landmarks: Landmarks) -> NDArray[np.float32]:
    """(N, 3) Lab: the colours at those points of the mesh that are skin; NaN beyond the picture's edge. Arguments as of
    `likeness`."""
    points = landmarks.mesh[_skin_points(), :2]
    beyond = ((points < 0) | (points > np.array(image.shape[1::-1]) - 1)).any(axis=1)
    colours = _read(*_reduced(image, landmarks.mesh))[_skin_points()]
    colours[beyond] = np.nan
    return colours


def mesh_colours(image: Image, mesh: Points) -> NDArray[np.float32]:
    """(468, 3) Lab: the colours at all points of a mesh (468, 3) px of a picture (H, W, 3) RGB uint8."""
    return _read(*_reduced(image, mesh))


def covered(now: NDArray[np.float32], usual: NDArray[np.float32], mesh: Points) -> float:
    """The share of a face, [0, 1], that looks otherwise than it did: something is in front of it, or it is somebody
    else's. now, usual: `skin_colours`; a change of light as a whole is none. mesh: (468, 3) px."""
    seen = (vertex_normals(mesh)[_skin_points(), 2] < _SEEN) & ~np.isnan(now[:, 0] + usual[:, 0])
    if not seen.any():
        return 0.0
    now, usual = now[seen], usual[seen]
    gain = float(np.median(now[:, 0])) / max(float(np.median(usual[:, 0])), 1.0)
    change = now - usual * np.clip(gain, 1 / _RELIT, _RELIT)
    away = np.linalg.norm((change - np.clip(np.median(change, axis=0), -_TINTED, _TINTED)) * _WEIGHTS, axis=1)
    return float((away > _OTHER).mean())


def _reduced(image: Image, mesh: Points) -> tuple[NDArray[np.float32], Points]:
    """A small picture of the face and what is around it, (h, w, 3) Lab, and its mesh there."""
    height, width = image.shape[:2]
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    margin = _MARGIN * float((high - low).max())
    left, top = np.clip(np.floor(low - margin), 0, (width - 2, height - 2)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + margin), (left + 2, top + 2), (width, height)).astype(int).tolist()
    ratio = min(1.0, _WIDE / max(float((high - low).min()), 1.0))
    size = (max(2, round((right - left) * ratio)), max(2, round((bottom - top) * ratio)))
    small = cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 0.8).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    grown = np.array([size[0] / (right - left), size[1] / (bottom - top), ratio], np.float32)
    moved = (mesh - np.array([left, top, 0], np.float32) + 0.5) * grown - 0.5
    return np.asarray(lab, np.float32), moved.astype(np.float32)


def _read(lab: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    """(N, 3): colours at points; beyond the edge those of the edge."""
    place = np.ascontiguousarray(points[:, None, :2], np.float32)
    none: Any = None
    found = cv2.remap(lab, place, none, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(-1, 3)


def _even(values: NDArray[np.float32], depth: NDArray[np.float32], *, flip: bool = False) -> NDArray[np.float32]:
    """(N, 3): each point of the mesh averaged with the one on the other side, the one turned to the viewer counting
    more; one of each pair. depth: z of the normals, -1 faces the viewer. flip: values are places, mirrored in x."""
    other, kept = topology().mirror, _one_side()
    weight = np.clip(-depth, _FAR, 1)[:, None]
    mirrored = values[other] * np.array([-1 if flip else 1, 1, 1], np.float32)
    even = (weight * values + weight[other] * mirrored) / (weight + weight[other])
    return np.asarray(even[kept], np.float32)


def _hair(lab: NDArray[np.float32], mesh: Points) -> NDArray[np.float32]:
    """(M, 3): colours above and beside the forehead, both sides averaged."""
    oval = mesh[[FACE_OVAL[i] for i in _UPPER], :2]
    middle = mesh[168, :2]
    around = [(middle + (oval - middle) * out).astype(np.float32) for out in _AROUND]
    colours = np.stack([_read(lab, each) for each in around])
    half = len(_UPPER) // 2
    even = (colours + colours[:, ::-1])[:, : half + 1] / 2
    return even.reshape(-1, 3).astype(np.float32)


@cache
def _skin_points() -> NDArray[np.int64]:
    """Points of the mesh away from eyes, brows and lips, and a little inside the outline."""
    features = {*EYES[0], *EYES[1], *BROWS[0], *BROWS[1], *OUTER_LIPS, *INNER_LIPS, *FACE_OVAL}
    return np.array([i for i in range(468) if i not in features])


@cache
def _one_side() -> NDArray[np.int64]:
    """Points of one half of the mesh and of its middle."""
    mirror = topology().mirror
    return np.flatnonzero(np.arange(468) <= mirror)


@cache
def _learned() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(F,) mean and (F, D) map."""
    from safetensors.numpy import load_file

    kept = load_file(Path(__file__).parent / "models" / "likeness.safetensors")
    return kept["middle"].astype(np.float32), kept["weights"].astype(np.float32)
