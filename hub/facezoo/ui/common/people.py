"""The persona chooser: synthetic people as faces, a radio group that works with mouse, touch and arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from facezoo.types import Persona
from facezoo.ui.common.html import component, template

__all__ = ["SOMEBODY_ELSE", "people_chooser"]

SOMEBODY_ELSE = "somebody-else"
"""The value that stands for "another photo" instead of a persona."""


def people_chooser(
    prefix: str, known: Sequence[Persona], strangers: Sequence[str] = (), *, first: str, source: bool
) -> gr.HTML:
    """The chooser; its value is a persona's id, `first` at the beginning, "" when none is known. strangers: whom only
    weights of one's own know, by name. source: offer a photo of somebody else as well. Event: chosen."""
    markup = template("common/people.html").people(prefix, known, strangers, first, SOMEBODY_ELSE if source else "")
    return component("common/people.js", markup, first, "people-chooser")
