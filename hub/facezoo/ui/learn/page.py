"""The Learn tab: a list of pages, and one page at a time, fetched when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.common.html import component, template
from facezoo.ui.jobs import explain
from facezoo.ui.learn.game import GamePage
from facezoo.ui.learn.lab import lab_page
from facezoo.ui.learn.lessons import LESSONS, lesson, lesson_html

__all__ = ["learn_page"]

_HTML = template("learn/page.html")
_LABS = (
    ("game", "Which face was changed?", "Ten rounds, then the truth. And a vote on which result is better."),
    ("lab", "Failure lab", "Turn, cover, shrink or darken a face, and see which method breaks first."),
)


def learn_page(specs: Sequence[MethodSpec]) -> None:
    """Fills the surrounding tab."""

    game = GamePage(specs)

    def open_lesson(asked: Any) -> dict[str, str]:
        """A page by its id, for the page's script: {"html"}."""
        try:
            id = asked.get("page") if isinstance(asked, dict) else None
            made = {"game": game.page, "lab": lambda: lab_page(specs)}.get(str(id))
            return {"html": made() if made else lesson_html(lesson(id), specs)}
        except Exception as error:
            return {"html": str(_HTML.trouble(explain(error)))}

    def new_game(asked: Any) -> dict[str, str]:
        return game.new_game(asked)

    def next_round(asked: Any) -> dict[str, str]:
        return game.next_round(asked)

    def judge(asked: Any) -> dict[str, str]:
        return game.judge(asked)

    def new_pair(asked: Any) -> dict[str, str]:
        return game.new_pair(asked)

    def vote(asked: Any) -> dict[str, str]:
        return game.vote(asked)

    def export(asked: Any) -> dict[str, str]:
        return game.export(asked)

    answers = [open_lesson, new_game, next_round, judge, new_pair, vote, export]  # gradio marks them, unlike methods
    with gr.Column(elem_classes=["learn"]):
        component("learn/page.js", _HTML.contents(LESSONS, _LABS), {}, "learn-app", server=answers)
