"""The loop alone, around one number that learns to be another."""

from __future__ import annotations

import copy
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainers import WHOSE

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from accelerate.state import AcceleratorState  # noqa: E402
from accelerate.tracking import GeneralTracker  # noqa: E402

from facezoo.errors import FacezooError, UsageError  # noqa: E402
from facezoo.train import loop as loops  # noqa: E402
from facezoo.train.config import RunConfig, parse  # noqa: E402
from facezoo.train.likeness import score_of  # noqa: E402
from facezoo.train.loop import Average, Kept, Loop, follow, half_cosine  # noqa: E402
from facezoo.zoo.record import Data, read_record  # noqa: E402


class Pipeline:
    """Just enough of a FacePipeline."""

    def __init__(self, networks: dict[str, Any]) -> None:
        self.networks = networks

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(float(self.networks["one"].weight)))

    @classmethod
    def from_pretrained(cls, folder: Path) -> Pipeline:
        made = cls({"one": torch.nn.Linear(1, 1, bias=False)})
        made.networks["one"].weight.data.fill_(json.loads((folder / "config.json").read_text()))
        return made


def learn(output: Path, *arguments: str, goal: float = 3.0, stop: int = 0) -> list[int]:
    """The numbers of the steps that were made."""
    AcceleratorState._reset_state(reset_partial_state=True)
    config = parse(RunConfig, {"cpu": {}}, ["--output", str(output), "--threads", "1", *WHOSE, *arguments])
    loop, network, made = Loop("deepfakes", config, losses=("apart", "rate")), torch.nn.Linear(1, 1, bias=False), []
    mean = loop.averaged(network)
    kept: Any = Kept(
        pipeline=lambda: Pipeline({"one": mean}),
        preview=lambda _: np.zeros((8, 8, 3), np.uint8),
        measure=lambda one, _: [score_of("apart", "how far apart", [abs(goal - float(one.networks["one"].weight))],
                                         better="lower")],
        data=(Data("a number", "MIT", "synthetic", "Nobody's."),),
        limits="It knows one number.",
    )  # fmt: skip
    adam = torch.optim.Adam(network.parameters(), 0.1)
    model, adam = loop.prepare(network, adam)
    for step in loop.steps(kept):
        made.append(step)
        loop.slow(half_cosine(step / config.steps), adam)
        noise = torch.randn(()).item()
        loss = (model(torch.ones(1, 1)) - goal - 0.01 * noise).abs().sum()
        loop.log(apart=loss, rate=adam.param_groups[0]["lr"])
        loop.update(loss * (float("nan") if goal != goal else 1), adam, model, clip=1.0)
        if step + 1 == stop:
            signal_self()
    loop.finish(kept)
    return made


def signal_self() -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGINT)


def test_stop_and_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    assert learn(tmp_path / "through", "--steps", "12", "--every", "4") == list(range(12))
    torch.manual_seed(0)
    assert learn(tmp_path / "stopped", "--steps", "12", "--every", "4", stop=7) == list(range(7))
    said = capsys.readouterr().out
    assert "Stopped and saved at step 7. To go on: python" in said
    assert learn(tmp_path / "stopped", "--steps", "12", "--every", "4", "--resume", "last") == list(range(7, 12))
    assert "Going on from step 7 of 12" in capsys.readouterr().out
    through, stopped = ((tmp_path / name / "final" / "config.json").read_text() for name in ("through", "stopped"))
    assert through == stopped
    tables = [(tmp_path / name / "losses.csv").read_text() for name in ("through", "stopped")]
    assert tables[0] == tables[1] and len(tables[0].splitlines()) == 13


def test_checkpoints_pictures_and_the_best(tmp_path: Path) -> None:
    learn(tmp_path, "--steps", "9", "--every", "2", "--keep", "3")
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == ["00000006", "00000008", "00000009"]
    assert {path.name for path in tmp_path.glob("step_*")} == {f"step_{n:06d}.png" for n in (2, 4, 6, 8)}
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["step"] == 8 and read_record(tmp_path / "best", "deepfakes").training.steps == 8
    record = read_record(tmp_path / "final", "deepfakes")
    assert (record.training.steps, record.limits, record.data[0].name) == (9, "It knows one number.", "a number")


def test_accumulated_batches_make_one_step(tmp_path: Path) -> None:
    assert learn(tmp_path, "--steps", "3", "--accumulate", "2") == [0, 0, 1, 1, 2, 2]
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == 4


def test_a_loss_that_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(FacezooError, match="step 1"):
        learn(tmp_path, "--steps", "3", goal=float("nan"))


def test_losses_and_pictures_are_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Accelerate; a tracker that is not installed is named."""
    told: list[tuple[str, Any]] = []

    class Tracker(GeneralTracker):
        name, requires_logging_directory = "ours", False
        tracker = None

        def start(self) -> None: ...

        def store_init_configuration(self, values: dict[str, Any]) -> None:
            told.append(("config", values))

        def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
            told.append(("log", (step, values)))

        def log_images(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
            told.append(("image", (step, values["preview"].shape)))

    with pytest.raises(UsageError, match="--track wandb needs a package"):
        learn(tmp_path / "none", "--steps", "1", "--track", "wandb")
    monkeypatch.setitem(sys.modules, "wandb", types.ModuleType("wandb"))
    monkeypatch.setattr(loops, "find_spec", lambda name: name)
    monkeypatch.setattr(loops, "new_accelerator", lambda log_with, **more: _new(log_with=Tracker(), **more))
    learn(tmp_path / "run", "--steps", "2", "--every", "1", "--track", "wandb")
    assert [kind for kind, _ in told] == ["config", "log", "image", "log", "image"]
    assert told[1][1][0] == 1 and set(told[1][1][1]) == {"apart", "rate"} and told[2][1] == (1, (1, 8, 8, 3))


def test_an_average_follows_and_counts() -> None:
    network = torch.nn.BatchNorm1d(1)
    average = Average(network)
    with torch.no_grad():
        network.weight.add_(1)
    network(torch.ones(2, 1))
    before = copy.deepcopy(average.mean)
    average.follow(network, 0.9)
    assert 1.5 < float(average.mean.weight) < 2 and int(average.mean.num_batches_tracked) == 1
    follow(before, network, 1, 0.9)
    assert torch.equal(before.weight, average.mean.weight)


_new = loops.new_accelerator
