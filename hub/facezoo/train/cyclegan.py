"""What training/cyclegan.py is built from: two translators and two judges, fakes remembered, and a look at the result.

Source: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (section 3
and 4; the pool is that of Shrivastava et al. 2017).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facezoo.methods.cyclegan.model import PatchDiscriminator, ResnetGenerator
from facezoo.nn.residual import ResidualBlock

__all__ = ["Average", "Judges", "Made", "Pool", "Translators", "look", "patch_distance", "pixels", "plain", "warnings"]


@dataclass(frozen=True, eq=False)
class Made:
    """What the translators make of a (kind A) and b (kind B), (N, 3, S, S) in [-1, 1] each: translated, translated
    back, and left as they were by the translator that already gives their kind."""

    fake_b: Tensor
    fake_a: Tensor
    back_a: Tensor
    back_b: Tensor
    same_a: Tensor
    same_b: Tensor


class Translators(nn.Module):
    """Both generators: `to_b` turns pictures of kind A into kind B, `to_a` the other way.

    norm_layer: instance as in the paper; none keeps colours better and learns to leave a picture alone in fewer steps.
    skip: see `ResnetGenerator`."""

    def __init__(self, ngf: int, n_blocks: int, norm_layer: str, *, skip: bool) -> None:
        super().__init__()
        begin = _passing if skip or norm_layer == "none" else _small
        self.to_b = begin(ResnetGenerator(ngf=ngf, n_blocks=n_blocks, norm_layer=norm_layer, skip=skip))
        self.to_a = begin(ResnetGenerator(ngf=ngf, n_blocks=n_blocks, norm_layer=norm_layer, skip=skip))

    def forward(self, a: Tensor, b: Tensor, *, warm_up: bool = False) -> Made:
        """a, b: (N, 3, S, S) in [-1, 1]. Translation and identity of one generator share a batch: InstanceNorm keeps
        pictures apart. warm_up: nothing is translated, the pictures themselves stand in."""
        if warm_up:
            return Made(a, b, a, b, self.to_a(a), self.to_b(b))
        fake_b, same_b = cast("Tensor", self.to_b(torch.cat([a, b]))).chunk(2)
        fake_a, same_a = cast("Tensor", self.to_a(torch.cat([b, a]))).chunk(2)
        return Made(fake_b, fake_a, self.to_a(fake_b), self.to_b(fake_a), same_a, same_b)


class Judges(nn.Module):
    """Both discriminators: `of_a` tells pictures of kind A from made ones, `of_b` those of kind B."""

    def __init__(self, ndf: int) -> None:
        super().__init__()
        self.of_a = _small(PatchDiscriminator(ndf=ndf))
        self.of_b = _small(PatchDiscriminator(ndf=ndf))

    def forward(self, a: Tensor, b: Tensor, fake_a: Tensor, fake_b: Tensor) -> Tensor:
        """The least-squares loss of telling true from made, halved as in the paper; a scalar."""
        loss = torch.zeros((), device=a.device)
        for judge, true, made in ((self.of_a, a, fake_a), (self.of_b, b, fake_b)):
            verdicts, others = judge(true), judge(made)
            loss = loss + 0.5 * ((verdicts - 1) ** 2).mean() + 0.5 * (others**2).mean()
        return loss

    def fooled(self, fake_a: Tensor, fake_b: Tensor) -> Tensor:
        """The generators' least-squares loss, small when both fakes are taken for true; a scalar."""
        return ((self.of_a(fake_a) - 1) ** 2).mean() + ((self.of_b(fake_b) - 1) ** 2).mean()


class Pool(nn.Module):
    """The last fakes, of which half of the time an old one is judged in place of a new one. Kept in checkpoints."""

    pictures: Tensor
    filled: Tensor

    def __init__(self, size: int, side: int) -> None:
        super().__init__()
        self.register_buffer("pictures", torch.zeros(size, 3, side, side))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    def exchange(self, fakes: Tensor) -> Tensor:
        """Take in fakes (N, 3, S, S) and give as many, new or old. Draws from torch's random numbers."""
        given: list[Tensor] = []
        for fake in fakes.detach():
            number = int(self.filled)
            if number < len(self.pictures):
                self.pictures[number] = fake
                self.filled += 1
                given.append(fake)
                continue
            number = int(torch.randint(max(len(self.pictures), 1), ()))
            if torch.rand(()) < 0.5 or not len(self.pictures):
                given.append(fake)
            else:
                given.append(self.pictures[number].clone())
                self.pictures[number] = fake
        return torch.stack(given)

    def recall(self, count: int) -> Tensor:
        """(count, 3, S, S), remembered fakes, some perhaps twice; none when none is remembered. Draws from torch's
        random numbers."""
        filled = int(self.filled)
        return self.pictures[torch.randint(filled, (count,))] if filled else self.pictures[:0]


