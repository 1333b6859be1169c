"""A method's own tab, built from its SPEC alone: what it is, its limit, and a place to try it with all its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.parts.cards import Card, grid, method_card, panel
from facezoo.ui.parts.job import Done, Failure, Stage, Working, follow, stop
from facezoo.ui.parts.markup import text
from facezoo.ui.parts.outcome import finish
from facezoo.ui.parts.picture import Chosen
from facezoo.ui.parts.studio import Order, Studio, order_from, studio, wire
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
    wire(zone, reset=lambda chosen: _ready(spec, chosen), results=results)
    _wire_run(zone, spec, results)


def _wire_run(zone: Studio, spec: MethodSpec, results: gr.HTML) -> None:
    names = list(zone.params)

    def run(request: gr.Request, *values: Any) -> Iterator[tuple[str, Any, Any]]:
        order, shown = order_from(values), ""
        for shown in _run(spec, order, dict(zip(names, order.rest, strict=True)), f"{request.session_hash}:{spec.id}"):
            yield shown, gr.update(visible=False), gr.update(visible=True)
        yield shown, gr.update(visible=True), gr.update(visible=False)

    def cancel(request: gr.Request) -> None:
        stop(f"{request.session_hash}:{spec.id}")

    zone.run.click(
        run,
        inputs=zone.inputs,
        outputs=[results, zone.run, zone.cancel],
        js=f"(...values) => {{ window.facezooShowResults('{spec.id}-results'); return values; }}",
        show_progress="hidden",
        api_visibility="private",
        concurrency_id="run",
    )
    zone.cancel.click(cancel, queue=False, show_progress="hidden", api_visibility="private")


def _run(spec: MethodSpec, order: Order, params: dict[str, Any], owner: str) -> Iterator[str]:
    """The result zone, again and again, until the work is finished."""
    from facezoo import runner

    chosen = order.chosen
    if chosen is None or (order.wants_source and order.source is None):
        which = "picture" if chosen is None else "second photo"
        yield grid(
            [
                panel(
                    Failure(
                        "failed",
                        f"No usable {which} is chosen.",
                        "Choose one first: drop it, paste it, or take a file.",
                    )
                )
            ]
        )
        return
    picture = chosen

    def work(working: Working) -> Any:
        suffix = {"photo": ".png", "animation": ".gif", "video": ".mp4"}[picture.kind]
        return runner.run(
            spec.id,
            picture.path,
            persona=order.persona,
            source=order.source.path if order.source else None,
            params=params,
            consent=order.consent,
            face=order.face,
            seed=order.seed,
            output=new_folder() / f"{spec.id}{suffix}",
            label=order.label,
            progress=working.progress,
        )

    card = Card(spec, "working", before=chosen.preview, words="Starting")
    yield grid([method_card(card)], status="Starting", busy=True)
    for event in follow(work, owner):
        if isinstance(event, Stage):
            left = f", about {event.seconds_left:.0f} s left" if event.seconds_left and event.seconds_left >= 2 else ""
            card = replace(card, words=f"{event.words}{left}", fraction=event.fraction)
            yield grid([method_card(card)], status=event.words, busy=True)
        elif isinstance(event, Failure):
            state: Any = event.state
            yield grid([method_card(replace(card, state=state, failure=event))], status=event.state.capitalize())
        elif isinstance(event, Done):
            for card in finish(spec, event.value, chosen, order.face):
                yield grid([method_card(card)], status="Finished")


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
    return (
        f'<section class="about"><h2>{text(spec.title)} <span class="year">{spec.year}</span></h2>'
        f'<p class="lede">{text(spec.summary)}</p><dl class="facts-list">{rows}</dl>'
        f'<p><a href="{text(spec.paper)}" target="_blank" rel="noopener noreferrer">Read the paper</a></p>'
        f"{door}</section>"
    )
