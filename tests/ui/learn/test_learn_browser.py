"""Learn in a real Chromium: what opens, what turns, what is played, at both widths, by keyboard, on paper."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from facezoo.ui.learn.lessons import LESSONS

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.ui.conftest import Serve, Server, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IDS = [*(of.id for of in LESSONS), "game", "lab"]
WORK = 60_000  # ms: the longest a test waits


@pytest.fixture(scope="module")
def classroom(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("classroom")
    environment = {**os.environ, "FACEZOO_HOME": str(folder / "home")}
    with serve(["-m", "facezoo.ui", "--classroom", "--port", "PORT"], folder, environment) as running:
        yield running


@pytest.fixture
def learn(meet: Visitor, classroom: Server) -> Visitor:
    """A page of Learn by its id, as a new visitor."""

    def opened(id: str = "", *given: Any, **settings: Any) -> Visit:
        seen = meet(f"{classroom.url}#learn/{id}" if id else classroom.url, *given, **settings)
        seen.page.set_default_timeout(WORK)
        seen.page.locator(f'[data-lesson="{id}"]' if id else ".learn-contents").wait_for()
        return seen

    return opened


def go(page: Page, id: str) -> None:
    page.evaluate("id => { location.hash = `learn/${id}`; }", id)
    page.locator(f'[data-lesson="{id}"]').wait_for()


def turned(page: Page, figure: int = 0) -> list[tuple[str, str]]:
    """(column, line) of each tile of an exhibit with a slider."""
    found: list[tuple[str, str]] = (
        page.locator("[data-exhibit]:has(.turner)")
        .nth(figure)
        .evaluate(
            "each => [...each.querySelectorAll('.tile')].map(tile => ['--column', '--line']"
            ".map(name => tile.style.getPropertyValue(name)))"
        )
    )
    return found


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_fits_and_axe_finds_nothing(learn: Visitor, width: int, scheme: str) -> None:
    axe = files("axe_playwright_python") / "axe.min.js" if has_axe() else None
    seen = learn("", width, 900, scheme)
    page = seen.page
    assert page.url.endswith("#learn")  # a hub for a class opens here
    assert [each for each in seen.requests if "/learn/exhibits/" in each] == []  # pictures come with their page
    if axe:
        page.evaluate(axe.read_text(encoding="utf-8"))
    for id in IDS:
        go(page, id)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, id
        assert page.locator("h1:visible").count() == 1, id
        if axe:
            wrong = page.evaluate("axe.run(document.querySelector('.learn-page'), { resultTypes: ['violations'] })")
            assert [(each["id"], each["nodes"][0]["target"]) for each in wrong["violations"]] == [], id
    seen.check()


def has_axe() -> bool:
    try:
        import axe_playwright_python  # noqa: F401
    except ImportError:
        return False
    return True


def test_sliders_and_switches_turn_by_keyboard(learn: Visitor) -> None:
    seen = learn("drawings")
    page = seen.page
    before = turned(page)
    slider = page.locator(".turner input").first
    slider.focus()
    slider.press("ArrowRight")
    after = turned(page)
    assert len(after) == 2
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert "to the right" in str(slider.get_attribute("aria-valuetext"))
    assert page.locator(".turner output").first.inner_text() == slider.get_attribute("aria-valuetext")
    slider.press("End")
    column, line = turned(page)[0]
    assert (column, line) == ("3", "1")  # the ninth of nine tiles, five in a line
    switch = page.locator(".switch input").first
    switch.focus()
    switch.press("ArrowRight")
    cut = page.locator("[data-exhibit]:has(.switch) .tile").first
    assert cut.evaluate("each => each.style.getPropertyValue('--column')") == "1"
    summary = page.locator(".question summary").first
    summary.focus()
    summary.press("Enter")
    page.locator(".question .answer-text").first.wait_for()
    seen.check()


def test_pictures_come_and_nothing_jumps(learn: Visitor) -> None:
    page = learn("history", 390, 844).page
    before = page.evaluate("document.documentElement.scrollHeight")
    for image in page.locator(".lesson img").all():
        image.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    assert abs(page.evaluate("document.documentElement.scrollHeight") - before) <= 2


def test_links_lead_from_page_to_page(learn: Visitor) -> None:
    seen = learn()
    page = seen.page
    page.locator(".lessons a").first.click()
    page.locator('[data-lesson="history"]').wait_for()
    page.locator(".turn-page a").last.click()
    page.locator('[data-lesson="cyclegan"]').wait_for()
    page.go_back()
    page.locator('[data-lesson="history"]').wait_for()
    page.locator(".learn-back a").click()
    page.locator(".learn-contents").wait_for()
    assert page.evaluate("document.activeElement.hash") == "#learn/history"
    page.evaluate("location.hash = 'learn/nothing'")
    page.locator(".lesson [role=alert]", has_text="no such page").wait_for()
    seen.check()


def test_the_magnifier_follows_pointer_and_keys(learn: Visitor) -> None:
    seen = learn("tells")
    loupe = seen.page.locator("[data-loupe]").first
    loupe.scroll_into_view_if_needed()
    loupe.hover(position={"x": 40, "y": 60})
    lens = loupe.locator(".lens")
    lens.wait_for()
    placed = lens.evaluate("each => [each.style.left, each.style.backgroundImage]")
    assert placed[1].startswith("url(")
    loupe.focus()
    loupe.press("ArrowRight")
    assert float(lens.evaluate("each => parseFloat(each.style.left)")) > float(placed[0].rstrip("%"))
    seen.check()


def test_ten_faces_and_a_vote(learn: Visitor) -> None:
    seen = learn("game", 390, 844)
    page = seen.page
    for _ in range(10):
        page.locator(".round [data-answer=yes]").click()
        assert re.match(r"(Right|Not so)\. ", page.locator(".round .said[data-right]").inner_text())
        page.keyboard.press("Enter")  # the way on has the focus
    assert "5 of 10 rightly" in page.locator(".score .said").inner_text()
    page.locator("[data-vote] [data-act=pair]").click()
    page.locator("[data-vote-for=right]").click()
    page.locator("[data-vote]", has_text="Left was").wait_for()
    assert "1 vote on this hub" in page.locator("[data-ranking]").inner_text()
    with page.expect_download() as saved:
        page.locator("[data-act=export]").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("day,session,picture")
    seen.check()


def test_the_lab_shows_measures_that_move(learn: Visitor) -> None:
    seen = learn("lab")
    page = seen.page
    page.locator("[data-choose] input[value=cover]").check(force=True)
    page.locator("[data-chosen=cover]").wait_for()
    assert page.locator("[data-chosen]:visible").count() == 1
    slider = page.locator(".lab .turner input:visible")
    slider.focus()
    slider.press("End")
    assert set(page.locator(".lab .measure:visible").all_inner_texts()) == {"No result"}
    seen.check()


def test_a_worksheet_asks_and_does_not_answer(learn: Visitor) -> None:
    page = learn("deepfakes", 800, 1000, "dark").page
    page.emulate_media(media="print")
    assert page.locator(".answer-text:visible, .turner:visible, [role=tab]:visible").count() == 0
    assert page.locator(".question .lines").first.evaluate("each => each.getBoundingClientRect().height") > 40
    ink = page.locator(".lesson h1").evaluate("each => getComputedStyle(each).color")
    assert sum(map(int, re.findall(r"\d+", ink)[:3])) < 200  # dark on paper, whatever the screen
    tile = page.locator("[data-exhibit] .tile").first.bounding_box()
    assert tile is not None
    assert tile["width"] > 3 * tile["height"]  # all positions of the slider beside each other


def test_a_class_uploads_nothing(learn: Visitor, classroom: Server, portrait: Path) -> None:
    page = learn().page
    told = page.evaluate(
        """async url => {
          const data = new FormData();
          data.append('files', new Blob(['x']), 'x.png');
          const file = await fetch(`${url}gradio_api/upload`, { method: 'POST', body: data });
          const frame = await fetch(`${url}gradio_api/component_server`, { method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ component_id: 1, fn_name: 'x', data: { frame: 'data:image/jpeg;base64,AAAA' } }) });
          return [file.status, frame.status, (await file.json()).detail];
        }""",
        classroom.url,
    )
    assert told[:2] == [403, 403]
    assert "for a class" in told[2]
    assert page.get_by_role("tab", name="Train", exact=True).count() == 0
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.locator("#compare-results .card").first.wait_for()
    assert page.locator("label:has(> input[type=file]):visible, [data-act=camera]:visible").count() == 0
