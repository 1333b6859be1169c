"""The weights of a method in the zoo: whether they are here, and how they come: downloaded, stopped, kept, copied.

Weights belong to the machine, not to a visitor: there is one download a method, and whoever opens its card follows it.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from facezoo.errors import Cancelled, WeightsUnavailable
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import icon, plain, text
from facezoo.ui.jobs import Failure, explain
from facezoo.ui.workspace import file_url, new_folder
from facezoo.ui.zoo.entry import Entry, entry, megabytes, numbers, state_mark
from facezoo.zoo.download import cached_file
from facezoo.zoo.manifest import MANIFEST, WEIGHTS, faults, manifest_text, read_manifest
from facezoo.zoo.pull import Located, fetch, fetch_previews

__all__ = ["Download", "archive", "begin", "copied", "follow", "pictures", "running", "weights_markup"]

_log = logging.getLogger("facezoo.ui")
_LOOKS_EVERY = 0.2  # seconds between two looks at a download
_ENOUGH = 0.02  # fraction that must have come before the speed says something
_WORDS = {"ask": "Asking the Hub", "download": "Downloading", "check": "Checking every file"}
_STOPPED = Failure("stopped", "Stopped.", "What has come is kept: the next download goes on from there.")
_MEANINGS = {
    "none needed": "Nothing is learned in this method: nothing to download. It runs as it is.",
    "own folder": "The weights in your own folder are used, the one that FACEZOO_WEIGHTS names.",
    "here": "The weights are on this machine. Every file is checked against its sha256 before it is used.",
    "ships": "The weights came with facezoo. Nothing has to be downloaded.",
    "not here": "They come once from the Hugging Face Hub, at a pinned commit; every file is checked against its "
    "sha256 before it is used. A download that was stopped goes on where it was.",
}
_FULLER = "A smaller copy came with facezoo and works as it is. The full weights are on the Hugging Face Hub."
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def weights_markup(entry: Entry, inside: str = "", *, focus: bool = False) -> str:
    """The zone beside a card. inside: what stands instead of the buttons while, or after, something happens; a download
    that runs already shows by itself. focus: where the visitor stood has gone, so the first control takes it."""
    now = running(entry.spec)
    following = " data-follow" if now and not inside else ""
    meaning = _FULLER if entry.fuller else _MEANINGS[entry.state]
    record = entry.record
    facts = {
        "Parameters": numbers(entry.spec.weights.parameters) if record else "",
        "Size": megabytes(entry.spec.weights.bytes) if record else "",
        "Licence": " and ".join(entry.licences),
        "Commercial use": "Allowed" if entry.commercial else "See the licence",
        "Training script": record.training.script if record else "",
    }
    rows = "".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts.items() if value)
    return (
        f'<aside class="weights" aria-label="Weights" data-state="{text(entry.state)}"{following}'
        f"{' data-focus' if focus else ''}>"
        f"<h3>Weights</h3><p>{state_mark(entry)}</p>{plain(meaning)}"
        f'<div class="doing">{inside or (doing(now) if now else _buttons(entry))}</div>'
        f'<dl class="facts-list">{rows}</dl>{_on_the_hub(entry.spec)}</aside>'
    )


class Download:
    """`fetch` in a thread. It reports after every 10 MB, and its line may be dead: `stop` counts at once, whatever the
    thread waits for. problem: why it ended, None when all went well."""

    def __init__(self, spec: MethodSpec) -> None:
        self.spec = spec
        self.stage = "ask"
        self.fraction = 0.0
        self.problem: Exception | None = None
        self._first: tuple[float, float] | None = None  # when bytes first came, and the fraction then
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="facezoo-pull", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive() and not self._stopped.is_set()

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None while that is not known."""
        if self._first is None or self.stage != "download":
            return None
        seconds, come = time.monotonic() - self._first[0], self.fraction - self._first[1]
        return (1 - self.fraction) * seconds / come if seconds > 1 and come > _ENOUGH else None

    def wait(self, seconds: float) -> None:
        """Until it has ended, but no longer than so many seconds."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """What has come is kept."""
        self.problem = Cancelled("Stopped.")
        self._stopped.set()

    def _work(self) -> None:
        try:
            _fetch_pictures(self.spec, fetch(self.spec.id, self.spec.weights, progress=self._progress))
        except Exception as problem:
            self.problem = problem

    def _progress(self, stage: str, fraction: float) -> None:
        if self._stopped.is_set():
            raise Cancelled("Stopped.")
        self.stage, self.fraction = stage, fraction
        self._first = self._first or (time.monotonic(), fraction)


_downloads: dict[str, Download] = {}
_beginning = threading.Lock()


def begin(spec: MethodSpec) -> Download:
    """The download of a method's weights, the one that runs already or a new one."""
    with _beginning:
        now = running(spec) or Download(spec)
        _downloads[spec.id] = now
        return now


def running(spec: MethodSpec) -> Download | None:
    """The download of a method's weights that goes on now."""
    now = _downloads.get(spec.id)
    return now if now is not None and now.busy else None


