"""What a talking head learns from: "videos", many pictures of one person with their points, and batches of them.

A video is a person's portrait moved by the motion engine, or a real one. All its pictures are seen through the same
window, so that the head moves and the background stays, as in front of a camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from facezoo.face.find import crop_image, move
from facezoo.face.mesh import to_68
from facezoo.motion.goal import draw_goal, motion_to
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Face, Points

from .landmarks import MIRROR, draw_points, points_of, window

__all__ = ["Batch", "Video", "batch_of", "draw_batch", "judged_part", "move_face", "tensors_of"]

_SHIFT, _ZOOM = 0.07, 0.06  # head units and share: deviations of where heads go besides turning
_FINER = 1.8  # px of the photo that is moved, for each px of the window


@dataclass(frozen=True, eq=False)
class Video:
    """pictures: (N, S, S, 3) RGB uint8, the first one a photo as it was. points: (N, 70, 2) float32 px of them."""

    pictures: NDArray[np.uint8]
    points: Points


def move_face(face: Face, count: int, side: int, seed: int = 0) -> Video:
    """A face as it is, and `count` - 1 times moved: turned, talking, smiling, looking around. side: px."""
    face = _reduced(face, side)
    puppet = MovablePhoto(face)
    affine = window(face.landmarks, side)
    random = np.random.default_rng([seed, 71])
    pictures, points = [crop_image(puppet.photo, affine, side)], [_points(puppet.mesh, puppet.gaze, affine)]
    for _ in range(count - 1):
        motion = motion_to(puppet, draw_goal(random, puppet.placement.pose.pitch))
        shift = np.clip(random.normal(0, _SHIFT, 2), -0.18, 0.18).astype(np.float32)
        zoom = float(np.exp(np.clip(random.normal(0, _ZOOM), -0.12, 0.12)))
        motion = replace(motion, shift=motion.shift + shift, zoom=motion.zoom * zoom)
        drawn = puppet.layers(motion)
        pictures.append(crop_image(drawn.image, affine, side))
        points.append(_points(drawn.mesh, puppet.gaze + motion.gaze, affine))
    return Video(np.stack(pictures), np.stack(points))


@dataclass(frozen=True)
class Batch:
    """B people: K pictures of each, and one more, which is to be made.

    truth: (B, 3, S, S) in [0, 1]; drawing, points: (B, 3, S, S) and (B, 70, 2) px of it; weight: (B, 1, S, S), how much
    each pixel matters; photos: (B, K, 3, S, S), drawings, seen: the same of them; who: (B,) int64, whose video."""

    truth: Tensor
    drawing: Tensor
    points: Tensor
    weight: Tensor
    photos: Tensor
    drawings: Tensor
    seen: Tensor
    who: Tensor


def draw_batch(videos: Sequence[Video], size: int, count: int, *, vary: bool = True) -> Batch:
    """Pictures of `size` people of the videos, drawn from torch's random numbers. count: K. vary: mirrored at times, in
    other colours, all photos but the first seen through another window."""
    rows: list[tuple[NDArray[Any], ...]] = []
    who = torch.randint(len(videos), (size,))
    for each in who.tolist():
        video = videos[each]
        order = torch.randperm(len(video.pictures))[: count + 1].tolist()
        if torch.rand(()) < 0.5 and 0 not in order:
            order[0] = 0  # a photo that was not moved is what people have
        pictures, points = video.pictures[order], video.points[order]
        if vary and torch.rand(()) < 0.5:
            pictures, points = pictures[:, :, ::-1], points[:, MIRROR] * (-1, 1) + (pictures.shape[2] - 1, 0)
        rows.append((pictures, points.astype(np.float32)))
    pictures = torch.from_numpy(np.stack([row[0] for row in rows])).permute(0, 1, 4, 2, 3) / 255
    points = torch.from_numpy(np.stack([row[1] for row in rows]))
    if vary:
        pictures = _recolored(pictures)
        pictures, points = _reframed(pictures, points)
    return batch_of(pictures, points, who)


def batch_of(pictures: Tensor, points: Tensor, who: Tensor) -> Batch:
    """pictures: (B, K + 1, 3, S, S) in [0, 1], points: (B, K + 1, 70, 2): the last of each is to be made."""
    side = pictures.shape[-1]
    drawn = np.stack([[draw_points(each, side) for each in row] for row in points.numpy()])
    drawings = torch.from_numpy(drawn).permute(0, 1, 4, 2, 3) / 255
    weight = torch.from_numpy(np.stack([_importance(each, side) for each in points[:, -1].numpy()]))[:, None]
    return Batch(pictures[:, -1], drawings[:, -1], points[:, -1], weight, pictures[:, :-1], drawings[:, :-1],
                 points[:, :-1], who)  # fmt: skip


def judged_part(pictures: Tensor, batch: Batch) -> Tensor:
    """(B, 3, S/2, S/2): a part of each picture around one of the points that move most."""
    side = pictures.shape[-1]
    half, parts = side // 2, list[Tensor]()
    for picture, points in zip(pictures, batch.points, strict=True):
        middle = points[[37, 44, 30, 62]].mean(dim=0)
        left, top = (middle - half / 2).round().long().clamp(0, side - half).tolist()
        parts.append(picture[:, top : top + half, left : left + half])
    return torch.stack(parts)


def tensors_of(video: Video, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Pictures of a video (1, N, 3, S, S) in [0, 1], and their points (1, N, 70, 2)."""
    pictures = torch.from_numpy(video.pictures[list(numbers)]).permute(0, 3, 1, 2)[None] / 255
    return pictures, torch.from_numpy(video.points[list(numbers)])[None]


