"""What training/face2face.py and training/pix2pixhd.py learn from and by: frames of a person with their landmarks,
drawn; what is common to all faces' expressions; and how well a painter does what others do.

Frames are rendered (training/persona_frames.py, alone or in pairs) or found: in a folder of photos and videos.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, move
from facezoo.face.head import fit_head
from facezoo.face.mesh import BROWS, EYES, OUTER_LIPS, to_68, topology
from facezoo.face.networks import track_mesh
from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.motion.drawing import NOWHERE, Drawing, Style, draw
from facezoo.motion.eyes import read_eyes
from facezoo.motion.read import amounts_of, pose_mesh, read_face
from facezoo.nn.people import KnownPeople
from facezoo.train.checkpoint import take_over
from facezoo.train.config import RunConfig
from facezoo.train.likeness import damage_scores, score_of
from facezoo.train.loop import Kept
from facezoo.train.sources import data_sets, folder_of, frames_below, people_in
from facezoo.types import Image, Landmarks, Mask, Points
from facezoo.zoo.record import Score

__all__ = [
    "PaintConfig",
    "PersonFrames",
    "begin",
    "draw_batch",
    "find_frames",
    "fit_reader",
    "frames_of",
    "importance",
    "kept_painter",
    "parts",
    "read_frames",
]  # fmt: skip

_SIDE = 256  # px of the crops that are cut out of photos and videos
_RIDGE = 1.0  # head units squared: how much the reader shuns points that tell little
_STILL = 24  # frames at rest whose mean is a person's own shape
_HELD = 10  # of photos and videos, every so many frames are held back
_APART = 0.05  # inter-ocular distances that a mesh is moved by before it is found again


@dataclass(frozen=True, kw_only=True)
class PaintConfig(RunConfig):
    """What a painter of people can be told."""

    data: str
    """Folder, or Hub data set owner/name@commit, with one subfolder a person: train/ and held_back/ as persona_frames
    writes them, or photos and videos."""
    people: tuple[str, ...] = ()
    """Subfolders of `data`: who can be painted; by default all of them."""
    network: str = "cpu"
    """cpu, small or paper: see the method's model."""
    expressions: str = ""
    """Folder of rendered pairs from which expressions are learned to be read; by default the first person's train/."""
    features: float = 4.0
    """How much more eyes, brows and lips count."""
    around: float = 0.4
    """How much what is not the face counts."""

    @property
    def folder(self) -> Path:
        """Where the people are."""
        return folder_of(self.data)

    @property
    def names(self) -> tuple[str, ...]:
        """Who can be painted. Raises UsageError when one of them is not there."""
        names = people_in(self.folder, self.people)
        if self.network == "paper" and len(names) > 1:
            raise UsageError("--network paper knows one person.", f"Say whom: --people {names[0]}.")
        return names


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

    def pick(self, chosen: NDArray[np.bool_]) -> PersonFrames:
        """Some of the frames."""
        return replace(
            self, pictures=np.asarray(self.pictures)[chosen], meshes=self.meshes[chosen], gazes=self.gazes[chosen]
        )


@cache
def frames_of(folder: Path, part: str) -> PersonFrames:
    """The frames of a person: rendered ones to "train" on or "held_back", or some of those found in photos and
    videos."""
    if (folder / part).is_dir():
        return read_frames(folder / part)
    found = find_frames(folder)
    if len(found) < 2:
        return found
    kept = np.arange(len(found)) % _HELD != _HELD - 1 if len(found) >= _HELD else np.arange(len(found)) < len(found) - 1
    return found.pick(kept if part == "train" else ~kept)


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
        _shape(meshes[chosen][at_rest], np.mean),
    )


