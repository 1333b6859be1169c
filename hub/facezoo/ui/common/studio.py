"""The left zone, the same on every page that makes a picture: input, consent, whose face, the button, fine tuning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from facezoo.media.read import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.safety.admission import STATEMENT
from facezoo.types import MethodSpec, Persona
from facezoo.ui.common.params import widgets
from facezoo.ui.common.people import SOMEBODY_ELSE, people_chooser
from facezoo.ui.common.picture import (
    OWN,
    Chosen,
    chosen_face,
    chosen_people,
    first_example,
    look,
    markup,
    picture_input,
)
from facezoo.ui.common.ready import ready_markup, ready_pictures
from facezoo.ui.jobs import Failure
from facezoo.zoo.embedded import personas

__all__ = ["Order", "Studio", "order_from", "studio", "wire"]

_LABELS = [("Small", "small"), ("Medium", "medium"), ("Large", "large")]


@dataclass(frozen=True)
class Studio:
    """The components of one left zone. `inputs` is what a run handler takes, in the order `order_from` expects."""

    prefix: str
    picture: gr.HTML
    ready: gr.HTML
    chosen: gr.State
    consent: gr.Checkbox
    people: gr.HTML
    people_box: gr.Column
    source: gr.HTML | None
    source_box: gr.Column | None
    source_chosen: gr.State
    source_consent: gr.Checkbox
    run: gr.Button
    cancel: gr.Button
    seed: gr.Number
    label: gr.Radio
    params: dict[str, Component]
    methods: gr.CheckboxGroup | None
    accept: tuple[str, ...]
    own: tuple[Persona, ...]
    spec: MethodSpec | None

    @property
    def inputs(self) -> list[Component]:
        """Everything a run handler reads; params last."""
        fixed = [self.picture, self.chosen, self.consent, self.people, self.source_chosen, self.source_consent]
        last = [self.methods] if self.methods is not None else list(self.params.values())
        return [*fixed, self.seed, self.label, *last]

    @property
    def decides(self) -> list[Component]:
        """The setting without which nobody is put on, if the method has one."""
        when = self.spec.inputs.persona_when if self.spec else None
        return [self.params[when[0]]] if when else []

    def whole(self, *setting: Any) -> bool:
        """Whether all of the picture is changed, not a face in it. setting: the value of what `decides`."""
        if self.spec is None:
            return False
        when = self.spec.inputs.persona_when
        return _whole(self.spec, self.spec.params(**{when[0]: setting[0]} if when else {}))


@dataclass(frozen=True)
class Order:
    """What the visitor asked for, as the runner takes it. personas: one for each face, None when one persona is for
    all that are chosen; face is the first of them then. rest: the method choice, or the params by field name."""

    chosen: Chosen | None
    face: Any
    persona: str | None
    personas: dict[int, str] | None
    source: Chosen | None
    wants_source: bool
    consent: bool
    seed: int
    label: Any
    rest: list[Any]

    @property
    def who(self) -> dict[str, Any]:
        """Which face becomes whom, as arguments of `runner.run`."""
        if self.personas is not None:
            return {"personas": self.personas}
        return {"persona": self.persona, "face": self.face}


def studio(
    prefix: str, *, button: str, spec: MethodSpec | None = None, methods: list[MethodSpec] | None = None
) -> Studio:
    """Builds the zone in the surrounding layout. spec: for one method, with its params; else for `methods` together."""
    suffixes = [*PHOTO_SUFFIXES, *(VIDEO_SUFFIXES if spec and "video" in spec.inputs.media else ())]
    wants_source = bool(spec and spec.inputs.source)
    whole = spec is not None and _whole(spec, spec.params())
    known = [each for each in personas() if spec is None or spec.inputs.knows(each.id)]
    start = first_example()
    chosen = gr.State(start)
    picture = picture_input(prefix, suffixes=suffixes, chosen=start, whole=whole)
    consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
    ready = ready_pictures(start)
    first = _first_choice(spec) if spec else {}
    with gr.Column(visible=bool(known) and not whole, elem_classes=["people-box"]) as people_box:
        people = people_chooser(prefix, known, first=_best_known(known, methods or []), source=wants_source)
    source_chosen = gr.State(None)
    source, box = None, None
    if wants_source:
        with gr.Column(visible=False, elem_classes=["source-box"]) as box:
            source = picture_input(f"{prefix}-source", suffixes=list(PHOTO_SUFFIXES), chosen=None)
    source_consent = gr.Checkbox(label=STATEMENT, visible=False, container=False, elem_classes=["consent"])
    run = gr.Button(button, variant="primary", elem_classes=["main-button"], elem_id=f"{prefix}-run")
    cancel = gr.Button("Stop", variant="secondary", visible=False, elem_classes=["cancel-button"])
    with gr.Accordion("Fine tuning", open=False, elem_classes=["tuning"]):
        made = first | (widgets(spec, leave_out=first) if spec else {})
        choice = _method_choice(methods) if methods is not None else None
        label = gr.Radio(_LABELS, value="small", label="AI label", info="Size of the visible mark in the corner.")
        seed = gr.Number(0, label="Seed", info="The same seed gives the same picture.", precision=0, minimum=0)
    return Studio(
        prefix, picture, ready, chosen, consent, people, people_box, source, box, source_chosen, source_consent, run,
        cancel, seed, label, made, choice, tuple(suffixes), tuple(known) if spec else (), spec,
    )  # fmt: skip


def wire(zone: Studio, *, reset: Callable[[Chosen | None], str], results: gr.HTML) -> None:
    """Connects the inputs: a picked picture is looked at, consent asked where needed, the results redrawn."""

    def drawn(found: Chosen | None, failure: Failure | None, *setting: Any) -> Any:
        shown = markup(zone.prefix, found, accept=",".join(zone.accept), failure=failure, own=zone.own,
                       whole=zone.whole(*setting))  # fmt: skip
        return gr.update(markup=shown, value={"face": "1"})

    def picked(value: Mapping[str, Any] | None, *setting: Any) -> tuple[Any, Any, Chosen | None, Any, str]:
        found, failure = look(value)
        shown = drawn(found, failure, *setting)
        usable = found if failure is None else None
        ask = gr.update(visible=bool(usable and usable.needs_consent), value=False)
        strips = ready_markup(usable.example if usable else "")
        return shown, gr.update(markup=strips), usable, ask, reset(usable)

    for picker in (zone.picture, zone.ready):
        picker.picked(
            picked,
            inputs=[picker, *zone.decides],
            outputs=[zone.picture, zone.ready, zone.chosen, zone.consent, results],
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=2,
            concurrency_id="look",
        )

    def decided(found: Chosen | None, setting: str) -> tuple[Any, Any]:
        return drawn(found, None, setting), gr.update(visible=not zone.whole(setting))

    for setting in zone.decides if zone.own else []:
        changing: Any = setting  # every widget of a parameter has this event
        changing.change(
            decided,
            inputs=[zone.chosen, setting],
            outputs=[zone.picture, zone.people_box],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    if zone.source is not None and zone.source_box is not None:
        _wire_source(zone, zone.source, zone.source_box)


def order_from(values: tuple[Any, ...]) -> Order:
    """The values of `Studio.inputs` as an Order. Consent holds only if it is given for every photo that needs it."""
    picture, chosen, consent, person, source, source_consent, seed, label, *rest = values
    people = chosen_people(picture) if chosen_face(picture) == OWN else None
    wants_source = person == SOMEBODY_ELSE and people is None
    needed = [bool(consent)] if chosen and chosen.needs_consent else []
    if wants_source and source and source.needs_consent:
        needed.append(bool(source_consent))
    return Order(
        chosen=chosen,
        face=_face(chosen_face(picture)) if people is None else min(people, default=1),
        persona=None if wants_source or people is not None else person or None,
        personas=people,
        source=source if wants_source else None,
        wants_source=wants_source,
        consent=bool(needed) and all(needed),
        seed=int(seed or 0),
        label=label,
        rest=rest,
    )


def _best_known(people: list[Persona], methods: list[MethodSpec]) -> str:
    """The first of those whom most of the methods can put on, "" when there is nobody."""
    known = {each.id: sum(spec.inputs.knows(each.id) for spec in methods) for each in people}
    return max(known, key=lambda id: known[id], default="")


def _first_choice(spec: MethodSpec) -> dict[str, Component]:
    """The widgets of the settings that decide what is made at all."""
    if not spec.first:
        return {}
    with gr.Column(elem_classes=["tuning", "first-choice"]):
        return widgets(spec, leave_out={field.name for field in fields(spec.params)} - set(spec.first))


def _whole(spec: MethodSpec, params: Any) -> bool:
    return "restyle" in spec.tasks and not spec.wears(params)


def _face(chosen: str) -> Any:
    return chosen if chosen == "all" else int(chosen)


def _method_choice(methods: list[MethodSpec]) -> gr.CheckboxGroup:
    return gr.CheckboxGroup(
        [(f"{spec.title} ({spec.year})", spec.id) for spec in methods],
        value=[spec.id for spec in methods],
        label="Methods",
        visible=len(methods) > 1,
    )


def _wire_source(zone: Studio, source: gr.HTML, box: gr.Column) -> None:
    def chosen(person: str, found: Chosen | None) -> tuple[Any, Any]:
        wanted = person == SOMEBODY_ELSE
        return gr.update(visible=wanted), gr.update(visible=wanted and bool(found and found.needs_consent))

    def picked(value: Mapping[str, Any] | None) -> tuple[Any, Chosen | None, Any]:
        found, failure = look(value)
        if found is not None:  # always the largest face: the page says so instead of asking
            found = replace(found, boxes=found.boxes[:1])
        shown = markup(
            f"{zone.prefix}-source",
            found,
            accept=",".join(PHOTO_SUFFIXES),
            failure=failure,
            legend="The other photo; its largest face is used",
        )
        usable = found if failure is None else None
        return gr.update(markup=shown), usable, gr.update(visible=bool(usable and usable.needs_consent), value=False)

    zone.people.chosen(
        chosen,
        inputs=[zone.people, zone.source_chosen],
        outputs=[box, zone.source_consent],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    source.picked(
        picked,
        inputs=[source],
        outputs=[source, zone.source_chosen, zone.source_consent],
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=2,
        concurrency_id="look",
    )
