"""The Train tab in a real Chromium: from one click to a sealed picture of one's own training, and what may go wrong."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import facezoo

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.ui.conftest import Serve, Server, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORK = 120_000  # ms: the longest a test waits
FEW = "12"  # faces of each synthetic person


@pytest.fixture
def own_hub(serve: Serve, tmp_path: Path) -> Iterator[Server]:
    with serve(
        ["-m", "facezoo.ui", "--port", "PORT"], tmp_path, {**os.environ, "FACEZOO_EXAMPLE_FACES": FEW}
    ) as server:
        yield server


@pytest.fixture
def opened(meet: Visitor) -> Visitor:
    """The Train tab, as a new visitor."""

    def train(url: str, *given: Any) -> Visit:
        seen = meet(url, *given)
        seen.page.get_by_role("tab", name="Train", exact=True).click()
        seen.page.locator(".train-page[data-open]").wait_for()
        return seen

    return train


def act(page: Page, name: str) -> None:
    page.locator(f'[data-act="{name}"]').locator("visible=true").click(timeout=WORK)


def steps(page: Page) -> int:
    return int(page.locator(".train-figures dd").first.inner_text().replace(",", ""))


def test_the_whole_road(opened: Visitor, own_hub: Server, tmp_path: Path) -> None:
    seen = opened(own_hub.url)
    page = seen.page
    act(page, "example")
    page.locator('.train-page[data-step="2"]').wait_for(timeout=WORK)
    page.locator('[data-part="preview"] img').wait_for(timeout=WORK)
    page.wait_for_function("document.querySelector('.plot polyline') !== null", timeout=WORK)
    assert page.locator(".own-consent").locator("visible=true").count() == 0
    act(page, "pause")
    page.locator('[data-act="resume"]').wait_for(timeout=WORK)
    paused = steps(page)

    page.locator('[data-opens-step="1"]').click()
    face = page.locator('.side[data-side="a"] .found-face[aria-pressed="true"]').first
    face.focus()
    page.keyboard.press("Enter")
    page.locator('.side[data-side="a"] .found-face[aria-pressed="false"]').first.wait_for()
    page.locator('.side[data-side="a"] .shown', has_text=re.compile(r"Dropped [1-9]")).wait_for()

    address = page.url
    assert re.search(r"#train/[\w-]{16,}$", address)
    page.goto("about:blank")
    own_hub.stop()
    own_hub.start()
    page.goto(own_hub.url)  # the browser remembers it, whatever the address
    page.locator("#first-view").wait_for(state="detached", timeout=WORK)
    page.get_by_role("tab", name="Train", exact=True).click()
    page.locator('.train-page[data-step="2"]').wait_for(timeout=WORK)
    page.goto("about:blank")
    page.goto(address)
    page.locator('[data-act="resume"]').wait_for(timeout=WORK)
    assert steps(page) >= paused
    act(page, "resume")
    page.wait_for_function(
        f"Number(document.querySelector('.train-figures dd').innerText.replace(',', '')) > {paused}", timeout=WORK
    )
    act(page, "finish")
    page.locator('.train-page[data-step="3"][data-open="3"]').wait_for(timeout=WORK)

    page.locator('.train-create .thumb[aria-pressed="true"]').wait_for(timeout=WORK)  # A is chosen already
    page.locator(".train-create label.face").first.wait_for(state="attached", timeout=WORK)
    page.locator("#train-run").click()
    download = page.locator("#train-results .download")
    download.wait_for(timeout=WORK)
    page.locator("#train-results .badge.good").wait_for(timeout=WORK)
    with page.expect_download() as started:
        download.click()
    started.value.save_as(tmp_path / "swap.png")
    found = facezoo.verify(tmp_path / "swap.png")
    assert (found.c2pa, found.watermark, found.method) == ("trusted", True, "deepfakes")

    act(page, "pack")
    with page.expect_download() as started:
        page.locator(".train-weights .download").click(timeout=WORK)
    started.value.save_as(tmp_path / "weights.zip")
    with zipfile.ZipFile(tmp_path / "weights.zip") as packed:
        packed.extractall(tmp_path)
    from facezoo.methods.deepfakes.pipeline import DeepFakes

    assert DeepFakes.from_pretrained(tmp_path / "my-deepfakes") is not None
    assert "never existed" in (tmp_path / "my-deepfakes" / "README.md").read_text()

    act(page, "delete")
    act(page, "delete-now")
    page.locator('[data-act="example"]').wait_for(timeout=WORK)
    assert not (Path(os.environ["FACEZOO_HOME"]) / "projects" / address.rpartition("/")[2]).exists()
    seen.check()


def test_ones_own_photos_wait_for_consent(opened: Visitor, own_hub: Server, portrait: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(portrait.read_bytes() + b"\0")
    seen = opened(own_hub.url, 390, 844, "dark")
    page = seen.page
    page.locator('[data-files="a"]').set_input_files([photo])
    page.locator('[data-part="a-doing"] .panel').wait_for()
    page.locator('[data-consent="a"]').check()
    page.locator('[data-part="a-faces"] .found-face').wait_for(timeout=WORK)
    page.locator('[data-consent="b"]').check()
    page.locator('[data-files="b"]').set_input_files([photo])
    page.locator('[data-part="b-faces"] .found-face').wait_for(timeout=WORK)
    assert "too few" in page.locator('[data-part="a-count"]').inner_text()
    page.locator('[data-act="next"]', has_text="Start anyway").click(timeout=WORK)
    page.locator('[data-act="start"]').wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    id = page.url.rpartition("/")[2]
    folder = Path(os.environ["FACEZOO_HOME"]) / "projects" / id
    shown = next(each for each in folder.rglob("*") if each.suffix in (".jpg", ".png", ".json"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{own_hub.url}gradio_api/file={shown}", timeout=10)
    assert refused.value.code in (403, 404)
    with urllib.request.urlopen(f"{own_hub.url}gradio_api/info", timeout=10) as answer:
        assert b"train" not in answer.read()

    stranger = opened(own_hub.url)
    assert stranger.page.locator(".found-face").count() == 0
    act(page, "delete")
    act(page, "delete-now")
    page.locator('[data-act="example"]').wait_for(timeout=WORK)
    page.goto("about:blank")
    page.goto(f"{own_hub.url}#train/{id}")
    page.locator('[data-part="trouble"] .panel').wait_for(timeout=WORK)
    for each in (seen, stranger):
        each.check()


def test_fits_and_names_every_control(opened: Visitor, own_hub: Server) -> None:
    for width, scheme in ((390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")):
        seen = opened(own_hub.url, width, 844, scheme)
        seen.page.locator('[data-act="example"]').wait_for()
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        nameless = seen.page.evaluate(
            """() => [...document.querySelectorAll('.train-page :is(button, a, input)')]
              .filter(e => e.checkVisibility() && !(e.innerText || '').trim() && !e.ariaLabel && !e.labels?.length)
              .map(e => e.outerHTML.slice(0, 160))"""
        )
        assert nameless == []
        seen.check()
        seen.page.context.close()
