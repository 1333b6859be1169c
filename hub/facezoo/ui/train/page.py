"""FakeApp's three steps, for everybody: get faces, train, create. #train/PROJECT in the address leads back to one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from facezoo.errors import UsageError
from facezoo.media.read import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.registry import load_spec
from facezoo.safety.admission import STATEMENT
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import Card, grid, method_card, panel
from facezoo.ui.common.outcome import finish
from facezoo.ui.common.params import widgets
from facezoo.ui.common.picture import Chosen, chosen_face, look, markup, picture_input
from facezoo.ui.common.ready import ready_markup, ready_pictures
from facezoo.ui.jobs import Done, Failure, Stage, Working, explain, follow, stop
from facezoo.ui.theme import ASSETS
from facezoo.ui.train import projects
from facezoo.ui.train.calls import ask, faces, pack
from facezoo.ui.train.parts import nothing
from facezoo.ui.train.view import about, end, frame
from facezoo.ui.workspace import new_folder

__all__ = ["train_page"]

_ID = "train"
_RESULTS = f"{_ID}-results"
_SUFFIXES = (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES)
_INVITATION = ("Drop a picture or a video of A", "The face in it gets the looks of B")
_KEEP = (
    '<div class="train-weights"><h3>Your weights</h3><p class="hint">An archive of what was trained, with a card: how '
    "to use it, and what it must not be used for.</p>"
    '<div class="actions" data-part="weights"></div></div>'
)
_BEST = '<p class="hint">Best are pictures of A like those you trained with. Others work less well.</p>'
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_OPEN_TAB = """() => {
  const tab = () => document.querySelector('[role=tab][data-tab-id=train]');
  const open = () => /^#train(\\/|$)/.test(location.hash) && tab()?.click();
  addEventListener('hashchange', open);
  open();
}"""


@dataclass(frozen=True)
class Zone:
    """The components of step 3."""

    app: gr.HTML
    picture: gr.HTML
    chosen: gr.State
    consent: gr.Checkbox
    ready: gr.HTML
    run: gr.Button
    cancel: gr.Button
    params: dict[str, Component]
    label: gr.Radio

    @property
    def inputs(self) -> list[Component]:
        """Everything the run handler reads; params last."""
        return [self.app, self.picture, self.chosen, self.consent, self.label, *self.params.values()]


def train_page() -> None:
    """Fills the surrounding tab and wires it."""
    spec, empty = load_spec("deepfakes"), nothing()
    with gr.Column(elem_classes=["train-page"]):
        gr.HTML(about(empty["example"]), apply_default_css=False)
        app = gr.HTML(
            value={},
            markup=frame(empty["verdict"]),
            html_template="${markup}",
            js_on_load=(ASSETS / "train.js").read_text(encoding="utf-8"),
            server_functions=[ask, faces, pack],
            apply_default_css=False,
            elem_classes=["train-app"],
        )
        with gr.Row(elem_classes=["zones", "train-create"], elem_id="train-create"):
            with gr.Column(elem_classes=["left-zone"]):
                zone = _left(app, spec)
            with gr.Column(elem_classes=["right-zone", "single"]):
                gr.HTML("<h3>Result</h3>", apply_default_css=False)
                results = gr.HTML(_ready(spec, None), apply_default_css=False, elem_id=_RESULTS)
                gr.HTML(_KEEP, apply_default_css=False)
        gr.HTML(end(), apply_default_css=False)
    gr.on(None, fn=None, js=_OPEN_TAB, **_QUIET)
    _wire_picture(zone, spec, results)
    _wire_run(zone, spec, results)


def _left(app: gr.HTML, spec: MethodSpec) -> Zone:
    gr.HTML("<h3>A picture or a video of A</h3>", apply_default_css=False)
    gr.HTML(_BEST, apply_default_css=False)
    chosen = gr.State(None)
    picture = picture_input(_ID, suffixes=_SUFFIXES, chosen=None, invitation=_INVITATION)
    consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
    ready = ready_pictures(None)
    run = gr.Button("Swap A for B", variant="primary", elem_classes=["main-button"], elem_id=f"{_ID}-run")
    cancel = gr.Button("Stop", visible=False, elem_classes=["cancel-button"], elem_id=f"{_ID}-stop")
    with gr.Accordion("Fine tuning", open=False, elem_classes=["tuning"]):
        params = widgets(spec)
        label = gr.Radio(
            [("Small", "small"), ("Medium", "medium"), ("Large", "large")],
            value="small",
            label="AI label",
            info="Size of the visible mark in the corner.",
        )
    return Zone(app, picture, chosen, consent, ready, run, cancel, params, label)


def _wire_picture(zone: Zone, spec: MethodSpec, results: gr.HTML) -> None:
    def picked(value: Mapping[str, Any] | None) -> tuple[Any, Any, Chosen | None, Any, str]:
        found, failure = look(value)
        usable = found if failure is None else None
        shown = markup(_ID, found, accept=",".join(_SUFFIXES), failure=failure, invitation=_INVITATION)
        ask_consent = gr.update(visible=bool(usable and usable.needs_consent), value=False)
        strips = gr.update(markup=ready_markup(usable.example if usable else ""))
        return gr.update(markup=shown, value={"face": "1"}), strips, usable, ask_consent, _ready(spec, usable)

    for picker in (zone.picture, zone.ready):
        picker.picked(
            picked,
            inputs=[picker],
            outputs=[zone.picture, zone.ready, zone.chosen, zone.consent, results],
            concurrency_limit=2,
            concurrency_id="look",
            **_QUIET,
        )


def _wire_run(zone: Zone, spec: MethodSpec, results: gr.HTML) -> None:
    names = list(zone.params)

    def run(request: gr.Request, *values: Any) -> Iterator[tuple[str, Any, Any]]:
        project, picture, chosen, consent, label, *params = values
        shown = ""
        try:
            work, chosen = _work(project, picture, chosen, consent, label, dict(zip(names, params, strict=True)))
        except Exception as error:
            yield grid([panel(explain(error))]), gr.update(visible=True), gr.update(visible=False)
            return
        for shown in _follow(spec, work, chosen, chosen_face(picture), f"{request.session_hash}:{_ID}"):
            yield shown, gr.update(visible=False), gr.update(visible=True)
        yield shown, gr.update(visible=True), gr.update(visible=False)

    def cancel(request: gr.Request) -> None:
        stop(f"{request.session_hash}:{_ID}")

    zone.run.click(
        run,
        inputs=zone.inputs,
        outputs=[results, zone.run, zone.cancel],
        js=f"(...values) => {{ window.facezooShowResults('{_RESULTS}'); return values; }}",
        concurrency_id="run",
        **_QUIET,
    )
    zone.cancel.click(cancel, queue=False, **_QUIET)


def _work(
    project: Any, picture: Any, chosen: Chosen | None, consent: bool, label: Any, params: dict[str, Any]
) -> tuple[Any, Chosen]:
    """What the run does, and the picture it does it to. Raises UsageError without a picture or trained weights."""
    if chosen is None:
        raise UsageError("No usable picture is chosen.", "Drop one, paste it, or take a ready picture.")
    own = projects.opened(str((project or {}).get("project")))
    if own.state().status != "finished":
        raise UsageError("The training is not finished.", "Press “It is good, finish” in step 2 first.")
    face: Any = chosen_face(picture)

    def work(working: Working) -> Any:
        from facezoo import runner
        from facezoo.methods.deepfakes.pipeline import DeepFakes

        pipeline = DeepFakes.from_pretrained(own.weights)
        pipeline.person = "b"
        suffix = {"photo": ".png", "animation": ".gif", "video": ".mp4"}[chosen.kind]
        return runner.run(
            "deepfakes",
            chosen.path,
            pipeline=pipeline,
            params=params,
            consent=bool(consent) or None,
            face=face if face == "all" else int(face),
            output=new_folder() / f"deepfakes{suffix}",
            label=label,
            progress=working.progress,
        )

    return work, chosen


def _follow(spec: MethodSpec, work: Any, chosen: Chosen, face: str, owner: str) -> Iterator[str]:
    """The result zone, again and again, until the work is finished."""
    card = Card(spec, "working", before=chosen.preview, words="Starting")
    yield grid([method_card(card)], status="Starting", busy=True)
    for event in follow(work, owner):
        if isinstance(event, Stage):
            left = f", about {event.seconds_left:.0f} s left" if event.seconds_left and event.seconds_left >= 2 else ""
            card = replace(card, words=f"{event.words}{left}", fraction=event.fraction)
            yield grid([method_card(card)], status=event.words, busy=True)
        elif isinstance(event, Failure):
            state: Any = event.state
            yield grid([method_card(replace(card, state=state, failure=event))], status=event.state.capitalize())
        elif isinstance(event, Done):
            for card in finish(spec, event.value, chosen, face if face == "all" else int(face)):
                yield grid([method_card(card)], status="Finished")


def _ready(spec: MethodSpec, chosen: Chosen | None) -> str:
    return grid([method_card(Card(spec, "ready", before=chosen.preview if chosen else None))])
