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
    size: Literal["256", "512", "768", "1024"] = "256"
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
    limits="It changes colour and texture, not shape: of the persona one gets brows, eyes and beard, no other nose. A "
    "short training of small networks: single strokes are faint, and by a measure of texture a transfer of colours "
    "alone comes as near to the other kind.",
    trained_on="782 synthetic portraits, 95 faces painted by Vincent van Gogh and 151 by painters who died between "
    "1400 and 1700, public domain; for the persona 2,837 rendered frames of synthetic people; four and a half hours on "
    "one CPU core.",
    inputs=Inputs(media=("photo", "video"), people=(PERSONA,), persona_when=("task", "persona")),
    first=("task", "style"),
    weights=Weights(
        sha256="5dc3c315513d281e6914bb7d4930ddaf137f7ed995e9c12f17776b062e8dfbda",
        parameters=10_064_946,
        bytes=20_140_916,
    ),
)
