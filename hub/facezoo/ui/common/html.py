"""HTML from templates. An .html file lies beside the page it belongs to and holds macros; Python calls them.

What Python gives to a macro is text and escaped there, unless it came from another macro.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import jinja2
from jinja2.ext import Extension

from facezoo.ui.common.shown import address, sheet

__all__ = ["component", "heading", "static", "template"]

_UI = Path(__file__).parents[1]
_BREAK = re.compile(r"(?<=[>}])\s*\n\s*(?=[<{])")


def template(name: str, **constants: Any) -> Any:
    """The macros of ui/NAME, by their names. Each gives Markup, which gradio and other macros take as it is.

    constants: what the macros know besides their arguments."""
    return _environment().get_template(name, globals=constants).module


def static(html: str, **settings: Any) -> gr.HTML:
    """What a macro gave, in the surrounding layout; "" for what comes later."""
    return gr.HTML(str(html), apply_default_css=False, **settings)


def heading(words: str, level: int = 2, *, look: str = "", **settings: Any) -> gr.HTML:
    """A heading in the surrounding layout. level: in the outline, whose one h1 is the title. look: "" for that of
    the level, "minor" or "quiet" for a smaller one."""
    return static(template("common/parts.html").heading(words, level, look), **settings)


def component(
    script: str, markup: str, value: Any, *classes: str, server: Sequence[Callable[..., Any]] = (), **more: Any
) -> gr.HTML:
    """A part of the page that acts by itself. script: of ui/; it reports through `value` and events of its own.

    markup: its property that Python sets anew. server: what the script may call. more: properties, or an elem_id."""
    return gr.HTML(
        value=value,
        markup=str(markup),
        html_template="${markup}",
        js_on_load=(_UI / script).read_text(encoding="utf-8"),
        server_functions=list(server) or None,
        apply_default_css=False,
        elem_classes=list(classes),
        **more,
    )


class _Tight(Extension):
    """A line break between two tags is no space."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return _BREAK.sub("", source)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_UI),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=[_Tight],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["address"] = address
    made.filters["sheet"] = sheet
    return made
