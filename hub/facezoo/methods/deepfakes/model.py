"""The shared autoencoder: one encoder for every face, one decoder a person.

Sources: the `original` model of the faceswap project (2017), whose layers the paper preset has; Shi et al. 2016,
"Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network"
(section 3.2, pixel shuffle).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ANYONE", "PRESETS", "Autoencoder", "Decoder", "Encoder", "even_colors"]

PRESETS: dict[str, Mapping[str, Any]] = {
    "cpu": {},
    "paper": {
        "side": 64,
        "widths": (128, 256, 512, 1024),
        "reduced": 0,
        "code": 1024,
        "dense": 1024,
        "direct": 0,
        "shared": 512,
        "ups": (256, 128, 64),
        "last": 5,
        "mask": "branch",
        "even": False,
        "scale": 1,
        "anyone": (),
    },
}
"""Constructor arguments of `Autoencoder`, beside the people. paper: as in the original, 64 px. cpu: 96 px in, 192 px
out, few million parameters; a part of the code stays a picture, so that a mouth need not be told through a list of
numbers."""

ANYONE = "anyone"
"""The decoder of everybody else."""

_SLOPE = 0.1  # of the leaky ReLUs


class Autoencoder(ModelMixin, ConfigMixin):
    """Faces -> code -> the same faces as somebody else would make them.

    people: ids, one decoder each. side: px of the pictures. widths: channels of the encoder's convolutions, each of
    which halves the side. reduced: channels they are cut to before the dense layers, 0 for all. code: numbers that a
    face becomes; dense: channels of the small picture that is made of them. direct: channels that go around the dense
    layers. shared: channels of the upscaling that all people share. ups: of each decoder's own; after the last one a
    convolution of `last` px makes the picture, shuffled to what the side asks for. mask: "channel" of the picture's own
    last convolution, "branch" of its own as in the original, or "none". even: whether pictures' colours are evened out
    first, see `even_colors`. scale: how much larger the pictures are that come out, a power of 2. anyone: upscalings of
    one more decoder, ANYONE, that rebuilds whoever comes in; () for none."""

    @register_to_config
    def __init__(
        self,
        people: tuple[str, ...] = ("imani", "joss", "orla", "tarek"),
        side: int = 96,
        widths: tuple[int, ...] = (32, 64, 128, 192),
        reduced: int = 32,
        code: int = 256,
        dense: int = 64,
        direct: int = 32,
        shared: int = 96,
        ups: tuple[int, ...] = (128, 64, 32),
        last: int = 3,
        mask: str = "channel",
        even: bool = True,
        scale: int = 2,
        anyone: tuple[int, ...] = (64, 32, 32),
    ) -> None:
        super().__init__()
        small = side // 2 ** len(widths)
        shuffle = side * scale // (small * 2 ** (1 + len(ups)))  # what the upscalings leave to the last convolution
        made = small * 2 ** (1 + len(ups)) * shuffle
        if small * 2 ** len(widths) != side or made != side * scale or shuffle not in (1, 2, 4):
            raise ValueError(f"{len(widths)} halvings and {1 + len(ups)} doublings do not suit a side of {side} px")
        if len(anyone) not in (0, len(ups)):
            raise ValueError(f"{len(anyone)} upscalings of anyone's decoder do not suit {len(ups)} of the others'")
        self.side, self.even, self.scale = side, even, scale
        self.encoder = Encoder(small, widths, reduced, code, dense, direct, shared)
        widths_of = dict.fromkeys(people, ups) | ({ANYONE: anyone} if anyone else {})
        self.decoders = nn.ModuleDict(
            {name: Decoder((shared, *own), shuffle, last, mask) for name, own in widths_of.items()}
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, _SLOPE)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def people(self) -> tuple[str, ...]:
        """Who has a decoder, ANYONE left out."""
        return tuple(name for name in self.decoders if name != ANYONE)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """faces: (P, B, 3, S, S) float32 in [-1, 1], B for each of the P decoders in order. Gives pictures of them (P,
        B, 3, T, T), T = S scale, in the same range, and masks (P, B, 1, T, T), logits of where the face is; these are 9
        everywhere without a mask."""
        codes = self.encode(faces.flatten(0, 1)).unflatten(0, faces.shape[:2])
        made = [decoder(code) for decoder, code in zip(self.decoders.values(), codes, strict=True)]
        pictures, masks = zip(*made, strict=True)
        return torch.stack(pictures), torch.stack(masks)

    def encode(self, faces: Tensor) -> Tensor:
        """(B, 3, S, S) float32 in [-1, 1] to what every decoder takes, (B, shared, 2 small, 2 small)."""
        return self.encoder(even_colors(faces) if self.even else faces / 2 + 0.5)

    def swap(self, faces: Tensor, person: str) -> tuple[Tensor, Tensor]:
        """faces: (B, 3, S, S) float32 in [-1, 1]. Gives them as `person`, (B, 3, T, T), T = S scale, same range, and
        the mask (B, 1, T, T) in [0, 1]."""
        picture, mask = self.decoders[person](self.encode(faces))
        return picture, torch.sigmoid(mask)


class Encoder(nn.Module):
    """Halving convolutions, dense layers, one upscaling. Arguments: see `Autoencoder`; small: px before the dense."""

    def __init__(
        self, small: int, widths: tuple[int, ...], reduced: int, code: int, dense: int, direct: int, shared: int
    ) -> None:
        super().__init__()
        self.small = small
        self.down = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2) for a, b in pairwise((3, *widths)))
        self.reduce = nn.Conv2d(widths[-1], reduced, 1) if reduced else nn.Identity()
        self.direct = nn.Conv2d(widths[-1], direct, 1) if direct else None
        self.into = nn.Linear(small * small * (reduced or widths[-1]), code)
        self.out = nn.Linear(code, small * small * dense)
        self.up = _Upscale(dense + direct, shared)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, 3, S, S) float32. Gives (B, shared, 2 small, 2 small)."""
        for halve in self.down:
            # "same" padding of an even side, stride 2 and 5 px: one px before, two behind
            x = functional.leaky_relu(halve(functional.pad(x, (1, 2, 1, 2))), _SLOPE)
        code = self.out(self.into(self.reduce(x).flatten(1)))
        code = code.unflatten(1, (-1, self.small, self.small))
        return self.up(code if self.direct is None else torch.cat([code, self.direct(x)], dim=1))


