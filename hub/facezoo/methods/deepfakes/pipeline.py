"""Encode a face, decode it as somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, cast

import cv2
import numpy as np

from facezoo.face.paste import sharpened
from facezoo.method.pipeline import PeoplePipeline
from facezoo.methods.deepfakes.model import ANYONE, Autoencoder
from facezoo.motion.paint_over import own_mouth
from facezoo.types import Face, Image, Mask, Step

from . import SPEC, Params
from .window import LEFT, SHARE, TOP, WARP, random_warp, window_box

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DeepFakes"]

_BATCH = 8  # faces that go through the network together
_EDGE = 0.06  # of the window's side: the picture fades out before it ends


class DeepFakes(PeoplePipeline):
    """The shared autoencoder.

    Source: the `original` model of the faceswap project (2017)."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"autoencoder": Autoencoder}

    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Params, seed: int = 0
    ) -> Iterator[Image]:
        """Yields, for each target face, an aligned crop (S, S, 4) RGBA uint8; alpha is the mask that `params` choose.

        Raises UsageError for an identity whom the weights do not know."""
        who = self.who(identity)
        while chosen := list(islice(targets, _BATCH)):
            made, masks = self._decode(np.stack([_window(face.crop, self._network.side) for face in chosen]), who)
            for face, picture, mask in zip(chosen, made, masks, strict=True):
                alpha = mask if params.mask == "learned" else np.ones_like(mask)
                layers = _to_crop(sharpened(picture, params.sharpen), alpha, face.crop.shape[0])
                yield own_mouth(face, layers) if params.mouth == "mine" else layers

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """What the network was taught with, and what it makes of this face with either decoder.

        Raises UsageError as a call does."""
        who = self.who(identity)
        window = _window(target.crop, self._network.side)[None]
        made, masks = self._decode(window, who)
        upright = _window(target.crop, made.shape[1])
        steps = [
            Step("aligned", "Cut out upright", "The face is turned, scaled and cut out the same way each time.",
                 upright, made=False),
            Step("warped", "Pulled out of shape", "In training each face came in bent at random, and had to come out "
                 "straight. That is the whole trick.", _warped(upright, seed), made=False),
        ]  # fmt: skip
        if ANYONE in self._network.decoders:
            own, _ = self._decode(window, ANYONE)
            steps.append(
                Step("self", "Decoded as yourself", "All that the code kept of you, rebuilt by the decoder of "
                     "everybody else.", own[0], made=True)
            )  # fmt: skip
        masked = np.repeat((masks[0] * 255).round().astype(np.uint8)[..., None], 3, axis=2)
        return [
            *steps,
            Step("persona", "Decoded as somebody else", "The same code through the other decoder: another person who "
                 "does what you do.", made[0], made=True),
            Step("mask", "What is pasted", "The network also says where its face is. White is kept.", masked,
                 made=False),
        ]  # fmt: skip

    @property
    def people(self) -> tuple[str, ...]:
        """Who has a decoder."""
        return self._network.people

    @property
    def _network(self) -> Autoencoder:
        return cast("Autoencoder", self.networks["autoencoder"])

    def _decode(self, windows: Image, who: str) -> tuple[Image, Mask]:
        """(N, S, S, 3) uint8 windows to pictures (N, T, T, 3) uint8 and masks (N, T, T) in [0, 1]."""
        import torch

        with torch.inference_mode():
            device, dtype = self._network.device, self._network.dtype
            faces: Tensor = torch.from_numpy(windows).to(device, dtype).permute(0, 3, 1, 2) / 127.5 - 1
            pictures, masks = self._network.swap(faces, who)
            made = ((pictures + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
            return made.cpu().numpy(), masks[:, 0].float().cpu().numpy()


def _window(crop: Image, side: int) -> Image:
    """(S, S, 3) of what the network sees of an aligned crop."""
    whole = round(side / SHARE)
    small = np.asarray(cv2.resize(crop, (whole, whole), interpolation=cv2.INTER_AREA), np.uint8)
    top, left = round(TOP * whole), round(LEFT * whole)
    return small[top : top + side, left : left + side]


def _warped(window: Image, seed: int) -> Image:
    """(S, S, 3) as the network meets faces in training; twice as strong, so that it is seen."""
    import torch
    from torch.nn import functional

    faces = torch.from_numpy(window[None]).permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(torch.eye(2, 3)[None], list(faces.shape), align_corners=False)
    grid = grid + random_warp(1, faces.shape[-1], 2 * WARP, torch.Generator().manual_seed(seed))
    bent = functional.grid_sample(faces, grid, "bilinear", "reflection", align_corners=False)
    return bent.round().byte()[0].permute(1, 2, 0).numpy()


def _to_crop(picture: Image, mask: Mask, size: int) -> Image:
    """The decoded window (T, T, 3) and its mask (T, T) in the aligned crop, (S, S, 4) RGBA uint8."""
    side = picture.shape[0]
    edge = np.minimum(np.arange(side), np.arange(side)[::-1]) / (_EDGE * side)
    fade = np.clip(np.minimum(edge[:, None], edge[None, :]), 0, 1)
    layers = np.dstack([picture, mask * fade * 255]).astype(np.float32)
    there = round(size * SHARE)
    if there < 0.8 * side:  # a small face: warpAffine alone would skip pixels
        layers = cv2.resize(layers, (there, there), interpolation=cv2.INTER_AREA)
    placed = cv2.warpAffine(
        layers,
        window_box(size, layers.shape[0]),
        (size, size),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.clip(placed, 0, 255).round().astype(np.uint8)
