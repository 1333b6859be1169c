"""What a face does: observed in a driver, taken relative to a start, smoothed, and ready to be put onto another face.

Sources: Siarohin et al. 2019, "First Order Motion Model for Image Animation" (relative motion, section 3.3); Wang et
al. 2021, "One-Shot Free-View Neural Talking-Head Synthesis" (motion in the head's own frame, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.head import Placement, fit_head, rotation_of
from facezoo.face.mesh import INNER_LIPS, angles, smoothstep, topology
from facezoo.face.one_euro import OneEuro
from facezoo.motion.mouth import MouthPatch
from facezoo.types import Landmarks, Points, Pose

__all__ = ["NECK", "Motion", "Observation", "Region", "Smoother", "absolute", "best_start", "combine",
           "lip_opening", "mix", "observe", "relative", "restful", "scale_motion", "still"]  # fmt: skip

NECK = np.array([0, 0.3, 0.6], np.float32)
"""The point of the head, in head units, about which heads turn."""
Region = Literal["all", "eyes", "lips", "pose"]
Vector = NDArray[np.float32]
# The mesh network under-reports what it is shown (faces moved by known amounts were given to it); this undoes it.
_PITCH_GAIN, _UPPER_GAIN = 1.3, 1.2
_CLEARLY, _IDENTICAL = 0.6, 0.75  # how much nearer than the first frame another must be, or by which share
_LEAST = 0.12  # height over width of an eye that openings are compared with


@dataclass(frozen=True, eq=False)
class Observation:
    """One face in one frame of a driver.

    placement: the head in the picture. shape: (468, 3) in head units. eyes: (2,) height over width of both eyes, the
    viewer's left one first. gaze: (2,) how far the irises are from the middle of the eyes, in eye widths, x to the
    right and y down. time: seconds."""

    placement: Placement
    shape: Points
    eyes: Vector
    gaze: Vector
    time: float


@dataclass(frozen=True, eq=False)
class Motion:
    """What to do to a face, relative to a start.

    rotation: (3, 3), applied after the head's own. shift: (2,) head units, right and down. zoom: growth, 1 is none.
    expression: (468, 3) head units, added to the head's own shape. eyes: (2,) factor of each eye's opening, 0 shuts
    it. gaze: (2,) eye widths, right and down. time: seconds from the beginning. mouth: the
    inside of the driver's mouth, to be used in place of a drawn one."""

    rotation: NDArray[np.float32]
    shift: Vector
    zoom: float
    expression: Points
    eyes: Vector
    gaze: Vector
    time: float = 0.0
    mouth: MouthPatch | None = None

    @property
    def pose(self) -> Pose:
        """The turn in degrees."""
        return angles(self.rotation)


def observe(landmarks: Landmarks, time: float, eyes: Vector, gaze: Vector) -> Observation:
    """Measure one face. eyes, gaze: opening and gaze from `eyes.read_eyes`."""
    mesh = landmarks.mesh
    placement = fit_head(mesh)
    shape = placement.to_head(mesh)
    return Observation(placement, shape, eyes, gaze, time)


def relative(observation: Observation, first: Observation, began: float = 0.0) -> Motion:
    """The motion from `first` to `observation`. began: the time that becomes 0."""
    here, there = observation.placement, first.placement
    turn = angles(here.rotation @ there.rotation.T)
    return Motion(
        rotation=rotation_of(Pose(turn.yaw, turn.pitch * _PITCH_GAIN, turn.roll)),
        shift=((here.shift - there.shift)[:2] / there.scale).astype(np.float32),
        zoom=here.scale / there.scale,
        expression=(observation.shape - first.shape) * _gain(),
        eyes=(observation.eyes / np.maximum(first.eyes, _LEAST)).astype(np.float32),
        gaze=observation.gaze - first.gaze,
        time=observation.time - began,
    )


