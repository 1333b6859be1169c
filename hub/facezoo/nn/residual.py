"""The generator that CycleGAN and pix2pixHD share, and its parts: halvings, residual blocks, doublings.

Sources: Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer" (the residual block, the whole);
Ulyanov et al. 2016, "Instance Normalization".
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from facezoo.errors import UsageError

__all__ = ["ResidualBlock", "down", "first_layers", "infer_normalisation", "last_layers", "normalisation", "padding",
           "trunk", "up"]  # fmt: skip


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


def trunk(
    input_nc: int,
    ngf: int,
    halvings: int,
    n_blocks: int,
    norm_layer: str,
    padding_type: str,
    *,
    bias: bool = True,
    use_dropout: bool = False,
) -> list[nn.Module]:
    """All but the last layers: (B, input_nc, S, S) to features (B, ngf, S, S). bias: of its convolutions; the others:
    see `ResidualBlock`."""
    widths = [ngf * 2**level for level in range(halvings)]
    wide = ngf * 2**halvings
    return [
        *first_layers(input_nc, ngf, norm_layer, bias=bias),
        *(layer for width in widths for layer in down(width, norm_layer, bias=bias)),
        *(ResidualBlock(wide, norm_layer, padding_type, bias=bias, use_dropout=use_dropout) for _ in range(n_blocks)),
        *(layer for width in reversed(widths) for layer in up(width, norm_layer, bias=bias)),
    ]


def first_layers(input_nc: int, width: int, norm_layer: str, *, bias: bool = True) -> list[nn.Module]:
    """From a picture (B, input_nc, S, S) to features (B, width, S, S)."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(input_nc, width, 7, bias=bias), *_after(width, norm_layer)]


def down(width: int, norm_layer: str, *, bias: bool = True) -> list[nn.Module]:
    """(B, width, S, S) to (B, 2 width, S / 2, S / 2)."""
    return [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias), *_after(2 * width, norm_layer)]


def up(width: int, norm_layer: str, *, bias: bool = True) -> list[nn.Module]:
    """(B, 2 width, S, S) to (B, width, 2 S, 2 S)."""
    larger = nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1, bias=bias)
    return [larger, *_after(width, norm_layer)]


def last_layers(width: int, output_nc: int) -> list[nn.Module]:
    """From features (B, width, S, S) to a picture (B, output_nc, S, S) in (-1, 1)."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(width, output_nc, 7), nn.Tanh()]


def _after(width: int, norm_layer: str) -> list[nn.Module]:
    return [normalisation(norm_layer, width), nn.ReLU(inplace=True)]


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
