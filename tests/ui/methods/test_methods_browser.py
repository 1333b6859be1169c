"""A method's own tab in a real Chromium."""

from __future__ import annotations

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
    animating = [spec for spec in facezoo.list_methods() if "animate" in spec.tasks][-1:]
    for spec in facezoo.list_methods():
        page.locator(f'[role=tab][data-tab-id="{spec.id}"]').click()
        page.locator(".about", has_text=spec.limits).locator("visible=true").wait_for()
        if "animate" in spec.tasks and "swap" not in spec.tasks:
            if spec not in animating:
                continue  # it has no place of its own in the hub to be tried
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