def absolute(
    observation: Observation, start: Observation, rotation: NDArray[np.float32], eyes: Vector, gaze: Vector
) -> Motion:
    """The motion that gives a face the driver's own pose, eye opening and gaze; everything else is relative to `start`.

    rotation (3, 3), eyes (2,) and gaze (2,): those of the face that is to be moved."""
    motion = relative(observation, start)
    turn = observation.placement.rotation @ rotation.T
    away = ((motion.rotation - turn) @ rotation @ NECK)[:2]
    return replace(
        motion,
        rotation=turn,
        shift=(motion.shift + away).astype(np.float32),
        eyes=(observation.eyes / np.maximum(eyes, _LEAST)).astype(np.float32),
        gaze=observation.gaze - gaze,
    )


def still(time: float = 0.0) -> Motion:
    """No motion at all."""
    return Motion(np.eye(3, dtype=np.float32), np.zeros(2, np.float32), 1.0, np.zeros((468, 3), np.float32),
                  np.ones(2, np.float32), np.zeros(2, np.float32), time)  # fmt: skip


def scale_motion(motion: Motion, strength: float, region: Region = "all") -> Motion:
    """More or less of a motion, or only a part of it. strength: 0 is none, 1 all, up to 2 exaggerates.

    region: "pose" moves the head and leaves the face, "eyes" and "lips" move that part of the face and leave the head.
    """
    face, head = (0.0, strength) if region == "pose" else (strength, strength if region == "all" else 0.0)
    turn, _ = cv2.Rodrigues(motion.rotation.astype(np.float64))
    rotation, _ = cv2.Rodrigues(turn * head)
    sees = face if region in ("all", "eyes") else 0.0
    return Motion(
        np.asarray(rotation, np.float32),
        motion.shift * head,
        float(motion.zoom**head),
        (motion.expression * (face * _share(region)[:, None])).astype(np.float32),
        np.maximum(1 + (motion.eyes - 1) * sees, 0).astype(np.float32),
        motion.gaze * sees,
        motion.time,
        motion.mouth if region in ("all", "lips") else None,
    )


def combine(first: Motion, second: Motion) -> Motion:
    """Both at once; the time is the first one's."""
    return Motion(
        second.rotation @ first.rotation,
        first.shift + second.shift,
        first.zoom * second.zoom,
        first.expression + second.expression,
        first.eyes * second.eyes,
        first.gaze + second.gaze,
        first.time,
        first.mouth,
    )


def mix(first: Motion, second: Motion, share: float) -> Motion:
    """Between two motions: share 0 is the first, 1 the second, whose time and mouth are kept."""
    turns = (1 - share) * _turn(first.rotation) + share * _turn(second.rotation)
    return Motion(
        np.asarray(cv2.Rodrigues(turns)[0], np.float32),
        _between(first.shift, second.shift, share),
        first.zoom + (second.zoom - first.zoom) * share,
        _between(first.expression, second.expression, share),
        _between(first.eyes, second.eyes, share),
        _between(first.gaze, second.gaze, share),
        second.time,
        second.mouth,
    )


def best_start(track: list[Observation], photo: Observation) -> int:
    """The frame that motions are best taken relative to: the one that does most nearly what the photo does, in pose,
    expression, and how open eyes and mouth are. The first, unless another is clearly nearer."""
    far = np.array([_unlike(each, photo) for each in track])
    best = int(np.argmin(far))
    return best if far[best] < far[0] - min(_CLEARLY, _IDENTICAL * far[0]) else 0


