"""Finds the methods: every package `facezoo.methods.<id>` that has a SPEC. Nobody lists them by hand."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import json
import os
import pkgutil
import threading
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import facezoo.methods
from facezoo.errors import FacezooError, UsageError
from facezoo.types import MethodSpec, Range, Weights
from facezoo.zoo.pull import locate, methods_of

if typing.TYPE_CHECKING:
    from facezoo.method.pipeline import AnimationPipeline, FacePipeline
    from facezoo.zoo.record import Record

__all__ = [
    "Parameter",
    "card_of",
    "describe_params",
    "forget",
    "list_methods",
    "load",
    "load_faces",
    "load_spec",
    "parse_params",
    "prefer",
    "spec_in_use",
    "spec_of",
]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_preferred: dict[str, str] = {}  # method -> weights of one's own, see `prefer`
_loading: dict[tuple[str, str], threading.Lock] = {}  # one a method, so that two threads load it once


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One field of a method's params: what a widget, an option or a line of documentation needs.

    kind "choice" has choices; "real" and "whole" have low, high, step; "switch" is true or false."""

    name: str
    kind: Literal["choice", "real", "whole", "switch"]
    default: Any
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.kind == "choice":
            return " | ".join(str(choice) for choice in self.choices)
        if self.kind == "switch":
            return "true | false"
        return f"{self.low:g} to {self.high:g}" + (" (whole numbers)" if self.kind == "whole" else "")


def list_methods() -> list[MethodSpec]:
    """All methods, oldest first. Costs a few light imports, no torch.

    Raises FacezooError when a folder's SPEC says an id that is not the folder's name."""
    return list(_specs().values())


def load_spec(id: str) -> MethodSpec:
    """The SPEC of one method. Raises UsageError with near matches when there is none."""
    specs = _specs()
    if id in specs:
        return specs[id]
    near = difflib.get_close_matches(id, specs, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"There is no method {id!r}.", f"{hint}Methods here: {', '.join(specs) or '(none)'}.")


def load(id: str, weights: str = "") -> FacePipeline | AnimationPipeline:
    """The pipeline of one method, with its weights, made on the first call and kept, for all threads.

    weights: one's own, a folder or OWNER/NAME@REVISION of the Hub; "" takes what `prefer` was told, what
    FACEZOO_WEIGHTS names, the Hub cache, the Hub at the commit pinned in SPEC, or the copy that ships, in this order.
    Every file is checked before use.
    Raises UsageError for an unknown id, WeightsUnavailable when no intact weights can be had, or none with a record of
    licence and consent."""
    weights = weights or _preferred.get(id, "")
    with _loading.setdefault((id, weights), threading.Lock()):
        return _load(id, weights)


def prefer(weights: str) -> None:
    """From now on weights of one's own, named as for `load`, take the place of those of the methods that they are of;
    they are loaded here, and the methods' SPECs say whom they know. Raises WeightsUnavailable."""
    for id in methods_of(weights):
        _specs()[id] = spec_of(load(id, weights))
        _preferred[id] = weights


def load_faces(id: str, weights: str = "") -> FacePipeline:
    """The same of a method that makes faces. Raises UsageError for one that animates pictures instead."""
    from facezoo.method.pipeline import FacePipeline

    pipeline = load(id, weights)
    if not isinstance(pipeline, FacePipeline):
        raise UsageError(f"{id} does not change faces, it moves them.", "Choose a method that swaps or restyles.")
    return pipeline


def spec_in_use(id: str, weights: str = "") -> MethodSpec:
    """The SPEC of a method; with weights of one's own (`weights`, or FACEZOO_WEIGHTS) what it is with these, which are
    loaded then. Errors as `load`."""
    spec = load_spec(id)
    if weights or (spec.weights.sha256 and os.environ.get("FACEZOO_WEIGHTS")):
        return spec_of(load(id, weights))
    return spec


def spec_of(pipeline: FacePipeline | AnimationPipeline) -> MethodSpec:
    """What a loaded method is: its SPEC with the weights in use, and the people whom these know."""
    spec = dataclasses.replace(pipeline.spec, weights=pipeline.weights)
    people: tuple[str, ...] = tuple(getattr(pipeline, "people", ()))
    if not people or pipeline.weights.sha256 == pipeline.spec.weights.sha256:
        return spec
    return dataclasses.replace(spec, inputs=dataclasses.replace(spec.inputs, people=people))


def card_of(method: str, record: Record | None, weights: Weights) -> str:
    """The model card of weights of a method, see `zoo.cards.render`."""
    from facezoo.zoo.cards import render

    spec = dataclasses.replace(load_spec(method), weights=weights)
    settings = [(each.name, each.allowed, str(each.default)) for each in describe_params(spec)]
    return render(spec, settings, record)


