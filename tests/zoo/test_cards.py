"""Cards: those in model_cards are fresh, the Hub understands them, and their snippets run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import HubServer
from toy import RECORD, Toy

from facezoo import registry
from facezoo.cli.app import execute
from facezoo.errors import UsageError
from facezoo.types import Weights
from facezoo.zoo.cards import check_card, render
from facezoo.zoo.plain import headlines, in_words
from facezoo.zoo.record import LICENCES, Interval, Score

REPOSITORY = Path(__file__).parents[2]
SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_cards_are_fresh(method_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["zoo", "card", method_id]) == 0
    path = REPOSITORY / "model_cards" / f"{method_id}.md"
    made = f"facezoo zoo card {method_id} > model_cards/{method_id}.md"
    assert path.exists(), f"there is no card: {made}"
    assert path.read_text(encoding="utf-8") == capsys.readouterr().out, f"the card is stale: {made}"


def test_there_is_no_card_of_a_method_that_is_gone() -> None:
    cards = {path.stem for path in (REPOSITORY / "model_cards").iterdir()}
    assert cards == {spec.id for spec in registry.list_methods()}


def test_what_a_card_says() -> None:
    """Licence, paper, data with its consent, training with its energy, scores with intervals and baselines, uses."""
    from huggingface_hub import ModelCard

    spec = replace(registry.list_methods()[0], weights=Weights("owner/name", "0" * 40, "1" * 64, 12, 192))
    card = render(spec, [("strength", "0 to 1", "1.0")], RECORD)
    check_card(card)
    data = ModelCard(card).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("mit", "facezoo", "image-to-image")
    (result,) = data.eval_results or []
    assert (result.metric_type, result.metric_value, result.dataset_name) == ("l1", 4.0, "toy pairs")
    assert result.metric_args == {"n": 60, "interval_95": [3.5, 4.5]}
    for text in (
        "MIT (weights), Apache-2.0 (code)",
        spec.paper,
        "None of these people ever existed.",
        "`training/toy.py`, preset `cpu`: 10 steps in 0.5 hours on 2 processor cores",
        "30 W: 0.01 kWh",
        "**4 [3.5, 4.5]** | 9 [8, 10]",
        "It was made for tests.",
        "![Before and after](previews/one.png)",
        "## Intended use",
        "## Forbidden use",
        f'load("{spec.id}", "owner/name@weights-{"1" * 16}")',
        spec.limits,
    ):
        assert text in card
    assert "Not measured yet." in render(spec, [], replace(RECORD, scores=()))
    with pytest.raises(UsageError):
        render(replace(spec, licence="wtfpl"), [])
    for licence in LICENCES:
        check_card(render(replace(spec, licence=licence), []))


@pytest.mark.slow
def test_the_snippet_runs(method_id: str, portrait: Path, tmp_path: Path) -> None:
    """The card's own Python, in a folder with me.jpg and clip.mp4, as a reader would try it."""
    spec = registry.load_spec(method_id)
    if spec.weights.repo:
        pytest.skip("its weights are on the Hub")
    shutil.copy(portrait, tmp_path / "me.jpg")
    clip = Path(registry.__file__).parent / "methods" / "motion_transfer" / "example.mp4"
    if spec.inputs.driving:
        if not clip.exists():
            pytest.skip("no clip ships")
        shutil.copy(clip, tmp_path / "clip.mp4")
    for snippet in SNIPPET.findall((REPOSITORY / "model_cards" / f"{method_id}.md").read_text(encoding="utf-8")):
        command = [sys.executable, "-c", f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}\n{snippet}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        if "sealed.path" in snippet:
            assert Path(done.stdout.strip()).is_file()


@pytest.mark.slow
def test_the_loading_snippet_runs_in_an_environment_of_its_own(hub: HubServer, toy: Toy, tmp_path: Path) -> None:
    """A new virtual environment and a new cache, with nothing but what is installed, against the test's Hub."""
    import venv

    toy.publish()
    card = toy.facezoo("zoo", "card", "toy").out
    loading = next(snippet for snippet in SNIPPET.findall(card) if "load(" in snippet)
    venv.create(tmp_path / "fresh", with_pip=False)
    (packages,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages")
    installed = [path for path in sys.path if path.endswith("-packages")]
    (packages / "installed.pth").write_text("\n".join([*installed, str(REPOSITORY / "hub")]) + "\n")
    done = toy.run(loading, home=tmp_path / "home", python=tmp_path / "fresh" / "bin" / "python")
    assert done.code == 0, done.err
    assert "teacher/facezoo-toy" in done.out


def test_a_figure_is_a_sentence_before_it_is_an_interval() -> None:
    def score(metric: str, value: float, dataset: str = "portraits, 59 people x 4 personas (65d8ed53)") -> Score:
        return Score(metric, metric, dataset, 236, "higher", Interval(value, value - 0.02, value + 0.01))

    persona, paint, other = (
        score("top1", 0.979),
        score("taken", 0.967, "photos into paintings, van Gogh"),
        score("x", 4.0),
    )
    told = ["Taken for the persona in 98 of 100 pictures", "Taken for a painting in 97 of 100 pictures"]
    assert [each.words for each in in_words([persona, other, paint])] == told
    assert (in_words([persona])[0].spread, in_words([persona])[0].tried) == ("96 to 99", "236 tried, portraits")
    assert [each.words for each in headlines([persona, persona, other])] == told[:1]
    assert headlines([other])[0].words == "x: 4"
