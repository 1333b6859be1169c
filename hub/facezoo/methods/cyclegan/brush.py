"""A small translator that leaves no grid: it halves with a blur and doubles by resizing, as no transposed convolution
does.

Sources: Odena et al. 2016, "Deconvolution and Checkerboard Artifacts" (resize, then convolve); Zhang 2019, "Making
Convolutional Networks Shift-Invariant Again" (blur, then take every second pixel); Ronneberger et al. 2015, "U-Net"
(features, not the picture, are handed across).
"""

from __future__ import annotations

import itertools

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from facezoo.methods.cyclegan.strokes import GUIDES

__all__ = ["BrushGenerator"]

_LEVELS = 3  # halvings


class BrushGenerator(ModelMixin, ConfigMixin):
    """0.8 million parameters, 1.7 MB in float16. Nothing of the picture itself is added to what comes out.

    ngf: channels at full size, twice as many at each halving. blocks: residual ones at an eighth of the side, each of
    which sees twice as wide as the one before, and all of them the mean of the picture."""

    @register_to_config
    def __init__(self, ngf: int = 12, blocks: int = 4) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(ngf * 2**level for level in range(_LEVELS + 1)))
        self.first = _convolution(3 + GUIDES, ngf)
        self.down = nn.ModuleList(nn.Sequential(_Halve(a), _convolution(a, b)) for a, b in pairs)
        self.middle = nn.Sequential(*(_Block(pairs[-1][1], 2**level) for level in range(blocks)))
        self.narrow = nn.ModuleList(_convolution(b, a) for a, b in reversed(pairs))
        self.up = nn.ModuleList(_convolution(a, a) for a, _ in reversed(pairs))
        self.last = nn.Conv2d(ngf, 3, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """x: (B, 3, H, W) float32 in [-1, 1], sides multiples of 8; guide: (B, 8, H, W), see strokes.stroke_guide.
        Gives (B, 3, H, W) in (-1, 1)."""
        layers = [self.first(torch.cat([x, guide], dim=1))]
        for down in self.down:
            layers.append(down(layers[-1]))
        y = self.middle(layers.pop())
        for narrow, up in zip(self.narrow, self.up, strict=True):
            larger = functional.interpolate(narrow(y), scale_factor=2, mode="bilinear", align_corners=False)
            y = up(larger + layers.pop())
        return torch.tanh(self.last(y))


class _Halve(nn.Module):
    """Blur with 1 3 3 1 and take every second pixel. Keeps no weights."""

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("kernel", torch.outer(row, row).expand(channels, 1, 4, 4).clone(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) to (B, C, H / 2, W / 2)."""
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, self.kernel, stride=2, groups=x.shape[1])


class _Block(nn.Module):
    """x + convolution(convolution(x)), the second one over a wider field; what the whole picture is like says how much
    of each channel (Hu et al. 2018, "Squeeze-and-Excitation Networks")."""

    def __init__(self, width: int, spread: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_convolution(width, width), _convolution(width, width, spread=spread))
        self.gate = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, width, H, W), kept in shape."""
        return x + self.layers(x) * torch.sigmoid(self.gate(x.mean(dim=(2, 3), keepdim=True)))


class _Normal(nn.Module):
    """Every pixel's channels brought to one length, times a learned scale: unlike a normalisation over the picture, it
    cannot be cheated by one bright spot (Karras et al. 2018 and 2020, pixel norm and the droplets of instance norm)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W), kept in shape."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-6) * self.scale


def _convolution(narrow: int, wide: int, spread: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(narrow, wide, 3, padding=spread, dilation=spread, padding_mode="reflect")
    return nn.Sequential(layer, _Normal(wide), nn.LeakyReLU(0.1, inplace=True))
