"""The repair network: a small U-Net that mends what a warp damaged.

Sources: Ronneberger et al. 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation" (figure 1); Shi et
al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network"
(section 3.2); Pumarola et al. 2018, "GANimation" (residual and attention mask, section 4.1).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

__all__ = ["RepairNetwork"]

_MOST = 1.5  # logit of the confidence at most, either way


class RepairNetwork(ModelMixin, ConfigMixin):
    """Damaged crop and what is known of the damage -> residual and confidence.

    widths: channels at 1/2, 1/4, 1/8 ... of the crop's side. blocks: residual blocks at each of them, on both ways."""

    @register_to_config
    def __init__(self, widths: tuple[int, ...] = (24, 48, 96, 128), blocks: int = 1) -> None:
        super().__init__()
        self.head = nn.Conv2d(4 * 6, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_stage(width, blocks) for width in widths)
        self.reduce = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.grow = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_stage(width, blocks) for width in widths[:-1])
        self.tail = nn.Conv2d(widths[0], 4 * 4, 3, padding=1, bias=False)
        nn.init.zeros_(self.tail.weight)  # it begins by changing nothing

    def forward(self, warped: Tensor, damage: Tensor) -> tuple[Tensor, Tensor]:
        """warped: (B, 3, S, S) float32 in [-1, 1], S a multiple of 2 ** len(widths). damage: (B, 3, S, S) float32 in
        [0, 1]: stretch, hidden, inside. Gives the residual (B, 3, S, S) in [-2, 2], to be added to `warped`, and the
        confidence (B, 1, S, S) in (0.18, 0.82) that it is multiplied by."""
        x = self.head(nn.functional.pixel_unshuffle(torch.cat([warped, damage], dim=1), 2))
        kept: list[Tensor] = []
        for level, stage in enumerate(self.down):
            x = stage(x)
            if level < len(self.reduce):
                kept.append(x)
                x = self.reduce[level](x)
        for level in reversed(range(len(self.up))):
            x = nn.functional.pixel_shuffle(self.grow[level](x), 2) + kept[level]
            x = self.up[level](x)
        x = nn.functional.pixel_shuffle(self.tail(x), 2)
        # bounded, or it closes for good wherever the residual is of no use at first
        confidence = torch.sigmoid(_MOST * torch.tanh(x[:, 3:] / _MOST))
        return 2 * torch.tanh(x[:, :3]), confidence


def _stage(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(width) for _ in range(blocks)))


class _Block(nn.Module):
    """x + conv(act(conv(act(x)))), no normalisation: colours must not depend on the rest of the picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, width, S, S), kept in shape."""
        y = self.first(nn.functional.leaky_relu(x, 0.2))
        return x + self.second(nn.functional.leaky_relu(y, 0.2))
