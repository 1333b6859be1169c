"""What training/talking_head.py needs beside its loop: videos rendered of portraits or read, previews, scores."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facezoo.errors import FacezooError, UsageError
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.methods.talking_head.videos import Video, batch_of, move_face, tensors_of
from facezoo.train.sources import picture_paths
from facezoo.types import Image

__all__ = ["gather_videos", "load_video", "render_video", "save_video", "score", "sheet"]


def render_video(path: Path, count: int, side: int, seed: int = 0) -> Video:
    """The largest face of a picture, and `count` - 1 pictures of it moved. Raises FacezooError when there is none."""
    faces = find_faces(read_photo(path), crop_size=64, thorough=False)
    if not faces:
        raise FacezooError("No face was found.", "Use a picture with a larger face.")
    return move_face(faces[0], count, side, seed)


def save_video(path: Path, video: Video) -> None:
    """Write pictures and points as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as stream:
        np.savez(stream, pictures=video.pictures, points=video.points)
    unfinished.replace(path)


def load_video(path: Path) -> Video:
    """What `save_video` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return Video(file["pictures"], file["points"])


def gather_videos(data: Path, part: str, portraits: Sequence[Path], frames: int, side: int) -> list[Video]:
    """The videos of data/part; rendered of all portraits first, one in twenty held back, when there are none."""
    if portraits and not list(data.glob("*/*.npz")):
        _render_all(data, portraits, frames, side)
    found = sorted((data / part).glob("*.npz"))
    if not found:
        raise UsageError(f"There is no video in {data / part}.", "Give --portraits, folders of portraits to be moved.")
    return [load_video(path) for path in found]


def _render_all(data: Path, folders: Sequence[Path], frames: int, side: int) -> None:
    for path in [path for folder in folders for path in picture_paths(folder)]:
        number = int(hashlib.sha256(path.read_bytes()).hexdigest()[:8], 16)
        try:
            video = render_video(path, frames, side, number)
        except FacezooError:
            continue
        save_video(data / ("held_back" if number % 20 == 0 else "train") / f"{path.parent.name}_{path.stem}.npz", video)


@torch.no_grad()
def sheet(talker: Any, videos: Sequence[Video], people: int = 10) -> Image:
    """Rows of people held back: photo, drawing, truth, made, and the layers."""
    torch.manual_seed(1)
    chosen = [videos[number] for number in np.linspace(0, len(videos) - 1, people).astype(int)]
    rows: list[Image] = []
    for video in chosen:
        batch = batch_of(*tensors_of(video, [0, 3]), torch.zeros(1, dtype=torch.int64))
        again = batch_of(*tensors_of(video, [0, 7]), torch.zeros(1, dtype=torch.int64))
        row: list[Tensor] = [batch.photos[0, 0]]
        for each in (batch, again):
            made, _ = talker(each)
            row += [each.drawing[0], each.truth[0], made["picture"][0]]
            row += [made[name][0].expand(3, -1, -1) for name in ("carried", "coarse", "mask") if name in made]
        rows.append((torch.cat(row, dim=2).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
    return np.vstack(rows)


@torch.no_grad()
def score(talker: Any, videos: Sequence[Video]) -> dict[str, float]:
    """On people held back, one photo and four: weighted L1, and on eyes and mouth alone; "static" is the photo."""
    found: dict[str, list[float]] = {}
    for count in (1, 4):
        for video in videos:
            for goal in (6, 9, 12):
                batch = batch_of(*tensors_of(video, [*range(count), goal]), torch.zeros(1, dtype=torch.int64))
                made, _ = talker(batch)
                for name, picture in ((f"made{count}", made["picture"]), ("static", batch.photos[:, 0])):
                    apart = (picture - batch.truth).abs()
                    inner = (batch.weight > 3).float()
                    found.setdefault(f"{name} l1", []).append(float((batch.weight * apart).mean()))
                    found.setdefault(f"{name} features", []).append(float((inner * apart).sum() / inner.sum() / 3))
    return {name: float(np.mean(values)) for name, values in found.items()}
