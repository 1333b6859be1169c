"""Things in front of a face, rendered where the mesh says: which pixels are theirs is known."""

from __future__ import annotations

import cv2
import numpy as np

from facezoo.face.mesh import FACE_OVAL
from facezoo.types import Image, Mask, Points

KINDS = ("surgical mask", "black mask", "visor", "cup", "microphone", "bars")


def put(kind: str, image: Image, mesh: Points) -> tuple[Image, Mask]:
    """The picture with a thing in front of the face, and where it is, (H, W) float32, 1 where nothing shines through.
    image: (H, W, 3) RGB uint8; mesh: (468, 3) px."""
    size = image.shape[:2]
    points, mask = mesh[:, :2], np.zeros(size, np.float32)
    width = float(np.ptp(points[:, 0]))
    middle, down = points[[33, 263]].mean(axis=0), points[152] - points[10]
    down /= np.linalg.norm(down)
    across = np.array([down[1], -down[0]])
    if kind in ("surgical mask", "black mask"):
        upper = [234, 227, 117, 118, 6 if kind == "black mask" else 197, 347, 346, 447, 454]
        lower = [each for each in FACE_OVAL if points[each] @ down > points[234] @ down + 1]
        _fill(mask, np.concatenate([points[upper], points[lower] + 0.04 * width * down]))
        colour = (150, 190, 215) if kind == "surgical mask" else (28, 28, 32)
        folds = 10 * np.sin(np.mgrid[: size[0], : size[1]][0] / width * 40)
        return _over(image, mask, np.array(colour) + (folds[..., None] if kind == "surgical mask" else 0))
    if kind == "visor":
        box = [
            middle + x * width * across + y * width * down
            for x, y in ((-0.6, -0.2), (0.6, -0.2), (0.6, 0.16), (-0.6, 0.16))
        ]
        _fill(mask, np.array(box))
        sheen = np.linspace(0, 60, size[1])[None, :, None]
        return _over(image, mask, np.array((30, 45, 70)) + sheen)
    if kind == "cup":
        spot = points[[13, 14]].mean(axis=0)
        box = [
            spot + x * width * across + y * width * down
            for x, y in ((-0.24, -0.08), (0.24, -0.08), (0.2, 0.6), (-0.2, 0.6))
        ]
        _fill(mask, np.array(box))
        return _over(image, mask, np.array((235, 232, 225)) - 50 * np.linspace(0, 1, size[1])[None, :, None])
    if kind == "microphone":
        spot = points[14] + 0.12 * width * down
        cv2.circle(mask, tuple(np.rint(spot).astype(int).tolist()), round(0.17 * width), 1.0, -1, cv2.LINE_AA)
        end = spot + 0.9 * width * down + 0.3 * width * across
        cv2.line(
            mask,
            *(tuple(np.rint(each).astype(int).tolist()) for each in (spot, end)),
            1.0,
            round(0.1 * width),
            cv2.LINE_AA,
        )
        grid = 25 * (np.indices(size).sum(axis=0) // max(round(0.02 * width), 1) % 2)
        return _over(image, mask, np.array((50, 50, 55)) + grid[..., None])
    for x in (-0.3, 0.05, 0.4):
        ends = [middle + (x * width) * across + y * width * down for y in (-1.2, 1.6)]
        cv2.line(
            mask, *(tuple(np.rint(each).astype(int).tolist()) for each in ends), 1.0, round(0.09 * width), cv2.LINE_AA
        )
    return _over(image, mask, np.array((95, 100, 105)))


def _fill(mask: Mask, corners: np.ndarray) -> None:
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)


def _over(image: Image, mask: Mask, colour: np.ndarray) -> tuple[Image, Mask]:
    mask = np.asarray(np.clip(mask, 0, 1), np.float32)
    soft = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]
    noise = np.random.default_rng(0).normal(0, 2, image.shape)
    mixed = image * (1 - soft) + (np.broadcast_to(colour, image.shape) + noise) * soft
    return np.clip(mixed, 0, 255).astype(np.uint8), (soft[..., 0] > 0.9).astype(np.float32)
