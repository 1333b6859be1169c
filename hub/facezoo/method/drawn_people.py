"""A method whose network paints the people whom it knows from drawings of a face."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.method.pipeline import PeoplePipeline
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import Drawing, Style, draw
from facezoo.motion.motion import Motion
from facezoo.motion.paint_over import Portrayal, laid_over, own_points
from facezoo.motion.read import pose_mesh, read_controls, read_face
from facezoo.types import Face, Image, Landmarks, Points, Pose

if TYPE_CHECKING:
    from torch import Tensor

    from facezoo.nn.people import KnownPeople

__all__ = ["DrawnPeoplePipeline"]

_BATCH = 4  # drawings that go through the network together
_TURN = 25.0  # degrees to each side in which a person's skin is looked at


class DrawnPeoplePipeline(PeoplePipeline):
    """What a face does is read, drawn on the person's own shape and painted, and the picture is laid over the face; or
    the person, whole, does what is asked by hand.

    Subclasses have a component "painter", a `KnownPeople`, and parameters `shape`, `mask`, `mouth` and `sharpen`, see
    `paint_over.laid_over`; they write `explain` and `_paint`."""

    def __init__(self, networks: Mapping[str, Any] | None = None, *, person: str = "") -> None:
        super().__init__(networks, person=person)
        self._skins: dict[str, NDArray[np.float32]] = {}

    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Any, seed: int = 0
    ) -> Iterator[Image]:
        """Yields, for each target face, an aligned crop (S, S, 4) RGBA uint8; alpha is what `params` say to paste.

        Raises UsageError for an identity whom the weights do not know, or landmarks of the 68-point backend."""
        who = self.who(identity)
        while chosen := list(islice(targets, _BATCH)):
            motions = [self.read(face.frame, face.landmarks) for face in chosen]
            for face, shown in zip(chosen, self.portray(motions, who), strict=True):
                yield self.laid_over(face, shown, who, params)

    @property
    def people(self) -> tuple[str, ...]:
        """Who can be painted."""
        return self._painter.people

    @property
    def side(self) -> int:
        """Side of the painted pictures in pixels."""
        return self._painter.side

    def rest(self, person: str) -> Points:
        """(468, 3) head units: the person's own shape at rest. Raises UsageError for somebody unknown."""
        return self._painter.rest(self.known(person))

    @property
    def reader(self) -> NDArray[np.float32]:
        """(6, 1405) float32, see `motion.read.read_face`."""
        return self._painter.reader

    def read(self, image: Image, landmarks: Landmarks) -> Motion:
        """What a face does, nothing of who it is. image: (H, W, 3) RGB uint8. Raises UsageError without a mesh."""
        return read_face(image, _meshed(landmarks), self.reader)

    def settings(self, image: Image, landmarks: Landmarks) -> tuple[Pose, Controls]:
        """The same as settings, see `motion.read.read_controls`."""
        return read_controls(image, _meshed(landmarks), self.reader)

    def portray(self, motions: Sequence[Motion], person: str) -> list[Portrayal]:
        """A person doing that, whole aligned crops: motions as `read` gives them, or made by hand; a motion's rotation
        is the whole turn of the head."""
        side, rest = self.side, self.rest(person)
        return self.paint([(pose_mesh(rest, each, side), each.gaze) for each in motions], person)

    def paint(self, heads: Sequence[tuple[Points, NDArray[np.float32]]], person: str) -> list[Portrayal]:
        """A person whose landmarks lie where one wants them. heads: meshes (468, 3) px of the aligned crop, whose side
        is `side`, and gazes (2,), see `drawing.draw`."""
        style, who = cast("Style", self._painter.style), self.people.index(self.known(person))
        drawings = [draw(mesh, gaze, self.side, style) for mesh, gaze in heads]
        pictures = zip(*self._pictures(drawings, who), strict=True)
        return [
            Portrayal(drawing, last, mesh, tuple(earlier))
            for drawing, (mesh, _), (*earlier, last) in zip(drawings, heads, pictures, strict=True)
        ]

    def laid_over(self, target: Face, shown: Portrayal, person: str, params: Any) -> Image:
        """(S, S, 4) RGBA uint8, the painted face where the target's is, see `paint_over.laid_over`."""
        skin = self.skin(person)
        return laid_over(target, shown, params.shape, params.mask, params.mouth, params.sharpen, skin)

    def skin(self, person: str) -> NDArray[np.float32]:
        """(468,) in [0, 1]: how far each point of the painted person is their own skin, see `paint_over.own_points`."""
        with self._lock:
            if person not in self._skins:
                turned = [motion_of(Controls(yaw=yaw)) for yaw in (-_TURN, 0, _TURN)]
                self._skins[person] = own_points(self.portray(turned, person))
            return self._skins[person]

    @property
    def _painter(self) -> KnownPeople:
        return cast("KnownPeople", self.networks["painter"])

    @abstractmethod
    def _paint(self, drawings: Tensor, places: Tensor, who: Tensor) -> list[Tensor]:
        """Pictures (B, 3, S, S) in [-1, 1], from the first sketch to the finished one. drawings: (B, 3, S, S) in
        [-1, 1]; places: (B, S, S, 2), see `Drawing.places`; who: (B,) int64, which of the people."""

    def _pictures(self, drawings: Sequence[Drawing], who: int) -> list[Image]:
        """(N, S, S, 3) RGB uint8 each, see `_paint`."""
        import torch

        device, dtype = self._painter.device, self._painter.dtype
        with torch.inference_mode():
            lines = torch.from_numpy(np.stack([each.picture for each in drawings])).to(device, dtype)
            places = torch.from_numpy(np.stack([each.places for each in drawings])).to(device, dtype)
            number = torch.full((len(drawings),), who, device=device)
            made = self._paint(lines.permute(0, 3, 1, 2) / 127.5 - 1, places, number)
            plain = [((each.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1) for each in made]
            return [each.cpu().numpy() for each in plain]


def _meshed(landmarks: Landmarks) -> Points:
    if not len(landmarks.mesh):
        raise UsageError("This method needs the 468-point mesh of the face.", 'Find it with backend="mesh".')
    return landmarks.mesh
