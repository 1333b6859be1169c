"""The front page: what this is, a finished result, and the same picture through every method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.errors import FacezooError, UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import Card, door, grid, method_card, panel, untouched_card
from facezoo.ui.common.form import Order, SwapForm, swap_form
from facezoo.ui.common.html import heading, static, template
from facezoo.ui.common.picture import NEVER_EXISTED, Chosen
from facezoo.ui.common.results import example_facts, finish, shipped_example
from facezoo.ui.jobs import Done, Failure, Partial, Run, Stage, Working, explain, run, shows, wire_runs
from facezoo.ui.workspace import new_folder
from facezoo.zoo.embedded import Example, examples, personas

__all__ = ["compare", "compare_page"]

_BASELINE = "What every method starts from. A method is only worth something if you can tell it from this."


def compare_page(specs: Sequence[MethodSpec]) -> SwapForm:
    """Fills the surrounding tab and wires it; returns its left zone."""
    hero = template("compare/page.html", NEVER_EXISTED=NEVER_EXISTED).hero
    static(hero(_finished_examples(specs)), elem_classes=["hero-block"])
    with gr.Row(elem_classes=["zones"]):
        with gr.Column(elem_classes=["left-zone"]):
            heading("Try it with a picture", 2)
            words = "Swap this face" if len(specs) == 1 else "Compare all methods"
            form = swap_form("compare", button=words, methods=specs)
        with gr.Column(elem_classes=["right-zone"]):
            heading("Results", 2)
            results = static(_ready(specs, form.picture.chosen.value), elem_id="compare-results")
    form.wire(lambda chosen: _ready(specs, chosen), results)

    def work(owner: str, *values: Any) -> Iterator[str]:
        return compare(specs, form.order(*values), owner)

    wire_runs(
        [Run(form.run.click, form.inputs, work, shows("compare-results"))],
        owner="compare",
        outputs=[results],
        buttons=[form.run],
        cancel=form.cancel,
        failed=lambda failure: grid(panel(failure)),
    )
    return form


def compare(specs: Sequence[MethodSpec], order: Order, owner: str) -> Iterator[str]:
    """The results zone, again and again, until all is finished. Raises UsageError when no method is chosen."""
    wanted = [spec for spec in specs if spec.id in order.settings["methods"]]
    if not wanted:
        raise UsageError("No method is chosen.", "Tick at least one under Fine tuning.")
    chosen = order.chosen
    cards = {spec.id: Card(spec, "waiting", before=chosen.preview) for spec in wanted}
    by_id = {spec.id: spec for spec in wanted if spec.inputs.knows(order.persona or "")}
    for spec in wanted:
        if spec.id not in by_id:
            _fail(cards, [spec.id], _unknown(spec))
    if not by_id:
        yield _draw(chosen, cards, "", busy=False)
        return
    status = "Starting"
    yield _draw(chosen, cards, status, busy=True)
    for event in run(_work(order, list(by_id)), owner):
        if isinstance(event, Stage):
            status = _stage(cards, event)
        elif isinstance(event, Partial):
            spec = by_id[event.name]
            steps = door("opens-tab", f"methods {spec.id}", "See it step by step")
            for card in finish(spec, event.value, chosen, order.face, door=steps):
                cards[spec.id] = card
                yield _draw(chosen, cards, f"{spec.title} is finished", busy=True)
        elif isinstance(event, Failure):
            status = event.state.capitalize()
            _fail(cards, list(by_id), event)
        else:
            for name, problem in event.value.items():
                _fail(cards, [name], explain(problem))
            status = f"Finished: {len(by_id) - len(event.value)} of {len(by_id)}"
        yield _draw(chosen, cards, status, busy=not isinstance(event, Done | Failure))


def _work(order: Order, methods: list[str]) -> Any:
    def work(working: Working) -> dict[str, FacezooError]:
        from facezoo import runner

        done = runner.compare(
            order.chosen.path,
            persona=order.persona,
            methods=methods,
            consent=order.consent,
            face=order.face,
            seed=order.seed,
            output=new_folder(),
            label=order.label,
            progress=working.progress,
            on_result=working.partial,
        )
        return done.failures

    return work


def _stage(cards: dict[str, Card], event: Stage) -> str:
    """Writes the stage on the card of its method; a stage that all share on the first that is not finished."""
    open_cards = [name for name, card in cards.items() if card.state in ("waiting", "working")]
    for name in [event.method] if event.method in open_cards else open_cards[:1]:
        cards[name] = replace(cards[name], state="working", words=event.line, fraction=event.fraction)
    return event.words


def _fail(cards: dict[str, Card], names: Iterable[str], failure: Failure) -> None:
    for name in names:
        if cards[name].state in ("waiting", "working"):
            state: Any = failure.state
            cards[name] = replace(cards[name], state=state, failure=failure)


def _draw(chosen: Chosen, cards: dict[str, Card], status: str, *, busy: bool) -> str:
    done = [card for card in cards.values() if card.state == "done"]
    view = done[0].view if done else None
    shown = [
        untouched_card(chosen.preview, caption=_BASELINE, view=view),
        *(method_card(card) for card in cards.values()),
    ]
    return grid(*shown, status=status, busy=busy, looks=bool(done))


def _ready(specs: Sequence[MethodSpec], chosen: Chosen | None) -> str:
    preview = chosen.preview if chosen else None
    cards = [method_card(Card(spec, "ready", before=preview)) for spec in specs]
    return grid(untouched_card(preview, caption=_BASELINE), *cards)


def _unknown(spec: MethodSpec) -> Failure:
    known = " or ".join(each.name for each in personas() if spec.inputs.knows(each.id))
    return Failure("stopped", f"{spec.title} was not taught this person.", f"Choose {known} to see it.")


def _finished_examples(specs: Sequence[MethodSpec]) -> Iterator[tuple[MethodSpec, Example, Path, str]]:
    """For methods that ship one: the picture it was made from, the sealed file, and whose face was put on."""
    pictures, names = {each.id: each for each in examples()}, {each.id: each.name for each in personas()}
    for spec in specs:
        facts = example_facts(spec)
        if shipped_example(spec).is_file() and facts.get("input") in pictures:
            yield spec, pictures[facts["input"]], shipped_example(spec), names.get(facts["persona"], "")
