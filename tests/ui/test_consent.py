"""No function of the hub, called with any consent but true, lets a face in that is not one of ours."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facezoo import registry
from facezoo.errors import Cancelled, WeightsUnavailable
from facezoo.safety import admission

from .conftest import finished

gr = pytest.importorskip("gradio", reason="the hub needs the extra facezoo[hub]")
pytestmark = pytest.mark.slow

_SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
NOT_TRUE = st.sampled_from(["true", "false", "yes", 1, 1.0, 1.5, [True], {"a": 1}, {"consent": True}]) | st.recursive(
    _SIMPLE, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
).filter(lambda value: value is not True)


class Probe:
    """Calls every function of the hub with a stranger's picture wherever one may stand, and sees whether it gets in.

    admitted: what asked for consent, for this picture, and was let through."""

    def __init__(self, picture: Path) -> None:
        from facezoo.ui.app import build
        from facezoo.ui.common.picture import Chosen

        self.hub = build()
        self.picture = picture
        self.chosen = Chosen(picture, picture, "somebody", needs_consent=True, boxes=((10, 10, 50, 50),), looked=True)
        self.admitted: list[str] = []

    def call(self, function: Any, consent: Any, state: Any) -> None:
        """As over HTTP, but for the transport; whatever it raises is an answer too."""
        from facezoo.ui.sessions import LightState

        session = LightState(self.hub)
        values: list[Any] = []
        names = list(inspect.signature(function.fn).parameters) if function.api_name and function.fn else []
        for number, block in enumerate(function.inputs):
            if isinstance(block, gr.State):
                session.state_data[block._id] = state
            values.append(self._value(block, names[number] if number < len(names) else "", consent))

        async def run() -> None:
            request, iterator = gr.Request(session_hash="probe"), None
            while True:
                made = await self.hub.process_api(
                    function, values, session, request, iterator, "probe", in_event_listener=True
                )
                iterator = made.get("iterator")
                if not made.get("is_generating"):
                    return

        try:
            finished(run())
        except Exception:
            return

    def states(self, *, consent: bool = False) -> list[Any]:
        """What the page may have kept of this visitor: the picture, a result to explain, nothing."""
        from facezoo.ui.common.form import Order
        from facezoo.ui.methods.steps import Asked

        order = Order(self.chosen, 1, consent=consent, persona="imani", settings={"seed": 0, "label": "small"})
        return [self.chosen, Asked(order), None]

    def ask(self, question: Any, consent: Any) -> None:
        """A function that scripts of the page call."""
        from facezoo.ui import jobs

        sent = {"what": "add", "side": "a", "uploads": [str(self.picture)], "consent": consent, "owner": "probe"}
        told = question(sent | {"person": "imani", "frame": "", "seconds": 0})
        if isinstance(told, dict) and told.get("id"):
            from facezoo.ui.train.parts import job_key

            now = jobs.find(job_key(told["id"], "a"))
            if now:
                now.wait()
            question({"what": "delete", "id": told["id"]})

    def _value(self, block: Any, name: str, consent: Any) -> Any:
        file = {"path": str(self.picture), "meta": {"_type": "gradio.FileData"}}
        if "consent" in (block.elem_classes or []) or name == "consent":
            return consent
        if name in ("image", "source", "driving"):
            return file if name == "image" else None
        if isinstance(block, gr.State):
            return None
        if isinstance(block, gr.File):
            return [file]
        if isinstance(block, gr.HTML) and not isinstance(block.value, str):
            return {"person": "imani", "posture": {}, "method": "landmark_warp"} | (block.value or {}) | {
                "upload": str(self.picture), "face": "1"}  # fmt: skip
        if isinstance(block, gr.Slider):
            return block.maximum
        return "sliders" if block.value == "motion" else block.value  # of all ways, the one that answers at once


@pytest.fixture(scope="module")
def probe(portrait: Path) -> Iterator[Probe]:
    """The hub of this process. Nothing is downloaded or sealed, and work ends where the picture was let in."""
    from PIL import Image

    from facezoo.runner import puppet
    from facezoo.ui import workspace
    from facezoo.ui.zoo import weights

    picture = workspace.new_folder() / "stranger.png"
    Image.open(portrait).convert("RGB").resize((256, 256)).save(picture)
    made = Probe(picture)
    sha256, plain = hashlib.sha256(picture.read_bytes()).hexdigest(), admission.require_consent

    def require_consent(of: str, given: Any, free: frozenset[str], *, subject: str) -> None:
        plain(of, given, free, subject=subject)
        if of == sha256:
            made.admitted.append(subject)
            raise Cancelled("That is all we wanted to know.")

    def unavailable(*_: Any, **__: Any) -> Any:
        raise WeightsUnavailable("Nothing is made here.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission, "require_consent", require_consent)
        for module, name in ((registry, "load_faces"), (weights, "fetch"), (puppet, "seal")):
            patch.setattr(module, name, unavailable)
        yield made


def functions(probe: Probe) -> list[Any]:
    return [each for each in probe.hub.fns.values() if each.fn]


def questions(probe: Probe) -> list[Any]:
    parts = [each for block in probe.hub.blocks.values() for each in vars(block).values()]
    return [each for each in parts if getattr(each, "_is_server_fn", False)]


def test_with_consent_the_picture_gets_in(probe: Probe) -> None:
    """Or the test below would show nothing."""
    letting = 0
    for function in functions(probe):
        probe.admitted.clear()
        for state in probe.states(consent=True):
            if not probe.admitted:
                probe.call(function, True, state)
        letting += bool(probe.admitted)
    for question in questions(probe):
        probe.admitted.clear()
        probe.ask(question, True)
        letting += bool(probe.admitted)
    print(f"{letting} of {len(functions(probe)) + len(questions(probe))} functions let it in")
    assert letting > 30


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_without_it_no_function_lets_it_in(probe: Probe, data: st.DataObject) -> None:
    probe.admitted.clear()
    for function in functions(probe):
        probe.call(function, data.draw(NOT_TRUE), data.draw(st.sampled_from(probe.states())))
        assert probe.admitted == [], function
    for question in questions(probe):
        probe.ask(question, data.draw(NOT_TRUE))
        assert probe.admitted == [], question
