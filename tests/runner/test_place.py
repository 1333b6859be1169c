"""A road gives the same wherever it is taken: results, progress, errors, cancelling. Ray itself: test_replicas.py."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from facezoo import runner
from facezoo.errors import Cancelled, FacezooError, NoFace, UsageError
from facezoo.runner.place import Call, Event, Finished, Made, Reached, elsewhere, take
from facezoo.types import Sealed


def test_the_same_picture_comes_from_elsewhere(portrait: Path, tmp_path: Path) -> None:
    from PIL import Image

    calls: list[Call] = []

    def place(call: Call) -> Generator[Event]:
        calls.append(call)
        return take(call)

    here = runner.run("landmark_warp", portrait, persona="orla", output=tmp_path / "here.png")
    stages: list[str] = []
    with elsewhere(place):
        there = runner.run(
            "landmark_warp", portrait, persona="orla", output=tmp_path / "there.png",
            progress=lambda stage, _: stages.append(stage),
        )  # fmt: skip
    assert Image.open(here.path).tobytes() == Image.open(there.path).tobytes()
    assert here.record.keys() == there.record.keys()
    assert [call.road for call in calls] == ["run"]
    assert "progress" not in calls[0].arguments
    assert "read" in stages
    runner.run("landmark_warp", portrait, output=tmp_path / "after.png")
    assert len(calls) == 1


def test_a_comparison_tells_of_each_result(portrait: Path, tmp_path: Path) -> None:
    told: list[str] = []
    with elsewhere(take):
        made = runner.compare(
            portrait,
            persona="orla",
            methods=["landmark_warp"],
            output=tmp_path,
            on_result=lambda name, _: told.append(name),
        )
    assert told == ["landmark_warp"] == list(made.results)
    assert made.grid.path.is_file()


def test_errors_come_as_they_are(landscape: Path, tmp_path: Path) -> None:
    with elsewhere(take), pytest.raises(NoFace):
        runner.run("landmark_warp", landscape, consent=True, output=tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_whoever_follows_can_stop_the_work(portrait: Path, tmp_path: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Cancelled("Stopped.")

    with elsewhere(take), pytest.raises(Cancelled):
        runner.run("landmark_warp", portrait, output=tmp_path / "a.png", progress=stop)
    assert not [thread for thread in threading.enumerate() if thread.name == "facezoo-road"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_forgets_the_end_is_an_error(portrait: Path) -> None:
    def nowhere(call: Call) -> Generator[Event]:
        yield Reached("read", 0.0)

    with elsewhere(nowhere), pytest.raises(FacezooError, match="without a result"):
        runner.run("landmark_warp", portrait)


def test_files_travel_as_bytes(portrait: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a replica is sent, and what comes back, need no disk in common."""
    import pickle  # noqa: TID251  # as Ray sends it

    from facezoo.runner import replicas

    call = Call("run", {"method": "landmark_warp", "inputs": [str(portrait)], "output": tmp_path / "out.png"})
    packed = pickle.loads(pickle.dumps(replicas._packed(call)))
    assert str(portrait.parent) not in str(packed)
    assert str(tmp_path) not in str(packed.arguments["output"])
    other = tmp_path / "other machine"
    other.mkdir()
    unpacked = replicas._unpacked(packed, other)
    (copy,) = unpacked.arguments["inputs"]
    assert copy.is_relative_to(other) and copy.read_bytes() == portrait.read_bytes()
    (other / "out.png").write_bytes(b"sealed")
    record = {"output": str(other / "out.png"), "method": "landmark_warp", "faces": 1, "seconds": {"total": 1.0}}
    sealed = Sealed(other / "out.png", {}, record)
    caplog.set_level("INFO", "facezoo.runner")
    for event in (Finished(sealed), Made("a", sealed)):
        back = pickle.loads(pickle.dumps(replicas._sent(event, other)))
        settled = replicas._settled(back, tmp_path)
        found = settled.value if isinstance(settled, Finished) else settled.sealed
        assert found.path == tmp_path / "out.png" and found.record["output"] == str(found.path)
        assert found.path.read_bytes() == b"sealed"
    assert [each.msg for each in caplog.records] == ["made", "made"]  # figures of the front count them
    failed = pickle.loads(pickle.dumps(replicas._Failed(UsageError("No.", "Try this."))))
    with pytest.raises(UsageError, match="Try this"):
        replicas._settled(failed, tmp_path)