def forget() -> None:
    """Find methods and load weights anew the next time they are asked for."""
    _preferred.clear()
    _specs.cache_clear()
    _load.cache_clear()


def describe_params(spec: MethodSpec) -> list[Parameter]:
    """The parameters of a method in the order they are declared. The UI builds its widgets from this. The choice that
    puts a persona on (`Inputs.persona_when`) is left out where the weights know nobody.

    Raises FacezooError when a field is not `Literal[...]`, `Annotated[float | int, Range(...)]` or `bool`, or has no
    default."""
    hints = get_type_hints(spec.params, include_extras=True)
    described = [_describe(spec.id, field, hints[field.name]) for field in dataclasses.fields(spec.params)]
    when = None if spec.inputs.persona else spec.inputs.persona_when
    return [
        dataclasses.replace(each, choices=tuple(choice for choice in each.choices if (each.name, choice) != when))
        for each in described
    ]


def parse_params(spec: MethodSpec, given: Mapping[str, Any]) -> Any:
    """An instance of `spec.params` from values as they come from a widget, JSON, or a command line (strings).

    Raises UsageError naming the field and its allowed values."""
    known = {each.name: each for each in describe_params(spec)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"{spec.id} has no parameter {name!r}.", f"{hint}Its parameters: {', '.join(known) or '(none)'}."
            )
        values[name] = _parse(known[name], value)
    return spec.params(**values)


@cache
def _load(id: str, weights: str) -> FacePipeline | AnimationPipeline:
    spec = load_spec(id)
    module, _, name = spec.pipeline.partition(":")
    pipeline: type[FacePipeline | AnimationPipeline]
    pipeline = getattr(importlib.import_module(module, f"facezoo.methods.{id}"), name)
    if not spec.weights.sha256:
        if weights:
            raise UsageError(f"{id} needs no weights.", "Leave --weights out.")
        return pipeline()
    located = locate(id, spec.weights, weights)
    made = pipeline.from_pretrained(located.folder, sha256=located.weights.sha256)
    made.weights = located.weights
    return made


@cache
def _specs() -> dict[str, MethodSpec]:
    found: list[MethodSpec] = []
    for entry in pkgutil.iter_modules(facezoo.methods.__path__):
        if not entry.ispkg:
            continue
        spec = getattr(importlib.import_module(f"facezoo.methods.{entry.name}"), "SPEC", None)
        if not isinstance(spec, MethodSpec):
            continue
        if spec.id != entry.name:
            raise FacezooError(
                f"methods/{entry.name}/__init__.py says id={spec.id!r}.",
                f"A method's id is its folder's name: {entry.name}.",
            )
        found.append(spec)
    return {spec.id: spec for spec in sorted(found, key=lambda spec: (spec.year, spec.id))}


def _describe(method: str, field: dataclasses.Field[Any], hint: Any) -> Parameter:
    default = field.default
    if default is not dataclasses.MISSING:
        if hint is bool:
            return Parameter(field.name, "switch", default)
        if get_origin(hint) is Literal:
            return Parameter(field.name, "choice", default, choices=get_args(hint))
        if get_origin(hint) is typing.Annotated:
            number, *extras = get_args(hint)
            bounds = [extra for extra in extras if isinstance(extra, Range)]
            if number in (int, float) and len(bounds) == 1:
                kind = "whole" if number is int else "real"
                step = max(1.0, bounds[0].step) if number is int else bounds[0].step
                return Parameter(field.name, kind, default, low=bounds[0].low, high=bounds[0].high, step=step)
    raise FacezooError(
        f"The parameter {field.name!r} of {method} is declared in a way no widget can show.",
        "Use Literal[...], Annotated[float or int, Range(low, high)] or bool, with a default.",
    )


def _parse(parameter: Parameter, value: Any) -> Any:
    text = str(value).strip()
    if parameter.kind == "choice":
        for choice in parameter.choices:
            if text == str(choice):
                return choice
    elif parameter.kind == "switch":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
    else:
        number = _number(text, whole=parameter.kind == "whole")
        if number is not None and parameter.low <= number <= parameter.high:
            return number
    raise UsageError(f"{parameter.name}={text} is not possible.", f"Allowed for {parameter.name}: {parameter.allowed}.")


def _number(text: str, *, whole: bool) -> float | int | None:
    try:
        number = float(json.loads(text))
    except (ValueError, TypeError):
        return None
    if not whole:
        return number
    return int(number) if number.is_integer() else None
