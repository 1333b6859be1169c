"""Frames from one portrait and pairs of people: exact labels, the same for everyone who asks, whole or not there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from facezoo.errors import NoFace, UsageError, WeightsUnavailable
from facezoo.face import embedding
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls
from facezoo.motion.goal import Goal, draw_goal
from facezoo.motion.motion import lip_opening
from facezoo.train.render import appearance as frames_look
from facezoo.train.render import frames
from facezoo.train.render import store as frames_store
from facezoo.train.render.appearance import Appearance
from facezoo.train.render.frames import ANYONE, LABELS, PERSONA, FrameSettings, pair, persona_frame
from facezoo.train.render.match import match
from facezoo.types import Face, Pose
from facezoo.zoo.embedded import personas

SCRIPT = Path(__file__).parents[2] / "training" / "persona_frames.py"
SETTINGS = FrameSettings(size=128)
CLEAN = FrameSettings(light=0, compression=0, background=0)


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    return [find_faces(read_photo(person.portrait), crop_size=64, thorough=False)[0] for person in personas()]


@pytest.fixture(scope="module")
def subjects(faces: list[Face]) -> list[frames.Subject]:
    return [frames.prepare(face, CLEAN) for face in faces[:2]]


def test_a_frame_depends_on_seed_and_index_alone(faces: list[Face], subjects: list[frames.Subject]) -> None:
    portrait = frames.prepare(faces[1], SETTINGS)
    first, second = (persona_frame(portrait, index, seed=7, settings=SETTINGS) for index in range(2))
    alone = persona_frame(frames.prepare(faces[1], SETTINGS), 1, seed=7, settings=SETTINGS)
    assert np.array_equal(alone.image, second.image) and np.array_equal(alone.mesh, second.mesh)
    assert alone.look == second.look and alone.goal == second.goal
    other = persona_frame(subjects[1], 1, seed=8, settings=SETTINGS)
    assert not np.array_equal(other.image, second.image)
    assert first.image.shape == (128, 128, 3) and first.labels.shape == (128, 128)
    assert first.mesh.shape == (468, 3) and first.points.shape == (68, 2)


def test_landmarks_are_where_the_face_was_drawn(subjects: list[frames.Subject]) -> None:
    for index in range(6):
        sample = persona_frame(subjects[index % 2], index, seed=1, settings=CLEAN)
        found = find_faces(sample.image, crop_size=64, thorough=False)[0].landmarks
        eyes = float(np.linalg.norm(sample.points[36:42].mean(axis=0) - sample.points[42:48].mean(axis=0)))
        assert np.linalg.norm(found.points - sample.points, axis=1).mean() < 0.05 * eyes
        assert sample.mesh_error < 4 and abs(sample.yaw_error) < 6


def test_labels_cover_the_face(subjects: list[frames.Subject]) -> None:
    talking = [persona_frame(subjects[1], index, seed=2, settings=CLEAN) for index in range(8)]
    for sample in talking:
        counts = np.bincount(sample.labels.ravel(), minlength=len(LABELS))
        assert len(counts) == len(LABELS) and counts[1] > 2000 and counts[6] > 100
        inside = np.rint(sample.points[27:31]).astype(int)  # the bridge of the nose
        assert (sample.labels[inside[:, 1], inside[:, 0]] == 2).all()
        opened = sample.goal.controls.mouth > 0.2
        assert counts[7] > 60 if opened else counts[7] < 400
        if sample.goal.controls.blink == 0 and sample.goal.controls.wink == 0:
            assert counts[4] > 40 and counts[5] > 40


def test_pairs_do_the_same(subjects: list[frames.Subject]) -> None:
    for index in range(4):
        made = pair(subjects[0], subjects[1], index, seed=3, settings=FrameSettings())
        first, second = made.first, made.second
        assert first.goal == second.goal
        for angle in ("yaw", "pitch", "roll"):
            assert abs(getattr(first.pose, angle) - getattr(second.pose, angle)) < 0.5
        assert np.abs(first.gaze - second.gaze).max() < 1e-5
        assert second.look == Appearance(), "the persona is the truth and stays clean"


def test_goals_are_varied_and_within_what_faces_do() -> None:
    random = np.random.default_rng(0)
    goals = [draw_goal(random, pitch=5.0) for _ in range(400)]
    yaws = np.array([goal.pose.yaw for goal in goals])
    assert np.abs(yaws).max() <= 35 and 13 < yaws.std() < 19
    for name in ("smile", "mouth", "pucker", "brows", "blink", "look_x", "look_y"):
        values = np.array([getattr(goal.controls, name) for goal in goals])
        assert np.abs(values).max() <= 1 and values.std() > 0.1, name
    assert all(goal.controls == replace(goal.controls, yaw=0, pitch=0, roll=0) for goal in goals)
    assert Controls() not in {goal.controls for goal in goals}


def test_a_lamp_lights_its_own_side(subjects: list[frames.Subject]) -> None:
    plain = persona_frame(subjects[1], 0, seed=1, settings=CLEAN)
    raster = frames.rasterise(plain.mesh, frames.topology().triangles, (256, 256))
    person = np.ones((256, 256), np.float32)
    sides = {}
    for azimuth in (-70.0, 70.0):
        lit = frames_look.relight(plain.image, plain.mesh, raster, person, Appearance(azimuth=azimuth, key=0.8))
        left, right = (np.rint(plain.mesh[point, :2]).astype(int) for point in (50, 280))  # both cheeks
        sides[azimuth] = float(lit[left[1], left[0]].mean()) - float(lit[right[1], right[0]].mean())
    assert sides[-70.0] > sides[70.0] + 40
    same = frames_look.relight(plain.image, plain.mesh, raster, person, Appearance())
    assert np.abs(same.astype(int) - plain.image).max() <= 2, "an appearance of defaults changes nothing"
    assert np.array_equal(frames_look.spoil(plain.image, Appearance()), plain.image)


def test_beyond_the_photo_nothing_is_mirrored() -> None:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:, :, 0] = 200
    picture[:40] = np.arange(40, dtype=np.uint8)[:, None, None] * 6
    inside = np.ones((128, 128), np.float32)
    inside[:40] = 0
    filled, person = frames_look.fill_outside(picture, np.zeros((128, 128), np.float32), inside)
    assert np.abs(filled[:30].astype(int) - (200, 0, 0)).max() < 12 and person.max() == 0
    assert np.array_equal(filled[60:], picture[60:])


def test_portraits_that_do_not_suit_are_told_why(faces: list[Face], landscape: Path) -> None:
    frames.check_face(faces[1], PERSONA)
    with pytest.raises(UsageError, match="turned"):
        frames.check_face(faces[1], replace(PERSONA, yaw=0.1))
    with pytest.raises(UsageError, match="small"):
        frames.check_face(faces[1], replace(ANYONE, height=2000))
    with pytest.raises(UsageError, match="open"):
        frames.check_face(faces[1], replace(ANYONE, opening=0.0))
    assert find_faces(read_photo(landscape)) == []


def test_a_frame_that_is_not_like_its_portrait_is_thrown_away(subjects: list[frames.Subject]) -> None:
    with pytest.raises(NoFace, match="like it"):
        persona_frame(subjects[0], 0, seed=0, settings=replace(CLEAN, yaw_error=-1.0))


def test_without_the_embedder_identities_are_not_compared(faces: list[Face], monkeypatch: pytest.MonkeyPatch) -> None:
    embedding._embedder.cache_clear()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(WeightsUnavailable, match="identity"):
        frames.prepare(faces[0], FrameSettings(identity=0.45))
    embedding._embedder.cache_clear()


def test_written_frames_are_known_again(subjects: list[frames.Subject], tmp_path: Path) -> None:
    sample = persona_frame(subjects[0], 0, seed=0, settings=SETTINGS)
    origin = {"index": 0, "seed": 0}
    assert not frames_store.is_written(tmp_path, "000000", origin)
    frames_store.write_frame(tmp_path, "000000", sample, origin)
    assert frames_store.is_written(tmp_path, "000000", origin)
    assert not frames_store.is_written(tmp_path, "000000", origin | {"seed": 1})
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "masks" / "000000.png")), sample.labels)
    (record,) = frames_store.gather_frames(tmp_path, ["000000"], {})
    assert record["identity_distance"] is None and record["pose"]["yaw"] == pytest.approx(sample.pose.yaw, abs=1e-3)
    with np.load(tmp_path / "frames.npz") as arrays:
        assert np.array_equal(arrays["mesh"][0], sample.mesh) and arrays["controls"].shape == (1, 11)
    (tmp_path / "frames" / "000000.jpg").write_bytes(b"cut off")
    assert not frames_store.is_written(tmp_path, "000000", origin)


def _run(output: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, "--output", output, "--size", "96", "--identity", "0", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_laugh_is_matched_and_left_as_it_is(subjects: list[frames.Subject]) -> None:
    """A portrait with an open mouth: nothing in it is moved, and the other person opens theirs as far."""
    laugh = frames.render(subjects[0], Goal(Pose(8, 0, 3), Controls(mouth=0.6, smile=0.5)), Appearance(), CLEAN, 1)
    face = find_faces(laugh.image, crop_size=CLEAN.size, thorough=False)[0]
    blind = np.zeros((6, 468 * 3 + 1), np.float32)
    both = match(face, subjects[1], blind, CLEAN)
    assert np.array_equal(both.first.image, face.crop)
    (wide, width), (other, span) = lip_opening(both.first.mesh), lip_opening(both.second.mesh)
    assert wide / width > 0.15 and abs(wide / width - other / span) < 0.1
    assert abs(both.second.pose.yaw - both.first.pose.yaw) < 6 and abs(both.second.pose.yaw - 8) < 6


@pytest.mark.slow
def test_portraits_as_they_are(tmp_path: Path) -> None:
    people = tmp_path / "people"
    people.mkdir()
    for person in personas():  # the persona is not anyone
        shutil.copy(person.portrait, people)
    assert _run(tmp_path / "pairs", "--portrait", "joss", "--anyone", people, "--pairs", "6").returncode == 0
    command = ("--portrait", "joss", "--anyone", people, "--expressions", tmp_path / "pairs" / "train")
    done = _run(tmp_path / "more", *command, "--held-back", "0.3")
    assert done.returncode == 0, done.stderr
    counts = {name: json.loads((tmp_path / "more" / name / "manifest.json").read_text())["count"]
              for name in ("train", "held_back")}  # fmt: skip
    assert counts == {"train": 8, "held_back": 4}  # each as it is and mirrored, with the persona beside it
    assert "give one of these" in _run(tmp_path / "more", *command, "--pairs", "6").stderr


@pytest.mark.slow
def test_one_process_or_two_and_going_on(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    done = _run(one, "--portrait", "joss", "--count", "8", "--processes", "1")
    assert done.returncode == 0, done.stderr
    assert "a second" in done.stdout
    assert _run(two, "--portrait", "joss", "--count", "8", "--processes", "2").returncode == 0
    assert _files(one) == _files(two)
    manifest = json.loads((one / "manifest.json").read_text())
    assert len(manifest["files"]) == 18
    assert all(frames_store.digest(one / name) == sha256 for name, sha256 in manifest["files"].items())
    kept = (one / "frames" / "000001.jpg").stat().st_mtime_ns
    (one / "masks" / "000000.png").unlink()
    (one / "frames" / "000003.jpg").write_bytes(b"broken")
    again = _run(one, "--portrait", "joss", "--count", "8", "--processes", "2")
    assert "2 made" in again.stdout and _files(one) == _files(two)
    assert (one / "frames" / "000001.jpg").stat().st_mtime_ns == kept


@pytest.mark.slow
def test_pairs_are_split_by_person(tmp_path: Path) -> None:
    people = tmp_path / "people"
    people.mkdir()
    for person in personas():
        shutil.copy(person.portrait, people)
    done = _run(tmp_path / "pairs", "--portrait", "joss", "--anyone", people, "--pairs", "8", "--held-back", "0.25")
    assert done.returncode == 0, done.stderr
    sets = {}
    for name in ("train", "held_back"):
        manifest = json.loads((tmp_path / "pairs" / name / "manifest.json").read_text())
        sets[name] = set(manifest["settings"]["people"])
        assert manifest["count"] == {"train": 12, "held_back": 4}[name]
    assert sets["train"] and sets["held_back"] and not sets["train"] & sets["held_back"]
    done = _run(tmp_path / "anyone", "--anyone", people, "--each", "2")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "anyone" / "manifest.json").read_text())["count"] == 2 * len(personas())


def test_a_picture_without_a_face_says_so(tmp_path: Path, landscape: Path) -> None:
    done = _run(tmp_path, "--portrait", landscape)
    assert done.returncode != 0 and "No face was found" in done.stderr
    assert _run(tmp_path).returncode == 2
