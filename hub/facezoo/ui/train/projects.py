"""The folder of training projects: private, below facezoo's home so that a restart of the hub does not lose them, and
emptied by age. A project is named by its id alone, which nobody can guess; a page never names a path."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from facezoo.errors import Busy, FacezooError
from facezoo.safety.c2pa import home
from facezoo.ui.shares import CLIENT
from facezoo.ui.workspace import size_of

if TYPE_CHECKING:
    from facezoo.train.project.project import Project

__all__ = ["DAYS", "LARGEST", "create", "opened", "root"]

DAYS = 7
"""Days after its last use at which a project is deleted."""
LARGEST = 8 * 1024**3
"""Bytes of all projects together."""
_MOST = 400  # projects
_SWEEP_EVERY = 3600  # seconds
_DAY = 86_400.0  # seconds
_MOST_OF_ONE = 40  # projects that one client, perhaps a class, may make in a day
_made: defaultdict[str, deque[float]] = defaultdict(deque)
_log = logging.getLogger("facezoo.ui")


@cache
def root() -> Path:
    """The folder, made on the first call. Raises FacezooError when it cannot be made."""
    folder = home() / "projects"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise FacezooError(
            f"The folder for training projects cannot be made: {error.strerror}.",
            "Set FACEZOO_HOME to a folder that facezoo may write to.",
        ) from error
    threading.Thread(target=_sweep_forever, args=(folder,), name="project-sweeper", daemon=True).start()
    return folder


def create() -> Project:
    """A new, empty project. Raises FacezooError when there is no room for one more."""
    from facezoo.train.project.project import Project

    own = _made[CLIENT.get()]
    while own and time.monotonic() - own[0] > _DAY:
        own.popleft()
    if len(own) >= _MOST_OF_ONE:
        raise Busy(f"You have made {len(own)} projects today.", "Go on with one of them.")
    if len(list(root().iterdir())) >= _MOST or size_of(root()) > LARGEST:
        raise Busy(
            "There is no room for another training project.",
            f"Old ones are deleted after {DAYS} days. Try again later.",
        )
    own.append(time.monotonic())
    return Project.create(root())


def opened(id: str) -> Project:
    """The project of this id. Raises UsageError when there is none (any more)."""
    from facezoo.train.project.project import Project

    return Project.open(root(), id)


def _sweep_forever(folder: Path) -> None:
    from facezoo.train.project.project import Project

    while True:
        try:
            Project.expire(folder, DAYS)
        except OSError as error:
            _log.warning("old projects could not be deleted: %s", error)
        time.sleep(_SWEEP_EVERY)
