"""A face is learned from one to eight photos, or a painting, and what was learned is moved. It is the visitor's own:
deleted with their other files, unless they download it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.media.limits import PHOTO_SUFFIXES
from facezoo.safety.admission import agreed, require_consent
from facezoo.types import Image, MethodSpec
from facezoo.ui.animate.motions import motion_chooser
from facezoo.ui.common.cards import failed_card, grid, ready_card
from facezoo.ui.common.form import Form, Order, fine_tuning
from facezoo.ui.common.html import heading, static, template
from facezoo.ui.common.params import strict
from facezoo.ui.common.picture import Picker, consent_box, first_example, picture_input, write_preview
from facezoo.ui.common.results import make
from facezoo.ui.common.sliders import SLIDERS
from facezoo.ui.jobs import QUIET, Done, Failure, Partial, Run, Working, main_button, run, shows, stop_button, wire_runs
from facezoo.ui.workspace import new_folder, owned
from facezoo.zoo.embedded import examples

__all__ = ["learn_zone"]

_WORDS = {"read": "Looking at the photos", "learn": "Learning the face", "detect": "Finding the face",
          "method": "Moving the picture"}  # fmt: skip
_MORE = "More photos of the same person"
_HTML = template("methods/learn.html")


@dataclass(frozen=True)
class _Parts:
    form: Form
    more: gr.File
    consent: gr.Checkbox
    steps: Any
    motion: gr.HTML
    buttons: list[gr.Button]
    cancel: gr.Button


def learn_zone(spec: MethodSpec) -> None:
    """Fills the surrounding layout and wires it. spec: of the method that learns."""
    results_id, owner = f"{spec.id}-learned", f"{spec.id}-learn"
    with gr.Row(elem_classes=["zones"]):
        with gr.Column(elem_classes=["left-zone"]):
            parts = _parts(spec)
        with gr.Column(elem_classes=["right-zone", "single"]):
            heading("What it learned", look="minor")
            start = parts.form.picture.chosen.value
            results = static(ready_card(spec, start and start.preview), elem_id=results_id)
    head = gr.State(None)
    parts.form.picture.wire(lambda usable, _: ready_card(spec, usable and usable.preview), [results])
    parts.more.change(_asked, parts.more, parts.consent, queue=False, **QUIET)

    def learned(asker: str, *values: Any) -> Iterator[tuple[str, Any]]:
        *ordered, more, consent, steps = values
        return _learn(spec, parts.form.order(*ordered), _photos(more, consent), steps, asker)

    def moved(asker: str, *values: Any) -> Iterator[tuple[str, Any]]:
        *ordered, folder, motion = values
        return _move(spec, parts.form.order(*ordered), folder, motion, asker)

    inputs, learn, move = parts.form.inputs, *parts.buttons
    wire_runs(
        [
            Run(learn.click, [*inputs, parts.more, parts.consent, parts.steps], learned, shows(results_id)),
            Run(move.click, [*inputs, head, parts.motion], moved, shows(results_id)),
        ],
        owner=owner,
        outputs=[results, head],
        buttons=parts.buttons,
        cancel=parts.cancel,
        failed=lambda failure: (failed_card(spec, failure), gr.skip()),
    )


def _parts(spec: MethodSpec) -> _Parts:
    heading("1. Photos of one person, or a painting", look="minor")
    painting = next((each.id for each in examples() if each.kind == "painting"), "")
    picture = picture_input(Picker(f"{spec.id}-learn", single=True), start=first_example(painting), ready="painting")
    static(_HTML.more())
    more = gr.File(file_count="multiple", file_types=list(PHOTO_SUFFIXES), label=_MORE, show_label=False, height=140)
    consent = consent_box()
    with gr.Column(elem_classes=["slider-group"]):
        steps = strict(gr.Slider(0, 400, 120, step=20, label="Steps", buttons=[]))
    static(_HTML.steps())
    learn = main_button("Learn this face", f"{spec.id}-run-learn")
    heading("2. What moves it", look="minor", elem_classes=["next-step"])
    motion = motion_chooser(f"{spec.id}-learn")
    move = main_button("Bring it to life", f"{spec.id}-run-learned")
    settings, params = fine_tuning(spec, leave_out=[*SLIDERS, "learn", "landmarks"], format=True)
    cancel = stop_button(f"{spec.id}-learn-stop")
    return _Parts(Form(picture, settings, params), more, consent, steps, motion, [learn, move], cancel)


def _asked(files: list[str] | None) -> Any:
    return gr.update(visible=bool(files), value=False)


def _photos(files: list[str] | None, consent: object) -> list[Path]:
    """The other photos. Raises ConsentRequired without a tick for them, BadInput for files that are not uploads."""
    photos = [owned(each) for each in files or ()]
    if photos:
        require_consent("", agreed(consent), frozenset(), subject="the other photos")
    return photos


def _learn(spec: MethodSpec, order: Order, more: list[Path], steps: Any, owner: str) -> Iterator[tuple[str, Any]]:
    """The zone, again and again, with what the network makes of the face by now; last the head, and its folder."""
    require_consent("", order.consent or not order.chosen.needs_consent, frozenset(), subject="the picture")
    head, shown = new_folder() / "head", order.chosen.preview

    def work(working: Working) -> Any:
        from facezoo import runner

        def seen(step: int, picture: Image) -> None:
            working.partial(str(step), write_preview(picture))

        return runner.learn(
            [order.chosen.path, *more], head, steps=int(steps), consent=order.consent or bool(more) or None,
            progress=working.progress, on_picture=seen,
        )  # fmt: skip

    yield grid(_HTML.learning(spec, shown, "Starting", 0.0), status="Starting", busy=True), None
    words, fraction = "Starting", 0.0
    for event in run(work, owner, words=_WORDS):
        if isinstance(event, Done):
            archive = Path(shutil.make_archive(str(head.with_name("facezoo-head")), "zip", head))
            card = _HTML.learned(spec, shown, event.value, archive)
            yield grid(card, status="Learned"), str(head)
        elif isinstance(event, Failure):
            yield failed_card(spec, event), None
        elif isinstance(event, Partial):
            shown = event.value
        else:
            words, fraction = event.line, event.fraction
        if not isinstance(event, Done | Failure):
            yield grid(_HTML.learning(spec, shown, words, fraction), status=words, busy=True), None


def _move(spec: MethodSpec, order: Order, head: str | None, motion: object, owner: str) -> Iterator[tuple[str, Any]]:
    """The zone until the learned face has done the motion."""
    if not head:
        raise UsageError("Nothing is learned yet.", "Press “Learn this face” first.")
    folder = owned(Path(head) / "head.json").parent
    output = new_folder() / f"{spec.id}{order.settings['format']}"

    def work(working: Working) -> Any:
        from facezoo import runner
        from facezoo.motion.template import shipped

        pipeline, photo = runner.open_head(folder)
        return runner.run(
            spec.id, photo, pipeline=pipeline, driving=shipped(str(motion)).name, params=order.params, output=output,
            consent=True, label=order.label, progress=working.progress,  # given when it was learned
        )  # fmt: skip

    for shown, _ in make(spec, order.chosen, work, owner, face=1, words=_WORDS):
        yield shown, gr.skip()
