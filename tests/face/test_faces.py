"""Detection, mesh, pose, alignment: on synthetic people, moved in ways whose answer is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from facezoo.errors import NoFace, WeightsUnavailable
from facezoo.face import networks
from facezoo.face.find import choose, crop_affine, find_faces, follow_face, move, portrait_face, realign
from facezoo.face.follow import Follower
from facezoo.face.mesh import FACE_OVAL, expression, head_pose, inter_ocular, to_68, topology
from facezoo.face.networks import checksums, detect
from facezoo.face.paste import paste
from facezoo.media.read import read_photo
from facezoo.types import Landmarks
from facezoo.zoo.embedded import examples, personas


@pytest.fixture(scope="module")
def picture(portrait: Path) -> np.ndarray:
    return read_photo(portrait)


def test_embedded_networks_are_the_ones_we_were_built_with() -> None:
    assert checksums() and all(checksums().values())


def test_every_shipped_face_is_found() -> None:
    for shipped in [*personas(), *examples()]:
        path = getattr(shipped, "portrait", None) or shipped.path
        faces = find_faces(read_photo(path))
        assert len(faces) == 1, path.name
        assert faces[0].landmarks.presence > 0.9
        assert faces[0].landmarks.points.shape == (68, 2)
        assert faces[0].landmarks.mesh.shape == (468, 3)


def test_no_face_in_noise_or_landscape(landscape: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    assert find_faces(noise) == []
    assert find_faces(read_photo(landscape)) == []


def test_faces_are_ordered_by_size_and_chosen_by_number(picture: np.ndarray) -> None:
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    canvas = np.full((picture.shape[0], picture.shape[1] * 2, 3), 127, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    canvas[:, picture.shape[1] :] = picture
    faces = find_faces(canvas)
    assert [face.number for face in faces] == [1, 2]
    assert faces[0].box.area > faces[1].box.area
    assert choose(faces, 2)[0].box.right < picture.shape[1]
    assert choose(faces, "all") == faces
    with pytest.raises(NoFace, match="faces 1 to 2"):
        choose(faces, 3)


def test_small_faces_of_a_group_are_found_by_tiles(picture: np.ndarray) -> None:
    head = cv2.resize(picture, (90, 90), interpolation=cv2.INTER_AREA)
    canvas = np.full((700, 1000, 3), 90, np.uint8)
    places = [(x, y) for y in (60, 300, 540) for x in (80, 300, 520, 740)]
    for x, y in places:
        canvas[y : y + 90, x : x + 90] = head
    assert len(find_faces(canvas)) == len(places)
    assert len(detect(canvas, thorough=False)) < len(places), "tiles are what finds them"


@pytest.mark.parametrize("angle", [-25, 12, 30])
def test_landmarks_and_roll_follow_a_turned_picture(picture: np.ndarray, angle: float) -> None:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 0.8)  # OpenCV: positive is counter-clockwise
    before = find_faces(picture)[0]
    after = find_faces(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE))[0]
    expected = move(before.landmarks.points, turn.astype(np.float32))
    error = np.linalg.norm(after.landmarks.points - expected, axis=1).mean() / inter_ocular(after.landmarks)
    assert error < 0.04
    assert after.pose.roll - before.pose.roll == pytest.approx(angle, abs=2.5)
    assert after.pose.yaw == pytest.approx(before.pose.yaw, abs=5)


@pytest.mark.parametrize("angle", [75, 90, 135, 180, 225, 270])
def test_a_head_on_its_side_or_upside_down_is_found_as_it_is(angle: float) -> None:
    for person in personas():
        picture = cv2.resize(read_photo(person.portrait), (400, 400), interpolation=cv2.INTER_AREA)
        turn = cv2.getRotationMatrix2D((200, 200), -angle, 0.75)
        (before,) = find_faces(picture)
        (after,) = find_faces(cv2.warpAffine(picture, turn, (400, 400), borderMode=cv2.BORDER_REPLICATE))
        expected = move(before.landmarks.points, turn.astype(np.float32))
        error = np.linalg.norm(after.landmarks.points - expected, axis=1).mean() / inter_ocular(after.landmarks)
        assert error < 0.05, person.id
        crop = move(after.landmarks.points, after.affine)
        assert crop[30:36, 1].mean() < crop[48:60, 1].mean(), "the crop is upright"


@pytest.mark.parametrize("angle", [90, 180])
def test_what_is_pasted_is_turned_as_the_head_is(picture: np.ndarray, angle: int) -> None:
    quarters = angle // 90
    other = portrait_face(read_photo(personas()[1].portrait), "")
    made = [
        paste(face, cv2.resize(other.crop, face.crop.shape[:2]))
        for face in (find_faces(picture)[0], find_faces(np.ascontiguousarray(np.rot90(picture, quarters)))[0])
    ]
    back = np.rot90(made[1], -quarters).astype(int)
    changed = np.abs(made[0].astype(int) - picture).max(axis=2) > 8
    assert np.abs(back - made[0])[changed].mean() < 6 < np.abs(made[0].astype(int) - picture)[changed].mean()


@pytest.mark.parametrize(("name", "roll"), [("duplicate_face.jpg", 0), ("upside_down.jpg", 180)])
def test_pictures_that_went_wrong(shared: Path, name: str, roll: float) -> None:
    path = shared / "regressions" / name
    if not path.is_file():
        pytest.skip("no such picture here")
    (face,) = find_faces(read_photo(path))
    assert abs(abs(face.pose.roll) - roll) < 15


def test_a_mirrored_face_looks_the_other_way(picture: np.ndarray) -> None:
    before, after = find_faces(picture)[0], find_faces(np.ascontiguousarray(picture[:, ::-1]))[0]
    assert after.pose.yaw == pytest.approx(-before.pose.yaw, abs=3)
    assert after.pose.pitch == pytest.approx(before.pose.pitch, abs=3)


def test_pose_of_a_known_rotation() -> None:
    """The mean face, turned by known angles and projected: right, chin down and clockwise are positive."""
    for yaw, pitch, roll in ((20, 0, 0), (0, 15, 0), (0, 0, -10), (-30, 10, 5)):
        y, p, r = np.radians([yaw, pitch, roll])
        turn_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
        turn_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
        turn_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        points = topology().canonical @ (turn_y @ turn_x @ turn_z).T
        depth = 11.0 + points[:, 2:]
        mesh = np.concatenate([points[:, :2] / depth * 11 * 100 + 300, points[:, 2:] * 100], axis=1).astype(np.float32)
        pose = head_pose(Landmarks(to_68(mesh), mesh, 1.0, "mesh"))
        assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=1.0)


def test_triangles_cover_the_face_once_and_mirror() -> None:
    mesh = topology()
    assert mesh.triangles.shape == (852, 3)
    assert sorted({int(i) for i in mesh.triangles.ravel()}) == list(range(468))
    assert (mesh.mirror[mesh.mirror] == np.arange(468)).all()
    flipped = mesh.canonical * [-1, 1, 1]
    assert np.abs(flipped[mesh.mirror] - mesh.canonical).max() < 1e-3
    assert len(set(FACE_OVAL)) == 36


def test_expression_sees_the_open_mouth() -> None:
    shown = {each.id: each for each in examples()}
    laughing, calm = (expression(find_faces(read_photo(shown[i].path))[0].landmarks) for i in ("laughing", "evening"))
    assert laughing[2] > 0.2 > 0.1 > calm[2]


@pytest.mark.parametrize("size", [64, 256, 512])
def test_crop_is_upright_and_of_the_size_asked_for(picture: np.ndarray, size: int) -> None:
    height, width = picture.shape[:2]
    turned = cv2.warpAffine(picture, cv2.getRotationMatrix2D((width / 2, height / 2), 20, 0.9), (width, height))
    face = find_faces(turned, crop_size=size)[0]
    assert face.crop.shape == (size, size, 3)
    points = move(face.landmarks.points, face.affine)
    eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    assert np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1])) == pytest.approx(0, abs=4)
    assert realign(face, 128).crop.shape == (128, 128, 3)


def test_native_crop_size_follows_the_face(picture: np.ndarray) -> None:
    marks = find_faces(picture)[0].landmarks
    _, side = crop_affine(marks)
    doubled = Landmarks(marks.points * 2, marks.mesh * 2, 1.0, "mesh")
    assert crop_affine(doubled)[1] == pytest.approx(2 * side, abs=16)


def test_follower_keeps_the_same_person_though_sizes_change(picture: np.ndarray) -> None:
    other = read_photo(personas()[1].portrait)

    def frame(first: int, second: int) -> np.ndarray:
        canvas = np.full((420, 900, 3), 120, np.uint8)
        for image, left, side in ((picture, 20, first), (other, 460, second)):
            canvas[10 : 10 + side, left : left + side] = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        return canvas

    follower = Follower(1, 128)
    lefts = [follower(frame(380 - 8 * i, 300 + 6 * i))[0].box.left for i in range(16)]
    assert max(lefts) < 440, "still the person on the left, who is now the smaller one"


def test_follower_notices_that_the_face_has_gone(picture: np.ndarray) -> None:
    follower = Follower(1, 128)
    assert len(follower(picture)) == 1
    grey = np.full_like(picture, 128)
    assert follower(grey) == []
    assert len(follower(picture)) == 1


def test_follow_face_says_when_it_is_lost(picture: np.ndarray) -> None:
    face = find_faces(picture)[0]
    assert np.abs(follow_face(picture, face).landmarks.points - face.landmarks.points).mean() < 2
    with pytest.raises(NoFace):
        follow_face(np.full_like(picture, 128), face)


def test_missing_network_is_a_typed_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(networks, "MODELS", tmp_path)
    with pytest.raises(WeightsUnavailable, match="missing or changed"):
        networks.Network("face_landmark.tflite")(np.zeros((1, 192, 192, 3), np.float32))


def test_fan_without_the_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, picture: np.ndarray) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "face_alignment", None)
    networks.fan.cache_clear()
    with pytest.raises(WeightsUnavailable, match="not installed"):
        find_faces(picture, backend="fan")


@pytest.mark.slow
def test_fan_backend_gives_the_same_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture: np.ndarray) -> None:
    """The wiring only: face-alignment's network with random weights under the name it looks for."""
    face_alignment = pytest.importorskip("face_alignment", reason="facezoo[fan] is not installed")
    import torch
    from face_alignment.models import FAN

    assert face_alignment
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    torch.save(FAN(4).state_dict(), checkpoints / "2DFAN4-11f355bf06.pth.tar")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    networks.fan.cache_clear()
    try:
        face = find_faces(picture, crop_size=128, backend="fan", thorough=False)[0]
    finally:
        networks.fan.cache_clear()
    assert face.landmarks.backend == "fan"
    assert face.landmarks.points.shape == (68, 2) and face.landmarks.points.dtype == np.float32
    assert face.landmarks.mesh.shape == (0, 3)
    assert face.crop.shape == (128, 128, 3)
