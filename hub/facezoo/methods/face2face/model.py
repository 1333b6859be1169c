"""pix2pix' networks, the U-Net generator and the patch discriminator, and what paints a known person with the former.

Sources: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (appendix 6.1), whose
arguments and keys are those of the authors' PyTorch code, so that checkpoints need no translation; Thies et al. 2019,
"Deferred Neural Rendering: Image Synthesis using Neural Textures" (section 4: a texture that is learned).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facezoo.motion.drawing import FACE_SHARE
from facezoo.motion.read import EXPRESSIONS
from facezoo.nn.patch import PatchDiscriminator
from facezoo.nn.people import KnownPeople
from facezoo.nn.residual import infer_normalisation, normalisation

__all__ = ["PRESETS", "Painter", "PatchDiscriminator", "UnetGenerator"]

PRESETS: dict[str, Mapping[str, Any]] = {
    "cpu": {},
    "small": {"side": 128, "num_downs": 5, "texture_side": 80},
    "paper": {"people": ("persona",), "style": "lines", "texture": 0, "ngf": 64, "num_downs": 8, "use_dropout": True},
}
"""Constructor arguments of `Painter`, beside the people. paper: the published U-Net for 256 px, one person, drawn in
lines. cpu: few million parameters for all people at 256 px; small: the same at 128 px."""


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


class Painter(KnownPeople):
    """The drawing of a face -> the picture of a person whom it knows.

    The U-Net translates the drawing and, beside it, what the person's learned texture says at each pixel of the face
    and their learned canvas says around it. The first three channels of these are colours to begin with.

    people: ids. side: px of the pictures. style: of the drawings it learned from, see `drawing.Style`. texture:
    channels of texture and canvas, at least 3, or 0 for the U-Net alone, which can only know one person. texture_side:
    px of a texture's width. The others: see `UnetGenerator`."""

    @register_to_config
    def __init__(
        self,
        people: tuple[str, ...] = ("imani", "joss", "orla", "tarek"),
        side: int = 256,
        style: str = "mesh",
        texture: int = 8,
        texture_side: int = 128,
        ngf: int = 24,
        num_downs: int = 6,
        norm_layer: str = "batch",
        use_dropout: bool = False,
    ) -> None:
        super().__init__()
        if side % 2**num_downs or 0 < texture < 3 or (not texture and len(people) > 1):
            raise ValueError(f"{num_downs} halvings of {side} px with {texture} channels for {len(people)} people")
        self.side, self.style = side, style
        self.unet = UnetGenerator(3 + texture, 3, num_downs, ngf, norm_layer, use_dropout)
        size = round(texture_side / FACE_SHARE), texture_side
        self.know(people, texture, size, side // 4, len(EXPRESSIONS))

    def forward(self, drawings: Tensor, places: Tensor, who: Tensor) -> Tensor:
        """drawings: (B, 3, S, S) float32 in [-1, 1]; places: (B, S, S, 2), see `Drawing.places`; who: (B,) int64, which
        of the people. Gives pictures (B, 3, S, S), about [-1, 1]."""
        if not self.textures.shape[1]:
            return self.unet(drawings)
        known = self.recall(places, who)
        return known[:, :3] + self.unet(torch.cat([drawings, known], dim=1))


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
