"""A method's own tab, built from its SPEC alone: what it is, its limit, and a place to try it with all its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from facezoo.types import MethodSpec, Sealed
from facezoo.ui.common.cards import Card, grid, panel, ready_card
from facezoo.ui.common.form import Order, SwapForm, swap_form
from facezoo.ui.common.html import heading, static, template
from facezoo.ui.common.results import make
from facezoo.ui.jobs import Run, Working, shows, wire_runs
from facezoo.ui.methods.learn import learn_zone
from facezoo.ui.methods.playground import playground
from facezoo.ui.methods.steps import Asked, StepsView, door_to, shut, steps_view, wire_steps
from facezoo.ui.workspace import new_folder

__all__ = ["method_tab"]


def method_tab(spec: MethodSpec, *, in_animate: bool) -> None:
    """Fills the surrounding tab and wires it. in_animate: the Animate tab is where one tries this method."""
    static(template("methods/page.html").about(spec, in_animate))
    if "learn" in spec.tasks:
        learn_zone(spec)
    if "swap" not in spec.tasks and "animate" in spec.tasks:
        return  # one picture and a driver go in, not one picture and a persona
    with gr.Row(elem_classes=["zones"]):
        with gr.Column(elem_classes=["left-zone"]):
            heading("Your picture", look="minor")
            form = swap_form(spec.id, button=f"Run {spec.title}", spec=spec)
        with gr.Column(elem_classes=["right-zone", "single"]):
            heading("Result", look="minor")
            start = form.picture.chosen.value
            results = static(ready_card(spec, start and start.preview), elem_id=f"{spec.id}-results")
    steps = steps_view(spec.id)
    form.wire(lambda chosen: ready_card(spec, chosen and chosen.preview), results)
    _wire_run(form, spec, results, steps)
    wire_steps(steps, spec, form)
    if "puppet" in spec.tasks:
        playground(spec)


def _wire_run(form: SwapForm, spec: MethodSpec, results: gr.HTML, steps: StepsView) -> None:
    def run(owner: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        order = form.order(*values)
        for shown, card in _run(spec, order, door_to(steps), owner):
            yield shown, *shut(Asked(order) if card.door else None)  # the door and the panel behind it appear together

    wire_runs(
        [Run(form.run.click, form.inputs, run, shows(f"{spec.id}-results"))],
        owner=spec.id,
        outputs=[results, *steps.outputs],
        buttons=[form.run],
        cancel=form.cancel,
        failed=lambda failure: (grid(panel(failure)), *shut(None)),
    )


def _run(spec: MethodSpec, order: Order, door: str, owner: str) -> Iterator[tuple[str, Card]]:
    def work(working: Working) -> Sealed:
        from facezoo import runner

        return runner.run(
            spec.id,
            order.chosen.path,
            **order.who,
            source=order.source.path if order.source else None,
            params=order.params,
            consent=order.consent,
            seed=order.seed,
            output=new_folder() / f"{spec.id}{order.suffix}",
            label=order.label,
            progress=working.progress,
        )

    words = {"method": "Repainting"} if "restyle" in spec.tasks else {}
    return make(spec, order.chosen, work, owner, face=order.face, words=words, door=door)
