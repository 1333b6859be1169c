"""The front page: what this is, and a picture through every method, finished before anybody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.common.cards import grid, panel
from facezoo.ui.common.form import SwapForm, swap_form
from facezoo.ui.common.html import component, heading, static, template
from facezoo.ui.common.picture import Chosen, chosen_face
from facezoo.ui.compare.comparison import Comparing, key_of, leave, left
from facezoo.ui.compare.take import take_away
from facezoo.ui.jobs import QUIET, Run, shows, stop, wire_runs

__all__ = ["compare_page"]

_OWNER = "compare"
_KEPT = 12  # comparisons that a visitor comes back to


def compare_page(specs: Sequence[MethodSpec], others: Sequence[MethodSpec] = ()) -> SwapForm:
    """Fills the surrounding tab and wires it; returns its left zone. others: methods that swap no faces."""
    comparing = Comparing(tuple(specs))
    static(template("compare/page.html").hero(), elem_classes=["hero-block"])
    with gr.Row(elem_classes=["zones"]):
        with gr.Column(elem_classes=["left-zone"]):
            heading("Try it with a picture", 2)
            words = "Swap this face" if len(specs) == 1 else "Compare all methods"
            form = swap_form("compare", button=words, methods=specs)
            static(template("compare/page.html").counted(specs, others))
        with gr.Column(elem_classes=["right-zone"]):
            heading("Results", 2)
            people: Any = form.settings["people"]
            first = comparing.before(form.picture.chosen.value, people.value, "1")
            results = static(first, elem_id="compare-results")
            take_away(specs)
            component("compare/link.js", "", {}, "link")
    kept = gr.State(dict[str, str]())
    _wire_choices(comparing, form, results, kept)

    def work(owner: str, before: Mapping[str, str], *values: Any) -> Iterator[tuple[Any, Any]]:
        order = form.order(*values)
        for shown, ended in comparing.run(order, owner):
            if left(owner):
                return
            known = {**before, key_of(order.chosen, order.persona, order.face): shown} if ended else before
            yield shown, dict(list(known.items())[-_KEPT:]) if ended else gr.skip()  # seen and kept at once

    wire_runs(
        [Run(form.run.click, [kept, *form.inputs], work, shows("compare-results"))],
        owner=_OWNER,
        outputs=[results, kept],
        buttons=[form.run],
        cancel=form.cancel,
        failed=lambda failure: (grid(panel(failure)), gr.skip()),
    )
    return form


def _wire_choices(comparing: Comparing, form: SwapForm, results: gr.HTML, kept: gr.State) -> None:
    """Another picture, face or persona: what there is of it, and the end of a run for what was chosen before."""
    people: Any = form.settings["people"]
    zone: Any = form.picture.zone

    def chosen(value: Any, found: Chosen | None, person: Any, known: Mapping[str, str], request: gr.Request) -> str:
        owner = f"{request.session_hash}:{_OWNER}"
        leave(owner)
        stop(owner)
        face = chosen_face(value)
        return known.get(key_of(found, person, face), "") or comparing.before(found, person, face)

    inputs: list[Any] = [zone, form.picture.chosen, people, kept]
    for event in (*form.picture.wire(), zone.faced, people.chosen):
        after = event.then if hasattr(event, "then") else event
        after(chosen, inputs, [results], queue=False, **QUIET)
