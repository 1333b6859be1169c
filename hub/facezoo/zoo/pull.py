"""Where a method's weights are: a folder of one's own, the Hub cache, the Hub, or the copy that ships with facezoo.

In that order; only a copy with the very files of the Hub comes before it, there being nothing to gain then. The sha256
of every file is checked before its folder is given, and no server is asked when all files of the pinned commit are
here.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.types import Progress, Weights
from facezoo.zoo.download import cached_file, download, explain, forget
from facezoo.zoo.manifest import (
    MANIFEST,
    WEIGHTS,
    Fault,
    Manifest,
    describe,
    faults,
    method_of,
    read_manifest,
    sha256_of,
    tag_of,
)
from facezoo.zoo.record import RECORD, Record, parse_record, read_record

__all__ = [
    "COMMIT",
    "REPO",
    "Located",
    "State",
    "fetch",
    "fetch_previews",
    "fetch_repository",
    "fetch_weights",
    "locate",
    "methods_of",
    "place_of",
    "record_folder",
    "states",
]

REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
"""A repository of the Hub: owner/name."""
COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_TAG = re.compile(r"weights-[0-9a-f]{16}", re.ASCII)
_PATTERNS = ["*.json", "*.safetensors"]
_LOG = logging.getLogger(__name__)
_REINSTALL = "Install facezoo again: `pip install --force-reinstall --no-deps facezoo`."

_NAMING = "Name a folder as save_pretrained writes it, or OWNER/NAME@REVISION of the Hub."

State = Literal["intact", "changed", "not here"]


@dataclass(frozen=True)
class Located:
    """Weights on this machine, checked. weights: what they are; a folder of one's own has no repository or commit."""

    folder: Path
    source: Literal["own folder", "Hub cache", "Hub", "embedded"]
    weights: Weights


def locate(method: str, pinned: Weights, own: str | Path = "") -> Located:
    """The weights of a method, fetched when they are not here. own: a folder, or OWNER/NAME@REVISION of the Hub; "" for
    the folder that FACEZOO_WEIGHTS names.

    Raises WeightsUnavailable, with the reason and what to do, when no intact copy can be had, when licence or consent
    are not on record, and when the weights that were named are not of this method: no others take their place."""
    if "@" in str(own) and not Path(own).exists():
        return fetch_weights(str(own), method)
    folder = _own_folder(method, own)
    if folder is not None:
        return _check_own(method, pinned, folder)
    record_folder(method)
    if pinned.repo:
        here = _from_cache(method, pinned)
        if here is not None:
            return here
    if _embedded_state(method, pinned) == "intact":
        shipped = _embedded(method, pinned)
        if not pinned.repo or shipped.weights.sha256 == pinned.sha256:
            return shipped
        try:
            return fetch(method, pinned, patient=False)
        except WeightsUnavailable as problem:
            _LOG.warning("%s Using the smaller copy that ships with facezoo.", problem.message)
            return shipped
    if not pinned.repo:
        raise WeightsUnavailable(f"The weights of {method} that ship with facezoo are missing or changed.", _REINSTALL)
    return fetch(method, pinned)


def fetch(method: str, pinned: Weights, *, patient: bool = True, progress: Progress | None = None) -> Located:
    """Bring the files of the pinned commit into the Hub cache, those that are not there and right, and check them all.

    patient: try again when the Hub is busy. progress: of the stages "download" and "check"; when it cancels, what has
    come is kept. Raises WeightsUnavailable; nothing that failed its check stays in reach."""
    _check_pin(pinned.repo, pinned.revision)
    here = _from_cache(method, pinned)
    if here is not None:
        return here
    manifest = _pinned_manifest(method, pinned)
    before = 0  # bytes of the files that are complete
    for each in manifest.files:
        told = _told(progress, before, manifest.bytes)
        download(pinned.repo, pinned.revision, each, patient=patient, told=told)
        before += each.bytes
    if progress:
        progress("check", 0.0)
    here = _from_cache(method, pinned)
    if here is None:
        raise WeightsUnavailable(
            f"The weights of {method} did not stay as they came: a file changed on the disk.",
            "Check the disk, or set HF_HOME to a folder on another one.",
        )
    return Located(here.folder, "Hub", here.weights)


def fetch_repository(repo: str, revision: str, method: str = "") -> Path:
    """The folder of a repository's JSON and safetensors at a commit, fetched when they are not in the Hub cache.

    For weights that are not in the zoo; their sha256 is the caller's business. method: as in `read_record`.
    Raises UsageError for anything but owner/name and 40 hex digits, WeightsUnavailable when it cannot be had, or says
    nothing of licence and consent."""
    from huggingface_hub import snapshot_download

    _check_pin(repo, revision)
    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=_PATTERNS))
    except Exception as problem:
        raise explain(problem, repo, revision) from problem
    read_record(folder, method)
    return folder


