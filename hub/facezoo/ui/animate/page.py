"""One picture comes alive: moved by a ready motion, a sentence or a voice, a clip, the visitor's webcam, or sliders."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.errors import UsageError
from facezoo.safety.admission import VOICE_STATEMENT, agreed, require_consent
from facezoo.types import MethodSpec
from facezoo.ui.animate.motions import motion_chooser, sample_clips, way_chooser
from facezoo.ui.animate.speech import Said, SpeechInput, speech_input, with_speech
from facezoo.ui.common import live
from facezoo.ui.common.cards import Card, failed_card, grid, live_card, method_card, ready_card
from facezoo.ui.common.form import Form, Order, fine_tuning, method_choice
from facezoo.ui.common.html import heading, static, template
from facezoo.ui.common.picture import Chosen, Picker, PictureInput, driver_input, first_example, picture_input
from facezoo.ui.common.results import example_facts, make, shipped_example
from facezoo.ui.common.sliders import SLIDERS, face_sliders
from facezoo.ui.common.webcam import WebcamInput, recorded_motion, webcam_input
from facezoo.ui.jobs import LIVE, QUIET, Run, Working, explain, main_button, shows, stop_button, wire_runs
from facezoo.ui.workspace import file_url, new_folder
from facezoo.zoo.embedded import examples

__all__ = ["animate_page"]

_ID = "animate"
_RESULTS = f"{_ID}-results"
_WORDS = {"detect": "Following the driver's face", "method": "Moving the picture", "read": "Reading"}
_SPOKEN_WORDS = {**_WORDS, "detect": "Finding the face", "voice": "Finding what the mouth does"}
_STOP_CAMERA = "document.querySelector('.webcam [data-act=stop]')?.click();"
_KEEP_PICTURE = "It follows the sliders. “Save this picture” gives you the file, signed and at its full size."
_KEEP_FILM = "It follows your face. To keep a film, record a moment, then press “Make the film”."
_HTML = template("animate/page.html")


@dataclass(frozen=True)
class Ways:
    """The components that choose what moves the picture, and the main button of each way."""

    chosen: gr.HTML
    motion: gr.HTML
    speech: SpeechInput
    driver: PictureInput
    webcam: WebcamInput
    sliders: dict[str, gr.Slider]
    reset: gr.Button
    runs: dict[str, gr.Button]
    cancel: gr.Button


@dataclass(frozen=True)
class Driver:
    """What moves the picture. driving: a template's name, a file, what is said, or None for `params`, the sliders,
    alone. still: the result is a picture. consent: given for the file, or not needed."""

    driving: str | Path | Said | None
    still: bool = False
    consent: bool = False
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @contextmanager
    def opened(self, working: Working, beside: Path) -> Generator[Any]:
        """What `runner.run` takes as driving, while the block lasts. beside: where a speech leaves its captions; its
        motion gets the same name with the other suffix."""
        if not isinstance(self.driving, Said):
            yield self.driving
            return
        from facezoo.motion.template import save_template

        working.progress("voice", 0.0)
        with self.driving.spoken() as speech:
            yield speech
            save_template(speech, beside.with_suffix(".motion"))
            if speech.captions:
                beside.write_text(speech.captions, encoding="utf-8")


def animate_page(specs: Sequence[MethodSpec]) -> None:
    """Fills the surrounding tab and wires it. specs: the methods that animate; the last one to begin with, and live."""
    spec = specs[-1]
    static(_HTML.about())
    start = _start(spec)
    with gr.Row(elem_classes=["zones", "animate"]):
        with gr.Column(elem_classes=["left-zone"]):
            heading("The picture", look="minor")
            picture = picture_input(Picker(_ID, single=True), start=start, ready="painting")
            heading("What moves it", look="minor", elem_classes=["next-step"])
            with gr.Column(elem_classes=["tuning"]):
                methods = method_choice(specs, [spec])
            ways = _ways(spec)
            settings, params = fine_tuning(spec, leave_out=SLIDERS, format=True)
            settings = {"methods": methods, **settings}
        with gr.Column(elem_classes=["right-zone", "single"]):
            heading("Result", look="minor")
            results = static(_example(spec) or ready_card(spec, start and start.preview), elem_id=_RESULTS)
            static(_HTML.limits(spec))
    form = Form(picture, settings, params)
    posed = _wire_sliders(form, ways, spec, results)
    _wire_pictures(form, ways, spec, results, posed)
    _wire_runs(form, ways, specs, results)

    def begin(session: str, *values: Any) -> str:
        order = form.order(*values)
        _hold(session, spec, order)
        live.restart(session, order.params)
        return live_card(file_url(order.chosen.preview), _KEEP_FILM)

    ways.webcam.wire(begin, form.inputs, [results])


def _start(spec: MethodSpec) -> Chosen | None:
    """The picture that the method's example was made from; else the first painting, or any example."""
    first = next((each.id for each in examples() if each.kind == "painting"), "")
    return first_example(str(example_facts(spec).get("input", first)))


