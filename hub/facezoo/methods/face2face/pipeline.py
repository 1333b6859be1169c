"""Draw what a face does on somebody else's shape, paint the drawing, lay the picture over the face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, ClassVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.align import move
from facezoo.face.blend import fit, settings_of
from facezoo.face.drawing import Drawing, Style, draw
from facezoo.face.mesh import BROWS, EYES, FACE_OVAL, INNER_LIPS, OUTER_LIPS, topology
from facezoo.face.motion import Motion
from facezoo.face.reading import pose_mesh, read_face
from facezoo.face.shown import alone, masked
from facezoo.face.warp import rasterise, sample, smoothstep
from facezoo.method import PeoplePipeline
from facezoo.types import Face, Image, Landmarks, Mask, Points, Step

from .model import Painter
from .spec import SPEC, Params

__all__ = ["Face2Face", "Portrayal"]

_BATCH = 4  # drawings that go through the network together
_YIELDING = 0.3  # head units from the edge of the face within which features go over to the target's own outline
_AROUND = 0.12  # of the face's width, by which features are widened when they alone are pasted


@dataclass(frozen=True, eq=False)
class Portrayal:
    """A person doing what somebody did. drawing: what was painted. picture: (S, S, 3) RGB uint8, the aligned crop.
    mesh: (468, 3) px of it."""

    drawing: Drawing
    picture: Image
    mesh: Points


class Face2Face(PeoplePipeline):
    """Landmarks -> pix2pix.

    Sources: the idea of Thies et al. 2016, "Face2Face"; the network of Isola et al. 2017, "Image-to-Image Translation
    with Conditional Adversarial Networks"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"painter": Painter}

    def __call__(
        self,
        targets: Iterator[Face],
        *,
        identity: Face | None,
        params: Params,
        driving: Any = None,
        seed: int = 0,
    ) -> Iterator[Image]:
        """Yields, for each target face, an aligned crop (S, S, 4) RGBA uint8; alpha is what `params` say to paste.

        Raises UsageError for an identity whom the weights do not know, or landmarks of the 68-point backend."""
        who = self.who(identity)
        while chosen := list(islice(targets, _BATCH)):
            motions = [self.read(face.frame, face.landmarks) for face in chosen]
            for face, shown in zip(chosen, self.portray(motions, who), strict=True):
                yield _laid_over(face, shown, params)

    def read(self, image: Image, landmarks: Landmarks) -> Motion:
        """What a face does, nothing of who it is. image: (H, W, 3) RGB uint8. Raises UsageError without a mesh."""
        if not len(landmarks.mesh):
            raise UsageError("This method needs the 468-point mesh of the face.", 'Find it with backend="mesh".')
        return read_face(image, landmarks.mesh, self._painter.reader)

    def portray(self, motions: Sequence[Motion], person: str) -> list[Portrayal]:
        """A person doing that, whole aligned crops: motions as `read` gives them, or made by hand."""
        side, rest = self._painter.side, self._painter.rest(person)
        return self.paint([(pose_mesh(rest, each, side), each.gaze) for each in motions], person)

    def paint(self, heads: Sequence[tuple[Points, NDArray[np.float32]]], person: str) -> list[Portrayal]:
        """A person whose landmarks lie where one wants them. heads: meshes (468, 3) px of the aligned crop, whose side
        is the painter's, and gazes (2,), see `drawing.draw`."""
        painter = self._painter
        drawings = [draw(mesh, gaze, painter.side, cast("Style", painter.style)) for mesh, gaze in heads]
        pictures = self._pictures(drawings, painter.people.index(person))
        return [Portrayal(d, p, mesh) for d, p, (mesh, _) in zip(drawings, pictures, heads, strict=True)]

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """The drawing, the painted picture, and how it is laid over the face. Raises UsageError as a call does."""
        (shown,) = self.portray([self.read(target.frame, target.landmarks)], self.who(identity))
        skin = _laid_over(target, shown, params)
        _, mask = fit(target, skin, **settings_of(params))
        return [
            Step("aligned", "Cut out upright", "The face is turned, scaled and cut out the same way each time.",
                 target.crop, made=False),
            Step("drawing", "Your face as a drawing", "How your head is turned, what mouth, brows and eyes do, drawn "
                 "on the persona's own shape: nothing tells who you are.", shown.drawing.picture, made=False),
            Step("persona", "Painted", "The network has learned one thing: to paint the persona from such drawings.",
                 shown.picture, made=True),
            Step("skin", "Laid over your face", "The painted face is pulled to where yours is, triangle by triangle.",
                 alone(skin[..., :3], (skin[..., 3] / 255).astype(np.float32)), made=True),
            Step("mask", "Where it goes", "White is painted over. Hair and glasses stay in front.",
                 masked(target.crop, mask), made=False),
        ]  # fmt: skip

    @property
    def people(self) -> tuple[str, ...]:
        """Who can be painted."""
        return self._painter.people

    @property
    def _painter(self) -> Painter:
        return cast("Painter", self.networks["painter"])

    def _pictures(self, drawings: Sequence[Drawing], who: int) -> Image:
        """(N, S, S, 3) RGB uint8."""
        import torch

        painter = self._painter
        with torch.inference_mode():
            lines = torch.from_numpy(np.stack([each.picture for each in drawings])).to(painter.device, painter.dtype)
            places = torch.from_numpy(np.stack([each.places for each in drawings])).to(painter.device, painter.dtype)
            number = torch.full((len(drawings),), who, device=painter.device)
            made = painter(lines.permute(0, 3, 1, 2) / 127.5 - 1, places, number)
            return ((made.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def _laid_over(target: Face, shown: Portrayal, params: Params) -> Image:
    """The painted face on the target's: (S, S, 4) RGBA uint8, aligned as its crop."""
    size, side = target.crop.shape[0], shown.picture.shape[0]
    own = move(target.landmarks.mesh, target.affine)
    theirs = shown.mesh
    picture = _sharpened(shown.picture, params.sharpen)
    if size < 0.8 * side:  # an area filter first, or fine texture aliases
        picture = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        theirs = _scaled(theirs, size / side)
    goal = own.copy()
    goal[:, :2] += np.float32(params.shape) * _features()[:, None] * (_scaled(shown.mesh, size / side) - own)[:, :2]
    raster = rasterise(goal, _whole(), (size, size))
    alpha = raster.covered if params.mask == "face" else raster.covered * _feature_mask(goal, size)
    return np.dstack([sample(picture, raster.read(theirs[:, :2])), np.rint(alpha * 255).astype(np.uint8)])


def _scaled(mesh: Points, ratio: float) -> Points:
    return ((mesh + 0.5) * ratio - 0.5).astype(np.float32)


@cache
def _features() -> NDArray[np.float32]:
    """(468,): 1 at the features, falling to 0 at the edge of the face."""
    shape = topology().canonical[:, :2]
    edge = shape[list(FACE_OVAL)]
    distance = np.linalg.norm(shape[:, None] - edge[None], axis=2).min(axis=1)
    return smoothstep(distance, 0, _YIELDING)


@cache
def _whole() -> NDArray[np.int32]:
    """(T, 3): the mesh's triangles, and those that fill the eyes and the mouth."""
    holes: list[tuple[int, int, int]] = []
    for ring in (*EYES, INNER_LIPS):
        last = len(ring)
        for i in range(last // 2):
            upper, after, lower, before = ring[i], ring[i + 1], ring[last - i - 1], ring[-i]
            holes += [(upper, after, lower)] * (after != lower) + [(upper, lower, before)] * (before != upper)
    return np.concatenate([topology().triangles, np.array(holes, np.int32)])


def _feature_mask(mesh: Points, size: int) -> Mask:
    """(S, S) in [0, 1]: eyes, brows, nose and mouth and a little around them, with a soft edge."""
    rings = (*(eye + brow for eye, brow in zip(EYES, BROWS, strict=True)), OUTER_LIPS, (6, 49, 279, 2))
    mask = np.zeros((size, size), np.uint8)
    for ring in rings:
        hull = cv2.convexHull(mesh[list(ring), :2])[:, 0]
        cv2.fillPoly(mask, [np.round(hull * 16).astype(np.int32)], 1, shift=4)
    width = _AROUND * float(np.linalg.norm(mesh[454, :2] - mesh[234, :2]))
    reach = 2 * round(width / 2) + 1
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return np.asarray(cv2.GaussianBlur(grown.astype(np.float32), (0, 0), max(width / 4, 0.5)), np.float32)


def _sharpened(picture: Image, amount: float) -> Image:
    """Unsharp mask over a fiftieth of the side."""
    if amount == 0:
        return picture
    values = picture.astype(np.float32)
    fine = values - cv2.GaussianBlur(values, (0, 0), picture.shape[0] / 100)
    return np.clip(values + 2 * amount * fine, 0, 255).round().astype(np.uint8)
