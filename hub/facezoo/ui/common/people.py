"""The persona chooser: synthetic people as faces, a radio group that works with mouse, touch and arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from facezoo.types import Persona
from facezoo.ui.common.markup import icon, text
from facezoo.ui.workspace import file_url

__all__ = ["SOMEBODY_ELSE", "people_chooser", "thumbnail"]

SOMEBODY_ELSE = "somebody-else"
"""The value that stands for "another photo" instead of a persona."""

_SCRIPT = """
element.addEventListener('change', event => {
  if (event.target.type !== 'radio') return;
  props.value = event.target.value;
  trigger('chosen');
});
"""


def people_chooser(prefix: str, known: Sequence[Persona], *, first: str, source: bool) -> gr.HTML:
    """The chooser; its value is a persona's id, `first` at the beginning, "" when none is known. source: offer a photo
    of somebody else as well. Event: chosen."""
    tiles = ""
    for person in known:
        tiles += _tile(
            prefix,
            person.id,
            person.name,
            thumbnail(person),
            checked=person.id == first,
        )
    if source:
        tiles += _tile(prefix, SOMEBODY_ELSE, "Another photo", f'<span class="well">{icon("person")}</span>')
    markup = (
        '<fieldset class="people"><legend>Whose face it becomes</legend>'
        f'<div class="tiles">{tiles}</div><p class="hint">None of these people ever existed: '
        "a computer made their pictures.</p></fieldset>"
    )
    return gr.HTML(
        value=first,
        markup=markup,
        html_template="${markup}",
        js_on_load=_SCRIPT,
        apply_default_css=False,
        elem_classes=["people-chooser"],
    )


def thumbnail(person: Persona) -> str:
    """The part of the portrait that the record names: left, top and side as shares of its width and height."""
    part = person.facts["thumbnail"]
    style = f"--left:{part['left']};--top:{part['top']};--side:{part['side']}"
    picture = f'<img src="{text(file_url(person.portrait))}" alt="" loading="lazy" style="{text(style)}">'
    return f'<span class="close-up">{picture}</span>'


def _tile(prefix: str, value: str, name: str, picture: str, *, checked: bool = False) -> str:
    mark = " checked" if checked else ""
    first, _, rest = name.partition(" ")
    return (
        f'<label class="person"><input type="radio" name="{prefix}-person" value="{text(value)}"{mark}>'
        f"{picture}<span>{text(first)} <small>{text(rest)}</small></span></label>"
    )
