"""What is particular to landmark_warp; what every method promises is tested for all in tests/runner."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, move
from facezoo.face.mesh import INNER_LIPS
from facezoo.face.occlusion import polygon
from facezoo.media.read import read_photo
from facezoo.registry import list_methods, load
from facezoo.types import Face
from facezoo.zoo.embedded import examples, personas

pytestmark = pytest.mark.skipif(
    "landmark_warp" not in {spec.id for spec in list_methods()}, reason="landmark_warp is not installed"
)


def _face(id: str) -> Face:
    shown = {each.id: each.path for each in examples()} | {each.id: each.portrait for each in personas()}
    return find_faces(read_photo(shown[id]))[0]


def _warp(target: Face, identity: Face | None, **params: object) -> np.ndarray:
    pipeline = load("landmark_warp")
    (crop,) = pipeline(iter([target]), identity=identity, params=pipeline.spec.params(**params))
    return crop


def test_open_mouth_and_everything_off_the_mesh_stay_transparent() -> None:
    target = _face("laughing")
    crop = _warp(target, _face("orla"))
    size = target.crop.shape[0]
    mesh = move(target.landmarks.mesh, target.affine)
    assert crop.shape == (size, size, 4) and crop.dtype == np.uint8
    mouth = polygon(mesh, INNER_LIPS, size) > 0.5
    assert mouth.sum() > 200 and (crop[mouth, 3] == 0).mean() > 0.9
    assert crop[0, :, 3].max() == 0
    nose = mesh[4, :2].astype(int)
    assert crop[nose[1], nose[0], 3] == 255


def test_a_face_warped_onto_itself_is_itself() -> None:
    face = _face("orla")
    crop = _warp(face, face)
    sure = crop[..., 3] == 255
    assert sure.mean() > 0.1
    assert np.abs(crop[sure, :3].astype(int) - face.crop[sure].astype(int)).mean() < 3


def test_own_eyes_can_be_kept() -> None:
    target = _face("evening")
    mesh = move(target.landmarks.mesh, target.affine)
    eye = mesh[[33, 133], :2].mean(axis=0).astype(int)
    assert _warp(target, _face("orla"), eyes="persona")[eye[1], eye[0], 3] > 200
    assert _warp(target, _face("orla"), eyes="mine")[eye[1], eye[0], 3] < 30


def test_it_needs_another_face() -> None:
    with pytest.raises(UsageError, match="another face"):
        _warp(_face("evening"), None)
