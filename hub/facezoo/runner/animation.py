"""The road of animation: one photo and a driver in, a clip (or a posed photo) out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from facezoo.face.template import Template
from facezoo.media.stopwatch import Stopwatch
from facezoo.method import AnimationPipeline
from facezoo.runner.admit import destination_of, portrait_of
from facezoo.runner.record import Label, claim_of, recorded
from facezoo.safety.seal import seal
from facezoo.types import Clip, Frame, Sealed

__all__ = ["animate", "like_driver", "said"]


def animate(
    pipeline: AnimationPipeline,
    clip: Clip,
    driver: Clip | Template | None,
    *,
    params: Any,
    face: int | Literal["all"],
    seed: int,
    output: str | Path | None,
    label: Label,
    clock: Stopwatch,
) -> Sealed:
    """Bring the chosen face of a photo to life and seal the result; see `runner.run`. Without a driver, or with a photo
    as one, the result is a photo. Raises UsageError for a clip as the picture, or for several faces."""
    spec = replace(pipeline.spec, weights=pipeline.weights)
    with clock.stage("detect"):
        source, others = portrait_of(clip, face)
    shown = like_driver(clip, driver)
    notes: list[str] = []
    sources = (clip.sha256, *([driver.sha256] if isinstance(driver, Clip) else []))
    claim = claim_of(spec, None, params, seed, sources)
    frames = pipeline.animate(
        source, others=others, driving=_read(driver, clock), params=params, seed=seed, progress=clock.tell, notes=notes
    )
    with destination_of(output, shown) as destination, clock.stage("seal"):
        sealed = seal(_drawn(frames, shown.count, clock), destination, claim=claim, clip=shown, label=label)
    sealed = recorded(sealed, spec, None, 1, clock)
    return replace(sealed, record=sealed.record | {"driving": said(driver), "notes": notes})


def like_driver(clip: Clip, driver: Clip | Template | None) -> Clip:
    """What the result is like: as long, as fast and with the sound of its driver."""
    if driver is None or (isinstance(driver, Clip) and driver.kind == "photo"):
        return clip
    if isinstance(driver, Template):
        return replace(clip, kind="video", container="mp4", rate=driver.rate, count=len(driver.motions))
    return driver


def _read(driver: Clip | Template | None, clock: Stopwatch) -> Clip | Template | None:
    """The same driver; time spent on reading it is counted."""
    if not isinstance(driver, Clip):
        return driver

    def frames() -> Iterator[Frame]:
        source = driver.frames()
        while True:
            with clock.stage("read", quiet=True):
                frame = next(source, None)
            if frame is None:
                return
            yield frame

    return replace(driver, frames=frames)


def _drawn(frames: Iterator[Frame], count: int, clock: Stopwatch) -> Iterator[Frame]:
    for index in range(2**31):
        with clock.stage("method", index / max(count, 1)):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def said(driver: Clip | Template | None) -> dict[str, Any] | None:
    """What the record says of a driver."""
    if driver is None:
        return None
    if isinstance(driver, Template):
        return {"kind": "template", "name": driver.name}
    return {"kind": driver.kind, "sha256": driver.sha256}
