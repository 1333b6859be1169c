"""Files that are whole or not there: written beside their place, then renamed. Readers see the old one or the new."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole", "write_whole"]


@contextmanager
def whole(path: Path) -> Generator[Path]:
    """A hidden, empty file beside `path`, of the same suffix, to be filled inside the `with`.

    It becomes `path` when all went well and is gone when not. Raises OSError when the folder cannot be written."""
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix.lower(), dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write text (as UTF-8) or bytes to `path`, whole or not at all."""
    with whole(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def _umask() -> int:
    """The process's mask for new files; mkstemp makes private ones, these should be as other files are."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
