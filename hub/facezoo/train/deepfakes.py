"""What training/deepfakes.py and the Train page learn from and by: pairs of faces, what a step costs, how it went.

Two recipes. classic, that of 2017: every decoder learns to rebuild its own person from warped pictures of that person,
and is then asked to decode anyone. paired: it also sees anyone, and is told what the person looks like who does the
same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from facezoo.errors import UsageError
from facezoo.methods.deepfakes.model import ANYONE, Autoencoder
from facezoo.methods.deepfakes.window import LEFT, SHARE, TOP, random_warp
from facezoo.train.likeness import damage_scores, difference, score_of
from facezoo.zoo.record import Score

__all__ = [
    "FacePairs",
    "Recipe",
    "decode",
    "draw_batch",
    "find_pairs",
    "loss_of",
    "measure",
    "part_of",
    "sheet",
    "spoil",
    "turn_grids",
    "window_of",
]

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class FacePairs:
    """Pairs of aligned crops. anyone, persona: (N, D, D, 3) RGB uint8, pose and expression agree. labels: (N, D, D)
    uint8 of the persona's picture, see `facezoo.train.render.frames.LABELS`."""

    anyone: NDArray[np.uint8]
    persona: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.anyone)

    def pick(self, numbers: Sequence[int] | slice) -> FacePairs:
        """Some of the pairs."""
        return FacePairs(self.anyone[numbers], self.persona[numbers], self.labels[numbers])

    def split(self) -> tuple[FacePairs, FacePairs]:
        """Those that are learned from, and every tenth, at least one, which is held back."""
        numbers = range(len(self))
        held = [number for number in numbers if number % 10 == 9] or [0]
        return self.pick([number for number in numbers if number not in held]), self.pick(held)


def find_pairs(folders: Sequence[Path], people: Sequence[str], part: str, side: int) -> list[FacePairs]:
    """The pairs of each person, folder/<person>/<part>, with crops of which the window has `side` px.

    Raises UsageError when somebody has none in one of the folders."""
    found: list[FacePairs] = []
    for name in people:
        sets = [_read_pairs(folder / name / part, round(side / SHARE)) for folder in folders]
        found.append(FacePairs(*(np.concatenate([getattr(each, field) for each in sets])
                                 for field in ("anyone", "persona", "labels"))))  # fmt: skip
    return found


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


