"""How far a head is turned away, and from where on too little of its face is seen: one rule for all that changes faces.

The mesh reports less of a turn than it is shown, and ever less of a wide one. `_SHOWN` is what seven synthetic people,
turned by `motion.photo` beyond its limits, were shown and read as, on average. Among 1,312 portraits, paintings and
photographs, profiles with one eye read as 49 to 56, which is 67 to 80 here, three-quarter faces as 49 at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.errors import NoFace
from facezoo.face.head import fit_head
from facezoo.types import Face

__all__ = ["GUESSED", "TOO_FAR", "Turns", "toward_viewer", "turned_away"]

GUESSED, TOO_FAR = 50.0, 68.0  # degrees from which the far side is guessed; from which a face is not changed at all
_READ, _SHOWN = (0.0, 22.0, 30.0, 39.0, 45.0, 50.0, 61.0), (0.0, 28.0, 38.0, 48.0, 58.0, 68.0, 90.0)
_BOTH_EYES = "Use a picture in which both eyes are seen."


def turned_away(face: Face) -> float:
    """Degrees between where the head looks and the viewer, in [0, 90], sideways, up and down together."""
    if len(face.landmarks.mesh):
        toward = float(fit_head(face.landmarks.mesh).rotation[2, 2])
    else:
        toward = float(np.cos(np.radians(face.pose.yaw)) * np.cos(np.radians(face.pose.pitch)))
    return float(np.interp(np.degrees(np.arccos(np.clip(toward, -1, 1))), _READ, _SHOWN))


def toward_viewer(faces: list[Face], notes: list[str] | None = None, *, limit: float = TOO_FAR) -> list[Face]:
    """Those of the faces that are turned away by less than limit, degrees. What whoever asked should know of them is
    added to notes. Raises NoFace when that is none."""
    turns = [turned_away(face) for face in faces]
    kept = [face for face, turn in zip(faces, turns, strict=True) if turn < limit]
    if faces and not kept:
        raise NoFace(
            f"This head is turned about {min(turns):.0f} degrees away: too little of the face is seen.", _BOTH_EYES
        )
    for face, turn in zip(faces, turns, strict=True):
        if turn >= GUESSED and notes is not None:
            who = "The head" if len(faces) == 1 else f"Face {face.number}"
            why = "the far side of the face is guessed" if turn < limit else "too far, so it stays as it is"
            notes.append(f"{who} is turned about {turn:.0f} degrees away: {why}.")
    return kept


@dataclass
class Turns:
    """The same for a film, whose heads turn to and fro. No face is left out: on heads that are turned too far the mesh
    is too unsure from frame to frame, and a swap that comes and goes is worse than one that is guessed."""

    frames: int = 0
    guessed: int = 0

    def see(self, faces: list[Face]) -> None:
        """Take the faces of the next frame that are changed."""
        self.frames += 1
        self.guessed += any(turned_away(face) >= GUESSED for face in faces)

    def notes(self) -> list[str]:
        """What whoever asked should know."""
        words = f"a head is turned {GUESSED:.0f} degrees away or more: the far side of the face is guessed."
        return [f"In {self.guessed} of {self.frames} frames {words}"] if self.guessed else []
