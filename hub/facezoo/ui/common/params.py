"""Widgets made from a method's params dataclass, matched by field name."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Collection
from functools import cache

import gradio as gr
from gradio.components import Component

from facezoo.registry import Parameter, describe_params
from facezoo.types import MethodSpec

__all__ = ["field_notes", "widgets"]

_CALLED = {"beside": "Side by side"}  # where a field's name is no good label
_FEW = 4  # up to this many choices are all shown, more go into a dropdown


def widgets(spec: MethodSpec, *, leave_out: Collection[str] = ()) -> dict[str, Component]:
    """Field name -> widget, in the order of the dataclass, but for the names to `leave_out`. A choice becomes radio
    buttons or a dropdown, a number with a Range a slider, a bool a checkbox; the field's docstring becomes the line
    below it."""
    notes = field_notes(spec.params)
    shown = [each for each in describe_params(spec) if each.name not in leave_out]
    return {each.name: _widget(each, notes.get(each.name, "")) for each in shown}


@cache
def field_notes(params: type) -> dict[str, str]:
    """Field name -> the string that follows the field in the class body; empty when the source is not at hand."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(params))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    notes: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, note in itertools.pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(note, ast.Expr):
            value = note.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                notes[field.target.id] = " ".join(value.value.split())
    return notes


def _widget(parameter: Parameter, note: str) -> Component:
    label = _CALLED.get(parameter.name) or parameter.name.replace("_", " ").capitalize()
    if parameter.kind == "switch":
        return gr.Checkbox(value=parameter.default, label=label, info=note)
    if parameter.kind == "choice":
        choices = [(str(choice).replace("_", " "), choice) for choice in parameter.choices]
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
