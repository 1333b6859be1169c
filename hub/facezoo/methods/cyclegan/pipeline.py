"""Repaint a picture with the translator that was taught the kind it should become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.align import move
from facezoo.face.blend import face_mask, paste
from facezoo.method import RestylePipeline
from facezoo.methods.cyclegan.model import ResnetGenerator
from facezoo.types import Face, Image, Mask, Step

from .spec import PERSONA, SPEC, Params

__all__ = ["CycleGan"]

_WAYS = {
    "photo_to_painting": ("painting", "photo"),
    "painting_to_photo": ("photo", "painting"),
    "persona": ("persona", "anyone"),
}
_FACE = 160  # px: the aligned crop as the persona's translator sees it
_GLOW = 90.0  # grey levels of change that are white in the heat map


class CycleGan(RestylePipeline):
    """Four translators, each named after what it makes: two for photos and paintings, two for a persona and anyone.

    They are fully convolutional and see the whole picture at once, so that there are no seams. Source: Zhu et al. 2017,
    "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = dict.fromkeys(
        ("painting", "photo", "persona", "anyone"), ResnetGenerator
    )

    def restyle(
        self, image: Image, faces: Sequence[Face], *, identity: Face | None, params: Params, seed: int = 0
    ) -> Image:
        """The picture as `params.task` has it; for `persona` the faces alone change.

        Raises UsageError for an identity that the weights do not know."""
        forth, _ = _WAYS[params.task]
        if params.task == "persona":
            self._check(identity)
            for face in faces:
                made = _added(face.crop, params.strength * self._change(forth, face.crop, _FACE))
                image = paste(replace(face, frame=image), made, color="none", blend="feather")
            return image
        change = params.strength * self._change(forth, image, int(params.size))
        if params.keep_face:
            for face in faces:
                change *= 1 - _mask_in_frame(face)[..., None]
        return _added(image, change)

    def wears(self, params: Params) -> bool:
        """Only the task `persona` puts a persona on."""
        return params.task == "persona"

    def __call__(
        self,
        targets: Iterator[Face],
        *,
        identity: Face | None,
        params: Params,
        driving: Any = None,
        seed: int = 0,
    ) -> Iterator[Image]:
        """Yields each target's aligned crop repainted, (S, S, 3) RGB uint8."""
        if params.task == "persona":
            self._check(identity)
        for face in targets:
            size = _FACE if params.task == "persona" else int(params.size)
            yield _added(face.crop, params.strength * self._change(_WAYS[params.task][0], face.crop, size))

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """There and back, what has changed, and what the other translator leaves alone."""
        whole = params.task != "persona"
        if not whole:
            self._check(identity)
        picture = _shrunk(target.frame if whole else target.crop, int(params.size) if whole else _FACE)
        forth, back = _WAYS[params.task]
        there = _added(picture, self._change(forth, picture, max(picture.shape)))
        returned = _added(there, self._change(back, there, max(picture.shape)))
        same = _added(picture, self._change(back, picture, max(picture.shape)))
        return [
            Step("seen", "What the network sees", "The picture at the size at which it is repainted.", picture,
                 made=False),
            Step("translated", "Translated", f"One network turns it into a {forth}. Nobody ever showed it a pair.",
                 there, made=True),
            Step("back", "And back again", "A second network must find the way back. What it cannot find, the first "
                 "one may not throw away: so your face stays your face.", returned, made=True),
            Step("changed", "Where it changed", "Dark is as it was, bright was changed most.",
                 _heat(picture, there), made=False),
            Step("identity", "Left alone", "The second network, given this picture at once, should do next to nothing: "
                 "it is what it makes already. Without that rule colours drift.", same, made=True),
        ]  # fmt: skip

    def _check(self, identity: Face | None) -> None:
        if identity is not None and identity.persona != PERSONA:
            raise UsageError(
                f"These weights know {PERSONA} alone, not {identity.persona or 'somebody else'}.",
                f"Choose the persona {PERSONA}.",
            )

    def _change(self, name: str, image: Image, size: int) -> NDArray[np.float32]:
        """(H, W, 3) float32 grey levels to be added to an image (H, W, 3) for it to become what the network makes.

        size: longest side in pixels at which the network works."""
        import torch

        height, width = image.shape[:2]
        small = _shrunk(image, size)
        beyond = [-side % 4 for side in small.shape[:2]]
        padded = cv2.copyMakeBorder(small, 0, beyond[0], 0, beyond[1], cv2.BORDER_REFLECT_101)
        network = self.networks[name]
        with torch.inference_mode():
            batch = torch.from_numpy(padded[None]).permute(0, 3, 1, 2).to(network.device, network.dtype) / 127.5 - 1
            made = network(batch)[0].float().permute(1, 2, 0).cpu().numpy()
        change = (made[: small.shape[0], : small.shape[1]] + 1) * 127.5 - small
        if small.shape != image.shape:
            change = cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(change, np.float32)


def _shrunk(image: Image, size: int) -> Image:
    """(H, W, 3), its longest side at most `size` px."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return image
    target = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8)


def _added(image: Image, change: NDArray[np.float32]) -> Image:
    return np.clip(image + change, 0, 255).round().astype(np.uint8)


def _heat(before: Image, after: Image) -> Image:
    """(H, W, 3) RGB uint8: the mean change of each pixel, dark to bright."""
    change = np.abs(after.astype(np.float32) - before).mean(axis=2)
    levels = np.clip(change / _GLOW * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def _mask_in_frame(face: Face) -> Mask:
    """(H, W) float32 in [0, 1]: where the face is in its frame."""
    height, width = face.frame.shape[:2]
    size = face.crop.shape[0]
    mask = face_mask(move(face.landmarks.mesh, face.affine), size)
    placed = cv2.warpAffine(mask, face.affine, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(placed, np.float32)
