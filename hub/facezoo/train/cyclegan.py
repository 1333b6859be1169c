"""What training/cyclegan.py learns from and by: two heaps of pictures that have nothing to do with each other, two
translators and two judges, fakes remembered, and what can be seen to go wrong.

Source: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (section 3
and 4; the pool is that of Shrivastava et al. 2017).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facezoo.errors import UsageError
from facezoo.face.find import find_faces
from facezoo.media.files import whole
from facezoo.methods.cyclegan.model import PatchDiscriminator, ResnetGenerator
from facezoo.methods.cyclegan.window import SHARE, window
from facezoo.nn.residual import ResidualBlock
from facezoo.train.sources import folder_of, frames_below
from facezoo.types import Image

__all__ = ["CUTS", "Cut", "Judges", "Made", "Pool", "Translators", "draw_crops", "find_pictures", "patch_distance",
           "pixels", "plain", "square", "translated", "warnings"]  # fmt: skip

Cut = Literal["face", "aligned", "window", "square"]
CUTS: tuple[Cut, ...] = ("face", "aligned", "window", "square")
"""What of a picture is learned from: an upright square around the largest face with hair and some shoulders; the face
alone, turned and scaled as every method sees it; the part of that which CycleGAN's translator of faces sees; or the
middle of the picture, whatever it shows."""

_ROOM = 1.4  # side of the square around a face in sides of the aligned crop


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


def find_pictures(place: str, side: int, cut: Cut, cache: Path) -> NDArray[np.uint8]:
    """(N, side, side, 3) RGB uint8 of all photos, and of every fifth frame of all films, below a folder or in a Hub
    data set, in the order of their names.

    Those that cannot be read, or show no face where one is needed, are left out. cache: a folder, in which what was cut
    of a place once is believed. Raises UsageError when no picture is left."""
    name = hashlib.sha256(str(Path(place).resolve() if Path(place).exists() else place).encode()).hexdigest()[:8]
    path = cache / f"{Path(place).name}_{cut}_{side}_{name}.npy"
    if not path.exists():
        squares: list[Image] = []
        for frame in frames_below(folder_of(place)):
            try:
                squares.append(square(frame.image, side, cut))
            except UsageError:
                continue
        if not squares:
            raise UsageError(f"No face was found in {place}.", "Give pictures of faces, or use --cut square.")
        cache.mkdir(parents=True, exist_ok=True)
        with whole(path) as unfinished:
            np.save(unfinished, np.stack(squares), allow_pickle=False)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def square(picture: Image, side: int, cut: Cut) -> Image:
    """The part of a picture (H, W, 3) that is learned from, (side, side, 3) RGB uint8.

    Raises UsageError when a face is needed and there is none."""
    height, width = picture.shape[:2]
    middle, span = np.array([width / 2, height / 2]), float(min(height, width))
    if cut != "square":
        size = {"aligned": side, "window": round(side / SHARE)}.get(cut, 64)
        faces = find_faces(picture, crop_size=size, thorough=False)
        if not faces:
            raise UsageError("There is no face in this picture.", "Leave it out.")
        if cut != "face":
            return faces[0].crop if cut == "aligned" else window(faces[0].crop, side)
        turn = faces[0].affine[:, :2].astype(np.float64)
        middle = np.linalg.solve(turn, 31.5 - faces[0].affine[:, 2])
        span = min(span, _ROOM * 64 / float(np.sqrt(np.linalg.det(turn))))
    left, top = np.clip(np.round(middle - span / 2), 0, [width - span, height - span]).astype(int).tolist()
    part = picture[top : top + int(span), left : left + int(span)]
    smoothing = cv2.INTER_AREA if span > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (side, side), interpolation=smoothing), np.uint8)


def draw_crops(pictures: NDArray[np.uint8], count: int, side: int, zoom: float) -> Tensor:
    """(count, 3, side, side) float32 in [-1, 1]: parts of pictures drawn at random, mirrored half of the time.

    zoom: a picture is scaled so that its side is 1.06 to 1.06 zoom times that of the part, smaller ones more often."""
    parts: list[NDArray[np.uint8]] = []
    for number in torch.randint(len(pictures), (count,)).tolist():
        size, left, top, mirrored = torch.rand(4).tolist()
        scaled = round(side * 1.06 * zoom ** (size * size))
        method = cv2.INTER_AREA if scaled < pictures.shape[1] else cv2.INTER_CUBIC
        whole = cv2.resize(np.asarray(pictures[number]), (scaled, scaled), interpolation=method)
        x, y = round(left * (scaled - side)), round(top * (scaled - side))
        part = np.asarray(whole[y : y + side, x : x + side], np.uint8)
        parts.append(part[:, ::-1] if mirrored < 0.5 else part)
    return torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.inference_mode()
def translated(to_b: nn.Module, to_a: nn.Module, a: Tensor, b: Tensor) -> Made:
    """What translators make of pictures (N, 3, S, S) in [-1, 1], one at a time."""

    def each(network: nn.Module, pictures: Tensor) -> Tensor:
        device = next(network.parameters()).device
        return torch.cat([network(picture[None].to(device)).cpu() for picture in pictures])

    fake_b, fake_a = each(to_b, a), each(to_a, b)
    return Made(fake_b, fake_a, each(to_a, fake_b), each(to_b, fake_a), each(to_a, a), each(to_b, b))


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
