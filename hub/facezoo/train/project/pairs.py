"""What a project's network begins with, and what it learns from.

The network is the one that ships, with two new decoders: its encoder knows faces already, and each decoder begins as
that of the persona who comes nearest. Unless both sides do the same, every face is also shown as the personas, by the
network that ships: the new decoders learn to make their person of anybody who does what that person does, so that a
swap is nothing new to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from facezoo import registry
from facezoo.methods.deepfakes.model import Autoencoder
from facezoo.methods.deepfakes.window import LEFT, SHARE, TOP
from facezoo.train.faces import FacePairs

if TYPE_CHECKING:
    from facezoo.train.project.project import Project

__all__ = ["PEOPLE", "network_for", "pairs_of"]

PEOPLE = ("a", "b")
"""Names of the decoders of a project's network."""
_BATCH = 8
_COMPARED = 16  # faces by which the nearest persona is found
_EDGE = 0.06  # of the window's side, which what is pasted fades out over


def pairs_of(project: Project) -> list[FacePairs]:
    """What decoder a, and then b, is to learn: anyone in, its person out."""
    sides, shipped = [project.sides[name] for name in PEOPLE], _shipped()
    size = round(shipped.side * shipped.scale / SHARE)
    if project.paired:
        ids = sorted(set(sides[0].kept()) & set(sides[1].kept()))
        (first, first_labels), (second, second_labels) = (side.crops(ids, size) for side in sides)
        return [FacePairs(second, first, first_labels), FacePairs(first, second, second_labels)]
    found = [side.crops(side.kept(), size) for side in sides]
    return [FacePairs(_disguised(crops, seed), crops, labels) for seed, (crops, labels) in enumerate(found)]


def network_for(training: list[FacePairs]) -> Autoencoder:
    """A network for the people a and b that begins as the one that ships. training: as `pairs_of` gives it."""
    shipped = _shipped()
    config: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in dict(shipped.config).items()
        if not name.startswith("_")
    }
    config |= {"people": PEOPLE, "anyone": ()}
    network = Autoencoder(**config)
    network.encoder.load_state_dict(shipped.encoder.state_dict())
    for name, pairs in zip(PEOPLE, training, strict=True):
        network.decoders[name].load_state_dict(shipped.decoders[_nearest(shipped, pairs)].state_dict())
    return network


def _shipped() -> Autoencoder:
    return cast("Autoencoder", registry.load("deepfakes").networks["autoencoder"]).float()


def _nearest(network: Autoencoder, pairs: FacePairs) -> str:
    """The person of the network whom it makes of these faces with the least change, colours aside."""
    chosen = np.linspace(0, len(pairs) - 1, min(_COMPARED, len(pairs))).astype(int)
    window, (top, left) = _window(network, pairs.persona[chosen])
    labels = pairs.labels[chosen][:, top : top + window.shape[1], left : left + window.shape[1]]
    face, own = torch.from_numpy((labels >= 2) & (labels <= 7))[:, None].float(), _planes(window)

    def apart(name: str) -> float:
        made, _ = _swapped(network, window, name)
        return float(((_in_colors_of(made, own, face) - own).abs() * face).mean())

    return min(network.people, key=apart)


def _disguised(crops: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """(N, D, D, 3): the same faces, each with the face of a persona chosen at random pasted on."""
    network, out = _shipped(), crops.copy()
    people = network.people
    whom = np.random.default_rng(seed).integers(len(people), size=len(crops))
    for number, name in enumerate(people):
        mine = np.flatnonzero(whom == number)
        for start in range(0, len(mine), _BATCH):
            chosen = mine[start : start + _BATCH]
            window, (top, left) = _window(network, crops[chosen])
            made, mask = _swapped(network, window, name)
            own, side = _planes(window), window.shape[1]
            line = (torch.minimum(torch.arange(side), torch.arange(side).flip(0)) / (_EDGE * side)).clamp(0, 1)
            mask = mask * torch.minimum(line[:, None], line[None, :])
            mixed = torch.lerp(own, _in_colors_of(made, own, mask), mask)
            pixels = ((mixed.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            out[chosen, top : top + side, left : left + side] = pixels
    return out


def _window(network: Autoencoder, crops: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """What the network sees of crops, at the size of its pictures, and where that begins in them, rows first."""
    side = network.side * network.scale
    top, left = round(TOP * crops.shape[1]), round(LEFT * crops.shape[1])
    return crops[:, top : top + side, left : left + side], (top, left)


def _planes(window: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(window).permute(0, 3, 1, 2) / 127.5 - 1


@torch.inference_mode()
def _swapped(network: Autoencoder, window: NDArray[np.uint8], name: str) -> tuple[torch.Tensor, torch.Tensor]:
    return network.swap(functional.avg_pool2d(_planes(window), network.scale), name)


def _in_colors_of(made: torch.Tensor, own: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The pictures with the mean and deviation, under the mask, of others."""
    weight = mask / mask.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)

    def moments(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = (weight * x).sum(dim=(2, 3), keepdim=True)
        return mean, ((weight * (x - mean) ** 2).sum(dim=(2, 3), keepdim=True) + 1e-4).sqrt()

    (mean, deviation), (wanted, spread) = moments(made), moments(own)
    return (made - mean) / deviation * spread + wanted
