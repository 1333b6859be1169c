"""The steps behind a result, and who becomes whom as it is written in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import facezoo
from facezoo import runner
from facezoo.errors import Cancelled, ConsentRequired, NoFace, UsageError
from facezoo.media.read import read_photo
from facezoo.media.write import write_photo
from facezoo.zoo.embedded import examples


@pytest.fixture(scope="module")
def photo() -> Path:
    return next(each.path for each in examples() if each.id == "denim")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    """A synthetic person in a file that facezoo does not know: consent is asked for."""
    path = tmp_path_factory.mktemp("stranger") / "stranger.png"
    write_photo(path, np.ascontiguousarray(read_photo(photo)[:, ::-1]))
    return path


def test_every_step_is_written_and_sealed_where_a_computer_made_it(method_id: str, photo: Path, tmp_path: Path) -> None:
    steps = runner.explain(method_id, photo, output=tmp_path)
    assert bool(steps) == runner.explains(method_id)
    assert sorted(tmp_path.iterdir()) == [step.path for step in steps]
    if not steps:
        assert method_id not in ("landmark_warp", "deepfakes")
        return
    assert len(steps) >= 4
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert (steps[0].name, steps[-1].name) == ("original", "result")
    for step in steps:
        assert step.path == tmp_path / f"{step.number}-{step.name}.png"
        assert step.title and step.text.endswith(".")
        assert min(read_photo(step.path).shape[:2]) >= min(512, *read_photo(photo).shape[:2])
        found = facezoo.verify(step.path)
        assert (found.c2pa, found.watermark) == (("trusted", True) if step.made else ("none", False)), step.name
        assert found.method == (method_id if step.made else None)
    assert np.array_equal(read_photo(steps[0].path), read_photo(photo))


def test_the_last_step_is_the_result_of_a_run(swap_method: str, stranger: Path, tmp_path: Path) -> None:
    given = {"params": {"color": "reinhard"}, "consent": True}
    last = runner.explain(swap_method, stranger, output=tmp_path / "steps", **given)[-1]
    sealed = runner.run(swap_method, stranger, output=tmp_path / "run.png", **given)
    assert np.array_equal(read_photo(last.path), read_photo(sealed.path))


def test_what_goes_wrong_leaves_nothing(swap_method: str, stranger: Path, landscape: Path, empty_temp: Path) -> None:
    def stop(stage: str, _fraction: float) -> None:
        if stage == "seal":
            raise Cancelled("Stopped.")

    with pytest.raises(ConsentRequired):
        runner.explain(swap_method, stranger)
    with pytest.raises(NoFace):
        runner.explain(swap_method, landscape, consent=True)
    with pytest.raises(NoFace, match="no face 2"):
        runner.explain(swap_method, stranger, face=2, consent=True)
    with pytest.raises(Cancelled):
        runner.explain(swap_method, stranger, consent=True, progress=stop)
    with pytest.raises(UsageError, match="nobody"):
        runner.explain(swap_method, stranger, persona="nobody", consent=True)
    assert list(empty_temp.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (None, None)),
        (["imani"], ("imani", None)),
        (["1=imani"], (None, {1: "imani"})),
        (["1=imani,3=orla"], (None, {1: "imani", 3: "orla"})),
        (["1=imani", " 2 = joss "], (None, {1: "imani", 2: "joss"})),
    ],
)
def test_who_becomes_whom(words: list[str], expected: tuple[str | None, dict[int, str] | None]) -> None:
    assert runner.parse_personas(words) == expected


@pytest.mark.parametrize(
    "words",
    [[""], ["imani", "joss"], ["1=imani,joss"], ["0=imani"], ["a=imani"], ["1="], ["1=imani", "1=joss"], ["1=,"]],
)
def test_unclear_words_are_usage_errors(words: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        runner.parse_personas(words)
    assert raised.value.advice
