"""A persona moved by the points of a drawing, by sliders, a photo's expression, a webcam or a film; kept as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.safety.admission import agreed, require_consent
from facezoo.types import MethodSpec, Sealed
from facezoo.ui.animate.motions import sample_clips
from facezoo.ui.common import live
from facezoo.ui.common.cards import Card, grid, panel
from facezoo.ui.common.html import static, template
from facezoo.ui.common.picture import Chosen, Picker, PictureInput, chosen_face, driver_input, picture_input, turn
from facezoo.ui.common.results import named
from facezoo.ui.common.webcam import WebcamInput, recorded_motion, webcam_input
from facezoo.ui.jobs import (
    LOOKING,
    Done,
    Failure,
    Run,
    Stage,
    Working,
    explain,
    main_button,
    run,
    stop_button,
    wire_runs,
)
from facezoo.ui.methods.board import board, chosen_posture
from facezoo.ui.workspace import new_folder
from facezoo.zoo.embedded import persona as persona_of

__all__ = ["playground"]

_WORDS = {"detect": "Following the driver's face", "method": "Painting", "read": "Reading"}
_STOP_CAMERA = (
    "(...values) => { document.querySelector('.playground .webcam [data-act=stop]')?.click(); "
    "document.querySelector('.playground .puppet-result')?.scrollIntoView({ block: 'nearest' }); return values; }"
)
_BOARD = template("methods/board.html")
_PARTS, _CARDS = template("common/parts.html"), template("common/cards.html")


@dataclass(frozen=True)
class Playground:
    """The components. prefix: of their element ids."""

    prefix: str
    board: gr.HTML
    photo: PictureInput
    take: gr.Button
    webcam: WebcamInput
    driver: PictureInput
    runs: dict[str, gr.Button]
    cancel: gr.Button
    results: gr.HTML


def playground(spec: MethodSpec) -> None:
    """Fills the surrounding layout and wires it. spec: a method that moves personas."""
    with gr.Column(elem_classes=["playground"], elem_id=f"{spec.id}-playground"):
        static(_BOARD.playground_about())
        made = _built(f"{spec.id}-puppet", spec)
    made.driver.wire()
    _wire_photo(made, spec)
    _wire_runs(made, spec)

    def begin(session: str, value: Mapping[str, Any] | None) -> None:
        person, _ = chosen_posture(value)
        live.hold(session, live.Subject(spec.id, None, consent=False, face=1, persona=person))
        live.restart(session, {})

    made.webcam.wire(begin, [made.board])


def _built(prefix: str, spec: MethodSpec) -> Playground:
    drawing = board(spec, prefix)
    runs: dict[str, gr.Button] = {}
    with gr.Row(elem_classes=["puppet-more"]):
        with gr.Column():
            runs["picture"] = main_button("Save this picture", f"{prefix}-run-picture")
            cancel = stop_button(f"{prefix}-stop")
            results = static("", elem_id=f"{prefix}-results", elem_classes=["puppet-result"])
        with gr.Column(elem_classes=["puppet-doors"]):
            with gr.Accordion("Take the expression from a photo", open=False, elem_classes=["tuning"]):
                photo = picture_input(Picker(f"{prefix}-photo", legend="Whose expression is taken", single=True))
                static(_BOARD.photo_note())
                take = gr.Button("Take this expression", elem_classes=["cancel-button"], elem_id=f"{prefix}-take")
            with gr.Accordion("Follow my webcam", open=False, elem_classes=["tuning"]):
                webcam = webcam_input(prefix, f"{prefix}-panes")
                runs["webcam"] = webcam.film
            with gr.Accordion("Follow a film", open=False, elem_classes=["tuning"]):
                driver = driver_input(prefix, sample_clips())
                runs["film"] = main_button("Make the film", f"{prefix}-run-film")
    return Playground(prefix, drawing, photo, take, webcam, driver, runs, cancel, results)


def _wire_photo(made: Playground, spec: MethodSpec) -> None:
    """A photo's expression is taken."""

    def taken(value: Mapping[str, Any] | None, chosen: Chosen | None, given: object) -> tuple[Any, str]:
        from facezoo import runner

        try:
            if chosen is None:
                raise UsageError("No usable photo is chosen.", "Drop one, paste it, or take one with the camera.")
            consent = agreed(given) or not chosen.needs_consent
            face = chosen_face(value)
            chosen_one: Any = int(face) if face.isdecimal() else "all"
            posture = runner.read_posture(spec.id, chosen.path, consent=consent, face=chosen_one)
        except Exception as error:
            return gr.skip(), panel(explain(error))
        return gr.update(start={"posture": vars(posture), "turn": turn()}), ""

    made.photo.wire()
    made.take.click(
        taken,
        inputs=made.photo.inputs,
        outputs=[made.board, made.results],
        js=f"(...values) => {{ document.getElementById('{made.prefix}-stage').scrollIntoView({{ block: 'nearest' }}); "
        "return values; }",
        **LOOKING,
    )


