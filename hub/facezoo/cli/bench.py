"""`facezoo bench`: how fast each method is on this machine, and where the time goes."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from facezoo.cli.shell import ProgressLine, print_json, print_table, warn
from facezoo.errors import FacezooError, UsageError
from facezoo.types import MethodSpec

__all__ = ["bench"]

_SIDE = 1024  # px
_STAGES = ("read", "detect", "method", "blend", "seal", "total")
_UNTOUCHED = "untouched"
_BUSY = 1.5  # wall over processor seconds: below 1 on an idle machine, as the networks use two cores


def bench(
    runs: Annotated[int, typer.Option(min=1, max=1000, help="Timed runs a method, after one that warms up.")] = 5,
    methods: Annotated[str, typer.Option(metavar="A,B", help="Only these methods.")] = "",
    baseline: Annotated[
        str, typer.Option(metavar="ID", help="Ratios are against this one; untouched is reading and sealing alone.")
    ] = _UNTOUCHED,
    networks: Annotated[
        bool, typer.Option("--networks", help="Only: the networks' quick forward passes against their plain ones.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Time each photo method on a synthetic portrait of 1024 px: median seconds a stage, and the ratio to a baseline.

    Wall seconds, except `cpu`: processor seconds of this process on all cores. A machine busy with other work is
    pointed out; `cpu` and the fastest run mislead least then."""
    if networks:
        _bench_networks(runs, as_json)
        return
    from facezoo import registry

    wanted = [each.strip() for each in methods.split(",") if each.strip()]
    specs = [registry.load_spec(id) for id in wanted] if wanted else registry.list_methods()
    animating = [spec.id for spec in specs if "animate" in spec.tasks]
    moving = [spec.id for spec in specs if "puppet" in spec.tasks]
    specs = [spec for spec in specs if "photo" in spec.inputs.media and not spec.inputs.driving]
    if baseline not in (_UNTOUCHED, *(spec.id for spec in specs)):
        raise UsageError(
            f"The baseline {baseline!r} is not among what is timed.", f"Use {_UNTOUCHED} or one of the methods."
        )
    rows = _time_all(specs, runs)
    if not rows and not animating and not moving:
        raise FacezooError("No method could be timed.", "See: facezoo doctor")
    if rows:
        _compare_with(rows, baseline)
    from facezoo.cli.bench_animation import time_animation
    from facezoo.cli.bench_puppet import time_puppet

    films = [time_animation(method) for method in animating]
    puppets = [time_puppet(method) for method in moving]
    if any(row["seconds"]["total"] > _BUSY * row["cpu"] for row in rows):
        warn("this machine is busy with other work: the seconds are longer than facezoo's own.")
    if as_json:
        print_json({"machine": _machine(), "side": _SIDE, "runs": runs, "baseline": baseline, "methods": rows,
                    "animation": films, "puppets": puppets})  # fmt: skip
        return
    if rows:
        _print_photos(rows, runs, baseline)
    for film in films:
        _print_film(film)
    for puppet in puppets:
        _print_puppet(puppet)


def _bench_networks(runs: int, as_json: bool) -> None:
    from facezoo.cli.bench_networks import time_networks

    rows = time_networks(runs)
    if as_json:
        print_json({"machine": _machine(), "runs": runs, "networks": rows})
        return
    print(f"{_machine()}; one thread, fastest of {runs} runs in turns, milliseconds of processor")
    print_table(
        ("network", "plain", "quick", "ratio", "largest difference"),
        [
            (row["network"], f"{row['plain']:.0f}", f"{row['quick']:.0f}", f"{row['ratio']:.2f}",
             f"{row['difference']:.0e}")
            for row in rows
        ],
    )  # fmt: skip


