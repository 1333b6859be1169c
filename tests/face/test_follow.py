"""A face through a clip: who is who after a cut, landmarks that do not tremble, losses bridged or faded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import films
import numpy as np
import pytest

from facezoo.errors import NoFace
from facezoo.face.find import choose, find_faces
from facezoo.face.follow import Follower
from facezoo.face.mesh import inter_ocular
from facezoo.face.steady import Seen, Steady
from facezoo.media.read import open_clip, read_photo
from facezoo.types import Face, Frame, Image
from facezoo.zoo.embedded import personas

RATE = 25


@pytest.fixture(scope="module")
def pictures() -> list[Image]:
    return [
        np.asarray(cv2.resize(read_photo(person.portrait), (240, 240), interpolation=cv2.INTER_AREA))
        for person in personas()[:2]
    ]


@pytest.fixture(scope="module")
def face(pictures: list[Image]) -> Face:
    return find_faces(pictures[0], crop_size=64)[0]


def scene(places: dict[int, Image], *, wide: int = 640) -> Image:
    """Pictures of 240 px at places from the left, over grey."""
    canvas = np.full((260, wide, 3), 120, np.uint8)
    for left, picture in places.items():
        canvas[10:250, left : left + 240] = picture
    return canvas


class TestFollower:
    def test_several_numbers_are_chosen_in_their_order(self, pictures: list[Image]) -> None:
        faces = find_faces(scene({20: pictures[0], 340: pictures[1]}))
        assert [each.number for each in choose(faces, frozenset({2, 1}))] == [1, 2]
        with pytest.raises(NoFace, match="no face 3"):
            choose(faces, frozenset({1, 3}))

    def test_a_number_is_waited_for_and_missed_at_the_end(self, pictures: list[Image]) -> None:
        follower = Follower(frozenset({1, 3}), 16)
        assert len(follower(scene({20: pictures[0], 340: pictures[1]}))) == 1
        with pytest.raises(NoFace, match="no face 3: this film has faces 1 to 2"):
            follower.check_all_came()
        nobody = Follower(1, 16)
        assert nobody(np.full((120, 120, 3), 90, np.uint8)) == []
        with pytest.raises(NoFace, match="No face"):
            nobody.check_all_came()

    def test_a_cut_is_noticed_and_motion_is_none(self, pictures: list[Image]) -> None:
        follower = Follower(1, 16)
        cuts = []
        for left in range(20, 120, 10):
            follower(scene({left: pictures[0]}))
            cuts.append(follower.cut)
        assert not any(cuts), "10 px a frame is motion"
        assert len(follower(scene({380: pictures[0][:, ::-1]}))) == 1, "the largest face of the new shot"
        assert follower.cut
        follower(scene({382: pictures[0][:, ::-1]}))
        assert not follower.cut

    def test_after_a_cut_likeness_decides(self, pictures: list[Image]) -> None:
        before = scene({0: pictures[0], 240: pictures[1]}, wide=1000)
        after = scene({760: pictures[1]}, wide=1000)
        for wanted, found in ((1, 0), ("all", 1), (2, 1), (frozenset({1, 2}), 1)):
            follower = Follower(wanted, 16)
            follower(before)
            follower(255 - before)
            assert follower.cut
            shown = [follower(after) for _ in range(3)][-1]
            assert [face.number for face in shown] == [2] * found, wanted


class TestFilms:
    """Rendered films: who is who is known."""

    @pytest.fixture(scope="class")
    @classmethod
    def actors(cls) -> list[films.Actor]:
        return [films.actor(read_photo(person.portrait), seed) for seed, person in enumerate(personas()[:3])]

    @pytest.mark.parametrize("kind", films.KINDS)
    def test_everybody_keeps_a_number(self, actors: list[films.Actor], kind: str) -> None:
        told = films.follow(films.film(actors, films.shots_of(kind), 1))
        assert told.switches == 0
        assert told.found > 0.85, "newcomers and those who return are found"
        assert told.hidden <= 2, "a hidden face gets nothing"
        assert told.people == len({part.who for _, parts in films.shots_of(kind) for part in parts})

    @pytest.mark.parametrize(("name", "people"), [("all_newcomer", 2), ("leaves_and_returns", 1), ("two_cross", 2)])
    def test_films_that_went_wrong(self, shared: Path, name: str, people: int) -> None:
        path = shared / "regressions" / f"{name}.mp4"
        if not path.is_file():
            pytest.skip("no such film here")
        follower = Follower("all", 16)
        frames = [{face.number: face for face in follower(frame.image)} for frame in open_clip(path).frames()]
        assert {number for each in frames for number in each} == set(range(1, people + 1))
        assert set(frames[-1]) == set(range(1, people + 1)), "all are followed at the end"
        if name == "two_cross":
            first, last = frames[0], frames[-1]
            assert (first[1].box.left < first[2].box.left) and (last[1].box.left > last[2].box.left)


def seen(
    meshes: Sequence[np.ndarray | None],
    face: Face,
    *,
    smoothing: float,
    cut_at: int = -1,
    pictures: Sequence[Image] = (),
) -> list[Seen]:
    """What Steady makes of one face with these meshes, 25 a second; None where it is lost."""
    steady = Steady(smoothing, 64)
    given: list[Seen] = []
    for index, mesh in enumerate(meshes):
        frame = Frame(pictures[index] if pictures else face.frame, index / RATE)
        faces = [] if mesh is None else [at(face, mesh)]
        given += steady.see(frame, faces, cut=index == cut_at)
    given += steady.rest()
    assert [each.frame.time for each in given] == [index / RATE for index in range(len(meshes))]
    return given


def at(face: Face, mesh: np.ndarray) -> Face:
    return replace(face, landmarks=replace(face.landmarks, mesh=mesh.astype(np.float32)))


def moving(face: Face, count: int, *, noise: float = 0.0) -> list[np.ndarray]:
    """The face's mesh on its way to the right, with noise of so many pixels."""
    random = np.random.default_rng(1)
    step = np.array([2.0, 0.5, 0.0])
    return [face.landmarks.mesh + step * i + random.normal(0, noise, (468, 3)) for i in range(count)]


