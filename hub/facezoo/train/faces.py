"""Pairs of faces as arrays, as training/persona_frames.py wrote them, and how they are varied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.methods.deepfakes.window import LEFT, SHARE, TOP

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FacePairs", "find_pairs", "spoil", "turn_grids"]


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


def find_pairs(folders: Sequence[Path], people: Sequence[str], part: str, side: int) -> list[FacePairs]:
    """The pairs of each person, folder/<person>/<part>, with crops of which the window has `side` px.

    Raises UsageError when somebody has none in one of the folders."""
    found = [[_read(folder / name / part, round(side / SHARE)) for folder in folders] for name in people]
    return [
        FacePairs(
            *(np.concatenate(each) for each in zip(*((p.anyone, p.persona, p.labels) for p in sets), strict=True))
        )
        for sets in found
    ]


def turn_grids(count: int, sides: Sequence[int]) -> list[Tensor]:
    """(N, S, S, 2) float32 for each side S: where the window's pixels lie in the aligned crop, [-1, 1] from edge to
    edge, each of the N turned, moved and scaled a little at random."""
    import torch

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
    import torch
    from torch.nn import functional

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


def _read(folder: Path, side: int) -> FacePairs:
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
