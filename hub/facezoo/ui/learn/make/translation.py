"""Exhibits of translators: a pair that goes there and back, and painters of drawings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from facezoo import registry
from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.method.pipeline import RestylePipeline
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import draw
from facezoo.motion.read import pose_mesh
from facezoo.types import Image
from facezoo.ui.learn.make.row import Row, around, face_of, persona_face, photo_of, settings, square

__all__ = ["cyclegan", "drawings"]

_PHOTO, _ALONE, _WHO = "curls", "evening", "tarek"
_STYLES = ("van_gogh", "van_gogh_bright", "old_masters")
_ROUNDS = 4
_GLOW = 90.0  # grey levels of difference that are white
_YAWS = range(-32, 33, 8)
_MOUTHS = np.linspace(0, 1, 7)


def cyclegan() -> Iterator[Row]:
    """There and back with networks that were trained as a ring; the same again and again; with a pair that was not."""
    pipeline = cast("RestylePipeline", registry.load_faces("cyclegan"))
    face, params = face_of(_ALONE, 512), settings("cyclegan", task="persona")
    steps = {each.name: each.image for each in
             pipeline.explain(face, identity=persona_face(_WHO), params=params)}  # fmt: skip
    seen = square(steps["seen"])
    ring = [seen]
    for _ in range(_ROUNDS):
        for way in ("persona", "anyone"):
            ring.append(_translated(pipeline.networks[way], ring[-1]))
    yield Row("cyclegan-ring", ring, "cyclegan", (_ALONE, _WHO), persona=_WHO)
    differences = [_difference(seen, ring[1]), _difference(seen, ring[2])]
    yield Row("cyclegan-difference", differences, "cyclegan", (_ALONE, _WHO), made=False)
    photo = photo_of(_PHOTO)
    painted = [pipeline.restyle(photo, [], params=settings("cyclegan", style=style)) for style in _STYLES]
    part = face_of(_PHOTO)
    yield Row("cyclegan-styles", [around(each, part, 2.4) for each in (photo, *painted)], "cyclegan", (_PHOTO,))
    loose = [photo]
    for _ in range(_ROUNDS):
        for task in ("photo_to_painting", "painting_to_photo"):
            loose.append(pipeline.restyle(loose[-1], [], params=settings("cyclegan", task=task)))
    yield Row("cyclegan-loose", [around(each, part, 2.4) for each in loose], "cyclegan", (_PHOTO,))


def drawings() -> Iterator[Row]:
    """What two painters make of drawings that turn and speak, and of one whose skip connections are cut."""
    for method, who, controls in (
        ("face2face", _WHO, [Controls(yaw=yaw) for yaw in _YAWS]),
        ("pix2pixhd", "joss", [Controls(yaw=8, mouth=float(mouth), smile=0.3) for mouth in _MOUTHS]),
    ):
        pipeline = cast("DrawnPeoplePipeline", registry.load_faces(method))
        shown = pipeline.portray([motion_of(each) for each in controls], who)
        told = {"asked": [each.yaw if method == "face2face" else each.mouth for each in controls]}
        yield Row(f"{method}-drawing", [each.drawing.picture for each in shown], method, (who,), made=False)
        pictures = [each.picture for each in shown]
        yield Row(f"{method}-picture", pictures, method, (who,), persona=who, facts=told)
        if shown[0].sketches:
            yield Row(f"{method}-coarse", [each.sketches[0] for each in shown], method, (who,), persona=who)
    yield _skips()


def _skips() -> Row:
    """All connections, each cut alone from the outermost inwards, then all of them."""
    pipeline = cast("DrawnPeoplePipeline", registry.load_faces("face2face"))
    painter: Any = pipeline.networks["painter"]
    motion = motion_of(Controls(yaw=12, mouth=0.5, smile=0.4))
    drawn = draw(pose_mesh(pipeline.rest(_WHO), motion, pipeline.side), motion.gaze, pipeline.side, painter.style)
    lines = torch.from_numpy(drawn.picture[None]).permute(0, 3, 1, 2) / 127.5 - 1
    inputs = lines, torch.from_numpy(drawn.places[None]), torch.tensor([pipeline.people.index(_WHO)])
    levels = [each for each in painter.modules() if type(each).__name__ == "_Level"]
    cuts = [[], *([level] for level in levels), levels]
    sides = [pipeline.side >> (1 + number) for number in range(len(levels))]
    return Row("face2face-skips", [_painted(painter, inputs, cut) for cut in cuts], "face2face", (_WHO,), persona=_WHO,
               facts={"sides": sides})  # fmt: skip


def _painted(painter: nn.Module, inputs: Sequence[Tensor], cut: Sequence[nn.Module]) -> Image:
    """The picture, with nothing going through the skip connections of some levels."""

    def without(level: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        left = made.clone()
        left[:, : given[0].shape[1]] = 0
        return left

    hooks = [level.register_forward_hook(without) for level in cut]
    try:
        with torch.inference_mode():
            return _image(painter(*inputs))
    finally:
        for hook in hooks:
            hook.remove()


def _translated(network: nn.Module, image: Image) -> Image:
    with torch.inference_mode():
        return _image(network(torch.from_numpy(image[None]).permute(0, 3, 1, 2) / 127.5 - 1))


def _image(made: Tensor) -> Image:
    """(1, 3, S, S) in [-1, 1] to (S, S, 3) uint8."""
    return ((made[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).contiguous().numpy()


def _difference(one: Image, other: Image) -> Image:
    """(H, W, 3): the mean difference of each pixel, dark to bright."""
    change = np.abs(one.astype(np.float32) - other).mean(axis=2)
    levels = np.clip(change / _GLOW * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])