def _example(spec: MethodSpec) -> str:
    """The film that the method ships, as a result; "" when it ships none."""
    moving, facts = shipped_example(spec), example_facts(spec)
    before = next((each for each in examples() if each.id == facts.get("input")), None)
    if not moving.is_file() or before is None:
        return ""
    return grid(template("common/cards.html").example(moving, before, facts))


def _ways(spec: MethodSpec) -> Ways:
    chosen = way_chooser(_ID)
    runs: dict[str, gr.Button] = {}
    with gr.Column(elem_classes=["way", "way-motion"]):
        motion = motion_chooser(_ID)
        runs["motion"] = main_button("Bring it to life", f"{_ID}-run-motion")
    with gr.Column(elem_classes=["way", "way-speech"]):
        speech = speech_input(_ID)
        runs["speech"] = main_button("Say it", f"{_ID}-run-speech")
    with gr.Column(elem_classes=["way", "way-clip"]):
        driver = driver_input(_ID, sample_clips())
        runs["clip"] = main_button("Bring it to life", f"{_ID}-run-clip")
    with gr.Column(elem_classes=["way", "way-webcam"]):
        webcam = webcam_input(_ID, _RESULTS)
        runs["webcam"] = webcam.film
    with gr.Column(elem_classes=["way", "way-sliders"]):
        sliders = face_sliders(spec)
        reset = gr.Button("Back to the start", elem_classes=["cancel-button"], elem_id=f"{_ID}-reset")
        runs["sliders"] = main_button("Save this picture", f"{_ID}-run-sliders")
    return Ways(chosen, motion, speech, driver, webcam, sliders, reset, runs, stop_button(f"{_ID}-stop"))


def _wire_pictures(form: Form, ways: Ways, spec: MethodSpec, results: gr.HTML, posed: Mapping[str, Any]) -> None:
    """A picked picture, or clip, is looked at. posed: what follows a picture."""

    def after(usable: Chosen | None, session: str) -> str:
        live.release(session)
        return ready_card(spec, usable and usable.preview)

    for event in form.picture.wire(after, [results]):
        event.then(**posed)
    ways.driver.wire()
    ways.speech.wire()


def _wire_runs(form: Form, ways: Ways, specs: Sequence[MethodSpec], results: gr.HTML) -> None:
    """The main button of each way."""
    count = len(form.inputs)

    def by_sliders(*values: Any) -> Driver:
        if not any(values):
            raise UsageError("Nothing is moved yet.", "Move a slider first.")
        return Driver(None, still=True, params=dict(zip(ways.sliders, values, strict=True)))

    def run_by(driver_of: Callable[..., Driver]) -> Callable[..., Iterator[str]]:
        def run(owner: str, *values: Any) -> Iterator[str]:
            return _run(specs, form.order(*values[:count]), driver_of(*values[count:]), owner)

        return run

    known: dict[str, tuple[Callable[..., Driver], list[Any]]] = {
        "motion": (_by_motion, [ways.motion]),
        "speech": (lambda *values: Driver(ways.speech.said(*values)), ways.speech.inputs),
        "clip": (_by_clip, [ways.driver.chosen, ways.driver.consent]),
        "webcam": (_by_recording, [ways.webcam.recording]),
        "sliders": (by_sliders, list(ways.sliders.values())),
    }
    runs: list[Run] = []
    for way, (driver_of, inputs) in known.items():
        script = shows(_RESULTS, _STOP_CAMERA if way == "webcam" else "")
        runs.append(Run(ways.runs[way].click, [*form.inputs, *inputs], run_by(driver_of), script))
    wire_runs(
        runs,
        owner=_ID,
        outputs=[results],
        buttons=list(ways.runs.values()),
        cancel=ways.cancel,
        failed=lambda failure: failed_card(specs[-1], failure),
    )


