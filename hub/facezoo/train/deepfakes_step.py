"""One step of the deepfakes training: what is drawn, what it costs to be wrong; and how wrong the network still is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from facezoo.methods.deepfakes.model import Autoencoder
from facezoo.methods.deepfakes.window import LEFT, SHARE, TOP, random_warp
from facezoo.train.faces import FacePairs, spoil, turn_grids
from facezoo.train.score import bootstrap, damage_scores
from facezoo.train.similarity import difference

__all__ = ["Recipe", "decode", "draw_batch", "loss_of", "measure", "sheet"]

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Recipe:
    """batch: pictures of each person. own: share of them in which the person is the input too. warp: strength of the
    input's warp. similarity, features, around: weights, as `facezoo.train.deepfakes.Config` explains them."""

    batch: int
    own: float
    warp: float
    similarity: float
    features: float
    around: float


def draw_batch(
    training: Sequence[FacePairs], side: int, scale: int, anyone: bool, recipe: Recipe
) -> tuple[Tensor, Tensor, Tensor]:
    """Warped faces (P, B, 3, S, S), what is to be made of them (P B, 3, T, T), T = S scale, both float32 in [-1, 1],
    and labels of that (P B, T, T) uint8. anyone: whether there is a decoder of everybody else, the last one."""
    inputs: list[Pictures] = []
    truths: list[Pictures] = []
    labels: list[Pictures] = []
    for pairs in training:
        chosen = torch.randint(len(pairs), (recipe.batch,)).numpy()
        persona = pairs.persona[chosen]
        own = np.ones(recipe.batch, bool) if recipe.own == 1 else torch.rand(recipe.batch).numpy() < recipe.own
        inputs.append(np.where(own[:, None, None, None], persona, pairs.anyone[chosen]))
        truths.append(persona)
        labels.append(pairs.labels[chosen])
    if anyone:  # a pair's faces are alike, so its labels serve
        pairs = training[int(torch.randint(len(training), ()))]
        chosen = torch.randint(len(pairs), (recipe.batch,)).numpy()
        inputs.append(pairs.anyone[chosen])
        truths.append(pairs.anyone[chosen])
        labels.append(pairs.labels[chosen])
    faces, truth = (torch.from_numpy(np.concatenate(each)).permute(0, 3, 1, 2) / 127.5 - 1 for each in (inputs, truths))
    where = torch.from_numpy(np.concatenate(labels))[:, None].float()
    coarse, grid = turn_grids(len(faces), (side, side * scale))
    warped = coarse + SHARE * random_warp(len(faces), side, recipe.warp)
    faces = functional.avg_pool2d(faces, scale)
    faces = functional.grid_sample(faces, warped, "bilinear", "reflection", align_corners=False)
    truth = functional.grid_sample(truth, grid, "bicubic", "reflection", align_corners=False).clamp(-1, 1)
    where = functional.grid_sample(where, grid, "nearest", "reflection", align_corners=False)
    return spoil(faces).unflatten(0, (-1, recipe.batch)), truth, where[:, 0].round().byte()


def loss_of(pictures: Tensor, masks: Tensor, truth: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """L1 and 1 - SSIM where the face is, more so on eyes, brows and mouth, and the mask's cross entropy.

    pictures, truth: (N, 3, T, T) in [-1, 1]; masks: (N, 1, T, T) logits; labels: (N, T, T) uint8."""
    labels = labels[:, None]
    face = ((labels >= 2) & (labels <= 7)).float()
    weight = recipe.around + (1 - recipe.around) * face + recipe.features * ((labels >= 3) & (labels <= 7)).float()
    weight = weight / weight.mean()
    loss = difference(pictures, truth, weight, recipe.similarity)
    return loss + 0.1 * functional.binary_cross_entropy_with_logits(masks, face)


@torch.inference_mode()
def decode(network: Autoencoder, crops: Pictures, person: str) -> tuple[Pictures, Pictures]:
    """(N, D, D, 3) uint8 aligned crops to their windows and what the network makes of these, (N, T, T, 3) RGB uint8."""
    side = network.side * network.scale
    top, left = (round(part * crops.shape[1]) for part in (TOP, LEFT))
    window = crops[:, top : top + side, left : left + side]
    faces = torch.from_numpy(window).permute(0, 3, 1, 2).to(network.device) / 127.5 - 1
    picture, _ = network.swap(functional.avg_pool2d(faces, network.scale), person)
    return window, ((picture + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def sheet(
    network: Autoencoder, held_back: Sequence[FacePairs], people: Sequence[str], path: Path, rows: int = 10
) -> None:
    """A picture of held-back faces, for each person: input | decoded | the truth, side by side."""
    columns: list[Pictures] = []
    for person, pairs in zip(people, held_back, strict=True):
        chosen = np.linspace(0, len(pairs) - 1, min(rows, len(pairs))).astype(int)
        window, made = decode(network, pairs.anyone[chosen], person)
        truth, _ = decode(network, pairs.persona[chosen], person)
        columns += [np.vstack(list(each)) for each in (window, made, truth)]
    longest = max(len(each) for each in columns)
    padded = [np.pad(each, ((0, longest - len(each)), (0, 0), (0, 0))) for each in columns]
    Image.fromarray(np.hstack(padded)).save(path)


def measure(network: Autoencoder, pairs: FacePairs, person: str) -> dict[str, dict[str, dict[str, float]]]:
    """swap, copied input -> L1 in grey levels and SSIM over the true person's face -> mean, low, high, n."""
    window, made = decode(network, pairs.anyone, person)
    truth, _ = decode(network, pairs.persona, person)
    labels = np.repeat(pairs.labels[..., None], 3, axis=3)
    where = decode(network, labels, person)[0][..., 0]
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name, pictures in {"swap": made, "copied input": window}.items():
        scores = [damage_scores(picture, true, ((label >= 2) & (label <= 7)).astype(np.float32))
                  for picture, true, label in zip(pictures, truth, where, strict=True)]  # fmt: skip
        table[name] = {key: asdict(bootstrap(np.array([score[key] for score in scores]))) for key in ("l1", "ssim")}
    return table
