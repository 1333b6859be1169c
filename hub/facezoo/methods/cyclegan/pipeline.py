"""Repaint a picture with the translator that was taught the kind it should become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.find import move
from facezoo.face.mesh import FACE_OVAL, smoothstep
from facezoo.method.pipeline import RestylePipeline
from facezoo.methods.cyclegan.brush import BrushGenerator
from facezoo.methods.cyclegan.model import Translator
from facezoo.motion.paint_over import open_mouth
from facezoo.types import Face, Image, Mask, Step

from .spec import PERSONA, SPEC, Params
from .strokes import stroke_guide
from .window import SIDE, alone, oval, toned, window, window_box

__all__ = ["CycleGan"]

_PAINTINGS = {"van_gogh": "painting", "van_gogh_bright": "bright_painting", "old_masters": "old_painting"}
_PHOTO = "photo"
_FACES = ("persona", "anyone")
_NAMED = {"painting": "a painting", "photo": "a photo", "bright_painting": "a painting",
          "old_painting": "an old painting", "persona": "the persona", "anyone": "somebody else"}  # fmt: skip
_FOREHEAD = 0.5  # how much higher the forehead is than the mesh shows
_FADE = 0.3  # widths of a face over which what is around it changes more and more
_STROKES = 25.0  # grey levels between strokes that are shown and their ground
_GLOW = 90.0  # grey levels of change that are white in the heat map


class CycleGan(RestylePipeline):
    """Translators, each named after what it makes: of paintings of three kinds, which share the way back to photos;
    of a persona and of anyone. Weights hold a painter or more with the way back, or the other two, or all.

    Those of pictures are fully convolutional and see the whole picture at once, so that there are no seams. Source: Zhu
    et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = dict.fromkeys(_NAMED, Translator)

    @classmethod
    def complete(cls, names: Iterable[str]) -> bool:
        """Whether these are translators with a way back, at least one."""
        left = set(names)
        whole = [{each, _PHOTO} for each in _PAINTINGS.values()] + [set(_FACES)]
        there = [pair for pair in whole if pair <= left]
        return bool(there) and left == set().union(*there)

    def restyle(self, image: Image, faces: Sequence[Face], *, params: Params, seed: int = 0) -> Image:
        """The whole picture as `params.task` has it."""
        forth, _ = self._ways(params, None)
        change = params.strength * self._change(forth, image, int(params.size))
        if params.keep_face:
            for face in faces:
                change *= 1 - _around(face)[..., None]
        return _added(image, change)

    def explain_restyle(self, image: Image, *, params: Params, seed: int = 0) -> list[Step]:
        """There and back, what has changed, and what the other translator leaves alone."""
        size = int(params.size)
        return self._explained(
            _shrunk(image, size), params, None, size, "The picture at the size at which it is repainted."
        )

    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Params, seed: int = 0
    ) -> Iterator[Image]:
        """Yields each target's aligned crop translated, (S, S, 4) RGBA uint8: alpha is what of it was; an open mouth
        keeps its teeth.

        Raises UsageError for an identity that the weights do not know."""
        forth, _ = self._ways(params, identity)
        for face in targets:
            plain = self._plain(forth, face.crop)
            made = _added(plain, params.strength * self._change(forth, alone(plain), SIDE))
            size = face.crop.shape[0]
            left, top, side = window_box(size)
            layers = np.dstack([face.crop, np.zeros((size, size), np.uint8)])
            alpha = np.rint(oval(len(made)) * 255).astype(np.uint8)
            inner = cv2.resize(np.dstack([made, alpha]), (side, side), interpolation=cv2.INTER_AREA)
            layers[top : top + side, left : left + side] = inner
            teeth = open_mouth(move(face.landmarks.mesh, face.affine), size)
            layers[..., 3] = np.rint(layers[..., 3] * (1 - teeth))
            yield layers

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """The same as for a whole picture, of the face."""
        forth, _ = self._ways(params, identity)
        seen = alone(self._plain(forth, target.crop))
        return self._explained(seen, params, identity, SIDE, "Your face alone, upright and in the persona's colours: "
                               "its features are all that is left to change.")  # fmt: skip

    def _plain(self, name: str, crop: Image) -> Image:
        """(W, W, 3) RGB uint8, the window of an aligned crop in the colours that the translator knows; no smaller than
        the translator sees it."""
        plain = window(crop, max(SIDE, window_box(crop.shape[0])[2]))
        wanted = np.array(self.networks[name].config["colors"], np.float32)
        return toned(plain, wanted.reshape(2, 3)) if wanted.size else plain

    def _explained(self, picture: Image, params: Params, identity: Face | None, size: int, seen: str) -> list[Step]:
        """picture: (H, W, 3) RGB uint8. size: of its longer side where the networks work. seen: words for it."""
        forth, back = self._ways(params, identity)
        there = _added(picture, self._change(forth, picture, size))
        returned = _added(there, self._change(back, there, size))
        same = _added(picture, self._change(back, picture, size))
        strokes = self._strokes(forth, picture, size)
        paints = isinstance(self.networks[forth], BrushGenerator)
        began = "It began with pairs that rules had painted." if paints else "Nobody ever showed it a pair."
        held = "What it cannot find, the first one may not throw away: so a face stays the same face."
        if paints:
            held = f"{held} Here the two were not trained together, and much is lost."
        return [
            Step("seen", "What the network sees", seen, picture, made=False),
            *strokes,
            Step("translated", "Translated", f"One network turns it into {_NAMED[forth]}. {began}", there,
                 made=True),
            Step("back", "And back again", f"A second network must find the way back. {held}", returned, made=True),
            Step("changed", "Where it changed", "Dark is as it was, bright was changed most.",
                 _heat(picture, there), made=False),
            Step("identity", "Left alone", "The second network, given this picture at once, should do next to nothing: "
                 "it is what it makes already. Without that rule colours drift.", same, made=True),
        ]  # fmt: skip

    def _strokes(self, name: str, picture: Image, size: int) -> list[Step]:
        """What a painter is told, for the explanation; nothing for translators that paint no strokes."""
        if name == _PHOTO or not isinstance(self.networks[name], BrushGenerator):
            return []
        guide = stroke_guide(_shrunk(picture, size))
        drawn = np.clip((guide[..., :3] + 1) * 127.5 + _STROKES * guide[..., 3:4], 0, 255).astype(np.uint8)
        height, width = picture.shape[:2]
        shown = np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        return [
            Step("strokes", "Where strokes lie", "Strokes follow the forms, and in the background whirls. The network "
                 "is told so; in which colours it paints them it has learned.", shown, made=False),
        ]  # fmt: skip

    def _ways(self, params: Params, identity: Face | None) -> tuple[str, str]:
        """The names of the translators there and back. Raises UsageError when the weights lack them, or do not know
        the identity."""
        if params.task == "persona":
            if not set(_FACES) <= set(self.networks):
                raise UsageError("These weights were not taught a persona.", "Choose another task.")
            if identity is not None and identity.persona != PERSONA:
                raise UsageError(
                    f"These weights know {PERSONA} alone, not {identity.persona or 'somebody else'}.",
                    f"Choose the persona {PERSONA}.",
                )
            return _FACES
        able = [style for style, painting in _PAINTINGS.items() if painting in self.networks]
        if params.style not in able:
            raise UsageError(
                f"These weights were not taught style={params.style}.", f"Allowed for style: {' | '.join(able)}."
            )
        painting = _PAINTINGS[params.style]
        return (painting, _PHOTO) if params.task == "photo_to_painting" else (_PHOTO, painting)

    def _change(self, name: str, image: Image, size: int) -> NDArray[np.float32]:
        """(H, W, 3) float32 grey levels to be added to an image (H, W, 3) for it to become what the network makes.

        size: longest side in pixels at which the network works."""
        import torch

        height, width = image.shape[:2]
        small = _shrunk(image, size)
        paints = isinstance(self.networks[name], BrushGenerator)  # what it makes replaces the picture's details
        beyond = [-side % (8 if paints else 4) for side in small.shape[:2]]
        padded = np.asarray(cv2.copyMakeBorder(small, 0, beyond[0], 0, beyond[1], cv2.BORDER_REFLECT_101), np.uint8)
        network = self.quick(name)
        with torch.inference_mode():
            batch = torch.from_numpy(padded[None]).permute(0, 3, 1, 2).to(network.device, network.dtype) / 127.5 - 1
            guide = stroke_guide(padded, paints=name != _PHOTO) if paints else None
            told = [] if guide is None else [torch.from_numpy(guide[None]).permute(0, 3, 1, 2).to(batch)]
            made = network(batch, *told)[0].float().permute(1, 2, 0).cpu().numpy()
        painted = (made[: small.shape[0], : small.shape[1]] + 1) * 127.5
        if paints:
            return np.asarray(_enlarged(painted, width, height) - image, np.float32)
        return _enlarged(np.asarray(painted - small, np.float32), width, height)


