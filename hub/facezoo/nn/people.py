"""What a network that paints a few people from drawings knows of each of them.

Source: Thies et al. 2019, "Deferred Neural Rendering: Image Synthesis using Neural Textures" (section 4: a texture
that is learned).
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["KnownPeople"]

_POINTS = 468  # of a face's mesh


class KnownPeople(ModelMixin, ConfigMixin):
    """A network with a learned texture of each person's face, a canvas of what is around it, and their shape at rest.
    Subclasses set `side`, px of their pictures, and `style` of the drawings they read, and call `know`."""

    people: tuple[str, ...]
    side: int
    style: str
    rests: Tensor
    reads: Tensor

    def know(
        self, people: tuple[str, ...], channels: int, texture: tuple[int, int], canvas: int, expressions: int
    ) -> None:
        """Make room. channels: of textures, (height, width) px, and of canvases, `canvas` px wide; the first three are
        colours to begin with; 0 for none. expressions: how many are read from a face."""
        self.people = tuple(people)
        self.textures = nn.Parameter(0.1 * torch.randn(len(people), channels, *texture))
        self.canvases = nn.Parameter(0.1 * torch.randn(len(people), channels, canvas, canvas))
        self.register_buffer("rests", torch.zeros(len(people), _POINTS, 3))
        self.register_buffer("reads", torch.zeros(expressions, _POINTS * 3 + 1))

    @property
    def reader(self) -> NDArray[np.float32]:
        """(expressions, 1405) float32: takes the difference of a head from the mean one, (1404,) head units and 1, to
        how much of each expression it shows."""
        return self.reads.float().cpu().numpy()

    def rest(self, person: str) -> NDArray[np.float32]:
        """(468, 3) float32 head units: the person's own shape at rest."""
        return self.rests[self.people.index(person)].float().cpu().numpy()

    def recall(self, places: Tensor, who: Tensor) -> Tensor:
        """(B, channels, S, S): the texture where a face is, the canvas elsewhere. places: (B, S, S, 2), where in the
        texture each pixel lies, [-1, 1], beyond it off the face; who: (B,) int64, which of the people."""
        skin = functional.grid_sample(self.textures[who], places, "bilinear", "zeros", align_corners=False)
        around = functional.interpolate(self.canvases[who], size=skin.shape[2:], mode="bilinear", align_corners=False)
        off = (places[..., 0] > 1).to(skin.dtype)[:, None]
        return skin + off * around
