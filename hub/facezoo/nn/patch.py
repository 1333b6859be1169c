"""PatchGAN: a discriminator that judges overlapping patches, 70 px wide with three layers.

Source: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (section 3.2.2,
appendix 6.1.2). Arguments and keys are those of the authors' PyTorch code, so that checkpoints need no translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facezoo.nn.residual import infer_normalisation, normalisation

__all__ = ["PatchDiscriminator"]


class PatchDiscriminator(ModelMixin, ConfigMixin):
    """C64-C128-C256-C512 and one more convolution to a map of verdicts. 2,764,737 parameters for one RGB picture with
    InstanceNorm (CycleGAN), 2,768,705 for two beside each other with BatchNorm (pix2pix).

    input_nc: channels of the picture, 6 for condition and picture together. ndf: channels of the first layer. n_layers:
    layers of stride 2. norm_layer: instance | batch | none."""

    @register_to_config
    def __init__(self, input_nc: int = 3, ndf: int = 64, n_layers: int = 3, norm_layer: str = "instance") -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(input_nc, ndf, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        narrow = ndf
        for level in range(1, n_layers + 1):
            wide = ndf * min(2**level, 8)
            stride = 2 if level < n_layers else 1
            layers += [
                nn.Conv2d(narrow, wide, 4, stride=stride, padding=1, bias=norm_layer == "instance"),
                normalisation(norm_layer, wide),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            narrow = wide
        self.model = nn.Sequential(*layers, nn.Conv2d(narrow, 1, 4, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, input_nc, S, S) float32 in [-1, 1]. Gives (B, 1, S/8 - 2, S/8 - 2) with three layers, not squashed."""
        return cast("Tensor", self.model(x))

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors."""
        ndf, input_nc = shapes["model.0.weight"][:2]
        convolutions = sum(len(shape) == 4 for shape in shapes.values())
        return {
            "input_nc": input_nc,
            "ndf": ndf,
            "n_layers": convolutions - 2,
            "norm_layer": infer_normalisation(shapes, "model.2", "model.3"),
        }
