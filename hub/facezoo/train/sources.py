"""Where pictures to learn from come from: folders of photos and films, or data sets of the Hub; and whose they are."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from facezoo.errors import ConsentRequired, FacezooError, UsageError
from facezoo.face.find import crop_affine, crop_image
from facezoo.face.mesh import head_pose, to_68
from facezoo.media.limits import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.media.read import open_clip
from facezoo.train.config import RunConfig
from facezoo.train.record import read_data
from facezoo.types import Box, Face, Frame, Image, Landmarks, Points
from facezoo.zoo.embedded import examples, personas
from facezoo.zoo.pull import COMMIT, REPO
from facezoo.zoo.record import Data

__all__ = ["data_sets", "digest", "face_of", "folder_of", "frames_below", "people_in", "picture_paths"]

_FETCHED = ("*.json", "*.jsonl", "*.npz", *(f"*{suffix}" for suffix in PHOTO_SUFFIXES + VIDEO_SUFFIXES))
_OURS = "facezoo's synthetic people, who never existed, and old paintings, as they ship with facezoo."


def face_of(image: Image, mesh: Points, crop_size: int = 64) -> Face:
    """A face whose mesh is known, not found. image: (H, W, 3) RGB uint8; mesh: (468, 3) px."""
    marks = Landmarks(to_68(mesh), mesh, 1.0, "mesh")
    affine, side = crop_affine(marks, crop_size)
    box = Box(*mesh[:, :2].min(axis=0).tolist(), *mesh[:, :2].max(axis=0).tolist())
    return Face(1, box, marks, head_pose(marks), image, crop_image(image, affine, side), affine)


def folder_of(place: str | Path) -> Path:
    """The folder itself, or that of a data set of the Hub, `owner/name@commit`, which is fetched.

    Raises UsageError when it is neither."""
    if Path(place).is_dir():
        return Path(place)
    repo, _, commit = str(place).partition("@")
    if not REPO.fullmatch(repo) or not COMMIT.fullmatch(commit):
        raise UsageError(
            f"There is no folder {place}.",
            "Give a folder of pictures, or a data set of the Hub with its commit: owner/name@0123... (40 hex digits).",
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo, repo_type="dataset", revision=commit, allow_patterns=list(_FETCHED)))
    except Exception as problem:
        raise UsageError(
            f"The data set {place} cannot be fetched: {type(problem).__name__}.",
            "Look at its name and commit, and whether huggingface.co can be reached.",
        ) from problem


def people_in(folder: Path, people: Sequence[str] = ()) -> tuple[str, ...]:
    """The people who have a subfolder, all of them or those that are named. Raises UsageError when there are none, or
    one is missing."""
    if (folder / "train").is_dir():
        raise UsageError(
            f"{folder} holds the pictures of one person.",
            f"Put them into a subfolder with a name: {folder}/imani/train.",
        )
    there = sorted(path.name for path in folder.iterdir() if path.is_dir())
    missing = [name for name in people if name not in there]
    if missing or not there:
        raise UsageError(
            f"There is no {missing[0] if missing else 'subfolder of a person'} in {folder}.",
            f"There are: {', '.join(there) or 'none'}. Make them with training/persona_frames.py, or put photos there.",
        )
    return tuple(people) or tuple(there)


def picture_paths(folder: Path, suffixes: Sequence[str] = PHOTO_SUFFIXES + VIDEO_SUFFIXES) -> list[Path]:
    """All pictures and films below a folder, sorted. Raises UsageError when there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    if not found:
        raise UsageError(f"There are no pictures in {folder}.", "Give a folder with JPEG, PNG or WebP files, or films.")
    return found


def frames_below(folder: Path, every: int = 5) -> Iterator[Frame]:
    """Every photo, and every so many frames of every film, below a folder, in the order of their names; those that
    cannot be read are named on stderr. Raises UsageError when there are none at all."""
    for path in picture_paths(folder):
        try:
            for number, frame in enumerate(open_clip(path).frames()):
                if number % every == 0:
                    yield frame
        except FacezooError as problem:
            print(f"{path}: {problem.message}", file=sys.stderr, flush=True)


def data_sets(places: Sequence[tuple[str | Path, int]], config: RunConfig) -> tuple[Data, ...]:
    """What a run learns from, for the record of its weights. places: of each data set, and how many pictures of it are
    learned from. What facezoo's own people are in is known; for others it must be said.

    Raises ConsentRequired when it is not, UsageError when --data-record cannot be read."""
    if config.data_record:
        given = read_data(config.data_record)
        if len(given) != len(places):
            return given
        return tuple(
            replace(each, count=each.count or count, sha256=each.sha256 or digest(folder_of(place)))
            for each, (place, count) in zip(given, places, strict=True)
        )
    return tuple(_data(place, count, number, config) for number, (place, count) in enumerate(places))


def digest(folder: Path) -> str:
    """sha256 (64 hex) of all files below a folder, as of the lines "<sha256>  <path>\\n"; hidden ones
    apart."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _data(place: str | Path, count: int, number: int, config: RunConfig) -> Data:
    folder, name = folder_of(place), str(place) if "@" in str(place) else Path(place).name
    url = f"https://huggingface.co/datasets/{str(place).partition('@')[0]}" if "@" in str(place) else ""
    if config.consent and config.statement:
        consent, statement = (each[min(number, len(each) - 1)] for each in (config.consent, config.statement))
        licence = "see the statement"
    elif (shown := _shown(folder)) and shown <= {each.sha256 for each in (*personas(), *examples())}:
        painted = {each.sha256 for each in examples() if each.kind == "painting"}
        consent, statement, licence = "public domain" if shown & painted else "synthetic", _OURS, "MIT"
    else:
        raise ConsentRequired(
            f"Nobody said that the faces in {place} may be learned from.",
            'Say whose they are: --consent given --statement "Ann and Ben, who agreed in writing"; see --help.',
        )
    return Data(name, licence, consent, statement, url, count, digest(folder))  # pyright: ignore[reportArgumentType]


def _shown(folder: Path) -> set[str]:
    """sha256 of the portraits that rendered frames were made from, or of all pictures and films themselves."""
    rendered = list(folder.rglob("frames.jsonl"))
    if not rendered:
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in picture_paths(folder)}
    lines = [line for path in rendered for line in path.read_text(encoding="utf-8").splitlines()]
    return {sha256 for line in lines for sha256 in json.loads(line).get("people", ["unknown"])}
