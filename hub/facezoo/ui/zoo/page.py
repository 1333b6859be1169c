"""The zoo: every method there is, and the card of each with its weights; #zoo/METHOD in the address opens a card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import panel
from facezoo.ui.common.html import component, static, template
from facezoo.ui.common.picture import turn
from facezoo.ui.jobs import LOOKING, QUIET, explain
from facezoo.ui.zoo.entry import entries, entry
from facezoo.ui.zoo.list import listing, state_mark

__all__ = ["Zoo", "zoo_page"]

_HTML = template("zoo/card.html")


def zoo_page(specs: Sequence[MethodSpec]) -> None:
    """Fills the surrounding tab and wires it."""
    zoo = Zoo(specs)

    def where(_sent: Any) -> dict[str, str]:
        """Where the weights of each method are now, for the list; gradio always sends something."""
        return {each.spec.id: state_mark(each) for each in entries(specs)[0]}

    with gr.Column(elem_classes=["zoo-page"]):
        component("zoo/list.js", zoo.list(), {}, "zoo-list", server=[where])
        with gr.Column(elem_classes=["zoo-card"]):
            static(_HTML.opening(), elem_classes=["zoo-opening"])
            head = component("zoo/card.js", "", {}, "zoo-head", turn=0)
            weights = component("zoo/weights.js", "", {}, "zoo-weights", turn=0)
            body = static("", elem_classes=["zoo-body"])

    def opened(value: Any) -> tuple[Any, Any, str]:
        top, zone, card = zoo.card(value)
        return gr.update(markup=top, turn=turn()), gr.update(markup=zone, turn=turn()), card

    def pulled(value: Any) -> Iterator[Any]:
        for shown in zoo.pull(value):
            yield gr.update(markup=shown, turn=turn())

    def copied(value: Any) -> Any:
        return gr.update(markup=zoo.copy(value), turn=turn())

    following = weights.pulled(
        pulled, inputs=[head], outputs=[weights], concurrency_limit=8, concurrency_id="pull", **QUIET
    )
    head.opened(opened, inputs=[head], outputs=[head, weights, body], cancels=[following], **LOOKING)
    weights.stopped(zoo.stop, inputs=[head], queue=False, **QUIET)
    weights.copied(copied, inputs=[head], outputs=[weights], **LOOKING)


class Zoo:
    """What the page shows of some methods. `value` is what the page sends: {"method": id}."""

    def __init__(self, specs: Sequence[MethodSpec]) -> None:
        self._specs = {spec.id: spec for spec in specs}

    def list(self) -> str:
        """All of them."""
        return listing(*entries(list(self._specs.values())))

    def card(self, value: Any) -> tuple[str, str, str]:
        """Head, weights and body of the card that the page asks for."""
        from facezoo.ui.zoo.card import body, head
        from facezoo.ui.zoo.weights import pictures, weights_markup

        try:
            shown = entry(self._asked(value))
            previews = pictures(shown.spec, shown.record.previews if shown.record else ())
            return head(shown), weights_markup(shown), body(shown, previews)
        except Exception as error:
            return _HTML.trouble(explain(error)), "", ""

    def pull(self, value: Any) -> Iterator[str]:
        """The zone of the weights again and again while they come."""
        from facezoo.ui.zoo.weights import follow

        try:
            yield from follow(self._asked(value))
        except Exception as error:
            yield panel(explain(error))

    def stop(self, value: Any) -> None:
        """Ends the download of the method's weights, if there is one."""
        from facezoo.ui.zoo.weights import stop_download

        stop_download(self._asked(value))

    def copy(self, value: Any) -> str:
        """The zone of the weights with an archive of them."""
        from facezoo.ui.zoo.weights import copied

        try:
            return copied(self._asked(value))
        except Exception as error:
            return panel(explain(error))

    def _asked(self, value: Any) -> MethodSpec:
        """The method that the page names. Raises UsageError for any other word."""
        asked = str(value.get("method")) if isinstance(value, dict) else ""
        if asked not in self._specs:
            raise UsageError("There is no such method in this zoo.", "Choose one from the list.")
        return self._specs[asked]
