"""The 468-point mesh of a face: its triangles and mean shape, what its points mean, head pose, openness of eyes and
mouth; and pictures read through it, triangle by triangle.

Convention: "left" and "right" are the viewer's, in picture order; point numbers are MediaPipe's.

Source of the maps: Wolberg 1990, "Digital Image Warping" (chapter 7).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.types import Image, Landmarks, Mask, Points, Pose

__all__ = ["BROWS", "EYES", "FACE_OVAL", "INNER_LIPS", "OUTER_LIPS", "RIGID", "Raster", "Topology", "angles",
           "disc", "expression", "fit_affine", "head_pose", "inter_ocular", "lay_over", "mesh_map", "rasterise",
           "sample", "smoothstep", "to_68", "topology", "vertex_normals"]  # fmt: skip

FACE_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
             152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)  # from the corner on the viewer's left, over the upper lid, back under the lower one
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (336, 296, 334, 293, 300, 276, 283, 282, 295, 285),
)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)

_TO_68 = (
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,  # jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # brows
    168, 197, 5, 4, 98, 97, 2, 326, 327,  # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips
)  # fmt: skip
RIGID = (6, 197, 195, 5, 168, 8, 9, 151, 10, 33, 133, 362, 263, 127, 356, 234, 454, 162, 389, 21, 251, 54, 284,
          103, 332, 67, 297, 109, 338, 93, 323, 122, 351, 193, 417)  # fmt: skip
"""Points that expressions leave in place; the first five are the bridge of the nose."""
_CAMERA_DISTANCE = 11.0  # in widths between the outer eye corners: about one metre, a usual portrait


@dataclass(frozen=True, eq=False)
class Topology:
    """triangles: (852, 3) int32, clockwise on screen where the skin faces the viewer; eyes and mouth are holes.
    canonical: (468, 3) float32, the mean face looking at the viewer, distance of the outer eye corners 1, y down.
    mirror: (468,) int32, the point on the other side."""

    triangles: NDArray[np.int32]
    canonical: Points
    mirror: NDArray[np.int32]


@cache
def topology() -> Topology:
    """The fixed data of the mesh, read once."""
    data = json.loads((Path(__file__).parent / "models" / "mesh.json").read_text())
    return Topology(
        np.array(data["triangles"], np.int32),
        np.array(data["canonical"], np.float32),
        np.array(data["mirror"], np.int32),
    )


def to_68(mesh: Points) -> Points:
    """(468, 3) mesh to the (68, 2) points of iBUG 300-W, in picture pixels.

    Brows, nose, eyes and lips mean the same in both. The jaw does not: the mesh's points 0-16 lie on the visible oval
    of the face in three dimensions and move over the skin as the head turns, as face-alignment's 3D points do, while
    2D annotations follow the contour of the cheek."""
    return mesh[list(_TO_68), :2].astype(np.float32)


def inter_ocular(landmarks: Landmarks) -> float:
    """Distance of the outer eye corners in pixels, the unit of landmark errors."""
    return float(np.linalg.norm(landmarks.points[36] - landmarks.points[45]))


def head_pose(landmarks: Landmarks) -> Pose:
    """Yaw, pitch and roll in degrees by perspective-n-point from the mean face (see `Pose` for the signs).

    The camera is unknown: it is taken to stand eleven eye-corner distances away, about a metre. With the 68 `fan`
    points, the rigid ones among them (jaw ends, nose, eye corners) are used. Source: Terzakis & Lourakis 2020 (SQPnP).
    """
    canonical = topology().canonical
    if len(landmarks.mesh):
        model, seen = canonical[list(RIGID)], landmarks.mesh[list(RIGID), :2]
    else:
        chosen = [0, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45]
        model, seen = canonical[[_TO_68[i] for i in chosen]], landmarks.points[chosen]
    spread = float(np.sqrt(seen.var(axis=0).sum() / model[:, :2].var(axis=0).sum()))  # px a unit, near enough
    focal = _CAMERA_DISTANCE * spread
    middle = seen.mean(axis=0)
    camera = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]], np.float64)
    _, turn, shift = cv2.solvePnP(
        model.astype(np.float64), seen.astype(np.float64), camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP
    )
    turn, _ = cv2.solvePnPRefineLM(model.astype(np.float64), seen.astype(np.float64), camera, np.zeros(4), turn, shift)
    rotation, _ = cv2.Rodrigues(turn)
    return angles(rotation)


def expression(landmarks: Landmarks) -> NDArray[np.float32]:
    """(3,) float32: height over width of the left eye, the right eye and the mouth's opening, from the 68 points.

    Source: Soukupova & Cech 2016, "Real-Time Eye Blink Detection using Facial Landmarks" (equation 1)."""
    points = landmarks.points
    eyes = [
        _aspect(points, corner, corner + 3, ((corner + 1, corner + 5), (corner + 2, corner + 4))) for corner in (36, 42)
    ]
    return np.array([*eyes, _aspect(points, 60, 64, ((61, 67), (62, 66), (63, 65)))], np.float32)


def _aspect(points: Points, left: int, right: int, pairs: tuple[tuple[int, int], ...]) -> float:
    height = np.mean([np.linalg.norm(points[a] - points[b]) for a, b in pairs])
    return float(height / max(float(np.linalg.norm(points[left] - points[right])), 1e-6))


def angles(rotation: NDArray[Any]) -> Pose:
    """Degrees of a (3, 3) rotation = Ry(yaw) Rx(pitch) Rz(roll), in axes x right, y down, z away from the viewer; signs
    as in `Pose`."""
    looking = -rotation[:, 2]
    yaw = np.degrees(np.arctan2(looking[0], -looking[2]))
    pitch = np.degrees(np.arcsin(np.clip(looking[1], -1, 1)))
    roll = np.degrees(np.arctan2(rotation[1, 0], rotation[1, 1]))
    return Pose(float(yaw), float(pitch), float(roll))


_SUBPIXEL = 4  # bits of sub-pixel precision in the rasteriser
_THINNEST = 0.25  # pixels of height below which a triangle is not drawn: it is seen from its edge and reads far off


def mesh_map(target: Points, source: Points, size: tuple[int, int]) -> tuple[NDArray[np.float32], Mask]:
    """Where each pixel of the target's plane is found in the source's, through the mesh of 468 points.

    target: (468, 3) mesh in the pixels of the plane that is drawn; source: (468, 3) mesh in the pixels of the picture
    that is read; size: (height, width) of the plane. Returns an (H, W, 2) float32 map for `sample`, valid one pixel
    beyond what is covered, and the (H, W) float32 mask of what is covered."""
    raster = rasterise(target, topology().triangles, (size[1], size[0]))
    return raster.read(source[:, :2]), raster.covered


@dataclass(frozen=True, eq=False)
class Raster:
    """Which triangle each pixel shows. triangles: (T, 3) int32, those drawn, back to front; corners: (T, 3, 2) float64
    px; numbers: (H, W) uint16, rank of the triangle from 1, 0 where there is none."""

    triangles: NDArray[np.int32]
    corners: NDArray[np.float64]
    numbers: NDArray[np.uint16]

    @property
    def covered(self) -> Mask:
        """(H, W) float32: 1 where a triangle was drawn."""
        return (self.numbers > 0).astype(np.float32)

    def read(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of the points, (N, K), interpolated linearly in each triangle: (H, W, K) float32, valid one pixel
        beyond what is covered."""
        grown = np.asarray(cv2.dilate(self.numbers, np.ones((3, 3), np.uint8)), np.uint16)
        np.copyto(grown, self.numbers, where=self.numbers > 0)
        plane = self._planes(values[self.triangles].astype(np.float64))
        xs = np.arange(grown.shape[1], dtype=np.float32)
        ys = np.arange(grown.shape[0], dtype=np.float32)[:, None]
        found = np.empty((*grown.shape, values.shape[1]), np.float32)
        chosen = np.take(plane, grown, axis=0)
        for k in range(values.shape[1]):
            found[..., k] = chosen[..., 3 * k] * xs + chosen[..., 3 * k + 1] * ys + chosen[..., 3 * k + 2]
        return found

    def _planes(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """(T + 1, 3 K): for each triangle and value the plane (a, b, c) with value = ax + by + c; row 0 is nothing."""
        edge, other = self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]
        area = (edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0])[:, None]
        along, across = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
        by_x = (along * other[:, 1:] - across * edge[:, 1:]) / area
        by_y = (across * edge[:, :1] - along * other[:, :1]) / area
        at = values[:, 0] - by_x * self.corners[:, 0, :1] - by_y * self.corners[:, 0, 1:]
        rows = np.stack([by_x, by_y, at], axis=2).reshape(len(values), 3 * values.shape[2])
        return np.concatenate([np.zeros((1, rows.shape[1])), rows]).astype(np.float32)


