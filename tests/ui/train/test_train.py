"""The Train tab without a browser: its drawing, what it answers, where projects live, and that nobody names a path."""

from __future__ import annotations

import math
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facezoo.errors import FacezooError, UsageError, WeightsUnavailable
from facezoo.safety.c2pa import home
from facezoo.train.project.project import Project
from facezoo.ui import workspace
from facezoo.ui.common.html import template
from facezoo.ui.jobs import find
from facezoo.ui.train import projects
from facezoo.ui.train.answers import ask, faces, pack
from facezoo.ui.train.curve import curve, is_flat
from facezoo.ui.train.pack import archive, card
from facezoo.ui.train.parts import PAGE, SIDES, everything, gallery, job_key, nothing


@pytest.fixture
def project() -> Iterator[Project]:
    made = projects.create()
    yield made
    if made.folder.exists():
        made.delete()


def upload(portrait: Path, name: str = "photo.jpg") -> str:
    """The portrait as gradio keeps an upload: in the workspace, and no longer one of facezoo's own files."""
    path = workspace.new_folder() / name
    path.write_bytes(portrait.read_bytes() + b"\0")
    return str(path)


def settled(id: str, *sides: str) -> None:
    for side in sides:
        now = find(job_key(id, side))
        assert now is not None
        now.wait()


# ---- the drawing ----


def test_curve_says_in_words_and_on_both_axes_what_it_shows() -> None:
    drawn = curve([(step, 0.05 + 0.2 * math.exp(-step / 300)) for step in range(1000)])
    for words in (
        "Error, lower is better",
        "Steps",
        "0.30",
        "0.15",
        ">300<",
        ">900<",
        "The error after 999 steps is 0.",
    ):
        assert words in drawn
    points = drawn.split('points="')[1].split('"')[0].split()
    assert 100 <= len(points) <= 200
    assert all(0 <= float(value) <= 100 for point in points for value in point.split(","))


@pytest.mark.parametrize(
    "losses", [[], [(1, 0.2)], [(0, 0.0), (0, 0.0)], [(1, 0.2), (2, 0.1)], [(1, 1e-9), (9**9, 5e3)]]
)
def test_curve_of_a_training_that_has_just_begun(losses: list[tuple[float, float]]) -> None:
    assert curve(losses).startswith('<figure class="curve">')


def test_flat_is_told_from_falling() -> None:
    assert is_flat([(9 * step, 0.1 + 0.001 * (step % 2)) for step in range(90)])
    assert not is_flat([(9 * step, 0.3 - 0.002 * step) for step in range(90)])
    assert not is_flat([(step, 0.1) for step in range(90)])
    assert not is_flat([(999 * step, 0.1) for step in range(9)])


# ---- the page ----


def test_every_part_has_a_place() -> None:
    page = template("train/page.html")
    shown = page.about("offer") + page.frame(SIDES, "verdict", "consent", ".png") + page.keep() + page.end()
    for name in nothing():
        assert shown.count(f'data-part="{name}"') == 1, name


def test_a_new_project_says_what_to_do_first(project: Project) -> None:
    parts = everything(project)
    assert set(parts) <= set(nothing())
    assert 'data-act="example"' in parts["example"]
    assert 'data-act="next"' not in parts["verdict"]
    assert 'data-act="delete"' in parts["end"]
    assert parts["weights"] == ""


def test_gallery_shows_a_page_and_offers_the_rest(project: Project, portrait: Path) -> None:
    from facezoo.train.project.project import FoundFace

    found = [FoundFace(f"f{i}", portrait, i % 3 > 0, "" if i % 3 else "<blurred>") for i in range(90)]
    items, more = gallery(found, "all", PAGE)
    assert items.count("<li>") == PAGE
    assert "Show 30 more" in more
    assert f'data-count="{2 * PAGE}"' in more
    items, more = gallery(found, "dropped", PAGE)
    assert items.count('aria-pressed="false"') == items.count("<li>") == 30
    assert more == ""
    assert "<blurred>" not in items  # what is not ours is escaped
    assert "&lt;blurred&gt;" in items


