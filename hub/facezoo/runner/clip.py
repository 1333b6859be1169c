"""Frames in, translated frames out: one at a time for photos, on several threads at once for clips."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeGuard

import cv2
import numpy as np

from facezoo.face.follow import Follower
from facezoo.face.paste import paste, settings_of
from facezoo.face.steady import Seen, Steady
from facezoo.face.turn import Turns
from facezoo.method.pipeline import FacePipeline, RestylePipeline
from facezoo.runner.admit import Cast
from facezoo.runner.prefetch import Crew
from facezoo.runner.record import Stopwatch
from facezoo.types import Face, Frame, Image

__all__ = ["Translator", "repaints", "translator_of"]

_BATCH = 8  # faces that are handed to a method together, of as many frames at most
_READ, _SEEN, _MADE, _LAID = 2, 2, _BATCH, 2  # frames that may wait after each stage


@dataclass(frozen=True, eq=False)
class Translator:
    """A method at work: whom it puts on, and how. smoothing: [0, 1], of clips. clock: counts the seconds of each stage,
    on each thread. needs_face: without one there is nothing to do."""

    needs_face: ClassVar[bool] = True
    pipeline: FacePipeline
    cast: Cast
    params: Any
    seed: int
    smoothing: float
    clock: Stopwatch

    def photo(self, frame: Frame, faces: list[Face]) -> Frame:
        """One frame with these faces of it replaced."""
        seen = Seen(frame, faces, [1.0] * len(faces))
        with self.clock.stage("method"):
            (crops,) = self._make([seen])
        with self.clock.stage("blend"):
            return self._lay(seen, crops)

    def clip(self, crew: Crew, frames: Generator[Frame], follower: Follower, turns: Turns) -> Iterator[Frame]:
        """Every frame of a clip with the followed faces replaced, in order. At no time are more than about a second of
        frames held. crew: the threads, besides the caller's, that work on it. turns: sees the faces too."""
        steady = Steady(self.smoothing, self.pipeline.spec.inputs.crop_size)
        seen = crew.ahead(self._find(crew.ahead(frames, _READ), follower, steady, turns), _SEEN)
        made = crew.ahead(self._make_all(seen), _MADE)
        laid = crew.ahead(self._lay_all(made), _LAID, while_waiting=self.clock.tell_again)
        while True:
            with self.clock.waiting():
                frame = next(laid, None)
            if frame is None:
                return
            yield frame

    def _find(self, frames: Iterator[Frame], follower: Follower, steady: Steady, turns: Turns) -> Generator[Seen]:
        for frame in frames:
            with self.clock.stage("detect", quiet=True):
                faces = follower(frame.image)
                turns.see(faces if self.needs_face else [])
                ready = steady.see(frame, faces, cut=follower.cut)
            yield from ready
        with self.clock.stage("detect", quiet=True):
            ready = steady.rest()
        yield from ready

    def _make_all(self, seen: Iterator[Seen]) -> Generator[tuple[Seen, list[Image]]]:
        for batch in _batches(seen):
            with self.clock.stage("method", quiet=True):
                made = self._make(batch)
            yield from zip(batch, made, strict=True)

    def _lay_all(self, made: Iterator[tuple[Seen, list[Image]]]) -> Generator[Frame]:
        for seen, crops in made:
            with self.clock.stage("blend", quiet=True):
                frame = self._lay(seen, crops)
            yield frame

    def _make(self, batch: list[Seen]) -> list[list[Image]]:
        """The method's crops for the faces of some frames; faces that become the same person go through it together."""
        faces = [face for seen in batch for face in seen.faces]
        identities = [self.cast.identity_of(face.number) for face in faces]
        crops: dict[int, Image] = {}  # place among the faces -> crop
        for identity in dict.fromkeys(identities):
            mine = [place for place, each in enumerate(identities) if each is identity]
            targets = (faces[place] for place in mine)
            made = self.pipeline(targets, identity=identity, params=self.params, seed=self.seed)
            crops.update(zip(mine, made, strict=True))
        ordered = iter([crops[place] for place in range(len(faces))])
        return [[next(ordered) for _ in seen.faces] for seen in batch]

    def _lay(self, seen: Seen, crops: list[Image]) -> Frame:
        """The frame with the crops in it."""
        image = seen.frame.image
        for face, crop, share in zip(seen.faces, crops, seen.shares, strict=True):
            laid = paste(replace(face, frame=image), crop, **settings_of(self.params))
            image = laid if share == 1 else np.asarray(cv2.addWeighted(laid, share, image, 1 - share, 0), np.uint8)
        return Frame(image, seen.frame.time)


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


def _batches(seen: Iterator[Seen]) -> Iterator[list[Seen]]:
    """Consecutive frames with about _BATCH faces together."""
    batch: list[Seen] = []
    for each in seen:
        batch.append(each)
        if len(batch) == _BATCH or sum(len(one.faces) for one in batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
