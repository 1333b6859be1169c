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
    """Whose paintings: Vincent van Gogh's blue portraits, his bright ones, or dark ones of painters like Titian."""
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
    "painters began with pairs that were painted by rules, and are told where strokes lie. The way back saw no true "
    "painting: skin gets its colour and fine strokes go, broad ones stay, and shadows turn dark.",
    trained_on="Synthetic portraits, 397 of them painted by rules in the colours of five public-domain canvases "
    "(Vincent van Gogh's Eugène Boch and two self-portraits of his, Rembrandt's Jewish Bride, Titian's Man with a "
    "Quilted Sleeve), and 596 in those of 52 for the way back; for the persona 2,837 rendered frames of synthetic "
    "people; about six hours on one CPU core.",
    inputs=Inputs(media=("photo", "video"), people=(PERSONA,), persona_when=("task", "persona")),
    first=("task", "style"),
    weights=Weights(
        sha256="e05ab6034bf6fb21ed2f992cb6c4d000506f548ca6805c28b0df0a7464d62346",
        parameters=5_574_642,
        bytes=11_175_060,
    ),
)
