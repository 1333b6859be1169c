"""What the page sends, as an order; whom a page offers at first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

import facezoo
from facezoo.errors import UsageError
from facezoo.ui.common.form import Order, SwapForm, swap_form
from facezoo.ui.common.people import SOMEBODY_ELSE
from facezoo.ui.common.picture import OWN, chosen_people, first_example


@pytest.fixture
def form() -> SwapForm:
    with gr.Blocks():
        return swap_form("x", button="Go", spec=facezoo.load_spec("landmark_warp"))


def order(form: SwapForm, picture: Any = None, **given: Any) -> Order:
    """What is sent when all else is left as it was. picture: the zone's value."""
    sent = [picture or {"face": "1"}, given.pop("chosen", first_example()), given.pop("consent", False)]
    sent += [given.pop(name, each.value) for name, each in (form.settings | form.params).items()]
    assert not given
    return form.order(*sent)


def test_choices_of_the_page_become_an_order(form: SwapForm) -> None:
    value = {"face": OWN, "personas": {"1": "imani", "2": "", "3": "orla"}}
    assert chosen_people(value) == {1: "imani", 3: "orla"}
    each_own = order(form, value, people="joss")
    assert each_own.who == {"personas": {1: "imani", 3: "orla"}}
    assert (each_own.face, each_own.persona) == (1, None)
    assert order(form, {"face": "2"}, people="joss").who == {"persona": "joss", "face": 2}
    assert order(form, seed=None, blend="feather").seed == 0
    assert order(form, blend="feather").params["blend"] == "feather"


def test_what_is_missing_is_said(form: SwapForm) -> None:
    for given, words in (
        ({"chosen": None}, "No usable picture"),
        ({"people": SOMEBODY_ELSE}, "No usable second photo"),
        ({"picture": {"face": OWN, "personas": {"1": ""}}}, "Every face is left alone"),
    ):
        with pytest.raises(UsageError, match=words):
            order(form, **given)


def test_consent_is_needed_for_both_photos(form: SwapForm) -> None:
    photo = replace(first_example() or pytest.skip("no example"), needs_consent=True)
    for first, second, given in ((True, True, True), (True, False, False), (False, True, False)):
        asked = order(form, chosen=photo, consent=first, people=SOMEBODY_ELSE, source=photo, source_consent=second)
        assert asked.consent == given
        assert asked.source is photo
    assert order(form, chosen=photo, consent=True, source=photo).consent  # the second one is not used
    assert not order(form, consent=True).consent  # nobody's photo