def rasterise(
    target: NDArray[Any], triangles: NDArray[np.int32], size: tuple[int, int], *, edge_on: float = 0.0
) -> Raster:
    """Draw triangles back to front. target: (N, 3) px of the plane drawn, z away from the viewer; size: (width,
    height). Triangles whose corners run anticlockwise are not drawn, nor those whose cosine to the viewer is below
    edge_on."""
    corners = target[triangles, :2].astype(np.float64)
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]
    order = np.argsort(-target[triangles, 2].sum(axis=1), kind="stable")
    if edge_on:
        solid = target[triangles].astype(np.float64)
        normals = np.cross(solid[:, 1] - solid[:, 0], solid[:, 2] - solid[:, 0])
        order = order[area[order] > edge_on * np.linalg.norm(normals[order], axis=1)]
    longest = np.sqrt(np.maximum((edge**2).sum(axis=1), (other**2).sum(axis=1)))
    order = order[area[order] > _THINNEST * longest[order]]
    numbers = np.zeros((size[1], size[0]), np.uint16)
    fixed = np.round(corners * (1 << _SUBPIXEL)).astype(np.int32)
    for rank, index in enumerate(order.tolist(), start=1):
        cv2.fillConvexPoly(numbers, fixed[index], rank, lineType=cv2.LINE_8, shift=_SUBPIXEL)
    return Raster(triangles[order], corners[order], numbers)


