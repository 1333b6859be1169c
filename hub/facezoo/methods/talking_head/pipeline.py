"""From motions to points, from points to a picture of somebody whom the network may never have seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, move
from facezoo.face.mesh import to_68
from facezoo.method.moved_photo import MovedPhotoPipeline, Stage
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import Motion
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Face, Image, Points, Progress, Step

from .bilayer import Bilayer, Layers
from .head import MOST, Head, Photo, photo_of
from .landmarks import draw_points, points_of
from .learning import learn, videos_of
from .model import Embedder, Generator
from .spec import SPEC, Params

__all__ = ["AnyGenerator", "TalkingHead"]


class AnyGenerator:
    """Reads a bi-layer generator or the paper's, whichever a folder holds."""

    @classmethod
    def from_pretrained(cls, folder: str | Path, **settings: Any) -> Any:
        """See diffusers. Raises OSError and ValueError as that does."""
        kind = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8")).get("_class_name")
        network: type[Any] = Generator if kind == Generator.__name__ else Bilayer
        return network.from_pretrained(folder, use_safetensors=True, **settings)


class TalkingHead(MovedPhotoPipeline):
    """An embedder that knows people, a generator that shows them do what points say.

    Sources: Zakharov et al. 2019, "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models"; Zakharov et
    al. 2020, "Fast Bi-layer Neural Synthesis of One-Shot Realistic Head Avatars"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"embedder": Embedder, "generator": AnyGenerator}

    def __init__(self, networks: Mapping[str, Any] | None = None, *, others: Sequence[Face] = ()) -> None:
        """others: further photos of the same person, for a head of several."""
        super().__init__(networks)
        if len(others) >= MOST:
            raise UsageError(f"{len(others) + 1} photos are too many.", f"A head is learned from 1 to {MOST}.")
        self._others = tuple(others)

    @property
    def side(self) -> int:
        """Side of the networks' pictures in pixels."""
        return int(self.networks["embedder"].config["in_height"])

    def stage(self, source: Face, puppet: MovablePhoto, params: Params, progress: Progress | None) -> Stage:
        """See MovedPhotoPipeline."""
        head, lift = self._head(source, puppet, params, progress)

        def show(motion: Motion) -> Image:
            return head.draw(_marks(puppet, motion, lift))

        return Stage(puppet, show)

    def embed(self, photos: Sequence[Photo]) -> Tensor:
        """(1, E, 1): the mean embedding of photos of one person."""
        crops = np.stack([photo.crop for photo in photos])
        drawn = np.stack([draw_points(photo.points, self.side) for photo in photos])
        pictures, drawings = (torch.from_numpy(each).permute(0, 3, 1, 2) / 255 for each in (crops, drawn))
        with torch.inference_mode():
            return self.networks["embedder"](pictures, drawings).mean(dim=0, keepdim=True).clone()

    def learned(
        self, faces: Sequence[Face], steps: int, seed: int = 0, on_step: Callable[[int, Bilayer], bool] | None = None
    ) -> Bilayer:
        """The generator, having learned the person of these faces. Raises UsageError for the paper's generator: its
        learning takes hours without a GPU."""
        generator = self.networks["generator"]
        if not isinstance(generator, Bilayer):
            raise UsageError("The paper's full-size network cannot learn a face here.", "Use learn=0.")
        photos = [photo_of(face, self.side) for face in faces]
        return learn(generator, self.embed(photos), videos_of(faces, self.side, seed), steps, seed=seed,
                     on_step=on_step)  # fmt: skip

    def tried(self, face: Face, generator: Bilayer) -> Image:
        """A face asked to turn, smile and speak by a generator that is still learning it: (H, W, 3)."""
        puppet = MovablePhoto(face)
        photos = [photo_of(face, self.side)]
        asked = motion_of(Controls(yaw=14, mouth=0.4, smile=0.5), puppet.placement.rotation)
        return Head(photos, generator, self.embed(photos)).draw(_marks(puppet, asked, np.zeros((68, 2), np.float32)))

    def explain(self, source: Face, *, params: Params) -> list[Step]:
        """The pictures between a photo and its result: see `Step`. Without a slider that is moved, a face that turns
        and speaks is asked for."""
        puppet = MovablePhoto(source)
        head, lift = self._head(source, puppet, params, None)
        asked = Controls(**{field.name: getattr(params, field.name) for field in fields(Controls)})
        asked = asked if asked != Controls() else Controls(yaw=16, mouth=0.5, smile=0.3)
        marks = _marks(puppet, motion_of(asked, puppet.placement.rotation), lift)
        photo, wanted = head.photos[0], move(marks, head.photos[0].affine)
        steps = [
            Step("window", "Seen through a window", "The photo around the face, as small as the network sees it.",
                 photo.crop, made=False),
            Step("points", "Its own points", "68 points and two irises, joined by lines, one colour a part.",
                 draw_points(photo.points, self.side), made=False),
            Step("asked", "What is asked of it", "The same points, moved as the driver or the sliders say. Nothing "
                 "else tells the network what to do.", draw_points(wanted, self.side), made=False),
        ]  # fmt: skip
        made = head.layers(wanted)
        if isinstance(made, Layers):
            steps += [
                Step("carried", "Carried over", "The photo's own texture, pulled to where the points are; the network "
                     "has mended the warp.", _picture(made.carried), made=True),
                Step("coarse", "Painted", "What the network would paint by itself, from the drawing and what it knows "
                     "of the person.", _picture(made.coarse), made=True),
                Step("mask", "Which of the two", "White is taken from the photo, black is painted.",
                     _picture(made.mask.expand(-1, 3, -1, -1)), made=False),
            ]  # fmt: skip
        return [*steps, Step("result", "The result", "Both layers, in the photo at its own resolution.",
                             head.draw(marks), made=True)]  # fmt: skip

    def _head(
        self, source: Face, puppet: MovablePhoto, params: Params, progress: Progress | None
    ) -> tuple[Head, Points]:
        """The head of a photo and of `others`, and how far its points are from those of the mesh, (68, 2) px."""
        faces = [source, *self._others]
        found = to_68(puppet.mesh)
        lift = np.zeros_like(found)
        photos = [photo_of(face, self.side) for face in faces]
        if params.landmarks == "fan":
            lift = _by_fan(source) - found
            photos[0] = photo_of(source, self.side, (found + lift).astype(np.float32))
        generator = self.networks["generator"]
        generator = self.quick("generator") if isinstance(generator, Generator) else generator
        if params.learn:

            def told(step: int, _made: Bilayer) -> bool:
                if progress:
                    progress("learn", step / params.learn)
                return True

            generator = self.learned(faces, params.learn, on_step=told)
        return Head(photos, generator, self.embed(photos)), lift


def _marks(puppet: MovablePhoto, motion: Motion, lift: Points) -> Points:
    """(70, 2) px of the photo: the points that a motion moves the face's to."""
    mesh = puppet.place(motion)
    marks = points_of(to_68(mesh), (puppet.gaze + motion.gaze).astype(np.float32), mesh)
    marks[:68] += lift
    return marks


def _picture(made: Tensor) -> Image:
    """(S, S, 3) RGB uint8 of (1, 3, S, S) in [0, 1]."""
    return (made[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def _by_fan(face: Face) -> Points:
    """(68, 2) px, found by face-alignment. Raises WeightsUnavailable where it is not usable."""
    near = find_faces(face.frame, backend="fan", thorough=False)
    middle = face.landmarks.points.mean(axis=0)
    best = min(near, key=lambda each: float(np.linalg.norm(each.landmarks.points.mean(axis=0) - middle)))
    return best.landmarks.points
