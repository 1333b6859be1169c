"""The pieces the pages are made of, without a server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import gradio as gr
import pytest

import facezoo
from facezoo.errors import BadInput, Cancelled, ConsentRequired
from facezoo.types import Inputs, MethodSpec, Provenance, Range
from facezoo.ui import workspace
from facezoo.ui.common.cards import Card, method_card, panel
from facezoo.ui.common.markup import why
from facezoo.ui.common.params import field_notes, widgets
from facezoo.ui.common.picture import first_example
from facezoo.ui.common.studio import Order, studio
from facezoo.ui.compare import page as compare_page
from facezoo.ui.jobs import Done, Event, Failure, Partial, Stage, explain, follow, stop
from facezoo.ui.theme import DARK, LIGHT, Palette, head
from facezoo.ui.verify import page as verify_page
from facezoo.ui.zoo import page as zoo_page

MARKUP = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Settings:
    blend: Literal["poisson", "feather"] = "feather"
    """How it is joined."""
    region: Literal["all", "eyes", "lips", "pose", "brows"] = "all"
    strength: Annotated[float, Range(0, 2, 0.1)] = 1.0
    """How much."""
    steps: Annotated[int, Range(1, 50)] = 8
    relative: bool = True


def spec(**changes: Any) -> MethodSpec:
    values: dict[str, Any] = {
        "id": "some_method", "title": "Some method",
        "year": 2020, "paper": "https://example.org/p",
        "summary": "It does.", "family": "rules", "tasks": ("swap",), "licence": "MIT", "pipeline": "a:B",
        "params": Settings,
        "limits": "It fails.", "trained_on": "Nothing.",
    }  # fmt: skip
    return MethodSpec(**{**values, **changes})


def test_widgets_follow_the_dataclass() -> None:
    made = widgets(spec())
    assert list(made) == [field.name for field in fields(Settings)]
    kinds = [type(each).__name__ for each in made.values()]
    assert kinds == ["Radio", "Dropdown", "Slider", "Slider", "Checkbox"]
    assert made["blend"].value == "feather"
    slider: Any = made["strength"]
    assert (slider.minimum, slider.maximum, slider.step, slider.value) == (0, 2, 0.1, 1.0)
    assert field_notes(Settings) == {"blend": "How it is joined.", "strength": "How much."}


def test_every_method_has_a_widget_for_every_parameter(method_id: str) -> None:
    method = facezoo.load_spec(method_id)
    assert list(widgets(method)) == [field.name for field in fields(method.params)]


def test_a_method_that_knows_few_people_says_whom() -> None:
    picky, all_ = spec(inputs=Inputs(people=("tarek",))), spec(id="other")
    for specs, first in (([picky, all_], "tarek"), ([all_], "imani")):
        with gr.Blocks():
            assert studio("compare", button="Go", methods=specs).people.value == first
    with gr.Blocks():
        zone = studio("some_method", button="Go", spec=picky)
    assert [each.id for each in zone.own] == ["tarek"] and zone.people.value == "tarek"
    asked = Order(first_example(), 1, "imani", None, None, wants_source=False, consent=False, seed=0, label="small",
                  rest=[[picky.id]])  # fmt: skip
    (shown,) = compare_page._compare([picky, all_], asked, "me")
    assert "was not taught this person" in shown and "Choose Tarek" in shown
    nothing = next(iter(compare_page._compare([picky], replace(asked, rest=[[]]), "me")))
    assert "No method is chosen" in nothing


def test_markup_in_names_is_text() -> None:
    hostile = spec(title=MARKUP, summary=MARKUP, licence=MARKUP, limits=MARKUP, trained_on=MARKUP)
    failure = Failure("failed", MARKUP, MARKUP)
    shown = [
        method_card(Card(hostile, "ready")),
        method_card(Card(hostile, "working", words=MARKUP)),
        method_card(Card(hostile, "failed", failure=failure)),
        panel(failure),
        why(MARKUP, MARKUP),
        zoo_page._zoo([hostile]),
        verify_page._provenance(Provenance("none", False, MARKUP, MARKUP, MARKUP), '"><img src=x onerror=alert(1)>'),
    ]
    for html in shown:
        assert "<script" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize("answer", ["trusted", "unknown-signer", "tampered", "none"])
def test_the_four_answers_differ(answer: Any) -> None:
    html = verify_page._provenance(Provenance(answer, True, "landmark_warp"), "a.png")
    others = {"trusted", "unknown-signer", "tampered", "none"} - {answer}
    assert verify_page._ANSWERS[answer][2] in html
    assert not any(verify_page._ANSWERS[other][2] in html for other in others)
    assert "Watermark found" in html


def test_work_reports_and_finishes() -> None:
    def work(working: Any) -> str:
        working.progress("read", 0.5)
        working.partial("first", 1)
        return "all"

    events = list(follow(work, "somebody"))
    assert [type(event) for event in events] == [Stage, Partial, Done]
    assert events[-1] == Done("all")


def test_work_can_be_stopped_by_its_owner_alone() -> None:
    def work(working: Any) -> None:
        for step in range(500):
            working.progress("method", step / 500)
            time.sleep(0.01)

    events: list[Event] = []
    for event in follow(work, "me"):
        stop("somebody else")
        if len(events) == 2:
            stop("me")
        events.append(event)
    last = events[-1]
    assert isinstance(last, Failure)
    assert last.state == "stopped"
    assert len(events) < 20


def test_work_stops_when_the_visitor_leaves() -> None:
    ended: list[str] = []

    def work(working: Any) -> None:
        try:
            while True:
                working.progress("method", 0.1)
                time.sleep(0.01)
        except Cancelled:
            ended.append("yes")
            raise

    events = follow(work, "leaver")
    next(events)
    events.close()  # type: ignore[attr-defined]
    for _ in range(200):
        if ended:
            break
        time.sleep(0.01)
    assert ended == ["yes"]


def test_errors_become_words(caplog: pytest.LogCaptureFixture) -> None:
    refused = explain(ConsentRequired("Nobody agreed.", "Tick the box."))
    assert (refused.state, refused.message, refused.advice) == ("refused", "Nobody agreed.", "Tick the box.")
    unexpected = explain(ValueError("secret /inner/path"))
    assert unexpected.state == "failed"
    assert "secret" not in unexpected.message + unexpected.advice
    assert "secret" in caplog.text  # the log has it


def test_only_our_own_files_are_opened(tmp_path: Path) -> None:
    inside = workspace.new_folder() / "a.png"
    inside.write_bytes(b"x")
    assert workspace.owned(inside) == inside
    outside = tmp_path / "b.png"
    outside.write_bytes(b"x")
    link = workspace.new_folder() / "c.png"
    link.symlink_to(outside)
    for path in (outside, link, inside.parent / ".." / ".." / "etc" / "hostname", inside.parent):
        with pytest.raises(BadInput):
            workspace.owned(path)


def test_old_files_are_swept() -> None:
    old, new = workspace.new_folder() / "old.png", workspace.new_folder() / "new.png"
    for path in (old, new):
        path.write_bytes(b"x")
    long_ago = time.time() - 2 * workspace.LIFETIME
    os.utime(old, (long_ago, long_ago))
    os.utime(old.parent, (long_ago, long_ago))
    workspace.sweep(workspace.root(), workspace.LIFETIME)
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(palette: Palette) -> None:
    """WCAG 2.2: 4.5:1 for text, 3:1 for the edges of things one can operate."""
    for ground in (palette.ground, palette.surface, palette.sunken):
        for ink in (palette.text, palette.quiet):
            assert contrast(ink, ground) >= 4.5
    for ink, ground in [
        (palette.accent, palette.ground), (palette.accent, palette.surface), (palette.on_accent, palette.accent),
        (palette.on_accent, palette.accent_strong), (palette.text, palette.accent_soft),
        (palette.good, palette.surface),
        (palette.warn, palette.surface), (palette.text, palette.bad_soft), (palette.text, palette.warn_soft),
        (palette.text, palette.good_soft),
    ]:  # fmt: skip
        assert contrast(ink, ground) >= 4.5, (ink, ground)
    for ground in (palette.ground, palette.surface):
        assert contrast(palette.edge, ground) >= 3


def test_the_page_names_no_other_host() -> None:
    addresses = re.findall(r"(?:https?:)?//[\w.-]+", re.sub(r"//[^\n]*\n", "\n", head()))
    assert addresses == []
    assert "@import" not in head()
    assert "@font-face" not in head()


def test_building_the_page_imports_nothing_heavy() -> None:
    code = (
        "import sys; from facezoo.ui.app import build; build();"
        "print([name for name in ('torch', 'diffusers', 'onnxruntime', 'ai_edge_litert', 'transformers')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two #rrggbb colours."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