# ---- where projects live ----


def test_projects_are_private_and_survive_the_hub() -> None:
    assert projects.root() == home() / "projects"
    assert stat.S_IMODE(projects.root().stat().st_mode) == 0o700
    assert not projects.root().is_relative_to(workspace.root())


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../identity", "/etc", "None", "a" * 300, "nothing-of-this-name-here", "x\0y"]
)
def test_only_ids_open_projects(id: str) -> None:
    with pytest.raises(UsageError):
        projects.opened(id)


def test_a_full_disk_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "LARGEST", -1)
    with pytest.raises(FacezooError, match="no room"):
        projects.create()
    assert project.folder.exists()


# ---- questions ----


@pytest.mark.parametrize(
    "sent",
    [
        None, [], "x", {}, {"what": "look"}, {"what": "fly", "id": "x"}, {"what": "look", "id": "../identity"},
        {"what": "start", "id": None, "minutes": "ten"}, {"what": "add", "side": "c", "uploads": []},
        {"what": "add", "side": "a", "uploads": ["/etc/passwd"], "consent": True}, {"what": "delete", "id": "."},
        {"what": "add", "side": "a", "uploads": 3},
    ],
)  # fmt: skip
def test_odd_questions_are_answered_in_words(sent: Any) -> None:
    before = sorted(projects.root().iterdir())
    told = ask(sent)
    assert told["id"] == ""
    assert told["step"] == 1
    assert 'role="alert"' in told["parts"]["trouble"]
    assert faces(sent) == {"items": "", "more": ""}
    assert 'role="alert"' in pack(sent)["html"]
    assert sorted(projects.root().iterdir()) == before


def test_faces_need_consent_and_are_kept_or_dropped(portrait: Path) -> None:
    told = ask({"what": "add", "side": "a", "uploads": [upload(portrait)], "consent": "yes"})
    assert told["id"] == ""
    assert "true or false" in told["parts"]["trouble"]
    told = ask({"what": "add", "side": "a", "uploads": [upload(portrait)], "consent": False})
    try:
        settled(told["id"], "a")
        refused = ask({"what": "look", "id": told["id"]})
        assert "Nobody has said" in refused["parts"]["a-doing"]
        assert refused["galleries"]["a"] == ""

        ask({"what": "add", "id": told["id"], "side": "a", "uploads": [upload(portrait)], "consent": True})
        settled(told["id"], "a")
        told = ask({"what": "look", "id": told["id"]})
        assert told["parts"]["a-doing"] == ""
        assert told["galleries"]["a"]
        (face,) = projects.opened(told["id"]).faces("a")
        assert face.kept
        asked = {"id": told["id"], "side": "a"}
        assert f'data-face="{face.id}" aria-pressed="true"' in faces({**asked, "shown": "all"})["items"]
        ask({"what": "keep", **asked, "face": face.id, "kept": False})
        assert 'aria-pressed="false"' in faces({**asked, "shown": "dropped"})["items"]
        assert faces({**asked, "shown": "kept"})["items"] == ""
        assert str(projects.root()) not in str(told)  # no path of this machine
    finally:
        gone = ask({"what": "delete", "id": told["id"]})
    assert gone["id"] == ""
    assert gone["parts"]["trouble"] == ""
    assert not (projects.root() / told["id"]).exists()


def test_weights_are_packed_with_a_card(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsUnavailable):
        archive(project)
    project.weights.mkdir(parents=True)
    (project.weights / "config.json").write_text("{}")
    with zipfile.ZipFile(archive(project)) as packed:
        assert sorted(packed.namelist()) == ["my-deepfakes/README.md", "my-deepfakes/config.json"]
        text = packed.read("my-deepfakes/README.md").decode()
    assert "## Forbidden use" in text
    assert "without their consent" in text
    assert text == card(project)
