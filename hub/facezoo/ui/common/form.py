"""What a result is ordered with, the same on every page: a picture, whose face it becomes, settings; and the order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import gradio as gr
from gradio.components import Component

from facezoo.errors import UsageError
from facezoo.media.limits import PHOTO_SUFFIXES, RESULT_SUFFIX, VIDEO_SUFFIXES
from facezoo.safety.admission import agreed
from facezoo.types import MethodSpec, Persona
from facezoo.ui.common.params import strict, widgets
from facezoo.ui.common.people import SOMEBODY_ELSE, people_chooser
from facezoo.ui.common.picture import (
    OWN,
    Chosen,
    Picker,
    PictureInput,
    chosen_face,
    chosen_people,
    first_example,
    picture_input,
)
from facezoo.ui.jobs import QUIET, main_button, stop_button
from facezoo.zoo.embedded import personas

__all__ = ["Form", "Order", "SwapForm", "fine_tuning", "method_choice", "swap_form"]

_LABELS = [("Small", "small"), ("Medium", "medium"), ("Large", "large")]
_FORMATS = [("MP4", ".mp4"), ("GIF", ".gif"), ("WebP", ".webp")]


@dataclass(frozen=True)
class Order:
    """What the visitor asked for. personas: one for each face, None when one persona is for all that are chosen; face
    is the first of them then. params: by field name. settings: of the page, by name."""

    chosen: Chosen
    face: Any  # a number or "all"
    consent: bool
    persona: str | None = None
    personas: dict[int, str] | None = None
    source: Chosen | None = None
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    settings: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def who(self) -> dict[str, Any]:
        """Which face becomes whom, as arguments of `runner.run`."""
        if self.personas is not None:
            return {"personas": self.personas}
        return {"persona": self.persona, "face": self.face}

    @property
    def seed(self) -> int:
        """As given, 0 where the page does not ask for it."""
        return int(self.settings.get("seed") or 0)

    @property
    def label(self) -> Any:
        """The size of the visible mark."""
        return self.settings["label"]

    @property
    def suffix(self) -> str:
        """The file type of a result that is like the picture."""
        return RESULT_SUFFIX[self.chosen.kind]


@dataclass(frozen=True)
class Form:
    """The components of an order. `inputs` is what a run handler takes, in the order that `order` expects. settings:
    "label" at least; "people", "source" and "source_consent", "seed", "format", "methods" where a page has them."""

    picture: PictureInput
    settings: dict[str, Component]
    params: dict[str, Component]

    @property
    def inputs(self) -> list[Any]:
        """Everything a run handler reads; params last."""
        return [*self.picture.inputs, *self.settings.values(), *self.params.values()]

    def order(self, *values: Any) -> Order:
        """The values of `inputs` as an order. Consent holds only if it is given for every photo that needs it.

        Raises UsageError for what is missing."""
        (picture, chosen, consent), rest = values[:3], values[3:]
        settings = dict(zip(self.settings, rest, strict=False))
        params = dict(zip(self.params, rest[len(self.settings) :], strict=True))
        people = chosen_people(picture) if chosen_face(picture) == OWN else None
        other = settings.get("people") == SOMEBODY_ELSE and people is None
        source = settings.get("source") if other else None
        if chosen is None:
            raise UsageError("No usable picture is chosen.", "Drop one, paste it, or take a ready picture.")
        if other and source is None:
            raise UsageError("No usable second photo is chosen.", "Choose one: drop it, paste it, or take a file.")
        if people == {}:
            raise UsageError("Every face is left alone.", "Choose a person for at least one of them.")
        given = [(chosen, consent), (source, settings.get("source_consent"))]
        needed = [agreed(each) for photo, each in given if photo and photo.needs_consent]
        return Order(
            chosen,
            face=_face(chosen_face(picture)) if people is None else min(people),
            consent=bool(needed) and all(needed),
            persona=None if other or people is not None else _persona(settings.get("people")),
            personas=people,
            source=source,
            params=params,
            settings=settings,
        )


@dataclass(frozen=True)
class SwapForm(Form):
    """The whole left zone of a page that puts faces on. spec: the one method that does it, None for several."""

    run: gr.Button
    cancel: gr.Button
    people_box: gr.Column
    source: PictureInput | None
    source_box: gr.Column | None
    spec: MethodSpec | None

    def wire(self, reset: Callable[[Chosen | None], str], results: gr.HTML) -> None:
        """Connects the inputs: a picked picture is looked at, consent asked where needed, the results redrawn."""

        decides = self._decides
        first = [each for name, each in self.params.items() if self.spec and name in self.spec.first]
        others = [each for each in first if decides and each not in decides]  # how a whole picture is changed

        def decided(found: Chosen | None, setting: str) -> list[Any]:
            whole = self._whole(setting)
            zone = gr.update(markup=self.picture.picker.markup(found, whole=whole), value={"face": "1"})
            return [zone, gr.update(visible=not whole), *(gr.update(visible=whole) for _ in others)]

        self.picture.wire(lambda usable, _: reset(usable), [results], settings=decides, whole=self._whole)
        for setting in decides if self.picture.picker.own else []:
            inputs, outputs = [self.picture.chosen, setting], [self.picture.zone, self.people_box, *others]
            setting.change(decided, inputs, outputs, queue=False, **QUIET)
        if self.source is not None:
            people: Any = self.settings["people"]
            people.chosen(_source_shown, [people], [self.source_box], queue=False, **QUIET)
            self.source.wire()

    @property
    def _decides(self) -> list[Any]:
        """The setting without which nobody is put on, if the method has one."""
        when = self.spec.inputs.persona_when if self.spec else None
        return [self.params[when[0]]] if when else []

    def _whole(self, *setting: Any) -> bool:
        """Whether all of the picture is changed, not a face in it. setting: the value of what `_decides`."""
        if self.spec is None:
            return False
        when = self.spec.inputs.persona_when
        return _whole(self.spec, self.spec.params(**{when[0]: setting[0]} if when else {}))


def swap_form(
    prefix: str, *, button: str, spec: MethodSpec | None = None, methods: Sequence[MethodSpec] = ()
) -> SwapForm:
    """Builds the zone in the surrounding layout. spec: for one method, with its params; else for `methods` together."""
    suffixes = (*PHOTO_SUFFIXES, *(VIDEO_SUFFIXES if spec and "video" in spec.inputs.media else ()))
    whole = spec is not None and _whole(spec, spec.params())
    known = tuple(each for each in personas() if spec is None or spec.inputs.knows(each.id))
    films = tuple(each for each in methods if "video" in each.inputs.media)
    picker = Picker(prefix, suffixes, own=known if spec else (), films=films)
    picture = picture_input(picker, start=first_example(), whole=whole, ready="portrait")
    first = _first_choice(spec) if spec else {}
    settings: dict[str, Component] = {}
    wants_source = bool(spec and spec.inputs.source)
    strangers = _strangers(spec)
    with gr.Column(visible=bool(known or strangers) and not whole, elem_classes=["people-box"]) as people_box:
        first_known = _best_known(known, methods) or next(iter(strangers), "")
        settings["people"] = people_chooser(prefix, known, strangers, first=first_known, source=wants_source)
    source, source_box = None, None
    if wants_source:
        with gr.Column(visible=False, elem_classes=["source-box"]) as source_box:
            legend = "The other photo; its largest face is used"
            source = picture_input(Picker(f"{prefix}-source", legend=legend, largest=True))
        settings |= {"source": source.chosen, "source_consent": source.consent}
    run, cancel = main_button(button, f"{prefix}-run"), stop_button()
    tuned, params = fine_tuning(spec, methods=methods, leave_out=first, seed=True)
    return SwapForm(picture, settings | tuned, first | params, run, cancel, people_box, source, source_box, spec)


def fine_tuning(
    spec: MethodSpec | None,
    *,
    methods: Sequence[MethodSpec] = (),
    leave_out: Sequence[str] | dict[str, Any] = (),
    format: bool = False,
    seed: bool = False,
) -> tuple[dict[str, Component], dict[str, Component]]:
    """The closed panel below a main button: its settings and the method's params, but for the names to `leave_out`.

    methods: to choose from. format, seed: whether they are asked for."""
    settings: dict[str, Component] = {}
    with gr.Accordion("Fine tuning", open=False, elem_classes=["tuning"]):
        params = widgets(spec, leave_out=leave_out) if spec else {}
        if spec is None:
            settings["methods"] = method_choice(methods, methods)
        if format:
            note = "GIF and WebP are larger and have no sound."
            settings["format"] = strict(gr.Radio(_FORMATS, value=".mp4", label="File type", info=note))
        note = "Size of the visible mark in the corner."
        settings["label"] = strict(gr.Radio(_LABELS, value="small", label="AI label", info=note))
        if seed:
            note = "The same seed gives the same picture."
            settings["seed"] = strict(gr.Number(0, label="Seed", info=note, precision=0, minimum=0))
    return settings, params


def _source_shown(person: str) -> Any:
    return gr.update(visible=person == SOMEBODY_ELSE)


def _strangers(spec: MethodSpec | None) -> tuple[str, ...]:
    """Whom a method knows who is none of the personas."""
    ours = {each.id for each in personas()}
    return tuple(each for each in spec.inputs.people if each not in ours) if spec else ()


def _best_known(people: Sequence[Persona], methods: Sequence[MethodSpec]) -> str:
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


def _persona(chosen: object) -> str | None:
    if chosen is None or isinstance(chosen, str):
        return chosen or None
    raise UsageError("There is no such person.", "Choose one of those that are shown.")


def method_choice(methods: Sequence[MethodSpec], first: Sequence[MethodSpec]) -> gr.CheckboxGroup:
    """Which methods take part, `first` to begin with; unseen when there is one alone."""
    return gr.CheckboxGroup(
        [(f"{spec.title} ({spec.year})", spec.id) for spec in methods],
        value=[spec.id for spec in first],
        label="Methods",
        visible=len(methods) > 1,
    )
