"""The road of animation: one photo and a driver in, a clip (or a posed photo) out; the same photo at a visitor's
fingertips; and a clip's motion, kept without its pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from facezoo import registry
from facezoo.errors import UsageError
from facezoo.method.pipeline import AnimationPipeline
from facezoo.motion.driver import Sight, drive, find_start, track
from facezoo.motion.motion import relative
from facezoo.motion.template import SUFFIX, Template, save_template, template_from
from facezoo.runner.admit import WebcamCheck, admit, checked, destination_of, portrait_of
from facezoo.runner.record import Label, Stopwatch, claim_of, recorded
from facezoo.safety.marks import draw, mark
from facezoo.safety.seal import seal
from facezoo.speech.perform import Speech
from facezoo.types import Clip, Frame, Image, Progress, Sealed

__all__ = ["Live", "animate", "keep_motion", "like_driver", "notes_of", "said", "sources_of", "voice_of"]


def animate(
    pipeline: AnimationPipeline,
    clip: Clip,
    driver: Clip | Template | None,
    params: Any,
    face: int | Literal["all"],
    seed: int,
    output: str | Path | None,
    label: Label,
    clock: Stopwatch,
) -> Sealed:
    """Bring the chosen face of a photo to life and seal the result; see `runner.run`. Without a driver, or with a photo
    as one, the result is a photo. Raises UsageError for a clip as the picture, or for several faces."""
    spec = registry.spec_of(pipeline)
    with clock.stage("detect"):
        source, others = portrait_of(clip, face)
    shown = like_driver(clip, driver)
    notes = notes_of(driver)
    claim = claim_of(spec, None, params, seed, (clip.sha256, *sources_of(driver)))
    claim = replace(claim, params=claim.params | voice_of(driver))
    if isinstance(driver, Clip):
        read = driver.frames
        driver = replace(driver, frames=lambda: clock.timed("read", read()))
    frames = pipeline.animate(
        source, others=others, driving=driver, params=params, seed=seed, progress=clock.tell, notes=notes
    )
    with destination_of(output, shown) as destination, clock.stage("seal"):
        sealed = seal(
            clock.timed("method", frames, max(shown.count, 1)), destination, claim=claim, clip=shown, label=label
        )
    sealed = recorded(sealed, spec, None, 1, clock)
    return replace(sealed, record=sealed.record | {"driving": said(driver), "notes": notes})


def like_driver(clip: Clip, driver: Clip | Template | None) -> Clip:
    """What the result is like: as long, as fast and with the sound of its driver."""
    if driver is None or (isinstance(driver, Clip) and driver.kind == "photo"):
        return clip
    if isinstance(driver, Template):
        moving = replace(clip, kind="video", container="mp4", rate=driver.rate, count=len(driver.motions))
        return replace(moving, has_audio=True, source=driver.sound) if isinstance(driver, Speech) else moving
    return driver


def sources_of(driver: Clip | Template | None) -> tuple[str, ...]:
    """sha256 of the files that drive."""
    return (driver.sha256,) if isinstance(driver, (Clip, Speech)) else ()


def voice_of(driver: Clip | Template | None) -> dict[str, str]:
    """Whose voice is heard, for the seal and the record; empty when nobody speaks."""
    return {"voice": driver.voice} if isinstance(driver, Speech) else {}


def notes_of(driver: Clip | Template | None) -> list[str]:
    """What there is to know of a driver."""
    return list(driver.notes) if isinstance(driver, Speech) else []


def said(driver: Clip | Template | None) -> dict[str, Any] | None:
    """What the record says of a driver."""
    if driver is None:
        return None
    if isinstance(driver, Template):
        return {"kind": "speech" if isinstance(driver, Speech) else "template", "name": driver.name} | voice_of(driver)
    return {"kind": driver.kind, "sha256": driver.sha256}


class Live:
    """One photo, found and made ready once, then moved as often as wanted. Every picture it gives is labelled and
    watermarked; to keep one, run the method on the recorded motion, which signs the file as well.

    method: an id. path: the photo. consent, face, weights: as in `runner.run`. Raises what `runner.run` raises."""

    def __init__(
        self, method: str, path: str | Path, *, consent: bool | None = None, face: int | Literal["all"] = 1,
        weights: str | Path = "",
    ) -> None:  # fmt: skip
        self.spec = registry.load_spec(method)
        pipeline = registry.load(method, str(weights))
        if not isinstance(pipeline, AnimationPipeline):
            raise UsageError(f"{method} does not animate portraits.", "Choose a method that does.")
        self._pipeline = pipeline
        self._source, self._others = portrait_of(admit(Path(path), consent, "the picture"), face)
        self._check = WebcamCheck()
        self.restart({})

    def restart(self, params: Mapping[str, Any]) -> None:
        """Forget what was followed; the next frame is a new beginning. params: by name."""
        chosen = registry.parse_params(self.spec, params)
        self._animation = self._pipeline.live(self._source, others=self._others, params=chosen)

    def follow(self, image: Image, time: float) -> Image:
        """The photo as the driver looks now. image: (H, W, 3) RGB uint8; time: seconds, growing."""
        self._check(image)
        return mark(draw(self._animation.follow(image, time), "small"))

    def pose(self, params: Mapping[str, Any]) -> Image:
        """The photo as the parameters alone move it."""
        return mark(draw(self._animation.pose(registry.parse_params(self.spec, params)), "small"))

    def recorded(self) -> Template:
        """The motion that was followed, without a picture of the driver."""
        return self._animation.recorded()


def keep_motion(
    driving: str | Path,
    output: str | Path,
    *,
    consent: bool | None = None,
    smoothing: float = 0.3,
    title: str = "",
    progress: Progress | None = None,
) -> Template:
    """Follow the largest face of a clip and write its motion, relative to its most restful moment, as a .motion file
    that `run` takes as `driving`. No picture of the driver is in it.

    smoothing: [0, 1]. progress(stage, fraction) may raise Cancelled. Raises BadInput, ConsentRequired, ContentRefused,
    NoFace, UsageError for another suffix; nothing is written then."""
    target = Path(output)
    if target.suffix.lower() != SUFFIX or not target.parent.is_dir():
        raise UsageError(
            f"A motion cannot be written to {target}.", f"Name a file ending in {SUFFIX}, in a folder that is."
        )
    clock = Stopwatch(progress)
    clip = admit(Path(driving), consent, "the driving clip")
    if clip.kind == "photo":
        raise UsageError("A photo holds no motion.", "Give a video or a GIF.")
    seen: list[tuple[Frame, Sight]] = []
    for frame, sight in track(checked(clip.frames()), smoothing):
        clock.tell("detect", len(seen) / max(clip.count, 1))
        seen.append((Frame(frame.image[:0], frame.time), sight))  # the picture is let go
    start = find_start(sight for _, sight in seen)
    motions = [motion for _, motion in drive(seen, lambda each: relative(each, start), mouth=False)]
    name = re.sub(r"[^a-z0-9_-]+", "_", target.stem.lower()).strip("_-") or "motion"
    template = template_from(motions, clip.rate, name[:64], title)
    save_template(template, target)
    return template