def follow(download: Download) -> Iterator[str]:
    """The zone again and again, until the download is done, stopped or failed. It goes on when nobody follows."""
    known = entry(download.spec)
    shown = weights_markup(known, doing(download), focus=True)
    yield shown
    while download.busy:
        download.wait(_LOOKS_EVERY)
        before, shown = shown, weights_markup(known, doing(download))
        if shown != before:
            yield shown
    known = entry(download.spec)
    if download.problem is None:
        done = f'<p class="good" role="status">{icon("check")}Every file has come and is right.</p>'
        yield weights_markup(known, done + _buttons(known), focus=True)
    else:
        told, again = explain(download.problem), "Try again"
        if told.state == "stopped":
            told, again = _STOPPED, "Go on"
        yield weights_markup(known, panel(told) + _buttons(known, again), focus=True)


def doing(download: Download) -> str:
    """How far a download is, and the button that stops it."""
    words, percent = _WORDS[download.stage], round(download.fraction * 100)
    size, seconds = download.spec.weights.bytes, download.seconds_left
    left = f", about {_time(seconds)} left" if seconds is not None and seconds >= 2 else ""
    far = f"{megabytes(round(size * download.fraction))} of {megabytes(size)}{left}"
    value = f' value="{percent}"' if download.stage == "download" else ""
    return (
        f'<p class="stage-words"><span role="status">{words}</span><span>{far if value else ""}</span></p>'
        f'<progress max="100"{value} aria-label="{words}"></progress>{_button("stop", "Stop")}'
    )


def copied(spec: MethodSpec) -> str:
    """The zone with an archive of the weights, ready to be saved, or with the reason why there is none."""
    known = entry(spec)
    try:
        path = archive(known)
    except WeightsUnavailable as problem:
        return weights_markup(known, panel(explain(problem)) + _buttons(known, "Download again"), focus=True)
    name = text(path.name)
    link = (
        f'<p class="good" role="status">{icon("check")}Your copy is ready.</p><a class="download" '
        f'href="{text(file_url(path))}" download="{name}">{icon("download")}Save {name}, '
        f"{megabytes(path.stat().st_size)}</a>"
        '<p class="hint">Unpack it, and let FACEZOO_WEIGHTS name the folder: it works without a network.</p>'
    )
    return weights_markup(known, link, focus=True)


def archive(entry: Entry) -> Path:
    """A ZIP of the weights that are here, with record and manifest: unpacked, FACEZOO_WEIGHTS can name it.

    Raises WeightsUnavailable when they are not as they should be; no server is asked."""
    spec, shipped = entry.spec, WEIGHTS / entry.spec.id
    manifest = read_manifest(shipped, "embedded" if entry.state == "ships" else "files")
    root = cached_file(spec.weights.repo, spec.weights.revision, "config.json") if entry.state == "here" else None
    folder = root.parent if root else shipped
    wrong = [name for name, fault in faults(folder, manifest).items() if fault != "not listed"]
    if wrong:
        raise WeightsUnavailable(
            f"Not all weights of {spec.title} are here and as they should be: {', '.join(wrong)}.",
            "Download them again.",
        )
    path = new_folder() / f"facezoo-{spec.id}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for each in manifest.files:
            packed.write(folder / each.path, f"{spec.id}/{each.path}")
        packed.writestr(f"{spec.id}/{MANIFEST}", manifest_text(manifest))
    return path


def pictures(spec: MethodSpec, names: list[str]) -> dict[str, str]:
    """Address of each preview picture of a record that is on this machine, as the running hub serves it."""
    found: dict[str, str] = {}
    for name in names:
        path = cached_file(spec.weights.repo, spec.weights.revision, name) if spec.weights.repo else None
        path = path or WEIGHTS / spec.id / name
        if path.is_file() and path.suffix.lower() in _PICTURES:
            served = new_folder() / path.name
            shutil.copyfile(path, served)
            found[name] = file_url(served)
    return found


def _fetch_pictures(spec: MethodSpec, located: Located) -> None:
    """The card's pictures, when the Hub has them; the weights are complete without."""
    record = entry(spec).record
    try:
        fetch_previews(located, record.previews if record else ())
    except WeightsUnavailable as problem:
        _log.info("no pictures: %s", problem.message)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _buttons(entry: Entry, again: str = "") -> str:
    """again: what the download's button says after one that did not end well; it is offered whatever is here."""
    size = megabytes(entry.spec.weights.bytes)
    shown = ""
    if entry.can_pull or (again and entry.spec.weights.repo):
        verb = again or ("Download the full weights" if entry.fuller else "Download")
        shown += _button("pull", f"{icon('download')}{verb}, {size}", main=True)
    if entry.state in ("here", "ships"):
        shown += _button("copy-files", "Make a copy to save")
    return shown


def _button(act: str, inside: str, *, main: bool = False) -> str:
    return f'<button type="button" class="button{" main" if main else ""}" data-act="{act}">{inside}</button>'


def _on_the_hub(spec: MethodSpec) -> str:
    weights = spec.weights
    if not weights.repo:
        return ""
    address = text(f"https://huggingface.co/{weights.repo}/tree/{weights.revision}")
    return (
        f'<p class="hint"><a href="{address}" target="_blank" rel="noopener noreferrer">{text(weights.repo)}</a> '
        f"at {text(weights.revision[:8])}</p>"
    )
