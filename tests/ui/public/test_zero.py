"""ZeroGPU, with a stand-in for its package: what it is asked for, and that roads are taken there."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("limits", reason="needs the extra facezoo[public]")

from facezoo import registry, runner
from facezoo.errors import NoFace
from facezoo.runner.place import Call
from facezoo.ui.public.zero import on_zero_gpu, seconds_of


@pytest.fixture
def lent(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What was decorated, and the durations that were asked for."""
    found: dict[str, Any] = {"tasks": [], "durations": [], "devices": []}

    def decorator(*, duration: Callable[..., int]) -> Callable[[Any], Any]:
        def decorated(task: Any) -> Any:
            found["tasks"].append(task)

            def handler(*given: Any) -> Any:
                found["durations"].append(duration(*given))
                yield from task(*given)

            return handler

        return decorated

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=decorator))  # type: ignore[arg-type]
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    pipeline = type(registry.load("landmark_warp"))
    monkeypatch.setattr(pipeline, "to", lambda self, device: found["devices"].append(device) or self)
    return found


def test_roads_are_taken_there(lent: dict[str, Any], portrait: Path, landscape: Path, tmp_path: Path) -> None:
    with on_zero_gpu():
        (task,) = lent["tasks"]
        assert inspect.isgeneratorfunction(task), "the package takes others to give one value"
        sealed = runner.run("landmark_warp", portrait, output=tmp_path / "a.png")
        assert sealed.path.is_file()
        with pytest.raises(NoFace):
            runner.run("landmark_warp", landscape, consent=True, output=tmp_path / "b.png")
    assert lent["durations"] == [15, 15]
    assert lent["devices"] == ["cuda", "cuda"]
    runner.run("landmark_warp", portrait, output=tmp_path / "c.png")
    assert len(lent["durations"]) == 2


def test_elsewhere_it_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, portrait: Path, tmp_path: Path) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.setitem(sys.modules, "spaces", None)
    with on_zero_gpu():
        assert runner.run("landmark_warp", portrait, output=tmp_path / "a.png").path.is_file()


@pytest.mark.parametrize(
    ("road", "arguments", "seconds"),
    [
        ("run", {"method": "deepfakes", "inputs": "me.jpg"}, 15),
        ("run", {"method": "deepfakes", "inputs": ["me.MP4"]}, 120),
        ("run", {"method": "motion_transfer", "inputs": "me.jpg", "driving": "nod"}, 120),
        ("compare", {"image": "me.jpg"}, 60),
    ],
)
def test_a_card_is_asked_for_as_long_as_the_work_takes(road: str, arguments: dict[str, Any], seconds: int) -> None:
    assert seconds_of(Call(road, arguments)) == seconds
