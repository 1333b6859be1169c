"""Methods that repaint whole pictures on the one road: nothing is pasted back, and no face is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

from facezoo.face.steady import Seen
from facezoo.media.stopwatch import Stopwatch
from facezoo.method import FacePipeline, RestylePipeline
from facezoo.runner.cast import Cast
from facezoo.runner.translate import Translator
from facezoo.types import Frame, Image

__all__ = ["repaints", "translator_of"]


def repaints(pipeline: FacePipeline, params: Any) -> TypeGuard[RestylePipeline]:
    """Whether the method, with these parameters, changes whole pictures and not faces."""
    return isinstance(pipeline, RestylePipeline) and not pipeline.spec.wears(params)


def translator_of(
    pipeline: FacePipeline, cast: Cast, params: Any, seed: int, smoothing: float, clock: Stopwatch
) -> Translator:
    """The translator that a method needs; arguments as those of `Translator`. Of a picture that is repainted all faces
    are looked at and nobody is put on, whatever the cast."""
    if repaints(pipeline, params):
        return _Restyler(pipeline, Cast("all"), params, seed, smoothing, clock)
    return Translator(pipeline, cast, params, seed, smoothing, clock)


@dataclass(frozen=True, eq=False)
class _Restyler(Translator):
    """Repaints every frame, with or without a face in it."""

    pipeline: RestylePipeline
    needs_face = False

    def _make(self, batch: list[Seen]) -> list[list[Image]]:
        """One picture for each frame: the whole of it."""
        return [
            [self.pipeline.restyle(seen.frame.image, seen.faces, params=self.params, seed=self.seed)] for seen in batch
        ]

    def _lay(self, seen: Seen, crops: list[Image]) -> Frame:
        """The frame that the method made."""
        return Frame(crops[0], seen.frame.time)