def find_frames(folder: Path) -> PersonFrames:
    """The largest face of every photo, and of every fifth frame of every video, below a folder; what cannot be read or
    shows no face is left out. Raises UsageError when nothing is left."""
    pictures: list[Image] = []
    meshes: list[Points] = []
    gazes: list[NDArray[np.float32]] = []
    for frame in frames_below(folder):
        faces = find_faces(frame.image, crop_size=_SIDE, thorough=False)
        if faces:
            pictures.append(faces[0].crop)
            meshes.append(move(faces[0].landmarks.mesh, faces[0].affine))
            gazes.append(read_eyes(frame.image, faces[0].landmarks.mesh).gaze)
    if not pictures:
        raise UsageError(f"No face was found in {folder}.", "Give photos or videos in which one face is large.")
    found = np.stack(meshes)
    return PersonFrames(np.stack(pictures), found, np.stack(gazes), _SIDE, _shape(found, np.median))


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


def begin(painter: KnownPeople, frames: Sequence[PersonFrames], config: PaintConfig) -> None:
    """Tell a painter the shapes of its people, and how expressions are read; with --init-from it takes over weights
    before, as far as they fit."""
    if config.init_from:
        print(take_over(painter, config.init_from, "painter"), flush=True)
    painter.rests.copy_(torch.from_numpy(np.stack([each.rest for each in frames])))
    if not config.resume and (config.expressions or not config.init_from):
        pairs = Path(config.expressions) if config.expressions else config.folder / config.names[0] / "train"
        painter.reads.copy_(torch.from_numpy(fit_reader(pairs)))


def groups(painter: KnownPeople, rate: float, textures: float) -> list[dict[str, Any]]:
    """What an optimiser learns, the textures so many times as fast."""
    own = [painter.textures, painter.canvases]
    rest = [each for each in painter.parameters() if all(each is not one for one in own)]
    return [{"params": rest, "lr": rate}, {"params": own, "lr": rate * textures}]


