"""What is known of pix2pixhd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range, Weights

__all__ = ["SPEC", "Params"]


@dataclass(frozen=True)
class Params:
    """What a user may turn."""

    shape: Annotated[float, Range(0, 1)] = 0.7
    """Whose features: 0 keeps the outline of your eyes, nose and mouth, 1 takes the persona's."""
    detail: Literal["fine", "coarse"] = "fine"
    """Which picture is used: the fine one, or the coarse one that the first generator alone paints."""
    color: Literal["mkl", "reinhard", "none"] = "mkl"
    """How the new face takes the picture's colours: linear Monge-Kantorovich, Reinhard, or not at all."""
    blend: Literal["poisson", "feather"] = "poisson"
    """How it is joined: gradients kept and light taken over (Poisson), or a soft edge alone."""
    mask: Literal["face", "features"] = "face"
    """What is pasted: the whole face, or eyes, brows, nose and mouth alone."""
    mouth: Literal["mine", "persona"] = "mine"
    """Whose teeth an open mouth shows: yours, or those that the network paints."""
    sharpen: Annotated[float, Range(0, 1)] = 0.0
    """How much the painted face is sharpened."""
    grain: Annotated[float, Range(0, 1)] = 0.6
    """How much of the picture's own grain, canvas or brush stroke is laid over the new skin."""


SPEC = MethodSpec(
    id="pix2pixhd",
    title="pix2pixHD",
    year=2018,
    paper="https://arxiv.org/abs/1711.11585",
    summary="Your face becomes a drawing, and two generators paint the persona over it: the first a coarse picture, "
    "the second, around it, the fine one. Several discriminators judge them, each at its own scale.",
    family="translation",
    tasks=("swap", "puppet"),
    licence="Apache-2.0",
    pipeline=".pipeline:Pix2PixHD",
    params=Params,
    limits="Only pose, six expressions, lids and gaze pass through the drawing, so wrinkles and the tongue do not; it "
    "knows four people only, at 256 px where the paper paints 2048, and fails on heads turned further than about 35 "
    "degrees.",
    trained_on="Synthetic people only: 10,400 rendered frames of the four personas, each from one portrait, one CPU "
    "core.",
    inputs=Inputs(media=("photo", "video"), persona=True),
    weights=Weights(
        sha256="15f326e90d6c2ed1d90fd1473dddd30731a3e43983edf9f015ff79d589a78982",
        parameters=5_582_148,
        bytes=11_169_232,
    ),
)
