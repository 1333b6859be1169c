"""A face moved by its points: what a posture does, and that dragging brings a point to where it was dragged."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from facezoo.errors import UsageError
from facezoo.face.mesh import INNER_LIPS, topology
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.handles import HANDLES, RANGES, Posture, drag, handles_at, posture_from, posture_of, pull
from facezoo.motion.read import pose_mesh
from facezoo.motion.smoothing import Calm, against
from facezoo.types import Pose

REST = topology().canonical
SIDE = 256
# handle -> px that it is dragged, within what a face can do
WAYS = {
    "forehead": (16, 0), "brow_left": (0, -4), "brow_right": (0, 2), "lid_left": (0, 4), "lid_right": (0, 2),
    "iris_left": (3, 0), "iris_right": (-3, 1), "nose": (10, 5), "corner_left": (-1, -3), "corner_right": (-2, 2),
    "upper_lip": (0, -5), "lower_lip": (0, 5), "chin": (0, 10),
}  # fmt: skip


def test_every_field_has_a_range_and_rest_is_in_it() -> None:
    assert set(RANGES) == {field.name for field in fields(Posture)}
    assert all(low <= 0 <= high and low < high for low, high in RANGES.values())
    assert {name for handle in HANDLES.values() for name in handle.moves} <= set(RANGES)
    assert set(WAYS) == set(HANDLES)


@pytest.mark.parametrize("name", HANDLES)
@pytest.mark.parametrize("start", [Posture(), Posture(yaw=12, roll=-9, mouth=0.3, smile=0.2, lid_left=0.2)])
def test_a_dragged_point_goes_there(name: str, start: Posture) -> None:
    x, y = handles_at(start, REST, SIDE)[name]
    goal = (x + WAYS[name][0], y + WAYS[name][1])
    moved = drag(start, name, goal, REST, SIDE)
    away = math.dist(handles_at(moved, REST, SIDE)[name], goal)
    assert away < 0.75 * math.hypot(*WAYS[name])  # a point on a path comes as near as the path
    changed = {field.name for field in fields(Posture) if getattr(moved, field.name) != getattr(start, field.name)}
    part = name.partition("_")[0]
    both = {"brow": {"brows", "brow_left", "brow_right"}, "corner": {"smile", "corner_left", "corner_right"}}
    assert changed <= set(HANDLES[name].moves) | both.get(part, set())
    assert changed
    for field in changed:
        low, high = RANGES[field]
        assert low <= getattr(moved, field) <= high


@pytest.mark.parametrize("name", HANDLES)
def test_far_away_is_as_far_as_a_face_goes(name: str) -> None:
    for goal in ((-900.0, -900.0), (900.0, 900.0), (128.0, 9e6)):
        moved = drag(Posture(), name, goal, REST, SIDE)
        posture_from(vars(moved))
        assert all(low <= vars(moved)[field] <= high for field, (low, high) in RANGES.items())


def test_sides_move_for_themselves() -> None:
    rest, left = pull(Posture()), pull(Posture(brow_left=1, lid_left=1, corner_left=1))
    assert rest.expression.any() == False and (rest.eyes == 1).all()  # noqa: E712
    moved = np.linalg.norm(left.expression, axis=1)
    assert moved[[105, 61]].min() > 0.05 > 0.005 > moved[[334, 291]].max()
    assert left.eyes[0] == 0 and left.eyes[1] > 0.8


@pytest.mark.parametrize(("handle", "slider", "way"), [("corner_left", "smile", -4), ("brow_right", "brows", -5)])
def test_sliders_follow_what_is_dragged(handle: str, slider: str, way: int) -> None:
    """Half of a side's way is on the slider for both; the other side stays where it was."""
    start = Posture(yaw=10)
    here = handles_at(start, REST, SIDE)
    moved = drag(start, handle, (here[handle][0], here[handle][1] + way), REST, SIDE)
    other = handle.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")
    assert getattr(moved, slider) > 0.1
    assert math.dist(handles_at(moved, REST, SIDE)[other], here[other]) < 2  # lips draw in together


