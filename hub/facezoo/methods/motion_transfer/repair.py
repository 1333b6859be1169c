"""What a warp damaged, shown to the repair network on the aligned crop, and the mended pixels put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import crop_affine, crop_image
from facezoo.face.mesh import to_68
from facezoo.motion.photo import Moved
from facezoo.types import Image, Landmarks, Mask, Points

from .model import RepairNetwork

__all__ = ["SIDE", "Damage", "Repairer", "find_damage"]

SIDE = 256
"""Side of the crop that the network sees, in pixels."""
_MOST = 1.5  # logarithm of the growth in area that counts as 1
_FROM, _FULL = 0.25, 0.65  # stretch from which a pixel is damaged, and from which it is wholly so
_EYES = 0.58  # of the crop's side: eyes lie above, the mouth below
_CHANGED = (1.0, 5.0)  # grey levels: a pixel that is as in the photo is not damaged


@dataclass(frozen=True, eq=False)
class Damage:
    """A drawn photo on the aligned crop of side S and what is wrong with it.

    crop: (S, S, 3) RGB uint8. maps: (S, S, 3) float32 in [0, 1]: stretch (logarithm of the growth in area, 0 none, 1
    where the photo was stretched 4.5 times or more), hidden (how much was taken from the mirrored side), inside (mouth
    interior and eyes). weight: (S, S) in [0, 1], where pixels may be changed. affine: (2, 3), photo to crop."""

    crop: Image
    maps: NDArray[np.float32]
    weight: Mask
    affine: NDArray[np.float32]


def find_damage(drawing: Moved, mesh: Points, photo: Image, side: int = SIDE) -> Damage:
    """drawing: a moved photo. mesh: (468, 3) px, the moved face, which is framed. photo: (H, W, 3) RGB uint8, as it was
    before. side: of the crop, in pixels."""
    affine, _ = crop_affine(Landmarks(to_68(mesh), mesh, 1.0, "mesh"), side)
    crop = crop_image(drawing.image, affine, side)
    changed = np.abs(crop.astype(np.int16) - crop_image(photo, affine, side)).max(axis=2).astype(np.float32)
    changed = _ramp(_soft(cv2.dilate(changed, np.ones((5, 5), np.uint8)), 2.0), *_CHANGED)
    local = affine.copy()
    local[:, 2] += affine[:, :2] @ np.array(drawing.box[:2], np.float32)
    hidden, inside = _aligned(drawing.hidden, local, side), _aligned(drawing.inside, local, side)
    maps = np.stack([_stretch(drawing.warp, local, side) * (1 - inside), hidden, inside], axis=2)
    stretched = _soft(_ramp(maps[..., 0], _FROM, _FULL), 2.0)
    mouth = inside.copy()
    mouth[: round(_EYES * side)] = 0  # eyes are drawn better at the photo's own resolution
    wider = _soft(cv2.dilate(mouth, np.ones((7, 7), np.uint8)), 1.5)
    weight = np.maximum(np.maximum(stretched, hidden), wider) * changed
    weight[weight < 0.02] = 0
    return Damage(crop, maps, np.clip(weight, 0, 1), affine)


class Repairer:
    """Mends drawn photos. network: in evaluation mode, float32, on any device."""

    def __init__(self, network: RepairNetwork) -> None:
        self._network = network

    def repair(self, drawing: Moved, mesh: Points, photo: Image) -> Image:
        """The drawn photo mended: (H, W, 3) RGB uint8, a new array, equal to `drawing.image` where nothing is damaged.

        mesh: (468, 3) px, where the face is now. photo: (H, W, 3) RGB uint8, as it was before."""
        damage = find_damage(drawing, mesh, photo)
        image = drawing.image.copy()
        if damage.weight.any():
            _add(image, self.residual(damage), damage)
        return image

    def residual(self, damage: Damage) -> NDArray[np.float32]:
        """(S, S, 3) float32, grey levels: what the network would add to the crop where it is damaged."""
        import torch

        device = self._network.device
        with torch.inference_mode():
            warped = torch.from_numpy(damage.crop.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None].to(device)
            maps = torch.from_numpy(damage.maps).permute(2, 0, 1)[None].to(device)
            residual, confidence = self._network(warped, maps)
            return (127.5 * residual * confidence)[0].permute(1, 2, 0).cpu().numpy()


def _add(image: Image, residual: NDArray[np.float32], damage: Damage) -> None:
    """Add a crop's residual to a whole picture in place, at the picture's resolution."""
    ys, xs = np.nonzero(damage.weight)
    back = cv2.invertAffineTransform(damage.affine)
    corners = np.array([[x, y] for x in (xs.min() - 2, xs.max() + 2) for y in (ys.min() - 2, ys.max() + 2)])
    corners = corners @ back[:, :2].T + back[:, 2]
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, image.shape[1::-1])
    if (high <= low).any():
        return
    shifted = damage.affine.astype(np.float64)
    shifted[:, 2] += shifted[:, :2] @ low
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    grown = cv2.warpAffine(residual, shifted, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    weight = cv2.warpAffine(damage.weight, shifted, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    part = image[low[1] : high[1], low[0] : high[0]]
    mended = np.clip(np.rint(part + np.asarray(grown) * np.asarray(weight)[..., None]), 0, 255)
    part[...] = mended.astype(np.uint8)


def _stretch(warp: NDArray[np.float32], local: NDArray[np.float32], side: int) -> Mask:
    """(S, S) in [0, 1]: how strongly the photo was stretched, 0 where it was not. warp: (h, w, 2) px read from."""
    read = cv2.warpAffine(warp, local, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    within = cv2.warpAffine(np.ones(warp.shape[:2], np.float32), local, (side, side), flags=cv2.INTER_NEAREST)
    by_x = np.diff(read, axis=1, append=2 * read[:, -1:] - read[:, -2:-1])
    by_y = np.diff(read, axis=0, append=2 * read[-1:] - read[-2:-1])
    area = np.abs(by_x[..., 0] * by_y[..., 1] - by_x[..., 1] * by_y[..., 0])
    grown = -np.log(np.maximum(area * np.abs(np.linalg.det(local[:, :2])), 1e-3)).astype(np.float32)
    # the median drops the single pixels along edges where the map jumps
    grown = np.asarray(cv2.medianBlur(np.clip(grown, 0, _MOST), 5), np.float32) / _MOST
    return grown * np.asarray(cv2.erode(within, np.ones((7, 7), np.uint8)), np.float32)


def _aligned(plane: Mask, local: NDArray[np.float32], side: int) -> Mask:
    return np.asarray(cv2.warpAffine(plane, local, (side, side), flags=cv2.INTER_LINEAR), np.float32)


def _soft(plane: NDArray[Any], sigma: float) -> Mask:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _ramp(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
