"""One file from the Hub into its cache, gone on with after a cut, and checked before it gets there.

huggingface_hub keeps nothing of a download that was stopped, and believes whatever comes. Here the bytes go to
`<sha256>.part` beside the cache's blobs, no more of them than the manifest states; only when their sha256 is right do
they become a blob, which is linked into the snapshot. HF_ENDPOINT, HF_HOME, HF_TOKEN, HF_HUB_OFFLINE, HTTPS_PROXY and
so on work as they do there.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facezoo.errors import Cancelled, WeightsUnavailable
from facezoo.zoo.manifest import WeightFile

__all__ = ["cached_file", "download", "explain", "forget"]

_LOG = logging.getLogger(__name__)
_ETAG = re.compile(r"[\w.-]{8,128}", re.ASCII)
_BUSY = frozenset({500, 502, 503, 504})
_WAITS = (1.0, 3.0)  # seconds between tries


def cached_file(repo: str, revision: str, path: str) -> Path | None:
    """Where a file of a commit lies in the Hub cache. Asks no server, reads no bytes."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repo, path, revision=revision)
    return Path(found) if isinstance(found, str) else None


def download(
    repo: str, revision: str, wanted: WeightFile, *, patient: bool = True, told: Callable[[int], None] | None = None
) -> Path:
    """Fetch one file of a commit into the Hub cache unless it is there; gives its path in the snapshot.

    patient: try again when the Hub is busy or the line was cut. told: called with the number of bytes that have come;
    it stops the download by raising Cancelled, and what has come is kept.
    Raises WeightsUnavailable, with what to do, and leaves nothing that could be loaded by mistake."""
    waits = list(_WAITS if patient else ())
    while True:
        try:
            return _download(repo, revision, wanted, told)
        except Exception as problem:
            if isinstance(problem, WeightsUnavailable | Cancelled):
                raise
            if not waits or not _passing(problem):
                raise explain(problem, repo, revision) from problem
            _LOG.info("Fetching %s again: %s", wanted.path, type(problem).__name__)
            time.sleep(waits.pop(0))


def forget(path: Path) -> None:
    """Take a file out of the Hub cache: its name in the snapshot and the bytes behind it."""
    behind = path.resolve()
    path.unlink(missing_ok=True)
    if behind.parent.name == "blobs":
        behind.unlink(missing_ok=True)


