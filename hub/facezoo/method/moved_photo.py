"""Methods that move one photo: a driver becomes motions of its mesh, and each method draws them in its own way.

The driver: a clip, a motion template, a photo, a webcam, or the sliders alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from facezoo.errors import NoFace, UsageError
from facezoo.face.covering import covering_of
from facezoo.face.find import find_faces
from facezoo.face.turn import toward_viewer
from facezoo.method.pipeline import AnimationPipeline
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.driver import Sight, Tracker, drive, find_start, imitate, track
from facezoo.motion.motion import Motion, Observation, absolute, combine, relative, scale_motion, still
from facezoo.motion.mouth import cut_mouth
from facezoo.motion.photo import MovablePhoto
from facezoo.motion.template import Template, template_from
from facezoo.types import Clip, Face, Frame, Image, Progress

__all__ = ["Live", "MovedPhotoPipeline", "Stage"]

_LONGEST = 1800  # motions a live recording keeps
_CLAMPED = 3.0  # degrees of turn that may be lost before the user is told


@dataclass(frozen=True, eq=False)
class Stage:
    """A photo ready to be moved. draw: gives the whole photo with the motion in it."""

    puppet: MovablePhoto
    draw: Callable[[Motion], Image]


class MovedPhotoPipeline(AnimationPipeline):
    """A method whose params have strength, relative, region, start, smoothing, beside, and the fields of `Controls`."""

    @abstractmethod
    def stage(self, source: Face, puppet: MovablePhoto, params: Any, progress: Progress | None) -> Stage:
        """How this method draws the motions of a photo."""

    def takes_mouth(self, params: Any) -> bool:
        """Whether the inside of the driver's own mouth is to be shown."""
        return False

    def animate(
        self,
        source: Face,
        *,
        others: Sequence[Face] = (),
        driving: Clip | Template | None,
        params: Any,
        seed: int = 0,
        progress: Progress | None = None,
        notes: list[str] | None = None,
    ) -> Iterator[Frame]:
        """See AnimationPipeline. Deterministic: the seed changes nothing.

        Raises UsageError for a covered mouth or landmarks of the 68-point backend, NoFace for a picture in profile and
        for a driver without a face."""
        told = [] if notes is None else notes
        puppet = _puppet(source, others, told)
        posed = _posed(puppet, params)
        if driving is None and _controls(params) == Controls():
            raise UsageError(
                "Nothing was asked of this face.", "Give a driving clip or a motion's name, or move a slider, yaw=15."
            )
        stage = self.stage(source, puppet, params, progress)
        reading = _Reading(puppet, params, self.takes_mouth(params), progress, told)
        most = 0.0
        for frame, motion in reading.motions(driving):
            wanted = combine(scale_motion(motion, params.strength, params.region), posed)
            most = max(most, puppet.clamped(wanted))
            image = stage.draw(wanted)
            yield Frame(_beside(frame.image, image) if params.beside and driving is not None else image, motion.time)
        if most > _CLAMPED:
            told.append(
                f"The driver turns {most:.0f} degrees further than this photo can and still look right; the head was "
                "stopped there. Lower the strength, or use a photo taken more from the front."
            )

    def live(self, source: Face, *, others: Sequence[Face] = (), params: Any) -> Live:
        """See AnimationPipeline."""
        puppet = _puppet(source, others)
        return Live(self.stage(source, puppet, params, None), params, mouth=self.takes_mouth(params))


class Live:
    """See `facezoo.method.pipeline.Animation`."""

    def __init__(self, stage: Stage, params: Any, *, mouth: bool) -> None:
        self._stage, self._puppet = stage, stage.puppet
        self._params, self._mouth = params, mouth
        self._tracker = Tracker(params.smoothing)
        self._start: Observation | None = None
        self._motions: list[Motion] = []

    def follow(self, image: Image, time: float) -> Image:
        """See Animation.follow."""
        sight = self._tracker(image, time)
        if sight.observation is None:
            return self._puppet.photo
        self._start = self._start or sight.observation
        motion = replace(_reader(self._puppet, self._start, self._params)(sight.observation), time=time)
        if len(self._motions) < _LONGEST:
            self._motions.append(motion)
        if self._mouth and sight.seen:
            motion = replace(motion, mouth=cut_mouth(image, sight.mesh))
        wanted = scale_motion(motion, self._params.strength, self._params.region)
        return self._stage.draw(combine(wanted, _posed(self._puppet, self._params)))

    def pose(self, params: Any) -> Image:
        """See Animation.pose."""
        return self._stage.draw(_posed(self._puppet, params))

    def recorded(self) -> Template:
        """See Animation.recorded."""
        if len(self._motions) < 2:
            raise NoFace("Nothing was recorded yet.", "Let the camera see your face for a moment first.")
        seconds = self._motions[-1].time - self._motions[0].time
        rate = Fraction(round((len(self._motions) - 1) / max(seconds, 0.1) * 100), 100)
        return template_from(self._motions, min(max(rate, Fraction(1)), Fraction(60)), "recording", "Recording")