def _print_photos(rows: list[dict[str, Any]], runs: int, baseline: str) -> None:
    print(f"{_machine()}; {_SIDE} px portrait, median of {runs} runs, seconds")
    ratio = f"x {baseline}"
    print_table(
        ("method", *_STAGES, "fastest", "cpu", "first", ratio),
        [
            (
                row["method"],
                *(f"{row['seconds'][stage]:.3f}" for stage in _STAGES),
                f"{row['fastest']:.3f}",
                f"{row['cpu']:.3f}",
                f"{row['first']:.3f}",
                f"{row['ratio']:.2f}",
            )
            for row in rows
        ],
    )


def _print_film(film: dict[str, Any]) -> None:
    frames = ", ".join(
        f"{film[side]['fps']:.1f} frames a second at {side} px ({1000 * film[side]['cpu']:.0f} ms of processor each)"
        for side in ("512", "1024")
    )
    print(f"{film['method']}: {frames}, from a driver's frame to the drawn picture")
    print(
        f"{film['method']}: {film['file']['fps']:.1f} frames a second from a driver's file to the sealed film, 512 px"
    )
    for name, ratio in film["cheaper"].items():
        print(f"{film['method']}: {ratio:.0f} times less processor time a frame than {name}")


def _print_puppet(puppet: dict[str, Any]) -> None:
    webcam, posture = puppet["webcam"], puppet["posture"]
    print(
        f"{puppet['method']}: {webcam['fps']:.1f} frames a second after a webcam ({1000 * webcam['cpu']:.0f} ms of "
        f"processor each), {posture['show']:.0f} ms from a posture to its picture, {posture['drag']:.0f} ms to drag a "
        f"point; painted at {puppet['side']} px"
    )


def _time_all(specs: list[MethodSpec], runs: int) -> list[dict[str, Any]]:
    """One row a method; a method that cannot run here is named on stderr and left out."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="facezoo-bench-") as temporary:
        portrait = _enlarged_portrait(Path(temporary))
        for spec in specs:
            try:
                rows.append(_time(spec.id, portrait, Path(temporary) / "result.png", runs))
            except FacezooError as error:
                warn(f"{spec.id}: {error.message}")
    return rows


def _time(method: str, portrait: Path, output: Path, runs: int) -> dict[str, Any]:
    """The first call (models are loaded) apart from the others. consent: the portrait is a synthetic person's."""
    from facezoo import runner

    records: list[dict[str, float]] = []
    cpu: list[float] = []
    for _ in range(runs + 1):
        before = time.process_time()
        with ProgressLine() as progress:
            sealed = runner.run(method, portrait, consent=True, output=output, progress=progress)
        cpu.append(time.process_time() - before)
        records.append(sealed.record["seconds"])
    first, *timed = records
    return {
        "method": method,
        "seconds": {stage: median(record[stage] for record in timed) for stage in _STAGES},
        "fastest": min(record["total"] for record in timed),
        "cpu": median(cpu[1:]),
        "first": first["total"],
        "untouched": median(record["read"] + record["seal"] for record in timed),
    }


def _compare_with(rows: list[dict[str, Any]], baseline: str) -> None:
    """Add "ratio" to every row: its seconds over the baseline's.

    Untouched is reading and sealing alone, as measured in the row's own runs."""
    named = {row["method"]: row["seconds"]["total"] for row in rows}
    if baseline != _UNTOUCHED and baseline not in named:
        raise FacezooError(f"The baseline {baseline} could not be timed.", "Choose another --baseline.")
    for row in rows:
        row["ratio"] = row["seconds"]["total"] / (row["untouched"] if baseline == _UNTOUCHED else named[baseline])


def _enlarged_portrait(folder: Path) -> Path:
    """A shipped persona's portrait at 1024 px. Pillow writes it: it is an input, and nothing leaves this folder."""
    from PIL import Image

    from facezoo.zoo import embedded

    path = folder / "portrait.png"
    with Image.open(embedded.personas()[0].portrait) as picture:
        scale = _SIDE / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(path)
    return path


def _machine() -> str:
    return f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"
