"""The front page: what this is, a finished result, and the same picture through every method."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from facezoo.errors import FacezooError
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import Card, grid, method_card, panel, untouched_card
from facezoo.ui.common.markup import NEVER_EXISTED, before_after, text
from facezoo.ui.common.outcome import finish
from facezoo.ui.common.picture import Chosen
from facezoo.ui.common.studio import Order, Studio, order_from, studio, wire
from facezoo.ui.compare.finished import shipped_example
from facezoo.ui.jobs import Done, Failure, Partial, Stage, Working, explain, follow, stop
from facezoo.ui.workspace import new_folder
from facezoo.zoo.embedded import examples, personas

__all__ = ["compare_page"]

_STATEMENT = (
    "facezoo puts your photo through every generation of face-translation methods, side by side, so that you can see "
    "what each of them does to a face. Everything runs on this machine, and every result is labelled, watermarked and "
    "signed as made by AI."
)
_BASELINE = "What every method starts from. A method is only worth something if you can tell it from this."


def compare_page(specs: list[MethodSpec]) -> Studio:
    """Fills the surrounding tab and wires it; returns its left zone."""
    gr.HTML(_hero(specs), apply_default_css=False, elem_classes=["hero-block"])
    with gr.Row(elem_classes=["zones"]):
        with gr.Column(elem_classes=["left-zone"]):
            gr.HTML("<h2>Try it with a picture</h2>", apply_default_css=False)
            words = "Swap this face" if len(specs) == 1 else "Compare all methods"
            zone = studio("compare", button=words, methods=specs)
        with gr.Column(elem_classes=["right-zone"]):
            gr.HTML("<h2>Results</h2>", apply_default_css=False)
            results = gr.HTML(_ready(specs, zone.chosen.value), apply_default_css=False, elem_id="compare-results")
    wire(zone, reset=lambda chosen: _ready(specs, chosen), results=results)
    _wire_run(zone, specs, results)
    return zone


def _wire_run(zone: Studio, specs: list[MethodSpec], results: gr.HTML) -> None:
    def run(request: gr.Request, *values: Any) -> Iterator[tuple[str, Any, Any]]:
        shown = ""
        for shown in _compare(specs, order_from(values), f"{request.session_hash}:compare"):
            yield shown, gr.update(visible=False), gr.update(visible=True)
        yield shown, gr.update(visible=True), gr.update(visible=False)

    def cancel(request: gr.Request) -> None:
        stop(f"{request.session_hash}:compare")

    zone.run.click(
        run,
        inputs=zone.inputs,
        outputs=[results, zone.run, zone.cancel],
        js="(...values) => { window.facezooShowResults('compare-results'); return values; }",
        show_progress="hidden",
        api_visibility="private",
        concurrency_id="run",
    )
    zone.cancel.click(cancel, queue=False, show_progress="hidden", api_visibility="private")


def _compare(specs: list[MethodSpec], order: Order, owner: str) -> Iterator[str]:
    """The results zone, again and again, until all is finished."""
    from facezoo import runner

    wanted = [spec for spec in specs if spec.id in order.rest[0]]
    chosen = order.chosen
    if chosen is None or not wanted:
        yield grid([panel(_missing(chosen))])
        return
    cards = {spec.id: Card(spec, "waiting", before=chosen.preview) for spec in wanted}
    by_id = {spec.id: spec for spec in wanted if spec.inputs.knows(order.persona or "")}
    for spec in wanted:
        if spec.id not in by_id:
            _fail(cards, [spec.id], _unknown(spec))
    if not by_id:
        yield _draw(chosen, cards, "", busy=False)
        return
    picture = chosen

    def work(working: Working) -> dict[str, FacezooError]:
        done = runner.compare(
            picture.path,
            persona=order.persona,
            methods=list(by_id),
            consent=order.consent,
            face=order.face,
            seed=order.seed,
            output=new_folder(),
            label=order.label,
            progress=working.progress,
            on_result=working.partial,
        )
        return done.failures

    status = "Starting"
    yield _draw(chosen, cards, status, busy=True)
    for event in follow(work, owner):
        if isinstance(event, Stage):
            status = _stage(cards, event)
        elif isinstance(event, Partial):
            spec = by_id[event.name]
            for card in finish(spec, event.value, chosen, order.face, door=_door_to(spec)):
                cards[spec.id] = card
                yield _draw(chosen, cards, f"{spec.title} is finished", busy=True)
        elif isinstance(event, Failure):
            status = event.state.capitalize()
            _fail(cards, list(by_id), event)
        elif isinstance(event, Done):
            for name, problem in event.value.items():
                _fail(cards, [name], explain(problem))
            status = f"Finished: {len(by_id) - len(event.value)} of {len(by_id)}"
        yield _draw(chosen, cards, status, busy=not isinstance(event, Done | Failure))


def _stage(cards: dict[str, Card], event: Stage) -> str:
    """Writes the stage on the card of its method; a stage that all share on the first that is not finished."""
    left = f", about {event.seconds_left:.0f} s left" if event.seconds_left and event.seconds_left >= 2 else ""
    words = f"{event.words}{left}"
    open_cards = [name for name, card in cards.items() if card.state in ("waiting", "working")]
    for name in [event.method] if event.method in open_cards else open_cards[:1]:
        cards[name] = replace(cards[name], state="working", words=words, fraction=event.fraction)
    return event.words


def _fail(cards: dict[str, Card], names: Iterable[str], failure: Failure) -> None:
    for name in names:
        if cards[name].state in ("waiting", "working"):
            state: Any = failure.state
            cards[name] = replace(cards[name], state=state, failure=failure)


def _draw(chosen: Chosen, cards: dict[str, Card], status: str, *, busy: bool) -> str:
    shown = [untouched_card(chosen.preview, caption=_BASELINE), *(method_card(card) for card in cards.values())]
    return grid(shown, status=status, busy=busy)


def _ready(specs: list[MethodSpec], chosen: Chosen | None) -> str:
    preview = chosen.preview if chosen else None
    cards = [method_card(Card(spec, "ready", before=preview)) for spec in specs]
    return grid([untouched_card(preview, caption=_BASELINE), *cards])


def _door_to(spec: MethodSpec) -> str:
    return f'<button type="button" class="link" data-opens-tab="methods {spec.id}">See it step by step</button>'


def _unknown(spec: MethodSpec) -> Failure:
    known = " or ".join(each.name for each in personas() if spec.inputs.knows(each.id))
    return Failure("stopped", f"{spec.title} was not taught this person.", f"Choose {known} to see it.")


def _missing(chosen: Chosen | None) -> Failure:
    if chosen is None:
        return Failure(
            "failed", "No usable picture is chosen.", "Choose one first: drop it, paste it, or take a ready picture."
        )
    return Failure("failed", "No method is chosen.", "Tick at least one under Fine tuning.")


def _hero(specs: list[MethodSpec]) -> str:
    shelf = "".join(_finished_example(spec) for spec in specs)
    return (
        f'<section class="hero" aria-label="What this is"><div class="claim"><h1>See what AI does to a face</h1>'
        f'<p class="lede">{text(_STATEMENT)}</p></div><div class="shelf">{shelf}</div></section>'
    )


def _finished_example(spec: MethodSpec) -> str:
    """The sealed example a method ships, beside the picture it was made from; nothing when it ships none."""
    after = shipped_example(spec)
    record = after.with_suffix(".json")
    if not after.is_file() or not record.is_file():
        return ""
    facts = json.loads(record.read_text(encoding="utf-8"))
    before = next((each for each in examples() if each.id == facts["input"]), None)
    persona = next((each for each in personas() if each.id == facts["persona"]), None)
    if before is None:
        return ""
    who = f" as {persona.name}" if persona else ""
    subject = f"{before.title}{who}, by {spec.title}"
    return (
        f'<figure class="finished">{before_after(before.path, after, subject=subject, loading="eager")}'
        f"<figcaption><strong>{text(spec.title)}, {spec.year}</strong> {text(before.title)}{text(who)}. "
        f"{NEVER_EXISTED}.</figcaption></figure>"
    )
