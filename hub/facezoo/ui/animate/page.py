"""One picture comes alive: moved by a ready motion, a clip, the visitor's webcam, or sliders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from facezoo.errors import FacezooError, UsageError
from facezoo.media.read import PHOTO_SUFFIXES
from facezoo.safety.admission import STATEMENT, require_consent
from facezoo.types import MethodSpec
from facezoo.ui.common import live
from facezoo.ui.common.cards import Card, grid, live_card, method_card, panel
from facezoo.ui.common.driver import driver_input, driver_markup, look_at_driver, motion_chooser, way_chooser
from facezoo.ui.common.markup import text
from facezoo.ui.common.outcome import finish
from facezoo.ui.common.params import widgets
from facezoo.ui.common.picture import Chosen, chosen_face, look, markup, picture_input, turn
from facezoo.ui.common.ready import ready_markup, ready_pictures
from facezoo.ui.common.sliders import SLIDERS, face_sliders
from facezoo.ui.common.webcam import recording_markup, webcam_input
from facezoo.ui.compare.finished import animation_example, animation_start
from facezoo.ui.jobs import Done, Failure, Stage, Working, explain, follow, stop
from facezoo.ui.workspace import file_url, new_folder, owned

__all__ = ["animate_page", "visitor_left"]

_ID = "animate"
_RESULTS = f"{_ID}-results"
_LABELS = [("Small", "small"), ("Medium", "medium"), ("Large", "large")]
_FORMATS = [("MP4", ".mp4"), ("GIF", ".gif"), ("WebP", ".webp")]
_WORDS = {"detect": "Following the driver's face", "method": "Moving the picture", "read": "Reading"}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_SHOW = f"(...values) => {{ window.facezooShowResults('{_RESULTS}'); return values; }}"
_SHOW_FILM = (
    "(...values) => { document.querySelector('.webcam [data-act=stop]')?.click(); "
    f"window.facezooShowResults('{_RESULTS}'); return values; }}"
)


_ABOUT = (
    '<section class="about"><h2>One picture comes alive</h2><p class="lede">Choose a painting or a photo, and what '
    "moves it. It is the picture itself that moves, at its own size.</p></section>"
)
_KEEP_PICTURE = "It follows the sliders. “Save this picture” gives you the file, signed and at its full size."
_KEEP_FILM = "It follows your face. To keep a film, record a moment, then press “Make the film”."


@dataclass(frozen=True)
class Zone:
    """The components of the page. common: what every handler reads first, in the order `_order` expects."""

    picture: gr.HTML
    chosen: gr.State
    consent: gr.Checkbox
    ready: gr.HTML
    way: gr.HTML
    motion: gr.HTML
    driver: gr.HTML
    driver_chosen: gr.State
    driver_consent: gr.Checkbox
    webcam: gr.HTML
    recording: gr.State
    saved: gr.HTML
    sliders: dict[str, gr.Slider]
    reset: gr.Button
    runs: dict[str, gr.Button]
    cancel: gr.Button
    params: dict[str, Component]
    label: gr.Radio
    format: gr.Radio

    @property
    def common(self) -> list[Component]:
        """Picture, consent, output; params last."""
        return [self.picture, self.chosen, self.consent, self.label, self.format, *self.params.values()]


@dataclass(frozen=True)
class Order:
    """What the visitor asked for, whatever moves the picture."""

    chosen: Chosen
    face: int
    consent: bool
    label: Any
    suffix: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Driver:
    """What moves the picture. driving: a template's name, a file, or None for `params`, the sliders, alone. still: the
    result is a picture. consent: given for the file, or not needed."""

    driving: str | Path | None
    still: bool = False
    consent: bool = False
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


def animate_page(spec: MethodSpec) -> None:
    """Fills the surrounding tab and wires it. spec: the method that animates."""
    gr.HTML(_ABOUT, apply_default_css=False)
    start = animation_start(spec)
    with gr.Row(elem_classes=["zones", "animate"]):
        with gr.Column(elem_classes=["left-zone"]):
            zone = _left(spec, start)
        with gr.Column(elem_classes=["right-zone", "single"]):
            gr.HTML("<h3>Result</h3>", apply_default_css=False)
            opening = animation_example(spec) or _ready(spec, start)
            results = gr.HTML(opening, apply_default_css=False, elem_id=_RESULTS)
            gr.HTML(f'<p class="hint limits">{text(spec.limits)}</p>', apply_default_css=False)
    posed = _wire_sliders(zone, spec, results)
    _wire_pictures(zone, spec, results, posed)
    _wire_runs(zone, spec, results)
    _wire_webcam(zone, spec, results)


def visitor_left(request: gr.Request) -> None:
    """Forgets the picture that a visitor moved live, when their page is closed."""
    live.release(str(request.session_hash))


def _left(spec: MethodSpec, start: Chosen | None) -> Zone:
    gr.HTML("<h3>The picture</h3>", apply_default_css=False)
    chosen = gr.State(start)
    picture = picture_input(_ID, suffixes=list(PHOTO_SUFFIXES), chosen=start, single=True)
    consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
    ready = ready_pictures(start, paintings_first=True)
    gr.HTML("<h3>What moves it</h3>", apply_default_css=False, elem_classes=["next-step"])
    way = way_chooser(_ID)
    runs: dict[str, gr.Button] = {}
    with gr.Column(elem_classes=["way", "way-motion"]):
        motion = motion_chooser(_ID)
        runs["motion"] = _main_button("motion", "Bring it to life")
    with gr.Column(elem_classes=["way", "way-clip"]):
        driver = driver_input(_ID)
        driver_consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
        runs["clip"] = _main_button("clip", "Bring it to life")
    with gr.Column(elem_classes=["way", "way-webcam"]):
        webcam = webcam_input(_RESULTS)
        saved = gr.HTML("", apply_default_css=False, elem_id=f"{_ID}-saved")
        runs["webcam"] = _main_button("webcam", "Make the film", interactive=False)
    with gr.Column(elem_classes=["way", "way-sliders"]):
        sliders = face_sliders(spec)
        reset = gr.Button("Back to the start", elem_classes=["cancel-button"], elem_id=f"{_ID}-reset")
        runs["sliders"] = _main_button("sliders", "Save this picture")
    cancel = gr.Button("Stop", visible=False, elem_classes=["cancel-button"], elem_id=f"{_ID}-stop")
    with gr.Accordion("Fine tuning", open=False, elem_classes=["tuning"]):
        params = widgets(spec, leave_out=SLIDERS)
        format = gr.Radio(_FORMATS, value=".mp4", label="File type", info="GIF and WebP are larger and have no sound.")
        label = gr.Radio(_LABELS, value="small", label="AI label", info="Size of the visible mark in the corner.")
    return Zone(
        picture, chosen, consent, ready, way, motion, driver, gr.State(None), driver_consent, webcam, gr.State(None),
        saved, sliders, reset, runs, cancel, params, label, format,
    )  # fmt: skip


def _main_button(way: str, words: str, *, interactive: bool = True) -> gr.Button:
    return gr.Button(
        words, variant="primary", interactive=interactive, elem_classes=["main-button"], elem_id=f"{_ID}-run-{way}"
    )


def _wire_pictures(zone: Zone, spec: MethodSpec, results: gr.HTML, posed: Mapping[str, Any]) -> None:
    """A picked picture, or clip, is looked at, and consent asked where it is needed. posed: what follows a picture."""

    def picked(request: gr.Request, value: Mapping[str, Any] | None) -> tuple[Any, ...]:
        live.release(str(request.session_hash))
        found, failure = look(value)
        usable = found if failure is None else None
        shown = markup(_ID, found, accept=",".join(PHOTO_SUFFIXES), failure=failure, single=True)
        strips = ready_markup(usable.example if usable else "", paintings_first=True)
        ask = gr.update(visible=bool(usable and usable.needs_consent), value=False)
        picture = gr.update(markup=shown, value={"face": "1"})
        return picture, gr.update(markup=strips), usable, ask, _ready(spec, usable)

    def driver_picked(value: Mapping[str, Any] | None) -> tuple[Any, Chosen | None, Any]:
        found, failure = look_at_driver(value)
        usable = found if failure is None else None
        ask = gr.update(visible=bool(usable and usable.needs_consent), value=False)
        return gr.update(markup=driver_markup(_ID, found, failure)), usable, ask

    looking: dict[str, Any] = {**_QUIET, "concurrency_limit": 2, "concurrency_id": "look"}
    for picker in (zone.picture, zone.ready):
        outputs = [zone.picture, zone.ready, zone.chosen, zone.consent, results]
        picker.picked(picked, inputs=[picker], outputs=outputs, **looking).then(**posed)
    outputs = [zone.driver, zone.driver_chosen, zone.driver_consent]
    zone.driver.picked(driver_picked, inputs=[zone.driver], outputs=outputs, **looking)


def _wire_runs(zone: Zone, spec: MethodSpec, results: gr.HTML) -> None:
    """The main button of each way."""
    buttons = list(zone.runs.values())
    count = len(zone.common)

    def runner_of(driver_of: Callable[..., Driver]) -> Callable[..., Iterator[Any]]:
        def run(request: gr.Request, *values: Any) -> Iterator[Any]:
            shown = ""
            try:
                order = _order(zone, values[:count])
                driver = driver_of(*values[count:])
                _check_consent(order, driver)
            except FacezooError as error:
                yield grid([_failed(spec, explain(error))]), *_offered(len(buttons), busy=False)
                return
            for shown in _run(spec, order, driver, f"{request.session_hash}:{_ID}"):
                yield shown, *_offered(len(buttons), busy=True)
            yield shown, *_offered(len(buttons), busy=False)

        return run

    def by_sliders(*values: Any) -> Driver:
        if not any(values):
            raise UsageError("Nothing is moved yet.", "Move a slider first.")
        return Driver(None, still=True, params=dict(zip(zone.sliders, values, strict=True)))

    ways: dict[str, tuple[Callable[..., Driver], list[Component]]] = {
        "motion": (_by_motion, [zone.motion]),
        "clip": (_by_clip, [zone.driver_chosen, zone.driver_consent]),
        "webcam": (_by_recording, [zone.recording]),
        "sliders": (by_sliders, list(zone.sliders.values())),
    }
    for way, (driver_of, inputs) in ways.items():
        zone.runs[way].click(
            runner_of(driver_of),
            inputs=[*zone.common, *inputs],
            outputs=[results, *buttons, zone.cancel],
            js=_SHOW_FILM if way == "webcam" else _SHOW,
            concurrency_id="run",
            **_QUIET,
        )

    def cancel(request: gr.Request) -> None:
        stop(f"{request.session_hash}:{_ID}")

    zone.cancel.click(cancel, queue=False, **_QUIET)


def _wire_sliders(zone: Zone, spec: MethodSpec, results: gr.HTML) -> dict[str, Any]:
    """The picture follows the sliders: the latest position counts, those between may be left out. Returns the event
    that draws it, which does nothing while another way is chosen."""
    count = len(zone.common)

    def posed(request: gr.Request, way: str, *values: Any) -> Any:
        owner = str(request.session_hash)
        if way != "sliders":
            return gr.skip()
        try:
            order = _order(zone, values[:count])
            live.hold(owner, live.order_of(spec.id, order.chosen, order.consent, order.face))
            address = live.pose(owner, dict(zip(zone.sliders, values[count:], strict=True)))
            return grid([live_card(address, _KEEP_PICTURE)])
        except Exception as error:
            return grid([_failed(spec, explain(error))])

    def shown(request: gr.Request, way: str, *values: Any) -> Any:
        chosen, agreed = values[1:3]
        if way == "sliders" and (chosen is None or (chosen.needs_consent and not agreed)):
            return _ready(spec, chosen)  # nobody has moved a slider yet: no reproach
        return posed(request, way, *values)

    settings: dict[str, Any] = {
        "inputs": [zone.way, *zone.common, *zone.sliders.values()],
        "outputs": [results],
        "concurrency_limit": 2,
        "concurrency_id": "live",
        **_QUIET,
    }
    gr.on([slider.input for slider in zone.sliders.values()], posed, trigger_mode="always_last", **settings)
    settings["fn"] = shown
    zone.way.chosen(**settings)
    zone.consent.input(**settings)
    zone.picture.faced(**settings)
    resting = [slider.value for slider in zone.sliders.values()]
    zone.reset.click(lambda: resting, outputs=list(zone.sliders.values()), queue=False, **_QUIET).then(**settings)
    return settings


def _wire_webcam(zone: Zone, spec: MethodSpec, results: gr.HTML) -> None:
    """The webcam's beginning and what was recorded; the frames between go through `parts.webcam`."""

    def opened(request: gr.Request, *values: Any) -> tuple[Any, Any]:
        owner = str(request.session_hash)
        try:
            order = _order(zone, values)
            live.hold(owner, live.order_of(spec.id, order.chosen, order.consent, order.face))
            live.restart(owner, order.params)
        except Exception as error:
            problem = panel(explain(error))
            return gr.update(answer={"owner": "", "problem": problem, "turn": turn()}), gr.skip()
        card = live_card(file_url(order.chosen.preview), _KEEP_FILM)
        return gr.update(answer={"owner": owner, "turn": turn()}), grid([card])

    def recorded(request: gr.Request) -> tuple[Any, Any, Any]:
        try:
            path = live.record(str(request.session_hash))
        except Exception as error:
            return gr.skip(), panel(explain(error)), gr.skip()
        return str(path), recording_markup(path), gr.update(interactive=True)

    zone.webcam.opened(
        opened,
        inputs=zone.common,
        outputs=[zone.webcam, results],
        concurrency_limit=2,
        concurrency_id="live",
        **_QUIET,
    )
    zone.webcam.recorded(
        recorded, outputs=[zone.recording, zone.saved, zone.runs["webcam"]], concurrency_id="live", **_QUIET
    )