def shifted(picture: Image, index: int) -> Image:
    """The picture as far to the right as `moving` moves the mesh."""
    move = np.array([[1, 0, 2.0 * index], [0, 1, 0.5 * index]])
    return np.asarray(cv2.warpAffine(picture, move, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


def jerk(meshes: Sequence[np.ndarray]) -> float:
    return float(np.abs(np.diff(np.array(meshes)[..., :2], n=3, axis=0)).mean())


class TestSteady:
    def test_without_smoothing_landmarks_stay_as_found(self, face: Face) -> None:
        meshes = moving(face, 30, noise=1.0)
        given = seen(meshes, face, smoothing=0)
        assert all(
            (each.faces[0].landmarks.mesh == mesh.astype(np.float32)).all()
            for each, mesh in zip(given, meshes, strict=True)
        )
        assert all(each.shares == [1.0] for each in given)

    def test_trembling_is_calmed_and_motion_is_kept(self, face: Face) -> None:
        true = moving(face, 50)
        trembling = moving(face, 50, noise=0.6)
        calmed = {}
        for smoothing in (0.3, 1.0):
            given = seen(trembling, face, smoothing=smoothing)
            calmed[smoothing] = jerk([each.faces[0].landmarks.mesh for each in given])
            late = np.mean(
                [each.faces[0].landmarks.mesh - mesh for each, mesh in zip(given, true, strict=True)], axis=0
            )
            assert np.abs(late[:, :2].mean(axis=0)).max() < 0.04 * inter_ocular(face.landmarks), "it does not lag"
        assert calmed[1.0] < 0.5 * calmed[0.3] < 0.5 * jerk(trembling)

    def test_crop_and_points_follow_the_calmed_mesh(self, face: Face) -> None:
        given = seen(moving(face, 30, noise=1.0), face, smoothing=0.5)
        for each in given:
            (one,) = each.faces
            assert one.crop.shape == (64, 64, 3)
            assert (one.landmarks.points[30] == one.landmarks.mesh[4, :2]).all()

    @pytest.mark.parametrize("lost", [1, 4, 10])
    def test_a_short_loss_is_bridged(self, face: Face, lost: int) -> None:
        true = moving(face, 40)
        gap = range(15, 15 + lost)
        meshes = [None if i in gap else mesh for i, mesh in enumerate(true)]
        given = seen(meshes, face, smoothing=0, pictures=[shifted(face.frame, i) for i in range(40)])
        for each, mesh in zip(given, true, strict=True):
            assert each.shares == pytest.approx([1.0])
            assert np.abs(each.faces[0].landmarks.mesh - mesh)[:, :2].mean() < 1.5

    def test_what_is_seen_instead_is_left_alone(self, face: Face) -> None:
        gap = range(15, 19)
        pictures = [shifted(face.frame, i) for i in range(40)]
        for i in gap:
            pictures[i] = np.full_like(face.frame, (40, 160, 60))
        given = seen(
            [None if i in gap else mesh for i, mesh in enumerate(moving(face, 40))],
            face,
            smoothing=0,
            pictures=pictures,
        )
        assert [bool(each.faces) for each in given] == [i not in gap for i in range(40)]

    def test_a_long_loss_stays_and_fades_at_its_edges(self, face: Face) -> None:
        gap = range(15, 27)
        given = seen([None if i in gap else mesh for i, mesh in enumerate(moving(face, 45))], face, smoothing=0.3)
        assert [bool(each.faces) for each in given] == [i not in gap for i in range(45)]
        shares = [each.shares[0] for each in given if each.faces]
        fading = [0.75, 0.5, 0.25, 0.25, 0.5, 0.75]
        assert shares == pytest.approx([1.0] * 12 + fading + [1.0] * 15)

    @pytest.mark.parametrize("cut", [15, 17, 20])
    def test_nothing_reaches_across_a_cut(self, face: Face, cut: int) -> None:
        here, there = moving(face, 20), [mesh + 40 for mesh in moving(face, 20)]
        given = seen([*here[:15], *[None] * 5, *there], face, smoothing=0.5 * (cut == 20), cut_at=cut)
        assert not any(each.faces for each in given[15:cut]), "it is followed back to the cut, no farther"
        assert all(each.shares == [1.0] for each in given[20:]) or cut != 20
        assert np.abs(given[20].faces[0].landmarks.mesh - there[0]).max() < 0.01, "nothing is mixed in"
        assert given[14].shares == [1.0] or cut != 15

    def test_few_frames_are_held_back(self, face: Face) -> None:
        for rate, most in ((10, 8), (25, 17), (240, 33)):
            steady = Steady(0.3, 64)
            held = 0
            for index in range(80):
                held += 1 - len(steady.see(Frame(face.frame, index / rate), [face], cut=False))
                assert held <= most
            assert len(steady.rest()) == held
