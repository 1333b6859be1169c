"""One method on as many files as there are, on Ray Data: on this machine, or on all of a cluster.

Every machine must see the files under the same names. A result is whole or not there, so those that are there are the
checkpoint: a run that was killed goes on with the rest when it is called again.
"""

from __future__ import annotations

import importlib
import json
import logging
import shutil
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from facezoo.errors import FacezooError, UsageError
from facezoo.media.files import write_whole
from facezoo.runner.replicas import cluster

__all__ = ["Outcome", "run_batch"]

_ASKED = "facezoo-run.json"  # in the folder of results: what they were made with
_UNFINISHED = ".facezoo-unfinished"
_AT_A_TIME = 4  # files that a worker takes from the list


@dataclass(frozen=True)
class Outcome:
    """Of one file. record: as of `Sealed`, empty when it failed. error, advice, exit_code: why it failed."""

    path: str
    record: dict[str, Any]
    error: str = ""
    advice: str = ""
    exit_code: int = 0


class Worker:
    """Ray makes it, in a process of its own, and gives it one file after the other."""

    def __init__(self, method: str, options: Mapping[str, Any], unfinished: str) -> None:
        self._method, self._options, self._unfinished = method, dict(options), Path(unfinished)

    def __call__(self, row: dict[str, str]) -> dict[str, str]:
        """row: path of a file, and its result. Gives the outcome, as JSON."""
        return {"outcome": json.dumps(asdict(self._outcome(row["path"], Path(row["result"]))), default=str)}

    def _outcome(self, path: str, result: Path) -> Outcome:
        from facezoo import runner

        draft = self._unfinished / result.relative_to(self._unfinished.parent)
        try:
            draft.parent.mkdir(parents=True, exist_ok=True)
            sealed = runner.run(self._method, path, output=draft, **self._options)
            result.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(result)
        except FacezooError as error:
            return Outcome(path, {}, error.message, error.advice, error.exit_code)
        except Exception as error:  # of one file in a million: the others go on
            return Outcome(path, {}, f"Something unexpected happened: {type(error).__name__}: {error}", "", 1)
        return Outcome(path, sealed.record | {"output": str(result)})


def run_batch(
    method: str, results: Mapping[Path, Path], folder: Path, options: Mapping[str, Any], *, address: str = ""
) -> Generator[Outcome]:
    """Runs a method on many files, of those that have no result yet, and gives each outcome as it comes.

    results: file -> its result, somewhere below `folder`, which is made when missing. options: of `runner.run`, as JSON
    can hold them. address: of a Ray cluster; "" starts Ray here. Closing stops the work.
    Raises UsageError when the folder has results of another method or other options, FacezooError without Ray."""
    folder = folder.absolute()
    left = {str(path.absolute()): str(folder / result) for path, result in results.items()}
    _same_as_before(folder, {"method": method, **options})
    left = {path: result for path, result in left.items() if not Path(result).exists()}
    unfinished = folder / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
    if not left:
        return
    try:
        with cluster(address), closing(_outcomes(method, left, options, unfinished)) as outcomes:
            yield from outcomes
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _outcomes(method: str, left: Mapping[str, str], options: Mapping[str, Any], unfinished: Path) -> Generator[Outcome]:
    try:
        data: Any = importlib.import_module("ray.data")
    except ImportError:
        raise FacezooError("Ray Data is not installed.", "pip install 'facezoo[ray]'") from None
    data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rows = [{"path": path, "result": result} for path, result in left.items()]
    made = data.from_items(rows, override_num_blocks=-(-len(rows) // _AT_A_TIME)).map(
        Worker,
        fn_constructor_args=(method, dict(options), str(unfinished)),
        compute=data.ActorPoolStrategy(min_size=1),
        num_cpus=1,
    )
    for row in made.iter_rows():
        yield Outcome(**json.loads(row["outcome"]))


def _same_as_before(folder: Path, asked: dict[str, Any]) -> None:
    """The folder has results of the same, or none; then it is said there what they are made with."""
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps(asked, indent=2, sort_keys=True, default=str) + "\n"
    note = folder / _ASKED
    if note.is_file() and note.read_text(encoding="utf-8") != told:
        raise UsageError(f"{folder} has results that were made otherwise; see {note.name}.", "Choose another folder.")
    write_whole(note, told)
