"""The same network in fewer or better shaped multiplications, for a processor: nothing is retrained, nothing rounded.

Sources: Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks" (Winograd's F(4 x 4, 3 x 3)); Shi et al.
2016, "Is the deconvolution layer the same as a convolutional layer?" (sub-pixel convolution).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["quick"]

Network = TypeVar("Network", bound=nn.Module)

_FEW = 4  # output channels, so few that a convolution leaves most lanes of the processor idle
_IN = [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
       [0, 4, 0, -5, 0, 1]]  # fmt: skip
_KERNEL = [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
           [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]]  # fmt: skip
_OUT = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]


def quick(network: Network) -> Network:
    """A copy of a network for inference in float32 on a CPU: same inputs, same outputs to about 1e-5.

    Replaced are 3 x 3 convolutions of stride 1 without padding of their own, transposed ones that double the size, and
    7 x 7 ones with few output channels, whose inputs then must have an even height and width."""
    found = copy.deepcopy(network).eval().requires_grad_(False)
    for parent in list(found.modules()):
        for name, layer in list(parent.named_children()):
            replaced = _replaced(layer)
            if replaced is not layer:
                setattr(parent, name, replaced)
    return found


def _replaced(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.ConvTranspose2d):
        shape = (layer.kernel_size, layer.stride, layer.padding, layer.output_padding, layer.groups)
        return _Doubling(layer) if shape == ((3, 3), (2, 2), (1, 1), (1, 1), 1) else layer
    if isinstance(layer, nn.Conv2d) and (layer.stride, layer.padding, layer.groups) == ((1, 1), (0, 0), 1):
        if layer.kernel_size == (3, 3):
            return _Winograd(layer)
        if layer.kernel_size == (7, 7) and layer.out_channels <= _FEW:
            return _Fourfold(layer)
    return layer


class _Winograd(nn.Module):
    """Blocks of 4 x 4 outputs from 36 multiplications a channel pair in place of 144."""

    into: Tensor
    out: Tensor

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        kernel = torch.tensor(_KERNEL, dtype=torch.float64)
        weight = torch.einsum("ik,ockl,jl->ijoc", kernel, layer.weight.double(), kernel)
        self.weight = nn.Parameter(weight.flatten(0, 1).float())  # (36, out, in)
        self.bias = layer.bias
        self.register_buffer("into", _both(_IN), persistent=False)  # (36, 36)
        self.register_buffer("out", _both(_OUT), persistent=False)  # (16, 36)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H + 2, W + 2) to (B, out, H, W)."""
        batch, channels, high, wide = x.shape
        height, width = high - 2, wide - 2
        x = functional.pad(x, (0, -width % 4, 0, -height % 4))
        tiles = x.unfold(2, 6, 4).unfold(3, 6, 4)  # (B, C, rows, columns, 6, 6)
        rows, columns = tiles.shape[2:4]
        blocks = tiles.permute(4, 5, 1, 0, 2, 3).reshape(36, -1)
        products = torch.bmm(self.weight, (self.into @ blocks).view(36, channels, -1))
        made = (self.out @ products.view(36, -1)).view(4, 4, -1, batch, rows, columns)
        made = made.permute(3, 2, 4, 0, 5, 1).reshape(batch, -1, 4 * rows, 4 * columns)[..., :height, :width]
        return made if self.bias is None else made + self.bias[:, None, None]


class _Doubling(nn.Module):
    """A transposed convolution as a 2 x 2 convolution that makes the four pixels of each block at once."""

    def __init__(self, layer: nn.ConvTranspose2d) -> None:
        super().__init__()
        taken = {(0, 0): 1, (1, 0): 2, (1, 1): 0}  # (row of the block, row of the input): row of the kernel
        weight = layer.weight.transpose(0, 1)  # (out, in, 3, 3)
        spread = torch.zeros(*weight.shape[:2], 2, 2, 2, 2)  # (out, in, row, column, input row, input column)
        for (row, from_row), k in taken.items():
            for (column, from_column), m in taken.items():
                spread[:, :, row, column, from_row, from_column] = weight[:, :, k, m].detach()
        self.weight = nn.Parameter(spread.permute(0, 2, 3, 1, 4, 5).flatten(0, 2))
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.repeat_interleave(4))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) to (B, out, 2 H, 2 W)."""
        made = functional.conv2d(functional.pad(x, (0, 1, 0, 1)), self.weight, self.bias)
        return functional.pixel_shuffle(made, 2)


class _Fourfold(nn.Module):
    """A 7 x 7 convolution as one of 8 x 8 and stride 2 that makes the four pixels of each block as channels."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        shifted = [
            functional.pad(layer.weight, (column, 1 - column, row, 1 - row)) for row in (0, 1) for column in (0, 1)
        ]
        self.weight = nn.Parameter(torch.stack(shifted, dim=1).flatten(0, 1).detach())
        self.bias = None if layer.bias is None else nn.Parameter(layer.bias.repeat_interleave(4))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H + 6, W + 6), H and W even, to (B, out, H, W)."""
        return functional.pixel_shuffle(functional.conv2d(x, self.weight, self.bias, stride=2), 2)


def _both(matrix: Sequence[Sequence[float]]) -> Tensor:
    """A transform of one axis as one of both, for tiles that are laid out as columns."""
    single = torch.tensor(matrix, dtype=torch.float32)
    return torch.kron(single, single)
