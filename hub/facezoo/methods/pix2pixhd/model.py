"""pix2pixHD's networks: the global generator, the local enhancer around it, and the multi-scale discriminator.

Source: Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (sections
3.2 and 3.3, appendix A). Arguments and keys are those of the authors' PyTorch code, so that checkpoints need no
translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from facezoo.nn.residual import (
    ResidualBlock,
    down,
    first_layers,
    infer_normalisation,
    last_layers,
    normalisation,
    trunk,
    up,
)

__all__ = ["GlobalGenerator", "LocalEnhancer", "MultiscaleDiscriminator"]


class GlobalGenerator(ModelMixin, ConfigMixin):
    """G1: c7s1-64, 4 downs to 1024 channels, n_blocks x R1024, 4 ups, c7s1-3, tanh. 182,443,267 parameters for RGB.

    ngf: channels of the first layer. norm_layer: instance | batch | none. padding_type: reflect | replicate | zero, in
    the residual blocks."""

    @register_to_config
    def __init__(
        self,
        input_nc: int = 3,
        output_nc: int = 3,
        ngf: int = 64,
        n_downsampling: int = 4,
        n_blocks: int = 9,
        norm_layer: str = "instance",
        padding_type: str = "reflect",
    ) -> None:
        super().__init__()
        layers = trunk(input_nc, ngf, n_downsampling, n_blocks, norm_layer, padding_type)
        self.model = nn.Sequential(*layers, *last_layers(ngf, output_nc))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, input_nc, S, S) float32 in [-1, 1], S a multiple of 2 ** n_downsampling. Gives (B, output_nc, S, S) in
        (-1, 1)."""
        return cast("Tensor", self.model(x))

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; replication counts as reflection."""
        ngf, input_nc = shapes["model.1.weight"][:2]
        n_downsampling, n_blocks, first = _count(shapes, "model.")
        return {
            "input_nc": input_nc,
            "output_nc": shapes[f"model.{_highest(shapes, 'model.')}.weight"][0],
            "ngf": ngf,
            "n_downsampling": n_downsampling,
            "n_blocks": n_blocks,
            "norm_layer": infer_normalisation(shapes, "model.1", "model.2"),
            "padding_type": "zero" if first == 0 else "reflect",
        }


class LocalEnhancer(ModelMixin, ConfigMixin):
    """G2: the global generator without its last layers at half the size, and around it an enhancer for each doubling.

    ngf: channels of the finest enhancer's first layer; the global generator has ngf x 2 ** n_local_enhancers.
    padding_type: reflect | replicate | zero, in the enhancers' residual blocks (the global ones reflect)."""

    @register_to_config
    def __init__(
        self,
        input_nc: int = 3,
        output_nc: int = 3,
        ngf: int = 32,
        n_downsample_global: int = 4,
        n_blocks_global: int = 9,
        n_local_enhancers: int = 1,
        n_blocks_local: int = 3,
        norm_layer: str = "instance",
        padding_type: str = "reflect",
    ) -> None:
        super().__init__()
        self._enhancers = n_local_enhancers
        coarse = ngf * 2**n_local_enhancers
        self.model = nn.Sequential(
            *trunk(input_nc, coarse, n_downsample_global, n_blocks_global, norm_layer, "reflect")
        )
        for number in range(1, n_local_enhancers + 1):
            width = ngf * 2 ** (n_local_enhancers - number)
            blocks = [ResidualBlock(2 * width, norm_layer, padding_type) for _ in range(n_blocks_local)]
            last = last_layers(ngf, output_nc) if number == n_local_enhancers else []
            self.add_module(
                f"model{number}_1", nn.Sequential(*first_layers(input_nc, width, norm_layer), *down(width, norm_layer))
            )
            self.add_module(f"model{number}_2", nn.Sequential(*blocks, *up(width, norm_layer), *last))
        self.downsample = _halving()

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, input_nc, S, S) float32 in [-1, 1], S a multiple of 2 ** (n_downsample_global + n_local_enhancers).
        Gives (B, output_nc, S, S) in (-1, 1)."""
        small = x
        for _ in range(self._enhancers):
            small = self.downsample(small)
        return self.enhance(x, self.model(small))

    def enhance(self, x: Tensor, features: Tensor) -> Tensor:
        """What `forward` gives. features: what `model` makes of x at S / 2 ** n_local_enhancers."""
        pyramid = [x]
        for _ in range(self._enhancers - 1):
            pyramid.append(self.downsample(pyramid[-1]))
        for number in range(1, self._enhancers + 1):
            fine = self.get_submodule(f"model{number}_1")(pyramid.pop())
            features = self.get_submodule(f"model{number}_2")(fine + features)
        return features

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; replication counts as reflection."""
        enhancers = len({name.split(".")[0] for name in shapes if name.startswith("model") and "_1." in name})
        n_downsample_global, n_blocks_global, _ = _count(shapes, "model.")
        finest = f"model{enhancers}_"
        _, n_blocks_local, first = _count(shapes, f"{finest}2.")
        ngf, input_nc = shapes[f"{finest}1.1.weight"][:2]
        return {
            "input_nc": input_nc,
            "output_nc": shapes[f"{finest}2.{_highest(shapes, f'{finest}2.')}.weight"][0],
            "ngf": ngf,
            "n_downsample_global": n_downsample_global,
            "n_blocks_global": n_blocks_global,
            "n_local_enhancers": enhancers,
            "n_blocks_local": n_blocks_local,
            "norm_layer": infer_normalisation(shapes, "model.1", "model.2"),
            "padding_type": "zero" if first == 0 else "reflect",
        }


