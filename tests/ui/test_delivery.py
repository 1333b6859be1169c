"""What the first view weighs, what browsers may keep, and that it is seen before any script has run."""

from __future__ import annotations

import gzip
import http.client
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from .conftest import Hub, Visitor

LARGEST, MOST = 900_000, 60  # bytes, and requests


def fetch(hub: Hub, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The answer as it comes over the line."""
    connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_the_first_view_is_light(hub: Hub, browser: Browser) -> None:
    """Cold: every byte that comes over the line until nothing more is asked for."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    sizes: dict[str, float] = {}
    asked: list[str] = []
    line.on("Network.requestWillBeSent", lambda told: asked.append(told["request"]["url"]))
    line.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
    page.goto(hub.url)
    page.wait_for_selector("gradio-app .picker")
    page.wait_for_timeout(2500)
    context.close()
    fetched = [url for url in asked if url.startswith("http")]
    assert len(fetched) <= MOST, fetched
    assert sum(sizes.values()) <= LARGEST, sizes
    sheets = [url for url in fetched if ".css" in url]
    assert len(sheets) == 1, sheets
    assert not any("/zoo/" in url for url in fetched), "a shipped picture came in full"


def test_it_is_seen_before_any_script_has_run_and_then_gives_way(visit: Visitor, hub: Hub, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(hub.url)
    assert page.locator("h1").inner_text() == "See what AI does to a face"
    assert page.locator("#first-view [role=tab]").first.inner_text() == "Compare"
    assert page.locator("#first-view .lede").is_visible()
    context.close()
    page = visit().page
    page.wait_for_selector("gradio-app .hero")
    page.locator("#first-view").wait_for(state="detached")
    assert page.locator("h1:visible").count() == 1


def test_nothing_jumps_while_it_is_drawn(hub: Hub, browser: Browser) -> None:
    script = """window.jumped = 0; new PerformanceObserver(seen => {
        for (const each of seen.getEntries()) if (!each.hadRecentInput) window.jumped += each.value;
    }).observe({ type: 'layout-shift', buffered: true });"""
    for width in (1440, 390):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.add_init_script(script)
        page = context.new_page()
        page.goto(hub.url)
        page.wait_for_selector("gradio-app .picker")
        page.wait_for_timeout(1500)
        assert page.evaluate("window.jumped") < 0.05, width
        context.close()


def test_it_says_itself_what_it_is(hub: Hub) -> None:
    html = fetch(hub, "/")[2].decode()
    told = dict(re.findall(r'<meta (?:property|name)="(og:[a-z]+|twitter:[a-z]+|description)" content="([^"]*)"', html))
    assert told["og:title"] == "facezoo: see what AI does to a face"
    assert told["og:description"] == told["description"] != ""
    assert "gradio" not in str(told).lower()
    status, headers, picture = fetch(hub, urlsplit(told["og:image"]).path)
    assert (status, headers["content-type"], picture[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert told["og:image"].startswith(hub.url)


def test_compressed_for_whoever_understands_it_and_sent_once(hub: Hub) -> None:
    plain = fetch(hub, "/")
    assert plain[1]["cache-control"] == "no-cache"
    for coding, unpack in (("gzip", gzip.decompress), ("br", _brotli)):
        status, headers, body = fetch(hub, "/", accept_encoding=f"deflate, {coding}")
        assert (status, headers["content-encoding"]) == (200, coding)
        assert unpack(body) == plain[2]
        assert len(body) < len(plain[2]) / 6
    status, _, body = fetch(hub, "/", if_none_match=plain[1]["etag"])
    assert (status, body) == (304, b"")


def test_what_never_changes_is_kept(hub: Hub) -> None:
    html = fetch(hub, "/")[2].decode()
    names = [*set(re.findall(r"pictures/[\w-]+\.avif", html)), *re.findall(r"assets/look-\w+\.css", html)]
    assert len(names) > 3
    for name in [*names, *re.findall(r"assets/index-\w+\.js", html)]:
        status, headers, body = fetch(hub, f"/{name}")
        assert (status, "immutable" in headers["cache-control"]) == (200, True), name
        assert name.endswith((".js", ".css")) or body[4:12] == b"ftypavif"
    result = re.findall(r"gradio_api/file=[^\"\\\\ ]+/gallery/[\w-]+\.avif", html)[0]
    assert fetch(hub, f"/{result}")[1]["cache-control"] == "public, max-age=86400"
    assert fetch(hub, "/pictures/nobody.avif")[0] == 404
    assert fetch(hub, "/pictures/../../etc/passwd")[0] in (400, 403, 404)


def _brotli(packed: bytes) -> bytes:
    import brotli

    return bytes(brotli.decompress(packed))
