"""Draw what a face does on somebody else's shape, paint the drawing, lay the picture over the face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from facezoo.face.paste import fit, settings_of
from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.method.explain_pictures import masked, on_grey
from facezoo.types import Face, Step

from .model import Painter
from .spec import SPEC, Params

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Face2Face"]


class Face2Face(DrawnPeoplePipeline):
    """Landmarks -> pix2pix.

    Sources: the idea of Thies et al. 2016, "Face2Face"; the network of Isola et al. 2017, "Image-to-Image Translation
    with Conditional Adversarial Networks"."""

    spec = SPEC
    components: ClassVar[Mapping[str, type[Any]]] = {"painter": Painter}

    def explain(self, target: Face, *, identity: Face | None, params: Params, seed: int = 0) -> list[Step]:
        """The drawing, the painted picture, and how it is laid over the face. Raises UsageError as a call does."""
        who = self.who(identity)
        (shown,) = self.portray([self.read(target.frame, target.landmarks)], who)
        skin = self.laid_over(target, shown, who, params)
        _, mask = fit(target, skin, **settings_of(params))
        return [
            Step("aligned", "Cut out upright", "The face is turned, scaled and cut out the same way each time.",
                 target.crop, made=False),
            Step("drawing", "Your face as a drawing", "How your head is turned, what mouth, brows and eyes do, drawn "
                 "on the persona's own shape: nothing tells who you are.", shown.drawing.picture, made=False),
            Step("persona", "Painted", "The network has learned one thing: to paint the persona from such drawings.",
                 shown.picture, made=True),
            Step("skin", "Laid over your face", "The painted face is pulled to where yours is, triangle by triangle.",
                 on_grey(skin[..., :3], (skin[..., 3] / 255).astype(np.float32)), made=True),
            Step("mask", "Where it goes", "White is painted over. Hair and glasses stay in front.",
                 masked(target.crop, mask), made=False),
        ]  # fmt: skip

    def _paint(self, drawings: Tensor, places: Tensor, who: Tensor) -> list[Tensor]:
        return [self.quick("painter")(drawings, places, who)]
