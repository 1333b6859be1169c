"""How good face swaps are, by one protocol for all methods (facezoo-eval v1).

Without a folder it measures on the pictures that ship with facezoo. DIR/metrics.json holds every figure with its n and
its 95 % bootstrap interval over people, DIR/report.html shows them; DIR/cache lets a stopped evaluation go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import facezoo.face
import facezoo.methods
from facezoo import registry
from facezoo.errors import UsageError
from facezoo.evaluate.figures import BASELINES, ON_PAIRS, ON_PICTURES, VERSION, failures, strata_tables, tables
from facezoo.evaluate.jobs import Job, do_all, picture_of, read_rows
from facezoo.evaluate.measuring import Settings
from facezoo.evaluate.metrics import why_no_identity
from facezoo.evaluate.report import Example, render
from facezoo.evaluate.subjects import LEFT_OUT, PairSet, Subject, find_pairs, lock_of, read_folder, shipped, spread
from facezoo.media.files import write_whole
from facezoo.types import MethodSpec, Progress
from facezoo.zoo.embedded import persona, personas
from facezoo.zoo.pull import locate, methods_of

__all__ = ["Asked", "evaluate_swaps"]

_QUICK = 4  # pictures of each kind
_PAIRS, _QUICK_PAIRS = 48, 6  # of each persona
_EXAMPLES = 12  # rows of pictures in the report
_CODE = ("metrics", "subjects", "measuring")  # files here whose change makes old answers useless


@dataclass(frozen=True)
class Asked:
    """What is to be measured. methods: ids, all that swap faces when empty; personas: ids, all when empty. portraits:
    folder of pictures that may be shown, None for those that ship; photos: folder of pictures that are measured only;
    pairs: folder made by training/persona_frames.py. consent: that every face in the folders may be used. quick: a few
    pictures of each. weights: own ones of a method, see `registry.load`; that method alone when `methods` is empty."""

    methods: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()
    portraits: Path | None = None
    photos: Path | None = None
    pairs: Path | None = None
    consent: bool = False
    quick: bool = False
    seed: int = 0
    weights: str = ""


def evaluate_swaps(asked: Asked, output: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Measure, write output/metrics.json and output/report.html, and give what metrics.json holds.

    progress("Measuring, 2 min left", fraction) may raise Cancelled; what was measured by then is not measured again.
    Raises UsageError, ConsentRequired, WeightsUnavailable, BadInput before anything is measured; a picture or method
    that fails later is in the list of failures."""
    specs = _specs(asked)
    people = [persona(id).id for id in asked.personas] or [each.id for each in personas()]
    parts = _parts(asked, people)
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file.", "Choose a folder for the results.")
    cache = output / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    why, here = why_no_identity(), Path(__file__).parent
    source = _digest(Path(facezoo.face.__path__[0]), *(here / f"{name}.py" for name in _CODE))
    jobs = _jobs(parts, specs, Settings(tuple(people), not why, asked.seed, source, cache, asked.weights))
    do_all((job for group in jobs.values() for job in group), progress)
    rows = {part: read_rows(group) for part, group in jobs.items()}
    metrics: dict[str, Any] = _conditions(asked, specs, people, why) | {
        "pictures": {part: {"title": _title(part, asked), **lock_of(group)} for part, group in parts.items()},
        "measures": {each.id: asdict(each) for each in (*ON_PICTURES, *ON_PAIRS)},
        "tables": {part: tables(found, ON_PAIRS if part == "pairs" else ON_PICTURES, people)
                   for part, found in rows.items()},
        "strata": {part: strata_tables(found) for part, found in rows.items() if part != "pairs"},
        "left_out": list(LEFT_OUT),
        "failures": [{"part": part, **each} for part, found in rows.items() for each in failures(found)],
    }  # fmt: skip
    write_whole(output / "metrics.json", json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    write_whole(output / "report.html", render(metrics, _examples(jobs["portraits"])))
    return metrics


def _conditions(
    asked: Asked, specs: Sequence[tuple[MethodSpec, dict[str, Any]]], people: list[str], why: str
) -> dict[str, Any]:
    """What was measured with what, where and when."""
    return {
        "version": VERSION,
        "facezoo": version("facezoo"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}",
        "seed": asked.seed,
        "quick": asked.quick,
        "identity": {"embedding": "" if why else "dlib ResNet (2017), 128 numbers a face", "why_not": why},
        "methods": {spec.id: {"title": spec.title, "weights": weights, "params": asdict(spec.swapping())}
                    for spec, weights in specs},
        "personas": people,
    }  # fmt: skip


def _specs(asked: Asked) -> list[tuple[MethodSpec, dict[str, Any]]]:
    """The methods, oldest first, each with what is known of its weights."""
    able = [spec for spec in registry.list_methods()
            if "swap" in spec.tasks and "photo" in spec.inputs.media and spec.inputs.persona]  # fmt: skip
    own = methods_of(asked.weights)
    wanted = asked.methods or tuple(own)
    for id in (*wanted, *own):
        if registry.load_spec(id) not in able or (own and id not in wanted):
            raise UsageError(
                f"{id} does not swap faces with personas, or is not among the methods.",
                f"Choose of: {', '.join(spec.id for spec in able)}.",
            )
    found: list[tuple[MethodSpec, dict[str, Any]]] = []
    for spec in able:
        if not wanted or spec.id in wanted:
            used = spec.weights
            if used.sha256:
                used = locate(spec.id, used, asked.weights if spec.id in own else "").weights
            found.append((spec, asdict(used)))
    return found


def _parts(asked: Asked, people: list[str]) -> dict[str, list[Subject] | list[PairSet]]:
    parts: dict[str, list[Subject] | list[PairSet]] = {}
    pictures = read_folder(asked.portraits, "portraits", asked.consent) if asked.portraits else shipped()
    parts["portraits"] = _few(pictures) if asked.quick else pictures
    if asked.photos:
        pictures = read_folder(asked.photos, "photos", asked.consent)
        parts["photos"] = _few(pictures) if asked.quick else pictures
    if asked.pairs:
        parts["pairs"] = find_pairs(asked.pairs, people, _QUICK_PAIRS if asked.quick else _PAIRS)
    return parts


def _few(pictures: list[Subject]) -> list[Subject]:
    return [pictures[number] for number in spread(len(pictures), _QUICK)]


def _jobs(
    parts: dict[str, list[Subject] | list[PairSet]],
    specs: Sequence[tuple[MethodSpec, dict[str, Any]]],
    settings: Settings,
) -> dict[str, list[Job]]:
    """All jobs of each part; those on one subject follow one another."""
    methods = Path(facezoo.methods.__path__[0])
    versions = dict.fromkeys(BASELINES, "") | {
        spec.id: _digest(methods / spec.id) + str(weights["sha256"]) for spec, weights in specs
    }
    shown = spread(len(parts["portraits"]), _EXAMPLES)
    jobs: dict[str, list[Job]] = {part: [] for part in parts}
    for part, subjects in parts.items():
        for number, subject in enumerate(subjects):
            who = ""
            if part == "portraits" and number in shown:
                others = [id for id in settings.personas if persona(id).sha256 != subject.sha256]
                who = others[shown.index(number) % len(others)] if others else ""
            jobs[part] += [Job(subject, column, version, settings, who) for column, version in versions.items()]
    return jobs


def _examples(jobs: Sequence[Job]) -> list[Example]:
    """The rows of pictures: input, persona, and what each method made of them, sealed."""
    rows: dict[Subject, Example] = {}
    for job in jobs:
        if job.shown and isinstance(job.subject, Subject):
            row = rows.setdefault(job.subject, Example(job.subject.path, persona(job.shown), {}))
            if job.column not in BASELINES:
                row.results[job.column] = picture_of(job)
    return list(rows.values())


def _title(part: str, asked: Asked) -> str:
    if part == "portraits":
        return "portraits" if asked.portraits else "pictures that ship with facezoo"
    return "photos" if part == "photos" else "held-back pairs, other people than those learned from"


def _digest(*places: Path) -> str:
    """sha256 of the code in these folders and files."""
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()
