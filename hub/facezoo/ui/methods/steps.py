"""Why a result looks as it does: a closed panel below it that makes the pictures on the way when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import icon, text
from facezoo.ui.common.picture import Chosen
from facezoo.ui.common.studio import Order, Studio
from facezoo.ui.jobs import Done, Failure, Stage, Working, follow, stop
from facezoo.ui.workspace import file_url, new_folder

if TYPE_CHECKING:
    from facezoo.runner import Explained

__all__ = ["Asked", "StepsView", "door_to", "shut", "steps_view", "strip", "wire_steps"]

_WHY = "Why does it look like this?"
_WORDS = {"method": "Taking every step again", "seal": "Labelling and signing the pictures"}
_NOTE = "What a computer made carries the AI label, the watermark and the signature. The rest is your own picture."


@dataclass(frozen=True)
class Asked:
    """The finished result that is to be explained. fresh: its steps are not made yet."""

    picture: Chosen
    order: Order
    params: dict[str, Any]
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
        """What `put_away` and `offered` set."""
        return [self.door, self.body, self.cancel, self.asked]


def steps_view(prefix: str) -> StepsView:
    """Builds the panel in the surrounding layout; nothing is seen of it until there is a result."""
    with gr.Accordion(
        _WHY, open=False, visible=False, elem_id=f"{prefix}-steps", elem_classes=["tuning", "steps-door"]
    ) as door:
        body = gr.HTML("", apply_default_css=False)
        cancel = gr.Button("Stop", variant="secondary", visible=False, elem_classes=["cancel-button"])
    return StepsView(door, body, cancel, gr.State(None))


def door_to(view: StepsView) -> str:
    """The button below a result that opens this panel and leads there."""
    return f'<button type="button" class="link" data-opens-steps="{view.door.elem_id}">{_WHY}</button>'


def shut(asked: Asked | None) -> tuple[Any, Any, Any, Asked | None]:
    """`StepsView.outputs` with the panel closed and empty; hidden when there is nothing to explain."""
    fresh = replace(asked, fresh=True) if asked else None
    return gr.update(open=False, visible=asked is not None), "", gr.update(visible=False), fresh


def wire_steps(view: StepsView, spec: MethodSpec, zone: Studio) -> None:
    """Opening the panel makes the steps, once for each result. Another picture hides it, another person or face shuts
    it."""

    def opened(asked: Asked | None, request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        if asked is None or not asked.fresh:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        html, again = "", False
        for event in _made(spec, asked, _owner(request, spec)):
            html, again = event
            yield html, gr.update(visible=True), replace(asked, fresh=False)
        yield html, gr.update(visible=False), replace(asked, fresh=again)

    view.door.expand(
        opened,
        inputs=[view.asked],
        outputs=[view.body, view.cancel, view.asked],
        show_progress="hidden",
        api_visibility="private",
        concurrency_id="run",
    )

    def cancel(request: gr.Request) -> None:
        stop(_owner(request, spec))

    def hidden(request: gr.Request) -> tuple[Any, Any, Any, Asked | None]:
        cancel(request)
        return shut(None)

    def closed(asked: Asked | None, request: gr.Request) -> tuple[Any, Any, Any, Asked | None]:
        cancel(request)
        return shut(asked)

    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    view.cancel.click(cancel, **quiet)
    for picker in (zone.picture, zone.ready):
        picker.picked(hidden, outputs=view.outputs, **quiet)
    for chooser in (zone.people.chosen, zone.picture.faced):
        chooser(closed, inputs=[view.asked], outputs=view.outputs, **quiet)


def _owner(request: gr.Request, spec: MethodSpec) -> str:
    return f"{request.session_hash}:{spec.id}:steps"


def _made(spec: MethodSpec, asked: Asked, owner: str) -> Iterator[tuple[str, bool]]:
    """The panel's content, again and again, and whether it is worth trying once more."""
    from facezoo import runner

    order = asked.order

    def work(working: Working) -> list[Explained]:
        return runner.explain(
            spec.id,
            asked.picture.path,
            persona=order.personas[order.face] if order.personas else order.persona,
            source=order.source.path if order.source else None,
            params=asked.params,
            consent=order.consent,
            face=order.face if isinstance(order.face, int) else 1,
            seed=order.seed,
            output=new_folder(),
            progress=working.progress,
        )

    yield _working("Starting", 0.0), False
    for event in follow(work, owner, words=_WORDS):
        if isinstance(event, Stage):
            yield _working(event.words, event.fraction), False
        elif isinstance(event, Failure):
            again = replace(event, advice=f"{event.advice} Close this and open it to try again.")
            yield panel(again), True
        elif isinstance(event, Done):
            yield strip(event.value), False


def strip(steps: Sequence[Explained]) -> str:
    """The steps as numbered pictures in a row that wraps, each a link to itself at full size."""
    items = "".join(
        f'<li><a href="{text(file_url(step.path))}" target="_blank" rel="noopener">'
        f'<img src="{text(file_url(step.path))}" alt="Step {step.number}: {text(step.title)}">'
        '<span class="visually-hidden">, opens at full size</span></a>'
        f'<h4><span class="number">{step.number}</span>{text(step.title)}</h4><p>{text(step.text)}</p>'
        f'<span class="next" aria-hidden="true">{icon("next")}</span></li>'
        for step in steps
    )
    return f'<ol class="steps">{items}</ol><p class="hint">{text(_NOTE)}</p>'


def _working(words: str, fraction: float) -> str:
    percent = round(fraction * 100)
    return (
        f'<div class="steps-work"><p role="status">{text(words)}</p>'
        f'<progress max="100" value="{percent}" aria-label="{text(words)}">{percent} %</progress></div>'
    )
