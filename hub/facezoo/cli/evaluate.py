"""`facezoo evaluate`: every face swap by one protocol, with intervals and with what went wrong."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.cli.shell import OwnWeights, ProgressLine, named, print_json, print_table

__all__ = ["evaluate"]


def evaluate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="For metrics.json and report.html.")],
    methods: Annotated[str, typer.Option(metavar="A,B", help="Only these methods.")] = "",
    personas: Annotated[str, typer.Option(metavar="A,B", help="Only these personas.")] = "",
    portraits: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Pictures to measure on; without it, those that ship.")
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Pictures that are measured only and never shown.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Rendered pairs, as training/persona_frames.py makes them.")
    ] = None,
    consent: Annotated[bool, typer.Option("--consent", help="Every face in these folders may be used.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A few pictures: minutes become seconds.")] = False,
    seed: Annotated[int, typer.Option(help="Of the methods.")] = 0,
    weights: OwnWeights = "",
    record: Annotated[str, typer.Option(metavar="METHOD", help="Print its scores as JSON, for a metrics.json.")] = "",
) -> None:
    """Measure how good the face swaps are: likeness, pose, landmarks, expression, sharpness, seconds, and for whom.

    A stopped evaluation goes on where it was: what was measured is kept in DIR/cache."""
    from facezoo.evaluate.figures import card_scores
    from facezoo.evaluate.swaps import Asked, evaluate_swaps

    chosen, people = tuple(named(methods)), tuple(named(personas))
    asked = Asked(chosen, people, portraits, photos, pairs, consent, quick, seed, weights)
    with ProgressLine() as progress:
        metrics = evaluate_swaps(asked, output, progress)
    if record:
        print_json([asdict(each) for each in card_scores(metrics, record)])
        return
    for part, scopes in metrics["tables"].items():
        if "overall" in scopes:
            print(f"{metrics['pictures'][part]['title']}, {scopes['overall']['people']} people")
            _print_overall(scopes["overall"], metrics["measures"])
    if why := metrics["identity"]["why_not"]:
        print(f"Not comparable: whom the results look like was not measured. {why}")
    print(f"{output / 'report.html'}: all of it, with intervals")


def _print_overall(scope: dict[str, Any], measures: dict[str, Any]) -> None:
    columns: dict[str, Any] = scope["columns"]
    measured = [id for id in measures if any(id in column["measures"] for column in columns.values())]
    rows: list[tuple[str, ...]] = []
    for name, column in columns.items():
        figures: dict[str, Any] = column["measures"]
        cells = [f"{figures[id]['mean']:.{measures[id]['digits']}f}" if id in figures else "-" for id in measured]
        rows.append((name, *cells, str(column["failed"])))
    print_table(("", *(measures[id]["short"] for id in measured), "No result"), rows)
