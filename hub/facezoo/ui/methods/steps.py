"""Why a result looks as it does: a closed panel below it that makes the pictures on the way when it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.common.cards import door, panel
from facezoo.ui.common.form import Order, SwapForm
from facezoo.ui.common.html import static, template
from facezoo.ui.jobs import QUIET, Done, Failure, Run, Stage, Working, run, stop, stop_button, wire_runs
from facezoo.ui.workspace import new_folder

if TYPE_CHECKING:
    from facezoo.runner import Explained

__all__ = ["Asked", "StepsView", "door_to", "shut", "steps_view", "wire_steps"]

_WHY = "Why does it look like this?"
_WORDS = {"method": "Taking every step again", "seal": "Labelling and signing the pictures"}
_PARTS, _STEPS = template("common/parts.html"), template("methods/steps.html")


@dataclass(frozen=True)
class Asked:
    """The finished result that is to be explained. fresh: its steps are not made yet."""

    order: Order
    fresh: bool = True


@dataclass(frozen=True)
class StepsView:
    """The panel's components. asked: holds an `Asked`, or None while there is no result."""

    door: gr.Accordion
    body: gr.HTML
    cancel: gr.Button
    asked: gr.State

    @property
    def outputs(self) -> list[Any]:
        """What `shut` sets."""
        return [self.door, self.body, self.cancel, self.asked]


def steps_view(prefix: str) -> StepsView:
    """Builds the panel in the surrounding layout; nothing is seen of it until there is a result."""
    with gr.Accordion(
        _WHY, open=False, visible=False, elem_id=f"{prefix}-steps", elem_classes=["tuning", "steps-door"]
    ) as closed:
        return StepsView(closed, static(""), stop_button(), gr.State(None))


def door_to(view: StepsView) -> str:
    """The button below a result that opens this panel and leads there."""
    return door("opens-steps", str(view.door.elem_id), _WHY)


def shut(asked: Asked | None) -> tuple[Any, Any, Any, Asked | None]:
    """`StepsView.outputs` with the panel closed and empty; hidden when there is nothing to explain."""
    fresh = replace(asked, fresh=True) if asked else None
    return gr.update(open=False, visible=asked is not None), "", gr.update(visible=False), fresh


def wire_steps(view: StepsView, spec: MethodSpec, form: SwapForm) -> None:
    """Opening the panel makes the steps, once for each result. Another picture hides it, another person or face shuts
    it."""
    name = f"{spec.id}:steps"

    def opened(owner: str, asked: Asked | None) -> Iterator[tuple[str, Asked]]:
        if asked is None or not asked.fresh:
            return
        for html, again in _made(spec, asked.order, owner):
            yield html, replace(asked, fresh=again)

    wire_runs(
        [Run(view.door.expand, [view.asked], opened)],
        owner=name,
        outputs=[view.body, view.asked],
        buttons=[],
        cancel=view.cancel,
        failed=lambda failure: (panel(failure), None),
    )

    def hidden(request: gr.Request) -> tuple[Any, ...]:
        stop(f"{request.session_hash}:{name}")
        return shut(None)

    def closed(asked: Asked | None, request: gr.Request) -> tuple[Any, ...]:
        stop(f"{request.session_hash}:{name}")
        return shut(asked)

    for picker in (form.picture.zone, form.picture.ready):
        if picker:
            picker.picked(hidden, outputs=view.outputs, queue=False, **QUIET)
    people: Any = form.settings["people"]
    for chooser in (people.chosen, form.picture.zone.faced):
        chooser(closed, inputs=[view.asked], outputs=view.outputs, queue=False, **QUIET)


def _made(spec: MethodSpec, order: Order, owner: str) -> Iterator[tuple[str, bool]]:
    """The panel's content, again and again, and whether it is worth trying once more."""

    def work(working: Working) -> list[Explained]:
        from facezoo import runner

        return runner.explain(
            spec.id,
            order.chosen.path,
            persona=order.personas[order.face] if order.personas else order.persona,
            source=order.source.path if order.source else None,
            params=order.params,
            consent=order.consent,
            face=order.face if isinstance(order.face, int) else 1,
            seed=order.seed,
            output=new_folder(),
            progress=working.progress,
        )

    yield _PARTS.at_work(Stage("Starting")), False
    for event in run(work, owner, words=_WORDS):
        if isinstance(event, Stage):
            yield _PARTS.at_work(event), False
        elif isinstance(event, Failure):
            again = replace(event, advice=f"{event.advice} Close this and open it to try again.")
            yield panel(again), True
        elif isinstance(event, Done):
            yield _STEPS.strip(event.value), False
