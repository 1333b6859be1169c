"""Exhibits of one photo that moves: by its mesh, and by a network that was shown one photo or several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np

from facezoo import registry
from facezoo.face.find import find_faces
from facezoo.method.explain_pictures import with_mesh
from facezoo.methods.talking_head.pipeline import TalkingHead
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.photo import MovablePhoto, Moved
from facezoo.types import Face, Image
from facezoo.ui.learn.make.row import Row, around, face_of, settings

__all__ = ["head", "moved"]

_PHOTO = "curls"
_YAWS = range(-24, 25, 6)
_MOUTHS = np.linspace(0, 1, 6)
_FAR = 0.16  # of the picture's width: moves that are shown in full colour
_POSES = ({"yaw": -16}, {"yaw": 14, "pitch": 4}, {"mouth": 0.6}, {"smile": 0.8}, {"pitch": -8, "brows": 0.6},
          {"yaw": -8, "mouth": 0.3, "smile": 0.5}, {"yaw": 8, "blink": 1})  # fmt: skip
_COUNTS = (1, 4, 8)
_LEARNED = (20, 40)  # steps


def moved() -> Iterator[Row]:
    """A head turned by its mesh: the picture, the mesh, where each pixel came from, the mouth."""
    face = face_of(_PHOTO)
    photo = MovablePhoto(face)

    def layers(controls: Controls) -> Moved:
        return photo.layers(motion_of(controls, photo.placement.rotation))

    turned = [layers(Controls(yaw=yaw)) for yaw in _YAWS]
    facts = {"asked": list(_YAWS)}
    images = [around(each.image, face) for each in turned]
    yield Row("motion_transfer-turned", images, "motion_transfer", (_PHOTO,), facts=facts)
    meshes = [around(_at_size(with_mesh(each.image, each.mesh), each.image), face) for each in turned]
    yield Row("motion_transfer-mesh", meshes, "motion_transfer", (_PHOTO,))
    maps = [around(_map(each), face) for each in turned]
    yield Row("motion_transfer-map", maps, "motion_transfer", (_PHOTO,), made=False)
    mouths = [around(layers(Controls(mouth=float(mouth))).image, face, 1.3) for mouth in _MOUTHS]
    yield Row("motion_transfer-mouth", mouths, "motion_transfer", (_PHOTO,))


def head() -> Iterator[Row]:
    """What the network makes on the way, from one, four and eight photos, and while it learns one face."""
    face = face_of(_PHOTO)
    pipeline = cast("TalkingHead", registry.load("talking_head"))
    asked = settings("talking_head", yaw=20, mouth=0.6, smile=0.3)
    steps = {each.name: each for each in pipeline.explain(face, params=asked)}
    names = [name for name in ("window", "points", "asked", "carried", "coarse", "mask") if name in steps]
    result = around(steps["result"].image, face)
    yield Row("talking_head-steps", [*(steps[name].image for name in names), result], "talking_head", (_PHOTO,),
              facts={"names": [*names, "result"]})  # fmt: skip
    photo = MovablePhoto(face)
    poses = [motion_of(Controls(**pose), photo.placement.rotation) for pose in _POSES]
    others = [find_faces(photo.draw(pose))[0] for pose in poses]
    shown = [around(each.frame, face) for each in (face, *others)]
    yield Row("talking_head-photos", shown, "talking_head", (_PHOTO,), others=("motion_transfer",))
    several = [_asked(pipeline, face, others[: count - 1]) for count in _COUNTS]
    yield Row("talking_head-several", several, "talking_head", (_PHOTO,), facts={"photos": list(_COUNTS)},
              others=("motion_transfer",))  # fmt: skip
    yield Row("talking_head-learned", _learned(pipeline, face), "talking_head", (_PHOTO,),
              facts={"steps": [0, *_LEARNED]})  # fmt: skip


def _asked(pipeline: TalkingHead, face: Face, others: list[Face]) -> Image:
    """The picture that the network paints by itself, knowing several photos."""
    knowing = TalkingHead(pipeline.networks, others=others)
    steps = knowing.explain(face, params=settings("talking_head", yaw=20, mouth=0.6, smile=0.3))
    return next(each.image for each in steps if each.name == "coarse")


def _learned(pipeline: TalkingHead, face: Face) -> list[Image]:
    seen = [around(pipeline.tried(face, pipeline.networks["generator"]), face, 1.3)]

    def look(step: int, generator: object) -> bool:
        if step in _LEARNED:
            seen.append(around(pipeline.tried(face, generator), face, 1.3))  # pyright: ignore[reportArgumentType]
        return True

    pipeline.learned([face], max(_LEARNED), on_step=look)
    return seen


def _at_size(image: Image, like: Image) -> Image:
    return np.asarray(cv2.resize(image, like.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _map(moved: Moved) -> Image:
    """(H, W, 3): hue says from which direction a pixel was taken, strength how far away."""
    height, width = moved.image.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    way = np.zeros((height, width, 2), np.float32)
    left, top, right, bottom = moved.box
    here = np.dstack([columns, rows])[top:bottom, left:right]
    way[top:bottom, left:right] = moved.warp - here
    angle = (np.arctan2(way[..., 1], way[..., 0]) + np.pi) / (2 * np.pi) * 179
    far = np.clip(np.hypot(way[..., 0], way[..., 1]) / (_FAR * width), 0, 1) ** 0.7
    colors = np.dstack([angle, far * 255, np.full((height, width), 235)]).astype(np.uint8)
    return np.asarray(cv2.cvtColor(colors, cv2.COLOR_HSV2RGB), np.uint8)