def restful(track: list[Observation]) -> Observation:
    """What a face does at its most restful: the head where it is most of the time, the mouth as good as shut, the eyes
    as they mostly are. For drivers without a photo to compare with."""
    openings = np.array([lip_opening(each.shape)[0] for each in track])
    shut = [each for each, opening in zip(track, openings, strict=True) if opening <= np.percentile(openings, 30)]
    turn = np.median([_turn(each.placement.rotation) for each in track], axis=0)
    middle = track[len(track) // 2].placement
    return Observation(
        replace(middle, rotation=np.asarray(cv2.Rodrigues(turn)[0], np.float32)),
        np.median([each.shape for each in shut], axis=0).astype(np.float32),
        np.median([each.eyes for each in track], axis=0).astype(np.float32),
        np.median([each.gaze for each in track], axis=0).astype(np.float32),
        0.0,
    )


def _unlike(one: Observation, other: Observation) -> float:
    """How differently two faces look: 1 is about ten degrees, or a mouth that is just open."""
    turn = np.degrees(np.linalg.norm(_turn(one.placement.rotation @ other.placement.rotation.T))) / 10
    eyes = float(np.abs(one.eyes - other.eyes).mean()) / 0.08
    ours, theirs = lip_opening(one.shape), lip_opening(other.shape)
    mouth = abs(float(ours[0] / max(ours[1], 1e-6) - theirs[0] / max(theirs[1], 1e-6))) / 0.1
    away = one.shape[:, :2] - other.shape[:, :2]
    shape = float(np.sqrt(np.square(away).sum(axis=1).mean())) / 0.05
    return float(turn + eyes + mouth + shape)


def lip_opening(shape: Points) -> Vector:
    """(2,) opening between the inner lips and their width, in the units of `shape`."""
    ring = shape[list(INNER_LIPS)]
    width = float(np.linalg.norm(ring[10] - ring[0]))
    return np.array([_ring_opening(ring, 10) * width, width], np.float32)


class Smoother:
    """One-euro filter over observations: still faces become quiet, fast motion passes.

    amount: 0 changes nothing, 1 is very smooth. Call it with the observations in order of their time."""

    def __init__(self, amount: float) -> None:
        self._off = amount <= 0
        self._filter = OneEuro(amount)

    def __call__(self, observation: Observation) -> Observation:
        """The smoothed observation."""
        if self._off:
            return observation
        place = observation.placement
        size = place.scale if self._filter.state is None else float(self._filter.state[0])
        value = np.concatenate([[place.scale], _turn(place.rotation), place.shift, observation.shape.ravel(),
                                observation.eyes, observation.gaze])  # fmt: skip
        units = np.ones_like(value)
        units[0], units[4:7] = size, size
        units[-2:] = 0.25
        value = self._filter(value, units, observation.time)
        rotation, _ = cv2.Rodrigues(value[1:4])
        placed = Placement(float(value[0]), np.asarray(rotation, np.float32), value[4:7].astype(np.float32))
        shape = value[7:-4].reshape(-1, 3).astype(np.float32)
        return replace(observation, placement=placed, shape=shape, eyes=value[-4:-2].astype(np.float32),
                       gaze=value[-2:].astype(np.float32))  # fmt: skip


def _between(first: Vector, second: Vector, share: float) -> Vector:
    return (first + (second - first) * share).astype(np.float32)


def _turn(rotation: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(cv2.Rodrigues(rotation.astype(np.float64))[0], np.float64).ravel()


@cache
def _gain() -> Points:
    """(468, 3): what the mesh network's expressions are multiplied by, less from the nose down to the mouth."""
    lower = np.clip((topology().canonical[:, 1] - 0.2) / 0.3, 0, 1)
    upright = _UPPER_GAIN + (1 - _UPPER_GAIN) * lower
    return np.stack([np.full(468, _UPPER_GAIN), upright, np.ones(468)], axis=1).astype(np.float32)


def _ring_opening(ring: Points, corner: int) -> float:
    """Mean distance of the facing points of a closed ring over the distance of its corners, 0 and `corner`."""
    pairs = [(i, len(ring) - i) for i in range(2, corner - 1)]
    heights = [float(np.linalg.norm(ring[a] - ring[b])) for a, b in pairs]
    return float(np.mean(heights)) / max(float(np.linalg.norm(ring[corner] - ring[0])), 1e-6)


def _share(region: Region) -> Vector:
    """(468,) how much of an expression each point takes part in."""
    if region in ("all", "pose"):
        return np.ones(468, np.float32)
    height = topology().canonical[:, 1]
    lower = smoothstep(height, 0.22, 0.42)  # eyes at 0, tip of the nose at 0.4, mouth at 0.75
    return (lower if region == "lips" else 1 - lower).astype(np.float32)
