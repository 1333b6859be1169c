"""Methods that repaint whole pictures on the one road: nothing is pasted back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from facezoo.face.steady import Seen
from facezoo.media.stopwatch import Stopwatch
from facezoo.method import FacePipeline, RestylePipeline
from facezoo.runner.cast import Cast
from facezoo.runner.translate import Translator
from facezoo.types import Face, Frame, Image

__all__ = ["translator_of"]


def translator_of(
    pipeline: FacePipeline, cast: Cast, params: Any, seed: int, smoothing: float, clock: Stopwatch
) -> Translator:
    """The translator that a method needs; arguments as those of `Translator`. Its cast names no persona when the
    method, with these parameters, puts on none."""
    if not isinstance(pipeline, RestylePipeline):
        return Translator(pipeline, cast, params, seed, smoothing, clock)
    if not pipeline.wears(params):
        cast = Cast(cast.wanted)
    return _Restyler(pipeline, cast, params, seed, smoothing, clock)


@dataclass(frozen=True, eq=False)
class _Restyler(Translator):
    """Repaints every frame, with or without a face in it."""

    pipeline: RestylePipeline

    def _make(self, batch: list[Seen]) -> list[list[Image]]:
        """One picture for each frame: the whole of it."""
        return [[self._repaint(seen)] for seen in batch]

    def _lay(self, seen: Seen, crops: list[Image]) -> Frame:
        """The frame that the method made."""
        return Frame(crops[0], seen.frame.time)

    def _repaint(self, seen: Seen) -> Image:
        image = seen.frame.image
        alike: dict[Face | None, list[Face]] = {} if seen.faces else {None: []}
        for face in seen.faces:
            alike.setdefault(self.cast.identity_of(face.number), []).append(face)
        for identity, faces in alike.items():  # one after the other: each adds its own persona
            image = self.pipeline.restyle(image, faces, identity=identity, params=self.params, seed=self.seed)
        return image
