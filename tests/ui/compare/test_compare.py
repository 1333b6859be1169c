"""The Compare tab without a browser: whom its methods know, and what is said when one cannot be run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import pytest

from facezoo.errors import UsageError
from facezoo.types import Inputs, MethodSpec
from facezoo.ui.common.form import Order, swap_form
from facezoo.ui.common.picture import first_example
from facezoo.ui.compare.comparison import Comparing


@dataclass(frozen=True)
class Settings:
    """None."""


def spec(id: str, **changes: Any) -> MethodSpec:
    return MethodSpec(
        id=id, title="Some method", year=2020, paper="https://example.org/p", summary="It does.", family="rules",
        tasks=("swap",), licence="MIT", pipeline="a:B", params=Settings, limits="It fails.", trained_on="Nothing.",
        **changes,
    )  # fmt: skip


def test_a_method_that_knows_few_people_says_whom() -> None:
    picky, all_ = spec("some_method", inputs=Inputs(people=("tarek",))), spec("other")
    for specs, first in (([picky, all_], "tarek"), ([all_], "imani")):
        with gr.Blocks():
            assert swap_form("compare", button="Go", methods=specs).settings["people"].value == first
    with gr.Blocks():
        form = swap_form("some_method", button="Go", spec=picky)
    assert [each.id for each in form.picture.picker.own] == ["tarek"]
    assert form.settings["people"].value == "tarek"
    picture = first_example()
    assert picture is not None
    asked = Order(picture, 1, consent=False, persona="imani", settings={"methods": [picky.id], "label": "small"})
    with pytest.raises(UsageError, match="was not taught this person") as refused:
        next(Comparing((picky, all_)).run(asked, "me"))
    assert refused.value.advice == "Choose Tarek."
    with pytest.raises(UsageError, match="No method is chosen"):
        next(Comparing((picky,)).run(replace(asked, settings={"methods": []}), "me"))
