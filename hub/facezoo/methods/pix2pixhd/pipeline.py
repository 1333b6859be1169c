"""Draw what a face does on somebody else's shape, paint the drawing coarsely, then finely, lay it over the face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.blend import fit, settings_of
from facezoo.face.drawing import Drawing, Style, draw
from facezoo.face.motion import Motion
from facezoo.face.reading import pose_mesh, read_face
from facezoo.face.repaint import Portrayal, lay_over
from facezoo.face.shown import alone, masked
from facezoo.method import PeoplePipeline
from facezoo.types import Face, Image, Landmarks, Points, Step

from .painter import FinePainter
from .spec import SPEC, Params

__all__ = ["FinePortrayal", "Pix2PixHD"]

_BATCH = 2  # drawings that go through the networks together


@dataclass(frozen=True, eq=False)
class FinePortrayal(Portrayal):
    """coarse: (S, S, 3) RGB uint8, what the global generator painted at half the size, enlarged."""

    coarse: Image


class Pix2PixHD(PeoplePipeline):
    """Landmarks -> drawing -> coarse picture -> fine picture.

    Source: Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"painter": FinePainter}

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

    def portray(self, motions: Sequence[Motion], person: str) -> list[FinePortrayal]:
        """A person doing that, whole aligned crops: motions as `read` gives them, or made by hand."""
        side, rest = self._painter.side, self._painter.rest(person)
        return self.paint([(pose_mesh(rest, each, side), each.gaze) for each in motions], person)

    def paint(self, heads: Sequence[tuple[Points, NDArray[np.float32]]], person: str) -> list[FinePortrayal]:
        """A person whose landmarks lie where one wants them. heads: meshes (468, 3) px of the aligned crop, whose side
        is the painter's, and gazes (2,), see `drawing.draw`."""
        painter = self._painter
        drawings = [draw(mesh, gaze, painter.side, cast("Style", painter.style)) for mesh, gaze in heads]
        coarse, fine = self._pictures(drawings, painter.people.index(person))
        return [
            FinePortrayal(drawing, picture, mesh, rough)
            for drawing, picture, (mesh, _), rough in zip(drawings, fine, heads, coarse, strict=True)
        ]

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """The drawing, the coarse and the fine picture, and how that is laid over the face. Raises UsageError as a call
        does."""
        (shown,) = self.portray([self.read(target.frame, target.landmarks)], self.who(identity))
        skin = _laid_over(target, shown, params)
        _, mask = fit(target, skin, **settings_of(params))
        side = shown.picture.shape[0]
        return [
            Step("drawing", "Your face as a drawing", "How your head is turned, what mouth, brows and eyes do, drawn "
                 "on the persona's own shape: nothing tells who you are.", shown.drawing.picture, made=False),
            Step("coarse", "The coarse picture", f"The global generator sees the whole drawing at {side // 2} px and "
                 "paints where light, hair and features are.", shown.coarse, made=True),
            Step("fine", "The fine picture", f"The local enhancer begins at {side} px, adds what the first generator "
                 "knows half-way, and paints the details.", shown.picture, made=True),
            Step("mask", "Where it goes", "White is painted over. Hair and glasses stay in front.",
                 masked(target.crop, mask), made=False),
            Step("paste", "Laid over your face", "The painted face is pulled to where yours is, triangle by triangle.",
                 alone(skin[..., :3], (skin[..., 3] / 255).astype(np.float32)), made=True),
        ]  # fmt: skip

    @property
    def people(self) -> tuple[str, ...]:
        """Who can be painted."""
        return self._painter.people

    @property
    def _painter(self) -> FinePainter:
        return cast("FinePainter", self.networks["painter"])

    def _pictures(self, drawings: Sequence[Drawing], who: int) -> tuple[Image, Image]:
        """Coarse and fine, (N, S, S, 3) RGB uint8."""
        import torch
        from torch.nn import functional

        painter = self._painter
        with torch.inference_mode():
            lines = torch.from_numpy(np.stack([each.picture for each in drawings])).to(painter.device, painter.dtype)
            places = torch.from_numpy(np.stack([each.places for each in drawings])).to(painter.device, painter.dtype)
            number = torch.full((len(drawings),), who, device=painter.device)
            coarse, fine = painter(lines.permute(0, 3, 1, 2) / 127.5 - 1, places, number)
            coarse = functional.interpolate(coarse, scale_factor=2, mode="bicubic", align_corners=False)
            made = [((each.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1) for each in (coarse, fine)]
            return made[0].cpu().numpy(), made[1].cpu().numpy()


def _laid_over(target: Face, shown: FinePortrayal, params: Params) -> Image:
    """(S, S, 4) RGBA uint8, see `lay_over`."""
    used = shown if params.detail == "fine" else replace(shown, picture=shown.coarse)
    return lay_over(target, used, params.shape, params.mask, params.sharpen)
