"""What training/talking_head.py needs beside its loop: networks, videos rendered or read, previews, scores."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from facezoo.errors import ConsentRequired, FacezooError, NoFace, UsageError
from facezoo.face.find import crop_image, find_faces, move
from facezoo.face.mesh import to_68
from facezoo.media.limits import VIDEO_SUFFIXES
from facezoo.media.read import open_clip, read_photo
from facezoo.methods.talking_head.bilayer import Bilayer
from facezoo.methods.talking_head.landmarks import points_of, window
from facezoo.methods.talking_head.model import Embedder, Generator
from facezoo.methods.talking_head.pipeline import TalkingHead
from facezoo.methods.talking_head.videos import Batch, Video, batch_of, move_face, tensors_of
from facezoo.motion.driver import track
from facezoo.train.checkpoint import take_over
from facezoo.train.loop import Kept
from facezoo.train.sources import data_sets, picture_paths
from facezoo.types import Image
from facezoo.zoo.figures import mean
from facezoo.zoo.record import Interval, Score

if TYPE_CHECKING:
    from facezoo.train.config import RunConfig

__all__ = ["NETWORKS", "Talker", "gather_videos", "kept_talker", "load_video", "new_talker", "save_video",
           "video_of"]  # fmt: skip

NETWORKS: dict[str, dict[str, dict[str, Any]]] = {
    "bilayer": {"embedder": {"in_height": 128, "inside": 128, "channels": 16}, "generator": {}},
    "embedding": {"embedder": {"in_height": 128, "inside": 128, "channels": 20},
                  "generator": {"in_height": 128, "inside": 128, "channels": 20}},
    "paper": {"embedder": {"in_height": 256}, "generator": {"in_height": 256}},
}  # fmt: skip
"""Constructor arguments of embedder and generator."""
_EVERY = 6  # frames of a real video, of which one is taken
_GOALS = (6, 9)  # frames of a person held back that are asked for


class Talker(nn.Module):
    """Embedder and generator as one: a batch in, pictures out."""

    def __init__(self, embedder: Embedder, generator: Bilayer | Generator) -> None:
        super().__init__()
        self.embedder, self.generator = embedder, generator

    def forward(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The pictures (B, 3, S, S), and what they are made of where they are layered, and the embeddings (B, E, 1)."""
        count = batch.photos.shape[1]
        e = self.embedder(batch.photos.flatten(0, 1), batch.drawings.flatten(0, 1))
        e = e.unflatten(0, (-1, count)).mean(dim=1)
        if isinstance(self.generator, Bilayer):
            return vars(self.generator(batch.drawing, batch.points, batch.photos, batch.seen, e)), e
        return {"picture": self.generator(batch.drawing, e)}, e


def new_talker(network: str, init_from: str = "") -> Talker:
    """The networks of a name in NETWORKS. init_from: a folder with weights that they begin with, as far as they fit."""
    sizes = NETWORKS[network]
    generator = (Bilayer if network == "bilayer" else Generator)(**sizes["generator"])
    talker = Talker(Embedder(**sizes["embedder"]), generator)
    if init_from:
        for name in ("embedder", "generator"):
            print(take_over(getattr(talker, name), init_from, name), flush=True)
    return talker


def kept_talker(average: Talker, held: Sequence[Video], config: RunConfig) -> Kept[Any]:
    """What a run leaves: the weights of the running mean, looked at with people held back. Raises ConsentRequired."""
    places = [(folder, 0) for folder in vars(config)["portraits"]] or [(vars(config)["data"], 0)]
    if not (config.consent or config.data_record or vars(config)["portraits"]):
        raise ConsentRequired("Nobody said whose faces these videos show.", "Say it: --consent and --statement.")
    return Kept(
        pipeline=lambda: TalkingHead({"embedder": average.embedder, "generator": average.generator}),
        preview=lambda pipeline: _sheet(_talker(pipeline), held),
        measure=lambda pipeline, most: _scores(_talker(pipeline), held[:most]),
        data=data_sets(places, config),
        limits="They are as good as the record's scores, no better.",
    )


