"""Why a result looks as it does, and several faces that each become their own person, in a real Chromium."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from facezoo.ui.common.html import template
from facezoo.ui.common.picture import OWN
from facezoo.zoo.embedded import personas

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.ui.conftest import Hub, Visitor


WORK = 60_000  # ms: the longest a test waits for a result


def in_browser(test):
    """Marks a test that needs the hub and Chromium."""
    return pytest.mark.browser(pytest.mark.slow(test))


def test_markup_in_steps_is_text() -> None:
    from facezoo.runner import Explained

    html = template("methods/steps.html").strip([Explained(1, "a", "<script>", "<img src=x>", Path("1-a.png"), True)])
    assert "<script" not in html and "<img src=x" not in html


@in_browser
@pytest.mark.parametrize(("width", "height", "scheme"), [(390, 844, "dark"), (1440, 900, "light")])
def test_the_steps_behind_a_result(
    visit: Visitor, hub: Hub, swap_method: str, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = visit(width, height, scheme)
    page = seen.page
    _open_tab(page, swap_method)
    door = page.locator(f"#{swap_method}-steps")
    assert not door.is_visible()
    page.locator(f"#{swap_method}-run").click()
    link = page.locator(f"#{swap_method}-results [data-opens-steps]")
    link.wait_for(timeout=WORK)
    page.locator(f'#{swap_method}-results .results[aria-busy="false"]').wait_for(timeout=WORK)
    link.click()
    steps = door.locator("ol.steps li")
    steps.first.wait_for(timeout=WORK)
    assert steps.count() >= 4
    assert [each.inner_text() for each in door.locator("h3 .number").all()] == [
        str(number) for number in range(1, steps.count() + 1)
    ]
    assert page.evaluate("document.activeElement.closest('.steps-door') !== null")  # the keyboard goes on from there
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('ol.steps a')")
    _check_pictures(page, door, hub, swap_method, tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.locator(f'[name="{swap_method}-person"]').nth(1).check(force=True)
    steps.first.wait_for(state="detached")
    assert door.is_visible()  # the result is still there, and so is the question
    page.locator(".thumb:visible").nth(1).click()
    door.wait_for(state="hidden")
    seen.check()


@in_browser
def test_steps_can_be_stopped_and_asked_for_again(visit: Visitor, swap_method: str) -> None:
    seen = visit()
    page = seen.page
    _open_tab(page, swap_method)
    page.locator(f"#{swap_method}-run").click()
    page.locator(f"#{swap_method}-results [data-opens-steps]").click(timeout=WORK)
    door = page.locator(f"#{swap_method}-steps")
    door.get_by_role("button", name="Stop").click(timeout=WORK)
    door.locator(":is(.panel, ol.steps)").first.wait_for(timeout=WORK)
    if door.locator(".panel").count():
        for _ in range(2):
            door.locator("button").first.click()
        door.locator("ol.steps").wait_for(timeout=WORK)
    seen.check()


@in_browser
def test_a_comparison_leads_to_the_methods_steps(visit: Visitor, swap_method: str) -> None:
    seen = visit()
    page = seen.page
    page.locator("#compare-run").click()
    page.locator(f'#compare-results [data-opens-tab="methods {swap_method}"]').click(timeout=WORK)
    page.locator(f"#{swap_method}-run").wait_for()
    seen.check()


@in_browser
def test_each_face_becomes_its_own(visit: Visitor, hub: Hub, swap_method: str, tmp_path: Path) -> None:
    seen = visit()
    page = seen.page
    _open_tab(page, swap_method)
    zone = page.locator(".left-zone", has=page.locator(f"#{swap_method}-run"))
    zone.locator("input[type=file]").first.set_input_files(_three_people(personas()[2].portrait, tmp_path))
    zone.locator(f'.chip:has([value="{OWN}"])').click(timeout=WORK)
    assert not zone.locator(".people-chooser").first.is_visible()
    zone.locator('[data-own="3"][value=""]').check(force=True)
    names = [box.locator("span").first.inner_text() for box in zone.locator("label.face").all()]
    first, second = (person.name.partition(" ")[0] for person in personas()[:2])
    assert names == [f"1 {first}", f"2 {second}", "3"]
    zone.locator("label.face").nth(1).click()
    assert zone.locator(f'[value="{OWN}"]').is_checked()
    assert page.evaluate("document.activeElement.dataset.own") == "2"
    zone.get_by_role("checkbox").first.check()
    page.locator(f"#{swap_method}-run").click()
    download = page.locator(f"#{swap_method}-results .download")
    download.wait_for(timeout=WORK)
    with page.expect_download() as started:
        download.click()
    started.value.save_as(tmp_path / "result.png")
    assert hub.verify(tmp_path / "result.png")["c2pa"] == "trusted"
    assert _changed(tmp_path / "people.png", tmp_path / "result.png") == [True, True, False]
    seen.check()


def _open_tab(page: Page, method: str) -> None:
    page.get_by_role("tab", name="Methods", exact=True).click()
    page.locator(f'[role=tab][data-tab-id="{method}"]').click()
    page.locator(f"#{method}-run").wait_for()


def _check_pictures(page: Page, door: Locator, hub: Hub, method: str, folder: Path) -> None:
    """Every picture is there and has words; those a computer made are sealed, the visitor's own are not."""
    sealed: list[bool] = []
    for number, image in enumerate(door.locator("ol.steps img").all(), start=1):
        assert (image.get_attribute("alt") or "").startswith(f"Step {number}: ")
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
        file = folder / f"{number}.png"
        urllib.request.urlretrieve(image.evaluate("image => image.src"), file)
        found = hub.verify(file)
        sealed.append(found["c2pa"] == "trusted" and found["watermark"] and found["method"] == method)
    assert sealed[-1] and not sealed[0]


def _three_people(portrait: Path, folder: Path) -> Path:
    from PIL import Image

    one = Image.open(portrait).convert("RGB")
    people = Image.new("RGB", (1160, 480), "gray")
    for left, side in ((0, 480), (480, 380), (860, 300)):
        people.paste(one.resize((side, side)), (left, 0))
    path = folder / "people.png"
    people.save(path)
    return path


def _changed(before: Path, after: Path) -> list[bool]:
    """Whether the middle of each of the three people differs."""
    import numpy as np
    from PIL import Image

    pictures = [np.asarray(Image.open(path).convert("RGB"), np.float32) for path in (before, after)]
    difference = np.abs(pictures[0] - pictures[1]).mean(axis=2)
    parts = [(0, 480), (480, 380), (860, 300)]
    return [
        bool(difference[side // 4 : side // 2, left + side // 3 : left + 2 * side // 3].mean() > 4)
        for left, side in parts
    ]
