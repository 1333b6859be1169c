"""The landmark playground: a drawing whose points are dragged, the persona painted from it, sliders, ways to begin."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.types import MethodSpec, Persona
from facezoo.ui.common import live
from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import icon, text
from facezoo.ui.common.people import thumbnail
from facezoo.ui.common.sliders import GROUPS
from facezoo.ui.jobs import explain
from facezoo.ui.theme import ASSETS
from facezoo.ui.workspace import file_url
from facezoo.zoo.embedded import examples, personas

__all__ = ["chosen_posture", "move", "stage"]

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


def stage(spec: MethodSpec, prefix: str) -> gr.HTML:
    """The component. Its value is {"person": id, "posture": {name: number}}, see `chosen_posture`; the property
    `start`, {"posture": ..., "turn": number}, sets a posture from outside."""

    def move_puppet(sent: Any) -> dict[str, Any]:
        """See `move`."""
        return move(spec.id, sent)

    people = personas()
    return gr.HTML(
        value={"person": people[0].id, "posture": {}} if people else {},
        start={},
        markup=_markup(prefix, people),
        html_template="${markup}",
        js_on_load=(ASSETS / "playground.js").read_text(encoding="utf-8"),
        server_functions=[move_puppet],
        apply_default_css=False,
        elem_id=f"{prefix}-stage",
        elem_classes=["puppet-stage"],
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
    """Whom and what the stage shows: a persona's id, and the posture by name. Raises UsageError for no person."""
    person, posture = (value or {}).get("person"), (value or {}).get("posture") or {}
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


def _markup(prefix: str, people: Sequence[Persona]) -> str:
    tiles = "".join(
        f'<label class="person"><input type="radio" name="{prefix}-person" value="{text(each.id)}" '
        f'data-name="{text(each.name.partition(" ")[0])}" data-portrait="{text(file_url(each.portrait))}"'
        f"{' checked' if number == 0 else ''}>{thumbnail(each)}<span>{text(each.name.partition(' ')[0])}</span></label>"
        for number, each in enumerate(people)
    )
    first = people[0] if people else None
    portrait = text(file_url(first.portrait)) if first else ""
    name = text(first.name.partition(" ")[0]) if first else ""
    return (
        '<section class="puppet" data-state="asleep" aria-label="Landmark playground">'
        f'<div class="puppet-top"><fieldset class="people"><legend>Who is painted</legend><div class="tiles">{tiles}'
        f"</div></fieldset>{_beginnings()}</div>"
        f'<div class="puppet-panes" id="{prefix}-panes">{_drawing()}'
        f'<figure class="pane painted"><div class="pane-frame"><img class="live" src="{portrait}" '
        f'alt="{name}, painted from the drawing" draggable="false"><p class="busy" role="status">'
        '<span class="spinner"></span>Fetching the brushes</p></div><figcaption><strong>'
        f'<span class="who">{name}</span>, painted</strong><output class="hint pace"></output></figcaption></figure>'
        f'{_sliders(prefix)}</div><div class="problem"></div></section>'
    )


def _drawing() -> str:
    handles = "".join(
        f'<button type="button" class="handle-point" data-handle="{name}" hidden '
        f'aria-label="{text(words)}: drag it, or use the arrow keys" title="{text(words)}"></button>'
        for name, words in _HANDLES.items()
    )
    return (
        f'<figure class="pane drawn"><div class="pane-frame"><img class="live-drawing" alt="The drawing: head, brows, '
        f'eyes and mouth as coloured lines and shapes" draggable="false">{handles}</div><figcaption><strong>The drawing'
        '</strong><span class="hint">Drag a point: brows, lids, eyes, nose, mouth, chin.</span></figcaption></figure>'
    )


def _sliders(prefix: str) -> str:
    from facezoo.motion.handles import RANGES

    groups = ""
    for title, group in GROUPS.items():
        rows = ""
        for name, words in group.items():
            low, high = RANGES[name]
            step = 1 if high > 1 else 0.05
            rows += (
                f'<label for="{prefix}-{name}"><span>{words}</span><input type="range" id="{prefix}-{name}" '
                f'data-name="{name}" min="{low:g}" max="{high:g}" step="{step:g}" value="0"></label>'
            )
        groups += f"<fieldset><legend>{title}</legend>{rows}</fieldset>"
    return f'<div class="puppet-sliders">{groups}</div>'


def _beginnings() -> str:
    thumbs = "".join(
        f'<li><button type="button" class="thumb" data-example="{text(each.id)}" title="{text(each.title)}">'
        f'<img src="{text(file_url(each.path))}" alt="The expression of: {text(each.title)}" loading="lazy">'
        "</button></li>"
        for each in examples()
    )
    return (
        '<div class="strip beginnings"><h4>Begin with the expression of</h4><ul>'
        f'<li><button type="button" class="thumb neutral" data-act="neutral" title="Nobody: at rest">{icon("person")}'
        f'<span class="visually-hidden">At rest</span></button></li>{thumbs}</ul></div>'
    )
