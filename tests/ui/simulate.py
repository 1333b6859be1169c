"""Arrivals against replicas, simulated: what a hub carries that nobody has measured yet.

`python tests/ui/load.py --rate 2 --minutes 5 --replicas 2 --record run.json` measures a hub;
`python tests/ui/simulate.py run.json` sends the same arrivals to as many simulated replicas and prints both: once each
job takes what it took, which tests the queue; and many times it draws the work of another job, which takes the longer
the more others share the machine, as far as they did when it was measured. With `--replicas 2 20 200` it also prints
how many visits a second so many carry, `--fronts` sharing them, until one in twenty waits for longer than `--wait`
seconds. Visits begin by chance, jobs take their turn in the order of arrival, one for which there is no place is
refused."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import linear_regression, mean
from typing import Any

import simpy

PLACES = 60
"""Jobs that may wait for each replica, as in the hub."""


@dataclass
class Found:
    """waited: seconds of each job until its turn. spans: when each began and ended. refused: jobs that found no place.
    lasted: seconds until the last job ended."""

    waited: list[float] = field(default_factory=list[float])
    spans: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    refused: int = 0
    lasted: float = 0.0

    @property
    def results(self) -> float:
        """Jobs done a second."""
        return len(self.waited) / self.lasted


def by_chance(rate: float, chance: random.Random) -> Iterator[float]:
    """When visits come, in seconds, `rate` of them a second, without end."""
    now = 0.0
    while True:
        now += chance.expovariate(rate)
        yield now


def simulate(
    came: Iterable[float], work: Callable[[], float], replicas: int, *, slower: float = 0.0, front: float = 0.0,
    fronts: int = 1,
) -> Found:  # fmt: skip
    """came: when each job comes, in seconds, ascending. work: seconds that a job takes alone, asked once a job. slower:
    by how much of that it takes longer for each other one at work. front: seconds of one of `fronts` before it."""
    world, found = simpy.Environment(), Found()
    turns, doors = simpy.Resource(world, replicas), simpy.Resource(world, fronts)
    changed = [world.event()]

    def change() -> None:
        changed[0].succeed()
        changed[0] = world.event()

    def job() -> Generator[Any]:
        if front:
            with doors.request() as door:
                yield door
                yield world.timeout(front)
        if len(turns.queue) >= PLACES * replicas:
            found.refused += 1
            return
        asked = world.now
        with turns.request() as turn:
            yield turn
            found.waited.append(world.now - asked)
            began, left = world.now, work()
            change()
            while left > 1e-9:
                since, pace = world.now, 1 + slower * (turns.count - 1)
                done = world.timeout(left * pace)
                yield done | changed[0] if slower else done
                left -= (world.now - since) / pace
            found.spans.append((began, world.now))
        change()
        found.lasted = world.now

    def arrivals() -> Generator[Any]:
        for at in came:
            yield world.timeout(at - world.now)
            world.process(job())

    world.process(arrivals())
    world.run()
    return found


def high(values: Sequence[float]) -> float:
    """Below this are 95 % of them."""
    return sorted(values)[int(len(values) * 0.95)]


def shared(spans: Sequence[tuple[float, float]]) -> tuple[list[float], float]:
    """From when jobs began and ended: the seconds that each would have taken alone, and by how much of that each other
    one at work makes it longer."""
    took = [ended - began for began, ended in spans]
    beside = [each / whole for each, whole in zip(_summed(spans, lambda others: others), took, strict=True)]
    slope, alone = linear_regression(beside, took)
    slower = max(0.0, slope / alone)
    return _summed(spans, lambda others: 1 / (1 + slower * others)), slower


def _summed(spans: Sequence[tuple[float, float]], weight: Callable[[int], float]) -> list[float]:
    """Of each job the seconds it took, each moment counted by how many others were at work."""
    sums, at_work, before = [0.0] * len(spans), set[int](), 0.0
    for now, number in sorted((now, number) for number, span in enumerate(spans) for now in span):
        for each in at_work:
            sums[each] += (now - before) * weight(len(at_work) - 1)
        before = now
        at_work ^= {number}
    return sums


def carried(work: Sequence[float], replicas: int, wait: float, front: float, fronts: int, jobs: int = 20_000) -> float:
    """Visits a second, to a fiftieth of what is possible, until one in twenty waits for longer or one in a hundred is
    refused."""
    most = min(replicas / mean(work), fronts / front)
    chance = random.Random(1)
    for share in (each / 50 for each in range(49, 0, -1)):
        came = islice(by_chance(share * most, chance), jobs)
        found = simulate(came, lambda: chance.choice(work), replicas, front=front, fronts=fronts)
        if high(found.waited) <= wait and found.refused <= len(found.waited) / 100:
            return share * most
    return 0.0


def compare(measured: dict[str, Any], times: int = 100) -> None:
    """Prints what was measured; what comes of it when each job takes what it took; and the mean of so many draws, with
    the values between which nine in ten of them lie."""
    came, replicas, took = measured["came"], measured["replicas"], iter(measured["worked"])
    own = simulate(came, lambda: next(took), replicas)
    alone, slower = shared(own.spans)
    chance = random.Random(1)
    drawn = [simulate(came, lambda: chance.choice(alone), replicas, slower=slower) for _ in range(times)]
    print(f"{len(alone)} jobs; alone one takes {mean(alone):.2f} s, {slower:.0%} longer for each other one at work")
    rows: dict[str, tuple[float, Callable[[Found], float]]] = {
        "results a second": (len(measured["worked"]) / measured["lasted"], lambda found: found.results),
        "mean wait, s": (mean(measured["waited"]), lambda found: mean(found.waited)),
        "95 % wait below, s": (high(measured["waited"]), lambda found: high(found.waited)),
    }
    print(f"{'':20}{'measured':>10}{'own work':>10}{'apart':>8}{'drawn':>10}{'apart':>8}   nine in ten")
    for name, (real, of) in rows.items():
        all = sorted(of(each) for each in drawn)
        between = f"{all[times // 20]:.2f} to {all[-times // 20]:.2f}"
        print(f"{name:20}{real:10.2f}{of(own):10.2f}{of(own) / real - 1:8.1%}"
              f"{mean(all):10.2f}{mean(all) / real - 1:8.1%}   {between}")  # fmt: skip


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path, help="what load.py --record has written")
    parser.add_argument("--replicas", type=int, nargs="*", default=[])
    parser.add_argument("--fronts", type=int, default=1)
    parser.add_argument("--wait", type=float, default=5.0)
    given = parser.parse_args()
    measured = json.loads(given.measured.read_text())
    if measured["rate"]:
        compare(measured)
    work, front = measured["worked"], measured["front"] / len(measured["worked"])
    for replicas in given.replicas:
        rate = carried(work, replicas, given.wait, front, given.fronts)
        print(
            f"{replicas} replicas, {given.fronts} fronts: {rate:.1f} visits a second; replicas at work "
            f"{rate * mean(work) / replicas:.0%}, fronts {rate * front / given.fronts:.0%}"
        )


if __name__ == "__main__":
    main()
