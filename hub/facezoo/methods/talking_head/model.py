"""The networks of the talking head: embedder, generator, projection discriminator.

Sources: Zakharov et al. 2019, "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models" (section 3 and
appendix A); Brock et al. 2019, "Large Scale GAN Training" (residual blocks, figure 15); Zhang et al. 2019,
"Self-Attention GAN" (section 3); Huang and Belongie 2017 (adaptive instance normalisation). What the paper leaves open
(slopes, pooling, the order of psi) and the keys are those of published checkpoints, so that these can be read.
The convolutions are plain: the spectral norm of the original is folded into the weights when they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu, pad, scaled_dot_product_attention

from facezoo.errors import UsageError

__all__ = ["Discriminator", "Embedder", "Generator"]

_SLOPE = 0.01  # of every leaky ReLU, below zero
_INSIDE = 256  # px: smaller pictures are framed with zeros in the original, so that six halvings fit


class Embedder(ModelMixin, ConfigMixin):
    """E: picture and landmark picture -> embedding. 14,907,265 parameters with 64 channels.

    in_height: px, the side of the pictures, 256 at most. channels: of the first block; the embedding has 8 x as
    many. inside: px that pictures are framed to, as for the others."""

    @register_to_config
    def __init__(self, in_height: int = 224, channels: int = 64, inside: int = _INSIDE) -> None:
        super().__init__()
        self._frame = _frame(in_height, inside)
        widths = _add_downs(self, 6, 6, channels)
        self.self_att = SelfAttention(widths[2])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x: pictures, y: their landmarks drawn as lines, both (B, 3, S, S) float32. Gives (B, 8 x channels, 1)."""
        z = pad(torch.cat([x, y], dim=1), [self._frame] * 4)
        for number in range(1, 7):
            z = self.get_submodule(f"resDown{number}")(z)
            if number == 3:
                z = self.self_att(z)
        return leaky_relu(z.amax(dim=(2, 3)), _SLOPE)[..., None]

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; framing leaves no trace in them."""
        return {"channels": shapes["resDown1.conv_l1.weight"][0]}


class Generator(ModelMixin, ConfigMixin):
    """G: landmark picture and embedding -> picture. The embedding e becomes psi = P e, the means and deviations of all
    adaptive normalisations. 38 M parameters with 64 channels.

    in_height: px, the side of the pictures, 256 at most. finetuning: psi is a parameter of its own, and e is not
    used. channels: of the first block. inside: px that pictures are framed to."""

    @register_to_config
    def __init__(
        self, in_height: int = 224, finetuning: bool = False, channels: int = 64, inside: int = _INSIDE
    ) -> None:
        super().__init__()
        self._side, self._frame, self._finetuning = in_height, _frame(in_height, inside), finetuning
        widths = _add_downs(self, 4, 3, channels, kernel=9)
        for number, width in enumerate(widths, start=1):
            self.add_module(f"in{number}", nn.InstanceNorm2d(width, affine=True))
        self.self_att_Down = SelfAttention(widths[2])
        deep = widths[-1]
        for number in range(1, 6):
            self.add_module(f"res{number}", AdaptiveResidual(deep))
        for number in range(1, 5):
            self.add_module(f"resUp{number}", AdaptiveUp(deep >> (number - 1), deep >> number))
        self.self_att_Up = SelfAttention(deep >> 2)
        last = deep >> 4
        self.conv2d = nn.Conv2d(last, 3, 3, padding=1)
        # a mean and a deviation for each channel that is normalised: two maps a block, and the last one
        self._shares = [4 * deep] * 5 + [2 * (deep >> n) + 2 * (deep >> (n + 1)) for n in range(4)] + [2 * last]
        self.p = nn.Parameter(torch.randn(sum(self._shares), deep) / deep**0.5)
        self.psi = nn.Parameter(torch.randn(sum(self._shares), 1))

    def forward(self, y: Tensor, e: Tensor | None = None) -> Tensor:
        """y: landmarks drawn as lines (B, 3, S, S) float32. e: embedding (B, 8 x channels, 1), not used when
        fine-tuned. Gives pictures (B, 3, in_height, in_height) in (0, 1)."""
        psi = self.psi[None] if self._finetuning or e is None else self.p @ e
        shares = iter(psi.split(self._shares, dim=1))
        z = pad(y, [self._frame] * 4)
        for number in range(1, 5):
            z = self.get_submodule(f"in{number}")(self.get_submodule(f"resDown{number}")(z))
            if number == 3:
                z = self.self_att_Down(z)
        for number in range(1, 6):
            z = self.get_submodule(f"res{number}")(z, next(shares))
        for number in range(1, 5):
            side = self._side if number == 4 else 2 * z.shape[2]
            z = self.get_submodule(f"resUp{number}")(z, next(shares), side)
            if number == 2:
                z = self.self_att_Up(z)
        mean, deviation = next(shares).chunk(2, dim=1)
        return torch.sigmoid(self.conv2d(leaky_relu(_adapt(z, mean, deviation), _SLOPE)))

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; framing leaves no trace in them."""
        return {"channels": shapes["resDown1.conv_l1.weight"][0]}


