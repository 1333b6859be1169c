"""deepfakes: one encoder for everybody, one decoder a persona."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range, Weights

__all__ = ["SPEC", "Params"]


@dataclass(frozen=True)
class Params:
    """What a user may turn."""

    color: Literal["mkl", "reinhard", "none"] = "mkl"
    """How the new face takes the picture's colours: linear Monge-Kantorovich, Reinhard, or not at all."""
    blend: Literal["poisson", "feather"] = "poisson"
    """How it is joined: gradients kept and light taken over (Poisson), or a soft edge alone."""
    mask: Literal["learned", "mesh"] = "learned"
    """What is pasted: where the network itself sees the face, within the mesh, or all of the mesh."""
    mouth: Literal["mine", "persona"] = "mine"
    """Whose teeth an open mouth shows: yours, with the lips pulled to where yours are, or what the decoder makes."""
    sharpen: Annotated[float, Range(0, 1)] = 0.3
    """How much the decoded face, which is small and soft, is sharpened."""
    grain: Annotated[float, Range(0, 1)] = 0.6
    """How much of the picture's own grain, canvas or brush stroke is laid over the new skin."""


SPEC = MethodSpec(
    id=__name__.rpartition(".")[2],  # the folder's name
    title="DeepFakes",
    year=2017,
    paper="https://github.com/deepfakes/faceswap",
    summary="The method that gave deepfakes their name: an autoencoder with one encoder for all faces and one decoder "
    "a person. Encode your face, decode it with the persona's decoder, and the persona makes your expression.",
    family="autoencoder",
    tasks=("swap",),
    licence="Apache-2.0",
    pipeline=".pipeline:DeepFakes",
    params=Params,
    limits="The face is decoded at 192 px, so large faces look soft; it knows four people only, keeps the outline of "
    "the face it covers, decodes broad smiles smaller (lips that are open are pulled to yours, with your teeth), and "
    "fails on heads turned further than about 35 degrees.",
    trained_on="Synthetic people only: 10,000 rendered pairs of 352 synthetic portraits and 7,200 of 684 as they are, "
    "with the four personas, each from one portrait, two CPU cores.",
    inputs=Inputs(media=("photo", "video"), persona=True),
    weights=Weights(
        sha256="f818fc4fb6ef4cc26b119d51a9ed92ee6b59157d1c378aaeccbe4e2957efb6e4",
        parameters=5_708_048,
        bytes=11_421_952,
    ),
)