def _shrunk(image: Image, size: int) -> Image:
    """(H, W, 3), its longest side at most `size` px."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return image
    target = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(values: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """(H, W, 3) float32 to (height, width, 3)."""
    if values.shape[:2] == (height, width):
        return values
    return np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _added(image: Image, change: NDArray[np.float32]) -> Image:
    return np.clip(image + change, 0, 255).round().astype(np.uint8)


def _heat(before: Image, after: Image) -> Image:
    """(H, W, 3) RGB uint8: the mean change of each pixel, dark to bright."""
    change = np.abs(after.astype(np.float32) - before).mean(axis=2)
    levels = np.clip(change / _GLOW * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def _around(face: Face) -> Mask:
    """(H, W) float32 in [0, 1]: 1 on the face up to the hair, falling to 0 over a share of its width around it."""
    mesh = face.landmarks.mesh[:, :2]
    up = mesh[10] - mesh[152]  # from the chin to the top of the mesh, which ends below the hair
    oval = mesh[list(FACE_OVAL)]
    height = np.clip((oval - mesh[168]) @ up / (up @ up), 0, None)  # 0 at the eyes
    oval = oval + _FOREHEAD * height[:, None] * up
    outside = np.ones(face.frame.shape[:2], np.uint8)
    cv2.fillPoly(outside, [np.round(oval * 16).astype(np.int32)], 0, shift=4)
    width = float(np.linalg.norm(mesh[454] - mesh[234]))
    return smoothstep(cv2.distanceTransform(outside, cv2.DIST_L2, 5), _FADE * width, 0)
