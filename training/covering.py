"""Teach a small network to see what is in front of a face (facezoo.face.covering), on things drawn over portraits.

    python training/covering.py --photos portraits/train paintings --output covering.safetensors

It looks at the colours at the points of the mesh and says of each point whether something covers it. Masks, bands,
bars, discs and other shapes of any colour are drawn over the points themselves: no picture is rendered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn

from facezoo.face.covering import inputs_of
from facezoo.face.find import find_faces
from facezoo.face.likeness import mesh_colours
from facezoo.face.mesh import topology
from facezoo.media.read import read_photo
from facezoo.train.config import start

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Config:
    """Learn to see what is in front of a face."""

    photos: tuple[Path, ...]
    """Folders of portraits, one face each: synthetic people, and paintings for their beards."""
    output: Path
    """The file to write."""
    hidden: int = 160
    """Width of the network."""
    steps: int = 3500
    """Of the optimiser."""
    batch: int = 96
    """Faces a step."""
    seed: int = 0
    """Of all that is drawn at random."""


def main(config: Config) -> None:
    """Look at all photos, learn, write."""
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    paths = [path for folder in config.photos for path in sorted(folder.iterdir())]
    people = np.array([each for path in paths for each in colours_of(path)], np.float32)
    first, last = nn.Linear(3 * 468 + 3, config.hidden), nn.Linear(config.hidden, 468)
    network = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.1), last)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    for step in range(config.steps):
        drawn = [with_something(people[random.integers(len(people))], people, random) for _ in range(config.batch)]
        seen = torch.from_numpy(np.array([inputs_of(colours) for colours, _ in drawn], np.float32))
        truth = torch.from_numpy(np.array([covered for _, covered in drawn], np.float32))
        loss = nn.functional.binary_cross_entropy_with_logits(network(seen), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(step, f"{loss.item():.4f}", flush=True)
    layers = {"first": first.weight, "first_bias": first.bias, "last": last.weight, "last_bias": last.bias}
    save_file({name: each.detach().numpy().astype(np.float16) for name, each in layers.items()}, config.output)


def colours_of(path: Path) -> list[Values]:
    """(468, 3) Lab of a portrait and of its mirror image; nothing when no face is found."""
    if path.suffix not in (".jpg", ".png"):
        return []
    image = read_photo(path)
    found = find_faces(image, crop_size=16, thorough=False)
    if not found:
        return []
    colours = mesh_colours(image, found[0].landmarks.mesh)
    return [colours, colours[topology().mirror]]


def with_something(colours: Values, people: Values, random: np.random.Generator) -> tuple[Values, Values]:
    """A face, (468, 3) Lab, in other light, perhaps with things in front of it; and (468,) where, 0 or 1."""
    colours = (colours * np.exp(random.normal(0, 0.15)) + random.normal(0, (0, 3, 3))).astype(np.float32)
    covered = np.zeros(468, np.float32)
    places = turned(random)
    for _ in range(random.choice(3, p=[0.35, 0.5, 0.15])):
        alpha = shape(places, random)
        thing = colour(random) + random.normal(0, 2, (468, 3)) + pattern(places, random)[:, None] * (1, 0.2, 0.2)
        if random.random() < 0.1:  # somebody else's skin and hair, out of place
            thing = people[random.integers(len(people))][random.permutation(468)] + random.normal(0, 3, 3)
        covered = np.where((alpha > 0.5) & (np.linalg.norm(thing - colours, axis=1) > 9), 1, covered)
        colours = (colours + (thing - colours) * alpha[:, None]).astype(np.float32)
    return (colours + random.normal(0, 1, (468, 3))).astype(np.float32), covered.astype(np.float32)


def turned(random: np.random.Generator) -> Values:
    """(468, 2): the mean face, turned a little."""
    yaw = random.normal(0, 0.3)
    mean = topology().canonical
    return np.stack([mean[:, 0] * np.cos(yaw) + mean[:, 2] * np.sin(yaw), mean[:, 1]], axis=1).astype(np.float32)


def shape(places: Values, random: np.random.Generator) -> Values:
    """(468,) in [0, 1]: which points a thing covers, softly at its edge."""
    kind = random.choice(["mask", "half", "band", "disc", "bars", "box"], p=[0.25, 0.1, 0.15, 0.2, 0.15, 0.15])
    angle = random.normal(0, 0.15) if kind in ("mask", "band") else random.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    x, y = places @ along, places @ across
    middle = places[random.integers(468)]
    if kind == "mask":  # from somewhere on the nose down, lower at the sides
        inside = y - random.uniform(0.05, 0.5) - random.uniform(-0.1, 0.3) * np.abs(x)
    elif kind == "half":
        inside = (places - middle) @ across + random.uniform(-0.3, 0.1)
    elif kind == "band":
        inside = random.uniform(0.08, 0.3) - np.abs(y - random.uniform(-0.5, 0.9))
    elif kind == "disc":
        inside = random.uniform(0.12, 0.5) - np.linalg.norm((places - middle) * random.uniform(0.6, 1.6, 2), axis=1)
    elif kind == "bars":
        apart = random.uniform(0.25, 1.2)
        inside = random.uniform(0.04, 0.1) - np.abs((x - middle[0] + apart / 2) % apart - apart / 2)
    else:
        size = random.uniform(0.1, 0.45, 2)
        inside = np.min(size - np.abs(np.stack([x, y], axis=1) - middle @ np.stack([along, across], axis=1)), axis=1)
    return np.clip(inside / 0.04 + 0.5, 0, 1).astype(np.float32)


def colour(random: np.random.Generator) -> Values:
    """(3,) Lab: any colour, often a grey one."""
    rgb = random.uniform(0, 1, 3) if random.random() < 0.6 else random.uniform(0, 1) + random.normal(0, 0.03, 3)
    pixel = np.clip(rgb, 0, 1).astype(np.float32)[None, None]
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB), np.float32)[0, 0]


def pattern(places: Values, random: np.random.Generator) -> Values:
    """(468,): folds or shading."""
    wave = np.sin(places @ random.normal(0, 6, 2) + random.uniform(0, 6))
    return (wave * random.uniform(0, 8) + places @ random.normal(0, 8, 2)).astype(np.float32)


if __name__ == "__main__":
    start(main, Config, {"full": {}})
