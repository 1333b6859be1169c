"""Drawings of faces: what they show, that they do not tell who was drawn, and whose skin a painted face is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facezoo.face.find import find_faces, move, realign
from facezoo.face.mesh import EYES, INNER_LIPS, topology
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import NOWHERE, draw, irises_at
from facezoo.motion.paint_over import Portrayal, own_points
from facezoo.motion.read import EXPRESSIONS, amounts_of, pose_mesh, read_face
from facezoo.types import Face
from facezoo.zoo.embedded import personas

REST = np.zeros(2, np.float32)


@pytest.fixture(scope="module")
def people() -> dict[str, Face]:
    return {
        each.id: replace(realign(find_faces(read_photo(each.portrait))[0], 160), persona=each.id)
        for each in personas()[:2]
    }


def _mesh(side: int = 128, **controls: float) -> np.ndarray:
    asked = Controls(**controls)
    return pose_mesh(topology().canonical, motion_of(asked, np.eye(3, dtype=np.float32)), side)


@pytest.mark.parametrize("side", [64, 256])
def test_a_drawing_covers_the_face(side: int) -> None:
    mesh = _mesh(side)
    shown = draw(mesh, REST, side)
    assert shown.picture.shape == (side, side, 3) and shown.picture.dtype == np.uint8
    face = shown.places[..., 0] < NOWHERE
    assert 0.15 < face.mean() < 0.5
    assert np.abs(shown.places[face]).max() <= 1
    assert (shown.picture[~face].max(axis=-1) > 0).mean() < 0.03  # outlines alone reach over the edge
    lines = draw(mesh, REST, side, "lines").picture
    assert 0.02 < (lines > 127).mean() < 0.2 and (lines[..., 0] == lines[..., 2]).all()


def test_places_stay_on_the_skin_when_the_head_turns() -> None:
    nose = {yaw: _mesh(128, yaw=yaw)[4, :2].round().astype(int) for yaw in (0.0, 20.0)}
    found = [draw(_mesh(128, yaw=yaw), REST, 128).places[y, x] for yaw, (x, y) in nose.items()]
    assert np.abs(nose[0.0] - nose[20.0]).max() > 4
    assert np.abs(found[0] - found[1]).max() < 0.06


def test_gaze_moves_the_irises_alone() -> None:
    mesh = _mesh()
    here, there = draw(mesh, REST, 128), draw(mesh, np.array([0.15, 0], np.float32), 128)
    moved = irises_at(mesh, np.array([0.15, 0], np.float32)) - irises_at(mesh, REST)
    width = np.linalg.norm(mesh[EYES[0][8], :2] - mesh[EYES[0][0], :2])
    assert moved[0, 0] == pytest.approx(0.15 * width, rel=0.05) and np.abs(moved[:, 1:]).max() < 0.5
    ys, xs = np.nonzero((here.picture != there.picture).any(axis=-1))
    low, high = mesh[list(EYES[0] + EYES[1]), :2].min(axis=0), mesh[list(EYES[0] + EYES[1]), :2].max(axis=0)
    assert xs.min() >= low[0] - 2 and xs.max() <= high[0] + 2 and ys.min() >= low[1] - 2 and ys.max() <= high[1] + 2


def test_expressions_are_told_apart() -> None:
    controls = np.zeros((2, 11), np.float32)
    controls[0, 3:7], controls[1, 3:7] = (0.5, 0.2, 0, -0.3), (-0.4, 0, 0.6, 0.1)
    names = dict(zip(EXPRESSIONS, amounts_of(controls).T, strict=True))
    assert names["smile"].tolist() == [0.5, 0] and names["sad"].tolist() == pytest.approx([0, 0.4])
    assert names["brows down"].tolist() == pytest.approx([0.3, 0]) and names["mouth"].tolist() == pytest.approx(
        [0.2, 0]
    )


def test_a_drawing_does_not_tell_who_was_read(people: dict[str, Face]) -> None:
    """With a reader that says nothing, two different people give the same drawing but for pose, lids and gaze."""
    reader = np.zeros((len(EXPRESSIONS), 1405), np.float32)
    motions = [read_face(face.frame, face.landmarks.mesh, reader) for face in people.values()]
    assert all(not each.expression.any() and each.eyes.max() <= 1.2 for each in motions)
    alike = [replace(each, rotation=np.eye(3, dtype=np.float32), eyes=np.ones(2, np.float32)) for each in motions]
    first, second = (pose_mesh(topology().canonical, each, 128) for each in alike)
    assert np.array_equal(first, second)


def test_only_skin_is_taken_of_a_painted_face(people: dict[str, Face]) -> None:
    """A bright patch on one cheek that reaches the outline, as hair or background do, is left out."""
    face = next(iter(people.values()))
    mesh = move(face.landmarks.mesh, face.affine)
    drawing = draw(mesh, REST, face.crop.shape[0])
    clean = own_points([Portrayal(drawing, face.crop, mesh)])
    stained = face.crop.copy()
    x, y = mesh[[234, 227, 137, 123], :2].mean(axis=0).round().astype(int)  # beside the ear on the viewer's left
    stained[y - 14 : y + 14, x - 18 : x + 6] = 255
    found = own_points([Portrayal(drawing, stained, mesh)])
    assert found[[234, 227, 137]].max() < 0.2 < 0.6 < clean[[4, 50, 280, *INNER_LIPS]].min()
    assert found[[4, 50, 280, 454, 447]] == pytest.approx(clean[[4, 50, 280, 454, 447]], abs=0.1)
