"""Widgets made from a method's params dataclass, matched by field name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gradio as gr
from gradio.components import Component

from facezoo.registry import Parameter, describe_params
from facezoo.types import MethodSpec, field_notes

__all__ = ["called", "strict", "titled", "widgets"]

_CALLED = {"beside": "Side by side"}  # where a field's name is no good label
_TITLES = {
    "mkl": "Monge-Kantorovich (colours as a whole)",
    "reinhard": "Reinhard (one colour channel at a time)",
    "poisson": "Poisson (gradients carry on, light is taken over)",
    "feather": "Feather (a soft edge alone)",
    "none": "Not at all",
    "van_gogh": "Van Gogh, by night",
    "van_gogh_bright": "Van Gogh, by day",
}
"""What choices of every method are called; others by their own name."""
_FEW = 4  # up to this many choices are all shown, more go into a dropdown


def widgets(spec: MethodSpec, *, leave_out: Collection[str] = ()) -> dict[str, Component]:
    """Field name -> widget, in the order of the dataclass, but for the names to `leave_out`. A choice becomes radio
    buttons or a dropdown, a number with a Range a slider, a bool a checkbox; the field's docstring becomes the line
    below it."""
    notes = field_notes(spec.params)
    shown = [each for each in describe_params(spec) if each.name not in leave_out]
    return {each.name: strict(_widget(each, notes.get(each.name, ""))) for each in shown}


def strict(component: Component) -> Component:
    """The same widget, which says what is wrong with a value of another type that was sent past the page."""
    held: Any = component  # a method of this one instance is replaced
    plain = held.preprocess

    def preprocess(payload: Any) -> Any:
        try:
            return plain(payload)
        except (TypeError, ValueError):
            words = f"{held.label}: {str(payload)[:40]!r} is not possible. Choose one of the values that are offered."
            raise gr.Error(words, print_exception=False) from None

    held.preprocess = preprocess
    return component


def called(name: str) -> str:
    """A field's name as a label."""
    return _CALLED.get(name) or name.replace("_", " ").capitalize()


def titled(choice: object) -> str:
    """A choice in words."""
    return _TITLES.get(str(choice)) or str(choice).replace("_", " ").capitalize()


def _widget(parameter: Parameter, note: str) -> Component:
    label = called(parameter.name)
    if parameter.kind == "switch":
        return gr.Checkbox(value=parameter.default, label=label, info=note)
    if parameter.kind == "choice":
        choices = [(titled(choice), choice) for choice in parameter.choices]
        if len(choices) <= _FEW:
            return gr.Radio(choices, value=parameter.default, label=label, info=note)
        return gr.Dropdown(choices, value=parameter.default, label=label, info=note)
    return gr.Slider(
        parameter.low,
        parameter.high,
        value=parameter.default,
        step=parameter.step,
        label=label,
        info=note,
    )