def lay_over(under: Image, over: Image, alpha: Mask) -> None:
    """Blend `over` onto `under` in place. Both (H, W, 3) uint8; alpha: (H, W) in [0, 1]."""
    cv2.blendLinear(over, under, alpha, 1 - alpha, dst=under)


def sample(picture: Image, warp: NDArray[np.float32]) -> Image:
    """Read a picture (H, W, C) uint8 where a map (h, w, 2) says, x then y; bicubic, mirrored at the edges."""
    second: Any = None
    return np.asarray(cv2.remap(picture, warp, second, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def fit_affine(points: NDArray[Any], images: NDArray[Any]) -> NDArray[np.float64]:
    """(2, 3): the affine that takes points (N, 2) nearest to images (N, 2), in the mean of squares."""
    rows = np.concatenate([points, np.ones((len(points), 1))], axis=1).astype(np.float64)
    return np.asarray(np.linalg.lstsq(rows, images.astype(np.float64), rcond=None)[0].T, np.float64)


def vertex_normals(mesh: NDArray[Any]) -> NDArray[Any]:
    """(468, 3) unit vectors out of the skin at the points of a mesh (468, 3) px, in its axes and of its dtype: z is -1
    where the skin faces the viewer."""
    triangles = topology().triangles
    corners = mesh[triangles]
    across = -np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(mesh)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], across)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def smoothstep(value: NDArray[Any], low: NDArray[Any] | float, high: NDArray[Any] | float) -> NDArray[np.float32]:
    """0 up to `low`, 1 from `high` on, smooth between them (low above high: the other way round). All of one shape, or
    of shapes that NumPy brings together."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def disc(radius: float) -> NDArray[np.uint8]:
    """A round structuring element, (2 r + 1, 2 r + 1) uint8, r at least 1 px."""
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
