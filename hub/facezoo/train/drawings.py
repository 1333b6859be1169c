"""Frames of one person with their landmarks, to learn from as drawings, and what is common to all faces' expressions.

Frames are rendered (training/persona_frames.py, alone or in pairs) or found: in a folder of photos and videos.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from facezoo.errors import FacezooError, UsageError
from facezoo.face.find import find_faces, move
from facezoo.face.head import fit_head
from facezoo.face.mesh import BROWS, EYES, OUTER_LIPS, to_68, topology
from facezoo.face.networks import track_mesh
from facezoo.media.read import open_clip
from facezoo.motion.drawing import NOWHERE, Drawing
from facezoo.motion.eyes import read_eyes
from facezoo.motion.read import amounts_of
from facezoo.types import Image, Landmarks, Mask, Points

__all__ = ["PersonFrames", "find_frames", "fit_reader", "importance", "read_frames"]

_SIDE = 256  # px of the crops that are cut out of photos and videos
_RIDGE = 1.0  # head units squared: how much the reader shuns points that tell little
_STILL = 24  # frames at rest whose mean is a person's own shape
_LATEST = 5  # frames of a video apart: neighbours are nearly the same picture
_APART = 0.05  # inter-ocular distances that a mesh is moved by before it is found again


@dataclass(frozen=True, eq=False)
class PersonFrames:
    """Frames of one person, aligned crops.

    pictures: paths of rendered ones, (N, S, S, 3) RGB uint8 of found ones. meshes: (N, 468, 3) float32 px of the crop,
    size: its side. gazes: (N, 2), see `drawing.draw`. rest: (468, 3) head units, the person's shape at rest."""

    pictures: list[Path] | Image
    meshes: NDArray[np.float32]
    gazes: NDArray[np.float32]
    size: int
    rest: Points

    def __len__(self) -> int:
        return len(self.meshes)

    def picture(self, number: int, side: int) -> Image:
        """(side, side, 3) RGB uint8."""
        found = self.pictures[number]
        picture = np.asarray(PIL.Image.open(found).convert("RGB")) if isinstance(found, Path) else found
        if picture.shape[0] == side:
            return picture
        return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)

    def mesh(self, number: int, side: int) -> Points:
        """(468, 3) px of a crop with that side."""
        return ((self.meshes[number] + 0.5) * (side / self.size) - 0.5).astype(np.float32)


def read_frames(folder: Path, person: str = "b") -> PersonFrames:
    """The frames that training/persona_frames.py rendered into a folder; of pairs those of one person, "a" (anyone) or
    "b" (the persona). Raises UsageError when there are none."""
    try:
        with np.load(folder / "frames.npz", allow_pickle=False) as file:
            meshes, controls = file["mesh"], file["controls"]
        records = [json.loads(line) for line in (folder / "frames.jsonl").read_text(encoding="utf-8").splitlines()]
    except OSError as problem:
        raise UsageError(f"There are no rendered frames in {folder}.", "See training/persona_frames.py.") from problem
    names = [str(record["name"]) for record in records]
    chosen = [i for i, name in enumerate(names) if name[-2:] == f"_{person}" or "_" not in name]
    if not chosen:
        raise UsageError(f"There are no frames of person {person} in {folder}.", "Render them, or name the other one.")
    first = PIL.Image.open(folder / "frames" / f"{names[chosen[0]]}.jpg")
    at_rest = np.abs(controls[chosen, 3:9]).sum(axis=1).argsort()[:_STILL]
    return PersonFrames(
        [folder / "frames" / f"{names[i]}.jpg" for i in chosen],
        meshes[chosen],
        np.array([records[i]["gaze"] for i in chosen], np.float32),
        first.width,
        _mean_shape(meshes[chosen][at_rest]),
    )


