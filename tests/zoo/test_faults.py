"""The fault table: what the user sees of each fault of the Hub, what is left in the cache, how the next try goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hub_server import HubServer
from toy import REPO, WEIGHTS, Toy

from facezoo.zoo.manifest import make_manifest

LARGE = 30_000_000  # bytes: huggingface_hub keeps 10 MB at once


@dataclass(frozen=True)
class Case:
    """said: part of the message, "" when the pull succeeds all the same. size: padding of the weights in bytes."""

    name: str
    break_it: Callable[[HubServer, Toy], object]
    said: str
    advice: str = ""
    size: int = 0
    environment: tuple[tuple[str, str], ...] = ()


def forget_repository(hub: HubServer, toy: Toy) -> None:
    hub.repositories.clear()


def forget_commit(hub: HubServer, toy: Toy) -> None:
    hub.repository(REPO).commits[-1].oid = "0" * 40


def forget_file(hub: HubServer, toy: Toy) -> None:
    del hub.repository(REPO).commits[-1].files[WEIGHTS]


def other_size(hub: HubServer, toy: Toy) -> None:
    hub.repository(REPO).commits[-1].files[WEIGHTS] += b"more"


def fault(kind: str | int, where: str, times: int = 1, seconds: float = 0.0) -> Callable[[HubServer, Toy], object]:
    return lambda hub, toy: hub.fail(kind, where, times, seconds)


CASES = [
    Case("cut once, goes on", fault("cut", "GET /cdn/"), "", size=LARGE),
    Case("reset once, goes on", fault("reset", "GET /cdn/"), "", size=LARGE),
    Case("busy once (500)", fault(500, "GET /cdn/"), ""),
    Case("busy once (429)", fault(429, "HEAD /"), ""),
    Case("slow", fault("slow", "GET /cdn/", seconds=0.05), "", size=1_000_000),
    Case("error 500", fault(500, "/resolve/", 99), "error 500", "Try again later"),
    Case("error 429", fault(429, "HEAD /", 99), "asks for a pause", "Wait"),
    Case("error 403", fault(403, "/resolve/", 99), "error 403", "mirror"),
    Case("no repository (404)", forget_repository, "no such repository", "HF_TOKEN"),
    Case("no commit (404)", forget_commit, "not these files", "mirror"),
    Case("no file (404)", forget_file, "not these files", "mirror"),
    Case("a byte is wrong", fault("wrong", "GET /cdn/", 99), "other bytes", "do not trust"),
    Case("a config byte is wrong", fault("wrong", "/generator/config.json", 99), "other bytes", "do not trust"),
    Case("another size", other_size, "other bytes", "do not trust"),
    Case(
        "silent server",
        fault("stall", "HEAD /", 99, seconds=3),
        "too slow",
        "HF_HUB_DOWNLOAD_TIMEOUT",
        environment=(("HF_HUB_ETAG_TIMEOUT", "1"),),
    ),
    Case("line down", lambda hub, toy: hub.stop(), "down or was cut", "HF_ENDPOINT"),
    Case("offline", lambda hub, toy: None, "HF_HUB_OFFLINE", "FACEZOO_WEIGHTS", environment=(("HF_HUB_OFFLINE", "1"),)),
    Case("sign-in page", fault(200, "/resolve/", 99), "as no Hub does", "HF_ENDPOINT"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault(hub: HubServer, toy: Toy, case: Case) -> None:
    toy.train(padding=case.size)
    commit = toy.publish()
    case.break_it(hub, toy)
    began = time.monotonic()
    told = toy.locate(**dict(case.environment))
    seconds = time.monotonic() - began
    intact = {each.path: each.sha256 for each in make_manifest(toy.trained).files}
    left = toy.loadable()
    assert left.items() <= intact.items(), "something is in reach that is not right"
    parts = [size for name, size in toy.cache().items() if name.endswith((".part", ".incomplete"))]
    said = told.get("message") or f"works, from the {told['source']}"
    there = f"{len(left)} of 4 files, {sum(parts)} B kept"
    print(f"\n{case.name} | {said} {told.get('advice', '')} | {there} | {seconds:.1f} s")
    if not case.said:
        assert left == intact and not parts
        return
    assert told["error"] == "WeightsUnavailable"
    assert case.said in told["message"] and case.advice in told["advice"]
    assert "\n" not in told["message"] + told["advice"]

    hub.mend()
    hub.repositories.clear()
    if case.name == "line down":
        with HubServer(hub.port) as again:
            toy.hub = again
            assert again.publish(REPO, toy.files()) == commit
            recovered = toy.locate()
    else:
        assert hub.publish(REPO, toy.files()) == commit
        recovered = toy.locate()
    assert recovered["source"] == "Hub" and toy.loadable() == intact
    print(f"  the next try: {recovered['seconds']:.1f} s")


def test_a_download_ends_at_the_size_of_the_manifest(hub: HubServer, toy: Toy) -> None:
    """A server that does not stop: refused after what huggingface_hub keeps at once, and nothing stays."""
    toy.publish()
    hub.fail("endless", "GET /cdn/", times=99)
    told = toy.locate()
    print(f"\nendless server: {hub.sent / 1e6:.0f} MB sent, {told['seconds']:.1f} s")
    assert told["error"] == "WeightsUnavailable" and "other bytes" in told["message"]
    assert hub.sent < 60_000_000
    assert sum(toy.cache().values()) < 100_000
    assert WEIGHTS not in toy.loadable()
    assert len([request for request in hub.requests if request.startswith("GET /cdn/")]) == 1


def test_a_range_that_is_answered_by_the_whole_file(hub: HubServer, toy: Toy) -> None:
    """A mirror that knows no ranges: the part is dropped, the result is right."""
    toy.train(padding=LARGE)
    toy.publish()
    weights = next(each for each in make_manifest(toy.trained).files if each.path == WEIGHTS)
    blobs = toy.home / "hub" / f"models--{REPO.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{weights.sha256}.part").write_bytes((toy.trained / WEIGHTS).read_bytes()[:1_000_000])
    hub.fail("whole", "GET /cdn/")
    assert toy.locate()["source"] == "Hub"
    assert toy.loadable()[WEIGHTS] == weights.sha256


def test_two_processes_pull_at_once(hub: HubServer, toy: Toy) -> None:
    from concurrent.futures import ThreadPoolExecutor

    toy.train(padding=LARGE)
    toy.publish()
    with ThreadPoolExecutor() as pool:
        told = [future.result() for future in [pool.submit(toy.locate) for _ in range(3)]]
    assert {each.get("source") for each in told} <= {"Hub", "Hub cache"}, told
    assert toy.loadable() == {each.path: each.sha256 for each in make_manifest(toy.trained).files}
    assert len([request for request in hub.requests if request.startswith("GET /cdn/")]) == 1
