"""The webcam that moves a picture: started, recorded and stopped in the page; frame by frame to the server and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.ui.common import live
from facezoo.ui.common.cards import panel
from facezoo.ui.common.html import component, static, template
from facezoo.ui.common.picture import turn
from facezoo.ui.jobs import LIVE, explain, main_button
from facezoo.ui.workspace import owned

__all__ = ["WebcamInput", "begin_recording", "follow_webcam", "recorded_motion", "recording_markup", "webcam_input"]

_LONGEST = 60  # seconds that may be recorded
_HTML = template("common/webcam.html")


@dataclass(frozen=True)
class WebcamInput:
    """The components. recording: holds the path of the motion file, None before there is one. film: the button that
    makes a film of it."""

    camera: gr.HTML
    recording: gr.State
    saved: gr.HTML
    film: gr.Button

    def wire(self, begin: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any] = ()) -> None:
        """begin(session, *values of inputs): holds what is moved, and gives what the one of `outputs` becomes."""

        def opened(request: gr.Request, *values: Any) -> Any:
            session = str(request.session_hash)
            try:
                shown, answer = begin(session, *values), {"owner": session, "turn": turn()}
            except Exception as error:
                shown, answer = gr.skip(), {"owner": "", "problem": panel(explain(error)), "turn": turn()}
            told = gr.update(answer=answer)
            return (told, shown) if outputs else told  # gradio takes a list as the value of a single output

        def recorded(request: gr.Request) -> tuple[Any, Any, Any]:
            try:
                path = live.record(str(request.session_hash))
            except Exception as error:
                return gr.skip(), panel(explain(error)), gr.skip()
            return str(path), recording_markup(path), gr.update(interactive=True)

        camera: Any = self.camera
        camera.opened(opened, list(inputs), [camera, *outputs], **LIVE)
        camera.recorded(recorded, None, [self.recording, self.saved, self.film], **LIVE)


def webcam_input(prefix: str, target: str) -> WebcamInput:
    """The webcam in the surrounding layout. target: element id of the results, in which the image of class "live" shows
    the picture, and that of class "live-drawing", if there is one, what it was painted from.

    Events: opened, the camera runs; the property `answer` tells the page what comes of it, {"owner": session, "turn":
    number} or {"owner": "", "problem": HTML, "turn": number}. recorded, a recording ended."""
    markup, server = _HTML.webcam(target, _LONGEST), [follow_webcam, begin_recording]
    camera = component("common/webcam.js", markup, {}, "webcam-input", server=server, answer={})
    saved = static("", elem_id=f"{prefix}-saved")
    return WebcamInput(
        camera, gr.State(None), saved, main_button("Make the film", f"{prefix}-run-webcam", interactive=False)
    )


def recorded_motion(path: str | None) -> Path:
    """The motion file of `WebcamInput.recording`. Raises UsageError when there is none."""
    if not path:
        raise UsageError("Nothing is recorded yet.", "Start the camera and press Record.")
    return owned(path)


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
    return _HTML.recorded(path, len(template.motions) / float(template.rate))
