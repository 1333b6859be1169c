"""What pictures have in common beyond their pixels, as a small network sees it.

The paper compares features of VGG19 and VGGFace. Ours are the first three convolutions of a CycleGAN's generator
(painting to photo, training/cyclegan.py, 7,600 steps): they were trained on 782 synthetic portraits and 95 painted
faces, and are really here, in content.safetensors.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu

__all__ = ["Content"]

_WEIGHTS = Path(__file__).with_name("content.safetensors")


class Content(nn.Module):
    """How unlike pictures are to the first layers of another network. Nothing in it learns."""

    def __init__(self) -> None:
        super().__init__()
        for name, weight in load_file(_WEIGHTS).items():
            self.register_buffer(name, weight.float(), persistent=False)

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