class Discriminator(ModelMixin, ConfigMixin):
    """D: picture and landmark picture -> score = v^T (W_i + w_0) + b, with a column of W for each video.

    W_i_columns: how many. finetuning: one person's w' stands in for W_i + w_0. in_height: px, the side of the pictures,
    256 at most. channels: of the first block. inside: px that pictures are framed to."""

    @register_to_config
    def __init__(
        self,
        W_i_columns: int = 1,
        finetuning: bool = False,
        in_height: int = 224,
        channels: int = 64,
        inside: int = _INSIDE,
    ) -> None:
        super().__init__()
        self._frame, self._finetuning = _frame(in_height, inside), finetuning
        widths = _add_downs(self, 6, 6, channels)
        self.self_att = SelfAttention(widths[2])
        self.res = Residual(widths[-1])
        self.W_i = nn.Parameter(torch.rand(widths[-1], W_i_columns))
        self.w_0 = nn.Parameter(torch.randn(widths[-1], 1))
        self.w_prime = nn.Parameter(torch.randn(widths[-1], 1))
        self.b = nn.Parameter(torch.randn(1))

    def forward(self, x: Tensor, y: Tensor, i: Tensor | int | None = None) -> tuple[Tensor, list[Tensor]]:
        """x: pictures, y: their landmarks drawn as lines, both (B, 3, S, S) float32. i: the column of W for each
        picture (B,), None for one column a picture in order. Gives the scores (B, 1, 1) and the maps of all seven
        blocks, for feature matching."""
        z = pad(torch.cat([x, y], dim=1), [self._frame] * 4)
        maps: list[Tensor] = []
        for number in range(1, 7):
            z = self.get_submodule(f"resDown{number}")(z)
            maps.append(z)
            if number == 3:
                z = self.self_att(z)
        maps.append(self.res(z))
        v = leaky_relu(maps[-1].mean(dim=(2, 3)), _SLOPE)[:, None]  # (B, 1, 8 x channels)
        columns = self.W_i if i is None else self.W_i[:, torch.as_tensor(i).reshape(-1)]
        weights = self.w_prime[None] if self._finetuning else (columns + self.w_0).T[..., None]
        return v @ weights + self.b, maps

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; framing leaves no trace in them."""
        return {"W_i_columns": shapes["W_i"][1], "channels": shapes["resDown1.conv_l1.weight"][0]}


class ResidualDown(nn.Module):
    """(B, narrow, S, S) -> (B, wide, S/2, S/2): a 1 x 1 convolution beside two of kernel x kernel, then averages."""

    def __init__(self, narrow: int, wide: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv_l1 = nn.Conv2d(narrow, wide, 1)
        self.conv_r1 = nn.Conv2d(narrow, wide, kernel, padding=kernel // 2)
        self.conv_r2 = nn.Conv2d(wide, wide, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, narrow, S, S). Gives (B, wide, S/2, S/2)."""
        y = self.conv_r1(leaky_relu(x, _SLOPE))
        return avg_pool2d(self.conv_l1(x) + self.conv_r2(leaky_relu(y, _SLOPE)), 2)


