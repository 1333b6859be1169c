"""The result card, and that nothing in it is taken for markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import facezoo
from facezoo.types import Provenance, Sealed
from facezoo.ui import workspace
from facezoo.ui.common.cards import Card, method_card, panel
from facezoo.ui.common.html import template
from facezoo.ui.jobs import Failure
from facezoo.ui.verify.page import answer
from facezoo.ui.zoo.page import Zoo

MARKUP = "<script>alert(1)</script>"
METHOD = "motion_transfer"


def test_markup_in_names_is_text() -> None:
    hostile = replace(
        facezoo.load_spec(METHOD), title=MARKUP, summary=MARKUP, licence=MARKUP, limits=MARKUP, trained_on=MARKUP
    )
    failure = Failure("failed", MARKUP, MARKUP)
    shown = [
        method_card(Card(hostile, "ready")),
        method_card(Card(hostile, "working", words=MARKUP)),
        method_card(Card(hostile, "failed", failure=failure)),
        panel(failure),
        template("common/parts.html").why(MARKUP, MARKUP),
        Zoo([hostile]).list(),
        answer(Provenance("none", False, MARKUP, MARKUP, MARKUP), '"><img src=x onerror=alert(1)>'),
    ]
    for html in shown:
        assert "<script" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webp"])
def test_a_moving_result_plays_and_tells_what_to_know(name: str, portrait: Path) -> None:
    notes = ["The head was stopped there.", "<script>alert(1)</script>"]
    sealed = Sealed(workspace.root() / name, {}, {"frames": 90, "notes": notes})
    shown = method_card(Card(facezoo.load_spec(METHOD), "done", sealed=sealed, before=portrait))
    assert ("<video" in shown) == name.endswith("mp4")
    assert "before-after" not in shown
    assert "90 frames" in shown
    assert "The head was stopped there." in shown
    assert "<script" not in shown


def test_what_to_know_of_a_picture_comes_before_its_figures_and_seal(portrait: Path) -> None:
    note = "The head is turned about 58 degrees away: the far side of the face is guessed."
    sealed = Sealed(workspace.root() / "a.png", {}, {"frames": 1, "notes": [note]})
    card = Card(facezoo.load_spec(METHOD), "done", sealed, portrait, Provenance("trusted", True))
    shown = method_card(card)
    assert 0 < shown.index(note) < shown.index("Sealed, checked")