def explain(problem: Exception, repo: str, revision: str) -> WeightsUnavailable:
    """What went wrong with the Hub, in words, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        OfflineModeIsEnabled,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    host = constants.ENDPOINT.removeprefix("https://").removeprefix("http://")
    what = f"The weights {repo} at {revision[:8]}"
    bundle = "or point FACEZOO_WEIGHTS to an unpacked bundle (facezoo zoo bundle)."
    cause = _root(problem)
    status = getattr(getattr(cause, "response", None), "status_code", 0)
    if isinstance(cause, OfflineModeIsEnabled):
        said, advice = "are not on this machine, and HF_HUB_OFFLINE forbids to fetch them.", f"Unset it once, {bundle}"
    elif isinstance(cause, RepositoryNotFoundError):
        said, advice = f"are not on {host}: it has no such repository, or not for you.", f"Set HF_TOKEN, {bundle}"
    elif isinstance(cause, RevisionNotFoundError | RemoteEntryNotFoundError):
        said = f"are not on {host}: it has the repository, but not these files."
        advice = f"Install a newer facezoo, set HF_ENDPOINT to a mirror that has them, {bundle}"
    elif status == 429:
        said, advice = f"cannot be had now: {host} asks for a pause.", f"Wait some minutes, set HF_TOKEN, {bundle}"
    elif status:
        said = f"cannot be had now: {host} answers with error {status}."
        advice = f"Try again later, set HF_ENDPOINT to a mirror, {bundle}"
    elif "Timeout" in type(cause).__name__:
        said = f"cannot be had now: {host} is too slow."
        advice = f"Try again: what has come is kept. Or set HF_HUB_DOWNLOAD_TIMEOUT=60, {bundle}"
    elif isinstance(cause, OSError) and cause.errno in (28, 122):
        said, advice = "do not fit on the disk.", "Make room, or set HF_HOME to a folder on a larger disk."
    elif isinstance(cause, PermissionError):
        said, advice = f"cannot be written: {cause}.", "Set HF_HOME to a folder that you may write to."
    elif type(cause).__module__.startswith("httpx"):
        said = f"could not be fetched: the line to {host} is down or was cut."
        advice = f"Connect and try again: what has come is kept. Or set HF_ENDPOINT to a mirror, {bundle}"
    else:
        said, advice = f"could not be fetched: {cause}.", f"Try again, set HF_ENDPOINT to a mirror, {bundle}"
    return WeightsUnavailable(f"{what} {said}", advice)


def _download(repo: str, revision: str, wanted: WeightFile, told: Callable[[int], None] | None) -> Path:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import WeakFileLock

    here = cached_file(repo, revision, wanted.path)
    if here is not None:
        return here
    url = hf_hub_url(repo, wanted.path, revision=revision)
    known = get_hf_file_metadata(url)
    if known.commit_hash != revision or known.etag is None or not _ETAG.fullmatch(known.etag):
        raise WeightsUnavailable(
            f"{constants.ENDPOINT} answers for {repo} as no Hub does.",
            "Check HF_ENDPOINT, and your proxy's sign-in page.",
        )
    if known.size not in (None, wanted.bytes):
        raise _other_bytes(wanted)
    name = repo_folder_name(repo_id=repo, repo_type="model")
    blobs, locks = Path(constants.HF_HUB_CACHE) / name / "blobs", Path(constants.HF_HUB_CACHE) / ".locks" / name
    named = blobs.parent / "snapshots" / revision / wanted.path
    for folder in (blobs, locks, named.parent):
        folder.mkdir(parents=True, exist_ok=True)
    part, blob = blobs / f"{wanted.sha256}.part", blobs / known.etag
    with WeakFileLock(locks / f"{wanted.sha256}.lock"):
        if not (blob.exists() and _is(blob, wanted)):
            _fetch(url, part, wanted, told)
            part.replace(blob)
        named.unlink(missing_ok=True)
        try:
            named.symlink_to(os.path.relpath(blob, named.parent))
        except OSError:  # a disk without links
            shutil.copyfile(blob, named)
    return named


def _fetch(url: str, part: Path, wanted: WeightFile, told: Callable[[int], None] | None) -> None:
    """Bring `part` up to its size and check it. A part that turns out wrong is deleted."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    headers = build_hf_headers(library_name="facezoo") | {"Accept-Encoding": "identity"}
    try:
        with _Part(part, wanted, told) as stream:
            if stream.tell() > wanted.bytes:
                stream.truncate(0)
            come = stream.seek(0, 2)
            if come < wanted.bytes:
                http_get(url, stream, resume_size=come, headers=headers, displayed_filename=wanted.path)
    except WeightsUnavailable:
        part.unlink(missing_ok=True)
        raise
    if not _is(part, wanted):
        part.unlink()
        raise _other_bytes(wanted)


class _Part(io.BufferedWriter):
    """A file that bytes are added to, and that tells how many it has."""

    def __init__(self, path: Path, wanted: WeightFile, told: Callable[[int], None] | None) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._wanted, self._told = wanted, told

    def write(self, buffer: Any, /) -> int:
        """Add bytes at the end. Raises WeightsUnavailable when there are more than were published."""
        if self.tell() + len(buffer) > self._wanted.bytes:
            raise _other_bytes(self._wanted)
        written = super().write(buffer)
        if self._told:
            self._told(self.tell())
        return written


def _is(path: Path, wanted: WeightFile) -> bool:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == wanted.sha256


def _other_bytes(wanted: WeightFile) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{wanted.path} came with other bytes than facezoo was published with (sha256 differs). It was not kept.",
        "Try again; if it happens again, do not trust that server, and tell the maintainers.",
    )


def _passing(problem: Exception) -> bool:
    """Whether trying again may help: the Hub is busy, or the line was reset. huggingface_hub itself goes on after
    other cuts and silences, and waits when a GET is asked to."""
    cause = _root(problem)
    response = getattr(cause, "response", None)
    if response is not None:
        return response.status_code in _BUSY or (response.status_code == 429 and response.request.method == "HEAD")
    return type(cause).__name__ == "ReadError"


def _root(problem: Exception) -> BaseException:
    """The error below huggingface_hub's "not found here either"."""
    cause: BaseException = problem
    while type(cause).__name__ in ("LocalEntryNotFoundError", "IncompleteSnapshotError") and cause.__cause__:
        cause = cause.__cause__
    return cause
