"""The far cheek of a turned face: what the photo hides is the near side's skin, mirrored, in the far side's light."""

from __future__ import annotations

import cv2
import numpy as np

from facezoo.face.mesh import topology
from facezoo.face.warp import rasterise, smoothstep
from facezoo.types import Image, Points

__all__ = ["FarSide", "facing"]

_RELIABLE = 0.45  # how squarely a point faces the viewer (cosine) for its colour to count
_MIDDLE = (0.2, 0.36)  # head units from the middle of the face, between which mirroring sets in
_SPREAD = 0.3  # head units over which colour gains are spread
_GRAIN = 0.07  # head units over which colour is averaged


class FarSide:
    """photo: (H, W, 3) RGB uint8. mesh: (468, 3) px in it. scale: px a head unit.

    picture: the photo with colours fitted, to be read at `mirrored`, (468, 2) px, for each point of the mesh."""

    def __init__(self, photo: Image, mesh: Points, scale: float) -> None:
        mirror = topology().mirror
        self._facing = facing(mesh)
        self._better = smoothstep(self._facing[mirror] - self._facing, 0.12, 0.4) * (
            1 - smoothstep(self._facing, 0.3, 0.6)
        )
        aside = np.abs(topology().canonical[:, 0])
        self._better *= smoothstep(aside, *_MIDDLE)  # nose and lips are never quite symmetrical, and seen anyway
        self.mirrored = np.ascontiguousarray(mesh[mirror, :2])
        self.picture = photo
        if self._better.max() > 0.02:
            self.picture = _fitted(photo, mesh, self._facing, scale)

    def weight(self, mesh: Points) -> Points:
        """(468,) in [0, 1]: how much of each point must come from the mirrored side, for the mesh as it is now."""
        shown = facing(mesh)
        return (self._better * smoothstep(shown - self._facing, 0.02, 0.22)).astype(np.float32)


def facing(mesh: Points) -> Points:
    """(468,) cosine between the skin's normal and the direction to the viewer, 1 where it looks at us."""
    triangles = topology().triangles
    corners = mesh[triangles].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros((468, 3))
    for corner in range(3):
        np.add.at(summed, triangles[:, corner], normals)
    return (summed[:, 2] / np.maximum(np.linalg.norm(summed, axis=1), 1e-9)).astype(np.float32)


def _fitted(photo: Image, mesh: Points, square: Points, scale: float) -> Image:
    """The photo with the near side's colours multiplied by the gain that takes them to those of the far side."""
    mirror, canonical = topology().mirror, topology().canonical
    low = np.maximum(np.floor(mesh[:, :2].min(axis=0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(mesh[:, :2].max(axis=0)).astype(int) + 3, photo.shape[1::-1])
    part = photo[low[1] : high[1], low[0] : high[0]]
    smooth = cv2.GaussianBlur(part, (0, 0), max(1.0, _GRAIN * scale)).astype(np.float32) + 4
    at = np.clip(np.round(mesh[:, :2] - low).astype(int), 0, np.array(part.shape[1::-1]) - 1)
    color = smooth[at[:, 1], at[:, 0]]
    ratio = np.log(color / color[mirror])  # from a point's mirror image to the point
    reliable = np.minimum(square, square[mirror]) > _RELIABLE
    distance = np.linalg.norm(canonical[:, None, :2] - canonical[None, reliable, :2], axis=2)
    share = np.exp(-((distance / _SPREAD) ** 2)) + 1e-6
    spread = (share[..., None] * ratio[reliable]).sum(axis=1) / share.sum(axis=1)[:, None]
    gain = np.exp(np.clip(spread, -0.7, 0.5)).astype(np.float32)
    local = mesh.copy()
    local[:, :2] -= low
    raster = rasterise(local, topology().triangles, (part.shape[1], part.shape[0]))
    plane = raster.read(gain[mirror])
    plane[cv2.dilate(raster.numbers, np.ones((3, 3), np.uint8)) == 0] = 1
    fitted = photo.copy()
    fitted[low[1] : high[1], low[0] : high[0]] = np.clip(part * plane, 0, 255).astype(np.uint8)
    return fitted
