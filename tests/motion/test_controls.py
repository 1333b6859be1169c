"""Sliders: each moves what it says, by about as much as a face does, and leaves the rest alone."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from facezoo.face.find import find_faces
from facezoo.face.head import rotation_of
from facezoo.face.mesh import BROWS, EYES, FACE_OVAL, INNER_LIPS, OUTER_LIPS, angles, topology
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import NECK, lip_opening
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Pose

LIPS = sorted({*OUTER_LIPS, *INNER_LIPS})
LOWER, UPPER = list(INNER_LIPS[11:]), list(INNER_LIPS[1:10])
EXPRESSIONS = [
    Controls(mouth=1), Controls(smile=1), Controls(smile=-1), Controls(pucker=1), Controls(brows=1), Controls(brows=-1),
    Controls(wink=1), Controls(wink=-1),
]  # fmt: skip


@pytest.fixture(scope="module")
def puppet(portrait: Path) -> MovablePhoto:
    return MovablePhoto(find_faces(read_photo(portrait), thorough=False)[0])


def field(**controls: float) -> np.ndarray:
    return motion_of(Controls(**controls)).expression


def test_zero_is_still(puppet: MovablePhoto) -> None:
    motion = motion_of(Controls(), puppet.placement.rotation, time=2.0)
    assert motion.time == 2.0
    assert (motion.rotation == np.eye(3)).all() and not motion.shift.any() and motion.zoom == 1
    assert not motion.expression.any() and not motion.gaze.any() and (motion.eyes == 1).all()


@pytest.mark.parametrize("name", [each.name for each in fields(Controls) if each.name not in ("yaw", "pitch", "roll")])
def test_beyond_the_end_nothing_more_happens(name: str) -> None:
    far, full = motion_of(Controls(**{name: 9})), motion_of(Controls(**{name: 1}))
    assert np.allclose(far.expression, full.expression)
    assert np.allclose(far.eyes, full.eyes) and np.allclose(far.gaze, full.gaze)


def test_degrees_are_added_to_the_photos_own() -> None:
    own = rotation_of(Pose(12, -6, 4))
    motion = motion_of(Controls(yaw=8, pitch=5, roll=-10), own)
    turned = motion.rotation @ own
    pose = angles(turned)
    assert np.allclose([pose.yaw, pose.pitch, pose.roll], [20, -1, -6], atol=0.01)
    assert np.allclose((turned @ NECK)[:2] + motion.shift, (own @ NECK)[:2], atol=1e-5)
    assert not motion.expression.any() and (motion.eyes == 1).all()


def test_mouth_opens_by_the_jaw_alone(puppet: MovablePhoto) -> None:
    moved = field(mouth=1)
    gap, width = lip_opening(topology().canonical + moved)
    assert 0.4 < gap / width < 0.8
    assert moved[LOWER, 1].min() > 0.1 and abs(moved[UPPER, 1]).max() < 0.06
    assert moved[152, 1] > 0.15 and moved[152, 2] > 0.05, "the chin goes down and back"
    still = [*EYES[0], *EYES[1], *BROWS[0], *BROWS[1], 1, 4, 168, 10]
    assert abs(moved[still]).max() < 0.005
    half = puppet.place(motion_of(Controls(mouth=0.5)))
    assert lip_opening(half)[0] > lip_opening(puppet.mesh)[0] + 0.1 * puppet.placement.scale


def test_smile_widens_and_lifts_the_corners() -> None:
    moved, sad = field(smile=1), field(smile=-1)
    assert moved[291, 0] > 0.06 and moved[61, 0] < -0.06
    assert moved[[61, 291], 1].max() < moved[[0, 13, 14, 17], 1].min() - 0.03, "corners rise above the middle"
    assert moved[[205, 425], 1].max() < -0.02, "cheeks lift"
    assert sad[[61, 291], 1].min() > 0.03
    for each in (moved, sad):
        assert abs(each[[*BROWS[0], *BROWS[1], 4, 168]]).max() < 0.01
        ring = (topology().canonical + each)[list(INNER_LIPS)]
        assert min(ring[20 - k, 1] - ring[k, 1] for k in range(1, 10)) > -0.012, "lips do not cross"


def test_pucker_narrows_and_pushes_forward() -> None:
    moved = field(pucker=1)
    assert moved[291, 0] < -0.06 and moved[61, 0] > 0.06
    assert moved[LIPS, 2].max() < -0.03
    assert abs(moved[[*EYES[0], *EYES[1], 4, 168]]).max() < 0.005


def test_brows_move_alone() -> None:
    up, down = field(brows=1), field(brows=-1)
    brows = [*BROWS[0], *BROWS[1]]
    assert up[brows, 1].max() < -0.03 and down[brows, 1].min() > 0.005
    assert down[107, 0] > 0.01 and down[336, 0] < -0.01, "lowered brows draw together"
    assert max(abs(up[LIPS]).max(), abs(down[LIPS]).max()) < 0.006
    assert motion_of(Controls(brows=1)).eyes.min() > 1.05


def test_blink_and_wink() -> None:
    assert not motion_of(Controls(blink=1)).eyes.any()
    assert not field(blink=1).any()
    assert np.allclose(motion_of(Controls(wink=-1)).eyes, [0, 1])
    assert np.allclose(motion_of(Controls(wink=1)).eyes, [1, 0])
    right, left = field(wink=1), field(wink=-1)
    assert np.allclose(right, left[topology().mirror] * [-1, 1, 1], atol=1e-6)
    assert abs(right[list(EYES[0])]).max() < 0.004, "the other eye stays"


def test_eyes_follow_the_sliders(puppet: MovablePhoto) -> None:
    assert (motion_of(Controls(look_x=1)).gaze > 0).tolist() == [True, False]
    assert (motion_of(Controls(look_y=1)).gaze > 0).tolist() == [False, True]
    assert motion_of(Controls(look_y=1)).eyes.max() < 0.9, "the lids follow a look down"
    assert not field(look_x=1, look_y=-1).any()
    there, back = (puppet.draw(motion_of(Controls(look_x=to))).astype(int) for to in (0.8, -0.8))
    changed = np.argwhere(np.abs(there - back).max(axis=2) > 20)[:, ::-1]
    eyes = [puppet.mesh[list(ring), :2] for ring in EYES]
    margin = 0.1 * puppet.placement.scale
    inside = [((changed > eye.min(axis=0) - margin) & (changed < eye.max(axis=0) + margin)).all(axis=1) for eye in eyes]
    assert len(changed) and all(each.any() for each in inside)
    assert (inside[0] | inside[1]).all()


@pytest.mark.parametrize("controls", EXPRESSIONS, ids=str)
def test_fields_are_smooth_and_mirrored(controls: Controls) -> None:
    moved, shape, mirror = motion_of(controls).expression, topology().canonical, topology().mirror
    assert moved.dtype == np.float32 and moved.shape == (468, 3)
    if not controls.wink:
        assert np.allclose(moved, moved[mirror] * [-1, 1, 1], atol=1e-5)
    assert abs(moved[[10, 127, 356, 234, 454, 168]]).max() == 0
    edges = np.concatenate([topology().triangles[:, pair] for pair in ((0, 1), (1, 2), (2, 0))])
    strain = np.linalg.norm(moved[edges[:, 0]] - moved[edges[:, 1]], axis=1)
    length = np.linalg.norm(shape[edges[:, 0]] - shape[edges[:, 1]], axis=1)
    assert (strain < np.maximum(2.5 * length, 0.05)).all(), "most at the corners of an open mouth"
    assert abs(moved[list(FACE_OVAL)][:10]).max() < 0.04, "the upper outline hardly moves"


def test_no_skin_folds_over() -> None:
    shape, triangles = topology().canonical, topology().triangles
    for controls in (*EXPRESSIONS, Controls(smile=0.7, mouth=0.6), Controls(pucker=0.6, mouth=0.5)):
        corners = (shape + motion_of(controls).expression)[triangles, :2]
        edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]
        first = shape[triangles, :2]
        one, two = first[:, 1] - first[:, 0], first[:, 2] - first[:, 0]
        before = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
        assert (area[before > 1e-3] > 0).all(), controls
