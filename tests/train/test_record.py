"""README's road from an empty folder to weights on the Hub, as it is printed; and what is said of weights there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from trainers import WHOSE, run

pytest.importorskip("torch")
pytest.importorskip("accelerate", reason="accelerate is not installed")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "zoo"))

from hub_server import HubServer  # noqa: E402

from facezoo.zoo.record import parse_record, read_record  # noqa: E402

TINY = """{"side": 32, "widths": [8, 8, 8, 8], "reduced": 4, "code": 8, "dense": 8, "direct": 4, "shared": 8,
 "ups": [8, 8, 8], "anyone": [8, 8, 8], "scale": 1}"""
SHORT = {
    "persona_frames": ("--pairs", "6", "--held-back", "0.5", "--size", "96", "--identity", "0"),
    "deepfakes": ("--settings", TINY, "--batch", "2"),
    "face2face": ("--preset", "small", "--judge", "4", "--batch", "2"),
    "pix2pixhd": ("--preset", "small", "--judge", "4", "--batch", "2"),
}


def commands() -> list[list[str]]:
    """Every line of README's training section that trains or renders, but for those that need other people's files."""
    section = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## Training")[2].partition("\n## ")[0]
    lines = re.findall(r"^python training/.*$", section.replace("\\\n", ""), re.MULTILINE)
    found = [shlex.split(line, comments=True) for line in lines]
    return [each for each in found if "runs/pairs" in " ".join(each) and "tarek/" not in each]


@pytest.mark.slow
def test_from_an_empty_folder_to_the_hub(tmp_path: Path) -> None:
    """Each line as printed, with a tiny network, few pictures and few steps added."""
    (tmp_path / "training").symlink_to(REPOSITORY / "training")
    with HubServer() as hub:
        for number, (_, script, *given) in enumerate(commands()):
            name = Path(script).stem
            steps = () if name == "persona_frames" else ("--steps", str(2 + number))
            done = subprocess.run([sys.executable, script, *given, *SHORT[name], *steps], cwd=tmp_path, check=False,
                                  capture_output=True, text=True, timeout=300,
                                  env=hub.environment(tmp_path / "hf"))  # fmt: skip
            assert done.returncode == 0, (script, given, done.stdout, done.stderr)
            if "--push-to-hub" in given:
                assert f"{hub.address}/you/my-imani at " in done.stdout
        files = hub.repository("you/my-imani").commits[-1].files
    record, card = parse_record(files["metrics.json"].decode()), files["README.md"].decode()
    assert [(each.name, each.consent) for each in record.data] == [("pairs", "synthetic")]  # known without being told
    assert (tmp_path / "runs" / "pix2pixhd" / "final" / "metrics.json").is_file()
    assert "It makes imani of a face and nobody else" in card and "never existed" in card
    assert "10,000" not in card and "PosixPath" not in card


def test_foreign_weights_are_published_as_what_they_are(
    tmp_path: Path, drawn_pairs: Path, script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own words on whose faces these are, and none of the shipped method's."""
    with HubServer() as hub:
        for name, value in hub.environment(tmp_path / "hf").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # as above, if it was imported before
        ours = ("--consent", "given", "--statement", "Ann and Ben, who agreed.", "--push-to-hub", "teacher/ann")
        more = ("--steps", "1", "--data", drawn_pairs, "--output", tmp_path / "run", "--private")
        run(script("face2face"), *SHORT["face2face"], *more, *ours)
        card = hub.repository("teacher/ann").commits[-1].files["README.md"].decode()
    assert "given: everybody shown agreed" in card and "Ann and Ben, who agreed." in card and "a, b and nobody" in card
    assert "synthetic" not in card.replace("one of facezoo's synthetic people", "")
    assert read_record(tmp_path / "run" / "final", "face2face").data[0].sha256[:8] in (
        tmp_path / "run" / "final" / "metrics.json"
    ).read_text(encoding="utf-8")


@pytest.mark.release
@pytest.mark.parametrize("name", ["face2face", "pix2pixhd"])
def test_two_processes_paint(tmp_path: Path, drawn_pairs: Path, name: str) -> None:
    losses: list[list[str]] = []
    for output, launcher, more in (
        ("two", ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"), ()),
        ("one", (), ("--accumulate", "2")),
    ):
        command = [
            sys.executable,
            *launcher,
            REPOSITORY / "training" / f"{name}.py",
            "--data",
            drawn_pairs,
            "--output",
            tmp_path / output,
            *SHORT[name],
            "--steps",
            "3",
            "--adversarial",
            "0.3",
            "--threads",
            "1",
            *WHOSE,
            *more,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        losses.append((tmp_path / output / "losses.csv").read_text().splitlines())
    assert losses[0][0] == losses[1][0] and len(losses[0]) == len(losses[1]) == 4
    for line in range(1, 4):  # batch normalisation sees half as much at a time in either
        values = [[float(each or 0) for each in table[line].split(",")] for table in losses]
        assert values[0] == pytest.approx(values[1], rel=0.1)  # of a gathered batch, one half meets the judge untaught
