"""facezoo-eval v1: what is measured of face swaps, and from the answers of all jobs to tables, failures and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from facezoo.errors import UsageError
from facezoo.evaluate.subjects import STRATA, TONES
from facezoo.zoo.figures import Figure, gap, mean
from facezoo.zoo.record import Interval, Score

__all__ = [
    "BASELINES",
    "ON_PAIRS",
    "ON_PICTURES",
    "VERSION",
    "Measure",
    "Row",
    "card_scores",
    "failures",
    "score_of",
    "strata_tables",
    "tables",
]

VERSION = "facezoo-eval v1"
BASELINES = COPIED_INPUT, COPIED_PERSONA = ("copied input", "copied persona")
"""Columns that stand beside the methods."""

_FEWEST = 2  # people in a group below which nothing is said of it


@dataclass(frozen=True)
class Measure:
    """One measure. id: as in metrics.json. short: for a table. title: in words, with the unit. geometric: a ratio,
    whose means are geometric and whose gaps are ratios. limit: a single result beyond it is listed as a failure."""

    id: str
    short: str
    title: str
    better: Literal["higher", "lower"]
    digits: int
    geometric: bool = False
    limit: float | None = None


ON_PICTURES = (
    Measure("top1", "Recognised", "identity: the persona is the nearest of all personas (dlib ResNet embedding), share",
            "higher", 3, limit=0.5),
    Measure("to_persona", "To persona", "distance to the persona (dlib ResNet embedding)", "lower", 3),
    Measure("to_input", "To input", "distance to the input (dlib ResNet embedding)", "higher", 3),
    Measure("pose", "Pose error, °", "pose error against the input, degrees", "lower", 2, limit=10.0),
    Measure("nme", "Landmark error, %", "landmark error against the input, % of inter-ocular distance", "lower", 2,
            limit=10.0),
    Measure("expression", "Expression error", "error of the aspect ratios of eyes and mouth against the input",
            "lower", 3),
    Measure("outside", "SSIM outside", "SSIM with the input outside the face", "higher", 3),
    Measure("sharpness", "Sharpness", "sharpness of the face over the input's (variance of the Laplacian), ratio",
            "higher", 2, geometric=True),
    Measure("seconds", "Seconds", "processor seconds of method and blending", "lower", 2),
)  # fmt: skip
ON_PAIRS = (
    Measure("l1", "L1", "error to the true persona face of held-back pairs, grey levels of 255", "lower", 1),
    Measure("ssim", "SSIM", "SSIM with the true persona face of held-back pairs", "higher", 3),
)


@dataclass(frozen=True)
class Row:
    """One result: a picture (person) with a persona through a method or baseline (column); persona "" when the picture
    shows no usable face. groups: see `subjects.groups`. failure: why there is none, "" when there is; values: measure
    -> value."""

    column: str
    person: str
    persona: str
    groups: dict[str, str]
    failure: str
    values: dict[str, float]


def tables(rows: Sequence[Row], measures: Sequence[Measure], personas: Sequence[str]) -> dict[str, Any]:
    """Scope ("overall", each persona) -> {"people", "columns": column -> {"results", "failed", "measures": id ->
    figure}}."""
    scopes: dict[str, Any] = {}
    for scope in ("overall", *personas):
        chosen = [row for row in rows if row.persona and scope in ("overall", row.persona)]
        if chosen:
            columns = {name: _column([row for row in chosen if row.column == name], measures)
                       for name in _columns(chosen)}  # fmt: skip
            scopes[scope] = {"people": len({row.person for row in chosen}), "columns": columns}
    return scopes


def strata_tables(rows: Sequence[Row]) -> dict[str, Any]:
    """Stratum -> group -> {"people", "columns": method -> measure -> {"value": figure, "gap": figure}}; the gap is to
    the pictures of all other groups. Methods only; a stratum with one group is left out."""
    found: dict[str, Any] = {}
    ours = [row for row in rows if row.groups and row.column not in BASELINES]
    for stratum in STRATA:
        sizes = {group: len({row.person for row in ours if row.groups[stratum] == group})
                 for group in sorted({row.groups[stratum] for row in ours}, key=_place)}  # fmt: skip
        if len(sizes) > 1:
            found[stratum] = {group: {"people": people, "columns": _groups(ours, stratum, group)}
                              for group, people in sizes.items() if people >= _FEWEST}  # fmt: skip
    return found


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


def card_scores(metrics: dict[str, Any], method: str) -> list[Score]:
    """The figures of one method over all personas, with every other column of the same table as a baseline.

    metrics: what `evaluate_swaps` gave. Pictures come before pairs; photos of real people are not on cards. Raises
    UsageError when the method was not evaluated."""
    if method not in metrics["methods"]:
        raise UsageError(
            f"{method} was not evaluated.", f"Name it in --methods. Evaluated: {', '.join(metrics['methods'])}."
        )
    scores: list[Score] = []
    for part, measures in (("portraits", ON_PICTURES), ("pairs", ON_PAIRS)):
        overall = metrics["tables"].get(part, {}).get("overall")
        if overall is None:
            continue
        lock, people = metrics["pictures"][part], len(metrics["personas"])
        dataset = f"{lock['title']}, {overall['people']} people x {people} personas ({lock['sha256'][:8]})"
        for measure in measures:
            having = {name: column["measures"][measure.id] for name, column in overall["columns"].items()
                      if measure.id in column["measures"]}  # fmt: skip
            if method in having:
                columns = {name: Figure(**each) for name, each in having.items()}
                scores.append(score_of(measure.id, measure.title, dataset, measure.better, columns, method))
    return scores


def score_of(
    id: str, title: str, dataset: str, better: Literal["higher", "lower"], columns: dict[str, Figure], ours: str
) -> Score:
    """A measure as a card has it: one column's figure, the others beside it."""
    told = {name: Interval(*(round(value, 4) for value in (each.mean, each.low, each.high)))
            for name, each in columns.items()}  # fmt: skip
    return Score(id, title, dataset, columns[ours].n, better, told.pop(ours), told)


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


def _beyond(measure: Measure, values: dict[str, float]) -> str:
    """How a result is beyond a measure's limit, "" when it is not."""
    value = values.get(measure.id)
    if value is None or measure.limit is None or (value > measure.limit) != (measure.better == "lower"):
        return ""
    return "looks more like another persona" if measure.id == "top1" else f"{measure.short} {value:.1f}"