class MultiscaleDiscriminator(ModelMixin, ConfigMixin):
    """num_D patch discriminators with the same layers: the first judges the picture, each other one half the size.
    5,535,618 parameters with two for RGB beside RGB, 5,603,202 for the 39 channels of the paper's street scenes.

    getIntermFeat: give the maps of all layers, for the feature-matching loss. use_sigmoid: squash the verdicts (without
    getIntermFeat alone, as in the original)."""

    @register_to_config
    def __init__(
        self,
        input_nc: int = 6,
        ndf: int = 64,
        n_layers: int = 3,
        norm_layer: str = "instance",
        use_sigmoid: bool = False,
        num_D: int = 2,
        getIntermFeat: bool = True,
    ) -> None:
        super().__init__()
        self._names: list[list[str]] = []
        for scale in reversed(range(num_D)):  # the highest number judges the largest picture
            layers = _patch_layers(input_nc, ndf, n_layers, norm_layer)
            if getIntermFeat:
                names = [f"scale{scale}_layer{layer}" for layer in range(len(layers))]
                for name, layer in zip(names, layers, strict=True):
                    self.add_module(name, nn.Sequential(*layer))
            else:
                names = [f"layer{scale}"]
                flat = [part for layer in layers for part in layer]
                self.add_module(names[0], nn.Sequential(*flat, *([nn.Sigmoid()] if use_sigmoid else [])))
            self._names.append(names)
        self.downsample = _halving()

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """x: (B, input_nc, S, S) float32 in [-1, 1]. Gives for each scale, largest picture first, the maps of its
        layers; the last is the verdict, (B, 1, S/8 + 3, S/8 + 3) at the first scale with three layers."""
        verdicts: list[list[Tensor]] = []
        for names in self._names:
            if verdicts:
                x = self.downsample(x)
            y, maps = x, cast("list[Tensor]", [])
            for name in names:
                y = self.get_submodule(name)(y)
                maps.append(y)
            verdicts.append(maps)
        return verdicts

    @staticmethod
    def infer_arguments(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
        """The constructor's arguments from the shapes of the original's tensors; a sigmoid leaves no trace in them."""
        intermediate = "scale0_layer0.0.weight" in shapes
        ndf, input_nc = shapes["scale0_layer0.0.weight" if intermediate else "layer0.0.weight"][:2]
        tops = {name.split(".")[0] for name in shapes}
        if intermediate:
            n_layers = sum(top.startswith("scale0_") for top in tops) - 2
            norm_layer = infer_normalisation(shapes, "scale0_layer1.0", "scale0_layer1.1")
        else:
            n_layers = sum(len(shape) == 4 for name, shape in shapes.items() if name.startswith("layer0.")) - 2
            norm_layer = infer_normalisation(shapes, "layer0.2", "layer0.3")
        return {
            "input_nc": input_nc,
            "ndf": ndf,
            "n_layers": n_layers,
            "norm_layer": norm_layer,
            "num_D": len({top.split("_")[0] for top in tops}),
            "getIntermFeat": intermediate,
        }


def _halving() -> nn.Module:
    return nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)  # zeros beyond the edge do not darken it


def _patch_layers(input_nc: int, ndf: int, n_layers: int, norm_layer: str) -> list[list[nn.Module]]:
    """A PatchGAN of 4 x 4 convolutions that pad by 2, one list of modules a layer."""
    layers: list[list[nn.Module]] = [
        [nn.Conv2d(input_nc, ndf, 4, stride=2, padding=2), nn.LeakyReLU(0.2, inplace=True)]
    ]
    narrow = ndf
    for level in range(1, n_layers + 1):
        wide = min(2 * narrow, 512)
        convolution = nn.Conv2d(narrow, wide, 4, stride=2 if level < n_layers else 1, padding=2)
        layers.append([convolution, normalisation(norm_layer, wide), nn.LeakyReLU(0.2, inplace=True)])
        narrow = wide
    return [*layers, [nn.Conv2d(narrow, 1, 4, padding=2)]]


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> tuple[int, int, int]:
    """Of the generator below a prefix: downs, residual blocks, and where a block's first convolution stands (0: no
    padding layer before it)."""
    names = [name.removeprefix(prefix) for name in shapes if name.startswith(prefix)]
    blocks = {int(name.split(".")[0]) for name in names if ".conv_block." in name}
    convolutions = {int(name.split(".")[0]) for name in names if len(shapes[prefix + name]) == 4}
    before = sum(each < min(blocks) for each in convolutions)
    first = min(int(name.split(".")[2]) for name in names if ".conv_block." in name)
    return before - 1, len(blocks), first


def _highest(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return max(int(name.removeprefix(prefix).split(".")[0]) for name in shapes if name.startswith(prefix))
