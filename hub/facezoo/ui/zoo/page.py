"""The zoo: every method there is, and the card of each with its weights; #zoo/METHOD in the address opens a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import panel
from facezoo.ui.common.picture import turn
from facezoo.ui.jobs import explain
from facezoo.ui.theme import ASSETS
from facezoo.ui.zoo.entry import entries, entry, state_mark
from facezoo.ui.zoo.list import listing

__all__ = ["zoo_page"]

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_OPEN_TAB = """() => {
  const tab = () => document.querySelector('[role=tab][data-tab-id=zoo]');
  const open = () => /^#zoo(\\/|$)/.test(location.hash) && tab()?.click();
  addEventListener('hashchange', open);
  open();
}"""

_OPENING = '<p class="opening" role="status"><span class="spinner"></span><span>Opening the card</span></p>'


def zoo_page(specs: list[MethodSpec]) -> None:
    """Fills the surrounding tab and wires it."""
    known = {spec.id: spec for spec in specs}

    def where(_sent: Any) -> dict[str, str]:
        """Where the weights of each method are now, for the list; gradio always sends something."""
        return {each.spec.id: state_mark(each) for each in entries(specs)[0]}

    with gr.Column(elem_classes=["zoo-page"]):
        gr.HTML(
            value={},
            markup=_zoo(specs),
            html_template="${markup}",
            js_on_load=(ASSETS / "zoo.js").read_text(encoding="utf-8"),
            server_functions=[where],
            apply_default_css=False,
            elem_classes=["zoo-list"],
        )
        with gr.Column(elem_classes=["zoo-card"]):
            gr.HTML(_OPENING, apply_default_css=False, elem_classes=["zoo-opening"])
            head = gr.HTML(
                value={},
                markup="",
                turn=0,
                html_template="${markup}",
                js_on_load=(ASSETS / "zoo_card.js").read_text(encoding="utf-8"),
                apply_default_css=False,
                elem_classes=["zoo-head"],
            )
            weights = gr.HTML(
                value={},
                markup="",
                turn=0,
                html_template="${markup}",
                js_on_load=(ASSETS / "zoo_weights.js").read_text(encoding="utf-8"),
                apply_default_css=False,
                elem_classes=["zoo-weights"],
            )
            body = gr.HTML("", apply_default_css=False, elem_classes=["zoo-body"])
    gr.on(None, fn=None, js=_OPEN_TAB, **_QUIET)
    _wire(known, head, weights, body)


def _wire(known: Mapping[str, MethodSpec], head: gr.HTML, weights: gr.HTML, body: gr.HTML) -> None:
    def opened(value: Any) -> tuple[Any, Any, str]:
        top, zone, card = _card(known, value)
        return gr.update(markup=top, turn=turn()), gr.update(markup=zone, turn=turn()), card

    def pulled(value: Any) -> Iterator[Any]:
        for shown in _pull(known, value):
            yield gr.update(markup=shown, turn=turn())

    def stopped(value: Any) -> None:
        _stop(known, value)

    def copied(value: Any) -> Any:
        return gr.update(markup=_copy(known, value), turn=turn())

    look: dict[str, Any] = {**_QUIET, "concurrency_limit": 2, "concurrency_id": "look"}
    following = weights.pulled(
        pulled, inputs=[head], outputs=[weights], concurrency_limit=8, concurrency_id="pull", **_QUIET
    )
    head.opened(opened, inputs=[head], outputs=[head, weights, body], cancels=[following], **look)
    weights.stopped(stopped, inputs=[head], queue=False, **_QUIET)
    weights.copied(copied, inputs=[head], outputs=[weights], **look)


def _zoo(specs: Sequence[MethodSpec]) -> str:
    return listing(*entries(specs))


def _card(known: Mapping[str, MethodSpec], value: Any) -> tuple[str, str, str]:
    """Head, weights and body of the card that the page asks for."""
    from facezoo.ui.zoo.card import BACK, body, head
    from facezoo.ui.zoo.weights import pictures, weights_markup

    try:
        shown = entry(_asked(known, value))
        previews = pictures(shown.spec, list(shown.record.previews) if shown.record else [])
        return head(shown), weights_markup(shown), body(shown, previews)
    except Exception as error:
        return f'<header class="zoo-top"><p>{BACK}</p>{panel(explain(error))}</header>', "", ""


def _pull(known: Mapping[str, MethodSpec], value: Any) -> Iterator[str]:
    from facezoo.ui.zoo.weights import begin, follow

    try:
        yield from follow(begin(_asked(known, value)))
    except Exception as error:
        yield panel(explain(error))


def _stop(known: Mapping[str, MethodSpec], value: Any) -> None:
    from facezoo.ui.zoo.weights import running

    if now := running(_asked(known, value)):
        now.stop()


def _copy(known: Mapping[str, MethodSpec], value: Any) -> str:
    from facezoo.ui.zoo.weights import copied

    try:
        return copied(_asked(known, value))
    except Exception as error:
        return panel(explain(error))


def _asked(known: Mapping[str, MethodSpec], value: Any) -> MethodSpec:
    """The method that the page names. Raises UsageError for any other word."""
    asked = str(value.get("method")) if isinstance(value, dict) else ""
    if asked not in known:
        raise UsageError("There is no such method in this zoo.", "Choose one from the list.")
    return known[asked]
