"""The Learn tab: its exhibits are those of the weights that ship, its pages say what they promise."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.errors import UsageError
from facezoo.ui.learn.exhibits import FOLDER, MANIFEST, Exhibit, exhibits, shipped_rows
from facezoo.ui.learn.lessons import LESSONS, Lesson, lesson, lesson_html

SPECS = facezoo.list_methods()
MOST = 8 << 20  # bytes
PAGES = pytest.mark.parametrize("of", LESSONS, ids=lambda of: of.id)
ROWS = pytest.mark.parametrize("row", exhibits().values(), ids=lambda row: row.name)


class Read(HTMLParser):
    """Links, pictures, ids of what is asked, and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        if tag == "a":
            self.links.append(str(told["href"]))
        if tag == "img":
            self.pictures.append(told)


def test_every_exhibit_was_made_by_the_weights_that_ship() -> None:
    """Stale: make learn."""
    assert [row.name for row in exhibits().values() if not row.fresh] == [], "stale: make learn"
    assert {path.stem for path in shipped_rows()} == set(exhibits())
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST


def test_an_exhibit_of_other_weights_or_bytes_is_stale() -> None:
    row = exhibits()["deepfakes-decoders"]
    assert row.weights
    assert row.fresh
    assert not replace(row, weights={"deepfakes": "0" * 64}).fresh
    assert not replace(row, pictures={**row.pictures, "denim": "0" * 64}).fresh
    assert not replace(row, sha256="0" * 64).fresh


@ROWS
def test_a_row_holds_its_tiles(row: Exhibit) -> None:
    with Image.open(row.path) as picture:
        lines = -(-row.tiles // row.columns)
        assert picture.size == (row.columns * row.side, lines * row.side)


@pytest.mark.slow
@ROWS
def test_what_a_computer_made_is_sealed(row: Exhibit) -> None:
    found = facezoo.verify(row.path)
    assert (found.c2pa, found.watermark) == (("trusted", True) if row.made else ("none", False))


@pytest.mark.slow
def test_what_ships_is_what_is_made_now() -> None:
    """Other code, or other weights, would give other pictures."""
    from facezoo.ui.learn.make.people import deepfakes
    from facezoo.ui.learn.make.row import square

    made = {row.name: row for row in deepfakes()}
    row = made["deepfakes-decoders"]
    shipped = exhibits()[row.name]
    with Image.open(shipped.path) as picture:
        before = np.asarray(picture.convert("RGB"), np.float32)
    now = np.hstack([square(tile, shipped.side) for tile in row.tiles]).astype(np.float32)
    assert float(np.median(np.abs(now - before))) < 4


@PAGES
def test_a_page_keeps_its_promises(of: Lesson) -> None:
    """An idea, something to touch, three questions with answers, and ways on that lead somewhere."""
    html = lesson_html(of, SPECS)
    read = Read(html)
    assert read.tags.count("h1") == 1
    questions = re.findall(
        r'<details class="question"><summary>([^<]+\?)</summary><div class="answer-text"><p>([^<]+)', html
    )
    assert len(questions) == 3
    assert len(re.findall(r'type="range"|type="radio"|data-loupe', html)) >= 2
    for id in of.methods:
        assert {f"#methods/{id}", f"#zoo/{id}"} <= set(read.links)
    assert {address for _, address in of.papers} <= set(read.links)
    known = {each.id for each in LESSONS}
    for link in read.links:
        if link.startswith("#learn/"):
            assert link.removeprefix("#learn/") in known
    words = re.sub(r"<[^>]+>|&[a-z#0-9]+;", " ", html)
    assert not re.search(r"!|\bNone\b(?! of)|\bundefined\b|\{\{|\}\}", words)


@PAGES
def test_pictures_of_a_page_are_there_and_have_words(of: Lesson) -> None:
    read = Read(lesson_html(of, SPECS))
    assert read.pictures
    for picture in read.pictures:
        assert picture["alt"] is not None
        if "/file=" in str(picture["src"]):
            assert Path(str(picture["src"]).partition("/file=")[2]).is_file()


def test_labels_are_as_many_as_tiles() -> None:
    """No position of a slider shows an empty place."""
    for of in LESSONS:
        html = lesson_html(of, SPECS)
        for figure in html.split("<figure")[1:]:
            labels = re.search(r'data-labels="([^"]*)"', figure)
            for name, first in re.findall(r'data-first="(\d+)"><img src="[^"]*/([\w-]+)\.avif', figure):
                if labels:
                    count = len(json.loads(labels[1].replace("&#34;", '"').replace("&#39;", "'")))
                    assert int(name) + count <= exhibits()[first].tiles, (of.id, first)


def test_every_exhibit_is_shown_or_measured() -> None:
    shown = "".join(lesson_html(of, SPECS) for of in LESSONS)
    told = set(json.loads(MANIFEST.read_text(encoding="utf-8")))
    unseen = {name for name in told if f"{name}.avif" not in shown and not name.startswith("lab-")}
    assert unseen == set()


def test_an_unknown_page_is_refused() -> None:
    for wrong in ("nothing", "", None, 3, "../history", ["history"]):
        with pytest.raises(UsageError):
            lesson(wrong)


def test_pages_stand_without_the_methods_of_a_hub() -> None:
    """A hub that offers one method alone still shows every page."""
    for of in LESSONS:
        assert f'data-lesson="{of.id}"' in lesson_html(of, SPECS[:1])


def test_a_hub_is_for_a_class_or_for_everybody() -> None:
    from facezoo.cli.hub import demo

    with pytest.raises(UsageError, match="class"):
        demo(classroom=True, public=True)


def test_a_class_is_told_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    from facezoo.cli import hub

    told: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _program, words: told.append(words))
    monkeypatch.setattr("os.dup2", lambda *_: None)
    hub.demo(classroom=True)
    hub.demo()
    assert ["--classroom" in words for words in told] == [True, False]