def _wire_sliders(form: Form, ways: Ways, spec: MethodSpec, results: gr.HTML) -> dict[str, Any]:
    """The picture follows the sliders: the latest position counts, those between may be left out. Returns the event
    that draws it, which does nothing while another way is chosen."""
    count, sliders = len(form.inputs), list(ways.sliders.values())

    def posed(request: gr.Request, way: str, *values: Any) -> Any:
        if way != "sliders":
            return gr.skip()
        try:
            session = str(request.session_hash)
            _hold(session, spec, form.order(*values[:count]))
            address = live.pose(session, dict(zip(ways.sliders, values[count:], strict=True)))
            return live_card(address, _KEEP_PICTURE)
        except Exception as error:
            return failed_card(spec, explain(error))

    def shown(request: gr.Request, way: str, *values: Any) -> Any:
        chosen, consent = values[1:3]
        if way == "sliders" and (chosen is None or (chosen.needs_consent and not agreed(consent))):
            return ready_card(spec, chosen and chosen.preview)  # nobody has moved a slider yet: no reproach
        return posed(request, way, *values)

    settings: dict[str, Any] = {"inputs": [ways.chosen, *form.inputs, *sliders], "outputs": [results], **LIVE}
    gr.on([slider.input for slider in sliders], posed, trigger_mode="always_last", **settings)
    settings["fn"] = shown
    for event in (ways.chosen.chosen, form.picture.consent.input, form.picture.zone.faced):
        event(**settings)
    resting = [slider.value for slider in sliders]
    ways.reset.click(lambda: resting, outputs=sliders, queue=False, **QUIET).then(**settings)
    return settings


def _hold(session: str, spec: MethodSpec, order: Order) -> None:
    live.hold(session, live.subject(spec.id, order.chosen, order.consent, order.face))


def _by_motion(name: object) -> Driver:
    from facezoo.motion.template import shipped

    if not name:
        raise UsageError("No motion is chosen.", "Choose one, or use a clip, the webcam or the sliders.")
    return Driver(shipped(str(name)).name)  # never a path


def _by_clip(clip: Chosen | None, consent: object) -> Driver:
    if clip is None:
        raise UsageError("No usable clip is chosen.", "Drop one, or choose a file; a video, GIF, photo or .motion.")
    return Driver(clip.path, clip.kind == "photo", agreed(consent) or not clip.needs_consent)


def _by_recording(path: str | None) -> Driver:
    return Driver(recorded_motion(path))


def _run(specs: Sequence[MethodSpec], order: Order, driver: Driver, owner: str) -> Iterator[str]:
    """The result zone, again and again, until one method after the other has finished. Says which of two files lacks
    consent; the runner asks again."""
    wanted = [spec for spec in specs if spec.id in order.settings["methods"]]
    if not wanted:
        raise UsageError("No method is chosen.", "Tick at least one.")
    require_consent("", order.consent or not order.chosen.needs_consent, frozenset(), subject="the picture")
    said = driver.driving if isinstance(driver.driving, Said) else None
    if isinstance(driver.driving, Path) and driver.driving.suffix != ".motion":
        require_consent("", driver.consent, frozenset(), subject="the driving clip")
    if said and said.sound:
        require_consent("", said.consent, frozenset(), subject="the recorded voice", statement=VOICE_STATEMENT)
    cards = {spec.id: Card(spec, "waiting", before=order.chosen.preview) for spec in wanted}
    for spec in wanted:
        for card in _made(spec, order, driver, owner):
            cards[spec.id] = card
            busy = any(each.state in ("waiting", "working") for each in cards.values())
            yield grid(*map(method_card, cards.values()), status=card.words if busy else "Finished", busy=busy)
        if cards[spec.id].state == "stopped":
            return


def _made(spec: MethodSpec, order: Order, driver: Driver, owner: str) -> Iterator[Card]:
    """The card of one method, again and again."""
    said = driver.driving if isinstance(driver.driving, Said) else None
    known = {each.name for each in fields(spec.params)}
    output = new_folder() / f"{spec.id}{'.png' if driver.still else order.settings['format']}"
    beside = output.with_name(f"facezoo-{spec.id}-speech.vtt")
    clip = driver.driving if isinstance(driver.driving, Path) and driver.driving.suffix != ".motion" else None

    def work(working: Working) -> Any:
        from facezoo import runner

        with driver.opened(working, beside) as driving:
            return runner.run(
                spec.id,
                order.chosen.path,
                driving=driving,
                params={name: value for name, value in {**order.params, **driver.params}.items() if name in known},
                consent=order.consent or driver.consent or None,
                face=order.face,
                output=output,
                label=order.label,
                progress=working.progress,
            )

    words = _SPOKEN_WORDS if said else _WORDS
    for _, card in make(spec, order.chosen, work, owner, face=order.face, words=words):
        if said and card.state == "done":
            yield with_speech(card, beside)
        else:
            yield replace(card, driver=clip)
