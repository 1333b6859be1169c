"""`facezoo bench`: how fast each method is on this machine, and where the time goes.

Swaps are timed on a synthetic person's portrait; animations and personas follow another synthetic person, who talks.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from facezoo.cli.shell import AsJson, ProgressLine, named, print_json, print_table, warn
from facezoo.errors import FacezooError, UsageError
from facezoo.types import Clip, Frame, Image

if TYPE_CHECKING:
    from facezoo.method.drawn_people import DrawnPeoplePipeline
    from facezoo.method.pipeline import AnimationPipeline

__all__ = ["bench"]

T = TypeVar("T")

_SIDE, _DRIVER, _WEBCAM = 1024, 512, 320  # px, the longer side of a portrait, a driver's frame, a webcam's picture
_FRAMES = 24  # of the talking person, each run
_RATE = 25.0  # frames a second that the webcam claims
_STAGES = ("read", "detect", "method", "blend", "seal", "total")
_UNTOUCHED = "untouched"
_BUSY = 1.5  # wall over processor seconds: below 1 on an idle machine, as the networks use two cores
_PUBLISHED = {"first-order model, generator alone, 256 px": 3.5, "LivePortrait, 512 px": 40.0}
"""Processor seconds a frame of the authors' networks, measured once on two cores of the kind this was written on."""