def find_frames(folder: Path) -> PersonFrames:
    """The largest face of every photo, and of every fifth frame of every video, below a folder; what cannot be read or
    shows no face is left out. Raises UsageError when nothing is left."""
    pictures: list[Image] = []
    meshes: list[Points] = []
    gazes: list[NDArray[np.float32]] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            for number, frame in enumerate(open_clip(path).frames()):
                faces = [] if number % _LATEST else find_faces(frame.image, crop_size=_SIDE, thorough=False)
                if faces:
                    pictures.append(faces[0].crop)
                    meshes.append(move(faces[0].landmarks.mesh, faces[0].affine))
                    gazes.append(read_eyes(frame.image, faces[0].landmarks.mesh).gaze)
        except FacezooError:
            continue
    if not pictures:
        raise UsageError(f"No face was found in {folder}.", "Give photos or videos in which one face is large.")
    found = np.stack(meshes)
    return PersonFrames(np.stack(pictures), found, np.stack(gazes), _SIDE, _median_shape(found))


def fit_reader(folder: Path, most: int = 2000) -> NDArray[np.float32]:
    """The reader of `Painter`, (6, 1405), from the faces of anyone among rendered pairs: ridge regression from the
    meshes that the mesh network finds in the pictures to the expressions they were rendered with.

    Source: Hoerl & Kennard 1970, "Ridge Regression". Raises UsageError as `read_frames`."""
    frames = read_frames(folder, "a")
    with np.load(folder / "frames.npz", allow_pickle=False) as file:
        controls = file["controls"][0::2]
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int))
    shapes = np.stack([_found_shape(frames, int(i)) for i in chosen])
    away = (shapes - topology().canonical).reshape(len(shapes), -1).astype(np.float64)
    wanted = amounts_of(controls[chosen]).astype(np.float64)
    middle, mean = away.mean(axis=0), wanted.mean(axis=0)
    away -= middle
    share = np.linalg.solve(away @ away.T + _RIDGE * np.eye(len(away)), wanted - mean)
    weights = away.T @ share
    return np.hstack([weights.T, (mean - middle @ weights)[:, None]]).astype(np.float32)


def importance(drawing: Drawing, mesh: Points, around: float, features: float) -> Mask:
    """(S, S) float32, mean 1: how much each pixel of a frame counts. around: what is off the face, against 1 on it;
    features: added on eyes, brows and lips."""
    side = drawing.picture.shape[0]
    weight = np.where(drawing.places[..., 0] < NOWHERE, 1, around).astype(np.float32)
    drawn = np.zeros((side, side), np.uint8)
    for ring in (*EYES, *BROWS, OUTER_LIPS):
        hull = cv2.convexHull(mesh[list(ring), :2])[:, 0]
        cv2.fillPoly(drawn, [np.round(hull * 16).astype(np.int32)], 1, shift=4)
    weight += features * cv2.dilate(drawn, np.ones((side // 64 + 1, side // 64 + 1), np.uint8))
    return np.asarray(weight / weight.mean(), np.float32)


def _found_shape(frames: PersonFrames, number: int) -> Points:
    """(468, 3) head units of the mesh that the network finds in a frame, started a little beside the true one."""
    picture = frames.picture(number, frames.size)
    start = frames.meshes[number].copy()
    away = np.random.default_rng(number).normal(0, _APART, 2) * np.ptp(start[[33, 263], 0])
    start[:, :2] += away.astype(np.float32)
    marks = Landmarks(to_68(start), start, 1.0, "mesh")
    mesh = track_mesh(picture, track_mesh(picture, marks)).mesh
    return fit_head(mesh).to_head(mesh)


def _mean_shape(meshes: NDArray[np.float32]) -> Points:
    return np.mean([fit_head(mesh).to_head(mesh) for mesh in meshes], axis=0).astype(np.float32)


def _median_shape(meshes: NDArray[np.float32]) -> Points:
    return np.median([fit_head(mesh).to_head(mesh) for mesh in meshes], axis=0).astype(np.float32)