class Average(nn.Module):
    """The translators as they were on average over the last steps: calmer pictures than those of any one step."""

    steps: Tensor

    def __init__(self, translators: Translators) -> None:
        super().__init__()
        self.mean = copy.deepcopy(translators)
        self.requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def follow(self, translators: Translators, decay: float) -> None:
        """Take one more step into account; the first ones, far from the rest, are soon forgotten."""
        self.steps += 1
        decay = min(decay, (1 + int(self.steps)) / (10 + int(self.steps)))
        for mean, now in zip(self.mean.parameters(), translators.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)


@torch.inference_mode()
def look(translators: Translators, a: Tensor, b: Tensor) -> Made:
    """What the translators make of pictures (N, 3, S, S) in [-1, 1], as many of A as of B; one at a time."""
    device = next(translators.parameters()).device
    made = [translators(*(each[None].to(device) for each in pair)) for pair in zip(a, b, strict=True)]
    return Made(*(torch.cat([getattr(each, field.name) for each in made]) for field in fields(Made)))


def pixels(pictures: NDArray[np.uint8]) -> Tensor:
    """(N, S, S, 3) RGB uint8 to (N, 3, S, S) in [-1, 1]."""
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2) / 127.5 - 1


def plain(pictures: Tensor) -> NDArray[np.uint8]:
    """(N, 3, S, S) in [-1, 1] to (N, S, S, 3) RGB uint8."""
    return ((pictures + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()


def warnings(before: NDArray[np.uint8], after: NDArray[np.uint8], names: tuple[str, str]) -> list[str]:
    """What is wrong with translated pictures, in words, from a few of them. before, after: (N, S, S, 3) RGB uint8."""
    kinds = f"{names[0]} to {names[1]}"
    said: list[str] = []
    small = [functional.adaptive_avg_pool2d(_floats(each), 16) for each in (before, after)]
    alike = _agreement(*(each.mean(dim=1, keepdim=True) for each in small))
    tint = _agreement(*(each - each.mean(dim=1, keepdim=True) for each in small))
    if alike < 0:
        said.append(f"{kinds}: light and dark are swapped (agreement {alike:.2f}). Raise --identity, or start anew.")
    elif tint < -0.3:
        said.append(f"{kinds}: colours are turned into their opposites (agreement {tint:.2f}). Raise --identity.")
    elif alike < 0.4:
        said.append(f"{kinds}: the picture is hardly kept (agreement {alike:.2f}). Raise --cycle.")
    apart = [float(torch.pdist(each.flatten(1)).mean()) if len(each) > 1 else 1.0 for each in small]
    if apart[1] < 0.25 * apart[0]:
        said.append(f"{kinds}: all pictures come out alike (variety {apart[1] / apart[0]:.2f}). Lower --judge-rate.")
    return said


def patch_distance(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], seed: int = 0) -> float:
    """How far two sets of pictures (N, S, S, 3) RGB uint8 lie apart in colour and brushwork: sliced Wasserstein
    distance of 7 x 7 px patches at three scales, in grey levels; 0 when the patches of both are spread alike."""
    random = torch.Generator().manual_seed(seed)
    distances: list[float] = []
    sets = [_floats(each) * 255 for each in (ours, theirs)]
    for _ in range(3):
        directions = torch.randn(3 * 49, 128, generator=random)
        directions = directions / directions.norm(dim=0)
        sorts: list[Tensor] = []
        for pictures in sets:
            patches = functional.unfold(pictures, 7, stride=3).transpose(1, 2).flatten(0, 1)
            chosen = torch.randint(len(patches), (8192,), generator=random)
            sorts.append((patches[chosen] @ directions).sort(dim=0).values)
        distances.append(float((sorts[0] - sorts[1]).abs().mean()) / 3)
        sets = [functional.avg_pool2d(each, 2) for each in sets]
    return sum(distances) / len(distances)


def _small(network: nn.Module) -> nn.Module:
    """Weights from N(0, 0.02), no shifts, as in the paper."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def _passing(network: ResnetGenerator) -> ResnetGenerator:
    """Weights with which signals keep their size without a normalisation; residual blocks and the last layer add
    little at first.

    Source: He et al. 2015, "Delving Deep into Rectifiers"."""
    _small(network)
    layers = [each for each in network.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]
    for layer in layers:
        taps = layer.kernel_size[0] * layer.kernel_size[1] / (layer.stride[0] ** 2 if layer.transposed else 1)
        nn.init.normal_(layer.weight, 0, math.sqrt(2 / (layer.in_channels * taps)))
    with torch.no_grad():
        layers[-1].weight.mul_(0.1)
        for block in network.modules():
            if isinstance(block, ResidualBlock):
                [*_, second] = [each for each in block.conv_block if isinstance(each, nn.Conv2d)]
                second.weight.mul_(0.1)
    return network


def _floats(pictures: NDArray[np.uint8]) -> Tensor:
    """(N, S, S, 3) uint8 to (N, 3, S, S) in [0, 1]."""
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float() / 255


def _agreement(before: Tensor, after: Tensor) -> float:
    """Correlation over the places of each picture, on average."""
    flat = [(each.flatten(1) - each.flatten(1).mean(dim=1, keepdim=True)) for each in (before, after)]
    return float(functional.cosine_similarity(flat[0], flat[1], dim=1).mean())
