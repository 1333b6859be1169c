"""What a visitor has chosen goes along from tab to tab, and a link to the steps of a result keeps what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from .conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORK = 60_000  # ms: the longest a test waits for a result


def arrived(visit: Visitor, width: int = 1440) -> Page:
    page = visit(width, 900).page
    page.locator("#first-view").wait_for(state="detached")
    return page


def open_tab(page: Page, name: str) -> None:
    page.locator(f'[role=tab][data-tab-id="{name}"]').click()


def test_picture_person_and_consent_go_along(visit: Visitor, stranger: Path) -> None:
    page = arrived(visit)
    page.locator(".picture-input:visible input[type=file]").first.set_input_files(stranger)
    page.locator(".consent input:visible").first.check(timeout=WORK)
    page.locator('.people:visible [value="orla"]').check(force=True)
    for names in (["animate"], ["methods", "face2face"], ["compare"]):
        for name in names:
            open_tab(page, name)
        zone = page.locator(".zones > .left-zone:visible").first
        zone.locator(".picture-input .caption", has_text="Photo, ").first.wait_for(timeout=WORK)
        zone.locator(".consent input:visible:checked").first.wait_for(timeout=WORK)
        if names != ["animate"]:
            assert zone.locator(".people input:checked").get_attribute("value") == "orla"


def test_what_nobody_chose_stays_as_it_was(visit: Visitor) -> None:
    page = arrived(visit)
    open_tab(page, "animate")
    chosen = page.locator(".thumb[aria-pressed=true]:visible")
    chosen.wait_for()
    page.wait_for_timeout(1500)
    assert page.locator("#animate-results [data-state=example]").count() == 1, "the finished film is still there"


def test_see_it_step_by_step_opens_the_steps_of_this_result(visit: Visitor) -> None:
    page = arrived(visit, 390)
    third = page.locator(".thumb:visible").nth(2)
    third.click()
    third.and_(page.locator("[aria-pressed=true]")).wait_for(timeout=WORK)
    title = third.get_attribute("title")
    page.locator('.people:visible [value="joss"]').check(force=True)
    page.locator("#compare-run").click()
    link = page.locator('#compare-results .results[aria-busy=false] [data-opens-tab="methods landmark_warp"]')
    link.first.wait_for(timeout=2 * WORK)
    link.first.click()
    page.locator("#landmark_warp-steps .steps li").first.wait_for(timeout=2 * WORK)
    assert page.locator(".thumb[aria-pressed=true]:visible").get_attribute("title") == title
    assert page.locator(".people:visible input:checked").get_attribute("value") == "joss"
    assert page.locator("#landmark_warp-results .after").count() == 1


def test_a_film_in_compare_is_told_what_becomes_of_it(visit: Visitor, tmp_path: Path, portrait: Path) -> None:
    from PIL import Image

    with Image.open(portrait) as opened:
        still = opened.convert("RGB").resize((256, 256))
    film = tmp_path / "film.gif"
    still.save(film, save_all=True, append_images=[still.rotate(3), still.rotate(6)], duration=100)
    page = arrived(visit)
    page.locator(".picture-input:visible input[type=file]").first.set_input_files(film)
    note = page.locator(".film-note")
    note.wait_for(timeout=WORK)
    assert "first picture" in note.inner_text()
    note.get_by_role("button", name="Landmark warp").click()
    zone = page.locator(".zones > .left-zone:visible").first
    zone.locator(".caption", has_text="Animation, ").wait_for(timeout=WORK)
