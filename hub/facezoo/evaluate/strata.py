"""Which group a picture belongs to, so that a method that serves some faces worse than others cannot hide it.

Age and beard are left out: no picture here has its age on record, and no measure of a beard was found that could be
trusted on paintings and on dark skin.
"""

from __future__ import annotations

import cv2
import numpy as np

from facezoo.evaluate.subjects import Subject
from facezoo.face.find import move
from facezoo.face.occlusion import skin_patch, wears_glasses
from facezoo.types import Face

__all__ = ["LEFT_OUT", "STRATA", "TONES", "groups", "skin_tone"]

STRATA = {
    "skin": "Skin as lit, by the individual typology angle of cheeks and nose in the picture: light and skin are one, "
    "so it tells light pictures from dark ones more than people",
    "glasses": "Glasses, as facezoo finds them",
    "turn": "Head, turned by more than 20 degrees or less",
    "kind": "Photo or painting",
}
"""Name -> in words."""
LEFT_OUT = (
    "Age groups: none of these pictures has an age on record.",
    "Beard: no measure of it that can be trusted.",
)

TONES = ("very light", "light", "intermediate", "tan", "brown", "dark", "no colour")
"""The groups of skin, in order."""

_TURNED = 20.0  # degrees of yaw
_ANGLES = (55, 41, 28, 10, -30)  # degrees, between one tone and the next
_LIT = (0.4, 0.8)  # of the skin's lightness: without shadow and without shine
_COLOURLESS = 6.0  # Lab chroma of skin below which a picture is black and white or nearly so


def groups(subject: Subject, face: Face) -> dict[str, str]:
    """The group of a picture in each of STRATA."""
    glasses = wears_glasses(face.crop, move(face.landmarks.mesh, face.affine))
    return {
        "skin": skin_tone(face),
        "glasses": "glasses" if glasses else "no glasses",
        "turn": "turned" if abs(face.pose.yaw) > _TURNED else "facing",
        "kind": subject.kind,
    }


def skin_tone(face: Face) -> str:
    """The bin of the individual typology angle of the skin, shadow and shine left out; "no colour" for black and white.

    Source: Del Bino & Bernerd 2013, "Variations in skin colour and the biological consequences of ultraviolet radiation
    exposure" (six groups), who measured skin in one light; a photo has its own."""
    lab = cv2.cvtColor(face.crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    patch = lab[skin_patch(move(face.landmarks.mesh, face.affine), face.crop.shape[0]) > 0]
    low, high = np.quantile(patch[:, 0], _LIT)
    lightness, red, yellow = np.median(patch[(patch[:, 0] >= low) & (patch[:, 0] <= high)], axis=0)
    if np.hypot(red, yellow) < _COLOURLESS:
        return "no colour"
    angle = np.degrees(np.arctan2(lightness - 50, yellow))
    return TONES[sum(bool(angle <= each) for each in _ANGLES)]
