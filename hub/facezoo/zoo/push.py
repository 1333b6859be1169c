"""Weights, data sets and Spaces to the Hub, from training scripts and the command line alike.

What would go is known before anything goes (dry_run), the same bytes again make no commit, and nobody's newer commit is
overwritten. Weights go with their licence, their data's consent and their card, or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from facezoo.errors import FacezooError, UsageError
from facezoo.zoo.cards import check_card
from facezoo.zoo.manifest import MANIFEST, fingerprint, make_manifest, tag_of
from facezoo.zoo.pull import REPO
from facezoo.zoo.record import RECORD, Record, parse_record, record_text

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Change", "Kind", "Pushed", "collect", "namespace", "push", "push_weights", "weight_files"]

Kind = Literal["model", "dataset", "space"]
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp4")
_SUFFIXES = {
    "model": (".json", ".safetensors", ".md", *_PICTURES),
    "dataset": (".json", ".jsonl", ".csv", ".parquet", ".txt", ".md", *_PICTURES),
    "space": (".py", ".md", ".txt", ".css", ".js", ".json", *_PICTURES),
}
_STALE = {"model": (".json", ".safetensors"), "dataset": (), "space": (".py",)}  # deleted there when not here any more


@dataclass(frozen=True)
class Change:
    """One file of a push: its path in the repository, its size, and what happens to it."""

    path: str
    bytes: int
    what: Literal["new", "changed", "same", "deleted"]


@dataclass(frozen=True)
class Pushed:
    """What a push did, or would do. commit: the repository's newest (40 hex), "" when nothing was asked or sent."""

    repo: str
    kind: Kind
    url: str
    commit: str
    tag: str
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs from what the Hub had."""
        return any(change.what != "same" for change in self.changes)


def push(
    files: Mapping[str, Path | bytes], repo: str, *, kind: Kind = "model", tag: str = "", private: bool = False,
    message: str = "", dry_run: bool = False,
) -> Pushed:  # fmt: skip
    """Make a repository of the Hub hold these files, creating it when it is missing.

    files: path in the repository -> a file here, or its bytes. tag: put on the commit that has them, unless it is.
    dry_run: only say what would go; writes nothing, and does without a connection.
    Raises UsageError for files that cannot go, FacezooError when the Hub refuses, is not reached, or was changed by
    somebody else meanwhile."""
    from huggingface_hub import HfApi

    if not REPO.fullmatch(repo):
        raise UsageError(f"{repo!r} is no repository.", "Write it as owner/name.")
    _check(files, kind)
    api = HfApi(library_name="facezoo")
    url = "/".join(part for part in (api.endpoint, {"model": ""}.get(kind, f"{kind}s"), repo) if part)
    try:
        if dry_run:
            return Pushed(repo, kind, url, "", tag, _compare(files, kind, _remote(api, repo, kind, dry_run=True)[1]))
        api.create_repo(repo, repo_type=kind, private=private, exist_ok=True, space_sdk=_sdk(kind))
        head, there = _remote(api, repo, kind)
        changes = _compare(files, kind, there)
        commit = _commit(api, repo, kind, files, changes, head, message)
        if tag:
            api.create_tag(repo, tag=tag, revision=commit, repo_type=kind, exist_ok=True)
    except Exception as problem:
        if isinstance(problem, FacezooError):
            raise
        raise _explain(problem, repo, api.endpoint) from problem
    return Pushed(repo, kind, url, commit, tag, changes)


def push_weights(
    folder: Path, repo: str, *, record: Record, card: str, tag: str = "", private: bool = False, dry_run: bool = False
) -> Pushed:
    """Push a saved pipeline (`Pipeline.save_pretrained`) with its record and card, tagged as `manifest.tag_of` says.

    record: becomes metrics.json; the previews it names lie in folder. card: text of README.md. Errors as `push`."""
    tag = tag or tag_of(fingerprint(folder))
    files = weight_files(folder, record, card)
    return push(files, repo, tag=tag, private=private, message=f"facezoo {record.method}", dry_run=dry_run)


def weight_files(folder: Path, record: Record, card: str) -> dict[str, Path | bytes]:
    """Path in the repository -> what goes there: weights and configs, metrics.json, README.md, previews."""
    files: dict[str, Path | bytes] = {each.path: folder / each.path for each in make_manifest(folder).files}
    files |= {RECORD: record_text(record).encode(), "README.md": card.encode()}
    return files | {name: folder / name for name in record.previews}


def collect(folder: Path, kind: Kind) -> dict[str, Path | bytes]:
    """All files of a folder that may go into a repository of this kind, without hidden ones and caches.

    Raises UsageError when there is no folder, or something in it that may not go."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Give the folder with the files that should go.")
    found: dict[str, Path | bytes] = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and "/".join(parts) != MANIFEST:
            found["/".join(parts)] = path
    return found


