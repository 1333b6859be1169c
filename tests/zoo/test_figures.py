"""Means and gaps with intervals over people."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.zoo.figures import gap, mean


def test_a_mean_lies_in_its_interval_and_is_the_same_each_time() -> None:
    values = np.random.default_rng(1).normal(5, 1, 80).tolist()
    people = [f"p{number % 20}" for number in range(80)]
    found = mean(values, people)
    assert found.low < found.mean < found.high and found.n == 80
    assert found.mean == pytest.approx(np.mean(values))
    assert mean(values, people) == found


def test_people_are_drawn_and_not_pictures() -> None:
    """Ten pictures of each of six people who differ: the interval is as wide as six people make it."""
    people = [f"p{number // 10}" for number in range(60)]
    values = [float(number // 10) for number in range(60)]
    whole = mean(values, people)
    single = mean(values, [str(number) for number in range(60)])
    assert whole.high - whole.low > 2.5 * (single.high - single.low)


def test_one_person_says_nothing_of_others() -> None:
    found = mean([1.0, 3.0], ["a", "a"])
    assert (found.mean, found.low, found.high) == (2.0, 2.0, 2.0)


def test_ratios_have_geometric_means() -> None:
    assert mean([0.25, 4.0], ["a", "b"], geometric=True).mean == pytest.approx(1.0)


def test_a_gap_is_seen_where_there_is_one() -> None:
    random = np.random.default_rng(2)
    people = [f"p{number}" for number in range(60)]
    inside = [number < 20 for number in range(60)]
    worse = [float(random.normal(2 if chosen else 1, 0.2)) for chosen in inside]
    found = gap(worse, people, inside)
    assert 0.8 < found.low < found.mean < found.high < 1.2 and found.n == 20
    same = gap([float(random.normal(1, 0.2)) for _ in inside], people, inside)
    assert same.low < 0 < same.high
    ratio = gap([2.0 if chosen else 1.0 for chosen in inside], people, inside, geometric=True)
    assert ratio.mean == pytest.approx(2.0)
