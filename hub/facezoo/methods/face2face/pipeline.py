"""Draw what a face does on somebody else's shape, paint the drawing, lay the picture over the face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.blend import fit, settings_of
from facezoo.face.controls import Controls, motion_of
from facezoo.face.drawing import Drawing, Style, draw
from facezoo.face.motion import Motion
from facezoo.face.reading import pose_mesh, read_controls, read_face
from facezoo.face.repaint import Portrayal, lay_over, own_points
from facezoo.face.shown import alone, masked
from facezoo.method import PuppetPipeline
from facezoo.types import Face, Image, Landmarks, Points, Pose, Step

from .model import Painter
from .spec import SPEC, Params

__all__ = ["Face2Face"]

_BATCH = 4  # drawings that go through the network together
_TURN = 25.0  # degrees to each side in which a person's skin is looked at


class Face2Face(PuppetPipeline):
    """Landmarks -> pix2pix.

    Sources: the idea of Thies et al. 2016, "Face2Face"; the network of Isola et al. 2017, "Image-to-Image Translation
    with Conditional Adversarial Networks"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"painter": Painter}

    def __init__(self, networks: Mapping[str, Any] | None = None, *, person: str = "") -> None:
        super().__init__(networks, person=person)
        self._skins: dict[str, NDArray[np.float32]] = {}

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
                yield lay_over(face, shown, params.shape, params.mask, params.sharpen, self._own(who))

    @property
    def side(self) -> int:
        """See PuppetPipeline."""
        return self._painter.side

    def rest(self, person: str) -> Points:
        """See PuppetPipeline."""
        return self._painter.rest(self.known(person))

    def read(self, image: Image, landmarks: Landmarks) -> Motion:
        """See PuppetPipeline."""
        return read_face(image, _meshed(landmarks), self._painter.reader)

    def settings(self, image: Image, landmarks: Landmarks) -> tuple[Pose, Controls]:
        """See PuppetPipeline."""
        return read_controls(image, _meshed(landmarks), self._painter.reader)

    def portray(self, motions: Sequence[Motion], person: str) -> list[Portrayal]:
        """See PuppetPipeline."""
        side, rest = self._painter.side, self.rest(person)
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
        who = self.who(identity)
        (shown,) = self.portray([self.read(target.frame, target.landmarks)], who)
        skin = lay_over(target, shown, params.shape, params.mask, params.sharpen, self._own(who))
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

    def _own(self, person: str) -> NDArray[np.float32]:
        """(468,): the points of a person's face that are painted as skin, see `own_points`."""
        if person not in self._skins:
            turned = [motion_of(Controls(yaw=yaw)) for yaw in (-_TURN, 0, _TURN)]
            self._skins[person] = own_points(self.portray(turned, person))
        return self._skins[person]

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


def _meshed(landmarks: Landmarks) -> Points:
    if not len(landmarks.mesh):
        raise UsageError("This method needs the 468-point mesh of the face.", 'Find it with backend="mesh".')
    return landmarks.mesh
