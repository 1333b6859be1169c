"""pix2pix' networks: the U-Net generator, and the patch discriminator.

Source: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (appendix 6.1). Arguments
and keys are those of the authors' PyTorch code, so that checkpoints need no translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facezoo.nn.patch import PatchDiscriminator
from facezoo.nn.residual import infer_normalisation, normalisation

__all__ = ["PatchDiscriminator", "UnetGenerator"]


class UnetGenerator(ModelMixin, ConfigMixin):
    """An encoder of num_downs convolutions with stride 2, and a decoder that sees each of their maps again.
    54,413,955 parameters with 8 (for 256 px), 41,828,995 with 7 (for 128 px).

    ngf: channels at half the side; they double down to 8 x ngf. norm_layer: batch | instance | none. use_dropout: in
    the levels between the innermost and the last with 8 x ngf; it is the only noise pix2pix has, and its paper keeps it
    on when it paints."""

    @register_to_config
    def __init__(
        self,
        input_nc: int = 3,
        output_nc: int = 3,
        num_downs: int = 8,
        ngf: int = 64,
        norm_layer: str = "batch",
        use_dropout: bool = True,
    ) -> None:
        super().__init__()
        level = _Level(8 * ngf, 8 * ngf, None, norm_layer, dropout=False)
        for _ in range(num_downs - 5):
            level = _Level(8 * ngf, 8 * ngf, level, norm_layer, dropout=use_dropout)
        for width in (4 * ngf, 2 * ngf, ngf):
            level = _Level(width, 2 * width, level, norm_layer, dropout=False)
        self.model = _Outermost(input_nc, output_nc, ngf, level, bias=norm_layer == "instance")

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, input_nc, S, S) float32 in [-1, 1], S a multiple of 2 ** num_downs. Gives (B, output_nc, S, S) in
        (-1, 1)."""
        return cast("Tensor", self.model(x))

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; dropout leaves no trace in them."""
        ngf, input_nc = shapes["model.model.0.weight"][:2]
        return {
            "input_nc": input_nc,
            "output_nc": shapes["model.model.3.weight"][1],
            "num_downs": sum(len(shape) == 4 for shape in shapes.values()) // 2,
            "ngf": ngf,
            "norm_layer": infer_normalisation(shapes, "model.model.1.model.1", "model.model.1.model.2"),
        }


class _Outermost(nn.Module):
    """The way in and the way out, around all other levels."""

    def __init__(self, input_nc: int, output_nc: int, ngf: int, inner: nn.Module, *, bias: bool) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(input_nc, ngf, 4, stride=2, padding=1, bias=bias),
            inner,
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(2 * ngf, output_nc, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, input_nc, S, S). Gives (B, output_nc, S, S)."""
        return self.model(x)


class _Level(nn.Module):
    """outer channels at S -> inner channels at S/2 -> what lies inside -> outer channels at S, beside what came in."""

    def __init__(self, outer: int, inner: int, inside: nn.Module | None, norm_layer: str, *, dropout: bool) -> None:
        super().__init__()
        bias = norm_layer == "instance"
        layers: list[nn.Module] = [
            nn.LeakyReLU(0.2),
            nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=bias),
        ]
        if inside is not None:
            layers += [normalisation(norm_layer, inner), inside]
        layers += [
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(inner if inside is None else 2 * inner, outer, 4, stride=2, padding=1, bias=bias),
            normalisation(norm_layer, outer),
        ]
        if dropout:
            layers += [nn.Dropout(0.5)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, outer, S, S). Gives (B, 2 * outer, S, S): the skip carries the rectified map, not x itself."""
        x = self.model[0](x)
        return torch.cat([x, self.model[1:](x)], dim=1)
