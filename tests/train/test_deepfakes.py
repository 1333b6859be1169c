"""training/deepfakes.py: which files it leaves, and that a run ends the same however often it was stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from trainers import WHOSE, left_in, run, weights

from facezoo.errors import ConsentRequired, UsageError
from facezoo.zoo.embedded import personas

torch = pytest.importorskip("torch")

pytest.importorskip("accelerate", reason="accelerate is not installed")

from facezoo.methods.deepfakes.pipeline import DeepFakes  # noqa: E402
from facezoo.methods.deepfakes.window import random_warp  # noqa: E402
from facezoo.train.config import start  # noqa: E402
from facezoo.train.deepfakes import find_pairs, spoil, turn_grids  # noqa: E402
from facezoo.zoo.record import read_record  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "training" / "deepfakes.py"


TINY = json.dumps({
    "side": 32, "widths": [8, 8, 8, 8], "reduced": 4, "code": 8, "dense": 8, "direct": 4, "shared": 8,
    "ups": [8, 8, 8], "anyone": [8, 8, 8], "scale": 1,
})  # fmt: skip


OPTIONS = ("--batch", "2", "--settings", TINY, "--gan", "0.02", "--adversarial", "0", "--judge", "4", *WHOSE)


def _command(data: Path, output: Path, *more: str, module: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, *module, str(SCRIPT), "--data", str(data), "--output", str(output), "--threads", "1",
            *OPTIONS, *more]  # fmt: skip


def _train(data: Path, output: Path, *more: str, module: tuple[str, ...] = ()) -> str:
    command = _command(data, output, *more, module=module)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pairs_are_read_as_they_were_written(pairs: Path) -> None:
    found = find_pairs([pairs], ("a", "b"), "train", 48)
    assert [len(each) for each in found] == [3, 3]
    assert [len(each) for each in find_pairs([pairs, pairs], ("a", "b"), "train", 48)] == [6, 6]
    assert found[0].anyone.shape == (3, 64, 64, 3) and found[0].labels.shape == (3, 64, 64)
    assert set(np.unique(found[0].labels)) == {0, 2, 6}
    with pytest.raises(UsageError, match="no pairs"):
        find_pairs([pairs], ("nobody",), "train", 48)


def test_warps_move_little_and_smoothly() -> None:
    torch.manual_seed(0)
    (grid, finer), warp = turn_grids(16, (48, 96)), random_warp(16, 48, 0.015)
    assert grid.shape == warp.shape == (16, 48, 48, 2)
    halves = torch.nn.functional.avg_pool2d(finer.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    assert (halves - grid).abs().max() < 1e-5
    assert (grid.mean(dim=(0, 1, 2)) - torch.tensor([0.0, 0.1875])).abs().max() < 0.05  # the window's middle
    assert warp.abs().max() < 0.2
    assert (warp[:, 1:] - warp[:, :-1]).abs().max() < 0.02
    faces = torch.rand(16, 3, 48, 48) * 2 - 1
    assert spoil(faces).shape == faces.shape and spoil(faces).isfinite().all()


@pytest.mark.parametrize("recipe", ["paired", "classic"])
def test_two_steps_and_what_they_leave(
    tmp_path: Path, pairs: Path, recipe: str, script: Callable[[str], ModuleType]
) -> None:
    run(
        script("deepfakes"), "--data", pairs, "--output", tmp_path / "run", "--recipe", recipe, "--steps", "2", *OPTIONS
    )
    assert left_in(tmp_path / "run") == {
        "config.yaml",
        "final.png",
        "losses.csv",
        "final/config.json",
        "final/metrics.json",
        "final/autoencoder/config.json",
        "final/autoencoder/diffusion_pytorch_model.safetensors",
    }
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["00000002"]
    record = read_record(tmp_path / "run" / "final", "deepfakes")
    assert [each.metric for each in record.scores] == ["ssim_a", "l1_a", "ssim_b", "l1_b"]
    assert all(each.n == 3 and each.result.low <= each.result.value <= each.result.high for each in record.scores)
    assert [each.consent for each in record.data] == ["synthetic"] and record.data[0].count == 6
    assert len(record.data[0].sha256) == 64 and record.training.steps == 2
    assert "a, b" in record.limits


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(
    tmp_path: Path, pairs: Path, script: Callable[[str], ModuleType]
) -> None:
    trainer, options = script("deepfakes"), ("--data", pairs, *OPTIONS, "--steps", "4", "--every", "1", "--keep", "4")
    for name in ("through", "stopped"):
        run(trainer, *options, "--output", tmp_path / name)
    resume = tmp_path / "stopped" / "checkpoints" / "00000002"
    run(trainer, *options, "--output", tmp_path / "stopped", "--resume", resume)
    assert weights(tmp_path / "through" / "final") == weights(tmp_path / "stopped" / "final")
    losses = [(tmp_path / name / "losses.csv").read_text() for name in ("through", "stopped")]
    assert losses[0] == losses[1] and len(losses[0].splitlines()) == 5
    best = json.loads((tmp_path / "through" / "best.json").read_text())
    assert best["step"] in (1, 2, 3) and DeepFakes.from_pretrained(tmp_path / "through" / "best").people == ("a", "b")
    assert read_record(tmp_path / "through" / "best", "deepfakes").training.steps == best["step"]


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, pairs: Path) -> None:
    """A run that is killed five times and gone on with ends with the weights of one that nothing happened to."""
    options = ("--steps", "300", "--every", "20")
    _train(pairs, tmp_path / "through", *options)
    random, resume, kills = np.random.default_rng(5), (), 0
    while kills < 5:
        process = subprocess.Popen(
            _command(pairs, tmp_path / "killed", *options, *resume),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        checkpoints = tmp_path / "killed" / "checkpoints"
        before = _newest(checkpoints)
        while process.poll() is None and _newest(checkpoints) == before:
            time.sleep(0.01)
        time.sleep(float(random.uniform(0, 0.4)))
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.wait()
        kills, resume = kills + 1, ("--resume", "last")
    assert _newest(tmp_path / "killed" / "checkpoints") < 300
    _train(pairs, tmp_path / "killed", *options, *resume)
    assert weights(tmp_path / "through" / "final") == weights(tmp_path / "killed" / "final")
    assert [line.split(",")[0] for line in (tmp_path / "killed" / "losses.csv").read_text().splitlines()[1:]] == [
        str(step) for step in range(1, 301)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_stop_saves(tmp_path: Path, pairs: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        _command(pairs, tmp_path / "run", "--steps", "100000"), stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith("step 50 "))
    process.send_signal(number)
    said = process.stdout.read()
    assert process.wait() == 0
    step = _newest(tmp_path / "run" / "checkpoints")
    assert step >= 50 and f"saved at step {step}. To go on: python" in said and said.rstrip().endswith("--resume last")
    assert not (tmp_path / "run" / "final").exists()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, pairs: Path) -> Path:
    """A run of one process that sees two batches a step."""
    folder = tmp_path_factory.mktemp("alone")
    _train(pairs, folder, "--gan", "0", "--steps", "4", "--accumulate", "2")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("module", [
    ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
    ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
     "--mixed_precision", "no", "--dynamo_backend", "no"),
])  # fmt: skip
def test_two_processes_see_what_one_sees(tmp_path: Path, pairs: Path, alone: Path, module: tuple[str, ...]) -> None:
    """Two processes, and one with two batches a step: the same pictures, the same losses. Without a GAN, whose judge
    one process asks again before it has learned from the second batch."""
    same = ("--gan", "0", "--steps", "4")
    said = _train(pairs, tmp_path / "two", *same, "--every", "2", module=module)
    assert said.count("Weights: ") == 1  # strangers to each other would both tell
    two, one = (
        np.loadtxt(run / "losses.csv", delimiter=",", skiprows=1, usecols=(0, 1, 5))
        for run in (tmp_path / "two", alone)
    )
    assert two.shape == one.shape == (4, 3)
    assert np.abs(two - one).max() < 2e-4
    resume = ("--resume", str(tmp_path / "two" / "checkpoints" / "00000002"))
    _train(pairs, tmp_path / "two", *same, *resume, module=module)


@pytest.mark.slow
def test_faces_without_pairs(
    tmp_path: Path, portrait: Path, script: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders of photos of two people, one each, and again turned over, which is another picture."""
    for name, path in (("Ann", portrait), ("ben", personas()[1].portrait)):
        (tmp_path / name).mkdir()
        picture = Image.open(path).convert("RGB")
        picture.save(tmp_path / name / "one.jpg")
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / name / "two.png")
    (tmp_path / "Ann" / "broken.jpg").write_bytes(b"no picture")
    faces = ("--recipe", "classic", "--faces", tmp_path / "Ann", tmp_path / "ben", "--output", tmp_path / "run")
    more = ("--steps", "2", "--batch", "2", "--settings", TINY)
    with pytest.raises(ConsentRequired, match="Nobody said"):
        run(script("deepfakes"), *faces, *more)
    given = ("--consent", "given", "--statement", "Ann, who agreed", "Ben, who agreed too")
    run(script("deepfakes"), *faces, *more, *given)
    said = capsys.readouterr()
    assert "broken.jpg" in said.out + said.err and "2 + 2 pairs of ann, ben" in said.out
    record = read_record(tmp_path / "run" / "final", "deepfakes")
    assert {each.metric for each in record.scores} == {"ssim_ann", "l1_ann", "ssim_ben", "l1_ben"}
    assert [(each.name, each.consent, each.statement) for each in record.data] == [
        ("Ann", "given", "Ann, who agreed"),
        ("ben", "given", "Ben, who agreed too"),
    ]