def test_a_finger_can_tell_the_points_apart() -> None:
    for posture in (Posture(), Posture(yaw=25), Posture(blink=1), Posture(brows=-1)):
        places = handles_at(posture, REST, SIDE).values()
        assert min(math.dist(*pair) for pair in combinations(places, 2)) > 0.045 * SIDE


def test_both_sides_are_the_sliders() -> None:
    asked = Controls(smile=0.5, brows=-0.4, mouth=0.3, yaw=10, look_x=0.5)
    by_slider = motion_of(asked)
    by_posture = pull(posture_from(vars(asked)))
    assert by_posture.expression == pytest.approx(by_slider.expression, abs=1e-6)
    assert np.array_equal(by_posture.rotation, by_slider.rotation) and np.array_equal(by_posture.gaze, by_slider.gaze)
    sides = pull(posture_from({**vars(replace(asked, smile=0.0)), "corner_left": 0.5, "corner_right": 0.5}))
    assert sides.expression == pytest.approx(by_slider.expression, abs=1e-6)


def test_lips_part_without_the_chin() -> None:
    closed, opened = (pose_mesh(REST, pull(each), SIDE) for each in (Posture(), Posture(upper_lip=1, lower_lip=1)))
    gap = [mesh[14, 1] - mesh[13, 1] for mesh in (closed, opened)]
    assert gap[1] > gap[0] + 6
    assert np.abs(opened[152] - closed[152]).max() < 2.5 < gap[1] - gap[0]
    corners = [INNER_LIPS[0], INNER_LIPS[10]]
    assert np.abs(opened[corners] - closed[corners]).max() < 1.5


def test_a_tilted_head_is_tilted() -> None:
    upright, tilted = (handles_at(each, REST, SIDE) for each in (Posture(), Posture(roll=20)))
    slope = {
        name: math.degrees(math.atan2(*np.subtract(at["iris_right"], at["iris_left"])[::-1]))
        for name, at in (("upright", upright), ("tilted", tilted))
    }
    assert slope["tilted"] - slope["upright"] == pytest.approx(20, abs=1)
    assert tilted["forehead"][0] > upright["forehead"][0] + 10


def test_postures_from_strangers() -> None:
    assert posture_from({}) == Posture()
    assert posture_from({"yaw": 900, "smile": "-3", "lid_left": -1}) == Posture(yaw=30, smile=-1)
    with pytest.raises(UsageError, match="no 'nose_length' to move"):
        posture_from({"nose_length": 1})
    for value in ("nan", "inf", None, [], "wide"):
        with pytest.raises(UsageError, match="not possible"):
            posture_from({"yaw": value})
    with pytest.raises(UsageError, match="no handle"):
        drag(Posture(), "ear", (0, 0), REST, SIDE)
    assert posture_of(Pose(40, 3, -2), Controls(smile=0.5)) == Posture(yaw=30, pitch=3, roll=-2, smile=0.5)


def test_a_first_moment_counts_as_rest() -> None:
    first = pull(Posture(yaw=8, smile=0.4, blink=0.3, look_x=0.2))
    same = against(first, first)
    assert same.expression.any() == False and same.pose.yaw == pytest.approx(0, abs=0.01)  # noqa: E712
    assert same.eyes == pytest.approx([1, 1]) and not same.gaze.any()
    later = against(pull(Posture(yaw=20, smile=0.4, blink=1)), first)
    assert later.pose.yaw == pytest.approx(12, abs=0.5) and (later.eyes == 0).all()


def test_trembling_is_calmed_and_turns_pass() -> None:
    random = np.random.default_rng(1)
    rate = Fraction(25)
    shaken = [replace(pull(Posture(yaw=float(random.normal(0, 1)))), time=float(i / rate)) for i in range(50)]
    calm = Calm()
    calmed = [calm(each).pose.yaw for each in shaken]
    assert np.std(calmed[10:]) < 0.7 * np.std([each.pose.yaw for each in shaken[10:]])
    turned = [calm(replace(pull(Posture(yaw=25)), time=2 + float(i / rate))).pose.yaw for i in range(15)]
    assert turned[-1] > 23
