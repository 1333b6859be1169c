"""How steady a translated clip is, beside the clip it was made from.

    python -m facezoo.evaluate.flicker SOURCE RESULT [--face 1]

Prints JSON: each figure is a mean over frames with n and a 95 % bootstrap interval; runs of ten frames are drawn, since
neighbours are alike. The figures of the source say what its own noise and motion cost, and what the finder of the
landmarks adds.

Sources: Lai et al. 2018, "Learning Blind Video Temporal Consistency" (warping error, section 5.2); Kroeger et al. 2016,
"Fast Optical Flow using Dense Inverse Search"; Flash & Hogan 1985, "The Coordination of Arm Movements" (jerk).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import FacezooError, NoFace, UsageError
from facezoo.face.follow import Follower
from facezoo.face.mesh import inter_ocular
from facezoo.face.paste import face_mask
from facezoo.media.read import open_clip
from facezoo.types import Face, Image, Mask
from facezoo.zoo.figures import Figure, mean

__all__ = ["Flicker", "flicker", "flow_back", "warp_error"]

_SIDE = 640  # px, the longer side that clips are compared at
_RUN = 10  # frames that are drawn together
_CROP = 16  # px, the followed faces' crops are not used here


@dataclass(frozen=True)
class Flicker:
    """warp_error: see the function of that name, inside the face. landmark_jerk: length of the third difference of the
    68 points from frame to frame, in % of the inter-ocular distance. source_...: of the clip it was made from."""

    warp_error: Figure
    landmark_jerk: Figure
    source_warp_error: Figure
    source_landmark_jerk: Figure


@dataclass(frozen=True, eq=False)
class _Moment:
    """Source and result at one time, their longer side _SIDE px, and the face in each."""

    images: tuple[Image, Image]
    faces: tuple[Face, Face]


def flicker(source: str | Path, result: str | Path, *, face: int = 1) -> Flicker:
    """Compare a clip and what a method made of it, frame by frame. face: which one was changed, 1 is the largest.

    Raises NoFace when there are no four frames in a row in which both show it, UsageError when they do not have equally
    many frames, BadInput when a file cannot be read."""
    errors: list[tuple[float, float]] = []
    jerks: list[tuple[float, float]] = []
    for shot in _shots(Path(source), Path(result), face):
        now = shot[-1]
        if len(shot) > 1:
            before = shot[-2]
            flow = flow_back(now.images[0], before.images[0])
            inside = _inside(now)
            ours, theirs = (
                warp_error(one, other, flow, inside) for one, other in zip(now.images, before.images, strict=True)
            )
            errors.append((ours, theirs))
        if len(shot) == 4:
            jerks.append((_jerk([each.faces[0] for each in shot]), _jerk([each.faces[1] for each in shot])))
    if not jerks:
        raise NoFace("The two clips do not show the same face for long enough.", "Give a clip and what was made of it.")
    (source_error, error), (source_jerk, jerk) = _figures(errors), _figures(jerks)
    return Flicker(error, jerk, source_error, source_jerk)


def flow_back(now: Image, before: Image) -> NDArray[np.float32]:
    """(H, W, 2) px: how far from each pixel of `now` its place in `before` is, both (H, W, 3) uint8."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (now, before)]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(search.calc(grey[0], grey[1], np.zeros((*grey[0].shape, 2), np.float32)), np.float32)


def warp_error(now: Image, before: Image, flow: NDArray[np.float32], weight: Mask) -> float:
    """Mean absolute difference, in grey levels of 255, of a frame (H, W, 3) uint8 and the one before it, moved along
    `flow`. weight: (H, W), how much each pixel counts, not all 0."""
    ys, xs = np.mgrid[: now.shape[0], : now.shape[1]].astype(np.float32)
    moved = cv2.remap(before, xs + flow[..., 0], ys + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return float(np.average(np.abs(now.astype(np.float32) - moved).mean(axis=2), weights=weight))


def _shots(source: Path, result: Path, face: int) -> Iterator[list[_Moment]]:
    """Each moment in which both clips show the face, last, after up to three right before it in the same shot."""
    followers = Follower(face, _CROP), Follower(face, _CROP)
    shot: list[_Moment] = []
    for ours, theirs in zip_longest(open_clip(source).frames(), open_clip(result).frames()):
        if ours is None or theirs is None:
            raise UsageError("The two clips do not have equally many frames.", "Give a clip and what was made of it.")
        images = _reduced(ours.image), _reduced(theirs.image)
        found = [follower(image) for follower, image in zip(followers, images, strict=True)]
        if followers[0].cut or not all(found):
            shot = []
        if all(found):
            shot = [*shot[-3:], _Moment(images, (found[0][0], found[1][0]))]
            yield shot


def _reduced(image: Image) -> Image:
    ratio = min(1.0, _SIDE / max(image.shape[:2]))
    return np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8)


def _inside(moment: _Moment) -> Mask:
    """(H, W): 1 inside the source's face."""
    height, width = moment.images[0].shape[:2]
    return face_mask(moment.faces[0].landmarks.mesh, max(height, width), feather=0.0)[:height, :width]


def _jerk(faces: Sequence[Face]) -> float:
    points = np.array([face.landmarks.points for face in faces], np.float64)
    length = np.linalg.norm(np.diff(points, n=3, axis=0), axis=2).mean()
    return float(100 * length / inter_ocular(faces[-1].landmarks))


def _figures(pairs: Sequence[tuple[float, float]]) -> tuple[Figure, Figure]:
    """Of the source and of the result."""
    runs = [str(index // _RUN) for index in range(len(pairs))]
    return mean([ours for ours, _ in pairs], runs), mean([theirs for _, theirs in pairs], runs)


def main(words: Sequence[str] | None = None) -> int:
    """The command line of this module; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m facezoo.evaluate.flicker", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--face", type=int, default=1, help="which one was changed; 1 is the largest")
    asked = parser.parse_args(words)
    try:
        print(json.dumps(asdict(flicker(asked.source, asked.result, face=asked.face)), indent=2))
    except FacezooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
