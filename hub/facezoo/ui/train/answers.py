"""What the Train page asks of the server, and what it is told: one answer for all, the parts of the page anew.

An answer is {"id", "step", "example": id of the picture of A if this is the synthetic pair, "busy": ask again soon,
"parts": {name: HTML}, "galleries": {side: what changes with its faces}}. A question names a project by its id; its
paths are those of this hub's own uploads, or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from facezoo.errors import Busy, FacezooError, UsageError
from facezoo.safety.admission import agreed
from facezoo.ui.common.cards import panel
from facezoo.ui.jobs import Turn, Working, explain, forget, running, start
from facezoo.ui.shares import CLIENT
from facezoo.ui.train import parts, projects
from facezoo.ui.train.pack import archive
from facezoo.ui.train.parts import EXAMPLE, SIDES, job_key
from facezoo.ui.workspace import owned

if TYPE_CHECKING:
    from facezoo.train.project.project import Project

__all__ = ["ask", "faces", "pack"]

_EXAMPLE_MINUTES = 10
_LONGEST = 24 * 60  # minutes
_MOST_FILES = 500
_WORDS = {
    "": "Waiting for the pictures of another visitor",
    "read": "Reading",
    "faces": "Finding faces",
    "sort": "Sorting out blurred and repeated ones",
}
_turn = Turn()  # one gathering at a time: more would only share the same cores
_MOST_WAITING = 32  # of one client


def _look(sent: dict[str, Any]) -> Project:
    return _project(sent)


def _add(sent: dict[str, Any]) -> Project:
    """Uploaded files for one side; makes the project when there is none yet."""
    side, consent = _side(sent), agreed(sent.get("consent"))
    uploads: Any = sent.get("uploads")
    if not isinstance(uploads, list):
        raise UsageError("No files were sent.", "Load the page again.")
    paths = [owned(str(each)) for each in cast("list[Any]", uploads)[:_MOST_FILES]]
    project = _project(sent) if sent.get("id") else projects.create()
    _gather(project, side, lambda now: project.add(side, paths, consent=consent, progress=now.progress))
    return project


def _example(sent: dict[str, Any]) -> Project:
    """The synthetic pair, gathered and then trained, whoever watches."""
    project = _project(sent) if sent.get("id") else projects.create()

    def work(now: Working) -> None:
        project.fill_example(now.progress)
        project.start(minutes=_EXAMPLE_MINUTES)

    _gather(project, EXAMPLE, work)
    return project


def _gather(project: Project, side: str, work: Callable[[Working], object]) -> None:
    """In a job that goes on when the page is closed. Raises UsageError while something is gathered there already."""
    key = job_key(project.id, side)
    if running(key):
        raise UsageError("Faces of the files before are still being gathered.", "Add these when that is done.")
    if _turn.waiting(CLIENT.get()) >= _MOST_WAITING:
        raise Busy("Many of your pictures wait already.", "Add these when some of them are done.")
    start(key, work, words=_WORDS, kept="The faces found so far are kept.", turn=_turn)


def _stop(sent: dict[str, Any]) -> Project:
    project = _project(sent)
    if now := running(job_key(project.id, str(sent.get("side")))):
        now.stop()
        now.wait()
    return project


def _keep(sent: dict[str, Any]) -> Project:
    project = _project(sent)
    project.set_kept(_side(sent), [str(sent.get("face"))], sent.get("kept") is True)
    return project


def _start(sent: dict[str, Any]) -> Project:
    project = _project(sent)
    try:
        minutes = int(sent.get("minutes", _EXAMPLE_MINUTES))
    except (TypeError, ValueError):
        raise UsageError("This is no number of minutes.", "Choose one of those offered.") from None
    project.start(minutes=max(1, min(minutes, _LONGEST)))
    return project


def _pause(sent: dict[str, Any]) -> Project:
    project = _project(sent)
    project.pause()
    return project


def _resume(sent: dict[str, Any]) -> Project:
    project = _project(sent)
    project.resume()
    return project


def _finish(sent: dict[str, Any]) -> Project:
    project = _project(sent)
    project.stop()
    return project


def _delete(sent: dict[str, Any]) -> None:
    project = _project(sent)
    for side in (*SIDES, EXAMPLE):
        forget(job_key(project.id, side))
    project.delete()


_ACTS: dict[str, Callable[[dict[str, Any]], Project | None]] = {
    "look": _look, "add": _add, "example": _example, "stop": _stop, "keep": _keep, "start": _start, "pause": _pause,
    "resume": _resume, "finish": _finish, "delete": _delete,
}  # fmt: skip


def ask(sent: Any) -> dict[str, Any]:
    """One thing the page wants done ("what"), and all that it shows then. Never raises."""
    question: dict[str, Any] = sent if isinstance(sent, dict) else {}
    try:
        act = _ACTS.get(str(question.get("what")))
        if act is None:
            raise UsageError("The page asked for something that there is not.", "Load it again.")
        return _answer(act(question))
    except Exception as error:
        return _answer(_left(question), trouble=panel(explain(error)))


def faces(sent: Any) -> dict[str, str]:
    """The gallery of one side: {"id", "side", "shown", "count"} -> {"items", "more"}. Never raises."""
    question: dict[str, Any] = sent if isinstance(sent, dict) else {}
    try:
        found = _project(question).faces(_side(question))
        count = int(question.get("count") or parts.PAGE)
        items, more = parts.gallery(found, str(question.get("shown")), count)
        return {"items": items, "more": more}
    except (FacezooError, TypeError, ValueError):
        return {"items": "", "more": ""}  # the project is gone; the next answer of `ask` says so


def pack(sent: Any) -> dict[str, str]:
    """An archive of the trained weights: {"id"} -> {"html"}. Never raises."""
    try:
        return {"html": parts.saved(archive(_project(sent if isinstance(sent, dict) else {})))}
    except Exception as error:
        return {"html": panel(explain(error)) + parts.pack()}


def _answer(project: Project | None, *, trouble: str = "") -> dict[str, Any]:
    from facezoo.train.project.example import PEOPLE

    if project is None:
        empty = {**parts.nothing(), "trouble": trouble}
        galleries = dict.fromkeys(SIDES, "")
        return {"id": "", "step": 1, "example": "", "busy": False, "parts": empty, "galleries": galleries}
    status = project.state().status
    gathers = any(running(job_key(project.id, side)) for side in (*SIDES, EXAMPLE))
    return {
        "id": project.id,
        "step": parts.step_of(status),
        "example": PEOPLE[0] if project.paired else "",
        "busy": gathers or status in ("running", "pausing", "finishing"),
        "parts": {**parts.everything(project), "trouble": trouble},
        "galleries": {side: _signature(project, side) for side in SIDES},
    }


def _signature(project: Project, side: str) -> str:
    """Changes when other faces are found; not when one is dropped, which the page shows by itself."""
    known = " ".join(face.id for face in project.faces(side))
    return hashlib.sha256(known.encode()).hexdigest()[:16] if known else ""


def _left(sent: dict[str, Any]) -> Project | None:
    """The project that a question was about, if it is still there."""
    try:
        return _project(sent)
    except FacezooError:
        return None


def _project(sent: dict[str, Any]) -> Project:
    return projects.opened(str(sent.get("id")))


def _side(sent: dict[str, Any]) -> str:
    side = str(sent.get("side"))
    if side not in SIDES:
        raise UsageError("There are two sides, A and B.", "Load the page again.")
    return side
