"""Faces of a clip without flicker: landmarks that do not tremble, short losses bridged, long ones faded out and in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import crop_affine, follow_face, realign
from facezoo.face.follow import SAME_PLACE, apart
from facezoo.face.likeness import covered, skin_colours
from facezoo.face.mesh import RIGID, to_68, topology
from facezoo.face.one_euro import OneEuro
from facezoo.types import Box, Face, Frame, Landmarks, Points

__all__ = ["Seen", "Steady"]

_BRIDGED = 0.45  # seconds between two sightings of a face that is taken to have been there all the time
_FADE = 0.16  # seconds in which a swap goes before a face is lost, and comes back with it
_COVERED, _BLURRED = 0.2, 0.35  # shares that look otherwise from which a face is hidden: found there, or only supposed
_MOST = 32  # frames that are held back at most, whatever their rate
_NOTHING = np.zeros((0, 3), np.float32)


@dataclass(frozen=True, eq=False)
class Seen:
    """The followed faces of one frame, in the order of their numbers. shares: how much of each one's swap shows, in
    (0, 1]."""

    frame: Frame
    faces: list[Face]
    shares: list[float]


class Steady:
    """Takes the faces that a Follower found, frame by frame, and gives them back a moment later, calmed.

    A face that appears is followed backwards as far as frames are held; one that was lost for up to 0.4 s and found
    again gets landmarks for the frames between, unless something else is seen there; one that was lost for longer fades
    out and in. Nothing reaches across a cut. No more than 0.6 s of frames, and never more than 32, are held back.

    smoothing: [0, 1], 0 leaves the landmarks that were found as they are. crop_size: side of the crops in pixels; with
    0 each face keeps the picture's own resolution as it was when it appeared."""

    def __init__(self, smoothing: float, crop_size: int) -> None:
        self._smoothing = smoothing
        self._crop_size = crop_size
        self._held: deque[_Held] = deque()
        self._tracks: dict[int, _Track] = {}
        self._lost: dict[int, float] = {}  # face number -> when it was last found missing in this shot

    def see(self, frame: Frame, faces: list[Face], *, cut: bool) -> list[Seen]:
        """Take the next frame and its faces; gives the earlier frames that are decided now, perhaps none. cut: the
        frame begins a new shot."""
        self._held.append(_Held(frame, {face.number: face for face in faces}, cut))
        for face in faces:
            self._bridge(face)
        ready: list[Seen] = []
        while frame.time - self._held[0].frame.time > _BRIDGED + _FADE or len(self._held) > _MOST:
            ready.append(self._release())
        return ready

    def rest(self) -> list[Seen]:
        """The frames that are still held back, when there are no more."""
        return [self._release() for _ in range(len(self._held))]

    def _bridge(self, face: Face) -> None:
        """Give the face a place in the held frames right before this one in which it is missing, as far as the picture
        there agrees: followed backwards, and between two sightings of a moment also where nothing was found."""
        after = self._held[-1]
        missing: list[_Held] = []
        before: Face | None = None
        held = after
        for held in list(self._held)[-2::-1] if not after.cut else []:
            before = held.faces.get(face.number)
            if before is not None:
                break
            missing.append(held)
            if held.cut:
                break
        usual = skin_colours(after.frame.image, face.landmarks) if missing else _NOTHING
        rest = _followed_back(face, usual, missing)
        lost = after.frame.time - held.frame.time
        if before is None or not rest or lost > _BRIDGED:
            return
        between = [_between(before, face, (each.frame.time - held.frame.time) / lost, each.frame) for each in rest]
        alone = all(_alone(each, held) for each, held in zip(between, rest, strict=True))
        if alone and all(_looks_like(each, usual, _BLURRED) for each in between):
            for each, filled in zip(rest, between, strict=True):
                each.faces[face.number] = filled

    def _release(self) -> Seen:
        held = self._held.popleft()
        time = held.frame.time
        if held.cut:
            self._tracks.clear()
            self._lost.clear()
        for number in (self._tracks.keys() | self._lost.keys()) - held.faces.keys():
            self._tracks.pop(number, None)
            self._lost[number] = time
        numbers = sorted(held.faces)
        return Seen(
            held.frame,
            [self._calmed(held.faces[number], held.frame) for number in numbers],
            [self._share(number, time) for number in numbers],
        )

    def _calmed(self, face: Face, frame: Frame) -> Face:
        track = self._tracks.get(face.number)
        if track is None:
            side = self._crop_size or crop_affine(face.landmarks)[1]
            track = self._tracks[face.number] = _Track(side, OneEuro(self._smoothing))
        landmarks = face.landmarks
        if self._smoothing > 0:
            landmarks = _with_mesh(landmarks, _filtered(landmarks.mesh, track.filter, frame.time))
        return realign(replace(face, landmarks=landmarks, frame=frame.image), track.side)

    def _share(self, number: int, time: float) -> float:
        """How much of the swap shows beside a moment in which the face is lost for long."""
        shot = takewhile(lambda held: not held.cut, self._held)
        gone = next((held.frame.time for held in shot if number not in held.faces), float("inf"))
        return min(1.0, (gone - time) / _FADE, (time - self._lost.get(number, -float("inf"))) / _FADE)


