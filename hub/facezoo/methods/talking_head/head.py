"""A head: one to eight photos of somebody, read once, then moved as often as wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facezoo.face.find import crop_image, move
from facezoo.face.mesh import lay_over, smoothstep
from facezoo.motion.eyes import read_eyes
from facezoo.types import Face, Image, Mask, Points

from .bilayer import Bilayer, Layers
from .landmarks import draw_points, points_of, window

__all__ = ["MOST", "Head", "Photo", "photo_of"]

MOST = 8
"""Photos that a head can have."""
_EDGE = 0.07  # sides of the window in which the moved picture fades into the photo

Plane = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as the networks see it. image: (H, W, 3) RGB uint8; affine: (2, 3), its points to those of the window;
    crop: (S, S, 3) RGB uint8, the window; points: (70, 2) px of it; gaze: (2,) eye widths."""

    image: Image
    affine: Plane
    crop: Image
    points: Points
    gaze: Plane


def photo_of(face: Face, side: int, points: Points | None = None) -> Photo:
    """The face of a photo, seen through its window of `side` px. points: (68, 2) px of the photo in place of those of
    the face's mesh."""
    affine = window(face.landmarks, side)
    gaze = read_eyes(face.frame, face.landmarks.mesh).gaze
    mesh, own = face.landmarks.mesh, face.landmarks.points
    marks = points_of(own, gaze, mesh) if points is None else points_of(points, gaze)
    return Photo(face.frame, affine, crop_image(face.frame, affine, side), move(marks, affine), gaze)


class Head:
    """Photos and the networks' knowledge of them. The first photo is the stage: its background is kept.

    generator: a Bilayer, or the paper's. e: (1, E, 1), the mean of the photos' embeddings."""

    def __init__(self, photos: Sequence[Photo], generator: Any, e: Tensor) -> None:
        self.photos, self.generator, self.e = photos, generator, e
        self.side = photos[0].crop.shape[0]
        self._crops = torch.stack([_tensor(photo.crop) for photo in photos])[None]
        self._seen = torch.from_numpy(np.stack([photo.points for photo in photos]))[None]
        self._stage = _Stage(photos[0].image, photos[0].affine, self.side)

    @torch.inference_mode()
    def layers(self, points: Points) -> Layers | Tensor:
        """What the networks make of points (70, 2) px of the window: layers, or the paper's picture (1, 3, S, S)."""
        drawing = _tensor(draw_points(points, self.side))[None]
        if isinstance(self.generator, Bilayer):
            return self.generator(drawing, torch.from_numpy(points)[None], self._crops, self._seen, self.e)
        return self.generator(drawing, self.e)

    def draw(self, points: Points) -> Image:
        """The first photo (H, W, 3) with the face doing that. points: (70, 2) px of it."""
        made = self.layers(move(points, self.photos[0].affine))
        if isinstance(made, Layers):
            return self._stage.show(self._carried(made), made.coarse[0], made.mask[0, 0])
        return self._stage.show(None, made[0], None)

    def _carried(self, made: Layers) -> Image:
        """(h, w, 3): the photos' own pixels, at their own resolution, where the layers say."""
        stage = self._stage
        parts: list[tuple[Plane, Image]] = []
        for number, photo in enumerate(self.photos):
            places = (made.warps[0, number].numpy() + 1) * (self.side / 2) - 0.5
            turn = _inverse(photo.affine)
            if number == 0:  # as small differences from where a pixel is, which are exact at any size
                warp = stage.places + stage.spread((places - _own(self.side // 2)) @ turn[:, :2].T, 2)
            else:
                warp = stage.spread(places @ turn[:, :2].T + turn[:, 2], 2)
            share = stage.spread(made.shares[0, number, 0].numpy(), 2) if len(self.photos) > 1 else warp[..., 0]
            parts.append((share, _read(photo.image, warp)))
        if len(parts) == 1:
            return parts[0][1]
        mixed = sum(share[..., None] * read for share, read in parts)
        return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


class _Stage:
    """The part of a photo that its window covers. places: (h, w, 2), of its pixels in the photo."""

    def __init__(self, photo: Image, affine: Plane, side: int) -> None:
        self._photo, self._side = photo, side
        corners = np.array([(0, 0), (side, 0), (0, side), (side, side)], np.float32) - 0.5
        reached = move(corners, _inverse(affine))
        size = np.array(photo.shape[1::-1])
        low = np.clip(np.floor(reached.min(axis=0)).astype(int), 0, size - 1)
        high = np.clip(np.ceil(reached.max(axis=0)).astype(int) + 1, low + 1, size)
        self._part = slice(low[1], high[1]), slice(low[0], high[0])
        xs, ys = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
        self.places = np.stack([xs, ys], axis=2).astype(np.float32)
        inside = move(self.places.reshape(-1, 2), affine).reshape(self.places.shape)
        self._inside = {coarser: (inside + 0.5) / coarser - 0.5 for coarser in (1, 2)}
        margin = np.minimum(inside + 0.5, side - 0.5 - inside).min(axis=2)
        self._alpha: Mask = smoothstep(margin, 0, _EDGE * side)

    def spread(self, plane: NDArray[Any], coarser: int = 1, method: int = cv2.INTER_LINEAR) -> NDArray[Any]:
        """A plane of the window, (S / coarser, ...), at the photo's resolution: (h, w, ...) of the same dtype."""
        again: Any = None
        plane = np.ascontiguousarray(plane)
        return cv2.remap(plane, self._inside[coarser], again, method, borderMode=cv2.BORDER_REPLICATE)

    def show(self, carried: Image | None, coarse: Tensor, mask: Tensor | None) -> Image:
        """The whole photo, a new array: carried (h, w, 3) where mask (S, S) is 1, coarse (3, S, S) elsewhere."""
        painted = (coarse.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        made = np.asarray(self.spread(painted, 1, cv2.INTER_CUBIC), np.uint8)
        if carried is not None and mask is not None:
            lay_over(made, carried, np.asarray(self.spread(mask.numpy()), np.float32))
        image = self._photo.copy()
        part = np.ascontiguousarray(image[self._part])
        lay_over(part, made, self._alpha)
        image[self._part] = part
        return image


def _read(photo: Image, warp: Plane) -> Image:
    """(h, w, 3): a photo read at places (h, w, 2) of it."""
    again: Any = None
    read = cv2.remap(photo, warp, again, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(read, np.uint8)


def _own(side: int) -> Plane:
    """(side, side, 2): where the pixels of a plane of half the window lie in the window."""
    xs, ys = np.meshgrid(np.arange(side), np.arange(side))
    return ((np.stack([xs, ys], axis=2) + 0.5) * 2 - 0.5).astype(np.float32)


def _inverse(affine: Plane) -> Plane:
    return np.asarray(cv2.invertAffineTransform(affine), np.float32)


def _tensor(picture: Image) -> Tensor:
    """(3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1) / 255
