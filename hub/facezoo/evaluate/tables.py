"""From the answers of all jobs to the tables of metrics.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from facezoo.evaluate.measures import ON_PICTURES, Measure
from facezoo.evaluate.strata import STRATA, TONES
from facezoo.evaluate.subjects import PairSet
from facezoo.evaluate.work import BASELINES, Job
from facezoo.zoo.figures import gap, mean

__all__ = ["Row", "failures", "read_rows", "strata_tables", "tables"]

_FEWEST = 2  # people in a group below which nothing is said of it


@dataclass(frozen=True)
class Row:
    """One result: a picture (person) with a persona through a method or baseline (column). groups: see `strata`.
    failure: why there is none, "" when there is; values: measure -> value."""

    column: str
    person: str
    persona: str
    groups: dict[str, str]
    failure: str
    values: dict[str, float]


def read_rows(jobs: Iterable[Job]) -> list[Row]:
    """The results of jobs that were done. A picture without a usable face is one row without a persona."""
    rows: list[Row] = []
    for job in jobs:
        answer = cast("dict[str, Any]", json.loads(job.answer.read_text(encoding="utf-8")))
        if answer["failure"] and not isinstance(job.subject, PairSet):
            rows.append(Row(job.column, job.subject.name, "", {}, answer["failure"], {}))
        rows += [
            Row(job.column, each["person"], each["persona"], answer["groups"], each["failure"], each["values"])
            for each in answer["rows"]
        ]
    return rows


def tables(rows: Sequence[Row], measures: Sequence[Measure], personas: Sequence[str]) -> dict[str, Any]:
    """Scope ("overall", each persona) -> {"people", "columns": column -> {"results", "failed", "measures": id ->
    figure}}."""
    scopes: dict[str, Any] = {}
    for scope in ("overall", *personas):
        chosen = [row for row in rows if row.persona and scope in ("overall", row.persona)]
        if not chosen:
            continue
        scopes[scope] = {
            "people": len({row.person for row in chosen}),
            "columns": {name: _column([row for row in chosen if row.column == name], measures)
                        for name in _columns(chosen)},
        }  # fmt: skip
    return scopes


def _columns(rows: Sequence[Row]) -> list[str]:
    """Methods, then baselines."""
    return sorted(dict.fromkeys(row.column for row in rows), key=lambda name: name in BASELINES)


def _column(rows: Sequence[Row], measures: Sequence[Measure]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for measure in measures:
        having = [row for row in rows if measure.id in row.values]
        if having:
            figures[measure.id] = asdict(mean(*_values(having, measure), geometric=measure.geometric))
    failed = sum(bool(row.failure) for row in rows)
    return {"results": len(rows) - failed, "failed": failed, "measures": figures}


def strata_tables(rows: Sequence[Row]) -> dict[str, Any]:
    """Stratum -> group -> {"people", "columns": method -> measure -> {"value": figure, "gap": figure}}; the gap is to
    the pictures of all other groups. Methods only; a stratum with one group is left out."""
    found: dict[str, Any] = {}
    ours = [row for row in rows if row.groups and row.column not in BASELINES]
    for stratum in STRATA:
        sizes = {group: len({row.person for row in ours if row.groups[stratum] == group})
                 for group in sorted({row.groups[stratum] for row in ours}, key=_place)}  # fmt: skip
        if len(sizes) < 2:
            continue
        found[stratum] = {
            group: {"people": people, "columns": _groups(ours, stratum, group)}
            for group, people in sizes.items()
            if people >= _FEWEST
        }
    return found


def _place(group: str) -> tuple[int, str]:
    return (TONES.index(group) if group in TONES else 0), group


def _groups(rows: Sequence[Row], stratum: str, group: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for column in _columns(rows):
        columns[column] = {}
        for measure in ON_PICTURES:
            having = [row for row in rows if row.column == column and measure.id in row.values]
            inside = [row.groups[stratum] == group for row in having]
            if not any(inside) or all(inside):
                continue
            own = [row for row, chosen in zip(having, inside, strict=True) if chosen]
            columns[column][measure.id] = {
                "value": asdict(mean(*_values(own, measure), geometric=measure.geometric)),
                "gap": asdict(gap(*_values(having, measure), inside, geometric=measure.geometric)),
            }
    return columns


def _values(rows: Sequence[Row], measure: Measure) -> tuple[list[float], list[str]]:
    """The values of a measure, and whose they are."""
    return [row.values[measure.id] for row in rows], [row.person for row in rows]


def failures(rows: Sequence[Row]) -> list[dict[str, str]]:
    """What went wrong: pictures without a usable face, methods without a result, results beyond a measure's limit."""
    found: list[dict[str, str]] = []
    for row in rows:
        if not row.persona:
            if row.column == BASELINES[0]:  # said once, not for every method
                found.append({"picture": row.person, "persona": "", "method": "", "why": row.failure})
            continue
        beyond = [_beyond(each, row.values) for each in ON_PICTURES] if row.column not in BASELINES else []
        if why := "; ".join(filter(None, [row.failure, *beyond])):
            found.append({"picture": row.person, "persona": row.persona, "method": row.column, "why": why})
    return found


def _beyond(measure: Measure, values: dict[str, float]) -> str:
    """How a result is beyond a measure's limit, "" when it is not."""
    value = values.get(measure.id)
    if value is None or measure.limit is None or (value > measure.limit) != (measure.better == "lower"):
        return ""
    return "looks more like another persona" if measure.id == "top1" else f"{measure.short} {value:.1f}"
