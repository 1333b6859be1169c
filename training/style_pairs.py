"""Make pairs of a photo and a painting of it, by rules and without a network, that a generator can begin with.

    python training/style_pairs.py --photos portraits/train --held-back portraits/test --paintings paintings/ \\
        --consent synthetic --statement "People who never existed." --output runs/pairs

`--paintings` is a folder with a manifest.json, a list of {"file", "artist", "title", "rights"}; without one all of its
pictures are of the style `any`. Every photo is painted in each style after that of a few chosen paintings that is most
like it in light and contrast. The folder gets <style>/<number>_photo.png, <style>/<number>_painting.png and a line in
<style>/pairs.jsonl. The same settings give the same bytes, whatever the number of processes; a second run
makes only what is missing. How it is done: facezoo.train.style_pairs.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import cv2
import numpy as np
from PIL import Image as Pictures

import facezoo
from facezoo.errors import ConsentRequired, FacezooError, UsageError
from facezoo.media.files import whole, write_whole
from facezoo.media.limits import PHOTO_SUFFIXES
from facezoo.media.read import read_photo
from facezoo.train.config import one_of, start
from facezoo.train.scene import Scene, recolor, scene
from facezoo.train.sources import folder_of, picture_paths
from facezoo.train.style_pairs import (
    STYLES,
    Look,
    Tones,
    choose_canvases,
    look,
    paint_over,
    tones,
    unlikeness,
)
from facezoo.zoo.record import Consent

_ASKED = 60  # photos that the paintings are chosen for
_RECORD = "pairs.jsonl"
_SETTINGS = "settings.json"


@dataclass(frozen=True)
class Config:
    """Make pairs of photos and paintings."""

    photos: str
    """Photos of faces: a folder, searched with its subfolders, or a Hub data set owner/name@commit."""
    paintings: str
    """Painted faces, in the same way."""
    output: Path
    """Folder for the pairs, made when missing."""
    consent: str
    """Whose faces the photos show: synthetic, "public domain" or given."""
    statement: str
    """One sentence on that: who was asked, when, or why nobody need be."""
    held_back: tuple[Path, ...] = ()
    """Folders of photos that must not be learned from: those that are in `photos` too are left out."""
    styles: tuple[str, ...] = ("van_gogh_blue", "van_gogh_bright", "old_masters")
    """Which ones, in turn."""
    canvases: int = 1
    """Paintings of a style that are used. A translator learns the colours of one; of several it learns the average."""
    only: tuple[str, ...] = ()
    """Paintings that are chosen among, by the names of their files, in place of all that are like the style."""
    count: int = 0
    """Photos that are used, 0 for all."""
    side: int = 256
    """Side of the pictures in pixels."""
    processes: int = os.cpu_count() or 1
    """Processes that work at a time."""

    def __post_init__(self) -> None:
        for style in self.styles:
            if style not in STYLES:
                raise ValueError(f"--styles must be among {', '.join(STYLES)}, not {style!r}")
        one_of(self, "consent", get_args(Consent))
        if self.side < 64 or min(self.canvases, self.processes) < 1 or self.count < 0:
            raise ValueError("--side must be at least 64, --canvases and --processes 1, --count 0")


PRESETS: dict[str, dict[str, Any]] = {"cpu": {}}


@dataclass(frozen=True)
class Canvas:
    """A painting to paint after."""

    path: Path
    title: str
    look: Look


@dataclass(frozen=True)
class Job:
    """One photo in one style. number: of the photo. usual: mean lightness of the parts of all photos."""

    number: int
    photo: Path
    style: str
    canvases: tuple[Canvas, ...]
    usual: tuple[float, ...]
    output: Path
    side: int


def main(config: Config) -> None:
    """Choose paintings, make what is missing, tell how it goes."""
    if not config.statement.strip():
        raise ConsentRequired(
            "Nobody said why these faces may be learned from.",
            'Say it in a sentence: --statement "Ann and Ben, who agreed in writing."',
        )
    photos = find_photos(config)
    with workers(config.processes) as pool:
        looks = looks_of(pool, photos, config)
        canvases = choose(pool, looks, config)
        usual = tuple(np.mean([each.light for each in looks], axis=0)[:, 0].round(2).tolist())
        settle(config, canvases, usual)
        photos = photos[: config.count or None]
        jobs = [
            Job(number, photo, style, canvases[style], usual, config.output, config.side)
            for number, photo in enumerate(photos)
            for style in config.styles
        ]
        there = {style: made(config.output / style) for style in config.styles}
        missing = [job for job in jobs if job.number not in there[job.style]]
        print(f"{len(jobs) - len(missing)} of {len(jobs)} pairs are there", flush=True)
        begun = time.monotonic()
        for done, (job, record) in enumerate(zip(missing, pool.map(paint, missing), strict=True), start=1):
            note(job, record)
            pace = (time.monotonic() - begun) / done
            problem = f" left out: {record['problem']}" if "problem" in record else ""
            left = pace * (len(missing) - done) / 3600
            told = f"{done} of {len(missing)}  {job.photo.name}, {job.style}{problem}"
            print(f"{told}  {pace:.1f} s a pair, {left:.1f} h left", flush=True)


@contextmanager
def workers(processes: int) -> Generator[ProcessPoolExecutor]:
    """Processes to paint in; when this one is stopped, by Ctrl-C or SIGTERM, they end after the picture in hand."""

    def stop(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    with ProcessPoolExecutor(processes, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def find_photos(config: Config) -> list[Path]:
    """All photos but those held back. Raises UsageError when none is left."""
    held = {_sha256(path) for folder in config.held_back for path in picture_paths(folder, PHOTO_SUFFIXES)}
    found = [path for path in picture_paths(folder_of(config.photos), PHOTO_SUFFIXES) if _sha256(path) not in held]
    if not found:
        raise UsageError(f"All photos in {config.photos} are held back.", "Give others with --photos.")
    return found


def looks_of(pool: Executor, photos: Sequence[Path], config: Config) -> list[Look]:
    """What some of the photos are like. Raises UsageError when none shows a face."""
    asked = photos[:: max(1, len(photos) // _ASKED)]
    looks = [each for each in pool.map(look_of, asked, [config.side] * len(asked)) if each]
    if not looks:
        raise UsageError(f"No face was found in {config.photos}.", "Give photos with faces at least 100 px wide.")
    return looks


def choose(pool: Executor, looks: Sequence[Look], config: Config) -> dict[str, tuple[Canvas, ...]]:
    """Of each style the paintings that suit the photos best. Raises UsageError when there are none."""
    chosen: dict[str, tuple[Canvas, ...]] = {}
    folder, known = _paintings(config)
    for style in config.styles:
        suited = [
            path for path, told in known
            if (path.name in config.only if config.only
                else STYLES[style].shows(told["artist"], told["rights"], _tones(path)))
        ]  # fmt: skip
        seen = list(pool.map(look_of, suited, [config.side] * len(suited)))
        titles = {path: f"{told['artist']}, {told['title']}" for path, told in known}
        painted = [Canvas(path, titles[path], each) for path, each in zip(suited, seen, strict=True) if each]
        if not painted:
            raise UsageError(
                f"No painting in {folder} is of the style {style}.",
                "Give a manifest.json with artist and rights beside them, or choose other --styles.",
            )
        apart = np.array([[unlikeness(photo, canvas.look) for canvas in painted] for photo in looks])
        chosen[style] = tuple(painted[number] for number in choose_canvases(apart, config.canvases))
    return chosen


def settle(config: Config, canvases: Mapping[str, Sequence[Canvas]], usual: Sequence[float]) -> None:
    """Write down what the pairs are made with. Raises UsageError when those there were made otherwise."""
    settings = {
        "facezoo": facezoo.__version__,
        **{name: getattr(config, name) for name in ("consent", "statement", "side")},
        "usual_lightness": list(usual),
        "styles": {
            style: {
                "hand": asdict(STYLES[style].hand),
                "brushes": STYLES[style].brushes,
                "paintings": [
                    {"file": each.path.name, "title": each.title, "sha256": _sha256(each.path)} for each in some
                ],
            }
            for style, some in canvases.items()
        },
    }
    text, path = json.dumps(settings, indent=1, ensure_ascii=False) + "\n", config.output / _SETTINGS
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{config.output} holds pairs that were made with other settings.",
            f"Choose another --output, or see {path} for what they were.",
        )
    for style in canvases:
        (config.output / style).mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def made(folder: Path) -> set[int]:
    """The numbers of the pairs in a style's folder. A line that was not written to its end is taken out."""
    path = folder / _RECORD
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    if lines and not lines[-1].endswith("\n"):
        write_whole(path, "".join(lines[:-1]))
    numbers = {json.loads(line)["number"] for line in lines if line.endswith("\n")}
    return {each for each in numbers if all(_file(folder, each, kind).exists() for kind in ("photo", "painting"))}