def fetch_weights(named: str, method: str = "", *, told: Callable[[str, Record], None] | None = None) -> Located:
    """Anybody's facezoo weights, OWNER/NAME@REVISION, fetched when they are not in the Hub cache. The revision is a
    commit of 40 hex digits, or the tag that `zoo push` made (`manifest.tag_of`), which the weights must fit.

    told: called with OWNER/NAME@COMMIT and the record, before anything else is fetched, when they were not here yet; it
    may raise. Logged as a warning when None. Raises UsageError for anything else, WeightsUnavailable when they cannot
    be had, are other ones, or do not say whose faces they learned from, or are of another method."""
    from huggingface_hub import hf_hub_download

    repo, _, revision = named.partition("@")
    if not _TAG.fullmatch(revision):
        _check_pin(repo, revision)
    try:
        record = Path(hf_hub_download(repo, RECORD, revision=revision))
    except Exception as problem:
        raise explain(problem, repo, revision) from problem
    commit = record.parent.name
    if cached_file(repo, commit, "config.json") is None:
        (told or _log_record)(f"{repo}@{commit}", parse_record(record.read_text(encoding="utf-8")))
    folder = fetch_repository(repo, commit, method)
    found = describe(folder, repo, commit)
    blobs = [path.resolve() for path in folder.rglob("*.safetensors")]  # named after what their sha256 should be
    tagged = revision in (commit, tag_of(found.sha256))
    if not tagged or any(len(blob.name) == 64 and sha256_of(blob) != blob.name for blob in blobs):
        raise WeightsUnavailable(f"{named} came with other bytes than it says.", "Do not use these weights.")
    return Located(folder, "Hub", found)


def methods_of(own: str | Path) -> set[str]:
    """The methods that own weights, named as for `locate`, are of. Raises WeightsUnavailable when of none, or when they
    cannot be had."""
    if not own:
        return set()
    on_hub = "@" in str(own) and not Path(own).exists()
    folder = fetch_weights(str(own)).folder if on_hub else Path(own).expanduser()
    found = set(filter(None, map(method_of, (folder, *folder.glob("*")))))
    if not found:
        raise WeightsUnavailable(f"There are no weights of facezoo in {own}.", _NAMING)
    return found


def _log_record(name: str, record: Record) -> None:
    _LOG.warning("%s", record.words(name))


def fetch_previews(located: Located, names: Iterable[str]) -> None:
    """Bring the pictures of a card beside the weights, when those came from the Hub without them."""
    from huggingface_hub import hf_hub_download

    for name in names:
        if located.weights.repo and not (located.folder / name).is_file():
            try:
                hf_hub_download(located.weights.repo, name, revision=located.weights.revision)
            except Exception as problem:
                raise explain(problem, located.weights.repo, located.weights.revision) from problem


def place_of(method: str, pinned: Weights, own: str | Path = "") -> Literal["own folder", "Hub cache", "embedded", ""]:
    """Where `locate` would find the weights without a server, "" when nowhere. No bytes are read."""
    try:
        if _own_folder(method, own) is not None:
            return "own folder"
    except WeightsUnavailable:  # what FACEZOO_WEIGHTS names is not of this method, and nothing takes its place
        return ""
    if pinned.repo and all(_cached_files(pinned, _pinned_manifest(method, pinned)).values()):
        return "Hub cache"
    folder = WEIGHTS / method
    if all((folder / each.path).is_file() for each in read_manifest(folder, "embedded").files):
        return "embedded"
    return ""


def states(method: str, pinned: Weights) -> Iterator[tuple[str, State]]:
    """Each copy of a method's weights on this machine, and whether it is intact. All bytes are read.

    Raises WeightsUnavailable when licence or consent are not on record."""
    record_folder(method)
    folder = None
    try:
        folder = _own_folder(method, "")
        if folder is not None:
            _check_own(method, pinned, folder)
            yield "own folder", "intact"
    except WeightsUnavailable:
        yield "own folder", "changed" if folder else "not here"
    if pinned.repo:
        files = _cached_files(pinned, _pinned_manifest(method, pinned))
        root = _snapshot(files)
        wrong = {"": "missing"} if root is None else faults(root, _pinned_manifest(method, pinned))
        partly = set(wrong.values()) == {"missing"}
        yield "Hub cache", "not here" if partly else "changed" if wrong else "intact"
    yield "embedded", _embedded_state(method, pinned)


