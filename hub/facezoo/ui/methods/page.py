"""A method's own tab, built from its SPEC alone: what it is, its limit, and a place to try it with all its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.common.cards import Card, grid, method_card, panel
from facezoo.ui.common.markup import text
from facezoo.ui.common.outcome import finish
from facezoo.ui.common.picture import Chosen
from facezoo.ui.common.studio import Order, Studio, order_from, studio, wire
from facezoo.ui.jobs import Done, Failure, Stage, Working, follow, stop
from facezoo.ui.methods.playground import playground
from facezoo.ui.methods.steps import Asked, StepsView, door_to, shut, steps_view, wire_steps
from facezoo.ui.workspace import new_folder

__all__ = ["method_tab"]


def method_tab(spec: MethodSpec, *, in_animate: bool) -> None:
    """Fills the surrounding tab and wires it. in_animate: the Animate tab is where one tries this method."""
    gr.HTML(_about(spec, in_animate=in_animate), apply_default_css=False)
    if "swap" not in spec.tasks and "animate" in spec.tasks:
        return  # one picture and a driver go in, not one picture and a persona
    with gr.Row(elem_classes=["zones"]):
        with gr.Column(elem_classes=["left-zone"]):
            gr.HTML("<h3>Your picture</h3>", apply_default_css=False)
            zone = studio(spec.id, button=f"Run {spec.title}", spec=spec)
        with gr.Column(elem_classes=["right-zone", "single"]):
            gr.HTML("<h3>Result</h3>", apply_default_css=False)
            results = gr.HTML(_ready(spec, zone.chosen.value), apply_default_css=False, elem_id=f"{spec.id}-results")
    steps = steps_view(spec.id)
    wire(zone, reset=lambda chosen: _ready(spec, chosen), results=results)
    _wire_run(zone, spec, results, steps)
    wire_steps(steps, spec, zone)
    if "puppet" in spec.tasks:
        playground(spec)


def _wire_run(zone: Studio, spec: MethodSpec, results: gr.HTML, steps: StepsView) -> None:
    names = list(zone.params)

    def run(request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        order, shown, card = order_from(values), "", None
        params = dict(zip(names, order.rest, strict=True))
        for event in _run(spec, order, params, door_to(steps), f"{request.session_hash}:{spec.id}"):
            shown, card = event
            if card and card.door:
                break  # the last one: its door and the panel behind it appear together
            yield shown, gr.update(visible=False), gr.update(visible=True), *shut(None)
        asked = Asked(order.chosen, order, params) if order.chosen and card and card.door else None
        yield shown, gr.update(visible=True), gr.update(visible=False), *shut(asked)

    def cancel(request: gr.Request) -> None:
        stop(f"{request.session_hash}:{spec.id}")

    zone.run.click(
        run,
        inputs=zone.inputs,
        outputs=[results, zone.run, zone.cancel, *steps.outputs],
        js=f"(...values) => {{ window.facezooShowResults('{spec.id}-results'); return values; }}",
        show_progress="hidden",
        api_visibility="private",
        concurrency_id="run",
    )
    zone.cancel.click(cancel, queue=False, show_progress="hidden", api_visibility="private")


def _run(
    spec: MethodSpec, order: Order, params: dict[str, Any], door: str, owner: str
) -> Iterator[tuple[str, Card | None]]:
    """The result zone, again and again, until the work is finished; with its card when that went well."""
    from facezoo import runner

    chosen, problem = order.chosen, _missing(order)
    if chosen is None or problem:
        yield grid([problem]), None
        return
    picture = chosen

    def work(working: Working) -> Any:
        suffix = {"photo": ".png", "animation": ".gif", "video": ".mp4"}[picture.kind]
        return runner.run(
            spec.id,
            picture.path,
            **order.who,
            source=order.source.path if order.source else None,
            params=params,
            consent=order.consent,
            seed=order.seed,
            output=new_folder() / f"{spec.id}{suffix}",
            label=order.label,
            progress=working.progress,
        )

    card = Card(spec, "working", before=chosen.preview, words="Starting")
    yield grid([method_card(card)], status="Starting", busy=True), None
    words = {"method": "Repainting"} if "restyle" in spec.tasks else {}
    for event in follow(work, owner, words=words):
        if isinstance(event, Stage):
            left = f", about {event.seconds_left:.0f} s left" if event.seconds_left and event.seconds_left >= 2 else ""
            card = replace(card, words=f"{event.words}{left}", fraction=event.fraction)
            yield grid([method_card(card)], status=event.words, busy=True), None
        elif isinstance(event, Failure):
            state: Any = event.state
            yield grid([method_card(replace(card, state=state, failure=event))], status=event.state.capitalize()), None
        elif isinstance(event, Done):
            for card in finish(spec, event.value, chosen, order.face, door=door):
                yield grid([method_card(card)], status="Finished"), card


def _missing(order: Order) -> str:
    """What the order lacks, as a panel; "" when it lacks nothing."""
    if order.chosen is None:
        told = ("No usable picture is chosen.", "Choose one first: drop it, paste it, or take a file.")
    elif order.wants_source and order.source is None:
        told = ("No usable second photo is chosen.", "Choose one first: drop it, paste it, or take a file.")
    elif order.personas == {}:
        told = ("Every face is left alone.", "Choose a person for at least one of them.")
    else:
        return ""
    return panel(Failure("failed", *told))


def _ready(spec: MethodSpec, chosen: Chosen | None) -> str:
    return grid([method_card(Card(spec, "ready", before=chosen.preview if chosen else None))])


def _about(spec: MethodSpec, *, in_animate: bool) -> str:
    facts = [("Limit", spec.limits), ("Trained on", spec.trained_on), ("Licence", spec.licence)]
    rows = "".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts)
    door = (
        '<p><button type="button" class="button" data-opens-tab="animate">Try it in the Animate tab</button></p>'
        if in_animate
        else ""
    )
    if "puppet" in spec.tasks:
        door += f'<p><a href="#{spec.id}-playground">Landmark playground: drag a drawing, the person follows</a></p>'
    return (
        f'<section class="about"><h2>{text(spec.title)} <span class="year">{spec.year}</span></h2>'
        f'<p class="lede">{text(spec.summary)}</p><dl class="facts-list">{rows}</dl>'
        f'<p><a href="{text(spec.paper)}" target="_blank" rel="noopener noreferrer">Read the paper</a></p>'
        f"{door}</section>"
    )
