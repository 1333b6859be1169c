"""landmark_warp: the rule-based face swap that every learned method has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range

__all__ = ["SPEC", "Params"]


@dataclass(frozen=True)
class Params:
    """What a user may turn."""

    color: Literal["mkl", "reinhard", "none"] = "mkl"
    """How the new face takes the picture's colours: linear Monge-Kantorovich, Reinhard, or not at all."""
    blend: Literal["poisson", "feather"] = "poisson"
    """How it is joined: gradients kept and light taken over (Poisson), or a soft edge alone."""
    eyes: Literal["persona", "mine"] = "persona"
    """Whose eyes and brows look out of the face."""
    grain: Annotated[float, Range(0, 1)] = 0.6
    """How much of the picture's own grain, canvas or brush stroke is laid over the new skin."""


SPEC = MethodSpec(
    id=__name__.rpartition(".")[2],  # the folder's name
    title="Landmark warp",
    year=2003,
    paper="https://doi.org/10.1145/882262.882269",
    summary="468 points are found on both faces, the persona's skin is stretched triangle by triangle onto yours, "
    "and its colour and light are fitted. No learning at all: the baseline of every comparison.",
    family="rules",
    tasks=("swap",),
    licence="Apache-2.0",
    pipeline=".pipeline:LandmarkWarp",
    params=Params,
    limits="It keeps the shape of the face it covers and paints only a skin over it, so likeness is weak, a beard is "
    "painted over, and heads turned further than about 35 degrees are smeared.",
    trained_on="Nothing: geometry and colour statistics only.",
    inputs=Inputs(media=("photo", "video"), persona=True, source=True),
)
