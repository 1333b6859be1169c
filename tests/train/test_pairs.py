"""Pairs to learn from: what was moved comes back to where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facezoo.errors import UsageError
from facezoo.motion.photo import MovablePhoto
from facezoo.train.data import face_of, find_people, picture_paths, render_shards
from facezoo.train.pairs import back, pair_jobs, random_motion, render_pairs
from facezoo.zoo import embedded


@pytest.fixture(scope="module")
def people() -> list:
    return find_people(Path(embedded.__file__).parent / "personas")


def test_the_way_back_ends_where_it_began(people: list) -> None:
    random = np.random.default_rng(3)
    (job,) = pair_jobs(people, 2, seed=0)[:1]
    errors = []
    for _ in range(12):
        first = MovablePhoto(job.person.face())
        motion = random_motion(first, job.others, random)
        away = first.layers(motion)
        second = MovablePhoto(face_of(away.image, away.mesh))
        home = second.place(back(first, second, motion))
        errors.append(float(np.linalg.norm((home - first.mesh)[:, :2], axis=1).mean()))
    assert np.median(errors) < 1 and np.mean(np.array(errors) < 1) > 0.7


def test_records_hold_truth_damage_and_where_it_is(people: list) -> None:
    job = pair_jobs(people, 3, seed=1)[0]
    records = render_pairs(job)
    assert records.shape[1:] == (256, 256, 10) and records.dtype == np.uint8 and len(records) > 0
    error = np.abs(records[..., :3].astype(int) - records[..., 3:6]).mean(axis=3)
    damaged = records[..., 9] > 128
    assert damaged.any() and error[damaged].mean() > 1.5 * error[~damaged].mean()
    assert np.array_equal(render_pairs(job), records), "the same seed gives the same pairs"


def _squares(number: int) -> np.ndarray:
    return np.full((number, 2), number, np.uint8)


def test_shards_are_rendered_once_and_read_in_order(tmp_path: Path) -> None:
    shards = render_shards(tmp_path, [2, 0, 3], _squares)
    assert [int(shards[i][0]) for i in range(len(shards))] == [2, 2, 3, 3, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000.npy", "000001.npy", "000002.npy"]
    with pytest.raises(IndexError):
        shards[5]
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    render_shards(tmp_path, [2, 0, 3], _squares)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == times


def test_a_folder_without_pictures_or_faces_says_so(tmp_path: Path, landscape: Path) -> None:
    with pytest.raises(UsageError, match="no picture"):
        picture_paths(tmp_path)
    with pytest.raises(UsageError, match="No face"):
        find_people(landscape.parent)
