"""An exhibit of how many pictures a decoder needs: one person learned from four, forty and four hundred."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from facezoo import registry
from facezoo.methods.deepfakes.window import window_box
from facezoo.types import Image
from facezoo.ui.learn.make.frames import rendered, upright
from facezoo.ui.learn.make.row import Row, face_of

__all__ = ["counts"]

_PERSON = "evening"  # whom the shipped network does not know
_COUNTS, _UNSEEN, _SHOWN = (4, 40, 400), 24, 7
_STEPS, _BATCH, _RATE = 250, 8, 1e-3


def counts() -> Iterator[Row]:
    """Faces that no decoder has learned from, and as each of them has it after the same number of steps. The encoder is
    the shipped one and stays as it is."""
    network: Any = registry.load_faces("deepfakes").networks["autoencoder"]
    side = network.side * network.scale
    pictures = _rendered(_UNSEEN + max(_COUNTS), side)
    faces = _batch(pictures)
    small = nn.functional.interpolate(faces, size=network.side, mode="area")
    with torch.inference_mode():
        codes = torch.cat([network.encode(part) for part in small.split(32)])
    unseen, known = slice(0, _UNSEEN), slice(_UNSEEN, None)
    tiles, errors = [*pictures[:_SHOWN]], list[float]()
    for count in _COUNTS:
        decoder = _learned(network, codes[known].clone()[:count], faces[known][:count])
        with torch.inference_mode():
            made, _ = decoder(codes[unseen])
        errors.append(round(float((made - faces[unseen]).abs().mean()) * 127.5, 2))
        tiles += [((each.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).contiguous().numpy()
                  for each in made[:_SHOWN]]  # fmt: skip
    facts = {"counts": list(_COUNTS), "errors": errors, "steps": _STEPS, "shown": _SHOWN}
    yield Row("counts-decoders", tiles, "deepfakes", (_PERSON,), side=192, others=("motion_transfer",), facts=facts)


def _rendered(count: int, side: int) -> list[Image]:
    """The person in many moods, through the window of the network: (side, side, 3) each."""
    face = face_of(_PERSON)
    found: list[Image] = []
    for frame in rendered(face, count):
        crop = upright(face, frame)
        seen = cv2.warpAffine(crop, window_box(crop.shape[0], side), (side, side), flags=cv2.INTER_AREA)
        found.append(np.asarray(seen, np.uint8))
    return found


def _batch(pictures: list[Image]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 127.5 - 1


def _learned(network: Any, codes: Tensor, faces: Tensor) -> nn.Module:
    """A decoder that began with nothing and learned to read these codes as these faces."""
    torch.manual_seed(0)
    decoder = copy.deepcopy(next(iter(network.decoders.values())))
    for module in decoder.modules():
        if isinstance(module, nn.Conv2d):
            module.reset_parameters()
    optimizer = torch.optim.Adam(decoder.parameters(), _RATE, betas=(0.5, 0.99))
    for _ in range(_STEPS):
        drawn = torch.randint(0, len(codes), (_BATCH,))
        made, _ = decoder(codes[drawn])
        loss = (made - faces[drawn]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return decoder