def note(job: Job, record: Mapping[str, Any]) -> None:
    """Add a pair to its style's list."""
    if "problem" not in record:
        with (job.output / job.style / _RECORD).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")


def paint(job: Job) -> dict[str, Any]:
    """Paint a photo, write the two pictures, and say what they are; or what the problem is with the photo."""
    style = STYLES[job.style]
    broad, strong = style.brushes[job.number % len(style.brushes)]
    small = round(job.side / broad)  # where a usual brush is a broad one
    try:
        photo, drawn = (_scene(job.photo, side) for side in (job.side, small))
        seen = look(photo)
        apart = [unlikeness(seen, canvas.look) for canvas in job.canvases]
        canvas, sha256 = job.canvases[int(np.argmin(apart))], _sha256(job.photo)
        painting = _scene(canvas.path, small)
    except FacezooError as problem:
        return {"problem": problem.message}
    colored = recolor(drawn, painting, job.usual)
    painted = paint_over(drawn, colored, painting, style.hand)
    painted = cv2.addWeighted(painted, strong, colored, 1 - strong, 0)
    painted = np.asarray(cv2.resize(painted, (job.side, job.side), interpolation=cv2.INTER_CUBIC), np.uint8)
    for kind, picture in (("photo", photo.image), ("painting", painted)):
        with whole(_file(job.output / job.style, job.number, kind)) as path:
            Pictures.fromarray(picture).save(path)
    return {
        "number": job.number,
        "photo": job.photo.name,
        "photo_sha256": sha256,
        "painting": canvas.path.name,
        "painting_sha256": _sha256(canvas.path),
        "unlikeness": round(min(apart), 2),
    }


