"""CycleGAN's networks: the residual generator, and the patch discriminator that it shares with pix2pix.

Source: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (appendix
7.2). Arguments and keys are those of the authors' PyTorch code, so that checkpoints need no translation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facezoo.methods.cyclegan.brush import BrushGenerator
from facezoo.nn.patch import PatchDiscriminator
from facezoo.nn.residual import infer_normalisation, last_layers, trunk

__all__ = ["PatchDiscriminator", "ResnetGenerator", "Translator"]


class ResnetGenerator(ModelMixin, ConfigMixin):
    """c7s1-64, d128, d256, n_blocks x R256, u128, u64, c7s1-3, tanh. 11,378,179 parameters with 9 blocks (for 256 px),
    7,837,699 with 6 (for 128 px).

    ngf: channels of the first layer. norm_layer: instance | batch | none. padding_type: reflect | replicate | zero, in
    the residual blocks. skip: add the input to what the layers give, which the original does not: the network then
    begins by leaving a picture as it is, sharp and in its colours, and needs far fewer steps. colors: of a
    translator of faces, mean and standard deviation in CIE Lab (6 numbers) that pictures get first; see `window`."""

    @register_to_config
    def __init__(
        self,
        input_nc: int = 3,
        output_nc: int = 3,
        ngf: int = 64,
        n_blocks: int = 9,
        norm_layer: str = "instance",
        use_dropout: bool = False,
        padding_type: str = "reflect",
        skip: bool = False,
        colors: Sequence[float] = (),
    ) -> None:
        super().__init__()
        bias = norm_layer == "instance"  # any other normalisation has a shift of its own, or was trained without
        layers = trunk(input_nc, ngf, 2, n_blocks, norm_layer, padding_type, bias=bias, use_dropout=use_dropout)
        self.model, self._skip = nn.Sequential(*layers, *last_layers(ngf, output_nc)), skip

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, input_nc, S, S) float32 in [-1, 1], S a multiple of 4. Gives (B, output_nc, S, S) in (-1, 1), or about
        that with `skip`."""
        y = cast("Tensor", self.model(x))
        return x + y if self._skip else y

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors.

        Reflection and replication look the same: reflect, as in the paper."""
        ngf, input_nc = shapes["model.1.weight"][:2]
        first, second = sorted(
            int(name.split(".")[3])
            for name, shape in shapes.items()
            if name.startswith("model.10.conv_block.") and len(shape) == 4
        )
        last = max(int(name.split(".")[1]) for name in shapes)
        return {
            "input_nc": input_nc,
            "output_nc": shapes[f"model.{last}.weight"][0],
            "ngf": ngf,
            "n_blocks": len({name.split(".")[1] for name in shapes if ".conv_block." in name}),
            "norm_layer": infer_normalisation(shapes, "model.1", "model.2"),
            # a padding layer of its own stands before each convolution, dropout before the second
            "use_dropout": second - first == (4 if first == 0 else 5),
            "padding_type": "zero" if first == 0 else "reflect",
            "skip": False,
        }


class Translator(ModelMixin):
    """Either generator: which one, the config beside the weights says."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | PathLike[str] | None, **settings: Any) -> Self:
        """Read a generator from a folder. Raises OSError or ValueError, as diffusers does."""
        folder = Path(pretrained_model_name_or_path or "")
        named = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_class_name")
        kind = BrushGenerator if named == BrushGenerator.__name__ else ResnetGenerator
        return cast("Self", kind.from_pretrained(folder, **settings))
