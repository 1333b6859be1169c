"""The board of the landmark playground: a drawing whose points are dragged, the persona painted from it, sliders."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common import live
from facezoo.ui.common.cards import panel
from facezoo.ui.common.html import component, template
from facezoo.ui.common.picture import sent_by_page
from facezoo.ui.common.sliders import GROUPS
from facezoo.ui.jobs import explain
from facezoo.zoo.embedded import examples, personas

__all__ = ["board", "chosen_posture", "move"]

_HANDLES = {
    "forehead": "Forehead, tilts the head",
    "brow_left": "Left brow",
    "brow_right": "Right brow",
    "lid_left": "Left eyelid",
    "lid_right": "Right eyelid",
    "iris_left": "Left eye, where they look",
    "iris_right": "Right eye, where they look",
    "nose": "Nose, turns the head",
    "corner_left": "Left corner of the mouth",
    "corner_right": "Right corner of the mouth",
    "upper_lip": "Upper lip",
    "lower_lip": "Lower lip",
    "chin": "Chin, opens the mouth",
}
"""Handle -> what it is called; left and right as the viewer sees them."""
_turns = threading.Semaphore(2)  # postures that are painted at a time; each visitor asks for one at a time


def board(spec: MethodSpec, prefix: str) -> gr.HTML:
    """The component. Its value is {"person": id, "posture": {name: number}}, see `chosen_posture`; the property
    `start`, {"posture": ..., "turn": number}, sets a posture from outside."""
    from facezoo.motion.handles import RANGES

    def move_puppet(sent: Any) -> dict[str, Any]:
        """See `move`."""
        return move(spec.id, sent)

    people = personas()
    sliders = {
        title: [(name, words, *RANGES[name]) for name, words in group.items()] for title, group in GROUPS.items()
    }
    return component(
        "methods/board.js",
        template("methods/board.html").board(prefix, people, examples(), _HANDLES, sliders),
        {"person": people[0].id, "posture": {}} if people else {},
        "puppet-stage",
        server=[move_puppet],
        start={},
        elem_id=f"{prefix}-stage",
    )


def move(method: str, sent: Any) -> dict[str, Any]:
    """One update of the page: {"person", "posture"} and perhaps {"handle", "x", "y"}, where a point is dragged to in
    [0, 1] of the drawing, or {"example"}, whose expression is taken -> {"picture", "drawing", "posture", "handles",
    "milliseconds"} or {"problem"}."""
    from facezoo import runner
    from facezoo.motion.handles import posture_from

    began = time.perf_counter()
    try:
        with _turns:
            puppet = runner.Puppet(method, str(sent["person"]))
            posture = posture_from(sent.get("posture") or {})
            if example := sent.get("example"):
                posture = runner.read_posture(method, _example(str(example)))
            elif handle := sent.get("handle"):
                posture = puppet.drag(posture, str(handle), _share(sent["x"]), _share(sent["y"]))
            shown = puppet.show(posture)
            picture, drawing = live.address(shown.picture), live.address(shown.drawing)
    except (KeyError, TypeError, ValueError, AttributeError):
        return {"problem": ""}
    except Exception as error:
        return {"problem": panel(explain(error))}
    return {
        "picture": picture,
        "drawing": drawing,
        "posture": {name: round(value, 4) for name, value in asdict(posture).items() if value},
        "handles": shown.handles,
        "milliseconds": round(1000 * (time.perf_counter() - began)),
    }


def chosen_posture(value: Mapping[str, Any] | None) -> tuple[str, dict[str, float]]:
    """Whom and what the board shows: a persona's id, and the posture by name. Raises UsageError for no person."""
    sent = sent_by_page(value)
    person, posture = sent.get("person"), sent_by_page(sent.get("posture"))
    if not person:
        raise UsageError("Nobody is chosen.", "Choose a person first.")
    return str(person), dict(posture)


def _share(value: Any) -> float:
    """A place in the picture, or a little beside it. Raises ValueError for what is none."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return min(max(number, -0.5), 1.5)


def _example(id: str) -> Any:
    for each in examples():
        if each.id == id:
            return each.path
    raise UsageError("There is no such picture.", "Take one of those that are shown.")
