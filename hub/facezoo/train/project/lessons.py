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
from facezoo.face.paste import moments, with_moments
from facezoo.methods.deepfakes.model import Autoencoder
from facezoo.methods.deepfakes.window import SHARE
from facezoo.train.deepfakes import FacePairs, window_of

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
    labels = pairs.labels[chosen]
    face = ((labels >= 2) & (labels <= 7)).astype(np.float32)[..., None]

    def apart(name: str) -> float:
        window, made, _ = _swapped(network, pairs.persona[chosen], name)
        seen = window_of(face, window.shape[1])
        return float(np.mean([np.abs((_in_colors_of(*each) - each[1]) * each[2]).mean()
                              for each in zip(made, window, seen, strict=True)]))  # fmt: skip

    return min(network.people, key=apart)


def _disguised(crops: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """(N, D, D, 3): the same faces, each with the face of a persona chosen at random pasted on."""
    network, out = _shipped(), crops.copy()
    people = network.people
    whom = np.random.default_rng(seed).integers(len(people), size=len(crops))
    line = np.linspace(0, 1, network.side * network.scale, dtype=np.float32)
    line = np.minimum(np.minimum(line, line[::-1]) / _EDGE, 1)
    for number, name in enumerate(people):
        mine = np.flatnonzero(whom == number)
        for chosen in (mine[start : start + _BATCH] for start in range(0, len(mine), _BATCH)):
            for each, window, made, mask in zip(chosen, *_swapped(network, crops[chosen], name), strict=True):
                part = mask * (line[:, None] * line[None, :])[..., None]
                mixed = window + part * (_in_colors_of(made, window, part) - window)
                window_of(out[each][None], len(line))[0][:] = np.clip(np.rint(mixed), 0, 255)
    return out


def _swapped(
    network: Autoencoder, crops: NDArray[np.uint8], name: str
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """(N, T, T, 3) what the network sees of crops, and what it makes of that, grey levels; (N, T, T, 1), its mask."""
    window = window_of(crops, network.side * network.scale)
    faces = torch.from_numpy(np.ascontiguousarray(window)).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        made, mask = network.swap(functional.avg_pool2d(faces, network.scale), name)
    return window, ((made + 1) * 127.5).permute(0, 2, 3, 1).numpy(), mask.permute(0, 2, 3, 1).numpy()


def _in_colors_of(made: NDArray[np.float32], own: NDArray[np.uint8], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture (T, T, 3) with the mean and deviation, under the mask (T, T, 1), of another."""
    weight = mask.ravel() + 1e-6
    ours, theirs = (moments(each.reshape(-1, 3).astype(np.float32), weight) for each in (made, own))
    return with_moments(made, ours, theirs)
