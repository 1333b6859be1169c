"""What stands before a hub in public: probes, rates, patience, figures, and a log that names nobody."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("limits", reason="needs the extra facezoo[public]")

from tests.ui.conftest import finished

from facezoo.errors import NoFace, UsageError
from facezoo.ui.public import front as front_module
from facezoo.ui.public.figures import Figures
from facezoo.ui.public.front import Front, Rate, State
from facezoo.ui.public.log import JsonLines, client_tag
from facezoo.ui.shares import Shares, TooMuch

NAME = "aunt_mathilda.jpg"


def request(
    app: Any, path: str, method: str = "GET", *, client: str = "127.0.0.1", headers: dict[str, str] | None = None,
    body: list[bytes] | None = None,
) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    """Status, headers and body of an answer. body: its pieces; None never sends the last one."""
    sent: list[Any] = []
    pieces = list(body if body is not None else [b""])

    async def receive() -> Any:
        if not pieces:
            await asyncio.Event().wait()
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces) or piece == b"more"}

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "path": path, "method": method, "client": (client, 1), "headers": given}
    finished(app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent[1:])


async def hub(scope: Any, receive: Any, send: Any) -> None:
    """Reads what comes and says so; raises, or is busy, on demand."""
    if scope["path"] == "/breaks":
        raise ValueError(f"/home/mathilda/{NAME} is broken")
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    status = 503 if scope["path"] == "/busy" else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"hub"})


def new(state: State | None = None, **settings: Any) -> tuple[Front, Figures]:
    figures = Figures()
    return Front(hub, state or State(warm=True), figures, Shares().client, **settings), figures


def test_probes() -> None:
    state, room = State(), [True]
    front, _ = new(state, has_room=lambda: room[0])
    assert request(front, "/healthz")[0] == 200
    assert request(front, "/readyz")[::2] == (503, b"warming up\n")
    state.warm = True
    assert request(front, "/readyz")[0] == 200
    room[0] = False
    assert request(front, "/readyz")[::2] == (503, b"no room for files\n")
    state.leaving, room[0] = True, True
    assert request(front, "/readyz")[::2] == (503, b"leaving\n")
    assert request(front, "/healthz")[0] == 200


def test_figures_are_for_machines_beside_it() -> None:
    front, _ = new()
    request(front, f"/gradio_api/file=/tmp/{NAME}")
    status, headers, body = request(front, "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert b'facezoo_requests_total{kind="file",status="200"} 1.0' in body
    assert NAME.encode() not in body
    assert request(front, "/metrics", client="10.2.3.4")[0] == 200
    assert request(front, "/metrics", client="8.8.8.8")[0] == 404
    assert request(front, "/metrics", headers={"X-Forwarded-For": "8.8.8.8"})[0] == 404


def test_who_leaves_takes_nothing_new_and_answers_what_was_begun() -> None:
    front, _ = new(State(warm=True, leaving=True))
    status, headers, _ = request(front, "/gradio_api/queue/join", "POST")
    assert (status, headers["retry-after"]) == (503, "10")
    assert request(front, "/gradio_api/queue/data")[0] == 200


def test_a_full_disk_takes_no_files() -> None:
    front, _ = new(has_room=lambda: False)
    status, headers, _ = request(front, "/gradio_api/upload", "POST")
    assert (status, headers["retry-after"]) == (507, "600")
    assert request(front, "/gradio_api/queue/join", "POST")[0] == 200


def test_a_busy_hub_says_when_to_come_again() -> None:
    front, _ = new()
    assert request(front, "/busy")[1]["retry-after"] == "10"


def test_calls_are_counted_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "_CALLS", "2/minute")
    front, figures = new()
    answers = [request(front, "/gradio_api/queue/join", "POST", client="10.0.0.1") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1][1]["retry-after"]) <= 60
    assert request(front, "/gradio_api/queue/join", "POST", client="10.0.0.2")[0] == 200
    assert request(front, "/", client="10.0.0.1")[0] == 200
    assert b'facezoo_refusals_total{why="429"} 1.0' in figures.text()


def test_a_rate_comes_back_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    rate = Rate("1/second; 2/minute")
    rate.check("a")
    with pytest.raises(TooMuch) as much:
        rate.check("a")
    assert much.value.retry == 1
    now += 1.1
    rate.check("a")
    now += 1.1
    with pytest.raises(TooMuch) as much:
        rate.check("a")
    assert 50 <= much.value.retry <= 60
    rate.check("b")
    now += 60
    rate.check("a")


@pytest.mark.parametrize("words", ["", "often", "3 per fortnight", "0x5/minute"])
def test_what_is_no_rate(words: str) -> None:
    with pytest.raises(UsageError, match="no rate"):
        Rate(words)


@pytest.mark.parametrize("body", [[b"more"], [b"more", b"more"]])
def test_a_client_that_stops_sending_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, body: list[bytes]) -> None:
    monkeypatch.setattr(front_module, "_SILENCE", 0.05)
    front, figures = new()
    assert request(front, "/gradio_api/upload", "POST", body=body)[0] == 408
    assert b'facezoo_requests_total{kind="upload",status="408"} 1.0' in figures.text()


def test_a_client_that_never_reads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "_SILENCE", 0.05)
    front, figures = new()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    scope = {"type": "http", "path": "/", "method": "GET", "client": ("10.0.0.1", 1), "headers": []}
    finished(asyncio.wait_for(front(scope, receive, send), 5))
    assert b'kind="page"' in figures.text()


def test_the_log_names_nobody() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("facezoo.ui.public")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    front, _ = new()
    try:
        request(front, f"/gradio_api/file=/tmp/{NAME}", client="203.0.113.7")
        with pytest.raises(ValueError, match="broken"):
            request(front, "/breaks", client="203.0.113.7")
        try:
            raise ValueError(f"/home/mathilda/{NAME}")
        except ValueError:
            logger.exception("failed for %s", NAME)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line.get("status")) for line in lines] == [
        ("request", 200), ("request", 500), ("failed for %s", None),
    ]  # fmt: skip
    assert lines[0]["client"] == lines[1]["client"] == client_tag("203.0.113.7")
    assert lines[2]["error"] == "ValueError"
    assert lines[2]["where"][-1].startswith("ui/public/test_front.py:")
    for secret in (NAME, "mathilda", "203.0.113.7"):
        assert secret not in stream.getvalue()


def test_results_and_refusals_come_from_the_log(portrait: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from facezoo import runner
    from facezoo.ui.jobs import explain

    figures = Figures()
    logger = logging.getLogger("facezoo")
    logger.addHandler(figures)
    logger.setLevel(logging.INFO)
    try:
        runner.run("landmark_warp", portrait, output=tmp_path / "a.png")
        explain(NoFace("There is no face.", "Take another picture."))
        logger.info("job", extra={"facts": {"queue": "run", "waited": 0.2, "worked": 2.0}})
    finally:
        logger.removeHandler(figures)
        logger.setLevel(logging.NOTSET)
    text = figures.text().decode()
    assert 'facezoo_results_total{method="landmark_warp"} 1.0' in text
    assert 'facezoo_stage_seconds_count{method="landmark_warp",stage="seal"} 1.0' in text
    assert 'facezoo_refusals_total{why="NoFace"} 1.0' in text
    assert 'facezoo_queue_wait_seconds_bucket{le="0.3",queue="run"} 1.0' in text
    assert 'facezoo_queue_work_seconds_sum{queue="run"} 2.0' in text
