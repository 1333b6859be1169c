"""motion_transfer as a user has it: sliders, templates, clips made of a synthetic person, what it refuses and says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

import facezoo
from facezoo.errors import ConsentRequired, NoFace, UsageError
from facezoo.evaluate.reenactment import self_reenactment
from facezoo.face.find import find_faces
from facezoo.face.mesh import expression
from facezoo.media.read import open_clip, read_photo
from facezoo.media.write import write_clip, write_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.driver import track
from facezoo.motion.eyes import read_eyes
from facezoo.motion.motion import still
from facezoo.motion.photo import MovablePhoto
from facezoo.motion.template import save_template, shipped
from facezoo.runner import Live, keep_motion
from facezoo.types import Frame, Image
from facezoo.zoo.embedded import examples, personas

METHOD = "motion_transfer"


@pytest.fixture(scope="module")
def actor() -> MovablePhoto:
    """A synthetic person who drives."""
    return MovablePhoto(find_faces(read_photo(personas()[1].portrait))[0])


@pytest.fixture(scope="module")
def puppet(portrait: Path) -> MovablePhoto:
    return MovablePhoto(find_faces(read_photo(portrait))[0])


def _act(actor: MovablePhoto, count: int = 24) -> Iterator[Image]:
    """Turns from side to side and opens the mouth once."""
    for number in range(count):
        turn = np.sin(2 * np.pi * number / count)
        opened = np.sin(np.pi * number / count) ** 2
        controls = Controls(yaw=float(14 * turn), pitch=float(6 * turn), mouth=float(0.7 * opened))
        yield actor.draw(motion_of(controls, actor.placement.rotation))


@pytest.fixture(scope="module")
def clip(actor: MovablePhoto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 frames whose times are not even."""
    path = tmp_path_factory.mktemp("driver") / "driver.mp4"
    times = np.cumsum([0.0, *np.tile([0.04, 0.06], 12)])
    write_clip(path, [Frame(f, t) for f, t in zip(_act(actor), times, strict=False)], rate=Fraction(20))
    return path


