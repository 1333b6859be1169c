"""The zoo tab without a browser: what it lists, how cards become HTML, and downloads from a Hub of this machine."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import facezoo
from facezoo.types import MethodSpec
from facezoo.ui.common.results import example_facts
from facezoo.ui.learn.exhibits import exhibits
from facezoo.ui.zoo.card import markdown
from facezoo.ui.zoo.entry import Entry, entries, entry, megabytes, numbers
from facezoo.ui.zoo.list import listing
from facezoo.ui.zoo.page import Zoo
from facezoo.ui.zoo.weights import weights_markup

sys.path.insert(0, str(Path(__file__).parents[2] / "zoo"))

from hub_server import HubServer
from toy import RECORD, REPO, WEIGHTS, Toy

_TOLD = """
import time
from facezoo.registry import load_spec
from facezoo.ui.zoo.page import Zoo
from facezoo.ui.zoo.weights import archive
zoo, asked = Zoo([load_spec("toy")]), {"method": "toy"}
"""
_PULL = _TOLD + "print(json.dumps(list(zoo.pull(asked))))"
_STOP = (
    _TOLD
    + """
zones = zoo.pull(asked)
next(zones)
time.sleep(3)
began = time.monotonic()
zoo.stop(asked)
print(json.dumps({"last": list(zones)[-1], "seconds": time.monotonic() - began}))
sys.stdout.flush()
import os
os._exit(0)  # its thread still waits for the silent Hub
"""
)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as started:
        yield started


@pytest.fixture
def toy(server: HubServer, tmp_path: Path) -> Toy:
    return Toy(server, tmp_path / "toy")


@dataclass(frozen=True)
class Settings:
    """None."""


def spec(**changes: Any) -> MethodSpec:
    values: dict[str, Any] = {
        "id": "some_method", "title": "Some method", "year": 2020, "paper": "https://example.org/p",
        "summary": "It does.", "family": "translation", "tasks": ("swap",), "licence": "MIT", "pipeline": "a:B",
        "params": Settings, "limits": "It fails.", "trained_on": "Nothing.",
    }  # fmt: skip
    return MethodSpec(**{**values, **changes})


def trained(**changes: Any) -> Entry:
    values: dict[str, Any] = {
        "spec": spec(), "record": RECORD, "state": "not here", "licences": ("MIT",), "commercial": True,
    }  # fmt: skip
    return Entry(**{**values, **changes})


def test_every_method_is_listed_and_has_a_card(method_id: str) -> None:
    specs = facezoo.list_methods()
    html = Zoo(specs).list()
    assert f'href="#zoo/{method_id}"' in html
    method = facezoo.load_spec(method_id)
    head, weights, body = Zoo([method]).card({"method": method_id})
    assert method.paper in head
    assert f"facezoo run {method_id}" in body
    assert body.count('data-act="copy"') == body.count("<pre") >= 2
    assert "---" not in body.split("<h2>")[0]  # no front matter
    if not method.weights.sha256:
        assert "Nothing is learned in this method: nothing to download." in weights
        assert "data-act" not in weights


@pytest.mark.parametrize("asked", [None, {}, {"method": "nothing"}, {"method": "../x"}, {"method": ["x"]}, "x"])
def test_a_card_of_no_method_is_refused_in_words(asked: Any) -> None:
    head, weights, body = Zoo([spec()]).card(asked)
    assert "no such method" in head
    assert 'href="#zoo"' in head
    assert (weights, body) == ("", "")
    (zone,) = Zoo([]).pull(asked)
    assert "no such method" in zone


def test_columns_and_filters_only_for_what_differs() -> None:
    one = trained()
    assert "<select" not in listing([one], [])
    assert 'type="checkbox"' not in listing([one], [])
    assert "Measured" not in listing([trained(record=None)], [])
    two = [one, trained(spec=spec(family="rules", tasks=("animate",)), licences=("CC-BY-NC-4.0",), commercial=False)]
    html = listing(two, ["X is left out."])
    assert html.count("<select") == 3
    assert 'type="checkbox"' in html
    assert ("See the licence" in html, "X is left out." in html) == (True, True)
    assert ": 4 <small>3.5 to 4.5</small>" in html


def test_a_card_shows_a_result_and_folds_its_long_table() -> None:
    shown = Zoo(facezoo.list_methods())
    head, _, body = shown.card({"method": "deepfakes"})
    assert "before-after" in head and "as Imani" in head
    assert "&lt;details" not in body and body.count('<details class="folded"><summary>') >= 1
    assert "<li>Taken for the persona in 98 of 100 pictures (" in body
    assert '<td data-label="better">higher</td>' in body, "on a phone a cell stands behind its heading"
    assert "Taken for the persona in 98 of 100 pictures <small>" in shown.list()
    assert "<video" in shown.card({"method": "motion_transfer"})[0]
    for spec in facezoo.list_methods():
        known = entry(spec)
        if example_facts(spec) or any(each.fresh for each in exhibits().values() if spec.id in each.weights):
            assert known.picture is not None and known.picture.is_file(), "a picture on every card"
            assert 'class="sample"' in shown.card({"method": spec.id})[0]


def test_html_of_a_card_that_is_no_table_of_ours_stays_text() -> None:
    html = markdown("<details>\n<summary>3 <b>x</b></summary>\n\n| a |\n|---|\n| <i>b</i> |\n\n</details>", {})
    assert "<details" not in html and "<i>" not in html


def test_what_a_licence_allows() -> None:
    assert entry(spec(licence="MIT")).commercial
    assert not entry(spec(licence="CC-BY-NC-4.0")).commercial
    assert not entry(spec(licence="Ask us")).commercial


@pytest.mark.parametrize(
    ("state", "repo", "fuller", "buttons"),
    [
        ("not here", "a/b", False, ["pull"]),
        ("not here", "", False, []),
        ("here", "a/b", False, ["copy-files"]),
        ("ships", "a/b", True, ["pull", "copy-files"]),
        ("ships", "a/b", False, ["copy-files"]),
        ("own folder", "a/b", False, []),
    ],
)
def test_what_can_be_done_with_weights(state: Any, repo: str, fuller: bool, buttons: list[str]) -> None:
    weights = facezoo.types.Weights(repo, "0" * 40, "1" * 64, 1_200_000, 4_800_000)
    html = weights_markup(trained(spec=spec(weights=weights), state=state, fuller=fuller))
    assert [name for name in ("pull", "copy-files", "stop") if f'data-act="{name}"' in html] == buttons
    assert ("1.2 million" in html, "4.8 MB" in html, "training/toy.py" in html) == (True, True, True)


def test_markdown_is_made_harmless() -> None:
    hostile = (
        "<script>alert(1)</script>\n\n[a](javascript:alert(1)) ![x](javascript:alert(2)) ![c](previews/a.png)\n\n"
        "<img src=x onerror=alert(1)>\n\n```<b>\n</code><script>\n```\n\n[b](https://example.org)"
    )
    html = markdown(hostile, {"previews/a.png": "here.png"})
    assert "<script" not in html
    assert "<img src=x" not in html
    assert 'href="javascript' not in html
    assert '<img src="here.png" alt="c"' in html
    assert '<a href="https://example.org" target="_blank" rel="noopener noreferrer">b</a>' in html
    assert "<img" not in markdown("![c](previews/other.png)", {})


def test_sizes_in_words() -> None:
    assert [megabytes(each) for each in (200, 60_000, 49_600_000)] == ["0.2 kB", "0.1 MB", "49.6 MB"]
    assert [numbers(each) for each in (12, 11_400, 45_600_000)] == ["12", "11,400", "45.6 million"]


def test_pull_then_copy(server: HubServer, toy: Toy, tmp_path: Path) -> None:
    """Fetched and checked; the copy, unpacked elsewhere, is found by FACEZOO_WEIGHTS without a network."""
    toy.train(padding=200_000)
    toy.publish()
    code = _TOLD + (
        "before = zoo.list()\nzones = list(zoo.pull(asked))\n"
        "from facezoo.ui.zoo.entry import entry\npath = archive(entry(load_spec('toy')))\n"
        "import shutil; shutil.copy(path, root / 'copy.zip')\n"
        "print(json.dumps({'before': before, 'zones': zones, 'after': zoo.list(),"
        " 'copied': zoo.copy(asked)}))"
    )
    done = toy.run(code)
    assert done.code == 0, done.err
    told = done.json
    assert ("Not here yet" in told["before"], "Already here" in told["after"]) == (True, True)
    assert "Asking the Hub" in told["zones"][0]
    assert "Every file has come and is right." in told["zones"][-1]
    assert 'download="facezoo-toy.zip"' in told["copied"]
    assert WEIGHTS in toy.loadable()
    with zipfile.ZipFile(toy.root / "copy.zip") as packed:
        packed.extractall(tmp_path / "copy")
    assert (tmp_path / "copy" / "toy" / "README.md").read_text(encoding="utf-8").startswith("---\n"), "the card, too"
    told = toy.locate(FACEZOO_WEIGHTS=str(tmp_path / "copy"), HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "none"))
    assert told["source"] == "own folder", told


def test_listing_and_opening_ask_no_server(server: HubServer, toy: Toy) -> None:
    toy.publish()
    done = toy.run(_TOLD + "zoo.list(); print(json.dumps(zoo.card(asked)))")
    assert done.code == 0, done.err
    _, weights, body = done.json
    assert 'data-act="pull"' in weights
    assert ("Synthetic portraits" in body, "4 [3.5, 4.5]" in body, "It was made for tests." in body) == (True,) * 3
    assert server.requests == []


@pytest.mark.parametrize(
    ("fault", "environment", "words"),
    [
        (404, {}, "error 404"),
        (429, {}, "asks for a pause"),
        ("wrong", {}, "other bytes"),
        ("", {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE"),
    ],
)
def test_failures_are_told_and_can_be_tried_again(
    server: HubServer, toy: Toy, fault: Any, environment: dict[str, str], words: str
) -> None:
    toy.publish()
    if fault:
        server.fail(fault, "GET /cdn/" if fault == "wrong" else "/resolve/", times=99)
    done = toy.run(_PULL, **environment)
    assert done.code == 0, done.err
    last = done.json[-1]
    assert 'data-state="failed"' in last
    assert words in last
    assert "Try again" in last
    assert WEIGHTS not in toy.loadable()
    server.mend()
    assert "Every file has come and is right." in toy.run(_PULL).json[-1]


def test_stop_counts_at_once_and_what_has_come_is_kept(server: HubServer, toy: Toy) -> None:
    """The Hub falls silent after the first 10 MB, of which huggingface_hub tells."""
    toy.train(padding=30_000_000)
    toy.publish()
    server.fail("slow", "GET /cdn/", seconds=0.02)
    done = toy.run(_STOP)
    assert done.code == 0, done.err
    told = done.json
    assert told["seconds"] < 2
    assert 'data-state="stopped"' in told["last"]
    assert "goes on from there" in told["last"]
    server.mend()
    assert "Every file has come and is right." in toy.run(_PULL).json[-1]


def test_without_licence_or_consent_a_method_is_left_out(server: HubServer, toy: Toy) -> None:
    toy.publish()
    record = json.loads((toy.embedded / "metrics.json").read_text())
    (toy.embedded / "metrics.json").write_text(json.dumps(record | {"licence": ""}))
    done = toy.run(_TOLD + "print(json.dumps([zoo.list(), *zoo.card(asked)]))")
    assert done.code == 0, done.err
    html, head, _, _ = done.json
    assert 'href="#zoo/toy"' not in html
    assert "Toy is left out" in html
    assert "licence" in head
    assert REPO not in html


def test_entries_of_the_installed_methods() -> None:
    shown, left_out = entries(facezoo.list_methods())
    assert [each.spec.id for each in shown] == [method.id for method in facezoo.list_methods()]
    assert left_out == []