def record_folder(method: str) -> Path:
    """facezoo's folder with a method's manifest and record. Raises WeightsUnavailable without licence or consent."""
    folder = WEIGHTS / method
    read_record(folder, method)
    return folder


def _told(progress: Progress | None, before: int, total: int) -> Callable[[int], None] | None:
    """What a download calls with the bytes of its file. before: bytes of other files; total: of all."""
    if progress is None:
        return None
    return lambda come: progress("download", min(1.0, (before + come) / total))


def _own_folder(method: str, own: str | Path) -> Path | None:
    """The folder of one's own weights for a method: the one named, or its subfolder of the method's name; None when
    nothing was named. Raises WeightsUnavailable when what was named holds no weights of this method."""
    named = str(own) or os.environ.get("FACEZOO_WEIGHTS", "")
    if not named:
        return None
    folder = Path(named).expanduser()
    for chosen in (folder / method, folder):
        if method_of(chosen) == method:
            return chosen
    others = [found for each in (folder, *folder.glob("*")) if (found := method_of(each))]
    held = f"it holds {', '.join(others)}" if others else "it is no folder" if not folder.is_dir() else "none at all"
    raise WeightsUnavailable(
        f"{folder}, which {'was named' if own else 'FACEZOO_WEIGHTS names'}, holds no weights of {method}: {held}.",
        _NAMING if own else "Name another folder, or unset FACEZOO_WEIGHTS.",
    )


def _check_own(method: str, pinned: Weights, folder: Path) -> Located:
    """An own folder has its own manifest when it comes from a bundle; the record it needs always."""
    read_record(folder, method)
    wrong = faults(folder, read_manifest(folder)) if (folder / MANIFEST).exists() else {}
    if wrong:
        raise WeightsUnavailable(
            f"The weights in {folder} are not as their {MANIFEST} says: {_named(wrong)}.",
            "Unpack the bundle again, or unset FACEZOO_WEIGHTS.",
        )
    found = describe(folder)
    return Located(folder, "own folder", pinned if found.sha256 == pinned.sha256 else found)


def _from_cache(method: str, pinned: Weights) -> Located | None:
    """The pinned commit in the Hub cache when all its files are there and right; those that are not are taken out."""
    manifest = _pinned_manifest(method, pinned)
    files = _cached_files(pinned, manifest)
    folder = _snapshot(files)
    if folder is None:
        return None
    wrong = faults(folder, manifest)
    for path, fault in wrong.items():
        if fault != "missing":
            _LOG.info("%s in the Hub cache is %s; it was taken out.", path, fault)
            forget(folder / path)
    if set(wrong.values()) - {"not listed"}:
        return None
    read_record(folder, method)
    return Located(folder, "Hub cache", pinned)


def _cached_files(pinned: Weights, manifest: Manifest) -> dict[str, Path | None]:
    return {each.path: cached_file(pinned.repo, pinned.revision, each.path) for each in manifest.files}


def _snapshot(files: dict[str, Path | None]) -> Path | None:
    """The folder of a commit in the cache, from any of its files that is there."""
    for name, path in files.items():
        if path is not None:
            return path.parents[name.count("/")]
    return None


def _embedded_state(method: str, pinned: Weights) -> State:
    folder = WEIGHTS / method
    wrong = faults(folder, read_manifest(folder, "embedded"))
    if not (folder / "config.json").is_file():
        return "not here"
    return "changed" if wrong else "intact"


def _embedded(method: str, pinned: Weights) -> Located:
    manifest = read_manifest(WEIGHTS / method, "embedded")
    if manifest.sha256 == pinned.sha256:
        return Located(WEIGHTS / method, "embedded", pinned)
    return Located(WEIGHTS / method, "embedded", Weights(sha256=manifest.sha256, bytes=manifest.bytes))


def _pinned_manifest(method: str, pinned: Weights) -> Manifest:
    """The manifest, which must be of the weights that SPEC pins."""
    manifest = read_manifest(WEIGHTS / method)
    if manifest.sha256 != pinned.sha256 or RECORD not in {each.path for each in manifest.files}:
        raise WeightsUnavailable(
            f"The {MANIFEST} of {method} does not belong to the weights that its SPEC pins.", _REINSTALL
        )
    return manifest


def _check_pin(repo: str, revision: str) -> None:
    if not REPO.fullmatch(repo):
        raise UsageError(f"{repo!r} is no repository.", "Write it as owner/name.")
    if not COMMIT.fullmatch(revision):
        raise UsageError(
            f"The repository {repo} needs a revision of 40 hex digits, not {revision!r}.",
            "Branches and tags move: pin the commit that you have checked.",
        )


def _named(wrong: dict[str, Fault]) -> str:
    return ", ".join(f"{path} ({fault})" for path, fault in wrong.items())
