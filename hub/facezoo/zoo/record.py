"""What is known of a set of weights: licence, the data it learned from and who agreed to that, training, scores.

It lies beside the weights as metrics.json and travels with them. Weights without a licence or without a statement of
consent for every data set are neither listed nor loaded.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from facezoo.errors import WeightsUnavailable

__all__ = [
    "LICENCES",
    "RECORD",
    "Consent",
    "Data",
    "Interval",
    "Record",
    "Score",
    "Training",
    "allows_commercial_use",
    "parse_record",
    "read_record",
    "record_text",
]

RECORD = "metrics.json"
LICENCES = {
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "BSD-2-Clause": "bsd-2-clause",
    "BSD-3-Clause": "bsd-3-clause",
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
}
"""SPDX name -> the Hub's word. The Hub takes any word without complaint, and then its filters do not find the model."""

_NEW = ("sha256", "limits")  # left out when empty: the records that ship are older, and pinned
_PREVIEW = re.compile(r"previews/[\w-][\w.-]*\.(png|jpg|jpeg|webp|gif|mp4)", re.ASCII)

_FREE_LICENCES = ("apache-2.0", "mit", "bsd", "cc0", "cc-by-4.0", "cc-by-3.0", "public domain", "openrail")

Consent = Literal["synthetic", "public domain", "given"]
"""Nobody's face: the people never existed; nobody can be asked: works in the public domain; everybody shown agreed."""


@dataclass(frozen=True)
class Data:
    """One data set that was learned from. statement: one sentence on whose faces these are and why they may be used.
    sha256: of its files, "" when nobody knows."""

    name: str
    licence: str
    consent: Consent
    statement: str
    url: str = ""
    count: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Training:
    """How it was made. watts: assumed power of the machine, for the estimate of energy."""

    script: str
    preset: str
    steps: int
    hours: float
    hardware: str
    watts: float

    @property
    def kilowatt_hours(self) -> float:
        """Estimate of the energy used."""
        return self.hours * self.watts / 1000


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """One figure. metric: short id; name: in words, with the unit. baselines: what simple methods reach on the same."""

    metric: str
    name: str
    dataset: str
    n: int
    better: Literal["higher", "lower"]
    result: Interval
    baselines: dict[str, Interval] = field(default_factory=dict[str, Interval])


@dataclass(frozen=True)
class Record:
    """All of metrics.json. previews: file below the repository -> caption. limits: one sentence on what these weights
    cannot do, "" when that is what SPEC says."""

    method: str
    licence: str
    data: tuple[Data, ...]
    training: Training
    scores: tuple[Score, ...] = ()
    notes: tuple[str, ...] = ()
    previews: dict[str, str] = field(default_factory=dict[str, str])
    limits: str = ""

    def words(self, name: str) -> str:
        """One line on who may use the weights of this name, and on whose faces they learned from."""
        told = "; ".join(
            f"{each.name} ({each.licence}; consent: {each.consent}). {each.statement}" for each in self.data
        )
        return f"{name}, weights of {self.method}: licence {self.licence}. Learned from {told}"


def read_record(folder: Path, method: str = "") -> Record:
    """The record of the weights in a folder. method: when given, they must be this one's.

    Raises WeightsUnavailable when there is none, or none of a licence, or none of consent."""
    path = folder / RECORD
    try:
        found = parse_record(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise WeightsUnavailable(
            f"The weights in {folder} have no {RECORD}: nobody knows their licence, nor whose faces they learned from.",
            "facezoo does not use such weights. Ask their maker for the record.",
        ) from problem
    if method and found.method != method:
        raise WeightsUnavailable(f"{path} is the record of {found.method}, not of {method}.", "Use the right weights.")
    return found


def parse_record(text: str) -> Record:
    """A record from JSON. Raises WeightsUnavailable naming what is missing."""
    try:
        given = cast("dict[str, Any]", json.loads(text))
        record = Record(
            method=str(given["method"]),
            licence=str(given["licence"]),
            data=tuple(Data(**each) for each in given["data"]),
            training=Training(**given["training"]),
            scores=tuple(_score(each) for each in given.get("scores", ())),
            notes=tuple(str(each) for each in given.get("notes", ())),
            previews={str(name): str(caption) for name, caption in given.get("previews", {}).items()},
            limits=str(given.get("limits", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise WeightsUnavailable(
            f"The record of these weights ({RECORD}) is incomplete: {problem}.",
            "It needs a method, a licence, the data with its consent, and the training.",
        ) from problem
    _check(record)
    return record


def record_text(record: Record) -> str:
    """The record as the text of metrics.json. Raises WeightsUnavailable as `parse_record` does."""
    _check(record)
    told = asdict(
        record, dict_factory=lambda pairs: {name: value for name, value in pairs if value or name not in _NEW}
    )
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _score(given: dict[str, Any]) -> Score:
    values = dict(given)
    result, baselines = values.pop("result"), values.pop("baselines", {})
    return Score(
        **values, result=Interval(**result), baselines={name: Interval(**each) for name, each in baselines.items()}
    )


def _check(record: Record) -> None:
    advice = f"Known licences: {', '.join(LICENCES)}. Consent is one of: {', '.join(get_args(Consent))}."
    if record.licence not in LICENCES:
        raise WeightsUnavailable(f"The weights of {record.method} have no licence that facezoo knows.", advice)
    for name in record.previews:
        if not _PREVIEW.fullmatch(name):
            raise WeightsUnavailable(f"{name!r} cannot be a preview of {record.method}.", "Use previews/<name>.png.")
    if not record.data:
        raise WeightsUnavailable(f"The weights of {record.method} do not say what they learned from.", advice)
    for each in record.data:
        if not (each.name.strip() and each.licence.strip() and each.statement.strip()):
            raise WeightsUnavailable(
                f"The data {each.name!r} of {record.method} lacks its licence or its statement of consent.", advice
            )
        if each.consent not in get_args(Consent):
            raise WeightsUnavailable(f"Nobody said that {each.name!r} of {record.method} may be learned from.", advice)


def allows_commercial_use(licence: str) -> bool:
    """Whether a licence allows commercial use, as far as its name tells."""
    name = licence.strip().lower()
    return name.startswith(_FREE_LICENCES) and "-nc" not in name
