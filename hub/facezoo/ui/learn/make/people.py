"""Exhibits of the autoencoder: one code, several decoders."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facezoo import registry
from facezoo.types import Image
from facezoo.ui.learn.make.row import Row, face_of, persona_face, settings, square

__all__ = ["deepfakes"]

_FACE, _FROM, _TO, _WHO = "denim", "evening", "laughing", "orla"
_PEOPLE = ("imani", "joss", "orla", "tarek")
_ONE, _OTHER = "imani", "joss"
_STEPS = np.linspace(0, 1, 9)
_WARPS = 6


def deepfakes() -> Iterator[Row]:
    """A face by every decoder; walks between two codes and between two decoders; faces pulled out of shape."""
    network: Any = registry.load_faces("deepfakes").networks["autoencoder"]
    with torch.inference_mode():
        code = network.encode(_batch(_upright(_FACE), network.side))
        decoded = [_picture(network.decoders[who], code) for who in ("anyone", *_PEOPLE)]
        yield Row("deepfakes-decoders", [_upright(_FACE), *decoded], "deepfakes", (_FACE, *_PEOPLE),
                  facts={"numbers": network.config["code"], "people": ["anyone", *_PEOPLE]})  # fmt: skip
        start, end = (network.encode(_batch(_upright(id), network.side)) for id in (_FROM, _TO))
        walk = [_picture(network.decoders[_WHO], torch.lerp(start, end, float(share))) for share in _STEPS]
        yield Row("deepfakes-codes", walk, "deepfakes", (_FROM, _TO, _WHO), persona=_WHO)
        start, end = (network.encode(_batch(_upright(id), network.side)) for id in (_ONE, _OTHER))
        walk = [_picture(network.decoders["anyone"], torch.lerp(start, end, float(share))) for share in _STEPS]
        yield Row("deepfakes-people", walk, "deepfakes", (_ONE, _OTHER))
        mixed = [_picture(_between(network, float(share)), code) for share in _STEPS]
        yield Row("deepfakes-between", mixed, "deepfakes", (_FACE, _ONE, _OTHER))
    bent = [_explained("warped", _FACE, seed) for seed in range(_WARPS)]
    yield Row("deepfakes-warped", [_upright(_FACE), *bent], "deepfakes", (_FACE,), made=False)


def _upright(id: str) -> Image:
    return _explained("aligned", id)


def _explained(step: str, id: str, seed: int = 0) -> Image:
    """A picture on the way, of a ready picture or a persona's portrait."""
    face = persona_face(id) if id in _PEOPLE else face_of(id, 512)
    steps = registry.load_faces("deepfakes").explain(
        face, identity=persona_face(_WHO), params=settings("deepfakes"), seed=seed
    )
    return next(each.image for each in steps if each.name == step)


def _batch(image: Image, side: int) -> Tensor:
    return torch.from_numpy(square(image, side)[None]).permute(0, 3, 1, 2) / 127.5 - 1


def _picture(decoder: Any, code: Tensor) -> Image:
    made, _ = decoder(code)
    return ((made[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).contiguous().numpy()


def _between(network: Any, share: float) -> Any:
    """A decoder whose every weight lies between those of two people."""
    one, other = (network.decoders[who].state_dict() for who in (_ONE, _OTHER))
    mixed = copy.deepcopy(network.decoders[_ONE])
    mixed.load_state_dict({name: torch.lerp(one[name], other[name], share) for name in one})
    return mixed
