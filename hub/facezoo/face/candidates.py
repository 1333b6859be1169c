"""What the detector found, looked at twice: ghosts dropped, two meshes on one head made one, heads lying on their side
or upside down found as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.face.mesh import to_68
from facezoo.face.networks import FaceBox, detect, locate_mesh, track_mesh
from facezoo.types import Box, Image, Landmarks, Points

__all__ = ["PRESENCE", "Candidate", "candidates"]

PRESENCE = 0.5
_DOUBTFUL = 0.8  # a score below which the face may lie on its side
_UNSURE, _MISFIT = 0.1, 0.16  # mesh and keypoints this far apart: it may lie on its side; it is none
_OVERLAP = 0.5  # of the smaller mesh's frame: two are one face
_TURNED_BETTER = 0.05  # by how much a turned copy's score must be better
_TIPS = ((33, 133), (362, 263), (1,), (13,))  # of the mesh: where the detector's eyes, nose and mouth are


@dataclass(frozen=True, eq=False)
class Candidate:
    """A face that was found: as the detector saw it, and its mesh."""

    seen: FaceBox
    mesh: Landmarks


def candidates(image: Image, *, thorough: bool) -> list[Candidate]:
    """The faces of a picture (H, W, 3) RGB uint8, largest first. thorough: small ones too, and such whose head is
    turned by more than about 60 degrees: those are looked for when nothing upright is certain."""
    found = _upright(image, thorough=thorough)
    if thorough and (not found or any(_doubtful(each) for each in found)):
        found += [each for quarters in (1, 2, 3) for each in _turned(image, quarters)]
    found = sorted(found, key=lambda each: -each.seen.box.score)
    kept: list[Candidate] = []
    for each in found:
        if all(_shared(each.mesh.mesh, other.mesh.mesh) < _OVERLAP for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda each: -each.seen.box.area)


def _upright(image: Image, *, thorough: bool) -> list[Candidate]:
    found: list[Candidate] = []
    for seen in detect(image, thorough=thorough):
        mesh = locate_mesh(image, seen.box, seen.keypoints[:2])
        if mesh.presence < PRESENCE:
            continue
        if seen.box.score < _DOUBTFUL and track_mesh(image, mesh).presence < PRESENCE:
            continue  # what is no face does not stay where it was found
        if _misfit(seen.keypoints, mesh.mesh) < _MISFIT:
            found.append(Candidate(seen, mesh))
    return found


def _doubtful(found: Candidate) -> bool:
    return found.seen.box.score < _DOUBTFUL or _misfit(found.seen.keypoints, found.mesh.mesh) > _UNSURE


def _turned(image: Image, quarters: int) -> list[Candidate]:
    """What is found in the picture turned counterclockwise, in the picture's own pixels; its score is a little less."""
    turned = np.ascontiguousarray(np.rot90(image, quarters))
    found: list[Candidate] = []
    for each in _upright(turned, thorough=False):
        mesh = _back(each.mesh.mesh, image, quarters)
        again = track_mesh(image, Landmarks(to_68(mesh), mesh, each.mesh.presence, "mesh"))
        if again.presence < PRESENCE or each.seen.box.score < _DOUBTFUL:
            continue
        points = _back(each.seen.keypoints, image, quarters)
        box = each.seen.box
        corners = _back(np.array([[box.left, box.top], [box.right, box.bottom]], np.float32), image, quarters)
        edges = [*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()]
        found.append(Candidate(FaceBox(Box(*edges, score=box.score - _TURNED_BETTER), points), again))
    return found


def _back(points: Points, image: Image, quarters: int) -> Points:
    """Points (N, 2) or (N, 3) of the turned picture in the picture itself."""
    height, width = image.shape[:2]
    x, y = points[:, 0], points[:, 1]
    plane = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}[quarters]
    return np.column_stack([*plane, points[:, 2:]]).astype(np.float32)


def _misfit(keypoints: Points, mesh: Points) -> float:
    """How far eyes, nose and mouth of the detector lie from the mesh's, in sizes of the face."""
    ours = np.array([mesh[list(each), :2].mean(axis=0) for each in _TIPS])
    return float(np.linalg.norm(ours - keypoints[:4], axis=1).mean() / np.ptp(mesh[:, :2], axis=0).max())


def _shared(a: Points, b: Points) -> float:
    """The part of the smaller mesh's frame that lies in the other's."""
    low = np.maximum(a[:, :2].min(axis=0), b[:, :2].min(axis=0))
    high = np.minimum(a[:, :2].max(axis=0), b[:, :2].max(axis=0))
    smaller = min(float(np.prod(np.ptp(each[:, :2], axis=0))) for each in (a, b))
    return float(np.prod(np.maximum(high - low, 0)) / max(smaller, 1e-6))
