"""The parts of the Train page that change, made anew from what a project says of itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import icon, text
from facezoo.ui.jobs import Failure
from facezoo.ui.train.curve import curve, is_flat
from facezoo.ui.train.gather import EXAMPLE, Gathering, gathering
from facezoo.ui.train.projects import DAYS
from facezoo.ui.train.view import SIDES
from facezoo.ui.workspace import file_url
from facezoo.ui.zoo.entry import megabytes

if TYPE_CHECKING:
    from facezoo.train.project.project import FoundFace, Project, State, Verdict

__all__ = ["PACK", "PAGE", "duration", "everything", "gallery", "nothing", "saved", "step_of"]

PAGE = 60
"""Faces that a gallery shows at first, and adds with "Show more"."""
_FILTERS = (("all", "All"), ("kept", "Kept"), ("dropped", "Dropped"))


def _button(act: str, words: str, *, main: bool = False, extra: str = "") -> str:
    return f'<button type="button" class="button{" main" if main else ""}" data-act="{act}"{extra}>{words}</button>'


PACK = _button("pack", "Make a copy of the weights")
"""The button for an archive of the weights."""
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


def nothing() -> dict[str, str]:
    """The parts before there is a project."""
    empty = dict.fromkeys(
        [*(f"{side}-{part}" for side in SIDES for part in ("doing", "count", "faces", "more")), "trouble", "begin",
         "said", "line-1", "line-2", "line-3", "preview", "preview-line", "figures", "buttons", "curve", "hint", "end",
         "weights"], ""
    )  # fmt: skip
    offer = (
        f"{_button('example', 'Try it with two synthetic people', main=True)}"
        '<p class="hint">One click: two people who never existed, about 10 minutes of training.</p>'
    )
    waiting = '<p class="verdict-line">First the faces: photos or a video of each of the two people.</p>'
    return empty | {"example": offer, "verdict": waiting}


def everything(project: Project) -> dict[str, str]:
    """All parts of a project's page, but for the galleries."""
    state, verdict = project.state(), project.verdict()
    parts = {name: html for name, html in nothing().items() if not name.endswith(("-faces", "-more"))}
    busy = {side: now for side in (*SIDES, EXAMPLE) if (now := gathering(project.id, side))}
    counts = {"a": verdict.a.count, "b": verdict.b.count}
    for side in SIDES:
        now = busy.get(side)
        parts[f"{side}-doing"] = _doing(now, side) if now else ""
        parts[f"{side}-count"] = _found(side, project.faces(side), verdict)
    parts["example"] = _example(busy.get(EXAMPLE), started=bool(sum(counts.values())), step=state.step)
    parts["verdict"] = _verdict(verdict, state.status, gathers=any(now.busy for now in busy.values()))
    parts["line-1"] = f"{counts['a']:,} faces of A, {counts['b']:,} of B" if sum(counts.values()) else ""
    parts["end"] = _end()
    return parts | _training(state)


def step_of(status: str) -> int:
    """The step the work is at: 1, 2 or 3. status: of `State`."""
    return 1 if not status else 3 if status == "finished" else 2


def gallery(faces: Sequence[FoundFace], shown: str, count: int) -> tuple[str, str]:
    """The found faces as toggles, at most `count` of them, and what is below. shown: "all", "kept", "dropped"."""
    wanted = [each for each in faces if shown == "all" or each.kept == (shown == "kept")]
    items = "".join(_thumb(number, face) for number, face in enumerate(wanted[:count], start=1))
    left = len(wanted) - count
    if left <= 0:
        return items, ""
    return items, _button("more", f"Show {min(left, PAGE)} more", extra=f' data-count="{count + PAGE}"')


def saved(path: Path) -> str:
    """The link to an archive of the weights."""
    name, size = text(path.name), megabytes(path.stat().st_size)
    return (
        f'<p class="good" role="status">{icon("check")}Your copy is ready.</p><a class="download" '
        f'href="{text(file_url(path))}" download="{name}">{icon("download")}Save {name}, {size}</a>'
    )


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _thumb(number: int, face: FoundFace) -> str:
    why = "" if face.kept else _SHORT.get(face.reason, face.reason)
    words = f"Face {number}, {'kept' if face.kept else f'dropped: {why}'}"
    return (
        f'<li><button type="button" class="found-face" data-face="{text(face.id)}" '
        f'aria-pressed="{"true" if face.kept else "false"}" aria-label="{text(words)}">'
        f'<img src="{_picture(face.thumbnail)}" alt="" width="64" height="64"><small>{text(why)}</small></button></li>'
    )


def _found(side: str, faces: Sequence[FoundFace], verdict: Verdict) -> str:
    """How many were found, whether that is enough, and the filters of the gallery."""
    if not faces:
        return ""
    one = getattr(verdict, side)
    kept = sum(each.kept for each in faces)
    numbers = {"all": len(faces), "kept": kept, "dropped": len(faces) - kept}
    chips = "".join(
        f'<label class="chip"><input type="radio" name="train-{side}-shown" value="{value}" data-shown="{side}">'
        f"<span>{words} {numbers[value]:,}</span></label>"
        for value, words in _FILTERS
    )
    tone, mark = ("good", "check") if one.enough else ("warn", "alert")
    return (
        f'<p class="enough {tone}">{icon(mark)}<span>{text(one.sentence)}</span></p>'
        f'<fieldset class="shown"><legend class="visually-hidden">Which faces are shown</legend>{chips}</fieldset>'
        '<p class="hint">Click a face that is wrong, and it is dropped; click it again, and it is kept.</p>'
    )


