"""What pictures have in common beyond their pixels, as a small network sees it.

The paper compares features of VGG19 and VGGFace. Ours are the first three convolutions of the CycleGAN that ships with
facezoo (painting to photo): they were trained on faces, on photographs and paintings alike, and are really here.
"""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu

from facezoo.zoo.manifest import WEIGHTS

__all__ = ["Content"]

_LAYERS = ("model.1", "model.4", "model.7")


class Content(nn.Module):
    """How unlike pictures are to the first layers of another network of ours. Nothing in it learns."""

    def __init__(self) -> None:
        super().__init__()
        known = load_file(WEIGHTS / "cyclegan" / "photo" / "diffusion_pytorch_model.safetensors")
        for number, layer in enumerate(_LAYERS):
            self.register_buffer(f"weight{number}", known[f"{layer}.weight"].float(), persistent=False)

    def forward(self, made: Tensor, truth: Tensor) -> Tensor:
        """A number. made, truth: (B, 3, S, S) in [0, 1]."""
        with torch.no_grad():
            wanted = self._features(truth)
        total = made.new_zeros(())
        for ours, theirs in zip(self._features(made), wanted, strict=True):
            scale = theirs.abs().mean(dim=(0, 2, 3), keepdim=True) + 1e-3
            total = total + ((ours - theirs) / scale).abs().mean()
        return total / len(wanted)

    def _features(self, x: Tensor) -> list[Tensor]:
        x, found = 2 * x - 1, list[Tensor]()
        for number, (stride, border) in enumerate(((1, 3), (2, 1), (2, 1))):
            x = pad(x, [border] * 4, mode="reflect") if number == 0 else pad(x, [border] * 4)
            x = conv2d(x, self.get_buffer(f"weight{number}"), stride=stride)
            found.append(x)
            x = relu(x)
        return found
