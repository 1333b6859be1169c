"""Pictures held for visitors, moved by sliders and by a webcam."""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facezoo.errors import BadInput, Busy, ConsentRequired, NoFace, UsageError
from facezoo.motion.template import load_template
from facezoo.types import Image
from facezoo.ui import workspace
from facezoo.ui.common import live
from facezoo.ui.common.picture import first_example
from facezoo.ui.common.webcam import begin_recording, follow_webcam
from facezoo.ui.shares import CLIENT

METHOD = "motion_transfer"
VISITORS = [f"visitor {number}" for number in range(10)]


@pytest.fixture(autouse=True)
def empty_seats() -> Iterator[None]:
    yield
    for name in ("one", "two", "me", *VISITORS):
        live.release(name)


def subject(path: Path, **changes: Any) -> live.Subject:
    return live.Subject(**{"method": METHOD, "picture": path, "consent": False, "face": 1, **changes})


def webcam(path: Path, angle: float = 0) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.open(path).convert("RGB").resize((320, 320)).rotate(angle).save(stream, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def test_each_visitor_moves_their_own_picture(portrait: Path) -> None:
    other = first_example()
    assert other is not None
    live.hold("one", subject(portrait))
    live.hold("two", subject(other.path))
    pictures = {name: live.pose(name, {"yaw": 9.0}) for name in ("one", "two")}
    assert pictures["one"] != pictures["two"]
    assert all(each.startswith("data:image/jpeg;base64,") for each in pictures.values())
    live.release("one")
    with pytest.raises(UsageError):
        live.pose("one", {})
    with pytest.raises(UsageError):
        live.pose("nobody", {})
    assert live.pose("two", {"yaw": 9.0}) == pictures["two"]


class Fake:
    """Stands for `runner.Live`; made counts."""

    made = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        Fake.made += 1

    def pose(self, params: Any) -> Image:
        return np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    import facezoo.runner

    monkeypatch.setattr(facezoo.runner, "Live", Fake)
    monkeypatch.setattr(Fake, "made", 0)
    return Fake


def held(*visitors: str) -> list[str]:
    """Those of the visitors whose picture is still there. Asking is a use."""
    found: list[str] = []
    for name in visitors:
        with contextlib.suppress(UsageError):
            live.pose(name, {})
            found.append(name)
    return found


@pytest.mark.usefixtures("fake")
def test_few_are_held_and_not_for_long(portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, late, other = VISITORS[2:8], VISITORS[0], VISITORS[8]
    for name in first:
        live.hold(name, subject(portrait))
    with pytest.raises(Busy):  # nobody who is active makes room
        live.hold(late, subject(portrait))
    whose = CLIENT.set("somebody else's address")
    live.hold(other, subject(portrait))
    CLIENT.reset(whose)
    assert held(*VISITORS) == [*first, other]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 90)
    assert held(*first[1:], other) == [*first[1:], other]
    live.hold(late, subject(portrait))
    assert held(*VISITORS) == [late, *first[1:], other]
    monkeypatch.setattr(time, "monotonic", lambda: now + live.IDLE + 89)
    assert held("visitor 7") == ["visitor 7"]
    monkeypatch.setattr(time, "monotonic", lambda: now + live.IDLE + 91)
    assert live.sweep()  # somebody is left: it will be looked again
    assert held(*VISITORS) == ["visitor 7"]
    monkeypatch.setattr(time, "monotonic", lambda: now + 3 * live.IDLE)
    assert not live.sweep()


def test_a_held_picture_is_made_ready_once(portrait: Path, fake: type[Fake]) -> None:
    for consent, made in ((False, 1), (False, 1), (True, 2)):
        live.hold("me", subject(portrait, consent=consent))
        assert fake.made == made


def test_consent_is_asked_live_too(portrait: Path, tmp_path: Path) -> None:
    from PIL import Image

    stranger = tmp_path / "stranger.png"
    Image.open(portrait).save(stranger)
    with pytest.raises(ConsentRequired):
        live.hold("me", subject(stranger))
    assert held("me") == []


def test_a_webcam_is_followed_and_recorded_without_pictures(portrait: Path, landscape: Path) -> None:
    live.hold("me", subject(portrait))
    live.restart("me", {"strength": 1.0})
    with pytest.raises(NoFace):
        live.record("me")
    before = {path for path in workspace.root().rglob("*") if path.is_file()}
    resting = live.follow("me", webcam(portrait), 0.0)
    assert live.follow("me", webcam(portrait, 14), 0.1) != resting
    told = follow_webcam({"owner": "me", "frame": webcam(landscape), "seconds": 0.2})  # nobody is before the camera
    assert "picture" in told
    live.follow("me", webcam(portrait, 7), 0.3)
    assert {path for path in workspace.root().rglob("*") if path.is_file()} == before  # no frame stays
    path = live.record("me")
    recorded = load_template(path)
    assert len(recorded.motions) >= 3
    assert all(each.mouth is None for each in recorded.motions)
    assert begin_recording({"owner": "me"}) == {}
    with pytest.raises(NoFace):
        live.record("me")


@pytest.mark.parametrize(
    "frame",
    ["", "data:image/png;base64,AAAA", "data:image/jpeg;base64,???", "data:image/jpeg;base64," + "A" * 300_000,
     "data:image/jpeg;base64," + base64.b64encode(b"no jpeg").decode()],
)  # fmt: skip
def test_frames_that_are_none(portrait: Path, frame: str) -> None:
    live.hold("me", subject(portrait))
    with pytest.raises(BadInput):
        live.follow("me", frame, 0.0)
    told = follow_webcam({"owner": "me", "frame": frame, "seconds": 0})
    assert set(told) == {"problem"}
    assert "role" in told["problem"]


@pytest.mark.parametrize("sent", [None, {}, [], "x", {"owner": "me"}, {"owner": "me", "frame": "", "seconds": "soon"}])
def test_odd_messages_are_no_error(sent: Any) -> None:
    assert follow_webcam(sent) == {"problem": ""}
    assert set(begin_recording(sent)) == {"problem"}
