"""A persona moved by the points of a drawing, by sliders, a photo's expression, a webcam or a film; kept as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from facezoo.errors import FacezooError, UsageError
from facezoo.media.read import PHOTO_SUFFIXES
from facezoo.safety.admission import STATEMENT, require_consent
from facezoo.types import MethodSpec, Provenance, Sealed
from facezoo.ui.common import live
from facezoo.ui.common.cards import badge, grid, panel
from facezoo.ui.common.driver import driver_input, driver_markup, look_at_driver
from facezoo.ui.common.markup import film, icon, text
from facezoo.ui.common.outcome import named
from facezoo.ui.common.picture import Chosen, chosen_face, look, markup, picture_input, turn
from facezoo.ui.common.webcam import recording_markup, webcam_input
from facezoo.ui.jobs import Done, Failure, Stage, Working, explain, follow, stop
from facezoo.ui.methods.playground_view import chosen_posture, stage
from facezoo.ui.workspace import file_url, new_folder, owned
from facezoo.zoo.embedded import persona as persona_of

__all__ = ["playground"]

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_WORDS = {"detect": "Following the driver's face", "method": "Painting", "read": "Reading"}
_STOP_CAMERA = (
    "(...values) => { document.querySelector('.playground .webcam [data-act=stop]')?.click(); "
    "document.querySelector('.playground .puppet-result')?.scrollIntoView({ block: 'nearest' }); return values; }"
)
_ABOUT = (
    '<h2>Landmark playground</h2><p class="lede">Drag the points of the drawing and the person follows: the network '
    "paints whatever face the drawing shows. Nothing but these lines and shapes tells it what to do.</p>"
)
_PHOTO_NOTE = '<p class="hint">Its pose and expression are read, nothing of who it is. The photo is not kept.</p>'


@dataclass(frozen=True)
class Zone:
    """The components of the playground. prefix: of its element ids."""

    prefix: str
    stage: gr.HTML
    photo: gr.HTML
    photo_chosen: gr.State
    photo_consent: gr.Checkbox
    take: gr.Button
    webcam: gr.HTML
    recording: gr.State
    recorded: gr.HTML
    driver: gr.HTML
    driver_chosen: gr.State
    driver_consent: gr.Checkbox
    runs: dict[str, gr.Button]
    cancel: gr.Button
    results: gr.HTML


def playground(spec: MethodSpec) -> None:
    """Fills the surrounding layout and wires it. spec: a method that moves personas."""
    with gr.Column(elem_classes=["playground"], elem_id=f"{spec.id}-playground"):
        gr.HTML(_ABOUT, apply_default_css=False)
        zone = _zone(f"{spec.id}-puppet", spec)
    _wire_pictures(zone, spec)
    _wire_webcam(zone, spec)
    _wire_runs(zone, spec)


def _zone(prefix: str, spec: MethodSpec) -> Zone:
    board = stage(spec, prefix)
    runs: dict[str, gr.Button] = {}
    with gr.Row(elem_classes=["puppet-more"]):
        with gr.Column():
            runs["picture"] = _button(prefix, "picture", "Save this picture")
            cancel = gr.Button("Stop", visible=False, elem_classes=["cancel-button"], elem_id=f"{prefix}-stop")
            results = gr.HTML("", apply_default_css=False, elem_id=f"{prefix}-results", elem_classes=["puppet-result"])
        with gr.Column(elem_classes=["puppet-doors"]):
            with gr.Accordion("Take the expression from a photo", open=False, elem_classes=["tuning"]):
                photo = picture_input(f"{prefix}-photo", suffixes=list(PHOTO_SUFFIXES), chosen=None, single=True)
                photo_consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
                gr.HTML(_PHOTO_NOTE, apply_default_css=False)
                take = gr.Button("Take this expression", elem_classes=["cancel-button"], elem_id=f"{prefix}-take")
            with gr.Accordion("Follow my webcam", open=False, elem_classes=["tuning"]):
                webcam = webcam_input(f"{prefix}-panes")
                recorded = gr.HTML("", apply_default_css=False, elem_id=f"{prefix}-saved")
                runs["webcam"] = _button(prefix, "webcam", "Make the film", interactive=False)
            with gr.Accordion("Follow a film", open=False, elem_classes=["tuning"]):
                driver = driver_input(prefix)
                driver_consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
                runs["film"] = _button(prefix, "film", "Make the film")
    return Zone(
        prefix, board, photo, gr.State(None), photo_consent, take, webcam, gr.State(None), recorded, driver,
        gr.State(None), driver_consent, runs, cancel, results,
    )  # fmt: skip


def _button(prefix: str, name: str, words: str, *, interactive: bool = True) -> gr.Button:
    return gr.Button(
        words, variant="primary", interactive=interactive, elem_classes=["main-button"], elem_id=f"{prefix}-run-{name}"
    )


def _wire_pictures(zone: Zone, spec: MethodSpec) -> None:
    """A picked photo or film is looked at, and consent asked where it is needed; a photo's expression is taken."""

    def photo_picked(value: Mapping[str, Any] | None) -> tuple[Any, Chosen | None, Any]:
        found, failure = look(value)
        usable = found if failure is None else None
        shown = markup(
            f"{zone.prefix}-photo", found, accept=",".join(PHOTO_SUFFIXES), failure=failure, single=True,
            legend="Whose expression is taken",
        )  # fmt: skip
        return gr.update(markup=shown, value={"face": "1"}), usable, _asked(usable)

    def driver_picked(value: Mapping[str, Any] | None) -> tuple[Any, Chosen | None, Any]:
        found, failure = look_at_driver(value)
        usable = found if failure is None else None
        return gr.update(markup=driver_markup(zone.prefix, found, failure)), usable, _asked(usable)

    def taken(value: Mapping[str, Any] | None, chosen: Chosen | None, agreed: bool) -> tuple[Any, str]:
        from facezoo import runner

        try:
            if chosen is None:
                raise UsageError("No usable photo is chosen.", "Drop one, paste it, or take one with the camera.")
            consent = bool(agreed) or not chosen.needs_consent
            posture = runner.read_posture(spec.id, chosen.path, consent=consent, face=int(chosen_face(value)))
        except Exception as error:
            return gr.skip(), panel(explain(error))
        return gr.update(start={"posture": vars(posture), "turn": turn()}), ""

    looking: dict[str, Any] = {**_QUIET, "concurrency_limit": 2, "concurrency_id": "look"}
    outputs = [zone.photo, zone.photo_chosen, zone.photo_consent]
    zone.photo.picked(photo_picked, inputs=[zone.photo], outputs=outputs, **looking)
    outputs = [zone.driver, zone.driver_chosen, zone.driver_consent]
    zone.driver.picked(driver_picked, inputs=[zone.driver], outputs=outputs, **looking)
    zone.take.click(
        taken,
        inputs=[zone.photo, zone.photo_chosen, zone.photo_consent],
        outputs=[zone.stage, zone.results],
        js=f"(...values) => {{ document.getElementById('{zone.prefix}-stage').scrollIntoView({{ block: 'nearest' }}); "
        "return values; }",
        **looking,
    )