def _doing(now: Gathering, side: str) -> str:
    if now.problem is not None:
        return panel(now.problem)
    if not now.busy:
        return ""
    return _progress(now) + _button("stop", "Stop", extra=f' data-side="{side}"')


def _progress(now: Gathering) -> str:
    percent, left = round(100 * now.fraction), now.seconds_left
    far = f"about {duration(left)} left" if left is not None and left >= 2 else ""
    return (
        f'<p class="stage-words"><span role="status">{text(now.words)}</span><span>{far}</span></p>'
        f'<progress max="100" value="{percent}" aria-label="{text(now.words)}">{percent} %</progress>'
    )


def _example(now: Gathering | None, *, started: bool, step: int) -> str:
    if now is not None and now.problem is not None:
        return panel(now.problem) + ("" if started else nothing()["example"])
    if now is not None and now.busy:
        return _progress(now) + _button("stop", "Stop", extra=f' data-side="{EXAMPLE}"')
    return "" if started or step else nothing()["example"]


def _verdict(verdict: Verdict, status: str, *, gathers: bool) -> str:
    words = _LATER if status else "Faces are being gathered." if gathers else verdict.sentence
    sentence = f'<p class="verdict-line">{text(words)}</p>'
    if status or gathers or not (verdict.a.count and verdict.b.count):
        return sentence
    return sentence + (_button("next", "Next: train", main=True) if verdict.enough else _button("next", "Start anyway"))


def _training(state: State) -> dict[str, str]:
    """The parts of step 2, and what the heads of steps 2 and 3 say."""
    if not state.status:
        return {"begin": _button("start", "Start training", main=True)}
    parts = {"said": _SAID[state.status]}
    trained = duration(state.seconds)
    status = _SAID[state.status]
    parts["line-2"] = f"{state.step:,} steps in {trained}" if state.status == "finished" else status
    parts["line-3"] = "Ready" if state.status == "finished" else ""
    parts["preview"] = (
        f'<img src="{_picture(state.preview)}" alt="Four rows of faces: A, A rebuilt, A swapped to B, B rebuilt">'
        if state.preview
        else '<div class="well"><div class="stage"><span>The first pictures come within a minute</span></div></div>'
    )
    parts["preview-line"] = _seen(state)
    parts["figures"] = _figures(state, trained)
    parts["curve"] = curve(state.losses)
    parts["buttons"] = _buttons(state)
    parts["weights"] = PACK if state.status == "finished" else ""
    flat = state.status == "running" and is_flat(state.losses)
    parts["hint"] = f"{icon('alert')}The curve has been flat for a while. If A → B looks good, finish." if flat else ""
    return parts


def _seen(state: State) -> str:
    if not state.preview:
        return ""
    return "Made by AI. New pictures come every minute." if state.status == "running" else "Made by AI."


def _figures(state: State, trained: str) -> str:
    """Steps, speed, time; and what went wrong, if anything did."""
    if state.status == "failed":
        return panel(Failure("failed", state.message, "Go on from the last saved step, or delete the project."))
    told = f'<p class="panel" data-state="stopped">{text(state.message)}</p>' if state.message else ""
    goes = state.status == "running"
    rows = [
        ("Steps", f"{state.step:,}"),
        ("Steps a second", f"{state.steps_per_second:.2g}" if goes and state.steps_per_second else "–"),
        ("Trained", trained),
        (
            f"Left of {duration(60 * state.minutes)}",
            duration(state.seconds_left) if goes and state.seconds_left else "–",
        ),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    share = min(1.0, state.seconds / (60 * state.minutes)) if state.minutes else 0.0
    bar = f'<progress max="100" value="{round(100 * share)}" aria-label="Planned time trained"></progress>'
    return f'{told}<dl class="train-figures">{cells}</dl>{bar}'


def _buttons(state: State) -> str:
    finish = _button("finish", "It is good, finish", main=state.status == "running")
    if state.status == "running":
        return _button("pause", "Pause") + finish
    if state.status in ("paused", "failed"):
        go_on = _button("resume", "Go on", main=True)
        return go_on + (finish if state.step else "")
    if state.status == "finished":
        return _button("resume", "Train longer")
    return f'<p class="stage-words"><span class="spinner"></span><span>{_SAID[state.status]}</span></p>'


def _end() -> str:
    return (
        f'<p class="hint">This browser finds the project again, and so does the address of this page. It stays on this '
        f'machine and is deleted {DAYS} days after you last used it.</p><div class="actions">'
        f'{_button("delete", "Delete everything")}<span class="sure" hidden><b>Faces, training and weights?</b>'
        f"{_button('delete-now', 'Yes, delete')}{_button('keep-it', 'No, keep it')}</span></div>"
    )


def _picture(path: Path) -> str:
    """A small picture as a data: address: the folder of projects is not served to anybody. "" when it is gone."""
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    kind = {".png": "png", ".webp": "webp"}.get(path.suffix.lower(), "jpeg")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
