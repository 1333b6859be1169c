"""Nobody gets past consent, stalls the hub, or calls it from another page. A real hub on loopback, plain HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from facezoo.errors import UsageError
from facezoo.safety.admission import agreed
from facezoo.ui.guard import HubGuard, own_hosts
from facezoo.ui.shares import Limits, Shares, TooMuch

from .conftest import finished

if TYPE_CHECKING:
    from .conftest import Hub

JSON = {"Content-Type": "application/json"}
NOT_CONSENT = ["false", "true", "yes", "", 1, 0, 1.5, {"a": 1}, [True], None]


def ask(url: str, path: str, body: Any = None, method: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request of a program. body: JSON, or bytes as they are."""
    host = url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=60)
    sent = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    given = (JSON if sent is not None else {}) | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method or ("GET" if sent is None else "POST"), path, sent, given)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("value", [value for value in NOT_CONSENT if value is not None])
def test_only_a_boolean_is_consent(value: Any) -> None:
    with pytest.raises(UsageError, match="true or false"):
        agreed(value)
    assert agreed(True)
    assert not agreed(False)
    assert not agreed(None)


@pytest.fixture(scope="module")
def config(hub: Hub) -> dict[str, Any]:
    return json.loads(ask(hub.url, "/config")[2])


@pytest.mark.slow
def test_headers_of_every_answer(hub: Hub) -> None:
    for path in ("/", "/config", "/nowhere", "/gradio_api/file=http://example.org/x.png"):
        _, headers, _ = ask(hub.url, path)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/component_server", "/gradio_api/upload"])
