"""How much two pictures show the same person: dlib's face embedding, an optional extra.

`pip install 'facezoo[identity]'`. The network is dlib's ResNet of 2017 (its author put it into the public domain; it
was trained on photographs collected from the web). Below 0.6 dlib's author calls two pictures the same person.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import WeightsUnavailable
from facezoo.types import Image, Points

__all__ = ["Descriptor", "check_embedder", "describe"]

Descriptor = NDArray[np.float32]
"""(128,) float32; the Euclidean distance of two tells how different two people are."""

_SIDE, _PADDING = 150, 0.25  # of the face chip the network was trained on
_FIVE = [263, 362, 33, 133, 2]  # of the mesh: corners of the eyes from outside to inside, foot of the nose


def check_embedder() -> None:
    """Raises WeightsUnavailable when the extra is not installed."""
    _embedder()


def describe(image: Image, mesh: Points) -> Descriptor:
    """The descriptor of a face. image: (H, W, 3) RGB uint8; mesh: (468, 3) px. Raises WeightsUnavailable."""
    dlib, network = _embedder()
    points = [dlib.point(*each) for each in np.rint(mesh[_FIVE, :2]).astype(int).tolist()]
    marks = dlib.full_object_detection(dlib.rectangle(0, 0, image.shape[1], image.shape[0]), points)
    chip = dlib.get_face_chip(image, marks, _SIDE, _PADDING)
    return np.asarray(network.compute_face_descriptor(chip), np.float32)


@cache
def _embedder() -> tuple[Any, Any]:
    """The module dlib and its face recognition network."""
    try:
        dlib = import_module("dlib")
        models = import_module("face_recognition_models")
    except ImportError as missing:
        raise WeightsUnavailable(
            "dlib's face embedding is not installed, so identities cannot be compared.",
            "pip install 'facezoo[identity]'",
        ) from missing
    return dlib, dlib.face_recognition_model_v1(models.face_recognition_model_location())
