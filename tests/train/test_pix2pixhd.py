"""Steps of training/pix2pixhd.py in all three stages, what they leave, and that a stopped run ends as one that went
through."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from trainers import WHOSE, left_in, run, weights

from facezoo.errors import UsageError

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from accelerate.state import AcceleratorState  # noqa: E402

from facezoo.methods.pix2pixhd.model import MultiscaleDiscriminator  # noqa: E402
from facezoo.methods.pix2pixhd.painter import PRESETS, FinePainter  # noqa: E402
from facezoo.train.pix2pixhd import feature_matching, least_squares, stage_of  # noqa: E402
from facezoo.zoo.record import read_record  # noqa: E402

TINY = {"side": 32, "texture": 3, "texture_side": 16, "ngf": 2, "n_downsample_global": 1, "n_blocks_global": 1,
        "n_blocks_local": 1}  # fmt: skip


OPTIONS = ("--network", "tiny", "--steps", "4", "--shares", "0.25", "0.25", "--batch", "2", "--judge", "2", "--patch",
           "24", "--adversarial", "0.2", "--every", "1", *WHOSE)  # fmt: skip


@pytest.fixture
def trainer(script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """training/pix2pixhd.py, which knows one more network."""
    module = script("pix2pixhd")
    monkeypatch.setitem(module.NETWORKS, "tiny", TINY)
    return module


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_a_stopped_run_ends_as_one_that_went_through(
    precision: str, trainer: ModuleType, drawn_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped when the enhancer has learned alone and both have not yet learned together."""
    options = ("--data", drawn_pairs, *OPTIONS, "--mixed-precision", precision)
    run(trainer, *options, "--output", tmp_path / "through")
    assert AcceleratorState().mixed_precision == precision
    assert left_in(tmp_path / "through") >= {"config.yaml", "losses.csv", "best.json", "final.png"}
    assert {path.name for path in (tmp_path / "through").glob("step_*")} == {f"step_{n:06d}.png" for n in (1, 2, 3)}
    record = read_record(tmp_path / "through" / "final", "pix2pixhd")
    assert {each.metric for each in record.scores} == {f"{m}_{p}" for m in ("ssim", "l1", "sharpness") for p in "ab"}
    assert all(set(each.baselines) == {"sketch", "driver"} and each.n == 4 for each in record.scores)
    painter = FinePainter.from_pretrained(tmp_path / "through" / "final" / "painter", torch_dtype=torch.float32)
    assert painter.people == ("a", "b") and np.abs(painter.rest("b")).max() > 0.3

    teach = FinePainter.teach

    def teach_and_stop(painter: FinePainter, stage: Any) -> None:
        teach(painter, stage)
        if stage == "local":
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(FinePainter, "teach", teach_and_stop)
        run(trainer, *options, "--output", tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "final").exists()
    run(trainer, *options, "--output", tmp_path / "stopped", "--resume", "last")
    assert weights(tmp_path / "through" / "final") == weights(tmp_path / "stopped" / "final")


def test_wrong_settings_are_named(trainer: ModuleType, drawn_pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, named in (
        (["--network", "huge"], "--network must be one of cpu"),
        (["--shares", "0.8", "0.3"], "--shares takes two numbers"),
    ):
        with pytest.raises(SystemExit):
            run(trainer, "--data", "x", "--output", "y", *arguments)
        assert named in capsys.readouterr().err
    with pytest.raises(UsageError, match="knows one person"):
        run(trainer, "--preset", "paper", "--data", drawn_pairs, "--output", "y")


def test_stages_follow_each_other() -> None:
    found = [stage_of(step, 10, (0.3, 0.2)) for step in range(10)]
    assert [stage for stage, _ in found] == ["global"] * 3 + ["local"] * 2 + ["joint"] * 5
    assert {begins for _, begins in found} == {3}
    assert stage_of(0, 10, (0, 0))[0] == "joint" and stage_of(9, 10, (1, 0))[0] == "global"


@pytest.mark.parametrize("stage", ["global", "local", "joint"])
def test_what_learns_in_a_stage(stage: str) -> None:
    """And in the last one, that the coarse picture does not pull at the generator below it."""
    torch.manual_seed(0)
    painter = FinePainter(people=("a", "b"), **TINY)
    drawings, places, who = torch.rand(2, 3, 32, 32), torch.rand(2, 32, 32, 2) * 2 - 1, torch.arange(2)
    painter.teach(stage)
    pictures = painter(drawings, places, who, stage)
    assert [each.shape for each in pictures] == [(2, 3, 16, 16), (2, 3, 32, 32)][: len(pictures)]
    assert len(pictures) == (1 if stage == "global" else 2)
    pictures[-1].square().mean().backward()
    moved = {name.split(".")[0] if not name.startswith("local") else ".".join(name.split(".")[:2])
             for name, each in painter.named_parameters() if each.grad is not None}  # fmt: skip
    trunk, enhancer = {"local.model", "textures", "canvases"}, {"local.model1_1", "local.model1_2"}
    assert moved == {"global": trunk | {"coarse"}, "local": enhancer, "joint": trunk | enhancer}[stage]
    if stage == "joint":
        painter.zero_grad()
        painter(drawings, places, who, stage)[0].square().mean().backward()
        assert {name.split(".")[0] for name, each in painter.named_parameters() if each.grad is not None} == {"coarse"}


def test_judges_and_what_they_see() -> None:
    torch.manual_seed(0)
    judge = MultiscaleDiscriminator(6, 2)
    true = torch.rand(1, 6, 32, 32, requires_grad=True)
    maps = [[each.detach() for each in scale] for scale in judge(true)]
    others = [[each + 0.5 for each in scale] for scale in maps]
    assert feature_matching(maps, maps) == 0
    assert float(feature_matching(others, maps)) == pytest.approx(4 * 0.5)  # of four layers, mean of two judges
    certain = [[torch.zeros(1), torch.ones(1, 1, 3, 3)]] * 2
    assert least_squares(certain, 1) == 0 and least_squares(certain, 0) == 2
    pulled = torch.autograd.grad(feature_matching(judge(true.detach()), judge(true)), true, allow_unused=True)
    assert pulled == (None,)  # the truth is no one's to change


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit(name: str) -> None:
    with torch.device("meta"):
        painter = FinePainter(**PRESETS[name])
    count = sum(each.numel() for each in painter.parameters())
    assert painter.side == {"paper": 1024, "small": 128}.get(name, 256)
    if name == "paper":
        assert count == 182_701_827 + 64 * 49 * 3 + 3  # the published networks, and the layer that shows what is coarse
    else:
        assert 2 * count < 12_000_000
    with pytest.raises(ValueError, match="people"):
        FinePainter(people=("a", "b"), side=32, texture=0, ngf=2)
