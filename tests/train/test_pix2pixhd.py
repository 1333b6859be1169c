"""Steps of training/pix2pixhd.py in all three stages, what they leave, and that a stopped run ends as one that went
through."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from accelerate.state import AcceleratorState  # noqa: E402

from facezoo.methods.pix2pixhd.model import MultiscaleDiscriminator  # noqa: E402
from facezoo.methods.pix2pixhd.painter import PRESETS, FinePainter  # noqa: E402
from facezoo.train.config import parse  # noqa: E402
from facezoo.train.pix2pixhd import feature_matching, halved, least_squares, stage_of  # noqa: E402
from facezoo.train.similarity import difference  # noqa: E402

TINY = {"side": 32, "texture": 3, "texture_side": 16, "ngf": 2, "n_downsample_global": 1, "n_blocks_global": 1,
        "n_blocks_local": 1}  # fmt: skip


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """training/pix2pixhd.py, which knows one more network, on a fresh Accelerate."""
    path = Path(__file__).parents[2] / "training" / "pix2pixhd.py"
    spec = importlib.util.spec_from_file_location("training_pix2pixhd", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(module.NETWORKS, "tiny", TINY)
    AcceleratorState._reset_state(reset_partial_state=True)
    threads = torch.get_num_threads()
    yield module
    torch.set_num_threads(threads)
    AcceleratorState._reset_state(reset_partial_state=True)


def _config(script: ModuleType, data: Path, output: Path, **more: Any) -> Any:
    settings = {"people": ("a", "b"), "network": "tiny", "steps": 4, "shares": (0.25, 0.25), "batch": 2, "judge": 2,
                "patch": 24, "adversarial": 0.2, "minutes": 0.0, "threads": 1, **more}  # fmt: skip
    return script.Config(data=data, output=output, **settings)


def _weights(output: Path) -> str:
    file = output / "final" / "painter" / "diffusion_pytorch_model.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_a_stopped_run_ends_as_one_that_went_through(
    precision: str, script: ModuleType, drawn_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", precision)
    script.main(_config(script, drawn_pairs, tmp_path / "through"))
    assert AcceleratorState().mixed_precision == precision
    left = {path.relative_to(tmp_path / "through").as_posix() for path in (tmp_path / "through").rglob("*.*")}
    pictures = {f"step_{step:06d}.png" for step in range(1, 5)}
    assert {path for path in left if not path.startswith("checkpoints/")} == pictures | {
        "final.png",
        "final/config.json",
        "final/painter/config.json",
        "final/painter/diffusion_pytorch_model.safetensors",
        "metrics.json",
    }
    scores = json.loads((tmp_path / "through" / "metrics.json").read_text())["held back"]
    assert set(scores) == {"a", "b"}
    assert all(table[name]["l1"]["n"] == 4 for table in scores.values() for name in ("made", "sketch", "driver"))
    painter = FinePainter.from_pretrained(tmp_path / "through" / "final" / "painter", torch_dtype=torch.float32)
    assert painter.people == ("a", "b") and np.abs(painter.rest("b")).max() > 0.3

    save = script.save_checkpoint

    def save_and_stop(folder: Path, accelerator: Any, step: int) -> None:
        save(folder, accelerator, step)
        if step == 2:  # the enhancer has learned alone, both have not yet learned together
            raise KeyboardInterrupt

    monkeypatch.setattr(script, "save_checkpoint", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        script.main(_config(script, drawn_pairs, tmp_path / "stopped"))
    script.main(_config(script, drawn_pairs, tmp_path / "stopped", resume="last"))
    assert _weights(tmp_path / "through") == _weights(tmp_path / "stopped")


def test_wrong_settings_are_named(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, named in (
        (["--network", "huge"], "--network must be one of cpu"),
        (["--network", "paper"], "--people imani"),
        (["--shares", "0.8", "0.3"], "--shares takes two numbers"),
    ):
        with pytest.raises(SystemExit):
            parse(script.Config, script.PRESETS, ["--data", "x", "--output", "y", *arguments])
        assert named in capsys.readouterr().err


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


def test_unlike_pictures_cost_more() -> None:
    torch.manual_seed(0)
    picture, even = torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)
    assert difference(picture, picture, even, 1.0) == pytest.approx(0, abs=1e-5)
    assert difference(picture + 0.1, picture, even, 0.0) == pytest.approx(0.1, rel=1e-4)
    softer = torch.nn.functional.interpolate(halved(picture), scale_factor=2)
    assert difference(softer, picture, even, 1.0) > difference(softer, picture, even, 0.0) + 0.1


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