def bench(
    runs: Annotated[int, typer.Option(min=1, max=1000, help="Timed runs a method, after one that warms up.")] = 5,
    methods: Annotated[str, typer.Option(metavar="A,B", help="Only these methods.")] = "",
    baseline: Annotated[
        str, typer.Option(metavar="ID", help="Ratios are against this one; untouched is reading and sealing alone.")
    ] = _UNTOUCHED,
    networks: Annotated[
        bool, typer.Option("--networks", help="Only: the networks' quick forward passes against their plain ones.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Time each photo method on a synthetic portrait of 1024 px: median seconds a stage, and the ratio to a baseline.

    Wall seconds, except `cpu`: processor seconds of this process on all cores. A machine busy with other work is
    pointed out; `cpu` and the fastest run mislead least then."""
    from facezoo import registry

    machine = f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"
    if networks:
        _report({"machine": machine, "runs": runs, "networks": _time_networks(runs, named(methods))}, as_json)
        return
    specs = [registry.load_spec(id) for id in named(methods)] or registry.list_methods()
    photos = [spec.id for spec in specs if "photo" in spec.inputs.media and not spec.inputs.driving]
    if baseline not in (_UNTOUCHED, *photos):
        raise UsageError(
            f"The baseline {baseline!r} is not among what is timed.", f"Use {_UNTOUCHED} or one of the methods."
        )
    rows = _compared(_time_photos(photos, runs), baseline)
    frames = list(_talking(_FRAMES * runs)) if any({"animate", "puppet"} & set(spec.tasks) for spec in specs) else []
    films = [_time_animation(spec.id, frames) for spec in specs if "animate" in spec.tasks]
    puppets = [_time_puppet(spec.id, frames) for spec in specs if "puppet" in spec.tasks]
    if not rows and not films and not puppets:
        raise FacezooError("No method could be timed.", "See: facezoo doctor")
    if any(row["seconds"]["total"] > _BUSY * row["cpu"] for row in rows):
        warn("this machine is busy with other work: the seconds are longer than facezoo's own.")
    _report({"machine": machine, "side": _SIDE, "runs": runs, "baseline": baseline, "methods": rows,
             "animation": films, "puppets": puppets}, as_json)  # fmt: skip


def _report(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    machine, runs = found["machine"], found["runs"]
    if rows := found.get("networks"):
        print(f"{machine}; one thread, fastest of {runs} runs in turns, milliseconds of processor")
        print_table(
            ("network", "plain", "quick", "ratio", "largest difference"),
            [(row["network"], f"{row['plain']:.0f}", f"{row['quick']:.0f}", f"{row['ratio']:.2f}",
              f"{row['difference']:.0e}") for row in rows],
        )  # fmt: skip
    if rows := found.get("methods"):
        print(f"{machine}; {_SIDE} px portrait, median of {runs} runs, seconds")
        others = ("fastest", "cpu", "first")
        print_table(
            ("method", *_STAGES, *others, f"x {found['baseline']}"),
            [(row["method"], *(f"{row['seconds'][stage]:.3f}" for stage in _STAGES),
              *(f"{row[name]:.3f}" for name in others), f"{row['ratio']:.2f}") for row in rows],
        )  # fmt: skip
    for film in found.get("animation", ()):
        frames = ", ".join(
            f"{film[side]['fps']:.1f} frames a second at {side} px ({1000 * film[side]['cpu']:.0f} ms of "
            "processor each)"
            for side in ("512", "1024")
        )
        print(f"{film['method']}: {frames}, from a driver's frame to the drawn picture")
        print(f"{film['method']}: {film['file']['fps']:.1f} frames a second from a driver's file to the sealed film")
        for name, ratio in film["cheaper"].items():
            print(f"{film['method']}: {ratio:.0f} times less processor time a frame than {name}")
    for puppet in found.get("puppets", ()):
        webcam, posture = puppet["webcam"], puppet["posture"]
        print(
            f"{puppet['method']}: {webcam['fps']:.1f} frames a second after a webcam ({1000 * webcam['cpu']:.0f} ms of "
            f"processor each), {posture['show']:.0f} ms from a posture to its picture, {posture['drag']:.0f} ms to "
            f"drag a point; painted at {puppet['side']} px"
        )


def _time_photos(methods: Iterable[str], runs: int) -> list[dict[str, Any]]:
    """One row a method, its first call (models are loaded) apart from the others; a method that cannot run here is
    named on stderr and left out."""
    from facezoo import runner

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="facezoo-bench-") as temporary:
        portrait = _saved(_portrait(0, _SIDE), Path(temporary) / "portrait.png")
        for method in methods:
            records: list[dict[str, float]] = []
            cpu: list[float] = []
            try:
                for _ in range(runs + 1):
                    with ProgressLine() as progress:
                        sealed, _, spent = _clocked(lambda id=method: runner.run(
                            id, portrait, consent=True, output=Path(temporary) / "result.png", progress=progress
                        ))  # fmt: skip
                    cpu.append(spent)
                    records.append(sealed.record["seconds"])
            except FacezooError as error:
                warn(f"{method}: {error.message}")
                continue
            first, *timed = records
            rows.append({
                "method": method,
                "seconds": {stage: median(record[stage] for record in timed) for stage in _STAGES},
                "fastest": min(record["total"] for record in timed),
                "cpu": median(cpu[1:]),
                "first": first["total"],
                "untouched": median(record["read"] + record["seal"] for record in timed),
            })  # fmt: skip
    return rows


def _compared(rows: list[dict[str, Any]], baseline: str) -> list[dict[str, Any]]:
    """The rows with "ratio": their seconds over the baseline's; untouched is as measured in the row's own runs."""
    timed = {row["method"]: row["seconds"]["total"] for row in rows}
    if rows and baseline != _UNTOUCHED and baseline not in timed:
        raise FacezooError(f"The baseline {baseline} could not be timed.", "Choose another --baseline.")
    return [row | {"ratio": row["seconds"]["total"] / timed.get(baseline, row["untouched"])} for row in rows]


def _time_animation(method: str, frames: Sequence[Image]) -> dict[str, Any]:
    """Frames a second and processor seconds a frame: "512" and "1024" from a decoded driver frame to a drawn picture of
    that side, "file" from the driver's file to the sealed film; "cheaper": times less processor time than published."""
    from facezoo import registry, runner
    from facezoo.face.find import find_faces

    pipeline: AnimationPipeline = registry.load(method)  # pyright: ignore[reportAssignmentType]
    params = pipeline.spec.params()
    if hasattr(params, "start"):
        params = replace(params, start="first")  # in one go
    row: dict[str, Any] = {"method": method}
    for side in (512, 1024):
        source = find_faces(_portrait(0, side))[0]
        _last(pipeline.animate(source, driving=_film(frames[:3]), params=params))
        animated = pipeline.animate(source, driving=_film(frames), params=params)
        drawn, seconds, cpu = _clocked(lambda made=animated: sum(1 for _ in made))
        row[str(side)] = {"fps": drawn / seconds, "cpu": cpu / drawn}
    with tempfile.TemporaryDirectory(prefix="facezoo-bench-") as name:
        photo, actor = (_saved(_portrait(who, 512), Path(name) / f"{who}.png") for who in (0, 1))
        driver = runner.run(method, actor, driving="talk", consent=True, output=Path(name) / "driver.mp4")
        sealed, seconds, _ = _clocked(lambda: runner.run(
            method, photo, driving=driver.path, consent=True, output=Path(name) / "film.mp4"
        ))  # fmt: skip
        row["file"] = {"fps": sealed.record["frames"] / seconds}
    row["cheaper"] = {name: seconds / row["512"]["cpu"] for name, seconds in _PUBLISHED.items()}
    return row


def _time_puppet(method: str, talking: Sequence[Image]) -> dict[str, Any]:
    """ "posture": median milliseconds from a posture to a labelled, watermarked picture, and of dragging a point to get
    there; "webcam": frames a second and processor seconds a frame, from a decoded picture to the same. side: px of what
    the network paints."""
    from facezoo import registry
    from facezoo.motion.handles import Posture
    from facezoo.runner import Puppet

    pipeline: DrawnPeoplePipeline = registry.load(method)  # pyright: ignore[reportAssignmentType]
    puppet = Puppet(method, pipeline.people[0])
    frames = [_sized(frame, _WEBCAM) for frame in talking]
    for frame in frames[:3]:
        puppet.follow(frame, 0.0)
    shown: list[float] = []
    dragged: list[float] = []
    for step in [2 * number / len(frames) - 1 for number in range(len(frames))]:
        place = 0.5 + 0.04 * step
        posture, seconds, _ = _clocked(lambda s=step, x=place: puppet.drag(Posture(smile=s), "nose", x, 0.55))
        dragged.append(seconds)
        shown.append(_clocked(lambda each=posture: puppet.show(each))[1])
    puppet.restart({})
    _, seconds, cpu = _clocked(lambda: [puppet.follow(frame, n / _RATE) for n, frame in enumerate(frames)])
    return {
        "method": method,
        "side": pipeline.side,
        "posture": {"show": 1000 * median(shown), "drag": 1000 * median(dragged)},
        "webcam": {"fps": len(frames) / seconds, "cpu": cpu / len(frames)},
    }


def _time_networks(runs: int, methods: Sequence[str]) -> list[dict[str, Any]]:
    """For each network, in turns: "plain" as it is and "quick" as facezoo runs it on a processor, milliseconds of the
    fastest run on one thread, their "ratio", and the largest "difference" of the pictures, of 2 from black to white."""
    import torch

    from facezoo.nn.fast import hasten

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    try:
        for name, network, inputs in _networks(methods or ("cyclegan", "face2face", "pix2pixhd", "talking_head")):
            both = {"plain": network, "quick": hasten(network)}
            best, made = {each: float("inf") for each in both}, dict[str, Any]()
            with torch.inference_mode():
                for _ in range(runs):
                    for each, passes in both.items():
                        made[each], _, cpu = _clocked(lambda run=passes, given=inputs: run(*given))
                        best[each] = min(best[each], 1000 * cpu)
            pictures = [each if hasattr(each, "abs") else each[-1] for each in made.values()]
            difference = float((pictures[0] - pictures[1]).abs().max())
            rows.append({"network": name, **best, "ratio": best["plain"] / best["quick"], "difference": difference})
    finally:
        torch.set_num_threads(threads)
    return rows


def _networks(methods: Sequence[str]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Name, network and inputs. The papers' networks have untrained weights, which changes no time, one of them its
    spectral norms; facezoo's own are those that ship."""
    import torch

    from facezoo import registry
    from facezoo.methods.cyclegan.model import ResnetGenerator
    from facezoo.methods.cyclegan.strokes import GUIDES
    from facezoo.methods.face2face.model import UnetGenerator
    from facezoo.methods.talking_head.model import Generator

    torch.manual_seed(0)
    if "cyclegan" in methods:
        yield "CycleGAN's ResNet-9, 256 px", ResnetGenerator().eval(), (torch.rand(1, 3, 256, 256) * 2 - 1,)
    if "face2face" in methods:
        yield "pix2pix' U-Net, 256 px", UnetGenerator().eval(), (torch.rand(1, 3, 256, 256) * 2 - 1,)
    if "talking_head" in methods:
        head = Generator().eval()
        for each in [each for each in head.modules() if isinstance(each, torch.nn.Conv2d | torch.nn.Linear)]:
            torch.nn.utils.spectral_norm(each)
        yield "the talking head's generator, 256 px", head.eval(), (torch.rand(1, 3, 256, 256), torch.randn(1, 512, 1))
    for method, name in (("cyclegan", "painting"), ("face2face", "painter"), ("pix2pixhd", "painter")):
        if method not in methods:
            continue
        try:
            network = registry.load(method).networks[name]
        except FacezooError:
            continue
        for side in (256, 512) if method == "cyclegan" else (network.side,):
            inputs: tuple[Any, ...] = (torch.rand(1, 3, side, side) * 2 - 1,)
            if method == "cyclegan":
                inputs += (torch.rand(1, GUIDES, side, side),)
            else:
                inputs += torch.rand(1, side, side, 2) * 2 - 1, torch.zeros(1, dtype=torch.long)
            yield f"{method}'s {name}, {side} px", network, inputs


def _clocked(work: Callable[[], T]) -> tuple[T, float, float]:
    """What work gives, and the seconds it took: on the wall, and of this process on all cores."""
    began, spent = time.perf_counter(), time.process_time()
    made = work()
    return made, time.perf_counter() - began, time.process_time() - spent


def _talking(count: int) -> Iterator[Image]:
    """Frames (H, W, 3) RGB uint8 of a synthetic person who talks."""
    from facezoo.face.find import find_faces
    from facezoo.motion.photo import MovablePhoto
    from facezoo.motion.template import shipped

    photo, motions = MovablePhoto(find_faces(_portrait(1, _DRIVER))[0]), shipped("talk").motions
    for number in range(count):
        yield photo.draw(motions[number % len(motions)])


def _film(frames: Sequence[Image]) -> Clip:
    height, width = frames[0].shape[:2]
    timed = [Frame(image, number / 30) for number, image in enumerate(frames)]
    return Clip("video", width, height, len(frames), Fraction(30), False, "mp4", Path(), "", lambda: iter(timed))


def _last(frames: Iterable[Frame]) -> None:
    for _ in frames:
        pass


def _portrait(number: int, side: int) -> Image:
    """A shipped persona's portrait (H, W, 3) RGB uint8, its longer side `side` px."""
    from facezoo.media.read import read_photo
    from facezoo.zoo.embedded import personas

    return _sized(read_photo(personas()[number].portrait), side)


def _sized(image: Image, side: int) -> Image:
    import cv2
    import numpy as np

    scale = side / max(image.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=method), np.uint8)


def _saved(image: Image, path: Path) -> Path:
    """Pillow writes it: it is an input, and nothing leaves its folder."""
    import PIL.Image

    PIL.Image.fromarray(image).save(path)
    return path
