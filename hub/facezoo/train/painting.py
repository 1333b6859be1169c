"""What training/face2face.py and training/pix2pixhd.py need beside their loops: frames by folder, batches, parts to
judge, a running mean, a test drive and how well it went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures
from safetensors.torch import load_file
from torch import Tensor, nn

from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.motion.drawing import NOWHERE, Style, draw
from facezoo.motion.read import pose_mesh, read_face
from facezoo.nn.people import KnownPeople
from facezoo.train.drawings import PersonFrames, find_frames, fit_reader, importance, read_frames
from facezoo.train.score import bootstrap, damage_scores
from facezoo.types import Image, Mask

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["begin", "draw_batch", "driven", "finish", "follow", "gather", "parts", "sheet"]


def gather(folder: Path, part: str) -> PersonFrames:
    """The frames of a person: rendered ones to learn from or held back, or all that are found in photos and videos."""
    return read_frames(folder / part) if (folder / part).is_dir() else find_frames(folder)


def begin(painter: KnownPeople, frames: Sequence[PersonFrames], reader: Path | None, init_from: str) -> None:
    """Tell a painter the shapes of its people, and how expressions are read, from a folder of rendered pairs, if any.
    init_from: a folder with weights that it takes over before, as far as they fit, or ""."""
    if init_from:
        file, own = Path(init_from) / "diffusion_pytorch_model.safetensors", painter.state_dict()
        fitting = {key: value.to(own[key].dtype) for key, value in load_file(file).items()
                   if key in own and value.shape == own[key].shape}  # fmt: skip
        painter.load_state_dict(fitting, strict=False)
        print(f"{len(fitting)} of {len(own)} tensors begin as in {init_from}", flush=True)
    painter.rests.copy_(torch.from_numpy(np.stack([each.rest for each in frames])))
    if reader is not None:
        painter.reads.copy_(torch.from_numpy(fit_reader(reader)))


def draw_batch(
    frames: Sequence[PersonFrames], painter: KnownPeople, batch: int, around: float, features: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Frames of the people in turn, drawn from torch's random numbers: drawings (B, 3, S, S) float32 in [-1, 1], their
    places (B, S, S, 2), who (B,), true pictures (B, 3, S, S) and weights (B, 1, S, S), see `importance`."""
    side, style = painter.side, cast("Style", painter.style)
    who = (torch.arange(batch) + torch.randint(len(frames), ())) % len(frames)
    rows: list[tuple[NDArray[np.generic], ...]] = []
    for each in who.tolist():
        number = int(torch.randint(len(frames[each]), ()))
        mesh = frames[each].mesh(number, side)
        drawing = draw(mesh, frames[each].gazes[number], side, style)
        weight = importance(drawing, mesh, around, features)
        rows.append((drawing.picture, drawing.places, frames[each].picture(number, side), weight[None]))
    drawings, places, truth, weights = (torch.from_numpy(np.stack(each)) for each in zip(*rows, strict=True))
    drawings, truth = (each.permute(0, 3, 1, 2) / 127.5 - 1 for each in (drawings, truth))
    return drawings, places, who, truth, weights


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
def follow(average: nn.Module, painter: nn.Module, step: int, decay: float) -> None:
    """Move the running mean toward the painter, faster while it is young; counters are copied."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    for old, new in zip(average.state_dict().values(), painter.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, share)
        else:
            old.copy_(new)


def driven(pipeline: DrawnPeoplePipeline, data: Path, most: int) -> dict[str, dict[str, list[Image]]]:
    """Person -> "driver", "drawing", "sketch" where there is one, "made", "truth" -> pictures (S, S, 3) RGB uint8 of up
    to `most` frames held back; where there are pairs, anyone's face is the driver, else the person's own landmarks."""
    side = pipeline.side
    table: dict[str, dict[str, list[Image]]] = {}
    for person in pipeline.people:
        frames = gather(data / person, "held_back")
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
        table[person] = rows
    return table


def sheet(pipeline: DrawnPeoplePipeline, data: Path, path: Path, rows: int = 8) -> None:
    """A picture of faces held back, for each person the columns of `driven`."""
    table = driven(pipeline, data, rows)
    columns = [np.vstack(each) for rows in table.values() for each in rows.values()]
    Pictures.fromarray(np.hstack(columns)).save(path)


def finish(pipeline: DrawnPeoplePipeline, data: Path, output: Path, config: DataclassInstance) -> None:
    """Save the weights as float16 to output/final and measure what ships on the frames held back."""
    pipeline.networks["painter"].to(torch.float16)
    pipeline = type(pipeline).from_pretrained(pipeline.save_pretrained(output / "final"))
    sheet(pipeline, data, output / "final.png")
    metrics = {person: _scores(rows) for person, rows in driven(pipeline, data, 100).items()}
    settings = json.loads(json.dumps(asdict(config), default=str))
    text = json.dumps({"config": settings, "held back": metrics}, indent=2)
    (output / "metrics.json").write_text(text + "\n")
    print(text, flush=True)


def _scores(rows: Mapping[str, Sequence[Image]]) -> dict[str, Any]:
    """For "made", "driver" and, where there is one, "sketch": score over the face -> its mean and interval."""
    face = _face_of(rows["truth"][0].shape[0])
    table: dict[str, Any] = {}
    for name in [name for name in ("made", "sketch", "driver") if name in rows]:
        scores = [damage_scores(each, true, face) for each, true in zip(rows[name], rows["truth"], strict=True)]
        table[name] = {key: asdict(bootstrap(np.array([score[key] for score in scores])))
                       for key in ("l1", "ssim", "sharpness")}  # fmt: skip
    return table


def _face_of(side: int) -> Mask:
    """(S, S) float32: 1 in the ellipse of an aligned crop in which faces lie."""
    y, x = np.mgrid[0:side, 0:side] / side
    return (((x - 0.5) / 0.24) ** 2 + ((y - 0.55) / 0.3) ** 2 < 1).astype(np.float32)
