"""The hub's folder for uploads and results: one a process, private, emptied by age and removed at exit."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import quote

from facezoo.errors import BadInput, Busy, UsageError
from facezoo.media.files import whole

__all__ = [
    "LIFETIME", "SWEEP_EVERY", "file_url", "made_once", "most", "new_folder", "owned", "root", "size_of", "sweep",
    "sweep_all", "used",
]  # fmt: skip

SWEEP_EVERY = 600
"""Seconds between two looks for old files."""
LIFETIME = 3600 - SWEEP_EVERY
"""Seconds after which an upload or a result is deleted at the next look: within the hour."""
_COUNTED_EVERY = 5.0  # seconds
_PREFIX = "facezoo-hub-"
_MOST = 10.0  # GB of all files
_SPARE = 2 << 30  # bytes for the results of what was uploaded before that
_making = threading.Lock()
_used, _counted = 0, 0.0


@cache
def root() -> Path:
    """The folder, made on the first call. Gradio keeps its uploads here too (GRADIO_TEMP_DIR is set to it)."""
    sweep_all()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    threading.Thread(target=_sweep_forever, name="workspace-sweeper", daemon=True).start()
    return folder


def new_folder() -> Path:
    """A fresh folder with an unguessable name for the results of one request. Raises Busy when the hub is full."""
    if used() > most() + _SPARE:
        raise Busy("The hub has no room for files just now.", "Old ones are deleted within the hour. Try again later.")
    return Path(tempfile.mkdtemp(prefix="result-", dir=root()))


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A file that is the same for everybody: `make(path)` fills it the first time, and again when it was deleted.

    name: of the file; all that it depends on must be in it."""
    path = root() / "shared" / name
    with _making:
        if path.is_file():
            os.utime(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path) as partial:
                make(partial)
    return path


def owned(path: str | Path) -> Path:
    """The resolved path, if it lies in the workspace (an upload or a result).

    Raises BadInput for any other path: the browser sends paths back to us, and must not name other files of this
    machine."""
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(root()) or not resolved.is_file():
        raise BadInput("The uploaded file is no longer here.", "Uploads are deleted after an hour. Choose it again.")
    return resolved


def file_url(path: Path) -> str:
    """Address under which the running hub serves the bytes of `path` unchanged, relative to the page."""
    return f"gradio_api/file={quote(str(path))}"


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, in which others work at the same time."""
    total = 0
    for place, _, names in os.walk(folder):  # which passes over what has gone meanwhile
        for name in names:
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def used() -> int:
    """Bytes of the workspace as they were some seconds ago: nobody waits for the count."""
    global _counted  # noqa: PLW0603
    if time.monotonic() - _counted > _COUNTED_EVERY:
        _counted = time.monotonic()
        threading.Thread(target=_count, args=(root(),), name="workspace-count", daemon=True).start()
    return _used


def _count(folder: Path) -> None:
    global _used  # noqa: PLW0603
    _used = size_of(folder)


def most() -> int:
    """Bytes of files from which on no more are uploaded: FACEZOO_DISK gigabytes, or 10. Raises UsageError."""
    words = os.environ.get("FACEZOO_DISK", "")
    try:
        size = float(words or _MOST)
    except ValueError:
        size = 0.0
    if not 0 < size < 1e6:
        raise UsageError(f"FACEZOO_DISK={words!r} is not understood.", "Write how many gigabytes, such as 200.")
    return int(size * 1e9)


def sweep(folder: Path, lifetime: float) -> None:
    """Deletes files below `folder` that are older than `lifetime` seconds, and the folders this leaves empty."""
    oldest = time.time() - lifetime
    for place, folders, names in os.walk(folder, topdown=False):  # which passes over what has gone meanwhile
        for path in (Path(place, name) for name in (*names, *folders)):
            with suppress(OSError):  # gone already, or a folder that is not empty
                if path.lstat().st_mtime > oldest:
                    continue
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()


def sweep_all() -> None:
    """Deletes what is old in the folders of all hubs of this machine: one of them may have been killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        sweep(folder, LIFETIME)


def _sweep_forever() -> None:
    while True:
        time.sleep(SWEEP_EVERY)
        sweep_all()
