"""The playground's answers to its page, without a browser: what comes back, and that nothing odd does harm."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facezoo import registry
from facezoo.errors import UsageError
from facezoo.face.find import find_faces
from facezoo.face.head import fit_head
from facezoo.media.read import read_photo
from facezoo.motion.handles import HANDLES, Posture
from facezoo.safety.marks import detect
from facezoo.types import Image
from facezoo.ui.common import live
from facezoo.ui.common.webcam import follow_webcam
from facezoo.ui.methods.board import board, chosen_posture, move
from facezoo.zoo.embedded import examples, personas

torch = pytest.importorskip("torch")
pytest.importorskip("gradio", reason="the hub needs the extra facezoo[hub]")

from facezoo.methods.face2face.model import Painter  # noqa: E402
from facezoo.methods.face2face.pipeline import Face2Face  # noqa: E402
from facezoo.methods.face2face.spec import SPEC  # noqa: E402

WHO = personas()[0].id


@pytest.fixture(scope="module")
def pipeline() -> Face2Face:
    """A painter that has learned nothing but the shape of its person."""
    torch.manual_seed(0)
    painter = Painter(people=(WHO,), side=64, texture=3, texture_side=16, ngf=2, num_downs=5).eval()
    mesh = find_faces(read_photo(personas()[0].portrait))[0].landmarks.mesh
    with torch.no_grad():
        painter.rests[0] = torch.from_numpy(fit_head(mesh).to_head(mesh))
    return Face2Face({"painter": painter})


@pytest.fixture(autouse=True)
def only_puppeteer(pipeline: Face2Face, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda id, weights="": pipeline if id == "face2face" else load(id, weights))
    yield
    live.release("me")


def decoded(address: str) -> Image:
    from PIL import Image as Pillow

    head, _, data = address.partition(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_an_update_holds_all_that_the_page_shows() -> None:
    told = move("face2face", {"person": WHO, "posture": {"yaw": 10, "smile": 0.5}})
    assert set(told) == {"picture", "drawing", "posture", "handles", "milliseconds"}
    assert told["posture"] == {"yaw": 10, "smile": 0.5}
    assert set(told["handles"]) == set(HANDLES)
    assert decoded(told["picture"]).shape == (512, 512, 3)
    assert detect(decoded(told["picture"])).found
    assert 0 <= told["milliseconds"] < 10_000


def test_a_dragged_point_moves_its_slider() -> None:
    resting = move("face2face", {"person": WHO, "posture": {}})
    x, y = resting["handles"]["nose"]
    told = move("face2face", {"person": WHO, "posture": {}, "handle": "nose", "x": x + 0.04, "y": y})
    assert told["posture"]["yaw"] > 5
    assert told["handles"]["nose"] == pytest.approx((x + 0.04, y), abs=0.008)
    assert told["drawing"] != resting["drawing"]


def test_a_ready_pictures_expression_is_taken() -> None:
    told = move("face2face", {"person": WHO, "posture": {"smile": 1}, "example": examples()[0].id})
    assert told["posture"].get("smile") != 1
    refused = move("face2face", {"person": WHO, "example": "../secret"})
    assert "no such picture" in refused["problem"]


@pytest.mark.parametrize(
    "sent",
    [None, [], "x", {}, {"person": WHO, "posture": "x"}, {"person": WHO, "handle": "nose"},
     {"person": WHO, "handle": "nose", "x": "left", "y": 0}, {"person": WHO, "handle": "nose", "x": "nan", "y": 0},
     {"person": WHO, "handle": "nose", "x": float("inf"), "y": 0}],
)  # fmt: skip
def test_odd_messages_are_no_error(sent: Any) -> None:
    assert move("face2face", sent) == {"problem": ""}


@pytest.mark.parametrize(
    "sent",
    [{"person": "nobody"}, {"person": WHO, "posture": {"ears": 1}}, {"person": WHO, "posture": {"yaw": "nan"}},
     {"person": WHO, "handle": "ear", "x": 0, "y": 0}],
)  # fmt: skip
def test_what_cannot_be_is_said(sent: Any) -> None:
    told = move("face2face", sent)
    assert set(told) == {"problem"}
    assert 'role="alert"' in told["problem"]


@pytest.mark.parametrize("value", [-1e300, 1e300])
def test_points_are_not_dragged_out_of_the_world(value: float) -> None:
    told = move("face2face", {"person": WHO, "posture": {}, "handle": "chin", "x": value, "y": value})
    assert 0 <= told["posture"].get("mouth", 0) <= 1


def test_every_point_and_slider_has_a_name() -> None:
    component = board(SPEC, "test")
    markup = component.props["markup"] if hasattr(component, "props") else component.get_config()["props"]["markup"]
    assert set(re.findall(r'data-handle="(\w+)"', markup)) == set(HANDLES)
    assert len(re.findall(r'aria-label="[^"]+: drag it, or use the arrow keys"', markup)) == len(HANDLES)
    names = re.findall(r'data-name="(\w+)" min', markup)
    assert set(names) <= set(vars(Posture()))
    assert all(f'<label for="test-{name}">' in markup and f'id="test-{name}"' in markup for name in names)
    assert chosen_posture(component.value) == (WHO, {})
    with pytest.raises(UsageError, match="Nobody is chosen"):
        chosen_posture({})


def test_a_persona_follows_the_webcam(portrait: Path) -> None:
    from PIL import Image as Pillow

    stream = io.BytesIO()
    Pillow.open(portrait).convert("RGB").resize((320, 320)).save(stream, "JPEG")
    frame = "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
    live.hold("me", live.Subject("face2face", None, consent=False, face=1, persona=WHO))
    live.restart("me", {})
    assert live.drawing("me") == ""
    told = follow_webcam({"owner": "me", "frame": frame, "seconds": 0.0})
    assert decoded(told["picture"]).shape == decoded(told["drawing"]).shape == (512, 512, 3)
    assert live.pose("me", {"smile": 1}) != live.pose("me", {})
    with pytest.raises(UsageError, match="only people"):
        live.hold("me", live.Subject("face2face", None, consent=False, face=1, persona="nobody"))
