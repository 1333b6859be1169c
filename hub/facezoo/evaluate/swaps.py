"""How good face swaps are, by one protocol for all methods (facezoo-eval v1).

    python -m facezoo.evaluate.swaps [--portraits FOLDER] [--photos FOLDER] [--pairs FOLDER] [--quick] -o DIR

Without a folder it measures on the pictures that ship with facezoo. DIR/metrics.json holds every figure with its n and
its 95 % bootstrap interval over people, DIR/report.html shows them; DIR/cache lets a stopped evaluation go on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import facezoo.face
import facezoo.methods
from facezoo import registry
from facezoo.errors import Cancelled, FacezooError, UsageError, WeightsUnavailable
from facezoo.evaluate import work
from facezoo.evaluate.measures import ON_PAIRS, ON_PICTURES, VERSION
from facezoo.evaluate.report import Example, render
from facezoo.evaluate.scores import card_scores
from facezoo.evaluate.strata import LEFT_OUT
from facezoo.evaluate.subjects import PairSet, Subject, find_pairs, read_folder, shipped, spread
from facezoo.evaluate.tables import failures, read_rows, strata_tables, tables
from facezoo.evaluate.work import BASELINES, Job, Settings
from facezoo.face.embedding import check_embedder
from facezoo.media.files import write_whole
from facezoo.types import MethodSpec, Progress
from facezoo.zoo.embedded import persona, personas
from facezoo.zoo.pull import locate

__all__ = ["Asked", "evaluate_swaps"]

_PROCESSES = 2
_QUICK = 4  # pictures of each kind
_PAIRS, _QUICK_PAIRS = 48, 6  # of each persona
_EXAMPLES = 12  # rows of pictures in the report


@dataclass(frozen=True)
class Asked:
    """What is to be measured. methods: ids, all that swap faces when empty; personas: ids, all when empty. portraits:
    folder of pictures that may be shown, None for those that ship; photos: folder of pictures that are measured only;
    pairs: folder made by training/persona_frames.py. consent: that every face in the folders may be used. quick: a few
    pictures of each."""

    methods: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()
    portraits: Path | None = None
    photos: Path | None = None
    pairs: Path | None = None
    consent: bool = False
    quick: bool = False
    seed: int = 0


def evaluate_swaps(asked: Asked, output: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Measure, write output/metrics.json and output/report.html, and give what metrics.json holds.

    progress("Measuring, 2 min left", fraction) may raise Cancelled; what was measured by then is not measured again.
    Raises UsageError, ConsentRequired, WeightsUnavailable, BadInput before anything is measured; a picture or method
    that fails later is in the list of failures."""
    specs = _specs(asked.methods)
    people = [persona(id).id for id in asked.personas] or [each.id for each in personas()]
    parts = _parts(asked, people)
    why = _identity_missing()
    here = Path(__file__).parent
    measuring = [here / f"{name}.py" for name in ("metrics", "strata", "subjects", "work")]
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file.", "Choose a folder for the results.")
    source = _digest(Path(facezoo.face.__path__[0]), *measuring)
    cache = output / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    settings = Settings(tuple(people), not why, asked.seed, source, cache)
    jobs = _jobs(parts, specs, settings)
    _do_all([job for group in jobs.values() for job in group], progress)
    rows = {part: read_rows(group) for part, group in jobs.items()}
    metrics: dict[str, Any] = {
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
        "pictures": {part: _lock(part, group, asked) for part, group in parts.items()},
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


def _specs(wanted: Sequence[str]) -> list[tuple[MethodSpec, dict[str, Any]]]:
    """The methods, oldest first, each with what is known of its weights."""
    able = [spec for spec in registry.list_methods()
            if "swap" in spec.tasks and "photo" in spec.inputs.media and spec.inputs.persona]  # fmt: skip
    for id in wanted:
        if registry.load_spec(id) not in able:
            raise UsageError(f"{id} does not swap faces with personas.", f"Choose of: {', '.join(s.id for s in able)}.")
    chosen = [spec for spec in able if not wanted or spec.id in wanted]
    return [
        (spec, asdict(locate(spec.id, spec.weights).weights if spec.weights.sha256 else spec.weights))
        for spec in chosen
    ]


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


def _identity_missing() -> str:
    """Why identities cannot be compared; "" when they can."""
    try:
        check_embedder()
    except WeightsUnavailable as missing:
        return f"{missing.message} {missing.advice}"
    return ""


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


def _do_all(jobs: Sequence[Job], progress: Progress | None) -> None:
    """Every job that is not done yet, those on one subject together, in processes of their own."""
    left: dict[Subject | PairSet, list[Job]] = {}
    for job in jobs:
        if not job.done:
            left.setdefault(job.subject, []).append(job)
    if not left:
        return
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(_PROCESSES, mp_context=context, initializer=work.begin, initargs=(stop,))
    try:
        for done in _finished(pool, list(left.values())):
            if progress:
                rest = (time.monotonic() - began) / done * (len(left) - done) if done else 0.0
                progress(f"Measuring, {_minutes(rest)} left" if done else "Measuring", done / len(left))
    except (Cancelled, KeyboardInterrupt) as stopped:
        stop.set()
        raise Cancelled("Stopped.", "What was measured is kept: the same command goes on from here.") from stopped
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(pool: ProcessPoolExecutor, groups: Sequence[Sequence[Job]]) -> Iterator[int]:
    """How many groups of jobs are done: 0, and again whenever some are, or half a second has gone by."""
    waiting: set[Future[None]] = {pool.submit(work.do_all, group) for group in groups}
    yield 0
    while waiting:
        ready, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        for each in ready:
            each.result()
        yield len(groups) - len(waiting)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _examples(jobs: Sequence[Job]) -> list[Example]:
    """The rows of pictures: input, persona, and what each method made of them, sealed."""
    rows: dict[Subject, Example] = {}
    for job in jobs:
        if job.shown and isinstance(job.subject, Subject):
            row = rows.setdefault(job.subject, Example(job.subject.path, persona(job.shown), {}))
            if job.column not in BASELINES:
                row.results[job.column] = work.picture_of(job)
    return list(rows.values())


def _lock(part: str, subjects: Sequence[Subject] | Sequence[PairSet], asked: Asked) -> dict[str, Any]:
    """Which pictures these were: {"title", "sha256" of the list, "files": [{"name", "sha256"}]}."""
    titles = {
        "portraits": "portraits" if asked.portraits else "pictures that ship with facezoo",
        "photos": "photos",
        "pairs": "held-back pairs, other people than those learned from",
    }
    files = [
        {"name": each.name, "sha256": each.sha256}
        if isinstance(each, Subject)
        else {"name": f"{each.persona}: {' '.join(each.names)}", "sha256": each.sha256}
        for each in subjects
    ]
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    return {"title": titles[part], "sha256": digest, "files": files}


def _digest(*places: Path) -> str:
    """sha256 of the code in these folders and files."""
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main(words: Sequence[str] | None = None) -> int:
    """The command line of this module; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m facezoo.evaluate.swaps", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    for name in ("portraits", "photos", "pairs"):
        parser.add_argument(f"--{name}", type=Path, metavar="FOLDER")
    for name in ("methods", "personas"):
        parser.add_argument(f"--{name}", default="", metavar="A,B")
    parser.add_argument("--consent", action="store_true", help="every face in the folders may be used")
    parser.add_argument("--quick", action="store_true", help="a few pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", default="", metavar="METHOD", help="print its scores for a model card, as JSON")
    given = parser.parse_args(words)
    methods, people = (tuple(filter(None, each.split(","))) for each in (given.methods, given.personas))
    asked = Asked(methods, people, given.portraits, given.photos, given.pairs, given.consent, given.quick, given.seed)
    last = [0.0]

    def progress(stage: str, fraction: float) -> None:
        if time.monotonic() - last[0] > 10:
            last[0] = time.monotonic()
            print(f"{stage} ({fraction:.0%})", file=sys.stderr, flush=True)

    try:
        metrics = evaluate_swaps(asked, given.output, progress)
        if given.record:
            print(json.dumps([asdict(each) for each in card_scores(metrics, given.record)], indent=2))
    except FacezooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