def _reduced(face: Face, side: int) -> Face:
    """The face in a photo no finer than pictures of `side` px can show."""
    scale = float(np.sqrt(abs(np.linalg.det(window(face.landmarks, side)[:, :2])))) * _FINER
    if scale >= 1:
        return face
    height, width = face.frame.shape[:2]
    target = max(2, round(width * scale)), max(2, round(height * scale))
    photo = np.asarray(cv2.resize(face.frame, target, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([target[0] / width, target[1] / height, scale], np.float32)
    half = np.array([0.5, 0.5, 0], np.float32)
    mesh = ((face.landmarks.mesh + half) * ratio - half).astype(np.float32)
    return replace(face, frame=photo, landmarks=replace(face.landmarks, mesh=mesh, points=to_68(mesh)))


def _points(mesh: Points, gaze: NDArray[np.float32], affine: NDArray[np.float32]) -> Points:
    inside = move(mesh, affine)
    return points_of(to_68(inside), gaze, inside)


def _importance(points: Points, side: int) -> NDArray[np.float32]:
    """(side, side): 0.5 around a face, 1.5 on it, 6 on eyes and lips, 15 between these, softly. points: (70, 2) px."""
    plane = np.full((side, side), 0.5, np.float32)
    for part, value in (
        (range(27), 1.5),
        (range(36, 42), 6.0),
        (range(42, 48), 6.0),
        (range(48, 60), 6.0),
        (range(60, 68), 15.0),
    ):
        hull = cv2.convexHull(points[list(part)])
        cv2.fillConvexPoly(plane, np.round(hull * 16).astype(np.int32), value, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), side / 64), np.float32)


def _recolored(pictures: Tensor) -> Tensor:
    """All pictures of a person brighter, darker, in other colours, lit from somewhere else."""
    size = len(pictures)
    gain = 1 + 0.12 * torch.randn(size, 1, 3, 1, 1) + 0.1 * torch.randn(size, 1, 1, 1, 1)
    slope = interpolate(
        0.08 * torch.randn(size, 1, 2, 2), size=pictures.shape[-2:], mode="bilinear", align_corners=True
    )
    gamma = torch.exp(0.15 * torch.randn(size, 1, 1, 1, 1))
    return (pictures.clamp(1e-3, 1) ** gamma * (gain + slope[:, None])).clamp(0, 1)


def _reframed(pictures: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """The photos between the first and the last as seen through windows a little off."""
    if pictures.shape[1] < 3:
        return pictures, points
    middle, side = slice(1, -1), pictures.shape[-1]
    inner, marks = pictures[:, middle].flatten(0, 1), points[:, middle].flatten(0, 1)
    turn, zoom = 0.1 * torch.randn(len(inner)), torch.exp(0.07 * torch.randn(len(inner)))
    shift = 0.06 * torch.randn(len(inner), 2)
    cos, sin = zoom * torch.cos(turn), zoom * torch.sin(turn)
    back = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], dim=1)
    seen = grid_sample(inner, affine_grid(back, list(inner.shape), align_corners=False), padding_mode="reflection",
                       align_corners=False)  # fmt: skip
    flat = (marks + 0.5) * (2 / side) - 1 - shift[:, None]
    moved = ((torch.linalg.inv(back[:, :, :2]) @ flat.transpose(1, 2)).transpose(1, 2) + 1) * side / 2 - 0.5
    pictures, points = pictures.clone(), points.clone()
    pictures[:, middle], points[:, middle] = (
        seen.unflatten(0, (len(pictures), -1)),
        moved.unflatten(0, (len(points), -1)),
    )
    return pictures, points
