"""What all commands share: how errors, progress and JSON reach a terminal, and how Ctrl-C stops the work."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn, TextIO

import typer

from facezoo.errors import Cancelled, FacezooError, UsageError, printable
from facezoo.media.limits import VIDEO_SUFFIXES, WRITES_PHOTOS

__all__ = [
    "AsJson",
    "OwnWeights",
    "ProgressLine",
    "choose_outputs",
    "conclude",
    "named",
    "print_json",
    "print_table",
    "result_suffix",
    "size_text",
    "staged",
    "warn",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OwnWeights = Annotated[
    str, typer.Option("--weights", metavar="FOLDER|OWNER/NAME@REVISION", help="Weights in place of facezoo's own.")
]

_STAGES = {
    "read": "Reading",
    "detect": "Finding faces",
    "method": "Translating",
    "blend": "Blending",
    "seal": "Labelling and signing",
}


def conclude(command: Callable[[], object], *, debug: bool) -> int:
    """Run a command and give its exit code. Errors become one or two lines on stderr; debug adds the traceback.

    While it runs, Ctrl-C raises Cancelled in the main thread, so that everything half done is removed on the way out,
    and libraries in C++ cannot write into the terminal (unless debug)."""
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal stopped
        stopped = True
        raise Cancelled("Stopped.", "Nothing was left behind.")

    previous = signal.signal(signal.SIGINT, stop)
    try:
        with contextlib.nullcontext() if debug else _native_noise_hidden():
            code = command()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (BrokenPipeError, SystemExit) as ending:
        if isinstance(ending, SystemExit) and not isinstance(ending.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # `facezoo methods | head`: the reader has seen enough
        return 0
    except Exception as error:
        if debug:
            print(*map(printable, traceback.format_exc().splitlines()), sep="\n", file=sys.stderr)
        if stopped and not isinstance(error, Cancelled):
            error = Cancelled("Stopped.", "Nothing was left behind.")
        return _report(error)
    finally:
        signal.signal(signal.SIGINT, previous)


class ProgressLine:
    """A `Progress` that keeps one line of a terminal up to date and removes it at the end.

    Silent when stderr is no terminal.

    with ProgressLine() as progress: run(..., progress=progress)"""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._shown = 0.0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._live and self._shown:
            self._write("\r\x1b[K")

    def __call__(self, stage: str, fraction: float) -> None:
        """Show a stage, at most ten times a second. stage may carry a method in front: "landmark_warp:blend"."""
        now = time.monotonic()
        if not self._live or now - self._shown < 0.1:
            return
        self._shown = now
        method, _, name = stage.rpartition(":")
        words = _STAGES.get(name, name)
        self._write(f"\r\x1b[K{method + ': ' if method else ''}{words} {fraction:.0%}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def named(words: str) -> list[str]:
    """What stands between commas: "a, b" is ["a", "b"], "" is []."""
    return [each.strip() for each in words.split(",") if each.strip()]


def warn(message: str) -> None:
    """One line on stderr that is no failure."""
    print(f"facezoo: {printable(message)}", file=sys.stderr)


def print_json(value: object) -> None:
    """Indented JSON on stdout; paths become strings, and what could steer a terminal an escape of JSON."""
    text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    print("".join(each if each == "\n" or printable(each) == each else json.dumps(each)[1:-1] for each in text))


def print_table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Aligned columns on stdout."""
    cells = [header, *[tuple(printable(cell) for cell in row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def size_text(size: float) -> str:
    """A number of bytes for people: 0 is "-"."""
    if not size:
        return "-"
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def choose_outputs(inputs: list[Path], output: Path) -> list[Path]:
    """Where each input's result goes: `output` itself for one input, or <output>/<name>.<format> when it is a folder.

    Several inputs need a folder. Raises UsageError for a file where a folder is needed, for two inputs of one name,
    and for an output that would replace its input."""
    is_folder = output.is_dir() or not output.suffix
    if len(inputs) == 1 and not is_folder:
        return _kept_apart(inputs, [output])
    if not is_folder or output.is_file():
        raise UsageError(
            f"{output} is no folder.", f"{len(inputs)} inputs need a folder: -o {output.stem or 'results'}"
        )
    outputs = [output / (path.stem + result_suffix(path)) for path in inputs]
    for index, each in enumerate(outputs):
        if each in outputs[:index]:
            raise UsageError(f"Two inputs would both become {each}.", "Rename one, or call facezoo once for each.")
    return _kept_apart(inputs, outputs)


def result_suffix(path: Path) -> str:
    """How the result of a file ends when nobody says: as the file does, where facezoo writes that."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return ".mp4"
    return suffix if suffix in (*WRITES_PHOTOS, ".gif") else ".png"


@contextlib.contextmanager
def staged(destination: Path) -> Generator[Path]:
    """A temporary folder beside the folder `destination`; its files are moved into destination when all went well.

    A call that fails half-way so leaves no output, not even the folder."""
    destination = destination.absolute()
    if destination.exists() and not destination.is_dir():
        raise UsageError(f"{destination} is a file.", "Choose a folder for the results.")
    parent = next(folder for folder in (destination, *destination.parents) if folder.is_dir())
    with tempfile.TemporaryDirectory(prefix=".facezoo-", dir=parent) as temporary:
        yield Path(temporary)
        destination.mkdir(parents=True, exist_ok=True)
        for path in sorted(Path(temporary).iterdir()):
            shutil.move(path, destination / path.name)


def _kept_apart(inputs: list[Path], outputs: list[Path]) -> list[Path]:
    for source, result in zip(inputs, outputs, strict=True):
        if source.resolve() == result.resolve():
            raise UsageError(f"The result would replace its input {source}.", "Choose another name or folder with -o.")
    return outputs


def _report(error: Exception) -> int:
    """Print an error for people on stderr, at most two lines, and give its exit code."""
    if isinstance(error, FacezooError):
        message, advice, code = error.message, error.advice, error.exit_code
    else:
        first = next(iter(str(error).splitlines()), "")
        message = f"Something unexpected happened: {type(error).__name__}: {printable(first[:200])}"
        advice, code = "Run it again with --debug to see where, and report it with those lines.", 1
    print(f"facezoo: {message}", file=sys.stderr)
    if advice:
        print(advice, file=sys.stderr)
    return code


@contextlib.contextmanager
def _native_noise_hidden() -> Generator[None]:
    """Point file descriptor 2 at nothing while sys.stderr keeps the terminal: TFLite, ONNX Runtime and libav log there.

    Does nothing when sys.stderr is not descriptor 2 (a test has replaced it)."""
    python_stderr = sys.stderr
    try:
        if python_stderr.fileno() != 2:
            raise ValueError("replaced")
    except (AttributeError, ValueError, OSError):
        yield
        return
    python_stderr.flush()
    terminal = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    sys.stderr = os.fdopen(
        terminal, "w", buffering=1, encoding=python_stderr.encoding, errors="backslashreplace", closefd=False
    )
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = python_stderr
        os.dup2(terminal, 2)
        os.close(terminal)
