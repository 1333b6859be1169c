"""Teach a small network to see what is in front of a face (facezoo.face.covering), on things drawn over portraits.

    python training/covering.py --photos portraits/train paintings --output covering.onnx

It looks at an aligned face and says of each pixel whether something lies over it: a small U-Net (Ronneberger et al.
2015, arXiv:1505.04597). Needs `pip install onnx onnxscript` to write what it learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    interpolate,
    max_pool2d,
    pixel_shuffle,
    pixel_unshuffle,
)

from facezoo.errors import FacezooError
from facezoo.face.covering import SIDE, inputs_of
from facezoo.face.find import find_faces, move
from facezoo.face.mesh import topology
from facezoo.media.read import read_photo
from facezoo.train.config import start
from facezoo.train.occluders import Random, Sight, cover

_ROOM = 1.25  # how much more than what is looked at is kept of a picture, so that it can be moved
_LEARN = 3.0  # weight of what is on the face against what is around it


@dataclass(frozen=True)
class Config:
    """Learn to see what is in front of a face."""

    photos: tuple[Path, ...]
    """Folders of portraits, one face each: synthetic people, and paintings for their beards."""
    output: Path
    """The file to write."""
    glasses: tuple[str, ...] = ()
    """Names of those photos whose people wear glasses."""
    width: int = 16
    """Channels at half the size, where it begins."""
    steps: int = 8000
    """Of the optimiser."""
    batch: int = 16
    """Faces a step."""
    rate: float = 0.003
    """Of AdamW."""
    threads: int = 2
    """Processor threads."""
    seed: int = 0
    """Of all that is drawn at random."""


class Covered(nn.Module):
    """(B, 5, S, S), a face and its drawing, to (B, 2, S, S) logits: things, glasses. S: a multiple of 16."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width, 2 * width, 3 * width, 4 * width]
        self.down = nn.ModuleList(
            nn.Sequential(_layer(a, b), _layer(b, b)) for a, b in zip([20, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(_layer(a + b, b) for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.last = nn.Conv2d(width, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, 0 where either is as likely."""
        x = pixel_unshuffle(x, 2)
        kept: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(max_pool2d(x, 2) if level else x)
            kept.append(x)
        for block, fine in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([interpolate(x, scale_factor=2.0, mode="nearest"), fine], dim=1))
        return pixel_shuffle(self.last(x), 2)


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def main(config: Config) -> None:
    """Look at all photos, learn, write."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    random = np.random.default_rng(config.seed)
    sights = [
        each
        for folder in config.photos
        for path in sorted(folder.iterdir())
        for each in sights_of(path, config.glasses)
    ]
    if not sights:
        raise FacezooError("No face was found in these folders.", "Give folders of portraits.")
    learn(Covered(config.width), sights, config, random)


def learn(network: Covered, sights: list[Sight], config: Config, random: Random) -> None:
    """All steps, then the file."""
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, config.steps)
    for step in range(config.steps):
        drawn = [example(sights, random) for _ in range(config.batch)]
        seen, truth, weight = (torch.from_numpy(np.stack(each)) for each in zip(*drawn, strict=True))
        loss = wrong(network(seen), truth, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            print(step, f"{loss.item():.4f}", flush=True)
        if step % 1000 == 999 or step == config.steps - 1:
            write(network, config.output)


def wrong(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy of pixels, and how little what is found overlaps what is there (Milletari et al. 2016, V-Net,
    equation 3), in which a thin bar counts as much as a mask."""
    found, there = logits.sigmoid() * weight, truth * weight
    overlap = (2 * (found * truth).sum((2, 3)) + 50) / (found.sum((2, 3)) + there.sum((2, 3)) + 50)
    return binary_cross_entropy_with_logits(logits, truth, weight) + (1 - overlap).mean()


def example(sights: list[Sight], random: Random) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(5, S, S) what the network sees, (2, S, S) what it shall say, (2, S, S) how much each pixel counts. float32."""
    sight, other = (moved(sights[random.integers(len(sights))], random) for _ in range(2))
    crop, truth, known = cover(sight, other, random)
    shaken = sight.mesh + random.normal(0, 0.01 * SIDE, (1, 3)) + random.normal(0, 0.002 * SIDE, sight.mesh.shape)
    seen = inputs_of(crop, np.asarray(shaken, np.float32))
    return seen, truth, known * (1 + _LEARN * seen[3])


def moved(sight: Sight, random: Random) -> Sight:
    """A sight of SIDE px from a larger one: turned, shifted, mirrored at times."""
    room, turn = sight.crop.shape[0], float(random.normal(0, 6))
    scale = SIDE * _ROOM / room * float(np.exp(random.normal(0, 0.06)))
    middle = (room - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn, scale)
    matrix[:, 2] += (SIDE - 1) / 2 - middle + random.normal(0, 0.02, 2) * SIDE
    crop = cv2.warpAffine(sight.crop, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
    mesh = move(sight.mesh, matrix.astype(np.float32))
    if random.random() < 0.5:
        mesh = mesh[topology().mirror] * (-1, 1, 1) + (SIDE - 1, 0, 0)
        crop = crop[:, ::-1]
    return Sight(np.ascontiguousarray(crop, np.uint8), np.asarray(mesh, np.float32), sight.glasses)


def sights_of(path: Path, glasses: Sequence[str]) -> list[Sight]:
    """The aligned face of a portrait; nothing when no face is found. glasses: names of those who wear any."""
    if path.suffix not in (".jpg", ".png"):
        return []
    found = find_faces(read_photo(path), crop_size=round(SIDE * _ROOM), thorough=False)
    return [Sight(face.crop, move(face.landmarks.mesh, face.affine), path.name in glasses) for face in found[:1]]


def write(network: Covered, path: Path) -> None:
    """The network as an ONNX file. Raises FacezooError without onnx."""
    network.eval()
    try:
        torch.onnx.export(
            network,
            (torch.zeros(1, 5, SIDE, SIDE),),
            path,
            external_data=False,
            input_names=["face"],
            output_names=["covered"],
        )
    except ImportError as missing:
        raise FacezooError(f"What was learned cannot be written: {missing}", "pip install onnx onnxscript") from missing
    network.train()


if __name__ == "__main__":
    start(main, Config, {"full": {}})
