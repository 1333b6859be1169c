"""The landmark playground in a real Chromium: points dragged by mouse, finger and keys, sliders, files, the webcam."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import facezoo
from facezoo.motion.handles import HANDLES
from facezoo.zoo.embedded import examples, personas

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.ui.conftest import Hub, Visit, Visitor

METHODS = [spec for spec in facezoo.list_methods() if "puppet" in spec.tasks]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not METHODS, reason="no installed method moves personas"),
]

WORK = 25_000  # ms: the longest a test waits for a result
SIZES = [(390, 844, "dark"), (1440, 900, "light")]


def opened(seen: Visit) -> Page:
    """The playground, its first picture painted."""
    page = seen.page
    page.get_by_role("tab", name="Methods", exact=True).click()
    page.get_by_role("tab", name=METHODS[0].title, exact=True).click()
    page.locator(".playground").evaluate("playground => playground.scrollIntoView()")
    page.locator('.puppet[data-state="live"]').wait_for(timeout=3 * WORK)  # the first one also loads the network
    page.locator(".handle-point").first.wait_for()
    return page


def handle(page: Page, name: str) -> Locator:
    return page.locator(f'.handle-point[data-handle="{name}"]')


def slider(page: Page, name: str) -> Locator:
    return page.locator(f'.puppet-sliders [data-name="{name}"]')


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def painted(page: Page) -> str:
    return str(page.locator(".puppet .painted img").get_attribute("src"))


def repainted(page: Page, before: str) -> None:
    """Waits until the picture is another one and all that was asked for is done."""
    page.wait_for_function(
        "before => document.querySelector('.puppet .painted img').src !== before", arg=before, timeout=WORK
    )
    page.locator('.puppet[aria-busy="false"]').wait_for(timeout=WORK)


def saved(page: Page, folder: Path) -> Path:
    page.locator(".puppet-result .badge.good").wait_for(timeout=WORK)
    with page.expect_download() as started:
        page.locator(".puppet-result .download").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_points_are_dragged_and_the_picture_is_sealed(
    visit: Visitor, hub: Hub, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = visit(width, height, scheme)
    page = opened(seen)
    assert page.locator(".handle-point:visible").count() == len(HANDLES)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    before = painted(page)
    handle(page, "chin").scroll_into_view_if_needed()
    side = page.locator(".drawn .pane-frame").bounding_box()["width"]
    x, y = middle(handle(page, "chin"))
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x, y + step * side / 100)
        page.wait_for_timeout(40)
    page.mouse.up()
    repainted(page, before)
    assert middle(handle(page, "chin"))[1] == pytest.approx(y + side / 20, abs=side / 60)
    assert float(slider(page, "mouth").input_value()) > 0.3
    assert "ms" in page.locator(".pace").inner_text() or width < 900
    page.get_by_role("button", name="Save this picture").click()
    path = saved(page, tmp_path)
    assert path.name == f"facezoo-{METHODS[0].id}-{personas()[0].id}.png"
    assert (hub.verify(path)["c2pa"], hub.verify(path)["watermark"]) == ("trusted", True)
    seen.check()


def test_keys_move_points_and_sliders(visit: Visitor) -> None:
    seen = visit()
    page = opened(seen)
    before = painted(page)
    handle(page, "nose").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    repainted(page, before)
    assert float(slider(page, "yaw").input_value()) > 2
    before = painted(page)
    x = middle(handle(page, "corner_left"))[0]
    slider(page, "pucker").focus()
    page.keyboard.press("End")
    repainted(page, before)
    assert middle(handle(page, "corner_left"))[0] > x + 3
    before = painted(page)
    handle(page, "corner_left").press("Shift+ArrowUp")
    repainted(page, before)
    assert float(slider(page, "smile").input_value()) > 0, "a slider follows the point that was moved"
    before = painted(page)
    page.get_by_role("button", name="At rest").click()
    repainted(page, before)
    assert {each.input_value() for each in page.locator(".puppet-sliders input").all()} == {"0"}
    seen.check()


def test_a_finger_drags_a_point_and_scrolls_beside_it(visit: Visitor) -> None:
    seen = visit(390, 844, "light", has_touch=True, is_mobile=True)
    page = opened(seen)
    handle(page, "brow_left").scroll_into_view_if_needed()
    before, (x, y) = painted(page), middle(handle(page, "brow_left"))
    client = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        *(("touchMove", [{"x": x, "y": y - 2 * step}]) for step in range(1, 6)),
        ("touchEnd", []),
    ):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(40)
    repainted(page, before)
    assert middle(handle(page, "brow_left"))[1] < y - 3
    seen.check()


def test_people_and_beginnings(visit: Visitor) -> None:
    seen = visit()
    page = opened(seen)
    before = painted(page)
    page.locator(f'.puppet .people input[value="{personas()[1].id}"]').check(force=True)
    repainted(page, before)
    assert personas()[1].name.partition(" ")[0] in page.locator(".painted .who").inner_text()
    laughing = next((each for each in examples() if each.id == "laughing"), examples()[0])
    before = painted(page)
    page.locator(f'.puppet [data-example="{laughing.id}"]').click()
    repainted(page, before)
    assert any(float(each.input_value()) for each in page.locator(".puppet-sliders input").all())
    seen.check()


def test_a_photo_gives_its_expression_with_consent(visit: Visitor, stranger: Path) -> None:
    seen = visit()
    page = opened(seen)
    page.get_by_role("button", name="Take the expression from a photo").click()
    page.locator(".puppet-doors .picker input[type=file]").first.set_input_files(stranger)
    page.locator('.puppet-doors .picker[data-state="chosen"]').wait_for(timeout=WORK)
    before = painted(page)
    page.get_by_role("button", name="Take this expression").click()
    page.locator('.puppet-result .panel[data-state="refused"]').wait_for(timeout=WORK)
    assert painted(page) == before
    page.locator(".puppet-doors .consent:visible input").check()
    page.get_by_role("button", name="Take this expression").click()
    repainted(page, before)
    seen.check()


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_the_webcam_moves_the_persona(
    visit: Visitor, hub: Hub, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    seen = visit(width, height, scheme)
    page = opened(seen)
    by_hand = painted(page)
    page.get_by_role("button", name="Follow my webcam").click()
    camera = page.locator(".playground .webcam")
    camera.locator('[data-act="start"]').click()
    page.locator('.playground .webcam[data-state="live"]').wait_for(timeout=WORK)
    repainted(page, by_hand)
    shown = {painted(page)}
    for _ in range(6):
        page.wait_for_timeout(300)
        shown.add(painted(page))
    assert len(shown) > 3
    assert page.locator(".handle-point:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    camera.locator('[data-act="record"]').click()
    page.wait_for_timeout(1500)
    camera.locator('[data-act="finish"]').click()
    page.locator(".playground .saved").wait_for(timeout=WORK)
    slider(page, "smile").fill("1")  # taking hold of anything ends the camera
    page.locator('.playground .webcam[data-state="off"]').wait_for(timeout=WORK)
    page.locator(".handle-point:visible").first.wait_for()
    page.locator(".puppet-doors .main-button").first.click()
    path = saved(page, tmp_path)
    assert path.suffix == ".mp4"
    assert hub.verify(path)["c2pa"] == "trusted"
    seen.check()
