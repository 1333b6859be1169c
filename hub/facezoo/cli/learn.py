"""Learning a face: `facezoo learn`, and animating what was learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.cli.shell import ProgressLine, print_json

__all__ = ["animate_head", "learn"]


def learn(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="1 to 8 photos or paintings of one person.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="HEAD", help="The folder to write.")],
    steps: Annotated[int, typer.Option(min=0, help="Of learning in all; 0 knows the photos alone.")] = 120,
    seconds: Annotated[float, typer.Option(min=1, help="When to stop with what there is.")] = 150.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same head.")] = 0,
    consent: Annotated[bool, typer.Option("--consent", help="I may use every face here, or it is my own.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Learn a face from a few photos, for `animate HEAD --driving CLIP`. Called again with more steps, it goes on."""
    from dataclasses import asdict

    from facezoo import runner

    with ProgressLine() as progress:
        learned = runner.learn(
            photos, output, steps=steps, seconds=seconds, consent=consent or None, seed=seed, progress=progress
        )
    if as_json:
        print_json(asdict(learned) | {"output": str(output)})
        return
    told = f"{len(learned.photos)} photo{'s' * (len(learned.photos) != 1)}, {learned.steps} steps"
    print(f"{output}  ({told}, {learned.seconds:.0f} s)")
    for note in learned.notes:
        print(f"  {note}")


def animate_head(head: Path, output: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a head that was animated. options: of `runner.run`."""
    from facezoo import runner

    pipeline, photo = runner.open_head(head)
    with ProgressLine() as progress:
        sealed = runner.run(pipeline.spec.id, photo, pipeline=pipeline, output=output, progress=progress, **options)
    return sealed.record