def draw_batch(
    frames: Sequence[PersonFrames], painter: KnownPeople, config: PaintConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Frames of the people in turn, drawn from torch's random numbers: drawings (B, 3, S, S) float32 in [-1, 1], their
    places (B, S, S, 2), who (B,), true pictures (B, 3, S, S) and weights (B, 1, S, S), see `importance`."""
    side, style = painter.side, cast("Style", painter.style)
    who = (torch.arange(config.batch) + torch.randint(len(frames), ())) % len(frames)
    rows: list[tuple[NDArray[np.generic], ...]] = []
    for each in who.tolist():
        number = int(torch.randint(len(frames[each]), ()))
        mesh = frames[each].mesh(number, side)
        drawing = draw(mesh, frames[each].gazes[number], side, style)
        weight = importance(drawing, mesh, config.around, config.features)
        rows.append((drawing.picture, drawing.places, frames[each].picture(number, side), weight[None]))
    drawings, places, truth, weights = (torch.from_numpy(np.stack(each)) for each in zip(*rows, strict=True))
    drawings, truth = (each.permute(0, 3, 1, 2) / 127.5 - 1 for each in (drawings, truth))
    drawn = drawings, places, who, truth, weights
    drawings, places, who, truth, weights = (each.to(painter.device) for each in drawn)
    return drawings, places, who, truth, weights


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


def parts(pictures: Tensor, places: Tensor, side: int) -> Tensor:
    """(B, C, side, side): a part of each picture, its middle somewhere on the face."""
    if side >= pictures.shape[-1]:
        return pictures
    found: list[Tensor] = []
    for picture, place in zip(pictures, places, strict=True):
        face = torch.nonzero(place[..., 0] < NOWHERE).float()
        middle = face.mean(dim=0).cpu() + side / 6 * torch.randn(2)
        top, left = (middle - side / 2).round().long().clamp(0, pictures.shape[-1] - side).tolist()
        found.append(picture[:, top : top + side, left : left + side])
    return torch.stack(found)


def kept_painter(
    pipeline: DrawnPeoplePipeline, frames: Sequence[PersonFrames], config: PaintConfig
) -> Kept[DrawnPeoplePipeline]:
    """What a run leaves: the pipeline of the averaged painter."""
    names = ", ".join(config.names)
    return Kept(
        pipeline=lambda: pipeline,
        preview=lambda made: _sheet(made, config.folder),
        measure=lambda made, most: [score for person in made.people
                                    for score in _scores(person, driven(made, config.folder, person, min(most, 100)))],
        data=data_sets([(config.data, sum(map(len, frames)))], config),
        limits=f"It paints {names} and nobody else; what the {sum(map(len, frames))} pictures of them do not show it "
        "does not know.",
    )  # fmt: skip


def driven(pipeline: DrawnPeoplePipeline, data: Path, person: str, most: int) -> dict[str, list[Image]]:
    """Of up to `most` frames held back: driver, drawing, sketch where there is one, made, truth -> pictures (S, S, 3)
    RGB uint8; where there are pairs, anyone's face is the driver, else the person's own landmarks."""
    side, frames = pipeline.side, frames_of(data / person, "held_back")
    paired = (data / person / "held_back").is_dir()
    anyone = read_frames(data / person / "held_back", "a") if paired else frames
    rows: dict[str, list[Image]] = {}
    for number in np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int)).tolist():
        driver, head = anyone.picture(number, anyone.size), (frames.mesh(number, side), frames.gazes[number])
        if paired:
            motion = read_face(driver, anyone.meshes[number], pipeline.reader)
            head = pose_mesh(pipeline.rest(person), motion, side), motion.gaze
        (shown,) = pipeline.paint([head], person)
        both = {"driver": anyone.picture(number, side), "drawing": shown.drawing.picture}
        if shown.sketches:
            both["sketch"] = shown.sketches[-1]
        for name, picture in (both | {"made": shown.picture, "truth": frames.picture(number, side)}).items():
            rows.setdefault(name, []).append(picture)
    return rows


def _sheet(pipeline: DrawnPeoplePipeline, data: Path, rows: int = 8) -> Image:
    """(H, W, 3) RGB uint8 of faces held back, for each person the columns of `driven`; the longest column counts."""
    columns = [np.vstack(each) for person in pipeline.people for each in driven(pipeline, data, person, rows).values()]
    longest = max(len(each) for each in columns)
    return np.hstack([np.pad(each, ((0, longest - len(each)), (0, 0), (0, 0))) for each in columns])


def _scores(person: str, rows: dict[str, list[Image]]) -> list[Score]:
    """Over the face, of the painted pictures, with the driver and the sketch beside them."""
    face = _face_of(rows["truth"][0].shape[0])
    found = {name: [damage_scores(each, true, face) for each, true in zip(rows[name], rows["truth"], strict=True)]
             for name in ("made", "sketch", "driver") if name in rows}  # fmt: skip

    def one(metric: str, name: str, better: Literal["higher", "lower"]) -> Score:
        values = {each: [score[metric] for score in scores] for each, scores in found.items()}
        return score_of(f"{metric}_{person}", f"{name}, {person}", values.pop("made"), values, better=better)

    return [
        one("ssim", "SSIM", "higher"),
        one("l1", "L1, grey levels", "lower"),
        one("sharpness", "sharpness", "higher"),
    ]


def _found_shape(frames: PersonFrames, number: int) -> Points:
    """(468, 3) head units of the mesh that the network finds in a frame, started a little beside the true one."""
    picture = frames.picture(number, frames.size)
    start = frames.meshes[number].copy()
    away = np.random.default_rng(number).normal(0, _APART, 2) * np.ptp(start[[33, 263], 0])
    start[:, :2] += away.astype(np.float32)
    marks = Landmarks(to_68(start), start, 1.0, "mesh")
    mesh = track_mesh(picture, track_mesh(picture, marks)).mesh
    return fit_head(mesh).to_head(mesh)


def _shape(meshes: NDArray[np.float32], middle: Callable[..., Any]) -> Points:
    """(468, 3) head units: the mean or median of meshes."""
    return np.asarray(middle([fit_head(mesh).to_head(mesh) for mesh in meshes], axis=0), np.float32)


def _face_of(side: int) -> Mask:
    """(S, S) float32: 1 in the ellipse of an aligned crop in which faces lie."""
    y, x = np.mgrid[0:side, 0:side] / side
    return (((x - 0.5) / 0.24) ** 2 + ((y - 0.55) / 0.3) ** 2 < 1).astype(np.float32)
