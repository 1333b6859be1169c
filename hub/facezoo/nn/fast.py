"""The same networks with fewer multiplications, for pictures that are painted on a processor without a graphics card.

Source: Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks" (section 4: Winograd's minimal filtering
in tiles of 4 x 4 outputs); the transforms are those of Cook and Toom for the points 0, 1, -1, 2, -2 and infinity. For
large kernels: Mathieu, Henaff & LeCun 2014, "Fast Training of Convolutional Networks through FFTs", tile by tile.
"""

from __future__ import annotations

import copy
import itertools
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import remove_spectral_norm

__all__ = ["hasten"]

_TILE = 4  # outputs of a tile to each side
_POINTS = (0.0, 1.0, -1.0, 2.0, -2.0)
_FEWEST_CHANNELS = 48  # with fewer, the transforms cost more than they save
_FEWEST_TILES = 16  # of a batch
_LARGE_MAP = 32  # px to each side
_FEW_OUTPUTS = 8
_SMALL_KERNEL, _LARGE_KERNEL = 3, 7
_PERIOD = 64  # px of a tile whose spectrum is taken
_CACHED = 4_000_000  # numbers of a tensor that is worked on at a time, so that it stays close to the processor


def hasten(network: nn.Module) -> nn.Module:
    """A copy of a network that gives the same pictures in less time, to about 1e-4, float32 on a processor alone.

    3 x 3 convolutions of stride 1 and transposed 4 x 4 ones of stride 2 are computed in tiles, those of large kernels
    by their spectra; batch normalisation, whose statistics must be known (`eval`), becomes part of the convolution
    before it, and a spectral norm part of the weights. The copy cannot be trained."""
    quick = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(quick.modules()):
        if hasattr(module, "weight_orig"):
            remove_spectral_norm(module)
    for module in list(quick.modules()):
        if isinstance(module, nn.Sequential):
            _absorb_norms(module)
    for module in list(quick.modules()):
        for name, child in list(module.named_children()):
            replaced = _replacement(child)
            if replaced is not None:
                setattr(module, name, replaced)
    return quick.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class _Tiles(nn.Module):
    """A convolution with a square kernel, stride 1 and no padding.

    weight: (O, C, K, K); bias: (O,) or None."""

    spectrum: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.kernel = weight.shape[2]
        _, into, _ = _transforms(self.kernel)
        spread = torch.einsum("ia,ocab,jb->ijco", into, weight.double(), into)
        self.register_buffer("spectrum", spread.flatten(0, 1).float().contiguous())  # (N * N, C, O)
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W). Gives (B, O, H - K + 1, W - K + 1), channels last."""
        size, count = _TILE + self.kernel - 1, len(self.spectrum)
        channels, outputs = self.spectrum.shape[1:]
        height, width = (side - self.kernel + 1 for side in x.shape[2:])
        rows, columns = -(-height // _TILE), -(-width // _TILE)
        beyond = (0, _TILE * columns - width, 0, _TILE * rows - height)
        x = functional.pad(x, beyond) if any(beyond) else x
        x = x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)  # (B, H, W, C)
        made = x.new_empty(len(x), _TILE * rows, _TILE * columns, outputs)
        to_tiles, _, from_tiles = _transforms(self.kernel)
        to_tiles, from_tiles = (torch.kron(each, each).float() for each in (to_tiles, from_tiles))
        at_once = max(1, _CACHED // (count * columns * max(channels, outputs)))
        for picture, target in zip(x, made, strict=True):
            for first in range(0, rows, at_once):
                taken = min(at_once, rows - first)
                part = picture[_TILE * first :]
                down, right, _ = part.stride()
                tiles = part.as_strided(
                    (size, size, taken, columns, channels), (down, right, _TILE * down, _TILE * right, 1)
                )
                spread = (to_tiles @ tiles.reshape(count, -1)).view(count, taken * columns, channels)
                weighed = torch.bmm(spread, self.spectrum)
                flat = (from_tiles @ weighed.view(count, -1)).view(_TILE, _TILE, taken, columns, outputs)
                place = target[_TILE * first : _TILE * (first + taken)].view(taken, _TILE, columns, _TILE, outputs)
                place.copy_(flat.permute(2, 0, 3, 1, 4))
        made = made[:, :height, :width]
        return (made if self.bias is None else made.add_(self.bias)).permute(0, 3, 1, 2)


class _Same(nn.Module):
    """A convolution of stride 1, padded with zeros."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.plain, self.tiles = plain, _Tiles(plain.weight, plain.bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W)."""
        tiles = len(x) * (x.shape[2] // _TILE) * (x.shape[3] // _TILE)
        if tiles < _FEWEST_TILES:
            return self.plain(x)
        return self.tiles(functional.pad(x, (int(self.plain.padding[0]),) * 4))


class _Spectral(nn.Module):
    """A convolution of stride 1 with a large kernel, padded with zeros: a product of spectra in each of many tiles that
    overlap."""

    spectrum: Tensor
    bias: Tensor | None

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.padding, self.step = int(plain.padding[0]), _PERIOD - plain.kernel_size[0] + 1
        spectrum = torch.fft.rfft2(plain.weight.double(), (_PERIOD, _PERIOD)).conj().resolve_conj()
        self.register_buffer("spectrum", spectrum.permute(2, 3, 1, 0).flatten(0, 1).cfloat().contiguous())  # (F, C, O)
        self.register_buffer("bias", None if plain.bias is None else plain.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W)."""
        height, width = (side + 2 * self.padding - _PERIOD + self.step for side in x.shape[2:])
        below, right = (-side % self.step for side in (height, width))
        x = functional.pad(x, (self.padding, self.padding + right, self.padding, self.padding + below))
        seen = torch.fft.rfft2(x.unfold(2, _PERIOD, self.step).unfold(3, _PERIOD, self.step))  # (B, C, R, Q, 64, 33)
        batch, channels, rows, columns = seen.shape[:4]
        made = torch.bmm(seen.permute(4, 5, 0, 2, 3, 1).reshape(len(self.spectrum), -1, channels), self.spectrum)
        made = made.view(*seen.shape[4:], batch, rows, columns, -1).permute(2, 5, 3, 0, 4, 1)
        made = torch.fft.irfft2(made, (_PERIOD, _PERIOD), dim=(3, 5))[:, :, :, : self.step, :, : self.step]
        made = made.reshape(batch, -1, rows * self.step, columns * self.step)[:, :, :height, :width]
        return made if self.bias is None else made + self.bias[:, None, None]


class _Doubling(nn.Module):
    """A transposed 4 x 4 convolution of stride 2 and padding 1.

    Large maps: four convolutions of 2 x 2, one for every second pixel each. Small ones, or few outputs: one product of
    matrices, whose results are added up where they belong."""

    def __init__(self, plain: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.bias, self.outputs = plain.bias, plain.out_channels
        self.spread = nn.Parameter(plain.weight.permute(1, 2, 3, 0).flatten(0, 2).contiguous(), requires_grad=False)
        taps = [3, 1], [2, 0]  # which of the four meet the two inputs that an even and an odd output see
        kernels = [plain.weight[:, :, down][..., right].transpose(0, 1) for down in taps for right in taps]
        self.tiles = _Tiles(torch.cat(kernels), None)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W). Gives (B, O, 2 * H, 2 * W)."""
        height, width = x.shape[2:]
        if self.outputs < _FEWEST_CHANNELS or min(height, width) < _LARGE_MAP:
            result = functional.fold(self.spread @ x.flatten(2), (2 * height, 2 * width), 4, padding=1, stride=2)
        else:
            made = self.tiles(functional.pad(x, (1, 1, 1, 1)))  # (B, 4 * O, H + 1, W + 1)
            result = x.new_empty(len(x), 2 * height, 2 * width, self.outputs).permute(0, 3, 1, 2)
            for number, phase in enumerate(made.split(self.outputs, dim=1)):
                down, right = divmod(number, 2)
                result[:, :, down::2, right::2] = phase[:, :, down : down + height, right : right + width]
        return result if self.bias is None else result.add_(self.bias[:, None, None])


class _Thin(nn.Module):
    """A convolution of stride 1 with few outputs, two by two pixels at a time, so that a processor's wide registers
    are filled."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        outputs, channels, size, _ = plain.weight.shape
        weight = plain.weight.new_zeros(outputs, 2, 2, channels, size + 1, size + 1)
        for down in range(2):
            for right in range(2):
                weight[:, down, right, :, down : down + size, right : right + size] = plain.weight
        bias = None if plain.bias is None else plain.bias.repeat_interleave(4)
        self.wide = nn.Conv2d(channels, 4 * outputs, size + 1, stride=2, bias=bias is not None)
        self.wide.weight.data = weight.flatten(0, 2)
        if bias is not None:
            self.wide.bias = nn.Parameter(bias, requires_grad=False)
        self.padding = int(plain.padding[0])

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W), H and W of any parity."""
        beyond = [(side + 2 * self.padding - self.wide.kernel_size[0]) % 2 for side in x.shape[2:]]
        x = functional.pad(x, (self.padding, self.padding + beyond[1], self.padding, self.padding + beyond[0]))
        made = functional.pixel_shuffle(self.wide(x), 2)
        return made[:, :, : made.shape[2] - beyond[0], : made.shape[3] - beyond[1]]


class _InstanceNorm(nn.Module):
    """Instance normalisation without parameters, as a group normalisation, for which torch is several times faster."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W)."""
        return functional.group_norm(x, x.shape[1], eps=self.eps)


def _replacement(layer: nn.Module) -> nn.Module | None:
    """What computes the same in less time, if that is known."""
    if isinstance(layer, nn.InstanceNorm2d) and not layer.affine and not layer.track_running_stats:
        return _InstanceNorm(layer.eps)
    if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return None
    if layer.groups != 1 or set(layer.dilation) != {1} or layer.padding_mode != "zeros":
        return None
    if isinstance(layer.padding, str):
        return None
    shape = (layer.kernel_size, layer.stride, layer.padding)
    if isinstance(layer, nn.ConvTranspose2d):
        return _Doubling(layer) if shape == ((4, 4), (2, 2), (1, 1)) and layer.output_padding == (0, 0) else None
    (size, other), stride, (pad, sideways) = shape
    if stride != (1, 1) or size != other or pad != sideways:
        return None
    if layer.out_channels <= _FEW_OUTPUTS and size > _SMALL_KERNEL:
        return _Thin(layer)
    if min(layer.in_channels, layer.out_channels) >= _FEWEST_CHANNELS:
        known = {_SMALL_KERNEL: _Same, **dict.fromkeys(range(_LARGE_KERNEL, _PERIOD // 2), _Spectral)}
        return known[size](layer) if size in known else None
    return None


def _absorb_norms(layers: nn.Sequential) -> None:
    """Let each convolution do what the batch normalisation after it did."""
    for number, (layer, norm) in enumerate(itertools.pairwise(list(layers))):
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) or not isinstance(norm, nn.BatchNorm2d):
            continue
        if norm.running_mean is None or norm.running_var is None or not norm.affine:
            continue
        scale = (norm.running_var + norm.eps).rsqrt() * norm.weight
        shift = norm.running_mean - (0 if layer.bias is None else layer.bias)
        shape = (1, -1, 1, 1) if isinstance(layer, nn.ConvTranspose2d) else (-1, 1, 1, 1)
        bias = norm.bias - shift * scale
        layer.weight = nn.Parameter(layer.weight * scale.view(shape), requires_grad=False)
        layer.bias = nn.Parameter(bias, requires_grad=False)
        layers[number + 1] = nn.Identity()


@lru_cache
def _transforms(kernel: int) -> tuple[Tensor, Tensor, Tensor]:
    """Matrices, float64, that take N = 3 + kernel inputs, and `kernel` weights, to N numbers each, whose products a
    third one takes to _TILE outputs: (N, N), (N, kernel), (_TILE, N)."""
    size = _TILE + kernel - 1
    points = torch.tensor(_POINTS[: size - 1], dtype=torch.float64)

    def powers(count: int) -> Tensor:
        """(N, count): of each point, and of infinity."""
        table = points[:, None] ** torch.arange(count)
        last = torch.zeros(1, count, dtype=torch.float64)
        last[0, -1] = 1
        return torch.cat([table, last])

    # Transposed, Toom and Cook's product of two polynomials: evaluated at the points, multiplied, interpolated.
    return torch.linalg.inv(powers(size)).T.contiguous(), powers(kernel), powers(_TILE).T.contiguous()
