"""A frozen dataclass as a command line: one option a field, its docstring the help, presets as starting values.

What all trainings share is in `RunConfig`; `start` is how a training script begins.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args, get_type_hints

import yaml

from facezoo.errors import FacezooError
from facezoo.types import field_notes
from facezoo.zoo.pull import REPO
from facezoo.zoo.record import LICENCES, Consent

__all__ = ["TRACKERS", "RunConfig", "as_yaml", "parse", "start"]

Config = TypeVar("Config")
TRACKERS = ("tensorboard", "trackio", "wandb")
_PRECISIONS = ("no", "bf16", "fp16")
_TYPES = (int, float, str, Path)
_EVERY = re.compile(r"[1-9]\d*|\d*\.?\d+m", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What every training can be told."""

    output: Path
    """Folder of the run: config.yaml, losses.csv, pictures, checkpoints/, best/ and final/, the weights."""
    preset: str = ""
    steps: int = 3000
    """Steps of the optimisers."""
    batch: int = 8
    """Pictures a step."""
    accumulate: int = 1
    """Batches whose gradients make one step."""
    average: float = 0.999
    """Decay of the running mean of the weights, which is what is kept; 0 keeps the last ones."""
    mixed_precision: str = ""
    """no, bf16 or fp16; by default what `accelerate launch` says."""
    threads: int = 2
    """Threads of torch."""
    seed: int = 0
    """Of everything drawn at random."""
    every: str = "10m"
    """Steps, or minutes with an m, between checkpoints, pictures, and the measurements that best/ is chosen by."""
    keep: int = 2
    """Checkpoints that are kept."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with weights to begin with, as far as they fit."""
    track: str = ""
    """tensorboard, trackio or wandb: losses and pictures go there as well."""
    push_to_hub: str = ""
    """Repository owner/name of the Hub that the finished weights go to, with their card."""
    private: bool = False
    """Make that repository private."""
    licence: str = "Apache-2.0"
    """Of the weights."""
    consent: tuple[str, ...] = ()
    """Whose faces are learned from: synthetic, "public domain" or given; one for each data set, or one for all. Those
    of facezoo's own people are known."""
    statement: tuple[str, ...] = ()
    """One sentence on that for each: who was asked, when, or why nobody need be."""
    data_record: str = ""
    """In place of these two: a JSON list with name, licence, consent and statement of each data set."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "threads", "keep"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.average < 1:
            raise ValueError("--average must be from 0 to below 1")
        if not _EVERY.fullmatch(self.every):
            raise ValueError("--every takes steps, --every 500, or minutes, --every 10m")
        one_of(self, "mixed_precision", ("", *_PRECISIONS))
        one_of(self, "track", ("", *TRACKERS))
        one_of(self, "licence", LICENCES)
        if self.push_to_hub and not REPO.fullmatch(self.push_to_hub):
            raise ValueError(f"--push-to-hub takes owner/name, not {self.push_to_hub!r}")
        if unknown := set(self.consent) - set(get_args(Consent)):
            raise ValueError(f"--consent must be one of {', '.join(get_args(Consent))}, not {min(unknown)!r}")


def one_of(config: object, name: str, known: Sequence[str] | Mapping[str, object]) -> None:
    """Raises ValueError unless a field has one of some values."""
    if getattr(config, name) not in known:
        told = ", ".join(each for each in known if each)
        raise ValueError(f"--{name.replace('_', '-')} must be one of {told}, not {getattr(config, name)!r}")


def start(main: Callable[[Config], None], config: type[Config], presets: Mapping[str, Mapping[str, Any]]) -> NoReturn:
    """Run a script from the command line. What a user can mend is two lines on stderr, and the error's exit code."""
    try:
        main(parse(config, presets, sys.argv[1:]))
        _leave_group()
    except FacezooError as problem:
        print(problem, file=sys.stderr)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _leave_group() -> None:
    """Leave the other processes, after the last network that talks to them is gone: one that outlives their group waits
    for the group's thread, which waits for the interpreter, for ever."""
    from accelerate.state import PartialState

    gc.collect()
    PartialState().destroy_process_group()


