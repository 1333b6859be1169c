"""What the zoo says of a method: its licences, its record, and whether its weights are on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facezoo.errors import FacezooError, WeightsUnavailable
from facezoo.types import MethodSpec
from facezoo.ui.common.results import example_facts, shipped_example
from facezoo.ui.learn.exhibits import Exhibit, exhibits
from facezoo.zoo.embedded import examples
from facezoo.zoo.manifest import WEIGHTS, read_manifest
from facezoo.zoo.plain import Plain, headlines
from facezoo.zoo.pull import place_of, record_folder
from facezoo.zoo.record import Record, allows_commercial_use, read_record

__all__ = ["FAMILIES", "TASKS", "Entry", "State", "entries", "entry", "megabytes", "numbers"]

State = Literal["none needed", "own folder", "here", "ships", "not here"]

FAMILIES = {
    "rules": "Rules, nothing learned",
    "translation": "Image translation",
    "autoencoder": "Autoencoder",
    "reenactment": "Reenactment",
    "diffusion": "Diffusion",
}
TASKS = {"swap": "Swap a face", "animate": "Animate a picture", "restyle": "Change the style",
         "puppet": "Move a persona", "learn": "Learn a face"}  # fmt: skip
_STATES: dict[str, State] = {"own folder": "own folder", "Hub cache": "here", "embedded": "ships", "": "not here"}


@dataclass(frozen=True)
class Entry:
    """One method of the zoo. record: of its weights, None when nothing was learned. licences: of weights and code,
    each once. commercial: as far as their names tell. fuller: the Hub has more than the copy that ships."""

    spec: MethodSpec
    record: Record | None
    state: State
    licences: tuple[str, ...]
    commercial: bool
    fuller: bool = False

    @property
    def can_pull(self) -> bool:
        """Whether there is something to download that is not here."""
        return bool(self.spec.weights.repo) and (self.state == "not here" or self.fuller)

    @property
    def family(self) -> str:
        """The kind of method in words."""
        return FAMILIES.get(self.spec.family, self.spec.family)

    @property
    def tasks(self) -> list[str]:
        """What it does, in words."""
        return [TASKS.get(each, each) for each in self.spec.tasks]

    @property
    def use(self) -> str:
        """Whether the licences allow commercial use, in words."""
        return "Allowed" if self.commercial else "See the licence"

    @property
    def numbers(self) -> str:
        """How many it has learned, in words."""
        return numbers(self.spec.weights.parameters)

    @property
    def megabytes(self) -> str:
        """The size of its weights in words."""
        return megabytes(self.spec.weights.bytes)

    @property
    def measured(self) -> list[Plain]:
        """What was measured, in words: the little that a list has room for."""
        return headlines(self.record.scores) if self.record else []

    @property
    def exhibit(self) -> Exhibit | None:
        """Pictures that it made for the Learn tab, when it ships no result of its own."""
        made = (each for each in exhibits().values() if each.made and next(iter(each.weights), "") == self.spec.id)
        return next((each for each in made if each.fresh), None)

    @property
    def picture(self) -> Path | None:
        """A result that ships; of a film the picture that it moves; else pictures of the Learn tab."""
        made, facts = shipped_example(self.spec), example_facts(self.spec)
        if facts and made.is_file():
            moved = (each.path for each in examples() if each.id == facts["input"])
            return next(moved, None) if made.suffix == ".mp4" else made
        return self.exhibit.path if self.exhibit else None

    @property
    def words(self) -> str:
        """What a search looks at."""
        spec = self.spec
        return " ".join([spec.id, spec.title, str(spec.year), self.family, *self.tasks, spec.summary]).lower()


def entries(specs: Sequence[MethodSpec]) -> tuple[list[Entry], list[str]]:
    """The entries, and what to say of methods that are left out: no licence or consent on record. No bytes of weights
    are read, no server is asked."""
    shown: list[Entry] = []
    left_out: list[str] = []
    for spec in specs:
        try:
            shown.append(entry(spec))
        except FacezooError as problem:
            left_out.append(f"{spec.title} is left out. {problem.message}")
    return shown, left_out


def entry(spec: MethodSpec) -> Entry:
    """Raises WeightsUnavailable without a record of licence and consent."""
    record = read_record(record_folder(spec.id), spec.id) if spec.weights.sha256 else None
    licences = tuple(dict.fromkeys([record.licence, spec.licence] if record else [spec.licence]))
    free = all(allows_commercial_use(name.strip()) for name in licences)
    state = _STATES[place_of(spec.id, spec.weights)] if record else "none needed"
    return Entry(spec, record, state, licences, free, fuller=state == "ships" and _fuller(spec))


def megabytes(size: int) -> str:
    """Bytes as "12.3 MB"; small ones keep a figure that is not 0."""
    return f"{size / 1e6:.1f} MB" if size >= 50_000 or not size else f"{size / 1e3:.1f} kB"


def numbers(count: int) -> str:
    """A number of parameters as people say it."""
    return f"{count / 1e6:.1f} million" if count >= 1_000_000 else f"{count:,}"


def _fuller(spec: MethodSpec) -> bool:
    try:
        return bool(spec.weights.repo) and read_manifest(WEIGHTS / spec.id, "embedded").sha256 != spec.weights.sha256
    except WeightsUnavailable:
        return False
