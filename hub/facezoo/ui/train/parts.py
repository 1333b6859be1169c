"""The parts of the Train page that change, made anew from what a project says of itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facezoo.ui.common.cards import panel
from facezoo.ui.common.html import template
from facezoo.ui.jobs import Failure, Job, duration, find
from facezoo.ui.train.curve import curve, is_flat
from facezoo.ui.train.projects import DAYS
from facezoo.ui.zoo.entry import megabytes

if TYPE_CHECKING:
    from facezoo.train.project.project import FoundFace, Project, State, Verdict

__all__ = ["EXAMPLE", "PAGE", "SIDES", "everything", "gallery", "job_key", "nothing", "pack", "saved", "step_of"]

SIDES = {"a": ("Whose pictures you will change", "Their head, hair and light stay."),
         "b": ("Whose face is put on", "Their face appears in A’s pictures.")}  # fmt: skip
"""Side -> its title and what becomes of it."""
EXAMPLE = "example"
"""The side under which both sides of the synthetic pair are gathered."""
PAGE = 60
"""Faces that a gallery shows at first, and adds with "Show more"."""
_LATER = "Faces that you add, drop or keep now count from the next time the training starts: pause it, and go on."
_SHORT = {"nearly the same as another": "repeated"}  # reasons below a small picture
_SAID = {
    "": "",
    "running": "Training",
    "pausing": "Pausing",
    "paused": "Paused",
    "finishing": "Finishing",
    "finished": "Training is finished",
    "failed": "Training failed",
}
_HTML = template("train/parts.html")


def nothing() -> dict[str, str]:
    """The parts before there is a project."""
    empty = dict.fromkeys(
        [*(f"{side}-{part}" for side in SIDES for part in ("doing", "count", "faces", "more")), "trouble", "begin",
         "said", "line-1", "line-2", "line-3", "preview", "preview-line", "figures", "buttons", "curve", "hint", "end",
         "weights"], ""
    )  # fmt: skip
    waiting = _HTML.verdict_line("First the faces: photos or a video of each of the two people.")
    return empty | {"example": _HTML.offer(), "verdict": waiting}


def everything(project: Project) -> dict[str, str]:
    """All parts of a project's page, but for the galleries."""
    state, verdict = project.state(), project.verdict()
    parts = {name: html for name, html in nothing().items() if not name.endswith(("-faces", "-more"))}
    jobs = {side: job for side in (*SIDES, EXAMPLE) if (job := find(job_key(project.id, side)))}
    for side in SIDES:
        parts[f"{side}-doing"] = _HTML.doing(jobs[side], side) if side in jobs else ""
        parts[f"{side}-count"] = _found(side, project.faces(side), verdict)
    started = bool(verdict.a.count or verdict.b.count)
    parts["example"] = _example(jobs.get(EXAMPLE), started=started, step=state.step)
    parts["verdict"] = _verdict(verdict, state.status, gathers=any(job.busy for job in jobs.values()))
    parts["line-1"] = f"{verdict.a.count:,} faces of A, {verdict.b.count:,} of B" if started else ""
    parts["end"] = _HTML.end(DAYS)
    return parts | _training(state)


def job_key(project: str, side: str) -> tuple[str, str]:
    """The key of the job that gathers faces for one side of a project."""
    return project, side


def step_of(status: str) -> int:
    """The step the work is at: 1, 2 or 3. status: of `State`."""
    return 1 if not status else 3 if status == "finished" else 2


def gallery(faces: Sequence[FoundFace], shown: str, count: int) -> tuple[str, str]:
    """The found faces as toggles, at most `count` of them, and what is below. shown: "all", "kept", "dropped"."""
    wanted = [each for each in faces if shown == "all" or each.kept == (shown == "kept")]
    items = [(each, _picture(each.thumbnail), "" if each.kept else _SHORT.get(each.reason, each.reason))
             for each in wanted[:count]]  # fmt: skip
    left = len(wanted) - count
    return _HTML.gallery(items), _HTML.more(min(left, PAGE), count + PAGE) if left > 0 else ""


def pack() -> str:
    """The button for an archive of the weights."""
    return _HTML.pack()


def saved(path: Path) -> str:
    """The link to an archive of the weights."""
    return _HTML.saved(path, megabytes(path.stat().st_size))


def _found(side: str, faces: Sequence[FoundFace], verdict: Verdict) -> str:
    """How many were found, whether that is enough, and the filters of the gallery."""
    if not faces:
        return ""
    kept = sum(each.kept for each in faces)
    numbers = {"all": len(faces), "kept": kept, "dropped": len(faces) - kept}
    return _HTML.found(side, getattr(verdict, side), numbers)


def _example(job: Job | None, *, started: bool, step: int) -> str:
    offer = "" if started else nothing()["example"]
    if job and (job.problem or job.busy):
        return _HTML.doing(job, EXAMPLE) + (offer if job.problem else "")
    return "" if step else offer


def _verdict(verdict: Verdict, status: str, *, gathers: bool) -> str:
    words = _LATER if status else "Faces are being gathered." if gathers else verdict.sentence
    ready = not status and not gathers and bool(verdict.a.count and verdict.b.count)
    return _HTML.verdict(words, ready, verdict.enough)


def _training(state: State) -> dict[str, str]:
    """The parts of step 2, and what the heads of steps 2 and 3 say."""
    if not state.status:
        return {"begin": _HTML.start()}
    status, finished = _SAID[state.status], state.status == "finished"
    fresh = " New pictures come every minute." if state.status == "running" else ""
    return {
        "said": status,
        "line-2": f"{state.step:,} steps in {duration(state.seconds)}" if finished else status,
        "line-3": "Ready" if finished else "",
        "preview": _HTML.preview(_picture(state.preview) if state.preview else None),
        "preview-line": f"Made by AI.{fresh}" if state.preview else "",
        "figures": _figures(state),
        "curve": curve(state.losses),
        "buttons": _HTML.buttons(state, status),
        "weights": pack() if finished else "",
        "hint": _HTML.flat() if state.status == "running" and is_flat(state.losses) else "",
    }


def _figures(state: State) -> str:
    """Steps, speed, time; and what went wrong, if anything did."""
    if state.status == "failed":
        return panel(Failure("failed", state.message, "Go on from the last saved step, or delete the project."))
    goes = state.status == "running"
    rows = [
        ("Steps", f"{state.step:,}"),
        ("Steps a second", f"{state.steps_per_second:.2g}" if goes and state.steps_per_second else "–"),
        ("Trained", duration(state.seconds)),
        (
            f"Left of {duration(60 * state.minutes)}",
            duration(state.seconds_left) if goes and state.seconds_left else "–",
        ),
    ]
    return _HTML.figures(state.message, rows, min(1.0, state.seconds / (60 * state.minutes)) if state.minutes else 0.0)


def _picture(path: Path) -> str:
    """A small picture as a data: address: the folder of projects is not served to anybody. "" when it is gone."""
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    kind = {".png": "png", ".webp": "webp"}.get(path.suffix.lower(), "jpeg")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
