"""The simulation of arrivals and replicas against what queueing theory says."""

from __future__ import annotations

import random
from itertools import islice
from math import factorial, log1p
from statistics import mean

import pytest

pytest.importorskip("simpy", reason="simpy is not installed: pip install 'facezoo[dev]'")

from tests.ui import simulate as simulation
from tests.ui.simulate import by_chance, high, shared, simulate


def erlang_c(replicas: int, load: float) -> float:
    """The share of jobs that wait, of M/M/c. load: arrivals a second times mean seconds of work."""
    waits = load**replicas / factorial(replicas) * replicas / (replicas - load)
    return waits / (sum(load**number / factorial(number) for number in range(replicas)) + waits)


@pytest.mark.parametrize("replicas", [1, 2, 8])
def test_waits_are_those_of_erlang(replicas: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean wait, and how many wait at all, of exponential work at 70 % of what is possible."""
    monkeypatch.setattr(simulation, "PLACES", 10_000)
    chance, rate = random.Random(3), 0.7 * replicas
    work = [-log1p(-(number + 0.5) / 1000) for number in range(1000)]
    found = simulate(islice(by_chance(rate, chance), 60_000), lambda: chance.choice(work), replicas)
    waiting = erlang_c(replicas, rate)
    assert mean(found.waited) == pytest.approx(waiting / (replicas - rate), rel=0.1)
    assert mean(each > 0 for each in found.waited) == pytest.approx(waiting, rel=0.05)
    assert high(found.waited) > mean(found.waited)


def test_a_hub_that_is_asked_for_too_much_refuses_the_rest() -> None:
    """Twice what two replicas can do: they are always at work, and who finds no place is refused."""
    chance = random.Random(4)
    found = simulate(islice(by_chance(4.0, chance), 4_000), lambda: 1.0, 2)
    assert found.results == pytest.approx(2.0, rel=0.02)
    assert len(found.waited) + found.refused == 4_000
    assert found.refused == pytest.approx(4_000 - 2 * 1_000 - 120, rel=0.05)
    assert max(found.waited) == pytest.approx(60.0, abs=1.0)


def test_jobs_that_share_a_machine_take_longer() -> None:
    """Two that begin together take half as long again each; and that is found out from when they began and ended."""
    found = simulate([0.0, 0.0, 10.0, 20.0, 20.5], lambda: 1.0, 2, slower=0.5)
    assert [end for _, end in found.spans] == pytest.approx([1.5, 1.5, 11.0, 21.25, 21.75])
    alone, slower = shared(found.spans)
    assert slower == pytest.approx(0.5, abs=0.05)
    assert alone == pytest.approx([1.0] * 5, abs=0.05)


def test_a_front_is_a_limit_of_its_own() -> None:
    """Of a hundred replicas those are at work that it can feed."""
    chance = random.Random(5)
    found = simulate(islice(by_chance(40.0, chance), 4_000), lambda: 1.0, 100, front=0.1)
    assert found.results == pytest.approx(10.0, rel=0.02)
