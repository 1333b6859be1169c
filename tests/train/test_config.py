"""A dataclass as a command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from facezoo.train.config import RunConfig, as_yaml, parse


@dataclass(frozen=True)
class Config:
    """Train a thing."""

    data: Path
    """Where the pictures are, 100 % of them."""
    steps: int = 10
    widths: tuple[int, ...] = (1, 2)
    """Channels."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError("--steps must be positive")


PRESETS = {"small": {}, "large": {"steps": 1000, "widths": (8, 9)}}


def test_options_win_over_presets_and_presets_over_defaults() -> None:
    assert parse(Config, PRESETS, ["--data", "x"]) == Config(Path("x"))
    assert parse(Config, PRESETS, ["--preset", "large", "--data", "x"]) == Config(Path("x"), 1000, (8, 9))
    given = parse(Config, PRESETS, ["--preset", "large", "--data", "x", "--steps", "3", "--widths", "4", "5", "6"])
    assert given == Config(Path("x"), 3, (4, 5, 6))


@pytest.mark.parametrize(("arguments", "said"), [([], "--data"), (["--data", "x", "--steps", "0"], "positive")])
def test_what_is_wrong_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Config, PRESETS, arguments)
    assert said in capsys.readouterr().err


def test_help_shows_the_docstrings(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Config, PRESETS, ["--help"])
    shown = capsys.readouterr().out
    assert "Train a thing" in shown and "100 % of them" in shown and "Channels." in shown


def test_help_shows_defaults_and_presets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Config, PRESETS, ["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "default: 10; large: 1000" in shown and "default: 1 2; large: 8 9" in shown


def test_a_file_between_preset_and_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.yaml"
    config = Config(Path("x"), 7, (3,))
    file.write_text(as_yaml(config))
    assert parse(Config, PRESETS, ["--preset", "large", "--config", str(file)]) == config
    assert parse(Config, PRESETS, ["--config", str(file), "--steps", "8"]) == Config(Path("x"), 8, (3,))
    for text, said in (("nothing: 1", "no option"), ("steps", "no list of options"), ("steps: many", "many")):
        file.write_text(text)
        with pytest.raises(SystemExit):
            parse(Config, PRESETS, ["--data", "x", "--config", str(file)])
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--batch", "0"], "--batch must be at least 1"),
        (["--steps", "0"], "--steps must be at least 1"),
        (["--every", "often"], "--every takes steps"),
        (["--track", "paper"], "tensorboard"),
        (["--mixed-precision", "int8"], "bf16"),
        (["--push-to-hub", "weights"], "owner/name"),
        (["--consent", "stolen"], "public domain"),
        (["--licence", "mine"], "Apache-2.0"),
        ([], "--output must be given"),
    ],
)
def test_what_all_trainings_share(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong is two lines, with the option's name."""
    where = ["--output", "x"] if arguments else []
    with pytest.raises(SystemExit) as ended:
        parse(RunConfig, {"cpu": {}}, [*where, *arguments])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and said in told and len(told.splitlines()) == 2
