"""What is known of face2face."""

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
    color: Literal["mkl", "reinhard", "none"] = "mkl"
    """How the new face takes the picture's colours: linear Monge-Kantorovich, Reinhard, or not at all."""
    blend: Literal["poisson", "feather"] = "poisson"
    """How it is joined: gradients kept and light taken over (Poisson), or a soft edge alone."""
    mask: Literal["face", "features"] = "face"
    """What is pasted: the whole face, or eyes, brows, nose and mouth alone."""
    mouth: Literal["mine", "persona"] = "mine"
    """Whose teeth an open mouth shows: yours, or those that the network paints."""
    sharpen: Annotated[float, Range(0, 1)] = 0.2
    """How much the painted face, which is soft, is sharpened."""
    grain: Annotated[float, Range(0, 1)] = 0.6
    """How much of the picture's own grain, canvas or brush stroke is laid over the new skin."""


SPEC = MethodSpec(
    id="face2face",
    title="Face2Face",
    year=2016,
    paper="https://arxiv.org/abs/2007.14808",
    summary="Your face becomes a drawing: where eyes, brows and mouth are, how the head is turned, nothing of who you "
    "are. A network that knows one persona paints that drawing, and the persona does what you do. The paper of 2016 "
    "fits a 3D model of the face; a drawing and a pix2pix network (2017) take its place here.",
    family="translation",
    tasks=("swap", "puppet"),
    licence="Apache-2.0",
    pipeline=".pipeline:Face2Face",
    params=Params,
    limits="Only pose, six expressions, lids and gaze pass through the drawing, so wrinkles and the tongue do not; it "
    "knows four people only and fails on heads turned further than about 35 degrees.",
    trained_on="Synthetic people only: 9,000 rendered frames of the four personas, each from one portrait, two CPU "
    "cores.",
    inputs=Inputs(media=("photo", "video"), persona=True),
    weights=Weights(
        sha256="3678762088cc4ea5611d2f5c8851013b7dd2f10caaf6a21641a37ee8ae073831",
        parameters=4_921_674,
        bytes=9_850_402,
    ),
)
