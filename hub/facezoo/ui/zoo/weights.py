"""The weights of a method in the zoo: whether they are here, and how they come: downloaded, stopped, kept, copied.

Weights belong to the machine, not to a visitor: there is one download a method, and whoever opens its card follows it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from facezoo.errors import WeightsUnavailable
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import panel
from facezoo.ui.common.html import template
from facezoo.ui.jobs import Job, Stage, Working, explain, running, start, stop
from facezoo.ui.workspace import file_url, made_once
from facezoo.ui.zoo.card import card_text
from facezoo.ui.zoo.entry import Entry, entry, megabytes
from facezoo.zoo.download import cached_file
from facezoo.zoo.manifest import MANIFEST, WEIGHTS, faults, fingerprint, manifest_text, read_manifest
from facezoo.zoo.pull import Located, fetch, fetch_previews

__all__ = ["archive", "copied", "follow", "pictures", "stop_download", "weights_markup"]

_log = logging.getLogger("facezoo.ui")
_WORDS = {"": "Asking the Hub", "download": "Downloading", "check": "Checking every file"}
_KEPT = "What has come is kept: the next download goes on from there."
_MEANINGS = {
    "none needed": "Nothing is learned in this method: nothing to download. It runs as it is.",
    "own folder": "The weights in your own folder are used, the one that FACEZOO_WEIGHTS names.",
    "here": "The weights are on the hub's own machine. Every file is checked against its sha256 before it is used.",
    "ships": "The weights came with facezoo. Nothing has to be downloaded.",
    "not here": "They come once from the Hugging Face Hub, at a pinned commit; every file is checked against its "
    "sha256 before it is used. A download that was stopped goes on where it was.",
}
_FULLER = "A smaller copy came with facezoo and works as it is. The full weights are on the Hugging Face Hub."
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


_HTML = template("zoo/weights.html")
_door = threading.Lock()


def weights_markup(entry: Entry, inside: str = "", *, focus: bool = False) -> str:
    """The zone beside a card. inside: what stands instead of the buttons while, or after, something happens; a download
    that runs already shows by itself. focus: where the visitor stood has gone, so the first control takes it."""
    now = running(_key(entry.spec))
    meaning = _FULLER if entry.fuller else _MEANINGS[entry.state]
    offered = _doing(entry.spec, now.now) if now else _HTML.buttons(entry)
    return _HTML.zone(entry, meaning, bool(now and not inside), focus, inside or offered)


def follow(spec: MethodSpec) -> Iterator[str]:
    """The zone again and again while the weights come, until they are here, or that was stopped or failed. It goes on
    when nobody follows; who comes later follows the same download."""
    known = entry(spec)
    with _door:
        now = running(_key(spec)) or _download(spec)
    yield weights_markup(known, _doing(spec, now.now), focus=True)
    for event in now.events():
        if isinstance(event, Stage):
            yield weights_markup(known, _doing(spec, event))
    known = entry(spec)
    if now.problem is None:
        yield weights_markup(known, _HTML.come() + _HTML.buttons(known), focus=True)
    else:
        again = "Go on" if now.problem.state == "stopped" else "Try again"
        yield weights_markup(known, panel(now.problem) + _HTML.buttons(known, again), focus=True)


def stop_download(spec: MethodSpec) -> None:
    """What has come is kept."""
    stop(_key(spec))


def copied(spec: MethodSpec) -> str:
    """The zone with an archive of the weights, ready to be saved, or with the reason why there is none."""
    known = entry(spec)
    try:
        path = archive(known)
    except WeightsUnavailable as problem:
        return weights_markup(known, panel(explain(problem)) + _HTML.buttons(known, "Download again"), focus=True)
    return weights_markup(known, _HTML.copied(path, megabytes(path.stat().st_size)), focus=True)


def archive(entry: Entry) -> Path:
    """A ZIP of the weights that are here, with card, record and manifest: unpacked, FACEZOO_WEIGHTS can name it.

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

    def pack(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
            for each in manifest.files:
                packed.write(folder / each.path, f"{spec.id}/{each.path}")
            packed.writestr(f"{spec.id}/README.md", card_text(entry))
            packed.writestr(f"{spec.id}/{MANIFEST}", manifest_text(manifest))

    card = hashlib.sha256(card_text(entry).encode()).hexdigest()[:8]
    return made_once(f"{fingerprint(folder)[:16]}-{card}/facezoo-{spec.id}.zip", pack)


def pictures(spec: MethodSpec, names: Iterable[str]) -> dict[str, str]:
    """Address of each preview picture of a record that is on this machine, as the running hub serves it."""
    found: dict[str, str] = {}
    for name in names:
        path = cached_file(spec.weights.repo, spec.weights.revision, name) if spec.weights.repo else None
        path = path or WEIGHTS / spec.id / name
        if path.is_file() and path.suffix.lower() in _PICTURES:
            kept = f"{spec.id}-{spec.weights.sha256[:16]}/{path.name}"
            found[name] = file_url(made_once(kept, partial(_copy, path)))
    return found


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _key(spec: MethodSpec) -> tuple[str, str]:
    return "weights", spec.id


def _download(spec: MethodSpec) -> Job:
    """Reports come after every 10 MB, and the line may be dead: a stop counts at once."""

    def work(now: Working) -> None:
        _fetch_pictures(spec, fetch(spec.id, spec.weights, progress=now.progress))

    return start(_key(spec), work, words=_WORDS, kept=_KEPT, patient=False)


def _doing(spec: MethodSpec, stage: Stage) -> str:
    """How far a download is, and the button that stops it."""
    size = spec.weights.bytes
    far = ", ".join(
        each for each in (f"{megabytes(round(size * stage.fraction))} of {megabytes(size)}", stage.left) if each
    )
    return _HTML.doing(stage, far if stage.name == "download" else "")


def _fetch_pictures(spec: MethodSpec, located: Located) -> None:
    """The card's pictures, when the Hub has them; the weights are complete without."""
    record = entry(spec).record
    try:
        fetch_previews(located, record.previews if record else ())
    except WeightsUnavailable as problem:
        _log.info("no pictures: %s", problem.message)