def _wire_runs(made: Playground, spec: MethodSpec) -> None:
    """The main buttons: each makes one sealed file."""

    def run_with(asked: Callable[..., dict[str, Any]]) -> Callable[..., Iterator[str]]:
        def run(owner: str, value: Mapping[str, Any] | None, *values: Any) -> Iterator[str]:
            person, posture = chosen_posture(value)
            return _run(spec, person, asked(posture, *values), owner)

        return run

    known: dict[str, tuple[Callable[..., dict[str, Any]], list[Any]]] = {
        "picture": (_by_hand, []),
        "webcam": (_by_recording, [made.webcam.recording]),
        "film": (_by_film, [made.driver.chosen, made.driver.consent]),
    }
    wire_runs(
        [
            Run(
                made.runs[name].click,
                [made.board, *inputs],
                run_with(asked),
                _STOP_CAMERA if name != "picture" else None,
            )
            for name, (asked, inputs) in known.items()
        ],
        owner=made.prefix,
        outputs=[made.results],
        buttons=list(made.runs.values()),
        cancel=made.cancel,
        failed=panel,
    )


def _by_hand(posture: Mapping[str, float]) -> dict[str, Any]:
    return {"posture": posture}


def _by_recording(_: Mapping[str, float], path: str | None) -> dict[str, Any]:
    return {"driving": recorded_motion(path)}


def _by_film(_: Mapping[str, float], clip: Chosen | None, given: object) -> dict[str, Any]:
    if clip is None:
        raise UsageError("No usable film is chosen.", "Drop one, or choose a file; a video, GIF, photo or .motion.")
    consent = agreed(given) or not clip.needs_consent
    if clip.kind != "motion":
        require_consent("", consent, frozenset(), subject="the driving clip")
    suffix = {"photo": ".png", "animation": ".gif"}.get(clip.kind, ".mp4")
    return {"driving": clip.path, "consent": consent, "suffix": suffix}


def _run(spec: MethodSpec, person: str, order: dict[str, Any], owner: str) -> Iterator[str]:
    """The result, again and again, until it is finished. order: arguments of `runner.portray`, and "suffix"."""
    from facezoo.safety.seal import verify

    suffix = order.pop("suffix", ".mp4" if "driving" in order else ".png")

    def work(working: Working) -> Sealed:
        from facezoo import runner

        output = new_folder() / f"{spec.id}{suffix}"
        return runner.portray(spec.id, person, output=output, progress=working.progress, **order)

    for event in run(work, owner, words=_WORDS):
        if isinstance(event, Stage):
            yield _PARTS.at_work(event)
        elif isinstance(event, Failure):
            yield panel(event)
        elif isinstance(event, Done):
            known, sealed = persona_of(person), named(event.value)
            name = known.name.partition(" ")[0]
            card = Card(spec, "done", sealed=sealed, before=Path(known.portrait))
            yield grid(_CARDS.persona(card, name))
            yield grid(_CARDS.persona(replace(card, provenance=verify(sealed.path)), name))
