"""The seal: visible label, invisible mark, fresh encoding, signature. The only maker of `Sealed`, and its reader."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from facezoo.errors import BadInput, Cancelled, FacezooError, Unreadable, UsageError, printable
from facezoo.media.limits import WRITES_CLIPS, WRITES_PHOTOS
from facezoo.media.read import open_clip
from facezoo.media.write import write_clip, write_photo
from facezoo.safety import c2pa, marks
from facezoo.safety.marks import LabelSize, draw
from facezoo.types import Clip, Frame, Image, Progress, Provenance, Sealed

__all__ = ["Claim", "lighter", "seal", "shipped", "verify"]

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_ASSERTION = "org.facezoo.result"
_LEAST = 1 << 16  # bytes that a disk has which is not full
_EVIDENCE = 8  # frames of a clip in which the mark is looked for, summed
_REACH = 64  # frames of a clip that are decoded for them


@dataclass(frozen=True)
class Claim:
    """What a result says about how it was made: hashes and settings, never names or paths of a user's files.

    method: its id. weights: {"repo", "revision", "sha256"}, empty strings when nothing was learned. persona: the id
    when all faces became the same one. personas: face number -> persona id, when each face was given its own.
    source_sha256: the picture that was changed, then any others used."""

    method: str
    title: str
    year: int
    weights: dict[str, Any]
    persona: str | None
    params: dict[str, Any]
    seed: int
    source_sha256: tuple[str, ...]
    task: str
    personas: dict[str, str] | None = None


def seal(
    frames: Iterable[Frame],
    destination: Path,
    *,
    claim: Claim,
    clip: Clip,
    label: LabelSize = "small",
    progress: Progress | None = None,
) -> Sealed:
    """Label, mark, encode and sign finished frames, and put the file at `destination`.

    frames: RGB uint8 (H, W, 3) of one size, consumed to the end; a still takes the first. destination: the suffix
    chooses the format; .webp moves when `clip` does. clip: where the frames came from, for rate and sound. label: size
    of the visible label. progress: stage "seal". On any error `destination` is as it was and no other file is left.
    Raises UsageError for a format or folder that cannot be written, Unreadable when there are no frames, FacezooError
    when the disk is full, and what the frames raise.
    """
    suffix = destination.suffix.lower()
    if suffix not in (*WRITES_PHOTOS, *WRITES_CLIPS):
        raise UsageError(
            f"facezoo cannot seal a {suffix or 'file without a suffix'}.",
            f"Write one of {' '.join(dict.fromkeys((*WRITES_PHOTOS, *WRITES_CLIPS)))}",
        )
    if not destination.parent.is_dir():
        raise UsageError(f"The folder {destination.parent} does not exist.", "Make it first, or write somewhere else.")
    still = suffix in WRITES_PHOTOS and (suffix != ".webp" or clip.kind == "photo")
    with tempfile.TemporaryDirectory(prefix=".facezoo-", dir=destination.parent) as folder, _room(Path(folder)):
        draft = Path(folder) / f"result{suffix}"
        finished = _finish(frames, label)
        count = _write_still(finished, draft, progress) if still else _write_clip(finished, draft, clip, progress)
        if not count:
            raise Unreadable("There was no picture to seal.", "Check that the input holds at least one frame.")
        manifest = c2pa.sign(draft, _manifest(claim))
        draft.replace(destination)
    record = {"output": str(destination), "frames": count, "provenance": {"c2pa": True, "watermark": True}}
    return Sealed(destination, manifest, record)


@contextmanager
def _room(folder: Path) -> Generator[None]:
    """Whatever goes wrong in the block is put down to the disk when that is full: encoders and signers each have their
    own error for it."""
    try:
        yield
    except FacezooError:
        raise
    except Exception as error:
        if shutil.disk_usage(folder).free > _LEAST:
            raise
        raise FacezooError(
            "The disk that the result goes to is full.", "Make room, or write somewhere else."
        ) from error


def lighter(sealed: Sealed, destination: Path, *, quality: int) -> Sealed:
    """A copy of a sealed still in fewer bytes: its pixels, label and mark with them, encoded anew and signed anew with
    what the first signature says. quality: 1 to 100. Raises UsageError for a file that moves or another format."""
    clip = open_clip(sealed.path)
    if clip.kind != "photo" or destination.suffix.lower() not in WRITES_PHOTOS:
        raise UsageError("Only a still becomes lighter.", f"Write one of {' '.join(WRITES_PHOTOS)}")
    said = _result(sealed.manifest)
    named: dict[str, Any] = {field.name: said.get(field.name) for field in fields(Claim)}
    named["source_sha256"] = tuple(said["source_sha256"])
    claim = Claim(**named)
    with tempfile.TemporaryDirectory(prefix=".facezoo-", dir=destination.parent) as folder:
        draft = Path(folder) / f"result{destination.suffix}"
        write_photo(draft, next(clip.frames()).image, quality=quality)
        manifest = c2pa.sign(draft, _manifest(claim))
        draft.replace(destination)
    return Sealed(destination, manifest, sealed.record | {"output": str(destination)})


def shipped(path: Path, record: dict[str, Any]) -> Sealed:
    """A result that was sealed when this facezoo was made and ships with it; its seal is not read (`verify` does)."""
    return Sealed(path, {}, record)


def verify(path: Path) -> Provenance:
    """Read back what a file says of its origin: its C2PA manifest and the invisible mark.

    In a clip the mark is looked for in a few of the first frames. A damaged file that still holds a manifest is
    "tampered", without the mark (WebP keeps its manifest at the end, where a cut loses it). method, weights and created
    are what the manifest says; None when the file was changed or the manifest is not facezoo's. Raises Unreadable,
    UnsupportedFormat or TooLarge for a file that carries no manifest and cannot be opened.
    """
    path = Path(path)
    try:
        status, manifest = c2pa.read(path)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}.", "Check the path.") from error
    try:
        seen = marks.detect_frames(_evidence(open_clip(path)))
    except BadInput:
        if status == "none":
            raise
        seen = marks.Detection(found=False, score=0.0)
    mark = None if not seen.found else "own" if seen.own else "public"
    if status == "tampered" or manifest is None:
        return Provenance(status, seen.found, mark=mark)
    result = _result(manifest)
    named = result.get("weights")
    repo, revision, sha256 = (_said(named, key) or "" if isinstance(named, dict) else ""
                              for key in ("repo", "revision", "sha256"))  # fmt: skip
    weights = " ".join(filter(None, (f"{repo}@{revision}" if repo else "", f"sha256:{sha256}" if sha256 else "")))
    return Provenance(status, seen.found, _said(result, "method"), weights or None, _said(result, "created"), mark)


def _finish(frames: Iterable[Frame], label: LabelSize) -> Iterator[Frame]:
    """Label and mark each frame."""
    for frame in frames:
        yield Frame(marks.mark(draw(frame.image, label)), frame.time)


def _write_clip(frames: Iterator[Frame], path: Path, clip: Clip, progress: Progress | None) -> int:
    sound = clip.source if clip.has_audio else None
    return write_clip(path, frames, rate=clip.rate, audio_from=sound, count=clip.count, plays=clip.plays,
                      progress=progress)  # fmt: skip


def _write_still(frames: Iterator[Frame], draft: Path, progress: Progress | None) -> int:
    """Write the first frame; the others are still asked for, because whoever makes them may object at the end."""
    if progress:
        progress("seal", 0.0)
    first = next(frames, None)
    if first is None:
        return 0
    for _ in frames:
        pass
    write_photo(draft, first.image)
    if progress:
        progress("seal", 1.0)
    return 1


def _manifest(claim: Claim) -> dict[str, Any]:
    """The C2PA manifest definition: what was done to what, and that it is not for training on."""
    learned = bool(claim.weights.get("repo") or claim.weights.get("sha256"))
    kind = "compositeWithTrainedAlgorithmicMedia" if learned else "compositeSynthetic"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = {"when": now, "digitalSourceType": _SOURCE_TYPES + kind}
    description = f"{claim.title} ({claim.year})" if claim.year else claim.title
    if claim.source_sha256:
        actions = [
            {"action": "c2pa.opened", "when": now, "parameters": {"ingredientIds": ["source"]}},
            {"action": "c2pa.edited", "description": description, **made},
        ]
        ingredients = [{"title": "source", "relationship": "parentOf", "label": "source"}]
    else:
        actions, ingredients = [{"action": "c2pa.created", "description": description, **made}], []
    result = {
        "method": claim.method,
        "title": claim.title,
        "year": claim.year,
        "task": claim.task,
        "weights": {key: claim.weights.get(key, "") for key in ("repo", "revision", "sha256")},
        "persona": claim.persona,
        **({} if claim.personas is None else {"personas": claim.personas}),
        "params": claim.params,
        "seed": claim.seed,
        "source_sha256": list(claim.source_sha256),
        "created": now,
    }
    uses = ("ai_generative_training", "ai_training", "ai_inference", "data_mining")
    refused = {f"cawg.{use}": {"use": "notAllowed"} for use in uses}
    return {
        "title": "facezoo result",
        "ingredients": ingredients,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": _ASSERTION, "data": result},
            {"label": "cawg.training-mining", "data": {"entries": refused}},
        ],
    }


def _evidence(clip: Clip) -> Iterator[Image]:
    """A photo, or some frames spread over the first seconds of a clip. A clip that breaks off yields what it has."""
    step = max(1, min(clip.count, _REACH) // _EVIDENCE)
    frames = islice(clip.frames(), 0, step * _EVIDENCE, step)
    seen = False
    try:
        for frame in frames:
            yield frame.image
            seen = True
    except Cancelled:
        raise
    except BadInput:
        if not seen:
            raise


def _result(manifest: dict[str, Any]) -> dict[str, Any]:
    """Our own assertion of a manifest that anybody may have written; {} when it is not there."""
    for assertion in manifest.get("assertions", []):
        if assertion.get("label") == _ASSERTION and isinstance(assertion.get("data"), dict):
            return assertion["data"]
    return {}


def _said(record: dict[str, Any], key: str) -> str | None:
    """A short text of a foreign record, fit to be shown, or None."""
    value = record.get(key)
    return printable(value[:200]) if isinstance(value, str) and value else None