def _offered(runs: int, *, busy: bool) -> list[Any]:
    """Updates for the main buttons and the stop button. Each is new: gradio takes the update it is given apart."""
    return [*(gr.update(visible=not busy) for _ in range(runs)), gr.update(visible=busy)]


def _order(zone: Zone, values: tuple[Any, ...]) -> Order:
    """The values of `Zone.common`. Raises UsageError when no picture is chosen."""
    picture, chosen, consent, label, suffix, *params = values
    if chosen is None:
        raise UsageError("No usable picture is chosen.", "Drop one, paste it, or take a ready picture.")
    return Order(
        chosen, int(chosen_face(picture)), bool(consent), label, suffix, dict(zip(zone.params, params, strict=True))
    )


def _by_motion(name: str) -> Driver:
    if not name:
        raise UsageError("No motion is chosen.", "Choose one, or use a clip, the webcam or the sliders.")
    return Driver(name)


def _by_clip(clip: Chosen | None, agreed: bool) -> Driver:
    if clip is None:
        raise UsageError("No usable clip is chosen.", "Drop one, or choose a file; a video, GIF, photo or .motion.")
    return Driver(clip.path, clip.kind == "photo", bool(agreed) or not clip.needs_consent)


def _by_recording(path: str | None) -> Driver:
    if not path:
        raise UsageError("Nothing is recorded yet.", "Start the camera and press Record.")
    return Driver(owned(path))