class Residual(nn.Module):
    """x + conv(act(conv(x))), the discriminator's last block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, S, S), kept in shape."""
        return x + self.conv2(leaky_relu(self.conv1(x), _SLOPE))


class AdaptiveResidual(nn.Module):
    """x + conv(act(adapt(conv(act(adapt(x)))))): psi sets the mean and deviation of both maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, psi: Tensor) -> Tensor:
        """x: (B, channels, S, S), kept in shape. psi: (B, 4 x channels, 1), mean and deviation before the first
        convolution, then before the second."""
        mean1, deviation1, mean2, deviation2 = psi.chunk(4, dim=1)
        y = self.conv1(leaky_relu(_adapt(x, mean1, deviation1), _SLOPE))
        return x + self.conv2(leaky_relu(_adapt(y, mean2, deviation2), _SLOPE))


class AdaptiveUp(nn.Module):
    """(B, wide, S, S) -> (B, narrow, T, T), enlarged bilinearly between the normalisation and the convolution."""

    def __init__(self, wide: int, narrow: int) -> None:
        super().__init__()
        self._widths = [wide, wide, narrow, narrow]
        self.conv_l1 = nn.Conv2d(wide, narrow, 1)
        self.conv_r1 = nn.Conv2d(wide, narrow, 3, padding=1)
        self.conv_r2 = nn.Conv2d(narrow, narrow, 3, padding=1)

    def forward(self, x: Tensor, psi: Tensor, side: int) -> Tensor:
        """x: (B, wide, S, S). psi: (B, 2 x wide + 2 x narrow, 1), as in AdaptiveResidual. side: T, px."""
        mean1, deviation1, mean2, deviation2 = psi.split(self._widths, dim=1)
        beside = interpolate(self.conv_l1(x), size=(side, side), mode="bilinear")
        y = leaky_relu(_adapt(x, mean1, deviation1), _SLOPE)
        y = self.conv_r1(interpolate(y, size=(side, side), mode="bilinear"))
        return beside + self.conv_r2(leaky_relu(_adapt(y, mean2, deviation2), _SLOPE))


class SelfAttention(nn.Module):
    """x + gamma x (every place's features h, mixed by how its key f answers the query g of this place)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.conv_f = nn.Conv2d(channels, channels // 8, 1)
        self.conv_g = nn.Conv2d(channels, channels // 8, 1)
        self.conv_h = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, S, S), kept in shape."""
        key, query, value = (layer(x).flatten(2).mT[:, None] for layer in (self.conv_f, self.conv_g, self.conv_h))
        wider = (0, value.shape[-1] - key.shape[-1])  # of one width, torch never holds what all places answer to all
        seen = scaled_dot_product_attention(pad(query, wider), pad(key, wider), value, scale=1.0)
        return x + self.gamma * seen[:, 0].mT.reshape_as(x)


def _frame(in_height: int, inside: int) -> int:
    """The zeros on each side of a picture. Raises UsageError unless in_height is even and 2 ... inside."""
    if not 0 < in_height <= inside or in_height % 2:
        raise UsageError(f"in_height={in_height} is not possible.", f"Allowed: even numbers up to {inside}.")
    return (inside - in_height) // 2


def _add_downs(network: nn.Module, count: int, input_nc: int, channels: int, kernel: int = 3) -> list[int]:
    """Add resDown1 ... to a network, the first with kernels of its own size. Gives their widths, at most 8 x
    channels."""
    widths = [channels * min(2**level, 8) for level in range(count)]
    for number, (narrow, wide) in enumerate(zip([input_nc, *widths], widths, strict=False), start=1):
        network.add_module(f"resDown{number}", ResidualDown(narrow, wide, kernel if number == 1 else 3))
    return widths


def _adapt(x: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Adaptive instance normalisation. x: (B, C, S, S), mean and deviation: (B, C, 1). As in the original, its own
    deviation is the unbiased one, and what keeps it from zero is added outside the root."""
    own_deviation, own_mean = torch.std_mean(x, dim=(2, 3), keepdim=True)
    return (x - own_mean) / (own_deviation + 1e-5) * deviation[..., None] + mean[..., None]
