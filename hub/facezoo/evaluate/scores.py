"""From metrics.json to the scores on a model card."""

from __future__ import annotations

from typing import Any

from facezoo.errors import UsageError
from facezoo.evaluate.measures import ON_PAIRS, ON_PICTURES, Measure
from facezoo.zoo.record import Interval, Score

__all__ = ["card_scores"]


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
        if "overall" not in metrics["tables"].get(part, {}):
            continue
        overall = metrics["tables"][part]["overall"]
        lock = metrics["pictures"][part]
        dataset = (
            f"{lock['title']}, {overall['people']} people x {len(metrics['personas'])} personas ({lock['sha256'][:8]})"
        )
        scores += [
            _score(measure, overall["columns"], method, dataset)
            for measure in measures
            if measure.id in overall["columns"][method]["measures"]
        ]
    return scores


def _score(measure: Measure, columns: dict[str, Any], method: str, dataset: str) -> Score:
    figures = {
        name: column["measures"][measure.id] for name, column in columns.items() if measure.id in column["measures"]
    }
    intervals = {
        name: Interval(*(round(each[key], 4) for key in ("mean", "low", "high"))) for name, each in figures.items()
    }
    result = intervals.pop(method)
    return Score(measure.id, measure.title, dataset, figures[method]["n"], measure.better, result, intervals)