class Decoder(nn.Module):
    """Upscalings and a last convolution, for one person. widths: channels, the encoder's first. shuffle: how many times
    the side of its features the last convolution's picture has."""

    def __init__(self, widths: tuple[int, ...], shuffle: int, last: int, mask: str) -> None:
        super().__init__()
        planes = 4 if mask == "channel" else 3
        self.shuffle, self.mask = shuffle, mask
        self.face = _ups(widths)
        self.face_out = nn.Conv2d(widths[-1], planes * shuffle**2, last, padding=last // 2)
        self.mask_up = _ups(widths) if mask == "branch" else None
        self.mask_out = nn.Conv2d(widths[-1], shuffle**2, last, padding=last // 2) if mask == "branch" else None

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """code: (B, shared, s, s). Gives the picture (B, 3, T, T) float32 in [-1, 1] and the mask's logits (B, 1, T,
        T)."""
        x = functional.pixel_shuffle(self.face_out(self.face(code)), self.shuffle)
        picture = 2 * torch.sigmoid(x[:, :3]) - 1
        if self.mask_up is not None and self.mask_out is not None:
            return picture, functional.pixel_shuffle(self.mask_out(self.mask_up(code)), self.shuffle)
        return picture, x[:, 3:] if self.mask == "channel" else torch.full_like(x[:, :1], 9.0)


def even_colors(faces: Tensor) -> Tensor:
    """Every channel of each picture with mean 0 and deviation 1 around its middle, where the face is.

    faces: (B, 3, S, S) float32. Light, skin and white balance are matched when the face is put back, and need not be
    known before."""
    line = torch.linspace(-1.3, 1.3, faces.shape[-1], device=faces.device, dtype=faces.dtype)
    weight = torch.exp(-(line[:, None] ** 2) - line[None, :] ** 2)
    weight = weight / weight.sum()
    mean = (faces * weight).sum(dim=(2, 3), keepdim=True)
    variance = ((faces - mean) ** 2 * weight).sum(dim=(2, 3), keepdim=True)
    return (faces - mean) / (variance + 1e-3).sqrt()


def _ups(widths: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(_Upscale(a, b) for a, b in pairwise(widths)))


class _Upscale(nn.Module):
    """Convolution to four times the channels, leaky ReLU, pixel shuffle."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, 4 * after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, s, s) to (B, after, 2 s, 2 s)."""
        return functional.pixel_shuffle(functional.leaky_relu(self.convolution(x), _SLOPE), 2)