def _puppet(source: Face, others: Sequence[Face], notes: list[str] | None = None) -> MovablePhoto:
    if not len(source.landmarks.mesh):
        raise UsageError("This method needs the 468-point mesh of the face.", 'Find it with backend="mesh".')
    cover = covering_of(source)
    if cover.mouth or cover.too_much:
        raise UsageError(
            "Something is in front of this face's mouth, a mask or a hand: it would be torn open.",
            "Use a picture in which the mouth is seen.",
        )
    toward_viewer([source], notes)
    return MovablePhoto(source, [other.box for other in others])


def _controls(params: Any) -> Controls:
    return Controls(**{field.name: getattr(params, field.name) for field in fields(Controls)})


def _posed(puppet: MovablePhoto, params: Any) -> Motion:
    """What the sliders alone do."""
    return motion_of(_controls(params), puppet.placement.rotation)


@dataclass(frozen=True, eq=False)
class _Reading:
    """How a driver is read as motions of a photo. mouth: cut the driver's own out. notes: what the user is told."""

    puppet: MovablePhoto
    params: Any
    mouth: bool
    progress: Progress | None
    notes: list[str]

    def motions(self, driving: Clip | Template | None) -> Iterator[tuple[Frame, Motion]]:
        """The driver's frames and motions; without a driver, the photo itself and no motion."""
        if driving is None:
            yield Frame(self.puppet.photo, 0.0), still()
        elif isinstance(driving, Template):
            for motion in driving.motions:
                yield Frame(self.puppet.photo, motion.time), motion
        elif driving.kind == "photo":
            yield _from_photo(next(iter(driving.frames())), self.puppet)
        else:
            yield from self._from_clip(driving)

    def _from_clip(self, clip: Clip) -> Iterator[tuple[Frame, Motion]]:
        """In one go from the first frame; or followed once to find the best start, kept as numbers, and read again."""
        puppet, params = self.puppet, self.params
        count = len(find_faces(next(iter(clip.frames())).image, thorough=False))
        if count > 1:
            self.notes.append(f"There are {count} faces in the driving clip; the largest one drives.")
        if params.start == "first":
            seen = track(clip.frames(), params.smoothing)
            read = _from_first(puppet, params)
        else:
            sights: list[Sight] = []
            for _, sight in track(clip.frames(), params.smoothing):
                sights.append(sight)
                if self.progress:
                    self.progress("detect", len(sights) / max(clip.count, 1))
            start = find_start(sights, puppet)
            read = _reader(puppet, start, params)
            seen = zip(clip.frames(), sights, strict=False)
        lost = [0, 0]
        yield from drive(_counted(seen, lost), read, mouth=self.mouth)
        if lost[0]:
            self.notes.append(
                f"The driver's face was not seen in {lost[0]} of {lost[1]} frames; the last motion was held there."
            )


def _counted(seen: Iterable[tuple[Frame, Sight]], lost: list[int]) -> Iterator[tuple[Frame, Sight]]:
    """The same; lost becomes [frames without a face, frames]."""
    for frame, sight in seen:
        lost[0] += not sight.seen
        lost[1] += 1
        yield frame, sight


def _from_first(puppet: MovablePhoto, params: Any) -> Callable[[Observation], Motion]:
    """Motions relative to the first observation that is read."""
    readers: list[Callable[[Observation], Motion]] = []

    def read(observation: Observation) -> Motion:
        if not readers:
            readers.append(_reader(puppet, observation, params))
        return readers[0](observation)

    return read


def _from_photo(frame: Frame, puppet: MovablePhoto) -> tuple[Frame, Motion]:
    """A photo has no beginning to compare with: its pose, eyes, gaze and expression are taken as they are."""
    seen = Tracker()(frame.image, 0.0).observation
    if seen is None:
        raise NoFace("No face was found in the driving photo.", "Use one in which the face is larger and sharper.")
    pose = absolute(seen, seen, puppet.placement.rotation, puppet.eyes, puppet.gaze)
    return frame, combine(pose, imitate(seen.shape, puppet.shape))


def _reader(puppet: MovablePhoto, start: Observation, params: Any) -> Callable[[Observation], Motion]:
    """Turns what is seen of the driver into motions of the photo."""
    if params.relative:
        return lambda seen: relative(seen, start)
    return lambda seen: absolute(seen, start, puppet.placement.rotation, puppet.eyes, puppet.gaze)


def _beside(driver: Image, image: Image) -> Image:
    """The driver, as high as the result, on its left."""
    height = image.shape[0]
    width = max(2, round(driver.shape[1] * height / driver.shape[0]))
    method = cv2.INTER_AREA if height < driver.shape[0] else cv2.INTER_CUBIC
    return np.hstack([np.asarray(cv2.resize(driver, (width, height), interpolation=method), np.uint8), image])
