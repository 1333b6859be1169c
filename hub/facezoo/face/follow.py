"""Keeping hold of the people of a clip: each keeps a number through cuts, crossings, absences and close-ups.

Place decides first: a face is followed from frame to frame, and looked for around where it was lost. Where place does
not decide, after a cut or an absence or when two meet, likeness does (`likeness`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.errors import NoFace
from facezoo.face.find import Wanted, choose, detect, find_faces, follow_face
from facezoo.face.likeness import Likeness, covered, likeness, skin_colours, unlike
from facezoo.face.people import OTHER, SAME, SURE, People, Person
from facezoo.types import Box, Face, Image

__all__ = ["SAME_PLACE", "Follower", "apart"]

_LOOK_AGAIN = 6  # frames: the detector looks for newcomers, and likeness checks the tracker, this often
_UNWANTED = 3  # frames: those who are not wanted are followed this often, so that they are not taken for somebody new
_SEARCH = 12  # frames after a loss in which the detector looks every time
_NEAR = 0.9  # of the face's width: a face lost a moment ago is looked for this far around
_WANDERS = 0.15  # and this much farther with each frame that it is gone
SAME_PLACE = 0.4  # of the width: two meshes nearer than this are of one face
_FAST = 0.12  # of the width, moved in one frame: the mesh is then measured again where it has come to
_COVERED, _HIDDEN = 0.15, 0.55  # shares of a face that look otherwise: it is not shown; it may be somebody else
_MOVED = 1.6  # `unlike` up to which somebody who looks otherwise only does something else with their face
_ADAPT = 0.1  # how fast the usual colours of a face follow the light
_WAIT, _WAIT_LONG = 7, 50  # frames in which somebody is looked at before being called new; where someone was hidden
_OUTSIDE = 0.3  # share of the mesh beyond the picture's edge above which nobody is judged
_CUT = 20.0  # grey levels between pictures from which they are two shots: people moving stay below 10 at 25 a second
_SMALL = 32  # px, the side that pictures are compared at


@dataclass(eq=False)
class _Track:
    """One face that is followed. usual: its colours, see `skin_colours`. began: in which frame. person: who it is, None
    while that is open. covered: share of it that looks otherwise now, for how many frames. looks: likenesses while it
    is open who it is. doubtful: it began where somebody was, who may be hidden."""

    face: Face
    usual: NDArray[np.float32]
    began: int
    person: Person | None = None
    covered: float = 0.0
    covered_for: int = 0
    looks: list[Likeness] = field(default_factory=list[Likeness])
    doubtful: bool = False
    fast: bool = False

    def open(self, frame: int, usual: NDArray[np.float32]) -> None:
        """It may be somebody else from this frame on."""
        self.person, self.doubtful, self.began, self.looks = None, True, frame, []
        self.usual, self.covered, self.covered_for = usual, 0.0, 0


class Follower:
    """Finds the wanted people in each frame of a clip, in the order of the frames.

    Call it with (H, W, 3) uint8 frames one after another; it returns the wanted faces that are in the frame and not
    hidden, by number, perhaps none. In the first frame with faces the largest is number 1; newcomers get the next
    numbers, once they are told from all who were seen before. most: the most faces that one frame had. cut: whether the
    last frame began a new shot."""

    def __init__(self, wanted: Wanted, crop_size: int) -> None:
        self._wanted: Wanted = wanted
        self._crop_size = crop_size
        self._people = People()
        self._tracks: list[_Track] = []
        self._frame = self._shot = 0
        self._lost = -_SEARCH  # the frame in which a face was lost last
        self._small: NDArray[np.float32] | None = None
        self._came: set[int] = set()
        self.cut = False
        self.most = 0

    def __call__(self, image: Image) -> list[Face]:
        """The wanted faces of the next frame."""
        before, self._small = self._small, _small(image)
        self.cut = before is not None and float(np.abs(self._small - before).mean()) > _CUT
        if self.cut:
            self._shot += 1
            self._tracks = []
        self._track(image)
        if self._must_look():
            self._look(image)
        for track in self._tracks:
            if not self._rests(track) and (track.covered > 0 or track.fast or self._frame % 2 == 0):
                self._compare(image, track)
        self._part()
        for track in self._tracks:
            self._judge(image, track)
        self._decide(image)
        self._frame += 1
        faces = [replace(each.face, number=each.person.number) for each in self._tracks if each.person is not None
                 and each.covered <= _COVERED and self._wants(each.person.number)]  # fmt: skip
        self.most = max(self.most, len(faces))
        self._came |= {face.number for face in faces}
        return sorted(faces, key=lambda face: face.number)

    def check_all_came(self) -> None:
        """At the end of a clip. Raises NoFace when there was no face, or when one that was asked for never came."""
        known = len(self._people.known)
        if not known:
            choose([], "all")
        wanted = frozenset[int]() if self._wanted == "all" else _numbers(self._wanted)
        for number in sorted(wanted - self._came):
            seen = "only face 1" if known == 1 else f"faces 1 to {known}"
            raise NoFace(
                f"There is no face {number}: this film has {seen}.",
                "Choose one of these: 1 is the largest at the beginning, the others follow as they come.",
            )

    def _wants(self, number: int) -> bool:
        return self._wanted == "all" or number in _numbers(self._wanted)

    def _present(self) -> list[Person]:
        return [track.person for track in self._tracks if track.person is not None]

    def _track(self, image: Image) -> None:
        """Follow the faces of the frame before."""
        kept: list[_Track] = []
        for track in self._tracks:
            if self._rests(track):
                kept.append(track)
                continue
            try:
                face = follow_face(image, track.face)
                track.fast = apart(face, track.face) > _FAST
                if track.fast:
                    face = follow_face(image, face)
            except NoFace:
                if track.person is None or self._wants(track.person.number):
                    self._lost = self._frame
                continue
            track.face = face
            kept.append(track)
        self._tracks = kept

    def _rests(self, track: _Track) -> bool:
        """Whether nobody looks at this face in this frame: of those who are not wanted, every third is enough."""
        return track.person is not None and not self._wants(track.person.number) and self._frame % _UNWANTED != 0

    def _must_look(self) -> bool:
        soon = self._frame - self._lost < _SEARCH or (not self._tracks and self._frame % 3 == 0)
        return self.cut or soon or self._frame % _LOOK_AGAIN == 0

    def _look(self, image: Image) -> None:
        """Let the detector find whom nobody follows yet, and where faces have gone that moved fast."""
        anew = self.cut or (not self._tracks and self._frame % _SEARCH == 0)
        calm = self._tracks and not anew and self._frame - self._lost >= _SEARCH
        if calm and all(self._is_followed(each.box) for each in detect(image, thorough=False)):
            return
        for found in find_faces(image, crop_size=self._crop_size, thorough=anew):
            near = [(apart(found, track.face), track) for track in self._tracks]
            distance, track = min(near, key=lambda each: each[0], default=(np.inf, None))
            if track is None or distance > SAME_PLACE:
                self._tracks.append(_Track(found, skin_colours(image, found.landmarks), self._frame))
            elif distance > _FAST:
                track.face, track.fast = found, True

    def _is_followed(self, box: Box) -> bool:
        """Whether the face in a box is that of a track."""
        middle = np.array([box.left + box.right, box.top + box.bottom]) / 2
        meshes = [track.face.landmarks.mesh[:, :2] for track in self._tracks]
        return any(np.linalg.norm(mesh.mean(axis=0) - middle) < SAME_PLACE * box.width for mesh in meshes)

    def _compare(self, image: Image, track: _Track) -> None:
        """How much of a face looks otherwise than it usually does."""
        now = skin_colours(image, track.face.landmarks)
        track.covered = covered(now, track.usual, track.face.landmarks.mesh)
        track.covered_for = track.covered_for + 1 if track.covered > _COVERED else 0
        if track.covered < _COVERED / 2:
            fresh = np.where(np.isnan(now), track.usual, now)
            track.usual = np.where(np.isnan(track.usual), fresh, track.usual + _ADAPT * (fresh - track.usual))

    def _part(self) -> None:
        """Of two meshes on one face, keep the one that it looks like."""
        order = sorted(self._tracks, key=lambda track: (track.person is None, track.covered))
        kept: list[_Track] = []
        for track in order:
            if all(apart(track.face, other.face) > SAME_PLACE for other in kept):
                kept.append(track)
            else:
                self._lost = self._frame
        self._tracks = [track for track in self._tracks if track in kept]

    def _judge(self, image: Image, track: _Track) -> None:
        """Whether a face is still the person whom it was followed as; if so, remember the person as they are now."""
        person = track.person
        slipped = track.covered > _HIDDEN or track.fast  # perhaps onto somebody else's face
        checked = slipped or self._frame % _LOOK_AGAIN == 0 or track.covered > _COVERED
        if person is None or not checked or _outside(track.face) > _OUTSIDE:
            return
        look = likeness(image, track.face.landmarks)
        distance = unlike(look, person.likeness)
        other = self._people.nearest(look, self._present())
        usurped = other is not None and other[0] < SURE and distance > SAME
        if usurped or (slipped and distance > OTHER):
            track.open(self._frame, skin_colours(image, track.face.landmarks))
            return
        if track.covered > _COVERED and distance < (SAME if track.covered_for > _WAIT else _MOVED):
            track.usual = skin_colours(image, track.face.landmarks)  # the expression or the light has changed
            track.covered, track.covered_for = 0.0, 0
        if track.covered < _COVERED / 2 and distance < SAME:
            person.learn(look)
            if (earlier := self._people.same_as(person, self._present())) is not None:
                self._people.merge(person, earlier)
                track.person = earlier

    def _decide(self, image: Image) -> None:
        """Say of faces who they are, if it can be said already."""
        first = not self._people.known
        for track in self._tracks:
            if track.person is None and (first or _outside(track.face) < _OUTSIDE):
                track.looks.append(likeness(image, track.face.landmarks))
        claims = sorted(
            ((*self._claim(track), track) for track in self._tracks if track.person is None and track.looks),
            key=lambda claim: claim[0],
        )
        for _, person, track in claims:
            waited = len(track.looks) > (_WAIT_LONG if track.doubtful else _WAIT)
            if person is not None and person not in self._present():
                track.person = person
                if person.shot == self._shot:
                    track.usual = person.usual
                track.looks, track.doubtful = [], False
            elif first or (waited and person is None):
                mean = np.mean(track.looks, axis=0)
                track.person = self._people.add(track.face, mean, track.usual, self._frame, self._shot)
                track.looks, track.doubtful = [], False
        self._remember()

    def _claim(self, track: _Track) -> tuple[float, Person | None]:
        """Who a face seems to be, and how unlike they are."""
        look = np.asarray(np.mean(track.looks, axis=0), np.float32)
        present = self._present()
        lately = [person for person in self._people.known if person not in present and self._was_near(person, track)]
        near = sorted(((unlike(look, person.likeness), person) for person in lately), key=lambda each: each[0])
        if near and near[0][0] < (OTHER if len(near) == 1 else SAME):
            return near[0]
        found = self._people.nearest(look, present)
        enough = SURE if len(track.looks) <= _WAIT else SAME
        return found if found is not None and found[0] < enough else (np.inf, None)

    def _was_near(self, person: Person, track: _Track) -> bool:
        """Whether a person was lost here a moment ago."""
        gone = self._frame - person.seen
        around = _NEAR * (1 + _WANDERS * gone)
        return person.shot == self._shot and gone <= _SEARCH and apart(track.face, person.face) < around

    def _remember(self) -> None:
        """Where everybody was seen, and with whom."""
        seen = [track for track in self._tracks if track.person is not None and track.covered <= _COVERED]
        numbers = {track.person.number for track in seen if track.person is not None}
        for track in seen:
            if (person := track.person) is not None:
                person.face, person.usual, person.seen, person.shot = track.face, track.usual, self._frame, self._shot
                person.beside |= numbers - {person.number}


def _numbers(wanted: int | frozenset[int]) -> frozenset[int]:
    return frozenset({wanted}) if isinstance(wanted, int) else wanted


def apart(a: Face, b: Face) -> float:
    """Between the middles of two meshes, in widths of the wider one."""
    one, other = a.landmarks.mesh[:, :2], b.landmarks.mesh[:, :2]
    width = max(float(np.ptp(one[:, 0])), float(np.ptp(other[:, 0])), 1.0)
    return float(np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)) / width)


def _outside(face: Face) -> float:
    """The share of the mesh that lies beyond the picture's edge."""
    size = np.array([face.frame.shape[1], face.frame.shape[0]])
    points = face.landmarks.mesh[:, :2]
    return float(((points < 0) | (points >= size)).any(axis=1).mean())


def _small(image: Image) -> NDArray[np.float32]:
    """(32, 32) float32 grey levels of a picture."""
    step = max(1, min(image.shape[:2]) // (4 * _SMALL))
    small = cv2.resize(image[::step, ::step], (_SMALL, _SMALL), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
