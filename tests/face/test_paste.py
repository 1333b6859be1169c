"""Pasting back: what must stay, stays to the bit; colour, light and edges behave as the papers say."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facezoo.face.covering import look_for_cover
from facezoo.face.find import find_faces, move
from facezoo.face.mesh import mesh_map, smoothstep, vertex_normals
from facezoo.face.occlusion import in_front, own_skin, skin_patch
from facezoo.face.paste import face_mask, from_lab, match_color, moments, paste, to_lab, with_moments
from facezoo.media.read import read_photo
from facezoo.types import Face
from facezoo.zoo.embedded import examples, personas


def _face(id: str) -> Face:
    shown = {each.id: each.path for each in examples()} | {each.id: each.portrait for each in personas()}
    return find_faces(read_photo(shown[id]))[0]


@pytest.fixture(scope="module")
def face() -> Face:
    return _face("evening")


def _crop_mesh(face: Face) -> np.ndarray:
    return move(face.landmarks.mesh, face.affine)


@pytest.mark.parametrize("blend", ["poisson", "feather"])
@pytest.mark.parametrize("color", ["mkl", "reinhard", "none"])
def test_own_crop_pasted_back_is_the_same_picture(face: Face, blend, color) -> None:
    result = paste(face, face.crop, color=color, blend=blend)
    difference = np.abs(result.astype(int) - face.frame.astype(int))
    assert difference.mean() < 1.0
    assert np.percentile(difference, 99.5) <= 16


def test_pixels_outside_the_face_keep_their_values(face: Face) -> None:
    red = np.full_like(face.crop, (200, 30, 30))
    result = paste(face, red, color="none", blend="feather")
    low, high = face.landmarks.mesh[:, :2].min(axis=0) - 8, face.landmarks.mesh[:, :2].max(axis=0) + 8
    outside = np.ones(face.frame.shape[:2], bool)
    outside[int(low[1]) : int(high[1]), int(low[0]) : int(high[0])] = False
    assert (result[outside] == face.frame[outside]).all()
    nose = tuple(face.landmarks.points[30].astype(int)[::-1])
    assert tuple(int(v) for v in result[nose]) == pytest.approx((200, 30, 30), abs=3)
    assert result is not face.frame and result.dtype == np.uint8


def test_transparent_pixels_are_not_painted(face: Face) -> None:
    clear = np.dstack([np.full_like(face.crop, 255), np.zeros(face.crop.shape[:2], np.uint8)])
    assert (paste(face, clear) == face.frame).all()


@pytest.mark.parametrize("mode", ["mkl", "reinhard"])
def test_color_takes_over_the_mean_of_the_skin(face: Face, mode) -> None:
    other = cv2.resize(_face("imani").crop, face.crop.shape[1::-1])
    skin = skin_patch(_crop_mesh(face), face.crop.shape[0])
    target = face.crop.astype(np.float32)
    moved = match_color(other, face.crop, skin, np.zeros_like(skin), mode)
    before = np.abs(other[skin > 0.5].mean(axis=0) - target[skin > 0.5].mean(axis=0)).mean()
    after = np.abs(moved[skin > 0.5].mean(axis=0) - target[skin > 0.5].mean(axis=0)).mean()
    assert after < 10 and after < before / 3


def test_black_and_white_stays_black_and_white(face: Face) -> None:
    grey = np.repeat(cv2.cvtColor(face.frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    found = find_faces(grey)[0]
    other = cv2.resize(_face("joss").crop, found.crop.shape[1::-1])
    result = paste(found, other)
    chroma = cv2.cvtColor(result, cv2.COLOR_RGB2LAB)[..., 1:].astype(int) - 128
    assert np.percentile(np.abs(chroma), 99) <= 4


def test_poisson_takes_over_light_that_color_alone_does_not(face: Face) -> None:
    """Half the picture in shadow: the new face has to be darker on that side too."""
    size = face.crop.shape[0]
    shade = np.linspace(1.0, 0.35, face.frame.shape[1])[None, :, None]
    shaded = find_faces((face.frame * shade).astype(np.uint8))[0]
    flat = cv2.resize(_face("imani").crop, (shaded.crop.shape[0],) * 2)
    cheeks = [tuple(shaded.landmarks.mesh[i, :2].astype(int)) for i in (117, 346)]

    def ratio(picture: np.ndarray) -> float:
        left, right = (picture[y - 4 : y + 5, x - 4 : x + 5].mean() for x, y in cheeks)
        return float(left / right)

    lit, unlit = (ratio(paste(shaded, flat, blend=mode)) for mode in ("poisson", "feather"))
    assert size > 0 and abs(lit - ratio(shaded.frame)) < abs(unlit - ratio(shaded.frame))


def test_mask_is_soft_inside_and_zero_outside(face: Face) -> None:
    mesh, size = _crop_mesh(face), face.crop.shape[0]
    hard, soft = face_mask(mesh, size, feather=0.0), face_mask(mesh, size)
    assert set(np.unique(hard)) == {0.0, 1.0}
    assert (soft[hard == 0] == 0).all() and soft.max() == 1.0
    nose = mesh[4, :2].astype(int)
    assert soft[nose[1], nose[0]] == 1.0


def test_glasses_and_hair_stay_in_front() -> None:
    with_glasses, without = _face("glasses"), _face("evening")
    mesh = _crop_mesh(with_glasses)
    cover = look_for_cover(with_glasses.crop, mesh)
    assert cover.glasses and not look_for_cover(without.crop, _crop_mesh(without)).glasses
    keep = in_front(with_glasses.crop, mesh, cover)
    bridge, chin = mesh[168, :2].astype(int), mesh[199, :2].astype(int)
    assert keep[bridge[1], bridge[0]] > 0.9 and keep[chin[1], chin[0]] < 0.1


def test_a_dark_strand_over_the_forehead_is_kept() -> None:
    bare = _face("joss")
    crop = bare.crop.copy()
    mesh = _crop_mesh(bare)
    top, brow = mesh[10, :2], mesh[66, :2]
    start, end = top + (top - brow) * 0.3, brow + (top - brow) * 0.45
    cv2.line(crop, start.astype(int).tolist(), end.astype(int).tolist(), (20, 15, 10), 9)
    place = (top + (brow - top) * 0.3).astype(int)
    assert in_front(crop, mesh, look_for_cover(crop, mesh))[place[1], place[0]] > 0.5
    assert in_front(bare.crop, mesh, look_for_cover(bare.crop, mesh))[place[1], place[0]] < 0.2


def test_background_inside_the_outline_is_not_copied() -> None:
    source = _face("orla")
    usable = own_skin(source.crop, _crop_mesh(source))
    nose = _crop_mesh(source)[4, :2].astype(int)
    assert usable[nose[1], nose[0]] > 0.95
    assert usable[:, 0].max() < 0.5


def test_a_beard_is_copied_with_its_sides() -> None:
    source = _face("tarek")
    mesh = _crop_mesh(source)
    usable = own_skin(source.crop, mesh)
    sides = [tuple(mesh[point, :2].astype(int)) for point in (214, 434, 212, 432, 199)]  # beside the mouth, the chin
    assert all(usable[y, x] > 0.9 for x, y in sides)


def test_mesh_map_of_a_mesh_onto_itself_is_identity(face: Face) -> None:
    mesh, size = _crop_mesh(face), face.crop.shape[0]
    mapped, covered = mesh_map(mesh, mesh, (size, size))
    ys, xs = np.nonzero(covered)
    assert covered.mean() > 0.1
    assert np.abs(mapped[ys, xs] - np.stack([xs, ys], axis=1)).max() < 0.05


def test_mesh_map_follows_an_affine_change(face: Face) -> None:
    mesh = _crop_mesh(face)
    moved = (mesh * [1.5, 1.2, 1.0] + [7, -3, 0]).astype(np.float32)
    mapped, covered = mesh_map(mesh, moved, face.crop.shape[:2])
    ys, xs = np.nonzero(covered)
    assert np.abs(mapped[ys, xs] - np.stack([xs * 1.5 + 7, ys * 1.2 - 3], axis=1)).max() < 0.05


def test_faces_at_the_edge_of_the_picture_are_pasted(face: Face) -> None:
    left = int(face.landmarks.points[27, 0])
    half = np.ascontiguousarray(face.frame[:, left - 40 :])
    shifted = replace(face, frame=half, affine=face.affine.copy())
    shifted.affine[:, 2] += face.affine[:, :2] @ np.array([left - 40, 0], np.float32)
    assert paste(shifted, face.crop).shape == half.shape


def test_colours_get_the_moments_that_are_asked_for() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(40, 9, (500, 3)).astype(np.float32), random.normal(60, 3, (500, 3)).astype(np.float32)
    moved = with_moments(ours, moments(ours), moments(theirs))
    assert moments(moved) == pytest.approx(moments(theirs), abs=0.01)
    bounded = with_moments(ours, moments(ours), moments(theirs), (0.6, 1.6))
    assert moments(bounded)[1] == pytest.approx(0.6 * moments(ours)[1], abs=0.01)
    half = np.repeat(np.float32([1, 0]), 250)
    assert moments(ours, half) == pytest.approx(moments(ours[:250]), abs=0.01)


def test_lab_and_back_is_the_same_picture(face: Face) -> None:
    assert np.abs(from_lab(to_lab(face.crop)) - face.crop).mean() < 0.5


def test_normals_point_out_of_the_skin(face: Face) -> None:
    normals = vertex_normals(face.landmarks.mesh)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(468), abs=1e-4)
    assert normals[9, 2] < -0.7, "the forehead looks at the viewer"
    assert normals[234, 0] < normals[454, 0], "each cheek looks to its own side"


def test_smoothstep_goes_either_way() -> None:
    values = np.array([-1, 0, 1, 2, 3, 4], np.float32)
    assert smoothstep(values, 0, 2).tolist() == [0, 0, 0.5, 1, 1, 1]
    assert smoothstep(values, 2, 0).tolist() == [1, 1, 0.5, 0, 0, 0]
    assert smoothstep(values, np.full(6, 1), np.arange(2, 8)).tolist()[:3] == [0, 0, 0]