@pytest.fixture(scope="module")
def glance(actor: MovablePhoto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first third of that: a turn to one side."""
    path = tmp_path_factory.mktemp("driver") / "glance.mp4"
    write_clip(path, [Frame(f, n / 20) for n, f in enumerate(islice(_act(actor), 8))], rate=Fraction(20))
    return path


@pytest.fixture(scope="module")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of a painting; as a copy it needs consent."""
    whole = read_photo(next(each.path for each in examples() if each.kind == "painting"))
    size = (whole.shape[1] * 300 // whole.shape[0], 300)
    path = tmp_path_factory.mktemp("painting") / "painting.png"
    write_photo(path, np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8))
    return path


def _pose(image: Image) -> np.ndarray:
    pose = find_faces(image, thorough=False)[0].pose
    return np.array([pose.yaw, pose.pitch, pose.roll])


class TestSliders:
    def test_head_turns_by_the_degrees_asked_for(self, portrait: Path, tmp_path: Path) -> None:
        before = _pose(read_photo(portrait))
        asked = {"yaw": 15, "pitch": 8, "roll": 10}
        sealed = facezoo.run(METHOD, portrait, params=asked, output=tmp_path / "a.png")
        turned = _pose(read_photo(sealed.path)) - before  # the finder reports 60 to 95 % of what it is shown
        assert (turned > [7, 4, 8]).all()
        assert (turned < [18, 11, 12]).all()
        assert facezoo.verify(sealed.path).c2pa == "trusted"
        assert sealed.record["driving"] is None

    def test_mouth_and_eyes(self, puppet: MovablePhoto) -> None:
        def opening(**controls: float) -> np.ndarray:
            image = puppet.draw(motion_of(Controls(**controls), puppet.placement.rotation))
            face = find_faces(image)[0]
            return np.append(read_eyes(image, face.landmarks.mesh).opening, expression(face.landmarks)[2])

        rest = opening()
        assert opening(mouth=0.8)[2] > rest[2] + 0.3
        assert (opening(blink=1)[:2] < 0.8 * rest[:2]).all()  # lashes confuse the finder: see the pictures
        shut = opening(wink=-1)
        assert shut[0] < 0.8 * rest[0]
        assert shut[1] > 0.9 * rest[1]

    def test_iris_moves(self, puppet: MovablePhoto) -> None:
        def gaze(x: float) -> float:
            image = puppet.draw(motion_of(Controls(look_x=x), puppet.placement.rotation))
            return float(read_eyes(image, find_faces(image)[0].landmarks.mesh).gaze[0])

        assert gaze(1) - gaze(-1) > 0.12

    def test_nothing_asked_is_said(self, portrait: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="Nothing was asked"):
            facezoo.run(METHOD, portrait, output=tmp_path / "a.png")
        assert list(tmp_path.iterdir()) == []


def test_still_motion_leaves_the_photo(puppet: MovablePhoto) -> None:
    """All but the eyes' and the mouth's own pixels come back within what resampling changes."""
    difference = np.abs(puppet.draw(still()).astype(int) - puppet.photo)
    assert difference.mean() < 1
    assert np.percentile(difference, 99) < 12


def test_same_motion_same_pixels(puppet: MovablePhoto) -> None:
    motion = motion_of(Controls(yaw=12, mouth=0.5), puppet.placement.rotation)
    assert np.array_equal(puppet.draw(motion), puppet.draw(motion))


def _few(name: str, folder: Path, every: int) -> Path:
    """A shipped motion with every so many of its moments, as a file."""
    whole = shipped(name)
    return save_template(replace(whole, motions=whole.motions[::every], rate=whole.rate / every), folder / "few.motion")


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".webp"])
def test_a_template_moves_a_painting(suffix: str, painting: Path, tmp_path: Path) -> None:
    """One that ships, by its name; as other formats a file with a few moments of it."""
    driving = "nod" if suffix == ".mp4" else _few("nod", tmp_path, 10)
    sealed = facezoo.run(METHOD, painting, driving=driving, consent=True, output=tmp_path / f"a{suffix}")
    assert facezoo.verify(sealed.path).c2pa == "trusted"
    assert sealed.record["driving"] == {"kind": "template", "name": "nod"}
    pictures = [frame.image.astype(int) for frame in open_clip(sealed.path).frames()]
    whole = len(shipped("nod").motions)
    assert len(pictures) == sealed.record["frames"] == (whole if suffix == ".mp4" else -(-whole // 10))
    moved = np.abs(pictures[len(pictures) // 3] - pictures[0]).mean(axis=2)
    face = find_faces(read_photo(painting))[0].box
    x, y = int((face.left + face.right) / 2), int((face.top + face.bottom) / 2)
    assert moved[y - 8 : y + 8, x - 8 : x + 8].mean() > 1.5 * moved[:4].mean() + 0.5


def test_a_clip_drives_somebody_else(portrait: Path, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(ConsentRequired, match="driving clip"):
        facezoo.run(METHOD, portrait, driving=clip, output=tmp_path / "a.mp4")
    told: list[str] = []
    sealed = facezoo.run(
        METHOD, portrait, driving=clip, consent=True, output=tmp_path / "a.mp4", params={"smoothing": 0},
        progress=lambda stage, _fraction: told.append(stage),
    )  # fmt: skip
    driver, result = ([*open_clip(path).frames()] for path in (clip, sealed.path))
    assert [frame.time for frame in result] == pytest.approx([frame.time for frame in driver], abs=0.002)
    faces = [[find_faces(frame.image, thorough=False)[0] for frame in frames] for frames in (driver, result)]
    assert np.corrcoef(*([face.pose.yaw for face in each] for each in faces))[0, 1] > 0.98
    mouths = [[expression(face.landmarks)[2] for face in each] for each in faces]
    assert np.corrcoef(*mouths)[0, 1] > 0.95
    assert {"detect", "method"} <= set(told)


def test_the_first_frame_follows_its_own_clip(clip: Path) -> None:
    found = self_reenactment(open_clip(clip), every=3)
    ours, static = found["driver's mouth"], found["static"]
    assert ours.saved.low > 0.8
    assert ours.pose.mean < 0.35 * static.pose.mean
    assert ours.ssim.mean > static.ssim.mean
    assert ours.nme.n == 7


def test_options(puppet: MovablePhoto, portrait: Path, glance: Path, tmp_path: Path) -> None:
    def last(**params: object) -> Image:
        out = tmp_path / "a.mp4"
        facezoo.run(METHOD, portrait, driving=glance, consent=True, output=out, params=params)
        return [frame.image for frame in open_clip(out).frames()][6]

    start = puppet.placement.pose
    turned = _pose(last(start="first"))[0] - start.yaw
    assert turned > 8
    assert abs(_pose(last(start="first", strength=0))[0] - start.yaw) < 2
    assert abs(_pose(last(start="first", region="lips"))[0] - start.yaw) < 2.5
    assert _pose(last(start="first", region="pose"))[0] - start.yaw == pytest.approx(turned, abs=2)
    wide = last(beside=True)
    assert wide.shape[0] == puppet.photo.shape[0]
    assert wide.shape[1] > 1.5 * puppet.photo.shape[1]


def test_a_driving_photo_gives_a_photo(portrait: Path, actor: MovablePhoto, tmp_path: Path) -> None:
    posed = actor.draw(motion_of(Controls(yaw=16, mouth=0.8), actor.placement.rotation))
    write_photo(tmp_path / "posed.png", posed)
    sealed = facezoo.run(METHOD, portrait, driving=tmp_path / "posed.png", consent=True, output=tmp_path / "a.png")
    result = read_photo(sealed.path)
    assert _pose(result)[:2] == pytest.approx(_pose(posed)[:2], abs=6)
    assert expression(find_faces(result)[0].landmarks)[2] > 0.2


def test_a_motion_is_kept_without_its_pictures(portrait: Path, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(ConsentRequired, match="driving clip"):
        keep_motion(clip, tmp_path / "mine.motion")
    with pytest.raises(UsageError, match="cannot be written"):
        keep_motion(clip, tmp_path / "mine.txt", consent=True)
    with pytest.raises(UsageError, match="no motion"):
        keep_motion(portrait, tmp_path / "mine.motion")
    assert list(tmp_path.iterdir()) == []
    kept = keep_motion(clip, tmp_path / "mine.motion", consent=True)
    assert len(kept.motions) == 24
    sealed = facezoo.run(METHOD, portrait, driving=tmp_path / "mine.motion", output=tmp_path / "a.mp4")
    driver, result = ([_pose(frame.image)[0] for frame in open_clip(path).frames()] for path in (clip, sealed.path))
    assert np.corrcoef(driver, result)[0, 1] > 0.95


class TestAFaceThatIsLost:
    def test_in_the_middle(self, portrait: Path, actor: MovablePhoto, tmp_path: Path) -> None:
        frames = [Frame(image, number / 20) for number, image in enumerate(_act(actor))]
        frames[8:14] = [Frame(np.full_like(frame.image, 90), frame.time) for frame in frames[8:14]]
        write_clip(tmp_path / "gap.mp4", frames, rate=Fraction(20))
        sealed = facezoo.run(METHOD, portrait, driving=tmp_path / "gap.mp4", consent=True, output=tmp_path / "a.mp4")
        assert sealed.record["frames"] == 24
        assert any("not seen in 6 of 24 frames" in note for note in sealed.record["notes"])
        yaw = [_pose(frame.image)[0] for frame in open_clip(sealed.path).frames()]
        assert np.ptp(yaw[8:14]) < 1
        assert np.abs(np.diff(yaw)).max() < 8

    def test_always(self, portrait: Path, tmp_path: Path) -> None:
        write_clip(
            tmp_path / "empty.mp4",
            [Frame(np.full((120, 160, 3), 90 + n, np.uint8), n / 10) for n in range(5)],
            rate=Fraction(10),
        )
        for start in ("best", "first"):
            with pytest.raises(NoFace, match="driving clip"):
                facezoo.run(
                    METHOD, portrait, driving=tmp_path / "empty.mp4", consent=True, output=tmp_path / "a.mp4",
                    params={"start": start},
                )  # fmt: skip
        assert [path.name for path in tmp_path.iterdir()] == ["empty.mp4"]

    def test_several_faces(self, portrait: Path, actor: MovablePhoto, puppet: MovablePhoto, tmp_path: Path) -> None:
        both = slice(0, min(actor.photo.shape[0], puppet.photo.shape[0]))
        frames = [
            Frame(np.hstack([image[both], puppet.photo[both]]), number / 20)
            for number, image in enumerate(_act(actor, 6))
        ]
        write_clip(tmp_path / "two.mp4", frames, rate=Fraction(20))
        sealed = facezoo.run(METHOD, portrait, driving=tmp_path / "two.mp4", consent=True, output=tmp_path / "a.mp4")
        assert any("2 faces" in note for note in sealed.record["notes"])


def test_too_far_a_turn_is_held_back_and_said(portrait: Path, tmp_path: Path) -> None:
    params = {"strength": 2, "yaw": 20}
    around = _few("look_around", tmp_path, 15)
    sealed = facezoo.run(METHOD, portrait, driving=around, params=params, output=tmp_path / "a.mp4")
    assert any("degrees further" in note for note in sealed.record["notes"])


def test_refusals(portrait: Path, clip: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ({"inputs": clip, "driving": clip}, "not a clip"),
        ({"inputs": portrait, "driving": clip, "face": "all"}, "One face at a time"),
        ({"inputs": portrait, "driving": clip, "output": tmp_path / "a.png"}, "cannot be written"),
        ({"inputs": portrait, "params": {"yaw": 10}, "output": tmp_path / "a.mp4"}, "cannot be written"),
    ):
        with pytest.raises(UsageError, match=words):
            facezoo.run(METHOD, consent=True, **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shift", [(-0.8, 0), (0.8, 0), (0, -0.8), (0, 0.8)])
def test_a_face_at_the_edge_may_leave_the_picture(actor: MovablePhoto, shift: tuple[float, float]) -> None:
    left, _, right, _ = np.array([*actor.mesh[:, :2].min(axis=0), *actor.mesh[:, :2].max(axis=0)]).astype(int)
    cut = np.ascontiguousarray(actor.photo[:, : int(right - 0.3 * (right - left))])
    puppet = MovablePhoto(find_faces(cut)[0])
    for yaw in (-25.0, 25.0):
        turned = motion_of(Controls(yaw=yaw), puppet.placement.rotation)
        moved = replace(turned, shift=np.array(shift, np.float32), zoom=0.7)
        assert puppet.draw(moved).shape == cut.shape


def test_neighbours_stay(puppet: MovablePhoto, actor: MovablePhoto) -> None:
    rows = slice(0, min(actor.photo.shape[0], puppet.photo.shape[0]))
    both = np.hstack([puppet.photo[rows], actor.photo[rows]])
    first, second = sorted(find_faces(both), key=lambda face: face.box.left)
    moved = MovablePhoto(first, [second.box]).draw(motion_of(Controls(yaw=20, mouth=1), puppet.placement.rotation))
    box = second.box
    part = np.s_[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
    assert np.array_equal(moved[part], both[part])
    assert not np.array_equal(moved, both)


class TestLive:
    def test_sliders_and_webcam(self, portrait: Path, actor: MovablePhoto, tmp_path: Path) -> None:
        live = Live(METHOD, portrait)
        before = read_photo(portrait)
        assert _pose(live.pose({"yaw": 15}))[0] - _pose(before)[0] > 7
        with pytest.raises(NoFace, match="recorded"):
            live.recorded()
        blank = np.full((120, 160, 3), 90, np.uint8)
        assert np.abs(live.follow(blank, 0).astype(int) - before).mean() < 3
        followed = [live.follow(image, 0.1 + number / 20) for number, image in enumerate(_act(actor, 12))]
        yaw = [_pose(image)[0] for image in followed]
        assert yaw[3] - yaw[9] > 12
        live.follow(blank, 0.8)
        path = save_template(live.recorded(), tmp_path / "mine.motion")
        sealed = facezoo.run(METHOD, portrait, driving=path, output=tmp_path / "a.mp4")
        assert sealed.record["frames"] >= 12

    def test_consent_is_asked_for(self, actor: MovablePhoto, tmp_path: Path) -> None:
        write_photo(tmp_path / "somebody.png", np.ascontiguousarray(actor.photo[:, ::-1]))
        with pytest.raises(ConsentRequired):
            Live(METHOD, tmp_path / "somebody.png")


def test_gaze_is_held_while_the_eyes_are_shut(puppet: MovablePhoto) -> None:
    shut = motion_of(Controls(blink=1), puppet.placement.rotation)
    images = [puppet.photo, puppet.draw(shut), puppet.photo]
    seen = [sight.observation for _, sight in track(Frame(image, n / 10) for n, image in enumerate(images))]
    assert seen[1] is not None
    assert seen[0] is not None
    assert seen[1].gaze == pytest.approx(seen[0].gaze)
    assert (seen[1].eyes < 0.6 * seen[0].eyes).all()