def test_foreign_pages_are_refused(hub: Hub, path: str) -> None:
    assert ask(hub.url, path, {}, Origin="http://evil.example")[0] == 403
    assert ask(hub.url, path, {}, Origin="null")[0] == 403
    assert ask(hub.url, path, {}, Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(hub.url, path, b"{}", Content_Type="text/plain")[0] == 415


@pytest.mark.slow
def test_calls_are_json_and_files_are_multipart(hub: Hub) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{}\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x"
    assert ask(hub.url, "/gradio_api/component_server", form, Content_Type=kind)[0] == 415
    assert ask(hub.url, "/gradio_api/upload", {})[0] == 415
    assert ask(hub.url, "/gradio_api/queue/join", b"[" * 5000)[0] == 400
    assert ask(hub.url, "/gradio_api/queue/join", b" " * (5 << 20))[0] == 413


@pytest.mark.slow
def test_other_names_are_not_answered(hub: Hub) -> None:
    assert ask(hub.url, "/", Host="rebound.example")[0] == 421
    assert ask(hub.url, "/", Host="rebound.example:7860")[0] == 421
    assert ask(hub.url, "/", Host="localhost:1")[0] == 200
    assert "localhost" in own_hosts("127.0.0.1")


@pytest.mark.slow
def test_unknown_functions_are_4xx(hub: Hub) -> None:
    for index in (99_999, -1, "1", True, 1.5):
        call = {"data": [], "fn_index": index, "session_hash": "s"}
        assert ask(hub.url, "/gradio_api/queue/join", call)[0] == 404
        assert ask(hub.url, "/gradio_api/run/predict", call)[0] == 404
    assert ask(hub.url, "/gradio_api/call/nothing", {"data": []})[0] == 404
    assert ask(hub.url, "/gradio_api/queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})[0] == 400


@pytest.mark.slow
def test_files_of_other_hosts_are_refused_everywhere(hub: Hub, config: dict[str, Any]) -> None:
    """Whatever function is called, and wherever the address stands, before gradio sees it."""
    addresses = (
        "http://127.0.0.1:9/x.png",
        "HTTPS://example.org/x",
        " ftp://x/y",
        "//example.org/x",
        "file:///etc/passwd",
    )
    for number, address in enumerate(addresses):
        file = {"path": address, "meta": {"_type": "gradio.FileData"}}
        for value in (file, [file], {"a": [{"b": file}]}):
            for dependency in config["dependencies"][number::7]:
                call = {"data": [value], "fn_index": dependency["id"], "session_hash": "remote"}
                assert ask(hub.url, "/gradio_api/queue/join", call)[0] == 422


@pytest.mark.slow
def test_named_endpoints_say_what_is_wrong(hub: Hub, stranger: Path) -> None:
    uploaded = upload(hub.url, stranger)
    for name, value in (
        ("seed", "abc"),
        ("seed", -1),
        ("persona", 7),
        ("label", "none"),
        ("face", "0"),
        ("consent", "yes"),
    ):
        told = called(hub.url, "landmark_warp", {"image": uploaded, "consent": True} | {name: value})
        assert "event: error" in told
        assert "our side" not in told
        assert told.count("not possible") + told.count("true or false") == 1, told


def upload(url: str, path: Path, name: str = "photo.jpg") -> dict[str, Any]:
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
    status, _, body = ask(
        url,
        "/gradio_api/upload",
        head + path.read_bytes() + b"\r\n--x--\r\n",
        Content_Type="multipart/form-data; boundary=x",
    )
    assert status == 200
    return {"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}}


def called(url: str, name: str, parameters: dict[str, Any]) -> str:
    status, _, body = ask(url, f"/gradio_api/call/v2/{name}", parameters)
    assert status == 200, body
    return ask(url, f"/gradio_api/call/{name}/{json.loads(body)['event_id']}")[2].decode()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def scope(address: str = "1.2.3.4", forwarded: str = "") -> dict[str, Any]:
    return {"client": (address, 1), "headers": [(b"x-forwarded-for", forwarded.encode())] if forwarded else []}


def test_a_client_is_an_address_and_headers_count_only_behind_trusted_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("FACEZOO_PROXIES", raising=False)
    assert Shares().client(scope(forwarded="6.6.6.6")) == "1.2.3.4"
    monkeypatch.setenv("FACEZOO_PROXIES", "1")
    assert Shares().client(scope(forwarded="6.6.6.6, 9.9.9.9")) == "9.9.9.9"
    monkeypatch.setenv("FACEZOO_PROXIES", "2")
    assert Shares().client(scope(forwarded="6.6.6.6, 9.9.9.9")) == "6.6.6.6"
    monkeypatch.setenv("FACEZOO_PROXIES", "10.0.0.0/8, 9.9.9.9")
    forged = "6.6.6.6, 7.7.7.7, 9.9.9.9"
    assert Shares().client(scope("10.1.2.3", forged)) == "7.7.7.7"
    assert Shares().client(scope("1.2.3.4", forged)) == "1.2.3.4"
    assert Shares().client(scope("10.1.2.3")) == "10.1.2.3"
    assert Shares().client(scope("10.1.2.3", "nobody, 9.9.9.9")) == "nobody"
    monkeypatch.setenv("FACEZOO_PROXIES", "some")
    with pytest.raises(UsageError, match="FACEZOO_PROXIES"):
        Shares()


def test_shares_end_and_come_back() -> None:
    clock = Clock()
    shares = Shares(Limits(sessions=2, open=1), clock=clock)
    for session in ("1", "2", "1"):
        shares.session("a", session)
    with pytest.raises(TooMuch) as much:
        shares.session("a", "3")
    assert much.value.retry > 0
    shares.session("b", "3")  # others are not concerned
    clock.now = 601
    shares.session("a", "3")
    with shares.connection("a"):
        with pytest.raises(TooMuch), shares.connection("a"):
            pass
        with shares.connection("b"):
            pass
    with shares.connection("a"):
        pass


def test_a_client_lines_up_for_threads() -> None:
    import asyncio

    async def main() -> tuple[int, int]:
        shares, most, refused, now = Shares(Limits(threads=2, lined_up=3)), 0, 0, 0

        async def call() -> None:
            nonlocal most, refused, now
            try:
                async with shares.thread("a"):
                    now += 1
                    most = max(most, now)
                    await asyncio.sleep(0.01)
                    now -= 1
            except TooMuch:
                refused += 1

        await asyncio.gather(*(call() for _ in range(9)))
        await call()  # they have gone
        return most, refused

    assert finished(main()) == (2, 4)


def test_an_ipv6_network_is_one_client() -> None:
    shares = Shares()
    assert shares.client(scope("2001:db8::1")) == shares.client(scope("2001:db8::ffff"))
    assert shares.client(scope("2001:db8::1")) != shares.client(scope("2001:db8:0:1::1"))
    assert shares.client(scope("::ffff:1.2.3.4")) == "1.2.3.4"


def test_a_client_with_many_jobs_waits_for_them() -> None:
    shares = Shares(waiting={"a": Limits.waiting, "b": 1}.__getitem__)
    with pytest.raises(TooMuch):
        shares.job("a")
    shares.job("b")


def test_a_full_queue_and_a_rate_are_told() -> None:
    shares = Shares()
    asked: list[str] = []
    shares.check_rate = asked.append
    shares.job("a")
    shares.job("a", run=True)
    assert asked == ["a"]
    shares.full = lambda: True
    with pytest.raises(TooMuch) as much:
        shares.job("a")
    assert (much.value.status, much.value.retry) == (429, 10)


def test_uploads_and_disk_are_bounded() -> None:
    shares = Shares(Limits(upload_bytes=100, disk_bytes=50), disk=lambda: 40)
    with pytest.raises(TooMuch) as much:
        shares.counted("a", None, 20)  # type: ignore[arg-type]
    assert much.value.status == 507
    with pytest.raises(TooMuch):
        shares.counted("a", None, 101)  # type: ignore[arg-type]


def test_bytes_are_counted_for_an_hour() -> None:

    clock = Clock()
    shares = Shares(Limits(upload_bytes=100), clock=clock)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 40, "more_body": True}

    async def upload(pieces: int) -> None:
        counting = shares.counted("a", receive, 0)
        for _ in range(pieces):
            await counting()

    finished(upload(2))
    with pytest.raises(TooMuch):
        finished(upload(1))
    clock.now = 3700
    finished(upload(2))


@pytest.mark.slow
def test_names_of_files_are_no_doors(hub: Hub, stranger: Path) -> None:
    """What a visitor calls a file does not matter."""
    for name in ("login.jpg", "vibe-edit.jpg", "stream.jpg", "monitoring.jpg"):
        path = upload(hub.url, stranger, name)["path"]
        assert ask(hub.url, f"/gradio_api/file={path}")[0] == 200
    for door in ("login", "login/", "gradio_api/vibe-edit", "monitoring", "gradio_api/proxy=http://x"):
        assert ask(hub.url, f"/{door}")[0] == 403


@pytest.mark.slow
def test_unknown_parts_of_the_page_are_4xx(hub: Hub) -> None:
    for part in (99_999, "1", None, True, [1]):
        call = {"data": None, "component_id": part, "fn_name": "ask", "session_hash": "s"}
        assert ask(hub.url, "/gradio_api/component_server", call)[0] == 404
    for session in (7, "x" * 65, "a b", ["s"]):
        call = {"data": [], "fn_index": 0, "session_hash": session}
        assert ask(hub.url, "/gradio_api/run/predict", call)[0] == 400


def test_names_of_the_hub() -> None:
    def known(*given: str) -> list[str]:
        guard: Any = HubGuard(None, own_hosts(given[0]))  # type: ignore[arg-type]
        return [name for name in given[1:] if guard._known(name)]

    names = ("127.0.0.1", "::1", "localhost", "192.168.1.7", "evil.example", "")
    assert known("127.0.0.1", *names) == ["127.0.0.1", "::1", "localhost"]
    assert known("0.0.0.0", *names) == ["127.0.0.1", "::1", "localhost", "192.168.1.7"]


def test_the_guard_lets_plain_requests_pass() -> None:

    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"data": [{"path": "/tmp/x.png"}]}', "more_body": False}

    async def send(message: Any) -> None:
        seen.append(message)

    asked = {
        "type": "http", "method": "POST", "path": "/gradio_api/run/x", "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1:7860"), (b"content-type", b"application/json")],
    }  # fmt: skip
    finished(HubGuard(app)(asked, receive, send))
    assert seen[0]["body"] == b'{"data": [{"path": "/tmp/x.png"}]}'
    assert seen[1]["status"] == 200


