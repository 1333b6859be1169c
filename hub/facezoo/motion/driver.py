"""A driver: the face in a clip, a webcam or a photo, followed from frame to frame and read as motions.

Source: the relative motion of Siarohin et al. 2019, "First Order Motion Model for Image Animation" (section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.follow import Follower
from facezoo.face.mesh import BROWS, topology
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.eyes import read_eyes
from facezoo.motion.motion import Motion, Observation, Smoother, best_start, lip_opening, mix, observe, restful, still
from facezoo.motion.mouth import cut_mouth
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Frame, Image, Points

__all__ = ["Sight", "Tracker", "drive", "find_start", "imitate", "track"]

_CROP = 16  # px, the followed faces' crops are not used here
_NEARLY_SHUT = 0.17  # height over width of an eye whose iris cannot be seen
_CATCH_UP = 0.3  # seconds in which a face found again takes over from where it was lost


@dataclass(frozen=True, eq=False)
class Sight:
    """What was seen of the driver in one frame. observation: None until a face has appeared. mesh: (468, 3) px. seen:
    whether the face is in this frame; when not, the observation is the last one. again: seconds since the face came
    back after it was lost (infinity when it never was)."""

    observation: Observation | None
    mesh: Points
    seen: bool
    again: float = float("inf")


class Tracker:
    """Follows the largest face of the first frame that has one. Call it with the frames in order.

    smoothing: [0, 1], see `motion.Smoother`."""

    def __init__(self, smoothing: float = 0.0) -> None:
        self._follower = Follower(1, _CROP)
        self._smoother = Smoother(smoothing)
        self._last = Sight(None, np.zeros((0, 3), np.float32), seen=False)
        self._gaze = np.zeros(2, np.float32)
        self._returned = -float("inf")

    def __call__(self, image: Image, time: float) -> Sight:
        """image: (H, W, 3) RGB uint8. time: seconds, growing from call to call."""
        faces = self._follower(image)
        if not faces:
            self._last = replace(self._last, seen=False)
            return self._last
        if self._last.observation is not None and not self._last.seen:
            self._returned = time
        landmarks = faces[0].landmarks
        eyes = read_eyes(image, landmarks.mesh)
        if eyes.opening.min() > _NEARLY_SHUT:
            self._gaze = eyes.gaze
        observation = self._smoother(observe(landmarks, time, eyes.opening, self._gaze))
        self._last = Sight(observation, landmarks.mesh, seen=True, again=time - self._returned)
        return self._last


def track(frames: Iterable[Frame], smoothing: float = 0.0) -> Iterator[tuple[Frame, Sight]]:
    """Each frame with what was seen in it. Raises NoFace at the end when no frame had a face."""
    tracker = Tracker(smoothing)
    found = False
    for frame in frames:
        sight = tracker(frame.image, frame.time)
        found = found or sight.seen
        yield frame, sight
    if not found:
        raise NoFace(
            "No face was found in the driving clip.",
            "Use a clip in which one face is large, sharp and seen from the front.",
        )


def find_start(sights: Iterable[Sight], photo: MovablePhoto | None = None) -> Observation:
    """The observation that motions are best taken relative to, see `motion.best_start`; without a photo, the driver's
    most restful one."""
    seen = [sight.observation for sight in sights if sight.seen and sight.observation is not None]
    rest = restful(seen) if photo is None else Observation(photo.placement, photo.shape, photo.eyes, photo.gaze, 0.0)
    return seen[best_start(seen, rest)]


def drive(
    seen: Iterable[tuple[Frame, Sight]], read: Callable[[Observation], Motion], *, mouth: bool
) -> Iterator[tuple[Frame, Motion]]:
    """The motion of each frame. read: turns an observation into a motion. mouth: cut the driver's own mouth out of the
    frames. While the face is lost the last motion is held; when it is back the motion goes there within a moment."""
    held = last = still()
    for frame, sight in seen:
        if sight.seen and sight.observation is not None:
            fresh = read(sight.observation)
            if sight.again < _CATCH_UP:
                fresh = mix(held, fresh, sight.again / _CATCH_UP)
            else:
                held = fresh
            last = replace(fresh, mouth=cut_mouth(frame.image, sight.mesh)) if mouth else fresh
        yield frame, replace(last, time=frame.time)


def imitate(shape: Points, own: Points) -> Motion:
    """The expression of one face for another, without a beginning to compare with: how much wider the mouth is open,
    how much higher its corners and the brows are. shape, own: (468, 3) head units, the driver's and the photo's.

    Faces differ in these at rest too, so a photo says less of an expression than a clip does."""
    wanted = np.linalg.solve(_response(), _measures(shape) - _measures(own))
    mouth, smile, brows = wanted.tolist()
    return motion_of(Controls(mouth=min(max(mouth, -1), 1), smile=min(max(smile, -1), 1), brows=min(max(brows, -1), 1)))


@cache
def _response() -> NDArray[np.float64]:
    """(3, 3): what mouth, smile and brows change in the measures, of the mean face."""
    rest = topology().canonical
    full = [motion_of(each).expression for each in (Controls(mouth=1), Controls(smile=1), Controls(brows=1))]
    return np.stack([_measures(rest + each) - _measures(rest) for each in full], axis=1)


def _measures(shape: Points) -> NDArray[np.float64]:
    """(3,) head units: opening of the lips; height of the mouth's corners over its middle, of brows over eyes."""
    lips = shape[[13, 14], 1].mean() - shape[[61, 291], 1].mean()
    brows = shape[[33, 133, 362, 263], 1].mean() - shape[[*BROWS[0], *BROWS[1]], 1].mean()
    return np.array([lip_opening(shape)[0], lips, brows], np.float64)
