"""Draw what a face does on somebody else's shape, paint the drawing coarsely, then finely, lay it over the face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from facezoo.face.paste import fit, settings_of
from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.method.explain_pictures import masked, on_grey
from facezoo.motion.paint_over import Portrayal
from facezoo.types import Face, Image, Step

from .painter import FinePainter
from .spec import SPEC, Params

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Pix2PixHD"]


class Pix2PixHD(DrawnPeoplePipeline):
    """Landmarks -> drawing -> coarse picture -> fine picture.

    Source: Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"painter": FinePainter}

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """The drawing, the coarse and the fine picture, and how that is laid over the face. Raises UsageError as a call
        does."""
        who = self.who(identity)
        (shown,) = self.portray([self.read(target.frame, target.landmarks)], who)
        skin = self.laid_over(target, shown, who, params)
        _, mask = fit(target, skin, **settings_of(params))
        side = shown.picture.shape[0]
        return [
            Step("drawing", "Your face as a drawing", "How your head is turned, what mouth, brows and eyes do, drawn "
                 "on the persona's own shape: nothing tells who you are.", shown.drawing.picture, made=False),
            Step("coarse", "The coarse picture", f"The global generator sees the whole drawing at {side // 2} px and "
                 "paints where light, hair and features are.", shown.sketches[0], made=True),
            Step("fine", "The fine picture", f"The local enhancer begins at {side} px, adds what the first generator "
                 "knows half-way, and paints the details.", shown.picture, made=True),
            Step("mask", "Where it goes", "White is painted over. Hair and glasses stay in front.",
                 masked(target.crop, mask), made=False),
            Step("paste", "Laid over your face", "The painted face is pulled to where yours is, triangle by triangle.",
                 on_grey(skin[..., :3], (skin[..., 3] / 255).astype(np.float32)), made=True),
        ]  # fmt: skip

    def laid_over(self, target: Face, shown: Portrayal, person: str, params: Params) -> Image:
        """(S, S, 4) RGBA uint8, the picture that `params` ask for where the target's face is."""
        used = shown if params.detail == "fine" else replace(shown, picture=shown.sketches[0])
        return super().laid_over(target, used, person, params)

    def _paint(self, drawings: Tensor, places: Tensor, who: Tensor) -> list[Tensor]:
        from torch.nn import functional

        coarse, fine = self.quick("painter")(drawings, places, who)
        return [functional.interpolate(coarse, scale_factor=2, mode="bicubic", align_corners=False), fine]
