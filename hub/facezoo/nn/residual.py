"""The residual block, the padding and the normalisation that CycleGAN and pix2pixHD share.

Sources: Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer" (the residual block); Ulyanov et al.
2016, "Instance Normalization".
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from facezoo.errors import UsageError

__all__ = ["ResidualBlock", "infer_normalisation", "normalisation", "padding"]


class ResidualBlock(nn.Module):
    """x + norm(conv(pad(dropout(relu(norm(conv(pad(x)))))))), the paper's R-k with k = channels.

    padding_type: reflect | replicate | zero. bias: whether its two convolutions have one."""

    def __init__(
        self, channels: int, norm_layer: str, padding_type: str, *, bias: bool = True, use_dropout: bool = False
    ) -> None:
        super().__init__()
        pad, within = padding(padding_type)
        self.conv_block = nn.Sequential(
            *pad,
            nn.Conv2d(channels, channels, 3, padding=within, bias=bias),
            normalisation(norm_layer, channels),
            nn.ReLU(inplace=True),
            *([nn.Dropout(0.5)] if use_dropout else []),
            *pad,
            nn.Conv2d(channels, channels, 3, padding=within, bias=bias),
            normalisation(norm_layer, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, channels, H, W), kept in shape."""
        return x + self.conv_block(x)


def normalisation(norm_layer: str, channels: int) -> nn.Module:
    """norm_layer: instance (no affine, no running statistics) | batch | none. Raises UsageError for another word."""
    if norm_layer == "instance":
        return nn.InstanceNorm2d(channels)
    if norm_layer == "batch":
        return nn.BatchNorm2d(channels)
    if norm_layer == "none":
        return nn.Identity()
    raise UsageError(f"norm_layer={norm_layer!r} is not possible.", "Allowed: instance | batch | none.")


def infer_normalisation(shapes: Mapping[str, tuple[int, ...]], convolution: str, after: str) -> str:
    """The norm_layer of a checkpoint, from the names of a convolution and of the normalisation after it: batch has a
    weight; before instance, which shifts nothing, the convolution has a bias."""
    if f"{after}.weight" in shapes:
        return "batch"
    return "instance" if f"{convolution}.bias" in shapes else "none"


def padding(padding_type: str) -> tuple[list[nn.Module], int]:
    """How a 3 x 3 convolution keeps the size: the layer before it, if any, and the zeros of its own at each side.

    padding_type: reflect | replicate | zero. Raises UsageError for another word."""
    if padding_type == "reflect":
        return [nn.ReflectionPad2d(1)], 0
    if padding_type == "replicate":
        return [nn.ReplicationPad2d(1)], 0
    if padding_type == "zero":
        return [], 1
    raise UsageError(f"padding_type={padding_type!r} is not possible.", "Allowed: reflect | replicate | zero.")
