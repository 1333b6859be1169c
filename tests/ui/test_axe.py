"""Accessibility: axe finds nothing, of any level, on any tab, at both widths; every page has one h1."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from facezoo.registry import list_methods

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Visitor

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
PAGES = ["compare", "learn", "animate", "train", "zoo", "verify", *(f"methods/{spec.id}" for spec in list_methods())]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[Any]:
    """(rule, level, where) of what axe finds."""
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [(each["id"], each["impact"], [node["target"] for node in each["nodes"]]) for each in found]


def open_page(page: Page, name: str) -> None:
    """A tab by its address."""
    page.evaluate("name => { location.hash = name; }", f"#{name}")
    tab = name.rpartition("/")[2]
    page.locator(f'[role=tab][data-tab-id="{tab}"][aria-selected=true]').wait_for(state="attached")
    page.locator("gradio-app h1:visible").first.wait_for()
    page.wait_for_timeout(500)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_axe_finds_nothing(visit: Visitor, width: int, scheme: str) -> None:
    page = visit(width, 900, scheme).page
    page.locator("#first-view").wait_for(state="detached")
    page.evaluate(AXE)
    found: dict[str, Any] = {}
    for name in PAGES:
        open_page(page, name)
        assert page.locator("h1:visible").count() == 1, name
        if wrong := violations(page):
            found[name] = wrong
    assert found == {}


def test_axe_finds_nothing_in_what_is_opened(visit: Visitor) -> None:
    """Fine tuning, a finished result, its steps, a card of the zoo."""
    page = visit().page
    page.evaluate(AXE)
    open_page(page, "methods/landmark_warp")
    page.locator("#landmark_warp-run").click()
    page.locator("#landmark_warp-results [data-state=done] .measures").wait_for(timeout=120_000)
    page.locator(".tabitem:visible .tuning button").last.click()
    page.wait_for_timeout(500)
    assert violations(page) == []
    open_page(page, "zoo")
    page.locator(".zoo-list button:visible", has_text="Landmark warp").or_(page.locator(".zoo-list a")).first.click()
    page.locator(".card-text").wait_for()
    assert violations(page) == []
    assert page.locator("h1:visible").count() == 1
