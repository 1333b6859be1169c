"""The whole hub in a real Chromium: what a visitor meets on every tab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import facezoo

if TYPE_CHECKING:
    from .conftest import Hub, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABS = ("Compare", "Learn", "Animate", "Methods", "Train", "Zoo", "Verify")
SIZES = [(390, 844, "light"), (390, 844, "dark"), (1440, 900, "light"), (1440, 900, "dark")]


@pytest.mark.parametrize("width", [390, 1440])
def test_opens_on_a_finished_comparison(visit: Visitor, width: int) -> None:
    seen = visit(width, 900)
    page = seen.page
    cards = page.locator("#compare-results .card:has(.before-after)")
    cards.first.wait_for()
    loaded = "image => image.complete && image.naturalWidth > 0"
    for picture in cards.locator("img").all():
        page.wait_for_function(loaded, arg=picture.element_handle())
    assert cards.first.bounding_box()["y"] < 700  # in the first screen
    assert page.locator("#compare-results :is(.well, .stage)").count() == 0
    swapping = [spec for spec in facezoo.list_methods() if "swap" in spec.tasks]
    assert cards.count() == len(swapping)
    for spec in swapping:
        assert page.locator("#compare-results h3", has_text=spec.title).count() == 1
    assert "This person never existed" in page.locator(".left-zone .caption").first.inner_text()
    assert len(re.findall(r"\.(?:\s|$)", page.locator(".hero .lede").first.inner_text())) == 2  # two sentences
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "facezoo" in page.title()
    seen.check()


@pytest.mark.usefixtures("swap_method")
@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_no_sideways_scrolling_on_any_tab(visit: Visitor, width: int, height: int, scheme: str) -> None:
    seen = visit(width, height, scheme)
    for name in TABS:
        seen.page.get_by_role("tab", name=name, exact=True).click()
        seen.page.wait_for_timeout(400)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, name
    dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 128) == (scheme == "dark")
    seen.check()


def test_every_picture_has_words_and_every_control_a_name(visit: Visitor) -> None:
    seen = visit(390, 844)
    for name in TABS:
        seen.page.get_by_role("tab", name=name, exact=True).click()
        seen.page.wait_for_timeout(400)
        nameless = seen.page.evaluate(
            """() => [...document.querySelectorAll('img:not([alt])'),
              ...[...document.querySelectorAll('.gradio-container :is(button, a, input, summary, select, textarea)')]
                .filter(e => e.checkVisibility({opacityProperty: false}) && !e.closest('[aria-hidden=true]'))
                .filter(e => !(e.innerText || '').trim() && !e.getAttribute('aria-label') && !e.title
                  && !e.labels?.length && !e.querySelector('img[alt]:not([alt=""])'))]
              .map(e => e.outerHTML.slice(0, 160))"""
        )
        assert nameless == [], name


def test_every_tab_has_a_link(visit: Visitor, meet: Visitor, hub: Hub) -> None:
    """#animate and #methods/<id> open their tabs, and the address follows who clicks."""
    seen = visit()
    page = seen.page
    for name in TABS:
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_function("name => location.hash === '#' + name", arg=name.lower())
    for spec in facezoo.list_methods()[:2]:
        page.evaluate("hash => { location.hash = hash; }", f"#methods/{spec.id}")
        page.locator(".about", has_text=spec.limits).locator("visible=true").wait_for()
    seen.check()
    last = meet(f"{hub.url}#verify")
    last.page.locator(".picker.wide").locator("visible=true").wait_for()
    last.check()