@pytest.fixture
def flood() -> Iterator[list[threading.Thread]]:
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join(60)


@pytest.mark.slow
def test_others_are_answered_while_one_client_floods(hub: Hub, flood: list[threading.Thread]) -> None:
    """300 heartbeats opened and closed, 150 joins, 60 new sessions: another one's question is still answered soon."""

    def heartbeats(first: int) -> None:
        host = hub.url.removeprefix("http://").rstrip("/")
        for number in range(first, first + 75):
            connection = http.client.HTTPConnection(host, timeout=30)
            connection.request("GET", f"/gradio_api/heartbeat/flood{number}")
            connection.getresponse()
            connection.close()

    def joins() -> None:
        for number in range(150):
            call = {"data": [None] * 40, "fn_index": 0, "session_hash": f"j{number % 60}"}
            ask(hub.url, "/gradio_api/queue/join", call)

    for work in (*(lambda first=first: heartbeats(first) for first in range(0, 300, 75)), joins):
        flood.append(threading.Thread(target=work))
        flood[-1].start()
    waits: list[float] = []
    while any(thread.is_alive() for thread in flood):
        began = time.monotonic()
        assert ask(hub.url, "/gradio_api/queue/status")[0] == 200
        waits.append(time.monotonic() - began)
        time.sleep(0.05)
    print(f"worst answer of {len(waits)} while others flood: {max(waits):.2f} s")
    assert max(waits) < 5
