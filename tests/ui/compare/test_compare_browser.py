"""The Compare tab in a real Chromium: from a picture to a verified download."""

from __future__ import annotations

import contextlib
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import facezoo

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.ui.conftest import Hub, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORK = 60_000  # ms: the longest a test waits for a result
SIZES = [(390, 844, "light"), (1440, 900, "dark")]


@pytest.mark.usefixtures("swap_method")
@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_upload_consent_swap_slide_download_verify(
    visit: Visitor, hub: Hub, stranger: Path, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = visit(width, height, scheme)
    page = seen.page
    _compare_input(page).set_input_files(stranger)
    consent = page.get_by_role("checkbox").first
    consent.wait_for(timeout=WORK)
    page.locator("#compare-run").click()
    page.locator(".consent.asked").wait_for()
    assert page.locator("#compare-results .panel").count() == 0
    consent.check()
    page.locator("#compare-run").click()
    download = page.locator("#compare-results .download").first
    download.wait_for(timeout=WORK)
    page.locator("#compare-results .badge.good").first.wait_for(timeout=WORK)
    _finished(page)

    slider = page.locator("#compare-results .before-after input").first
    slider.focus()
    at = "slider => getComputedStyle(slider.parentElement).getPropertyValue('--at').trim()"
    start = int(slider.evaluate(at).rstrip("%"))
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert slider.evaluate(at) == f"{start - 10}%"
    sliders = "[...document.querySelectorAll('#compare-results .before-after input')]"
    page.wait_for_function(
        f"wanted => {sliders}.every(each => ({at})(each) === wanted)", arg=f"{start - 10}%"
    )  # as one
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert (moved := float(slider.evaluate(at).rstrip("%"))) > 75
    slider.evaluate("s => s.parentElement.outerHTML = s.parentElement.outerHTML.replace(/--at:[^;\"]*/, '')")
    assert float(slider.evaluate(at).rstrip("%")) == moved, "drawn anew, it stays where it was left"

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as started:
        download.click()
    name = started.value.suggested_filename
    assert re.fullmatch(r"facezoo-[a-z0-9_]+-[a-z0-9_-]+\.png", name)
    file = tmp_path / name
    started.value.save_as(file)
    found = hub.verify(file)
    assert (found["c2pa"], found["watermark"]) == ("trusted", True)
    assert found["method"] in {spec.id for spec in facezoo.list_methods()}

    page.get_by_role("tab", name="Verify", exact=True).click()
    page.locator(".picker.wide input[type=file]").set_input_files(file)
    page.locator('#verify-answer [data-answer="trusted"]').wait_for(timeout=WORK)
    assert "Watermark found" in page.locator("#verify-answer").inner_text()
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_ready_pictures_need_no_consent_and_one_click(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    page.locator("#compare-run").click()
    _finished(page)
    assert not page.get_by_role("checkbox").first.is_visible()
    seen.check()


def test_faces_are_numbered_and_can_be_clicked(visit: Visitor, two_people: Path) -> None:
    seen = visit()
    page = seen.page
    _compare_input(page).set_input_files(two_people)
    second = page.locator(".left-zone label.face").nth(1)
    second.wait_for(timeout=WORK)
    second.click()
    assert page.locator("#compare-face-2").is_checked()
    assert "on" in (second.get_attribute("class") or "").split()
    page.keyboard.press("ArrowRight")
    assert page.locator('[name="compare-face"][value="all"]').is_checked()
    seen.check()


def test_broken_and_hostile_files_are_refused_in_words(visit: Visitor, tmp_path: Path) -> None:
    seen = visit()
    page = seen.page
    hostile = tmp_path / '<img src=x onerror="window.pwned=1">.jpg'
    hostile.write_bytes(b"this is no picture")
    _compare_input(page).set_input_files(hostile)
    panel = page.locator(".left-zone .panel").first
    panel.wait_for(timeout=WORK)
    assert "Traceback" not in panel.inner_text()
    assert panel.locator("p").inner_text()  # what to do
    page.locator("#compare-run").click()
    page.locator("#compare-results .panel").first.wait_for(timeout=WORK)
    page.get_by_role("tab", name="Verify", exact=True).click()
    page.locator(".picker.wide input[type=file]").set_input_files(hostile)
    page.locator("#verify-answer :is(.answer, .panel)").first.wait_for(timeout=WORK)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img[src=x]").count() == 0
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_stop_stops(visit: Visitor) -> None:
    from playwright.sync_api import TimeoutError

    seen = visit()
    page = seen.page
    page.locator("#compare-run").click()
    stop = page.get_by_role("button", name="Stop").first
    stop.wait_for(timeout=WORK)
    with contextlib.suppress(TimeoutError):  # on a fast machine all is finished before the pointer is there
        stop.click(timeout=3000)
    page.locator('#compare-results .results[aria-busy="false"]').wait_for(timeout=WORK)
    page.locator("#compare-run").wait_for(timeout=WORK)
    seen.check()


def _finished(page: Page) -> None:
    """Until the run that was just started has made every result, and its seal was read back."""
    page.locator("#compare-results .badge.good", has_text="checked").first.wait_for(timeout=WORK)
    page.locator('#compare-results .results[aria-busy="false"]').wait_for(timeout=WORK)


def _compare_input(page: Page):
    return page.locator(".left-zone .picker input[type=file]").first


@pytest.mark.usefixtures("swap_method")
def test_cards_show_faces_alike_or_whole_pictures(visit: Visitor) -> None:
    """Every card shows the same square around the face; the corner with the label is seen with the whole picture."""
    seen = visit()
    page = seen.page
    page.locator("#compare-run").click()
    _finished(page)
    width = "each => each.getBoundingClientRect().width / each.parentElement.getBoundingClientRect().width"
    pictures = page.locator("#compare-results .card .viewed img")
    crops = {round(each.evaluate(width), 2) for each in pictures.all()}
    assert len(crops) == 1 and crops.pop() > 1.2
    made = page.locator("#compare-results .by-ai").first
    assert made.is_visible()
    page.get_by_role("button", name="Whole picture").click()
    assert {round(each.evaluate(width), 2) for each in pictures.all()} == {1.0}
    assert not made.is_visible()
    page.get_by_role("button", name="Before", exact=True).click()
    assert page.locator("#compare-results .after").first.evaluate("e => getComputedStyle(e).clipPath").endswith("100%)")
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_a_result_never_outlives_what_it_is_of(visit: Visitor, two_people: Path) -> None:
    """Another picture, face or persona brings what there is of it; what was made comes back with its choice."""
    seen = visit()
    page = seen.page
    whom = page.locator("#compare-results .who")
    cards = page.locator("#compare-results .card:has(.before-after)")
    page.locator("#compare-people label", has_text="Imani").click()
    whom.filter(has_text="Imani").first.wait_for()
    assert whom.filter(has_text="Tarek").count() == 0
    page.locator('button[data-example="denim"]').click()
    whom.filter(has_text="Smiling woman in denim").first.wait_for(timeout=WORK)
    assert whom.filter(has_text="curls").count() == 0
    assert cards.count() >= 2

    _compare_input(page).set_input_files(two_people)
    plan = page.locator("#compare-results .plan")
    plan.wait_for(timeout=WORK)
    assert cards.count() == 0, "no ghosts of other results"
    assert "Imani" in plan.inner_text()
    page.get_by_role("checkbox").first.check()
    page.locator("#compare-run").click()
    _finished(page)
    assert "Your photo, face 1" in whom.nth(1).inner_text()
    page.locator(".left-zone label.face").nth(1).click()
    plan.get_by_text("Your photo, face 2").wait_for()
    page.locator(".left-zone label.face").nth(0).click()
    page.locator("#compare-results .badge.good", has_text="checked").first.wait_for()
    page.locator("#compare-people label", has_text="Joss").click()
    plan.get_by_text("Joss").wait_for()
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_any_two_under_one_slider(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    page.locator("#compare-results [data-card]:has(.before-after) .enlarge").first.click()
    viewer = page.locator("dialog.viewer")
    viewer.wait_for()
    left, right = viewer.locator("select").all()
    first = right.input_value()
    page.keyboard.press("ArrowRight")
    assert right.input_value() != first
    left.select_option(first)
    shown = viewer.locator(".before-after img")
    assert shown.nth(0).get_attribute("src") != shown.nth(1).get_attribute("src")
    titles = [left.evaluate("e => e.selectedOptions[0].text"), right.evaluate("e => e.selectedOptions[0].text")]
    assert "Untouched" not in titles
    assert viewer.locator(".measures").is_visible()
    page.keyboard.press("Escape")
    viewer.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.classList.contains('enlarge')")
    seen.check()


@pytest.mark.usefixtures("swap_method")
@pytest.mark.parametrize("width", [390, 1440])
def test_figures_blink_and_closer_hold_for_all(visit: Visitor, width: int) -> None:
    seen = visit(width, 900)
    page = seen.page
    measures = page.locator("#compare-results .measures")
    assert not measures.first.is_visible()
    page.get_by_role("button", name="Figures").click()
    assert {each.is_visible() for each in measures.all()} == {True}
    words = measures.first.inner_text()
    for name in ("Head moved", "Features moved", "Expression", "Sharpness", "Size"):
        assert name in words
    assert measures.first.locator("details.why").count() == measures.first.locator("dt").count()
    page.get_by_role("button", name="Blink").click()
    after = page.locator("#compare-results .after")
    assert {each.evaluate("e => getComputedStyle(e).animationName") for each in after.all()} == {"blink"}
    one = "e => parseFloat(e.parentElement.style.getPropertyValue('--w'))"
    before = after.first.evaluate(one)
    page.get_by_role("button", name="Closer").click()
    assert {round(each.evaluate(one) / before, 2) for each in after.all()} == {1.7}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_a_finger_swipes_the_shelf_and_scrolls_over_a_slider(visit: Visitor) -> None:
    seen = visit(390, 844, has_touch=True, is_mobile=True)
    page, client = seen.page, seen.page.context.new_cdp_session(seen.page)

    def drag(x: float, y: float, across: float, down: float) -> None:
        client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            place = {"x": x + across * step / 10, "y": y + down * step / 10}
            client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    slider = page.locator("#compare-results .before-after input").first
    slider.scroll_into_view_if_needed()
    box, before = slider.bounding_box(), slider.input_value()
    assert box is not None
    drag(box["x"] + box["width"] / 2, box["y"] + 120, 3, -200)
    page.wait_for_function("scrollY > 80")
    assert slider.input_value() == before, "a finger that scrolls does not move the slider"
    shelf = page.locator(".left-zone:visible .strip ul").first
    shelf.scroll_into_view_if_needed()
    box = shelf.bounding_box()
    assert box is not None
    drag(box["x"] + 300, box["y"] + 30, -200, 0)
    page.wait_for_function("each => each.scrollLeft > 8", arg=shelf.element_handle())
    seen.check()


def test_the_keyboard_finds_its_way(visit: Visitor) -> None:
    """Tabs follow the arrow keys, and the focus is back on the button when a run is over."""
    seen = visit()
    page = seen.page
    page.get_by_role("tab", name="Compare", exact=True).focus()
    page.keyboard.press("ArrowRight")
    learn = page.get_by_role("tab", name="Learn", exact=True)
    assert learn.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    page.locator("#compare-run").focus()
    page.keyboard.press("Enter")
    _finished(page)
    page.wait_for_function("document.activeElement.id === 'compare-run'")
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_a_link_brings_a_comparison_back(visit: Visitor, hub: Hub, two_people: Path) -> None:
    """The address follows a ready picture and a persona, opens the same files elsewhere, and never names an upload."""
    seen = visit()
    page = seen.page
    page.locator("#compare-people label", has_text="Imani").click()
    page.locator("#compare-results .who", has_text="Imani").first.wait_for()
    page.locator('button[data-example="ferronniere"]').click()
    page.wait_for_function("location.hash === '#compare/ferronniere/imani/1'", timeout=WORK)
    files = "[...document.querySelectorAll('#compare-results .after')].map(each => each.src)"
    shown = page.evaluate(files)
    assert len(shown) >= 2
    other = visit().page
    other.goto(f"{hub.url}#compare/ferronniere/imani/1")
    other.reload()
    other.wait_for_function(f"want => {files}.join() === want", arg=",".join(shown), timeout=WORK)
    assert other.locator('#compare-people input[value="imani"]').is_checked()
    _compare_input(page).set_input_files(two_people)
    page.locator("#compare-results .plan").wait_for(timeout=WORK)
    page.wait_for_function("location.hash === '#compare'")
    seen.check()


@pytest.mark.usefixtures("swap_method")
def test_all_of_it_is_taken_along(visit: Visitor, hub: Hub, tmp_path: Path) -> None:
    """Of a comparison that ships, and of one that was made just now: a sealed picture, and a ZIP."""
    seen = visit()
    page = seen.page
    for run in (False, True):
        if run:
            page.locator("#compare-run").click()
            _finished(page)
        row = page.locator("#compare-results .take")
        for words, suffix in (("One picture of all", ".png"), ("All files", ".zip")):
            with page.expect_download(timeout=WORK) as started:
                row.get_by_text(words).click()
            name = started.value.suggested_filename
            assert name.endswith(suffix) and name.startswith("facezoo-")
            started.value.save_as(tmp_path / name)
            if suffix == ".png":
                found = hub.verify(tmp_path / name)
                assert (found["c2pa"], found["method"]) == ("trusted", "compare")
                continue
            with zipfile.ZipFile(tmp_path / name) as packed:
                assert {"grid.png", "metrics.json", "README.txt"} < set(packed.namelist())
    seen.check()


def test_verify_opens_on_an_example(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    page.get_by_role("tab", name="Verify", exact=True).click()
    page.locator('#verify-answer .example [data-answer="trusted"]').wait_for(timeout=WORK)
    assert page.locator("#verify-answer img").first.evaluate("e => e.naturalWidth") > 100
    seen.check()
