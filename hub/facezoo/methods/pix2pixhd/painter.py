"""pix2pixHD for people whom it knows: the drawing of a face becomes a coarse picture, and that a fine one.

Source: Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (sections
3.2, from coarse to fine, and 3.4, learned features beside the drawing; they are textures here, see `KnownPeople`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import torch
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from facezoo.motion.drawing import FACE_SHARE
from facezoo.motion.read import EXPRESSIONS
from facezoo.nn.people import KnownPeople
from facezoo.nn.residual import last_layers

from .model import LocalEnhancer

__all__ = ["PRESETS", "FinePainter", "Stage"]

Stage = Literal["global", "local", "joint"]
"""What learns: the global generator at half the size; the enhancer around it; both."""

PRESETS: dict[str, Mapping[str, Any]] = {
    "cpu": {},
    "small": {"side": 128, "texture_side": 96, "n_downsample_global": 2},
    "paper": {"people": ("persona",), "side": 1024, "texture": 0, "ngf": 32, "n_downsample_global": 4,
              "n_blocks_global": 9},
}  # fmt: skip
"""Constructor arguments of `FinePainter`, beside the people. paper: the published networks for 1024 px, one person.
cpu: few million parameters for all people at 256 px; small: fewer at 128 px."""


class FinePainter(KnownPeople):
    """The drawing of a face -> a coarse picture of a person whom it knows, and a fine one of twice the size.

    Beside the drawing the generators see what the person's texture and canvas say; their colours are added to both
    pictures, so that only what is missing must be made, and normalisation does not cost anybody their complexion.

    people: ids. side: px of the fine pictures. style: of the drawings, see `drawing.Style`. texture: channels of
    texture and canvas, at least 3, or 0 for the drawing alone, which can only know one person. texture_side: px of a
    texture's width. The others: see `LocalEnhancer`."""

    @register_to_config
    def __init__(
        self,
        people: tuple[str, ...] = ("imani", "joss", "orla", "tarek"),
        side: int = 256,
        style: str = "mesh",
        texture: int = 8,
        texture_side: int = 160,
        ngf: int = 16,
        n_downsample_global: int = 3,
        n_blocks_global: int = 3,
        n_blocks_local: int = 3,
        norm_layer: str = "instance",
    ) -> None:
        super().__init__()
        if side % 2 ** (n_downsample_global + 1) or 0 < texture < 3 or (not texture and len(people) > 1):
            raise ValueError(f"{side} px, {n_downsample_global} halvings, {texture} channels for {len(people)} people")
        self.side, self.style = side, style
        self.local = LocalEnhancer(
            3 + texture, 3, ngf, n_downsample_global, n_blocks_global, 1, n_blocks_local, norm_layer
        )
        self.coarse = nn.Sequential(*last_layers(2 * ngf, 3))
        size = round(texture_side / FACE_SHARE), texture_side
        self.know(people, texture, size, side // 4, len(EXPRESSIONS))

    def forward(self, drawings: Tensor, places: Tensor, who: Tensor, stage: Stage = "joint") -> list[Tensor]:
        """drawings: (B, 3, S, S) float32 in [-1, 1]; places: (B, S, S, 2), see `Drawing.places`; who: (B,) int64, which
        of the people. Gives pictures, about [-1, 1]: the coarse one (B, 3, S/2, S/2) and, unless the stage is "global",
        the fine one (B, 3, S, S).

        In the stage "joint" the coarse picture's last layers learn without changing the generator below them, which
        then serves the fine picture alone, as in the paper."""
        known = self.recall(places, who) if self.textures.shape[1] else drawings[:, :0]
        seen = torch.cat([drawings, known], dim=1)
        small = self.local.downsample(seen)
        features = cast("Tensor", self.local.model(small))
        if stage == "global":
            return [_added(self.coarse(features), small)]
        coarse = _added(self.coarse(features.detach()), small.detach())
        return [coarse, _added(self.local.enhance(seen, features), seen)]

    def teach(self, stage: Stage) -> None:
        """Let only the parameters learn that do in a stage."""
        self.requires_grad_(stage != "local")
        for enhancer in (self.local.model1_1, self.local.model1_2):
            enhancer.requires_grad_(stage != "global")


def _added(made: Tensor, seen: Tensor) -> Tensor:
    """made: (B, 3, S, S) with the colours of what was seen, (B, 3 + texture, S, S), added where there are any."""
    return made + seen[:, 3:6] if seen.shape[1] > 3 else made