def video_of(path: Path, count: int, side: int, seed: int = 0) -> Video:
    """The largest face of a picture, moved `count` - 1 times, or as many frames of a video with the face where it is.
    Raises FacezooError when there is no face."""
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        faces = find_faces(read_photo(path), crop_size=64, thorough=False)
        if not faces:
            raise NoFace(f"No face was found in {path.name}.", "Use a picture with a larger face.")
        return move_face(faces[0], count, side, seed)
    found: list[tuple[Image, Any]] = []
    affine = None
    for frame, sight in islice(track(open_clip(path).frames()), 0, count * _EVERY, _EVERY):
        if not sight.seen or sight.observation is None:
            continue
        if affine is None:
            affine = window(find_faces(frame.image)[0].landmarks, side)
        mesh = move(sight.mesh, affine)
        found.append((crop_image(frame.image, affine, side), points_of(to_68(mesh), sight.observation.gaze, mesh)))
    return Video(np.stack([picture for picture, _ in found]), np.stack([points for _, points in found]))


def gather_videos(data: Path, part: str, folders: Sequence[Path], frames: int, side: int) -> list[Video]:
    """The videos of data/part; made of all pictures and clips in the folders first, one in twenty held back, when there
    are none yet. Raises UsageError without any."""
    if folders and not list(data.glob("*/*.npz")):
        for path in [path for folder in folders for path in picture_paths(folder)]:
            number = int(hashlib.sha256(path.read_bytes()).hexdigest()[:8], 16)
            try:
                video = video_of(path, frames, side, number)
            except FacezooError:
                continue
            where = data / ("train" if number % 20 else "held_back")
            save_video(where / f"{'_'.join(path.parts[-3:-1])}_{path.stem}.npz", video)
    found = sorted((data / part).glob("*.npz"))
    if not found:
        raise UsageError(f"There is no video in {data / part}.", "Give --portraits, folders of portraits or videos.")
    return [load_video(path) for path in found]


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


def _talker(pipeline: TalkingHead) -> Talker:
    return Talker(pipeline.networks["embedder"], pipeline.networks["generator"]).float().eval()


@torch.no_grad()
def _sheet(talker: Talker, videos: Sequence[Video], people: int = 10) -> Image:
    """Rows of people held back: photo, then twice drawing, truth, made, and the layers."""
    chosen = [videos[number] for number in np.linspace(0, len(videos) - 1, min(people, len(videos))).astype(int)]
    rows: list[Image] = []
    for video in chosen:
        row = [_asked(video, 1, 3).photos[0, 0]]
        for goal in (3, 7):
            batch = _asked(video, 1, goal)
            made, _ = talker(batch)
            row += [batch.drawing[0], batch.truth[0], made["picture"][0]]
            row += [made[name][0].expand(3, -1, -1) for name in ("carried", "coarse", "mask") if name in made]
        rows.append((torch.cat(row, dim=2).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy())
    return np.vstack(rows)


@torch.no_grad()
def _scores(talker: Talker, videos: Sequence[Video]) -> list[Score]:
    """L1 of people held back in grey levels, faces and features counting more, from one photo and from four."""
    scores: list[Score] = []
    for count in (1, 4):
        rows: list[tuple[float, float]] = []
        for batch in (_asked(video, count, goal) for video in videos for goal in _GOALS):
            weight = 255 * batch.weight / batch.weight.mean()
            pictures = talker(batch)[0]["picture"], batch.photos[:, 0]
            made, static = (float((weight * (each - batch.truth).abs()).mean()) for each in pictures)
            rows.append((made, static))
        made, static = (Interval(*astuple(mean(column))[:3]) for column in np.array(rows).T)
        told = f"grey levels from the true frame, {count} photo{'s' * (count > 1)}"
        scores.append(Score(f"l1_{count}", told, "people held back", len(rows), "lower", made, {"static": static}))
    return scores


def _asked(video: Video, count: int, goal: int) -> Batch:
    """The first `count` pictures of a video, and another one to be made."""
    numbers = [*range(count), min(goal, len(video.points) - 1)]
    return batch_of(*tensors_of(video, numbers), torch.zeros(1, dtype=torch.int64))
