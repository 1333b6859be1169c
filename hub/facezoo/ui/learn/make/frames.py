"""Frames of people who never existed: a picture that ships, moved at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from facezoo.face.find import crop_image
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Face, Image

__all__ = ["batch_of", "moods", "rendered", "upright"]


def moods(count: int, seed: int) -> Iterator[Controls]:
    """What a face may do: turn by up to 22 degrees, nod by 10, speak, smile, look around, blink now and then."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yaw, pitch, smile, mouth, brows, look, lids = (float(each) for each in random.uniform(-1, 1, 7))
        yield Controls(
            yaw=22 * yaw, pitch=10 * pitch, smile=0.15 + 0.75 * smile, mouth=max(0.0, 0.9 * mouth), brows=0.8 * brows,
            look_x=0.7 * look, blink=float(lids > 0.85),
        )  # fmt: skip


def rendered(face: Face, count: int, seed: int = 0) -> Iterator[Image]:
    """The face's whole picture (H, W, 3) in so many moods."""
    photo = MovablePhoto(face)
    for asked in moods(count, seed):
        yield photo.draw(motion_of(asked, photo.placement.rotation))


def upright(face: Face, frame: Image) -> Image:
    """(S, S, 3): a frame of the face's picture as the face's own crop is cut out."""
    return crop_image(frame, face.affine, face.crop.shape[0])


def batch_of(pictures: Sequence[Image]) -> Tensor:
    """(N, 3, S, S) float32 in [-1, 1] of N pictures (S, S, 3) RGB uint8."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 127.5 - 1
