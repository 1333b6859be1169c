"""The Learn tab: a list of pages, and one page at a time, fetched when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.common.html import component, template
from facezoo.ui.jobs import explain
from facezoo.ui.learn.lessons import LESSONS, lesson, lesson_html

__all__ = ["learn_page"]

_HTML = template("learn/page.html")


def learn_page(specs: Sequence[MethodSpec]) -> None:
    """Fills the surrounding tab."""

    def open_lesson(asked: Any) -> dict[str, str]:
        """A page by its id, for the page's script: {"html"}."""
        try:
            id = asked.get("page") if isinstance(asked, dict) else None
            return {"html": str(lesson_html(lesson(id), specs))}
        except Exception as error:
            return {"html": str(_HTML.trouble(explain(error)))}

    with gr.Column(elem_classes=["learn"]):
        component("learn/page.js", _HTML.contents(LESSONS, []), {}, "learn-app", server=[open_lesson])