def draw_batch(training: Sequence[FacePairs], network: Autoencoder, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
    """Warped faces (P, B, 3, S, S), what is to be made of them (P B, 3, T, T), T = S scale, both float32 in [-1, 1],
    and labels of that (P B, T, T) uint8, where the network is; P: its decoders, that of everybody else last."""
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
    if ANYONE in network.decoders:  # a pair's faces are alike, so its labels serve
        pairs = training[int(torch.randint(len(training), ()))]
        chosen = torch.randint(len(pairs), (recipe.batch,)).numpy()
        inputs.append(pairs.anyone[chosen])
        truths.append(pairs.anyone[chosen])
        labels.append(pairs.labels[chosen])
    faces, truth = (torch.from_numpy(np.concatenate(each)).permute(0, 3, 1, 2) / 127.5 - 1 for each in (inputs, truths))
    where = torch.from_numpy(np.concatenate(labels))[:, None].float()
    side, scale = network.side, network.scale
    coarse, grid = turn_grids(len(faces), (side, side * scale))
    warped = coarse + SHARE * random_warp(len(faces), side, recipe.warp)
    faces = functional.avg_pool2d(faces, scale)
    faces = functional.grid_sample(faces, warped, "bilinear", "reflection", align_corners=False)
    truth = functional.grid_sample(truth, grid, "bicubic", "reflection", align_corners=False).clamp(-1, 1)
    where = functional.grid_sample(where, grid, "nearest", "reflection", align_corners=False)
    drawn = spoil(faces).unflatten(0, (-1, recipe.batch)), truth, where[:, 0].round().byte()
    seen, wanted, marked = (each.to(network.device) for each in drawn)
    return seen, wanted, marked


def loss_of(pictures: Tensor, masks: Tensor, truth: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """L1 and 1 - SSIM where the face is, more so on eyes, brows and mouth, and the mask's cross entropy.

    pictures, truth: (N, 3, T, T) in [-1, 1]; masks: (N, 1, T, T) logits; labels: (N, T, T) uint8."""
    labels = labels[:, None]
    face = ((labels >= 2) & (labels <= 7)).float()
    weight = recipe.around + (1 - recipe.around) * face + recipe.features * ((labels >= 3) & (labels <= 7)).float()
    weight = weight / weight.mean()
    loss = difference(pictures, truth, weight, recipe.similarity)
    return loss + 0.1 * functional.binary_cross_entropy_with_logits(masks, face)


def part_of(pictures: Tensor, side: int) -> Tensor:
    """(..., P, P) of pictures (..., T, T): the same part of all, drawn from torch's random numbers; all of them when
    T <= P = `side`."""
    spare = pictures.shape[-1] - side
    if spare <= 0:
        return pictures
    top, left = torch.randint(spare + 1, (2,)).tolist()
    return pictures[..., top : top + side, left : left + side]


def window_of(crops: NDArray[Any], side: int) -> NDArray[Any]:
    """(N, T, T, C) what the network sees of aligned crops (N, D, D, C), T = `side` px: a view of them."""
    top, left = (round(part * crops.shape[1]) for part in (TOP, LEFT))
    return crops[:, top : top + side, left : left + side]


@torch.inference_mode()
def decode(network: Autoencoder, crops: Pictures, person: str) -> tuple[Pictures, Pictures]:
    """(N, D, D, 3) uint8 aligned crops to their windows and what the network makes of these, (N, T, T, 3) RGB uint8."""
    window = window_of(crops, network.side * network.scale)
    faces = torch.from_numpy(window).permute(0, 3, 1, 2).to(network.device) / 127.5 - 1
    picture, _ = network.swap(functional.avg_pool2d(faces, network.scale), person)
    return window, ((picture + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def sheet(network: Autoencoder, held_back: Sequence[FacePairs], people: Sequence[str], rows: int = 10) -> Pictures:
    """(H, W, 3) RGB uint8 of held-back faces, for each person: input | decoded | the truth, side by side."""
    columns: list[Pictures] = []
    for person, pairs in zip(people, held_back, strict=True):
        chosen = np.linspace(0, len(pairs) - 1, min(rows, len(pairs))).astype(int)
        window, made = decode(network, pairs.anyone[chosen], person)
        truth, _ = decode(network, pairs.persona[chosen], person)
        columns += [np.vstack(list(each)) for each in (window, made, truth)]
    longest = max(len(each) for each in columns)
    return np.hstack([np.pad(each, ((0, longest - len(each)), (0, 0), (0, 0))) for each in columns])


_SCORES: tuple[tuple[str, str, Literal["higher", "lower"]], ...] = (
    ("ssim", "SSIM", "higher"), ("l1", "L1, grey levels", "lower")
)  # fmt: skip


def measure(network: Autoencoder, pairs: FacePairs, person: str, most: int) -> list[Score]:
    """SSIM and L1 in grey levels over the true person's face, of the swap and of the copied input."""
    pairs = pairs.pick(slice(None, None, max(1, len(pairs) // most)))
    window, made = decode(network, pairs.anyone, person)
    truth, _ = decode(network, pairs.persona, person)
    where = window_of(pairs.labels[..., None], window.shape[1])[..., 0]
    ours, copied = (
        [damage_scores(picture, true, ((label >= 2) & (label <= 7)).astype(np.float32))
         for picture, true, label in zip(pictures, truth, where, strict=True)]
        for pictures in (made, window)
    )  # fmt: skip
    return [score_of(f"{name}_{person}", f"{title}, {person}", [each[name] for each in ours],
                     {"copied input": [each[name] for each in copied]}, better=better)
            for name, title, better in _SCORES]  # fmt: skip


def turn_grids(count: int, sides: Sequence[int]) -> list[Tensor]:
    """(N, S, S, 2) float32 for each side S: where the window's pixels lie in the aligned crop, [-1, 1] from edge to
    edge, each of the N turned, moved and scaled a little at random."""
    middle = torch.tensor([LEFT, TOP]) + SHARE / 2
    angle = 0.09 * torch.randn(count).clamp(-2, 2)
    scale = 1 + 0.035 * torch.randn(count).clamp(-2, 2)
    cos, sin = (scale * angle.cos())[:, None, None], (scale * angle.sin())[:, None, None]
    moved = middle + 0.02 * torch.randn(count, 1, 1, 2).clamp(-2, 2)
    grids: list[Tensor] = []
    for side in sides:
        line = (torch.arange(side) + 0.5) / side * SHARE
        y, x = torch.meshgrid(line + TOP - middle[1], line + LEFT - middle[0], indexing="ij")
        grids.append(2 * (torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1) + moved) - 1)
    return grids


def spoil(faces: Tensor) -> Tensor:
    """(N, 3, S, S) float32 in [-1, 1], in another light, grey, blurred or noisy at random."""

    def chance(share: float) -> Tensor:
        return (torch.rand(len(faces), 1, 1, 1) < share).float()

    light = (faces / 2 + 0.5).clamp(0.001, 1) ** torch.exp(0.3 * torch.randn(len(faces), 1, 1, 1))
    line = torch.linspace(-1, 1, faces.shape[-1])
    slope = 0.18 * torch.randn(len(faces), 2, 1, 1)
    light = light * torch.exp(slope[:, :1] * line + slope[:, 1:] * line[:, None])
    grey = light.mean(dim=1, keepdim=True).expand_as(light)
    light = torch.lerp(light, grey, chance(0.15) + (1 - chance(0.85)) * torch.rand(len(faces), 1, 1, 1) * 0.6)
    half = functional.interpolate(functional.avg_pool2d(light, 2), scale_factor=2, mode="bilinear", align_corners=False)
    light = torch.lerp(light, half, chance(0.3) * torch.rand(len(faces), 1, 1, 1))
    noise = 0.04 * torch.rand(len(faces), 1, 1, 1) * torch.randn_like(light)
    return (light + chance(0.3) * noise).clamp(0, 1.2) * 2 - 1


def _read_pairs(folder: Path, side: int) -> FacePairs:
    names = sorted(path.stem[:-2] for path in (folder / "frames").glob("*_a.jpg"))
    names = [name for name in names if (folder / "parts" / f"{name}_b.npz").is_file()]  # written last
    if not names:
        raise UsageError(f"There are no pairs in {folder}.", "Make them with training/persona_frames.py --pairs.")
    both = [np.stack([_picture(folder / "frames" / f"{name}_{letter}.jpg", side) for name in names]) for letter in "ab"]
    labels = [np.asarray(PIL.Image.open(folder / "masks" / f"{name}_b.png")) for name in names]
    smaller = [cv2.resize(each, (side, side), interpolation=cv2.INTER_NEAREST) for each in labels]
    return FacePairs(both[0], both[1], np.stack(smaller).astype(np.uint8))


def _picture(path: Path, side: int) -> NDArray[np.uint8]:
    """(D, D, 3) RGB uint8 of the crop at a path."""
    image = np.asarray(PIL.Image.open(path).convert("RGB"))
    if image.shape[0] == side:
        return image
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
