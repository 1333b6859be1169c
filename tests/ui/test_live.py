"""What the Animate tab is made of, without a server: pictures held for visitors, drivers, previews."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import facezoo
from facezoo.errors import BadInput, ConsentRequired, NoFace, UsageError
from facezoo.motion.template import load_template, shipped_names
from facezoo.safety.seal import verify
from facezoo.types import Sealed
from facezoo.ui import workspace
from facezoo.ui.common import live
from facezoo.ui.common.cards import Card, method_card
from facezoo.ui.common.driver import look_at_driver, previews
from facezoo.ui.common.picture import first_example, markup
from facezoo.ui.common.ready import ready_markup
from facezoo.ui.common.sliders import SLIDERS
from facezoo.ui.common.webcam import begin_recording, follow_webcam

METHOD = "motion_transfer"


@pytest.fixture(autouse=True)
def empty_seats() -> Iterator[None]:
    live._held.clear()
    yield
    live._held.clear()


def order(path: Path, **changes: Any) -> live.Order:
    return live.Order(**{"method": METHOD, "picture": path, "consent": False, "face": 1, **changes})


def webcam(path: Path, angle: float = 0) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.open(path).convert("RGB").resize((320, 320)).rotate(angle).save(stream, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def test_each_visitor_moves_their_own_picture(portrait: Path) -> None:
    other = first_example()
    assert other is not None
    live.hold("one", order(portrait))
    live.hold("two", order(other.path))
    pictures = {name: live.pose(name, {"yaw": 9.0}) for name in ("one", "two")}
    assert pictures["one"] != pictures["two"]
    assert all(each.startswith("data:image/jpeg;base64,") for each in pictures.values())
    live.release("one")
    with pytest.raises(UsageError):
        live.pose("one", {})
    with pytest.raises(UsageError):
        live.pose("nobody", {})
    assert live.pose("two", {"yaw": 9.0}) == pictures["two"]


def test_few_are_held_and_not_for_long(portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import facezoo.runner

    monkeypatch.setattr(facezoo.runner, "Live", lambda *given, **named: object())
    for number in range(10):
        live.hold(f"visitor {number}", order(portrait))
    assert list(live._held) == [f"visitor {number}" for number in range(4, 10)]
    now = time.monotonic()
    live._held["visitor 7"].used = now + 2
    monkeypatch.setattr(time, "monotonic", lambda: now + live.IDLE + 1)
    live._watching.acquire(blocking=False)  # as if it were due
    live._let_go()
    assert list(live._held) == ["visitor 7"]
    assert live._watching.locked()  # and it will look again


def test_a_held_picture_is_made_ready_once(portrait: Path) -> None:
    live.hold("me", order(portrait))
    first = live._held["me"].live
    live.hold("me", order(portrait))
    assert live._held["me"].live is first
    live.hold("me", order(portrait, consent=True))
    assert live._held["me"].live is not first


def test_consent_is_asked_live_too(portrait: Path, tmp_path: Path) -> None:
    from PIL import Image

    stranger = tmp_path / "stranger.png"
    Image.open(portrait).save(stranger)
    with pytest.raises(ConsentRequired):
        live.hold("me", order(stranger))
    assert live._held == {}


def test_a_webcam_is_followed_and_recorded_without_pictures(portrait: Path, landscape: Path) -> None:
    live.hold("me", order(portrait))
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
    live.hold("me", order(portrait))
    with pytest.raises(BadInput):
        live.follow("me", frame, 0.0)
    told = follow_webcam({"owner": "me", "frame": frame, "seconds": 0})
    assert set(told) == {"problem"}
    assert "role" in told["problem"]


@pytest.mark.parametrize("sent", [None, {}, [], "x", {"owner": "me"}, {"owner": "me", "frame": "", "seconds": "soon"}])
def test_odd_messages_are_no_error(sent: Any) -> None:
    assert follow_webcam(sent) == {"problem": ""}
    assert set(begin_recording(sent)) == {"problem"}


def test_a_motion_file_is_a_driver_without_a_face() -> None:
    if not shipped_names():
        pytest.skip("no motion ships")
    from facezoo.motion.template import save_template, shipped

    path = save_template(shipped(shipped_names()[0]), workspace.new_folder())
    found, failure = look_at_driver({"upload": str(path)})
    assert failure is None
    assert found is not None
    assert (found.kind, found.needs_consent) == ("motion", False)
    assert "<img" not in markup("animate-driver", found, accept=".motion", single=True)
    path.write_bytes(b"PK\3\4")
    found, failure = look_at_driver({"upload": str(path)})
    assert found is None
    assert failure is not None
    outside, failure = look_at_driver({"upload": "/etc/hostname"})
    assert outside is None
    assert failure is not None


def test_every_motion_has_a_small_sealed_preview() -> None:
    films = {path.stem: path for path in previews() if path.suffix == ".mp4"}
    stills = {path.stem: path for path in previews() if path.suffix == ".webp"}
    assert set(films) == set(stills) == set(shipped_names())
    for path in previews():
        assert path.stat().st_size < 150_000, path.name
        assert verify(path).c2pa == "trusted", path.name


def test_sliders_are_parameters_with_plain_names() -> None:
    known = {field.name for field in fields(facezoo.load_spec(METHOD).params)}
    assert set(SLIDERS) <= known
    assert {"strength", "region", "smoothing", "start", "relative"} <= known - set(SLIDERS)


def test_one_face_comes_alive_at_a_time() -> None:
    from dataclasses import replace

    chosen = first_example("gypsy-girl")
    assert chosen is not None
    crowd = replace(chosen, boxes=((1, 1, 5, 5), (9, 9, 5, 5)), looked=True)
    assert 'value="all"' in markup("compare", crowd, accept="")
    assert 'value="all"' not in markup("animate", crowd, accept="", single=True)


def test_paintings_come_first() -> None:
    painted, born = "Ready pictures: old paintings", "Ready pictures: people who never existed"
    shown = ready_markup("", paintings_first=True)
    assert shown.index(painted) < shown.index(born)
    assert ready_markup("").index(born) < ready_markup("").index(painted)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webp"])
def test_a_moving_result_plays_and_tells_what_to_know(name: str, portrait: Path) -> None:
    notes = ["The head was stopped there.", "<script>alert(1)</script>"]
    sealed = Sealed(workspace.root() / name, {}, {"frames": 90, "notes": notes})
    shown = method_card(Card(facezoo.load_spec(METHOD), "done", sealed=sealed, before=portrait))
    assert ("<video" in shown) == name.endswith("mp4")
    assert "before-after" not in shown
    assert "90 frames" in shown
    assert "The head was stopped there." in shown
    assert "<script" not in shown
