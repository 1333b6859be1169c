"""The driver's motions, drawn with the photo's own pixels."""

from __future__ import annotations

from facezoo.method.moved_photo import MovedPhotoPipeline, Stage
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Face, Progress

from . import SPEC, Params

__all__ = ["MotionTransfer"]


class MotionTransfer(MovedPhotoPipeline):
    """Relative motion of a 468-point mesh, put onto the photo as a depth-ordered warp.

    Source: the idea of Siarohin et al. 2019, "First Order Motion Model for Image Animation"; the head's own frame as in
    Wang et al. 2021, "One-Shot Free-View Neural Talking-Head Synthesis"."""

    spec = SPEC

    def stage(self, source: Face, puppet: MovablePhoto, params: Params, progress: Progress | None) -> Stage:
        """See MovedPhotoPipeline."""
        return Stage(puppet, puppet.draw)

    def takes_mouth(self, params: Params) -> bool:
        """See MovedPhotoPipeline."""
        return params.inner_mouth == "driver"
