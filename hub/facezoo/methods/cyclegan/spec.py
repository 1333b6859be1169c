"""What cyclegan says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range, Weights

__all__ = ["PERSONA", "SPEC", "Params"]

PERSONA = "tarek"
"""Whom the task `persona` turns faces into."""


@dataclass(frozen=True)
class Params:
    """What a user may turn."""

    task: Literal["photo_to_painting", "painting_to_photo", "persona"] = "photo_to_painting"
    """What becomes what."""
    style: Literal["van_gogh", "van_gogh_bright", "old_masters"] = "van_gogh"
    """Whose paintings: Vincent van Gogh's blue nights, his bright days, or those of painters like Rembrandt."""
    strength: Annotated[float, Range(0, 1.5)] = 1.0
    """How much of the change is taken; above 1 it is exaggerated."""
    size: Literal["256", "512", "768", "1024"] = "512"
    """Longest side in pixels at which it is repainted: on a small one the brush is broad, on a large one fine."""
    keep_face: bool = False
    """Leave the faces as they are and repaint what is around them."""
    color: Literal["mkl", "reinhard", "none"] = "mkl"
    """How the persona's face takes the picture's colours: linear Monge-Kantorovich, Reinhard, or not at all."""
    blend: Literal["poisson", "feather"] = "poisson"
    """How it is joined: gradients kept and light taken over (Poisson), or a soft edge alone."""


SPEC = MethodSpec(
    id=__name__.split(".")[-2],  # the folder's name
    title="CycleGAN",
    year=2017,
    paper="https://arxiv.org/abs/1703.10593",
    summary="Two heaps of pictures and not one pair: a network learns to turn photos into paintings, a second one to "
    "turn them back, and each keeps the other honest, because what went there and back must be what it was.",
    family="translation",
    tasks=("restyle", "swap"),
    licence="Apache-2.0",
    pipeline=".pipeline:CycleGan",
    params=Params,
    limits="It changes colour and brush, not shape: of the persona one gets brows, eyes and beard, no other nose. Its "
    "painters began with pairs that were painted by rules, and are told where strokes lie. The way back, "
    "learned without pairs, keeps the brush.",
    trained_on="782 synthetic portraits, 397 of them also painted by rules in the colours of three canvases (Vincent "
    "van Gogh's Eugène Boch and a self-portrait of his, Rembrandt's Jewish Bride), 95 faces painted by van Gogh and "
    "151 by painters who died between 1400 and 1700, public domain; for the persona 2,837 rendered frames of synthetic "
    "people; about five hours on one CPU core.",
    inputs=Inputs(media=("photo", "video"), people=(PERSONA,), persona_when=("task", "persona")),
    first=("task", "style"),
    weights=Weights(
        sha256="192dd30cfc160209b3ca2ea1d32ac1b2772934c4bc7b7e294fad915ac12b85a1",
        parameters=8_660_421,
        bytes=17_344_778,
    ),
)