def test_options_that_contradict(script: Callable[[str], ModuleType]) -> None:
    config = script("deepfakes").Config
    with pytest.raises(ValueError, match="--data or --faces"):
        config(output=Path("out"))
    with pytest.raises(ValueError, match="classic"):
        config(output=Path("out"), faces=("a", "b"))
    with pytest.raises(UsageError, match="one name"):
        _ = config(output=Path("out"), faces=("x/a", "y/a"), recipe="classic").names


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--data", "nowhere"), 2, "no folder nowhere"),
        (("--data", "{pairs}", "--people", "zoe"), 2, "no zoe"),
        (("--data", "{pairs}/a"), 2, "pictures of one person"),
        (("--data", "{pairs}", "--init-from", "nowhere"), 2, "no weights in nowhere"),
        (("--data", "{pairs}", "--resume", "last"), 2, "no checkpoint"),
        (("--data", "{pairs}", "--track", "wandb"), 2, "--track wandb"),
        (("--data", "{pairs}", "--data-record", "nowhere.json"), 2, "--data-record nowhere.json"),
        (
            (
                "--data",
                "{pairs}",
            ),
            5,
            "Nobody said",
        ),
    ],
)
def test_what_a_user_can_mend_is_two_lines(
    arguments: tuple[str, ...], code: int, said: str, pairs: Path, tmp_path: Path, script: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    trainer = script("deepfakes")
    given = [each.format(pairs=pairs) for each in arguments]
    monkeypatch.setattr("sys.argv", ["deepfakes.py", *given, "--output", str(tmp_path / "run"), "--settings", TINY])
    with pytest.raises(SystemExit) as ended:
        start(trainer.main, trainer.Config, trainer.PRESETS)
    told = capsys.readouterr().err
    assert ended.value.code == code and said in told and len(told.splitlines()) == 2


def test_the_folder_of_another_run_and_another_network(
    pairs: Path, tmp_path: Path, script: Callable[[str], ModuleType]
) -> None:
    trainer, options = script("deepfakes"), ("--data", pairs, "--output", tmp_path, "--batch", "1", *WHOSE)
    run(trainer, *options, "--steps", "1", "--settings", TINY)
    with pytest.raises(UsageError, match="holds another run"):
        run(trainer, *options, "--steps", "1", "--settings", TINY)
    other = json.dumps(json.loads(TINY) | {"code": 4})
    with pytest.raises(UsageError, match="no checkpoint of this network"):
        run(trainer, *options, "--steps", "2", "--settings", other, "--resume", "last")


def _newest(checkpoints: Path) -> int:
    return max((int(path.name) for path in checkpoints.glob("*") if path.name.isdigit()), default=0)
