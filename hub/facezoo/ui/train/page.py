"""FakeApp's three steps, for everybody: get faces, train, create. #train/PROJECT in the address leads back to one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.media.limits import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.registry import load_spec
from facezoo.safety.admission import STATEMENT
from facezoo.types import MethodSpec, Sealed
from facezoo.ui.common.cards import grid, panel, ready_card
from facezoo.ui.common.form import Form, fine_tuning
from facezoo.ui.common.html import component, heading, static, template
from facezoo.ui.common.picture import Picker, picture_input
from facezoo.ui.common.results import make
from facezoo.ui.jobs import Run, Working, main_button, shows, stop_button, wire_runs
from facezoo.ui.train import projects
from facezoo.ui.train.answers import ask, faces, pack
from facezoo.ui.train.parts import SIDES, nothing
from facezoo.ui.workspace import new_folder

__all__ = ["train_page"]

_ID = "train"
_RESULTS = f"{_ID}-results"
_SUFFIXES = (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES)
_INVITATION = ("Drop a picture or a video of A", "The face in it gets the looks of B")
_HTML = template("train/page.html")


def train_page() -> None:
    """Fills the surrounding tab and wires it."""
    spec, empty = load_spec("deepfakes"), nothing()
    with gr.Column(elem_classes=["train-page"]):
        static(_HTML.about(empty["example"]))
        frame = _HTML.frame(SIDES, empty["verdict"], STATEMENT, ",".join(_SUFFIXES))
        app = component("train/page.js", frame, {}, "train-app", server=[ask, faces, pack])
        with gr.Row(elem_classes=["zones", "train-create"], elem_id="train-create"):
            with gr.Column(elem_classes=["left-zone"]):
                heading("A picture or a video of A", look="minor")
                static(_HTML.best())
                picture = picture_input(Picker(_ID, _SUFFIXES, invitation=_INVITATION), ready="portrait")
                run, cancel = main_button("Swap A for B", f"{_ID}-run"), stop_button(f"{_ID}-stop")
                form = Form(picture, *fine_tuning(spec))
            with gr.Column(elem_classes=["right-zone", "single"]):
                heading("Result", look="minor")
                results = static(ready_card(spec, None), elem_id=_RESULTS)
                static(_HTML.keep())
        static(_HTML.end())
    picture.wire(lambda usable, _: ready_card(spec, usable and usable.preview), [results])

    def work(owner: str, project: Any, *values: Any) -> Iterator[str]:
        return _run(spec, form, owner, project, *values)

    wire_runs(
        [Run(run.click, [app, *form.inputs], work, shows(_RESULTS))],
        owner=_ID,
        outputs=[results],
        buttons=[run],
        cancel=cancel,
        failed=lambda failure: grid(panel(failure)),
    )


def _run(spec: MethodSpec, form: Form, owner: str, project: Any, *values: Any) -> Iterator[str]:
    """The result zone, again and again. Raises UsageError without a picture or trained weights."""
    order = form.order(*values)
    own = projects.opened(str((project or {}).get("project")))
    if own.state().status != "finished":
        raise UsageError("The training is not finished.", "Press “It is good, finish” in step 2 first.")

    def work(working: Working) -> Sealed:
        from facezoo import runner
        from facezoo.methods.deepfakes.pipeline import DeepFakes

        pipeline = DeepFakes.from_pretrained(own.weights)
        pipeline.person = "b"
        return runner.run(
            "deepfakes",
            order.chosen.path,
            pipeline=pipeline,
            params=order.params,
            consent=order.consent or None,
            face=order.face,
            output=new_folder() / f"deepfakes{order.suffix}",
            label=order.label,
            progress=working.progress,
        )

    for shown, _ in make(spec, order.chosen, work, owner, face=order.face):
        yield shown
