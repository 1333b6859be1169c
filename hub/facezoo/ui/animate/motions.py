"""What may move a picture: the ways there are, and the motions that ship with facezoo, each with a small film of it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from facezoo.ui.common.html import component, template
from facezoo.ui.common.picture import Sample

__all__ = ["FOLDER", "motion_chooser", "previews", "sample_clips", "way_chooser"]

FOLDER = Path(__file__).parent / "motions"
"""Where a film and a still of each motion lie, made by `facezoo.ui.examples`."""
_WAYS = (("motion", "Motion"), ("speech", "Speech"), ("clip", "Clip"), ("webcam", "Webcam"), ("sliders", "Sliders"))
_HTML = template("animate/page.html")


def way_chooser(prefix: str) -> gr.HTML:
    """The ways to move a picture; its value is "motion", "speech", "clip", "webcam" or "sliders". The stylesheet shows
    the column of class way-VALUE. Event: chosen."""
    return component("animate/ways.js", _HTML.ways(prefix, _WAYS, "What moves it"), "motion")


def motion_chooser(prefix: str) -> gr.HTML:
    """The shipped motions as cards; its value is a template's name."""
    from facezoo.motion.template import shipped_templates

    known = shipped_templates()
    first = next((each.name for each in known if each.name == "talk"), known[0].name if known else "")
    shown = [(each, FOLDER / f"{each.name}.mp4", FOLDER / f"{each.name}.webp") for each in known]
    return component("animate/motions.js", _HTML.motions(prefix, shown, first), first, "motion-chooser")


def sample_clips() -> tuple[Sample, ...]:
    """The films of the shipped motions, to try a driving clip with."""
    from facezoo.motion.template import shipped_templates

    known = [Sample(each.name, each.title, FOLDER / f"{each.name}.mp4", FOLDER / f"{each.name}.webp")
             for each in shipped_templates()]  # fmt: skip
    return tuple(each for each in known if each.film.is_file() and each.still.is_file())


def previews() -> list[Path]:
    """The small films and stills of the shipped motions."""
    return sorted([*FOLDER.glob("*.webp"), *FOLDER.glob("*.mp4")])
