"""What a swap kept, measured on pictures whose answer is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from facezoo.errors import NoFace
from facezoo.evaluate.metrics import find_again, kept, outside_ssim, sharpness
from facezoo.evaluate.subjects import groups, shipped, skin_tone
from facezoo.face.find import find_faces
from facezoo.face.paste import face_mask
from facezoo.media.read import read_photo
from facezoo.types import Face
from facezoo.zoo.embedded import persona
from facezoo.zoo.figures import ssim


@pytest.fixture(scope="module")
def face(portrait: Path) -> Face:
    return find_faces(read_photo(portrait))[0]


def test_the_untouched_picture_is_perfect(face: Face) -> None:
    found = kept(face, find_again(face, face.frame))
    assert found.pose_error < 0.2 and found.landmark_error < 0.5 and found.expression_error < 0.01
    assert outside_ssim(face, face.frame) == 1.0 and sharpness(face, face.frame) == pytest.approx(1.0)


def test_a_face_that_is_gone_is_said(face: Face) -> None:
    with pytest.raises(NoFace):
        find_again(face, np.full_like(face.frame, 128))


def test_outside_the_face_only_the_outside_counts(face: Face) -> None:
    height, width = face.frame.shape[:2]
    inside = face_mask(face.landmarks.mesh, max(height, width), feather=0.0)[:height, :width] > 0
    swapped = np.where(inside[..., None], 255 - face.frame, face.frame)
    assert outside_ssim(face, swapped) == 1.0
    assert outside_ssim(face, np.where(inside[..., None], face.frame, 255 - face.frame)) < 0.2


def test_a_blurred_face_is_less_sharp(face: Face) -> None:
    blurred = np.asarray(cv2.GaussianBlur(face.frame, (0, 0), 2), np.uint8)
    assert sharpness(face, blurred) < 0.5


def test_ssim_counts_only_what_weighs(face: Face) -> None:
    changed = face.frame.copy()
    changed[:40] = 0
    weight = np.ones(changed.shape[:2], np.float32)
    weight[:50] = 0
    assert ssim(face.frame, changed) < 1 and ssim(face.frame, changed, weight) == pytest.approx(1.0)


def test_skin_tones_follow_the_skin() -> None:
    """The two personas whose record calls their skin dark and light."""
    order = ["very light", "light", "intermediate", "tan", "brown", "dark"]
    tones = [skin_tone(find_faces(read_photo(persona(id).portrait))[0]) for id in ("imani", "orla")]
    assert order.index(tones[0]) > order.index(tones[1])


def test_black_and_white_has_no_tone(face: Face) -> None:
    grey = np.repeat(cv2.cvtColor(face.frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert skin_tone(find_faces(np.asarray(grey, np.uint8))[0]) == "no colour"


def test_groups_of_shipped_pictures() -> None:
    known = {subject.path.stem: subject for subject in shipped()}
    found = {name: groups(known[name], find_faces(read_photo(known[name].path))[0]) for name in ("glasses", "palette")}
    assert found["glasses"]["glasses"] == "glasses" and found["glasses"]["kind"] == "photo"
    assert found["palette"]["kind"] == "painting"
