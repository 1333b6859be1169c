"""A method's own tab in a real Chromium."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import facezoo

if TYPE_CHECKING:
    from tests.ui.conftest import Hub, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]


WORK = 60_000  # ms: the longest a test waits for a result


@pytest.mark.usefixtures("swap_method")
def test_each_method_has_a_tab_whose_download_is_sealed(visit: Visitor, hub: Hub, tmp_path: Path) -> None:
    seen = visit()
    page = seen.page
    page.get_by_role("tab", name="Methods", exact=True).click()
    for spec in facezoo.list_methods():
        page.locator(f'[role=tab][data-tab-id="{spec.id}"]').click()
        page.locator(".about", has_text=spec.limits).locator("visible=true").wait_for()
        if "animate" in spec.tasks and "swap" not in spec.tasks:
            page.locator('[data-opens-tab="animate"]').locator("visible=true").click()
            page.locator("#animate-results").wait_for()
            page.get_by_role("tab", name="Methods", exact=True).click()
            continue
        run = page.locator(f"#{spec.id}-run")
        run.wait_for()
        run.click()
        download = page.locator(f"#{spec.id}-results .download")
        download.wait_for(timeout=WORK)
        with page.expect_download() as started:
            download.click()
        started.value.save_as(tmp_path / f"{spec.id}.png")
        found = hub.verify(tmp_path / f"{spec.id}.png")
        assert (found["c2pa"], found["watermark"], found["method"]) == ("trusted", True, spec.id)
    seen.check()


def test_a_face_is_learned_and_moved(visit: Visitor, hub: Hub, tmp_path: Path) -> None:
    spec = next((each for each in facezoo.list_methods() if "learn" in each.tasks), None)
    if spec is None:
        pytest.skip("no method learns faces")
    seen = visit()
    page = seen.page
    page.get_by_role("tab", name="Methods", exact=True).click()
    page.locator(f'[role=tab][data-tab-id="{spec.id}"]').click()
    results, move = page.locator(f"#{spec.id}-learned"), page.locator(f"#{spec.id}-run-learned")
    move.click()
    results.get_by_text("Nothing is learned yet.").wait_for()
    page.locator(f".left-zone:has(#{spec.id}-run-learn) input[type=number]").fill("0")
    page.locator(f"#{spec.id}-run-learn").click()
    results.locator("article[data-state=learned]").wait_for(timeout=WORK)
    with page.expect_download() as started:
        results.locator(".download").click()
    started.value.save_as(tmp_path / "head.zip")
    assert "head.json" in zipfile.ZipFile(tmp_path / "head.zip").namelist()
    page.locator(f".left-zone:has(#{spec.id}-run-learn) .motion-chooser input[value=wink]").check(force=True)
    move.click()
    results.locator("article[data-state=done]").wait_for(timeout=2 * WORK)
    with page.expect_download() as started:
        results.locator(".download").click()
    started.value.save_as(tmp_path / "moved.mp4")
    found = hub.verify(tmp_path / "moved.mp4")
    assert (found["c2pa"], found["watermark"], found["method"]) == ("trusted", True, spec.id)
    seen.check()
