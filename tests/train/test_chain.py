"""The whole way of every method's weights: trained, stopped by Ctrl-C, gone on, run, measured, published, pulled by
somebody else, run there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from test_deepfakes import OPTIONS as DEEPFAKES
from test_talking_head import SMALL
from trainers import WHOSE, run

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate", reason="accelerate is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "zoo"))

from hub_server import HubServer  # noqa: E402

from facezoo import runner  # noqa: E402
from facezoo.evaluate.few_shot import measure, rendered_subject  # noqa: E402
from facezoo.evaluate.styles import evaluate_styles  # noqa: E402
from facezoo.evaluate.swaps import Asked, evaluate_swaps  # noqa: E402
from facezoo.media.read import read_photo  # noqa: E402
from facezoo.safety.seal import verify  # noqa: E402
from facezoo.train import talking_head  # noqa: E402
from facezoo.train.loop import Kept, Loop  # noqa: E402
from facezoo.types import Image  # noqa: E402
from facezoo.zoo.embedded import personas  # noqa: E402
from facezoo.zoo.record import Record, parse_record, read_record  # noqa: E402

STEPS, STOPPED = 20, 6
PAINTED = ("--preset", "small", "--judge", "4", "--batch", "1", *WHOSE)
TRAINED: dict[str, tuple[str, ...]] = {
    "cyclegan": ("--a", "{heaps}/a", "--b", "{heaps}/b", "--cut", "square", "--side", "32", "--ngf", "4", "--blocks",
                 "1", "--ndf", "4", "--kept", "2", *WHOSE),
    "deepfakes": ("--data", "{tmp}/pairs", *DEEPFAKES),
    "face2face": ("--data", "{tmp}/drawn", *PAINTED),
    "pix2pixhd": ("--data", "{tmp}/drawn", *PAINTED),
    "talking_head": ("--data", "{heads}", "--batch", "1", "--photos", "1", *WHOSE),
}  # fmt: skip
NEUTRAL: dict[str, dict[str, Any]] = {"talking_head": {"learn": 0, "yaw": 10.0}}


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every loop, once, in the middle of a step."""
    steps, pressed = Loop.steps, []

    def stopped(self: Loop, kept: Kept[Any]) -> Iterator[int]:
        for step in steps(self, kept):
            if step + 1 == STOPPED and not pressed:
                pressed.append(step)
                os.kill(os.getpid(), signal.SIGINT)
            yield step

    monkeypatch.setattr(Loop, "steps", stopped)


@pytest.fixture
def places(
    tmp_path: Path, heaps: Path, heads: Path, pairs: Path, drawn_pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """Where the words in TRAINED lie, with the first person of each kind of pairs as our first persona."""
    for name, given in (("pairs", pairs), ("drawn", drawn_pairs)):
        (tmp_path / name).mkdir()
        (tmp_path / name / personas()[0].id).symlink_to(given / "a")
        (tmp_path / name / "somebody").symlink_to(given / "b")
    monkeypatch.setitem(talking_head.NETWORKS, "bilayer", SMALL)
    return {"tmp": tmp_path, "heaps": heaps, "heads": heads}


@pytest.mark.slow
@pytest.mark.parametrize("method", list(TRAINED))
def test_trained_stopped_run_measured_published_pulled(
    method: str, places: dict[str, Path], portrait: Path, tmp_path: Path, ctrl_c: None,
    script: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    options = [each.format(**places) if "{" in each and '"' not in each else each for each in TRAINED[method]]
    threads = torch.get_num_threads()
    words = (*options, "--steps", str(STEPS), "--output", str(tmp_path / "run"))
    run(script(method), *words)
    said = capsys.readouterr().out
    assert f"Stopped and saved at step {STOPPED}." in said and "--resume last" in said
    assert not (tmp_path / "run" / "final").exists()
    run(script(method), *words, "--resume", "last")
    torch.set_num_threads(threads)  # sums depend on it in their last digits
    final = tmp_path / "run" / "final"
    assert f"Going on from step {STOPPED} of {STEPS}" in capsys.readouterr().out
    record = read_record(final, method)
    assert record.training.steps == STEPS and len((tmp_path / "run" / "losses.csv").read_text().splitlines()) == 21
    assert record.scores and all(each.statement == "Drawn by a test." for each in record.data)

    made, shipped = (_pixels(method, portrait, tmp_path / f"{name}.png", folder)
                     for name, folder in (("mine", str(final)), ("shipped", "")))  # fmt: skip
    assert _apart(made, shipped) > 1
    _measured(method, final, portrait, tmp_path)
    with HubServer() as hub:
        pushed = _facezoo("zoo", "push", final, "--name", f"facezoo-own-{method}", "--json",
                          environment=hub.environment(tmp_path / "here"))  # fmt: skip
        told = json.loads(pushed)
        _card_is_true(hub.repository(told["repo"]).commits[-1].files, record, method)
        there = tmp_path / "there.png"
        _facezoo(*_command(method, portrait, there), "--weights", f"{told['repo']}@{told['commit']}",
                 environment=hub.environment(tmp_path / "elsewhere"))  # fmt: skip
    assert _apart(read_photo(there), made) < 0.2  # another process may add in another order
    assert told["commit"] in verify(there).weights


def _command(method: str, portrait: Path, output: Path) -> list[str]:
    settings = [f"--set={name}={value}" for name, value in NEUTRAL.get(method, {}).items()]
    words = ["animate", str(portrait), "--method", method] if method in NEUTRAL else ["run", method, str(portrait)]
    return [*words, "-o", str(output), "--consent", *settings]


def _pixels(method: str, portrait: Path, output: Path, weights: str) -> Image:
    params = NEUTRAL.get(method, {})
    runner.run(method, portrait, weights=weights, params=params, consent=True, output=output)
    return read_photo(output)


def _apart(one: Image, other: Image) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def _measured(method: str, final: Path, portrait: Path, tmp_path: Path) -> None:
    """By what facezoo measures this kind of method with: a number for these weights."""
    folder = tmp_path / "measured"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.jpg").symlink_to(portrait)
    if method == "talking_head":
        table = measure([rendered_subject(read_photo(portrait), 1)], (1,), (0,), str(final))
        assert table["T 1, learn 0"]["nme"].mean > 0
    elif method == "cyclegan":
        told = evaluate_styles(final, folder, folder, tmp_path / "scores", consent=True)
        assert told["weights"] in json.dumps(told)
    else:
        asked = Asked((method,), (personas()[0].id,), folder, consent=True, quick=True, weights=str(final))
        told = evaluate_swaps(asked, tmp_path / "scores")
        assert told["methods"][method]["weights"]["sha256"] and not told["failures"]


def _card_is_true(files: dict[str, bytes], record: Record, method: str) -> None:
    """A card says what this run learned from and nothing that only the shipped weights can say."""
    card = files["README.md"].decode()
    assert parse_record(files["metrics.json"].decode()) == record
    assert f"{STEPS} steps" in card and "Drawn by a test." in card and record.limits in re.sub(r"\s+", " ", card)
    assert "10,000" not in card and "PosixPath" not in card


def _facezoo(*words: str | Path, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-m", "facezoo", *map(str, words)], env=environment, check=False,
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
