"""The sliders that pose a face by hand, in plain words."""

from __future__ import annotations

import gradio as gr

from facezoo.registry import describe_params
from facezoo.types import MethodSpec
from facezoo.ui.common.html import heading

__all__ = ["GROUPS", "SLIDERS", "face_sliders"]


GROUPS = {
    "Head": {"yaw": "Turn left or right", "pitch": "Nod up or down", "roll": "Tilt left or right"},
    "Mouth": {"smile": "Sad or smiling", "mouth": "Open", "pucker": "Kiss"},
    "Eyes": {
        "brows": "Brows down or up",
        "blink": "Close both",
        "wink": "Wink left or right",
        "look_x": "Look left or right",
        "look_y": "Look up or down",
    },
}
"""What the sliders are for -> parameter name -> its words."""
SLIDERS = tuple(name for group in GROUPS.values() for name in group)
"""Names of the parameters that pose a face without any driver."""


def face_sliders(spec: MethodSpec) -> dict[str, gr.Slider]:
    """Parameter name -> slider, in groups, for those that `spec` has; in the surrounding layout."""
    known = {each.name: each for each in describe_params(spec)}
    made: dict[str, gr.Slider] = {}
    for title, group in GROUPS.items():
        names = [name for name in group if name in known]
        if not names:
            continue
        with gr.Column(elem_classes=["slider-group"]):
            heading(title, 3, look="quiet")
            for name in names:
                parameter = known[name]
                made[name] = gr.Slider(
                    parameter.low,
                    parameter.high,
                    value=parameter.default,
                    step=parameter.step,
                    label=group[name],
                    buttons=[],
                    elem_id=f"{spec.id}-{name}",
                )
    return made
