"""What the page says, and that it asks before it works."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from facezoo.errors import ConsentRequired
from facezoo.registry import list_methods, load_spec
from facezoo.safety.admission import require_consent
from facezoo.ui.common.html import template
from facezoo.ui.common.params import widgets
from facezoo.ui.common.picture import first_example
from facezoo.ui.compare.comparison import Comparing
from facezoo.ui.jobs import explain

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Hub, Visitor


def test_consent_is_asked_before_the_button_works(visit: Visitor, stranger: Path) -> None:
    page = visit(390, 844).page
    page.locator("#first-view").wait_for(state="detached")
    page.locator(".picture-input:visible input[type=file]").first.set_input_files(stranger)
    consent = page.locator(".consent input:visible").first
    consent.wait_for(timeout=60_000)
    page.locator("#compare-results .plan").wait_for(timeout=60_000)
    before = page.locator("#compare-results").inner_text()
    page.locator("#compare-run").click()
    page.locator(".consent.asked").wait_for()
    assert consent.evaluate("each => each === document.activeElement")
    assert page.locator("#compare-run").is_visible()  # nothing was started
    assert page.locator("#compare-results").inner_text() == before


def test_the_page_does_not_speak_of_programs() -> None:
    try:
        require_consent("", None, frozenset(), subject="the picture")
    except ConsentRequired as error:
        assert "consent=True" in error.advice
        told = explain(error)
    assert "tick the box" in told.advice
    assert "consent=True" not in told.advice
    assert "--" not in told.advice


def test_one_place_is_named_for_uploads(hub: Hub, visit: Visitor) -> None:
    words = visit().page.content()
    assert "this server" not in words and "on this machine" not in words
    assert "on the hub's own machine" in words


def test_choices_have_titles() -> None:
    labels = {str(value): label for label, value in widgets(load_spec("face2face"))["color"].choices}  # type: ignore[attr-defined]
    assert labels["mkl"] == "Monge-Kantorovich (colours as a whole)"
    assert not any(re.fullmatch("[a-z_]+", label) for label in labels.values())


def test_what_is_counted_is_what_runs() -> None:
    """The button says how many methods it starts, who of the others does what, and who stays out."""
    specs = list_methods()
    swapping = [spec for spec in specs if "swap" in spec.tasks]
    others = [spec for spec in specs if spec not in swapping]
    told = re.sub("<[^>]+>", "", template("compare/page.html").counted(swapping, others))
    assert f"It runs {len(swapping)} methods that put a face on." in told
    assert "Talking head and Motion transfer move a picture instead." in told
    ready = first_example()
    assert ready is not None
    chosen = replace(ready, example="")  # as an upload: nothing ships
    orla = Comparing(tuple(swapping)).before(chosen, "orla", "1")
    assert f"{len(swapping) - 1} ways" in orla and "CycleGAN stays out: its weights were taught Tarek alone." in orla
    assert "stays out" not in Comparing(tuple(swapping)).before(chosen, "tarek", "1")