def _asked(usable: Chosen | None) -> Any:
    """An update of a consent box."""
    return gr.update(visible=bool(usable and usable.needs_consent), value=False)


def _wire_webcam(zone: Zone, spec: MethodSpec) -> None:
    """The webcam's beginning and what was recorded; the frames between go through `parts.webcam`."""

    def opened(request: gr.Request, value: Mapping[str, Any] | None) -> Any:
        owner = str(request.session_hash)
        try:
            person, _ = chosen_posture(value)
            live.hold(owner, live.Order(spec.id, None, consent=False, face=1, persona=person))
            live.restart(owner, {})
        except Exception as error:
            return gr.update(answer={"owner": "", "problem": panel(explain(error)), "turn": turn()})
        return gr.update(answer={"owner": owner, "turn": turn()})

    def recorded(request: gr.Request) -> tuple[Any, Any, Any]:
        try:
            path = live.record(str(request.session_hash))
        except Exception as error:
            return gr.skip(), panel(explain(error)), gr.skip()
        return str(path), recording_markup(path), gr.update(interactive=True)

    settings: dict[str, Any] = {**_QUIET, "concurrency_id": "live"}
    zone.webcam.opened(opened, inputs=[zone.stage], outputs=[zone.webcam], concurrency_limit=2, **settings)
    outputs = [zone.recording, zone.recorded, zone.runs["webcam"]]
    zone.webcam.recorded(recorded, outputs=outputs, **settings)


