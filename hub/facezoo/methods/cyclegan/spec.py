"""What cyclegan says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range, Weights

__all__ = ["PERSONA", "SPEC", "Params"]

PERSONA = "imani"
"""Whom the task `persona` turns faces into."""


@dataclass(frozen=True)
class Params:
    """What a user may turn."""

    task: Literal["photo_to_painting", "painting_to_photo", "persona"] = "photo_to_painting"
    """What becomes what."""
    strength: Annotated[float, Range(0, 1.5)] = 1.0
    """How much of the change is taken; above 1 it is exaggerated."""
    size: Literal["256", "512", "768", "1024"] = "512"
    """Longest side in pixels at which it is repainted: on a small one the brush is broad, on a large one fine."""
    keep_face: bool = False
    """Leave the faces as they are and repaint what is around them."""


SPEC = MethodSpec(
    id=__name__.split(".")[-2],  # the folder's name
    title="CycleGAN",
    year=2017,
    paper="https://arxiv.org/abs/1703.10593",
    summary="Two heaps of pictures and not one pair: a network learns to turn photos into paintings, a second one to "
    "turn them back, and each keeps the other honest, because what went there and back must be what it was.",
    family="translation",
    tasks=("restyle",),
    licence="Apache-2.0",
    pipeline=".pipeline:CycleGan",
    params=Params,
    limits="It changes colour and texture, not shape: nobody gets another nose. A short training of small networks: "
    "single strokes are faint, and by a measure of texture a transfer of colours alone comes as near to the other "
    "kind.",
    trained_on="774 synthetic portraits and 95 faces painted by Vincent van Gogh, public domain; an hour and a half on "
    "one CPU core.",
    inputs=Inputs(media=("photo", "video"), persona=False, persona_when=("task", "persona")),
    weights=Weights(
        sha256="01d34751d51db273cf1fae2016f9f0d7eecc0339ac9f947330ddae6cc09402ec",
        parameters=3_926_406,
        bytes=7_856_508,
    ),
)