def look_of(path: Path, side: int) -> Look | None:
    """What a picture is like; None when it cannot be read or shows no face."""
    try:
        return look(_scene(path, side))
    except FacezooError:
        return None


def _paintings(config: Config) -> tuple[Path, list[tuple[Path, dict[str, str]]]]:
    """The folder, and its paintings with what the manifest says of them: artist, title and rights."""
    folder = folder_of(config.paintings)
    manifest, nothing = folder / "manifest.json", {"artist": "", "title": "", "rights": ""}
    if not manifest.exists():
        return folder, [(path, nothing | {"title": path.stem}) for path in picture_paths(folder, PHOTO_SUFFIXES)]
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        return folder, [(folder / each["file"], {name: str(each[name]) for name in nothing}) for each in told]
    except (ValueError, TypeError, KeyError) as problem:
        raise UsageError(
            f"{manifest} cannot be read: {problem!r}",
            'It must be a list of {"file": ..., "artist": ..., "title": ..., "rights": ...}.',
        ) from problem


@lru_cache(maxsize=32)  # all paintings of a style, and the photo that comes in each
def _scene(path: Path, side: int) -> Scene:
    """The middle of a picture, (side, side) px."""
    image = read_photo(path)
    height, width = image.shape[:2]
    span = min(height, width)
    top, left = (height - span) // 2, (width - span) // 2
    smoothing = cv2.INTER_AREA if span > side else cv2.INTER_CUBIC
    part = image[top : top + span, left : left + span]
    return scene(np.asarray(cv2.resize(part, (side, side), interpolation=smoothing), np.uint8))


def _tones(path: Path) -> Tones:
    return tones(read_photo(path))


def _file(folder: Path, number: int, kind: str) -> Path:
    return folder / f"{number:06d}_{kind}.png"


@cache
def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    start(main, Config, PRESETS)