@dataclass(frozen=True, eq=False)
class _Held:
    frame: Frame
    faces: dict[int, Face]
    cut: bool


@dataclass(frozen=True, eq=False)
class _Track:
    """One face from when it appeared. side: of its crops, px."""

    side: int
    filter: OneEuro


def _followed_back(face: Face, usual: NDArray[np.float32], missing: list[_Held]) -> list[_Held]:
    """Put the face into the frames before it, latest first, as far as it can be followed; gives those that are left.
    usual: its colours."""
    for done, held in enumerate(missing):
        try:
            face = follow_face(held.frame.image, face)
        except NoFace:
            return missing[done:]
        if not _alone(face, held) or not _looks_like(face, usual, _COVERED):
            return missing[done:]
        held.faces[face.number] = face
    return []


def _alone(face: Face, held: _Held) -> bool:
    """Whether no other face is seen there."""
    return all(apart(face, other) > SAME_PLACE for other in held.faces.values())


def _looks_like(face: Face, usual: NDArray[np.float32], most: float) -> bool:
    now = skin_colours(face.frame, face.landmarks)
    return covered(now, usual, face.landmarks.mesh) <= most


def _between(before: Face, after: Face, share: float, frame: Frame) -> Face:
    """A face on the way from one place to another: share 0 is the first, 1 the second."""
    first, last = before.landmarks.mesh, after.landmarks.mesh
    mesh = (first + (last - first) * share).astype(np.float32)
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    box = Box(*low.tolist(), *high.tolist(), score=before.box.score)
    return replace(before, box=box, landmarks=_with_mesh(before.landmarks, mesh), frame=frame.image)


def _with_mesh(landmarks: Landmarks, mesh: Points) -> Landmarks:
    return replace(landmarks, points=to_68(mesh), mesh=mesh)


def _filtered(mesh: Points, calm: OneEuro, time: float) -> Points:
    """(468, 3) px, calmed. The place of the head and the shape of the face are calmed apart, so that a head that moves
    does not make its features tremble. Units are those of the mean face: the distance of its outer eye corners is 1."""
    plane = _complex(mesh)
    turn, middle = _placed(plane)
    shape = (plane - middle) / turn
    depth = mesh[:, 2] / abs(turn)
    value = np.concatenate([[turn.real, turn.imag, middle.real, middle.imag], shape.real, shape.imag, depth])
    units = np.ones_like(value)
    units[:4] = abs(turn)
    value = calm(value, units, time)
    turn, middle = complex(value[0], value[1]), complex(value[2], value[3])
    real, imaginary, depth = value[4:].reshape(3, -1)
    plane = (real + 1j * imaginary) * turn + middle
    return np.stack([plane.real, plane.imag, depth * abs(turn)], axis=1).astype(np.float32)


def _placed(plane: NDArray[np.complex128]) -> tuple[complex, complex]:
    """The turn and growth, and the shift, that bring the mean face to this one: least squares over its rigid points."""
    rigid = list(RIGID)
    mean = _complex(topology().canonical)[rigid]
    ours = plane[rigid]
    away = mean - mean.mean()
    turn = complex(np.vdot(away, ours) / np.vdot(away, away))
    return turn, complex(ours.mean() - turn * mean.mean())


def _complex(points: Points) -> NDArray[np.complex128]:
    return points[:, 0].astype(np.float64) + 1j * points[:, 1].astype(np.float64)
