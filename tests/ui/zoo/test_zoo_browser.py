"""The zoo tab in a real Chromium: found, filtered, opened, copied, downloaded from a Hub of this machine, stopped."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "zoo"))

from hub_server import HubServer
from toy import PRELUDE, WEIGHTS, Toy

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.ui.conftest import Serve, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORK = 60_000  # ms: the longest a test waits
SIZES = [(390, 844, "dark"), (1440, 900, "light")]
FOCUSED = "document.activeElement.dataset.act || document.activeElement.className || document.activeElement.tagName"


@dataclass(frozen=True)
class ToyHub:
    """facezoo's hub with the toy method, and the Hub it downloads from."""

    url: str
    pid: int
    server: HubServer
    toy: Toy


@pytest.fixture
def toy_hub(serve: Serve, tmp_path: Path) -> Iterator[ToyHub]:
    with HubServer() as server:
        toy = Toy(server, tmp_path / "toy")
        toy.train(padding=30_000_000)
        toy.publish()
        code = "from facezoo.ui.__main__ import main\nsys.exit(main(['--port', 'PORT']))"
        command = ["-c", PRELUDE.replace("{root!r}", repr(str(toy.root))) + code]
        with serve(command, tmp_path, server.environment(toy.home)) as running:
            yield ToyHub(running.url, running.pid, server, toy)


@pytest.fixture
def opened(meet: Visitor) -> Visitor:
    """An address of that hub, as a new visitor."""

    def zoo(*given: Any) -> Visit:
        seen = meet(*given, permissions=["clipboard-read", "clipboard-write"])
        seen.page.set_default_timeout(WORK)
        return seen

    return zoo


def shown(page: Page) -> list[str]:
    return [row.get_attribute("data-method") or "" for row in page.locator(".zoo tbody tr:visible").all()]


def test_search_and_filters(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    page.get_by_role("tab", name="Zoo", exact=True).click()
    page.locator(".zoo tbody tr").first.wait_for()
    everything = shown(page)
    search = page.get_by_label("Search")
    search.fill(everything[-1])
    assert shown(page) == [everything[-1]]
    assert page.locator(".zoo .count").inner_text() == f"1 of {len(everything)} methods"
    search.fill("no method has such a name")
    page.get_by_role("button", name="Show all methods").click()
    assert shown(page) == everything
    assert page.evaluate("document.activeElement.type") == "search"
    for select in page.locator(".filters select").all():
        select.select_option(index=1)
        assert 0 < len(shown(page)) <= len(everything)
        select.select_option(index=0)
    seen.check()


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_a_card_by_keyboard_and_by_address(visit: Visitor, width: int, height: int, scheme: str) -> None:
    """Opened with Enter, left with the browser's Back, and reached again by its address alone."""
    seen = visit(width, height, scheme)
    page = seen.page
    page.get_by_role("tab", name="Zoo", exact=True).click()
    first = page.locator('.zoo a[href^="#zoo/"]').first
    name = first.inner_text()
    first.focus()
    page.keyboard.press("Enter")
    title = page.locator(".zoo-top h1", has_text=name)
    title.wait_for(timeout=WORK)
    page.wait_for_function("document.activeElement.tagName === 'H1'")
    assert not page.locator(".zoo").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    address = page.url
    page.go_back()
    page.locator(".zoo").wait_for()
    page.wait_for_function("document.activeElement.tagName === 'A'")
    assert page.evaluate("document.activeElement.textContent") == name
    page.goto("about:blank")
    page.goto(address)
    title.wait_for(timeout=WORK)
    page.locator(".back").click()
    page.locator(".zoo").wait_for()
    seen.check()


def test_try_it_opens_the_method(visit: Visitor) -> None:
    seen = visit()
    page = seen.page
    page.get_by_role("tab", name="Zoo", exact=True).click()
    for method in shown(page):
        page.locator(f'.zoo a[href="#zoo/{method}"]').click()
        page.locator(f'.zoo-top[data-method="{method}"] [data-tries]').click(timeout=WORK)
        page.locator(".zoo-page").wait_for(state="hidden")
        page.get_by_role("tab", name="Zoo", exact=True).click()
        page.locator(".back").click()
    seen.check()


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_download_stop_go_on_and_keep_a_copy(
    opened: Visitor, toy_hub: ToyHub, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = opened(f"{toy_hub.url}#zoo/toy", width, height, scheme)
    page = seen.page
    page.locator(".code button").nth(1).click()
    page.locator(".code button", has_text="Copied").wait_for()
    assert "import facezoo" in page.evaluate("navigator.clipboard.readText()")
    assert toy_hub.server.requests == []

    toy_hub.server.fail("slow", "GET /cdn/", times=9, seconds=0.05)
    page.locator("[data-act=pull]").focus()
    page.keyboard.press("Enter")
    page.locator(".weights progress").wait_for()
    page.wait_for_function(f"({FOCUSED}) === 'stop'")
    page.keyboard.press("Enter")
    page.locator('.weights .panel[data-state="stopped"]').wait_for()
    page.wait_for_function(f"({FOCUSED}) === 'pull'")
    assert WEIGHTS not in toy_hub.toy.loadable()

    toy_hub.server.mend()
    toy_hub.server.fail(500, "/resolve/", times=99)
    page.keyboard.press("Enter")
    page.locator('.weights .panel[data-state="failed"]').wait_for()
    assert "Try again" in page.locator(".weights .doing").inner_text()
    toy_hub.server.mend()
    page.locator("[data-act=pull]").click()
    page.locator('.weights[data-state="here"]').wait_for()
    page.locator("[data-act=copy-files]").click()
    with page.expect_download() as started:
        page.locator(".weights .download").click()
    assert started.value.suggested_filename == "facezoo-toy.zip"
    started.value.save_as(tmp_path / "copy.zip")
    assert (tmp_path / "copy.zip").stat().st_size > 30_000_000
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.locator(".back").click()
    page.locator('tr[data-method="toy"] .state[data-state="here"]').wait_for()
    seen.check()


def test_who_opens_a_card_sees_the_download_that_runs(opened: Visitor, toy_hub: ToyHub) -> None:
    toy_hub.server.fail("slow", "GET /cdn/", times=9, seconds=0.03)
    one = opened(f"{toy_hub.url}#zoo/toy", 1440, 900, "light")
    one.page.locator("[data-act=pull]").click()
    one.page.locator(".weights progress").wait_for()
    other = opened(f"{toy_hub.url}#zoo/toy", 390, 844, "light")
    other.page.locator(".weights progress").wait_for()
    one.page.locator(".back").click()
    one.page.locator(".zoo").wait_for()
    toy_hub.server.mend()
    other.page.locator('.weights[data-state="here"]').wait_for()
    for seen in (one, other):
        seen.check()


def test_a_hub_that_does_not_answer(opened: Visitor, toy_hub: ToyHub) -> None:
    """It is said, and the card appears when the answer comes after all."""
    seen = opened(f"{toy_hub.url}#zoo", 390, 844, "light")
    page = seen.page
    link = page.locator('.zoo a[href="#zoo/toy"]')
    link.wait_for()
    os.kill(toy_hub.pid, signal.SIGSTOP)
    try:
        link.click()
        page.locator('.zoo-page[data-busy="silent"] .opening', has_text="does not answer").wait_for()
    finally:
        os.kill(toy_hub.pid, signal.SIGCONT)
    page.locator(".zoo-top h1", has_text="Toy").wait_for()
    page.context.close()
