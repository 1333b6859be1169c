"""What training/cyclegan_pairs.py learns from and by: the pairs of training/style_pairs.py, a judge of pairs, and how
much paint moves around each place.

Sources: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks"; Wang et al. 2018,
"High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (matching of a judge's features);
Portilla and Simoncelli 2000, "A Parametric Texture Model Based on Joint Statistics of Complex Wavelet Coefficients"
(local energies of oriented filters describe a texture).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures
from torch import Tensor, nn
from torch.nn import functional

from facezoo.errors import UsageError
from facezoo.methods.cyclegan.strokes import GUIDES, stroke_guide
from facezoo.nn.patch import PatchDiscriminator

__all__ = ["Judge", "Pairs", "Texture", "draw_pair", "read_pairs", "tone"]

Heap = NDArray[np.uint8]
_NEAR = 12  # px, a neighbourhood


@dataclass(frozen=True, eq=False)
class Pairs:
    """Photos and paintings, (N, S, S, 3) RGB uint8 each; where strokes lie in the photos and in the paintings, see
    methods.cyclegan.strokes, (N, S, S, 8) uint8, 0 for -1 and 255 for 1."""

    photos: Heap
    paintings: Heap
    forth: Heap
    back: Heap

    def part(self, chosen: slice) -> Pairs:
        """Some of them."""
        return Pairs(*(each[chosen] for each in (self.photos, self.paintings, self.forth, self.back)))


def read_pairs(folder: Path) -> tuple[Pairs, dict[str, Any]]:
    """Pairs, and what settings.json says of how they were made.

    folder: of one style, beside whose pairs.jsonl or one above lies settings.json. Raises UsageError."""
    settings = next(
        (each for each in (folder / "settings.json", folder.parent / "settings.json") if each.exists()), None
    )
    lines = folder / "pairs.jsonl"
    if settings is None or not lines.exists():
        raise UsageError(
            f"There are no pairs in {folder}.", "Make them with training/style_pairs.py, a folder a style."
        )
    numbers = [json.loads(line)["number"] for line in lines.read_text(encoding="utf-8").splitlines()]

    def heap(kind: str) -> Heap:
        paths = [folder / f"{number:06d}_{kind}.png" for number in numbers]
        return np.stack([np.asarray(Pictures.open(path).convert("RGB"), np.uint8) for path in paths])

    try:
        photos, paintings, told = heap("photo"), heap("painting"), json.loads(settings.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(
            f"A pair in {folder} cannot be read: {problem}",
            "Run training/style_pairs.py again: it makes what is missing.",
        ) from problem
    return Pairs(photos, paintings, _guides(photos, paints=True), _guides(paintings, paints=False)), told


def _guides(pictures: Heap, *, paints: bool) -> Heap:
    return np.stack([np.rint(127.5 * (1 + stroke_guide(each, paints=paints))).astype(np.uint8) for each in pictures])


def draw_pair(pairs: Pairs, count: int, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Photos, paintings, and where strokes lie in each: (count, 3 or 8, side, side) float32 in [-1, 1], the same parts
    of pairs, mirrored half of the time. Draws from torch's random numbers."""
    drawn: list[Heap] = []
    for number in torch.randint(len(pairs.photos), (count,)).tolist():
        y, x = torch.randint(pairs.photos.shape[1] - side + 1, (2,)).tolist()
        heaps = (pairs.photos, pairs.paintings, pairs.forth, pairs.back)
        pair = np.concatenate([each[number, y : y + side, x : x + side] for each in heaps], axis=2)
        drawn.append(pair[:, ::-1] if torch.rand(()) < 0.5 else pair)
    photo, painting, forth, back = (torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 127.5 - 1).split(
        [3, 3, GUIDES, GUIDES], 1
    )
    return photo, painting, forth, back


def tone(pictures: Tensor) -> Tensor:
    """Colours without strokes: (B, 3, S, S) to about (B, 3, S / 4, S / 4), blurred."""
    return functional.avg_pool2d(functional.avg_pool2d(pictures, 4), 3, stride=1)


class Texture(nn.Module):
    """How two pictures of the same place differ in their brushwork: local energies of filters of chance, wherever in
    its neighbourhood each single stroke lies."""

    filters: Tensor

    def __init__(self, count: int = 24, size: int = 7, scales: int = 2) -> None:
        super().__init__()
        drawn = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))
        drawn = drawn - drawn.mean(dim=(2, 3), keepdim=True)
        self.register_buffer("filters", drawn / drawn.flatten(1).norm(dim=1)[:, None, None, None], persistent=False)
        self._scales = scales

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """made, wanted: (B, 3, S, S) in [-1, 1]. A scalar, 0 for the same picture."""
        total = torch.zeros((), device=made.device)
        for _ in range(self._scales):
            ours, theirs = (self._energy(each) for each in (made, wanted))
            total = total + (ours - theirs).abs().mean()
            made, wanted = (functional.avg_pool2d(each, 2) for each in (made, wanted))
        return total / self._scales

    def _energy(self, pictures: Tensor) -> Tensor:
        answers = functional.conv2d(pictures, self.filters)
        window = min(_NEAR, *answers.shape[2:])
        return (functional.avg_pool2d(answers.square(), window, stride=4) + 1e-4).sqrt()


class Judge(nn.Module):
    """Tells true pairs from a picture and what was made of it, patch by patch."""

    def __init__(self, ndf: int) -> None:
        super().__init__()
        self.network = PatchDiscriminator(6, ndf)

    def forward(self, seen: Tensor, made: Tensor, wanted: Tensor) -> Tensor:
        """The least-squares loss of telling wanted from made; (B, 3, S, S) in [-1, 1] each. A scalar."""
        true, other = (self.network(torch.cat([seen, each], dim=1)) for each in (wanted, made))
        return 0.5 * (true - 1).square().mean() + 0.5 * other.square().mean()

    def against(self, seen: Tensor, made: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """The translator's losses: of not being taken for true, and of other features than the wanted picture's."""
        verdict, ours = self._features(torch.cat([seen, made], dim=1))
        with torch.no_grad():
            _, theirs = self._features(torch.cat([seen, wanted], dim=1))
        apart = [(a - b).abs().mean() for a, b in zip(ours, theirs, strict=True)]
        return (verdict - 1).square().mean(), torch.stack(apart).mean()

    def _features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        kept: list[Tensor] = []
        for layer in self.network.model:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                kept.append(x)
        return x, kept
