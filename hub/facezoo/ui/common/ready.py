"""The strips of ready pictures: synthetic people and old paintings. Nobody's consent is needed for these."""

from __future__ import annotations

import gradio as gr

from facezoo.ui.common.markup import text
from facezoo.ui.common.picture import Chosen
from facezoo.ui.workspace import file_url
from facezoo.zoo.embedded import examples

__all__ = ["ready_markup", "ready_pictures"]

_SCRIPT = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-example]');
  if (!button) return;
  element.closest('.left-zone').querySelector('.picker')?.setAttribute('data-state', 'busy');
  props.value = { example: button.dataset.example };
  trigger('picked');
});
"""
_STRIPS = (("portrait", "Ready pictures: people who never existed"), ("painting", "Ready pictures: old paintings"))


def ready_pictures(chosen: Chosen | None, *, paintings_first: bool = False) -> gr.HTML:
    """The component; its value is {"example": id}. Event: picked."""
    return gr.HTML(
        value={},
        markup=ready_markup(chosen.example if chosen else "", paintings_first=paintings_first),
        html_template="${markup}",
        js_on_load=_SCRIPT,
        apply_default_css=False,
        elem_classes=["ready-pictures"],
    )


def ready_markup(current: str, *, paintings_first: bool = False) -> str:
    """The strips as HTML, the example whose id is `current` marked as chosen."""
    strips = ""
    for kind, words in reversed(_STRIPS) if paintings_first else _STRIPS:
        thumbs = "".join(
            f'<li><button type="button" class="thumb" data-example="{text(each.id)}" '
            f'aria-pressed="{"true" if each.id == current else "false"}" title="{text(each.title)}">'
            f'<img src="{text(file_url(each.path))}" alt="{text(each.title)}" loading="lazy"></button></li>'
            for each in examples()
            if each.kind == kind
        )
        if thumbs:
            strips += f'<div class="strip"><h4>{words}</h4><ul>{thumbs}</ul></div>'
    return f'<div class="strips">{strips}</div>'