def _wire_runs(zone: Zone, spec: MethodSpec) -> None:
    """The main buttons: each makes one sealed file."""
    buttons = list(zone.runs.values())

    def run_with(asked: Callable[..., dict[str, Any]]) -> Callable[..., Iterator[Any]]:
        def run(request: gr.Request, value: Mapping[str, Any] | None, *values: Any) -> Iterator[Any]:
            try:
                person, posture = chosen_posture(value)
                order = asked(posture, *values)
            except FacezooError as error:
                yield panel(explain(error)), *_offered(len(buttons), busy=False)
                return
            shown = ""
            for shown in _run(spec, person, order, f"{request.session_hash}:{zone.prefix}"):
                yield shown, *_offered(len(buttons), busy=True)
            yield shown, *_offered(len(buttons), busy=False)

        return run

    ways: dict[str, tuple[Callable[..., dict[str, Any]], list[Component]]] = {
        "picture": (_by_hand, []),
        "webcam": (_by_recording, [zone.recording]),
        "film": (_by_film, [zone.driver_chosen, zone.driver_consent]),
    }
    for name, (asked, inputs) in ways.items():
        zone.runs[name].click(
            run_with(asked),
            inputs=[zone.stage, *inputs],
            outputs=[zone.results, *buttons, zone.cancel],
            js=_STOP_CAMERA if name != "picture" else None,
            concurrency_id="run",
            **_QUIET,
        )

    def cancel(request: gr.Request) -> None:
        stop(f"{request.session_hash}:{zone.prefix}")

    zone.cancel.click(cancel, queue=False, **_QUIET)


def _offered(runs: int, *, busy: bool) -> list[Any]:
    """Updates for the main buttons and the stop button."""
    return [*(gr.update(visible=not busy) for _ in range(runs)), gr.update(visible=busy)]


def _by_hand(posture: Mapping[str, float]) -> dict[str, Any]:
    return {"posture": posture}


def _by_recording(_: Mapping[str, float], path: str | None) -> dict[str, Any]:
    if not path:
        raise UsageError("Nothing is recorded yet.", "Start the camera and press Record.")
    return {"driving": owned(path)}


def _by_film(_: Mapping[str, float], clip: Chosen | None, agreed: bool) -> dict[str, Any]:
    if clip is None:
        raise UsageError("No usable film is chosen.", "Drop one, or choose a file; a video, GIF, photo or .motion.")
    consent = bool(agreed) or not clip.needs_consent
    if clip.kind != "motion":
        require_consent("", consent, frozenset(), subject="the driving clip")
    suffix = {"photo": ".png", "animation": ".gif"}.get(clip.kind, ".mp4")
    return {"driving": clip.path, "consent": consent, "suffix": suffix}


def _run(spec: MethodSpec, person: str, order: dict[str, Any], owner: str) -> Iterator[str]:
    """The result, again and again, until it is finished. order: arguments of `runner.portray`, and "suffix"."""
    from facezoo import runner
    from facezoo.safety.seal import verify

    suffix = order.pop("suffix", ".mp4" if "driving" in order else ".png")

    def work(working: Working) -> Sealed:
        output = new_folder() / f"{spec.id}{suffix}"
        return runner.portray(spec.id, person, output=output, progress=working.progress, **order)

    for event in follow(work, owner, words=_WORDS):
        if isinstance(event, Stage):
            percent = round(100 * event.fraction)
            yield (
                f'<div class="steps-work"><p role="status">{text(event.words)}</p><progress max="100" '
                f'value="{percent}" aria-label="{text(event.words)}">{percent} %</progress></div>'
            )
        elif isinstance(event, Failure):
            yield panel(event)
        elif isinstance(event, Done):
            sealed = named(event.value)
            yield _card(spec, person, sealed, None)
            yield _card(spec, person, sealed, verify(sealed.path))


def _card(spec: MethodSpec, person: str, sealed: Sealed, provenance: Provenance | None) -> str:
    known, address = persona_of(person), text(file_url(sealed.path))
    name = known.name.partition(" ")[0]
    frames = sealed.record["frames"]
    picture = f'<img class="picture" src="{address}" alt="{text(name)}, as you left the drawing">'
    if frames > 1:
        picture = film(sealed.path, poster=Path(known.portrait), subject=name)
    facts = f"<li>{sealed.record['seconds']['total']:.1f} s</li>"
    facts += f"<li>{frames} frames</li>" if frames > 1 else ""
    return grid(
        [
            f'<article class="card" data-state="done"><header><h3>{text(name)}, painted</h3><span class="year">'
            f'{text(spec.title)}</span></header><div class="frame">{picture}</div><div class="body">'
            f'<ul class="facts">{facts}<li>{badge(provenance)}</li></ul><div class="ends"><a class="download" '
            f'href="{address}" download="{text(sealed.path.name)}">{icon("download")}Download</a></div></div></article>'
        ],
    )
