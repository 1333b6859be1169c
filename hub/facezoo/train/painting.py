"""What training/face2face.py needs beside its loop: frames by folder, parts to judge, a running mean, a test drive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facezoo.face.drawing import NOWHERE
from facezoo.face.reading import pose_mesh, read_face
from facezoo.methods.face2face.model import Painter
from facezoo.methods.face2face.pipeline import Face2Face
from facezoo.train.drawings import PersonFrames, find_frames, read_frames
from facezoo.types import Image, Mask

__all__ = ["driven", "face_of", "follow", "gather", "parts"]


def gather(folder: Path, part: str) -> PersonFrames:
    """The frames of a person: rendered ones to learn from or held back, or all that are found in photos and videos."""
    return read_frames(folder / part) if (folder / part).is_dir() else find_frames(folder)


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


@torch.no_grad()
def follow(average: Painter, painter: Painter, step: int, decay: float) -> None:
    """Move the running mean toward the painter, faster while it is young; counters are copied."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    for old, new in zip(average.state_dict().values(), painter.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, share)
        else:
            old.copy_(new)


def driven(painter: Painter, data: Path, most: int) -> dict[str, dict[str, list[Image]]]:
    """Person -> "driver", "drawing", "made", "truth" -> pictures (S, S, 3) RGB uint8 of up to `most` frames held back;
    where there are pairs, anyone's face is the driver, else the person's own landmarks."""
    pipeline, side = Face2Face({"painter": painter}), painter.side
    table: dict[str, dict[str, list[Image]]] = {}
    for person in painter.people:
        frames = gather(data / person, "held_back")
        paired = (data / person / "held_back").is_dir()
        anyone = read_frames(data / person / "held_back", "a") if paired else frames
        rows: dict[str, list[Image]] = {name: [] for name in ("driver", "drawing", "made", "truth")}
        for number in np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int)).tolist():
            driver, head = anyone.picture(number, anyone.size), (frames.mesh(number, side), frames.gazes[number])
            if paired:
                motion = read_face(driver, anyone.meshes[number], painter.reader)
                head = pose_mesh(painter.rest(person), motion, side), motion.gaze
            (shown,) = pipeline.paint([head], person)
            both = anyone.picture(number, side), shown.drawing.picture, shown.picture, frames.picture(number, side)
            for name, picture in zip(rows, both, strict=True):
                rows[name].append(picture)
        table[person] = rows
    return table


def face_of(side: int) -> Mask:
    """(S, S) float32: 1 in the ellipse of an aligned crop in which faces lie."""
    y, x = np.mgrid[0:side, 0:side] / side
    return (((x - 0.5) / 0.24) ** 2 + ((y - 0.55) / 0.3) ** 2 < 1).astype(np.float32)
