"""`facezoo run --ray`: folders of any size."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from facezoo.cli.shell import ProgressLine, result_suffix, warn
from facezoo.errors import Cancelled, UsageError
from facezoo.media.limits import PHOTO_SUFFIXES, VIDEO_SUFFIXES

__all__ = ["run_folders"]


def run_folders(
    method: str, inputs: Sequence[Path], output: Path, options: Mapping[str, Any], address: str, *, as_json: bool
) -> int:
    """Runs a method on Ray on all pictures and films of files and folders; gives the exit code of the first failure, 0
    when there was none. Each outcome is told as it comes, with as_json as a line of JSON."""
    from facezoo.runner.batch import run_batch

    results = _results(inputs, output)
    there = _there(results, output)
    done = failed = code = 0
    known = {name: _everywhere(value) for name, value in options.items()}
    outcomes = run_batch(method, results, output, known, address=address)
    try:
        with ProgressLine() as progress, closing(outcomes):
            for outcome in outcomes:
                if outcome.error:
                    failed, code = failed + 1, code or outcome.exit_code
                    warn(f"{outcome.path}: {outcome.error}")
                else:
                    done += 1
                if as_json:
                    print(json.dumps(asdict(outcome), default=str), flush=True)
                now = there + done + failed
                progress(f"{now} of {len(results)} files", now / len(results))
    except Cancelled:
        raise Cancelled("Stopped.", f"{_there(results, output)} results are there; the same command goes on.") from None
    if not as_json:
        print(f"{output}  ({done} made, {there} were there, {failed} failed)")
    return code


def _results(inputs: Sequence[Path], output: Path) -> dict[Path, Path]:
    """File -> its result below `output`: what lies in a folder keeps its place there, however deep. Raises UsageError
    where two would become one, where there is none, and for results among what they are made from."""
    if output.is_file():
        raise UsageError(f"{output} is no folder.", "Results on Ray need a folder: -o results")
    found: dict[Path, Path] = {}
    for given in inputs:
        if given.is_dir() and output.resolve().is_relative_to(given.resolve()):
            raise UsageError(f"{output} lies in {given}, which is read.", "Choose another folder with -o.")
        for path, place in _files(given):
            found[path] = place.with_suffix(result_suffix(path))
    if not found:
        raise UsageError("There is no picture and no film.", "Name files, or folders that have some.")
    if len(set(found.values())) < len(found):
        seen: dict[Path, Path] = {}
        twice = next(path for path, result in found.items() if seen.setdefault(result, path) != path)
        raise UsageError(f"{seen[found[twice]]} and {twice} would both become {found[twice]}.", "Rename one.")
    return found


def _there(results: Mapping[Path, Path], output: Path) -> int:
    """How many results there are."""
    return sum((output / result).exists() for result in results.values())


def _files(given: Path) -> Iterator[tuple[Path, Path]]:
    """Each file, and its place below the folder that was given. A file that is not there fails in its turn."""
    if not given.is_dir():
        yield given, Path(given.name)
        return
    for path in sorted(given.rglob("*")):
        if path.suffix.lower() in (*PHOTO_SUFFIXES, *VIDEO_SUFFIXES) and not path.name.startswith("."):
            yield path, path.relative_to(given)


def _everywhere(value: Any) -> Any:
    """A file by a name that workers understand, too."""
    return str(value.absolute()) if isinstance(value, Path) and value.exists() else value
