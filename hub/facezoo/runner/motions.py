"""A clip's motion, kept without its pictures."""

from __future__ import annotations

import re
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.face.driver import Sight, drive, find_start, track
from facezoo.face.motion import relative
from facezoo.face.template import SUFFIX, Template, save_template, template_from
from facezoo.media.stopwatch import Stopwatch
from facezoo.runner.admit import admit, checked
from facezoo.types import Frame, Progress

__all__ = ["keep_motion"]


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
    openings = sorted(float(sight.observation.eyes.mean()) for _, sight in seen if sight.observation is not None)
    start = find_start((sight for _, sight in seen), openings[len(openings) // 2], 0.0)
    motions = [motion for _, motion in drive(seen, lambda each: relative(each, start), mouth=False)]
    name = re.sub(r"[^a-z0-9_-]+", "_", target.stem.lower()).strip("_-") or "motion"
    template = template_from(motions, clip.rate, name[:64], title)
    save_template(template, target)
    return template