def parse(config: type[Config], presets: Mapping[str, Mapping[str, Any]], arguments: Sequence[str]) -> Config:
    """An instance of a frozen dataclass from command line arguments; they win over those of --config, a YAML file, and
    these over the preset's.

    Fields are bool, int, float, str or Path, or a tuple of one of these (several values after one option); a field
    without a default must be given. presets: name -> values of some fields; the first is the default. Exits with a
    message, as argparse does, when something is wrong."""
    names, hints = list(presets), get_type_hints(config)
    fields = [each for each in dataclasses.fields(config) if each.name != "preset"]  # pyright: ignore[reportArgumentType]
    parser = _Parser(description=config.__doc__, formatter_class=argparse.HelpFormatter)
    parser.add_argument("--preset", choices=names, help=f"values to start from (default: {names[0]})")
    parser.add_argument("--config", type=Path, metavar="FILE.yaml", help="values of options, as config.yaml has them")
    notes = field_notes(config)
    for field in fields:
        kind, many = _kind(hints[field.name])
        text = f"{notes.get(field.name, '')} {_values(field, presets)}".replace("%", "%%")
        how: dict[str, Any] = {"action": argparse.BooleanOptionalAction} if kind is bool else {
            "type": kind, "nargs": "+" if many else None, "metavar": kind.__name__.upper()}  # fmt: skip
        parser.add_argument("--" + field.name.replace("_", "-"), dest=field.name, default=None, help=text, **how)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        given = _from_file(given.pop("config", None), hints) | given
        preset = given.pop("preset", None) or names[0]
        if preset not in presets:
            raise ValueError(f"preset must be one of {', '.join(names)}, not {preset!r}")
        values = {**presets[preset], **given} | ({"preset": preset} if "preset" in hints else {})
        missing = [field.name for field in fields if field.name not in values and field.default is dataclasses.MISSING]
        if missing:
            raise ValueError(f"--{missing[0].replace('_', '-')} must be given")
        return config(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    except ValueError as problem:
        parser.error(str(problem))


def as_yaml(config: Any) -> str:
    """All values of a config, ready for --config."""
    plain = {
        field.name: [str(each) if isinstance(each, Path) else each for each in value] if isinstance(value, tuple)
        else str(value) if isinstance(value, Path) else value
        for field in dataclasses.fields(config) for value in (getattr(config, field.name),)
    }  # fmt: skip
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


class _Parser(argparse.ArgumentParser):
    """Errors in two lines: the usage of forty options helps nobody."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}\nWhat there is to choose: {self.prog} --help\n")


def _from_file(path: Path | None, hints: Mapping[str, Any]) -> dict[str, Any]:
    """The values in a YAML file, of the types that the fields have. Raises ValueError."""
    if path is None:
        return {}
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as problem:
        raise ValueError(f"--config {path} cannot be read: {problem}".replace("\n", " ")) from problem
    if not isinstance(found, dict):
        raise ValueError(f"--config {path} is no list of options: write lines such as steps: 300")
    values: dict[str, Any] = {}
    for name, value in found.items():
        if name not in hints:
            raise ValueError(f"--config {path} names {name!r}, which is no option")
        kind, many = _kind(hints[name])
        values[name] = tuple(kind(each) for each in value) if many and isinstance(value, list) else kind(value)
    return values


def _values(field: dataclasses.Field[Any], presets: Mapping[str, Mapping[str, Any]]) -> str:
    """The default of a field, and what presets have instead."""

    def shown(value: Any) -> str:
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    default = [] if field.default in (dataclasses.MISSING, "", (), Path()) else [f"default: {shown(field.default)}"]
    others = [f"{name}: {shown(values[field.name])}" for name, values in presets.items() if field.name in values]
    return f"({'; '.join(default + others)})" if default + others else ""


def _kind(hint: Any) -> tuple[type, bool]:
    """The type of one value, and whether there may be several."""
    if hint is bool or hint in _TYPES:
        return hint, False
    inner = getattr(hint, "__args__", ())
    if getattr(hint, "__origin__", None) is tuple and inner and inner[0] in _TYPES:
        return inner[0], True
    raise TypeError(f"{hint} cannot be an option: use bool, int, float, str, Path, or a tuple of one of them")
