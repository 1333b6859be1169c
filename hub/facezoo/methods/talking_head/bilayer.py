"""The bi-layer generator: a coarse picture from the pose, and the photos' own texture carried to where it belongs.

Sources: Zakharov et al. 2020, "Fast Bi-layer Neural Synthesis of One-Shot Realistic Head Avatars" (section 3: a coarse
layer and a warped texture); Siarohin et al. 2019, "First Order Motion Model for Image Animation" (section 3.2: the
warp begins as what the points say, and a network mends it); Bookstein 1989, "Principal Warps: Thin-Plate Splines".
Unlike the paper's texture, ours are the photos themselves, at any resolution: nothing has to be painted that is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, leaky_relu, pixel_shuffle, pixel_unshuffle

from .model import AdaptiveResidual, AdaptiveUp

__all__ = ["Bilayer", "Layers", "carry", "thin_plate"]

_SLOPE = 0.1
_MENDED = 0.12  # of half a picture, the most that the network moves the warp
_TRUST = 2.0  # logit of the carried texture to begin with
_SURE = 4.0  # largest logit: at a mask of 1 nothing could be learned any more
_BLUR = 8  # px that the carried texture is blurred by where the coarse picture begins
_SHUT, _OPENS = 0.03, 0.12  # openings, in widths of the mouth: what is none, and how much more a gap is whole
_SOFT = 2e-3  # stiffness of the plate: 0 goes through all points, however they fold


@dataclass(frozen=True)
class Layers:
    """picture = mask x carried + (1 - mask) x coarse. picture, coarse, carried: (B, 3, S, S) in about [0, 1]; mask:
    (B, 1, S, S), 0 in a mouth that opens wider than in any photo. warps: (B, K, S/2, S/2, 2), where in each photo a
    pixel is read, [-1, 1] from edge to edge; shares: (B, K, 1, S/2, S/2), of the photos, which sum to 1. mends: what
    the network added to the warps."""

    picture: Tensor
    coarse: Tensor
    carried: Tensor
    mask: Tensor
    warps: Tensor
    shares: Tensor
    mends: Tensor


class Bilayer(ModelMixin, ConfigMixin):
    """Landmark picture, embedding and photos -> picture, see Layers.

    side: px of the pictures, a multiple of 16. embedding: channels of e. narrow, wide: channels of the first maps of
    the networks that mend the warp and that paint. finetuning: psi is a parameter of its own, and e is not used."""

    @register_to_config
    def __init__(
        self, side: int = 128, embedding: int = 128, narrow: int = 20, wide: int = 24, finetuning: bool = False
    ) -> None:
        super().__init__()
        self.side, self._finetuning = side, finetuning
        self.flow = _Adaptive(9, narrow, 3)
        self.paint = _Adaptive(26, wide, 16)
        self._shares = [self.flow.wanted, self.paint.wanted]
        self.p = nn.Parameter(torch.randn(sum(self._shares), embedding) * 0.02)
        self.rest = nn.Parameter(torch.cat([self.flow.neutral(), self.paint.neutral()])[:, None])
        self.psi = nn.Parameter(torch.zeros(sum(self._shares), 1))

    def personal(self, e: Tensor) -> Tensor:
        """psi (B, N, 1) of embeddings (B, embedding, 1)."""
        return self.psi[None].expand(len(e), -1, -1) if self._finetuning else self.rest + self.p @ e

    def forward(self, drawing: Tensor, points: Tensor, photos: Tensor, seen: Tensor, e: Tensor) -> Layers:
        """drawing: (B, 3, S, S) in [0, 1] of points (B, P, 2), px, which say what to do. photos: (B, K, 3, S, S), the
        first of them the one whose background is kept; seen: their points (B, K, P, 2). e: (B, embedding, 1)."""
        count = photos.shape[1]
        psi = self.personal(e).split(self._shares, dim=1)
        begin, start = self._begin(points, seen)
        small = grid_sample(avg_pool2d(photos.flatten(0, 1), 2), begin, padding_mode="border", align_corners=False)
        asked = avg_pool2d(drawing, 2).repeat_interleave(count, dim=0)
        home = torch.zeros_like(small[:, :1])
        home[::count] = 1
        flow = self.flow(torch.cat([asked, small, start, home], dim=1), psi[0].repeat_interleave(count, dim=0))
        mends = _MENDED * torch.tanh(flow[:, :2]).permute(0, 2, 3, 1)
        warps = (begin + mends).unflatten(0, (-1, count))
        shares = torch.softmax((flow[:, 2:] + 2 * home).unflatten(0, (-1, count)), dim=1)
        carried = carry(photos, warps, shares)
        moved = (start.unflatten(0, (-1, count)) * shares).sum(dim=1)
        made = self.paint(torch.cat([pixel_unshuffle(torch.cat([carried, drawing], 1), 2), moved], dim=1), psi[1])
        coarse, trust = pixel_shuffle(made, 2).split([3, 1], dim=1)
        blurred = interpolate(avg_pool2d(carried, _BLUR), scale_factor=_BLUR, mode="bilinear")
        coarse = blurred + torch.tanh(coarse)
        mask = torch.sigmoid(_SURE * torch.tanh((trust + _TRUST) / _SURE)) * (1 - _gap(points, seen, self.side))
        picture = mask * carried + (1 - mask) * coarse
        return Layers(picture, coarse, carried, mask, warps, shares, mends.unflatten(0, (-1, count)))

    @torch.no_grad()
    def _begin(self, points: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Where the points alone say that each photo is read, (B K, S/2, S/2, 2), and how far away from itself, five
        times that, (B K, 2, S/2, S/2)."""
        batch, count = seen.shape[:2]
        to, at = ((each + 0.5) * (2 / self.side) - 1 for each in (points, seen))
        home = (torch.arange(count, device=to.device) == 0).repeat(batch)
        start = thin_plate(to.repeat_interleave(count, dim=0), at.flatten(0, 1), home, self.side // 2)
        grid = _grid(self.side // 2).to(start)
        return grid + start, 5 * start.permute(0, 3, 1, 2)


@torch.no_grad()
def _gap(points: Tensor, seen: Tensor, side: int) -> Tensor:
    """Between the lips, where no photo can say what is seen as the mouth opens further than in any: (B, 1, side, side),
    1 there. points: (B, P, 2) px, seen: (B, K, P, 2)."""
    upper, lower, left, right = (torch.cat([points[:, None], seen], dim=1)[:, :, each] for each in (62, 66, 48, 54))
    opened = (lower - upper).norm(dim=2) / (right - left).norm(dim=2)
    amount = ((opened[:, 0] - opened[:, 1:].amax(dim=1) - _SHUT) / _OPENS).clamp(0, 1)
    line = torch.arange(side, dtype=points.dtype, device=points.device)
    ring = points[:, 60:68, :, None]
    (x, y), (next_x, next_y) = ring.unbind(dim=2), ring.roll(-1, dims=1).unbind(dim=2)
    crossed = (y > line) != (next_y > line)  # (B, 8, rows): lips that this row cuts
    at = x + (line - y) / torch.where(crossed, next_y - y, 1) * (next_x - x)
    inside = (crossed[..., None] & (at[..., None] > line)).sum(dim=1, keepdim=True) % 2
    return avg_pool2d(inside.to(points.dtype), 3, 1, 1) * amount[:, None, None, None]


def carry(photos: Tensor, warps: Tensor, shares: Tensor) -> Tensor:
    """The photos (B, K, 3, T, T), of any size, read where warps (B, K, h, h, 2) say and mixed by shares
    (B, K, 1, h, h): (B, 3, T, T)."""
    batch, count = photos.shape[:2]
    size = photos.shape[3:]
    grid = interpolate(warps.flatten(0, 1).permute(0, 3, 1, 2), size=size, mode="bilinear").permute(0, 2, 3, 1)
    read = grid_sample(photos.flatten(0, 1), grid, padding_mode="border", align_corners=False)
    if count == 1:
        return read
    parts = interpolate(shares.flatten(0, 1), size=size, mode="bilinear")
    return (read * parts).unflatten(0, (batch, count)).sum(dim=1)


def thin_plate(to: Tensor, at: Tensor, home: Tensor, side: int) -> Tensor:
    """How far from each place a picture must be read for its points `at` to come to `to`, both (N, P, 2) in [-1, 1]:
    (N, side, side, 2). Where home (N,) is true the picture's edge stays where it is."""
    edge = _edge().to(to).expand(len(to), -1, -1)
    knots = torch.cat([to, edge], dim=1)
    values = torch.cat([at - to, torch.zeros_like(edge)], dim=1)
    count, fixed = knots.shape[1], edge.shape[1]
    loose = torch.full((len(to), count), _SOFT, dtype=to.dtype, device=to.device)
    loose[~home, count - fixed :] = 1e6
    flat = torch.cat([torch.ones_like(knots[..., :1]), knots], dim=2)
    system = torch.zeros(len(to), count + 3, count + 3, dtype=to.dtype, device=to.device)
    system[:, :count, :count] = _bend(knots, knots) + torch.diag_embed(loose)
    system[:, :count, count:], system[:, count:, :count] = flat, flat.transpose(1, 2)
    right = torch.cat([values, torch.zeros_like(values[:, :3])], dim=1)
    weights = torch.linalg.solve(system, right)
    places = _grid(side).to(to).reshape(1, -1, 2).expand(len(to), -1, -1)
    made = _bend(places, knots) @ weights[:, :count]
    made = made + torch.cat([torch.ones_like(places[..., :1]), places], dim=2) @ weights[:, count:]
    return made.unflatten(1, (side, side))


class _Adaptive(nn.Module):
    """(B, inputs, S, S) -> (B, outputs, S, S): down to an eighth, two adaptive blocks, and up again, all of whose means
    and deviations are psi's."""

    def __init__(self, inputs: int, first: int, outputs: int) -> None:
        super().__init__()
        widths = [first, 2 * first, 4 * first, 6 * first]
        self.begin = nn.Conv2d(inputs, first, 3, padding=1)
        steps = list(pairwise(widths))
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in steps)
        self.deep = nn.ModuleList(AdaptiveResidual(widths[-1]) for _ in range(2))
        self.ups = nn.ModuleList(AdaptiveUp(b, a) for a, b in steps[::-1])
        self.joins = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for width in widths[-2::-1])
        self.end = nn.Conv2d(first, outputs, 3, padding=1)
        for each in self.end.parameters():
            nn.init.zeros_(each)
        self._maps = [widths[-1]] * 4 + [width for a, b in steps[::-1] for width in (b, a)]
        self._parts = [4 * widths[-1]] * 2 + [2 * a + 2 * b for a, b in steps[::-1]]

    @property
    def wanted(self) -> int:
        """How many numbers of psi it takes."""
        return sum(self._parts)

    def neutral(self) -> Tensor:
        """(wanted,): means of 0 and deviations of 1."""
        return torch.cat([torch.arange(2.0).repeat_interleave(width) for width in self._maps])

    def forward(self, x: Tensor, psi: Tensor) -> Tensor:
        """x: (B, inputs, S, S), psi: (B, wanted, 1). Gives (B, outputs, S, S)."""
        shares = iter(psi.split(self._parts, dim=1))
        x = leaky_relu(self.begin(x), _SLOPE)
        kept: list[Tensor] = []
        for down in self.downs:
            kept.append(x)
            x = leaky_relu(down(x), _SLOPE)
        for block in self.deep:
            x = block(x, next(shares))
        for up, join in zip(self.ups, self.joins, strict=True):
            beside = kept.pop()
            x = up(x, next(shares), beside.shape[2])
            x = leaky_relu(x + join(beside), _SLOPE)
        return self.end(x)


def _bend(a: Tensor, b: Tensor) -> Tensor:
    """(N, A, B): r^2 log r^2 of the distances r of points (N, A, 2) and (N, B, 2)."""
    squares = torch.baddbmm(b.square().sum(dim=2)[:, None], a, b.transpose(1, 2), alpha=-2)
    squares = squares.add_(a.square().sum(dim=2)[..., None]).clamp_(min=1e-9)
    return squares * squares.log()


@cache
def _edge() -> Tensor:
    """(1, 20, 2): points along the edge of a picture."""
    line = torch.linspace(-1, 1, 6)[:-1]
    one = torch.ones(5)
    sides = [(line, -one), (one, line), (-line, one), (-one, -line)]
    return torch.cat([torch.stack(side, dim=1) for side in sides])[None]


@cache
def _grid(side: int) -> Tensor:
    """(side, side, 2): where pixels are, x then y, [-1, 1] from edge to edge."""
    line = (torch.arange(side) + 0.5) * (2 / side) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], dim=2)