def _check_consent(order: Order, driver: Driver) -> None:
    """Says which of two files lacks consent. The runner asks again."""
    require_consent("", order.consent or not order.chosen.needs_consent, frozenset(), subject="the picture")
    if isinstance(driver.driving, Path) and driver.driving.suffix != ".motion":
        require_consent("", driver.consent, frozenset(), subject="the driving clip")


def _run(spec: MethodSpec, order: Order, driver: Driver, owner: str) -> Iterator[str]:
    """The result zone, again and again, until the work is finished."""
    from facezoo import runner

    def work(working: Working) -> Any:
        return runner.run(
            spec.id,
            order.chosen.path,
            driving=driver.driving,
            params={**order.params, **driver.params},
            consent=order.consent or driver.consent or None,
            face=order.face,
            output=new_folder() / f"{spec.id}{'.png' if driver.still else order.suffix}",
            label=order.label,
            progress=working.progress,
        )

    card = Card(spec, "working", before=order.chosen.preview, words="Starting")
    yield grid([method_card(card)], status="Starting", busy=True)
    for event in follow(work, owner, words=_WORDS):
        if isinstance(event, Stage):
            left = f", about {event.seconds_left:.0f} s left" if event.seconds_left and event.seconds_left >= 2 else ""
            card = replace(card, words=f"{event.words}{left}", fraction=event.fraction)
            yield grid([method_card(card)], status=event.words, busy=True)
        elif isinstance(event, Failure):
            yield grid([_failed(spec, event, order.chosen)], status=event.state.capitalize())
        elif isinstance(event, Done):
            for card in finish(spec, event.value, order.chosen, order.face):
                yield grid([method_card(card)], status="Finished")


def _failed(spec: MethodSpec, failure: Failure, chosen: Chosen | None = None) -> str:
    state: Any = failure.state
    return method_card(Card(spec, state, before=chosen.preview if chosen else None, failure=failure))


def _ready(spec: MethodSpec, chosen: Chosen | None) -> str:
    return grid([method_card(Card(spec, "ready", before=chosen.preview if chosen else None))])