def namespace() -> str:
    """The name on the Hub of whoever is logged in. Raises FacezooError when nobody is."""
    from huggingface_hub import HfApi

    api = HfApi(library_name="facezoo")
    try:
        return str(api.whoami()["name"])
    except Exception as problem:
        raise _explain(problem, "your account", api.endpoint) from problem


def _check(files: Mapping[str, Path | bytes], kind: Kind) -> None:
    for name, content in files.items():
        if not name.lower().endswith(_SUFFIXES[kind]) or (isinstance(content, Path) and not content.is_file()):
            raise UsageError(
                f"{name} cannot go into a {kind} repository.", f"Files may be {', '.join(_SUFFIXES[kind])}, and exist."
            )
    if "README.md" not in files:
        raise UsageError(
            f"A {kind} repository needs a README.md.", "Write one that says what this is, and its licence."
        )
    if kind == "model":
        if "config.json" not in files or not any(name.endswith(".safetensors") for name in files):
            raise UsageError("These are no saved weights.", "Use a folder that save_pretrained made.")
        parse_record(_bytes(files[RECORD]).decode() if RECORD in files else "{}")
        check_card(_bytes(files["README.md"]).decode())


def _remote(api: HfApi, repo: str, kind: Kind, *, dry_run: bool = False) -> tuple[str, dict[str, str]]:
    """The newest commit, and path -> digest of its files: sha256 where the Hub has it, else git's sha1 of a blob."""
    try:
        found = api.repo_info(repo, repo_type=kind, files_metadata=True)
    except Exception:
        if dry_run:  # not there yet, or no connection: then everything would go
            return "", {}
        raise
    there: dict[str, str] = {}
    for each in getattr(found, "siblings", None) or []:
        there[each.rfilename] = each.lfs.sha256 if each.lfs else each.blob_id or ""
    return found.sha or "", there


def _compare(files: Mapping[str, Path | bytes], kind: Kind, there: dict[str, str]) -> tuple[Change, ...]:
    changes: list[Change] = []
    for name, content in sorted(files.items()):
        data = _bytes(content)
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        same = there.get(name) in (hashlib.sha256(data).hexdigest(), blob)
        changes.append(Change(name, len(data), "same" if same else "changed" if name in there else "new"))
    gone = [name for name in sorted(there) if name not in files and name.endswith(_STALE[kind])]
    return (*changes, *(Change(name, 0, "deleted") for name in gone))


def _commit(
    api: HfApi, repo: str, kind: Kind, files: Mapping[str, Path | bytes], changes: tuple[Change, ...], head: str,
    message: str,
) -> str:  # fmt: skip
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[Any] = []
    for change in changes:
        if change.what == "deleted":
            operations.append(CommitOperationDelete(change.path))
        elif change.what != "same":
            operations.append(CommitOperationAdd(change.path, files[change.path]))
    if not operations:
        return head
    message = message or f"facezoo: {len(operations)} files"
    done = api.create_commit(repo, operations, commit_message=message, repo_type=kind, parent_commit=head or None)
    return done.oid


def _sdk(kind: Kind) -> str | None:
    return "gradio" if kind == "space" else None


def _bytes(content: Path | bytes) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content


def _explain(problem: Exception, repo: str, endpoint: str) -> FacezooError:
    from huggingface_hub.errors import LocalTokenNotFoundError, OfflineModeIsEnabled

    cause = problem.__cause__ if type(problem) is RuntimeError and problem.__cause__ else problem
    status = getattr(getattr(cause, "response", None), "status_code", 0)
    if isinstance(cause, LocalTokenNotFoundError) or status in (401, 403):
        return FacezooError(
            f"{endpoint} does not let you write to {repo}.",
            "Log in with `hf auth login`, or set HF_TOKEN with write access.",
        )
    if status == 412:
        return FacezooError(
            f"Somebody else changed {repo} meanwhile; nothing was sent.", "Look at it, then push again."
        )
    if isinstance(cause, OfflineModeIsEnabled):
        return FacezooError(f"{repo} cannot be reached: HF_HUB_OFFLINE is set.", "Unset it to push.")
    if status:
        return FacezooError(
            f"{endpoint} refused {repo} with error {status}.", "Try again later; the same push goes on."
        )
    return FacezooError(f"{repo} could not be pushed: {cause}.", "Check the connection and push again.")
