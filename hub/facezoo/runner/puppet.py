"""A persona as a puppet: moved by sliders, by the points of its drawing, by a webcam, a photo or a film.

Whole pictures of the persona, nothing is pasted into anybody's. Every picture is labelled and watermarked; files are
signed as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from facezoo import registry
from facezoo.errors import NoFace, UsageError
from facezoo.face.find import choose, find_faces
from facezoo.face.follow import Follower
from facezoo.media.sheet import enlarged
from facezoo.method.drawn_people import DrawnPeoplePipeline
from facezoo.motion.handles import Posture, drag, handles_at, posture_from, posture_of, pull
from facezoo.motion.motion import Motion, still
from facezoo.motion.paint_over import Portrayal, tilted
from facezoo.motion.smoothing import Calm, against
from facezoo.motion.template import Template, template_from
from facezoo.runner.admit import WebcamCheck, admit, destination_of, driver_of, first_checked
from facezoo.runner.animate import like_driver, notes_of, said, sources_of, voice_of
from facezoo.runner.record import Label, Stopwatch, claim_of, recorded
from facezoo.safety.marks import draw, mark
from facezoo.safety.seal import seal
from facezoo.types import Clip, Frame, Image, Progress, Sealed

__all__ = ["Puppet", "Shown", "portray", "read_posture"]

_SIDE = 512  # px of the pictures that are shown and written, or the AI label would cover too much
_BATCH = 4  # pictures of a film that are painted together
_LONGEST = 1800  # motions that a recording keeps
_FOLLOWED = 16  # px, the followed faces' crops are not used here


_STILL = Clip("photo", _SIDE, _SIDE, 1, Fraction(1), False, "png", Path(), "", lambda: iter(()))
"""What a picture is like that was made of nothing."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A persona in a posture. picture: (S, S, 3) RGB uint8, labelled and watermarked. drawing: (D, D, 3) RGB uint8,
    what was painted. handles: name -> x and y in [0, 1] of either."""

    posture: Posture
    picture: Image
    drawing: Image
    handles: dict[str, tuple[float, float]]


class Puppet:
    """One persona, ready to move. method: an id of a method that can. weights: as in `runner.run`. Raises UsageError
    for another one, or a persona whom its weights do not know, and what `registry.load` raises."""

    def __init__(self, method: str, persona: str, weights: str | Path = "") -> None:
        self._pipeline = _puppeteer(method, weights)
        self._rest = self._pipeline.rest(persona)
        self.persona = persona
        self.drawing: Image | None = None
        """(D, D, 3) RGB uint8: what was painted last while following."""
        self._check = WebcamCheck()
        self.restart({})

    def show(self, posture: Posture) -> Shown:
        """The persona in that posture."""
        (painted,) = _painted(self._pipeline, [pull(posture)], self.persona)
        side = self._pipeline.side
        places = handles_at(posture, self._rest, side)
        handles = {name: ((x + 0.5) / side, (y + 0.5) / side) for name, (x, y) in places.items()}
        return Shown(posture, _marked(painted.picture), enlarged(painted.drawing.picture), handles)

    def pose(self, params: Mapping[str, Any]) -> Image:
        """The persona in a posture, by name; see `handles.posture_from`."""
        return self.show(posture_from(params)).picture

    def drag(self, posture: Posture, handle: str, x: float, y: float) -> Posture:
        """The posture that brings a handle as near as can be to x, y in [0, 1] of the picture."""
        side = self._pipeline.side
        return drag(posture, handle, (x * side - 0.5, y * side - 0.5), self._rest, side)

    def restart(self, params: Mapping[str, Any]) -> None:
        """Forget what was followed: the next frame is a new beginning. params: none are known."""
        if params:
            raise UsageError(f"A puppet has no parameter {next(iter(params))!r}.", "Leave it out.")
        self._follower = Follower(1, _FOLLOWED)
        self._calm = Calm()
        self._first: Motion | None = None
        self._last = still()
        self._motions: list[Motion] = []

    def follow(self, image: Image, time: float) -> Image:
        """The persona as the driver looks now, against the first frame with a face; without one it stays as it was.
        image: (H, W, 3) RGB uint8; time: seconds, growing. Raises ContentRefused."""
        self._check(image)
        if faces := self._follower(image):
            seen = self._pipeline.read(image, faces[0].landmarks)
            self._first = self._first or seen
            self._last = self._calm(replace(against(seen, self._first), time=time))
            if len(self._motions) < _LONGEST:
                self._motions.append(self._last)
        (painted,) = _painted(self._pipeline, [self._last], self.persona)
        self.drawing = enlarged(painted.drawing.picture)
        return _marked(painted.picture)

    def recorded(self) -> Template:
        """The motion that was followed, without a picture of the driver. Raises NoFace when nothing was."""
        if len(self._motions) < 2:
            raise NoFace("Nothing was recorded yet.", "Let the camera see your face for a moment first.")
        seconds = self._motions[-1].time - self._motions[0].time
        rate = Fraction(round((len(self._motions) - 1) / max(seconds, 0.1) * 100), 100)
        return template_from(self._motions, min(max(rate, Fraction(1)), Fraction(60)), "recording", "Recording")


def read_posture(
    method: str, path: str | Path, *, consent: bool | None = None, face: int | Literal["all"] = 1
) -> Posture:
    """What a face in a photo does, as a posture; nothing of who it is, and nothing of the photo is kept.

    consent, face: as in `runner.run`; errors as there."""
    pipeline = _puppeteer(method)
    clip = admit(Path(path), consent, "the picture")
    image = first_checked(clip)
    chosen = choose(find_faces(image), face)[0]
    return posture_of(*pipeline.settings(image, chosen.landmarks))


def portray(
    method: str, persona: str, *, posture: Posture | Mapping[str, Any] | None = None,
    driving: str | Path | Template | None = None, consent: bool | None = None, output: str | Path | None = None,
    label: Label = "small", progress: Progress | None = None, pipeline: DrawnPeoplePipeline | None = None,
    weights: str | Path = "",
) -> Sealed:  # fmt: skip
    """A whole picture or film of a persona, sealed.

    posture: what the persona does, by hand, see `handles.Posture`. driving: whose face it follows instead: a film, a
    photo, a motion template (a file or the name of one that ships). pipeline: the method with one's own weights. The
    other arguments, and the errors, are those of `runner.run`."""
    clock = Stopwatch(progress)
    pipeline = pipeline or _puppeteer(method, weights)
    asked = posture if isinstance(posture, Posture) else posture_from(posture or {})
    if driving is not None and asked != Posture():
        raise UsageError("Both a posture and a driver were given.", "Give one of them.")
    pipeline.known(persona)
    with clock.stage("read"):
        driven = replace(pipeline.spec, inputs=replace(pipeline.spec.inputs, driving="optional"))
        driver = driver_of(driven, driving, consent)
        shown = like_driver(_STILL, driver)
    spec = registry.spec_of(pipeline)
    claim = claim_of(spec, persona, asked, 0, sources_of(driver))
    claim = replace(claim, task="puppet", params=claim.params | voice_of(driver))
    motions = iter([pull(asked)]) if driver is None else _motions(pipeline, driver)
    frames = _film(pipeline, persona, motions, shown.count, clock)
    with destination_of(output, shown) as destination, clock.stage("seal"):
        sealed = seal(frames, destination, claim=claim, clip=shown, label=label)
    sealed = recorded(sealed, spec, persona, 1, clock)
    return replace(sealed, record=sealed.record | {"driving": said(driver), "notes": notes_of(driver)})


def _puppeteer(method: str, weights: str | Path = "") -> DrawnPeoplePipeline:
    pipeline = registry.load(method, str(weights))
    if not isinstance(pipeline, DrawnPeoplePipeline):
        raise UsageError(f"{method} moves no personas.", "Choose a method that does.")
    return pipeline


def _motions(pipeline: DrawnPeoplePipeline, driver: Clip | Template) -> Iterator[Motion]:
    """What the driver does, frame by frame; while its face is lost the last motion is held."""
    if isinstance(driver, Template):
        yield from driver.motions
        return
    follower, calm, last = Follower(1, _FOLLOWED), Calm(), None
    for frame in driver.frames():
        if faces := follower(frame.image):
            last = calm(replace(pipeline.read(frame.image, faces[0].landmarks), time=frame.time))
        yield replace(last or still(), time=frame.time)
    if last is None:
        raise NoFace("No face was found in the driver.", "Use one in which the face is larger and sharper.")


def _film(
    pipeline: DrawnPeoplePipeline, persona: str, motions: Iterator[Motion], count: int, clock: Stopwatch
) -> Iterator[Frame]:
    done = 0
    while True:
        with clock.stage("detect", done / max(count, 1)):
            batch = list(islice(motions, _BATCH))
        if not batch:
            return
        with clock.stage("method", done / max(count, 1)):
            painted = _painted(pipeline, batch, persona)
        for motion, each in zip(batch, painted, strict=True):
            yield Frame(enlarged(each.picture), motion.time)
        done += len(batch)


def _painted(pipeline: DrawnPeoplePipeline, motions: Sequence[Motion], persona: str) -> list[Portrayal]:
    """Upright crops, tilted as the heads are."""
    painted = pipeline.portray(motions, persona)
    return [tilted(each, motion.pose.roll) for each, motion in zip(painted, motions, strict=True)]


def _marked(picture: Image) -> Image:
    return mark(draw(enlarged(picture), "small"))
