"""The webcam that moves a picture: started, recorded and stopped in the page; frame by frame to the server and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.ui.common import live
from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import icon, text
from facezoo.ui.jobs import explain
from facezoo.ui.theme import ASSETS
from facezoo.ui.workspace import file_url

__all__ = ["LONGEST", "begin_recording", "follow_webcam", "recording_markup", "webcam_input"]

LONGEST = 60
"""Seconds that may be recorded."""


def webcam_input(target: str) -> gr.HTML:
    """The component. target: element id of the results, in which the image of class "live" shows the picture, and that
    of class "live-drawing", if there is one, what it was painted from.

    Events: opened, the camera runs; the property `answer` tells the page what comes of it, {"owner": session, "turn":
    number} or {"owner": "", "problem": HTML, "turn": number}. recorded, a recording ended. Its value is not used."""
    return gr.HTML(
        value={},
        answer={},
        markup=_markup(target),
        html_template="${markup}",
        js_on_load=(ASSETS / "webcam.js").read_text(encoding="utf-8"),
        server_functions=[follow_webcam, begin_recording],
        apply_default_css=False,
        elem_classes=["webcam-input"],
    )


def follow_webcam(sent: Any) -> dict[str, Any]:
    """One webcam picture: {"owner", "frame", "seconds"} -> {"picture", "drawing"} or {"problem"}."""
    try:
        owner = str(sent["owner"])
        picture = live.follow(owner, str(sent["frame"]), float(sent["seconds"]))
        return {"picture": picture, "drawing": live.drawing(owner)}
    except (KeyError, TypeError, ValueError):
        return {"problem": ""}
    except Exception as error:
        return {"problem": panel(explain(error))}


def begin_recording(sent: Any) -> dict[str, Any]:
    """What follows is kept: {"owner"} -> {} or {"problem"}."""
    try:
        live.restart(str(sent["owner"]))
    except (KeyError, TypeError, ValueError):
        return {"problem": ""}
    except Exception as error:
        return {"problem": panel(explain(error))}
    return {}


def recording_markup(path: Path) -> str:
    """What was recorded, and the motion file to download."""
    from facezoo.motion.template import load_template

    template = load_template(path)
    seconds = len(template.motions) / float(template.rate)
    address = text(file_url(path))
    return (
        f'<div class="saved"><p role="status">{icon("check")}Recorded: {seconds:.1f} s</p>'
        f'<a class="download" href="{address}" download="my-motion.motion">{icon("download")}Download the motion</a>'
        "</div>"
    )


def _markup(target: str) -> str:
    return (
        f'<section class="webcam" data-state="off" data-target="{target}" data-longest="{LONGEST}" '
        'aria-label="Your webcam"><div class="canvas"><div class="invitation"><strong>Your face moves the picture'
        "</strong><span>Look straight ahead when it starts: that moment counts as the picture’s own.</span></div>"
        '<video muted playsinline aria-label="What your webcam sees"></video>'
        '<p class="busy" role="status"><span class="spinner"></span>Starting</p><span class="rec" aria-hidden="true">'
        '</span></div><div class="problem"></div><div class="actions">'
        '<button type="button" class="button" data-act="start">Start the camera</button>'
        '<button type="button" class="button" data-act="record">Record</button>'
        '<button type="button" class="button" data-act="finish">Stop recording</button>'
        '<button type="button" class="button" data-act="stop">Turn the camera off</button></div>'
        '<p class="hint">Your camera’s pictures are looked at and forgotten. A recording keeps the motion alone, no '
        "picture of you.</p></section>"
    )
