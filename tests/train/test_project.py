"""Projects of the Train page: faces found and judged, a training that survives whatever happens to its process."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from facezoo.errors import BadInput, Busy, Cancelled, ConsentRequired, UsageError, WeightsUnavailable
from facezoo.zoo.embedded import examples, personas

pytest.importorskip("torch")

from facezoo.train.project.project import Project
from facezoo.train.project.sides import Side


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An example of few faces."""
    monkeypatch.setenv("FACEZOO_EXAMPLE_FACES", "6")


def _quiet(stage: str, fraction: float) -> None:
    assert stage and 0 <= fraction <= 1


def _until(project: Project, *statuses: str, seconds: float = 300) -> str:
    end = time.monotonic() + seconds
    while (state := project.state()).status not in statuses:
        assert time.monotonic() < end, state
        time.sleep(0.05)
    return state.status


def test_create_open_delete(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    assert stat.S_IMODE(project.folder.stat().st_mode) == 0o700
    assert Project.open(tmp_path, project.id).folder == project.folder
    assert project.state().status == "" and project.faces("a") == [] and project.synthetic
    for id in ("", "..", f"../{tmp_path.name}/{project.id}", project.id[:-1], "x" * 22):
        with pytest.raises(UsageError, match="no such project"):
            Project.open(tmp_path, id)
    project.delete()
    with pytest.raises(UsageError):
        Project.open(tmp_path, project.id)


def test_expire(tmp_path: Path) -> None:
    old, new = Project.create(tmp_path), Project.create(tmp_path)
    week = time.time() - 7 * 86400
    os.utime(old.folder / "project.json", (week, week))
    Project.expire(tmp_path, 6)
    assert not old.folder.exists() and new.folder.exists()


def test_faces_are_found_and_judged(tmp_path: Path, project: Project) -> None:
    portrait = personas()[0].portrait
    picture = Image.open(portrait).convert("RGB")
    picture.save(tmp_path / "again.png")
    picture.filter(ImageFilter.GaussianBlur(5)).save(tmp_path / "blurred.png")
    picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((110, 110)).save(tmp_path / "small.png")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    paths = [portrait, *(tmp_path / name for name in ("again.png", "blurred.png", "broken.jpg", "small.png"))]
    told: list[float] = []
    assert project.add("a", paths, consent=True, progress=lambda _, share: told.append(share)) == 1
    assert told == sorted(told) and told[-1] == 1
    faces = project.faces("a")
    assert [face.kept for face in faces] == [True, False, False, False]
    assert [face.reason for face in faces] == ["", "nearly the same as another", "blurred", "small"]
    assert all(Image.open(face.thumbnail).size == (96, 96) for face in faces)
    assert not project.synthetic
    project.set_kept("a", [faces[0].id, "nobody"], False)
    project.set_kept("a", [faces[3].id], True)
    assert [(face.kept, face.reason) for face in project.faces("a")][::3] == [(False, "by you"), (True, "")]
    verdict = project.verdict()
    assert (verdict.a.count, verdict.b.count, verdict.enough) == (1, 0, False)
    assert "too few" in verdict.a.sentence and "A and B" in verdict.sentence


def test_a_second_upload_repeats_nothing(project: Project) -> None:
    portrait = personas()[0].portrait
    assert project.add("a", [portrait], progress=_quiet) == 1
    assert project.add("a", [portrait], progress=_quiet) == 0
    assert project.synthetic


def test_strangers_in_a_picture_are_dropped(tmp_path: Path, project: Project) -> None:
    first, second = (Image.open(each.portrait).convert("RGB").resize((400, 400)) for each in personas()[:2])
    both = Image.new("RGB", (800, 400))
    both.paste(first.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (0, 0))
    both.paste(second, (400, 0))
    first.save(tmp_path / "alone.png")
    both.save(tmp_path / "both.png")
    project.add("b", [tmp_path / "alone.png", tmp_path / "both.png"], consent=True, progress=_quiet)
    reasons = [face.reason for face in project.faces("b")]
    assert len(reasons) == 3 and reasons.count("another person") == 1 and reasons[0] == ""


def test_consent_and_what_cannot_be_read(tmp_path: Path, project: Project, landscape: Path) -> None:
    Image.open(personas()[0].portrait).convert("RGB").save(tmp_path / "mine.png")
    for consent in (None, False):
        with pytest.raises(ConsentRequired):
            project.add("a", [tmp_path / "mine.png"], consent=consent, progress=_quiet)
    assert project.faces("a") == []
    assert project.add("a", [landscape], consent=True, progress=_quiet) == 0
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(BadInput):
        project.add("a", [tmp_path / "broken.png"], consent=True, progress=_quiet)
    with pytest.raises(UsageError, match="no side"):
        project.add("c", [], progress=_quiet)


def test_stopped_while_it_looks(project: Project) -> None:
    def stop(_: str, share: float) -> None:
        if share >= 0.5:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        project.add("a", [each.path for each in examples()[:4]], progress=stop)
    assert 1 <= len(project.faces("a")) < 4


def test_too_early(project: Project) -> None:
    with pytest.raises(UsageError, match="too few"):
        project.start()
    with pytest.raises(UsageError, match="not running"):
        project.pause()
    with pytest.raises(WeightsUnavailable):
        project.stop()


@pytest.mark.usefixtures("cheap")
def test_the_example_is_paired(project: Project) -> None:
    from facezoo.train.project.lessons import pairs_of

    project.fill_example(_quiet)
    assert project.paired and project.synthetic
    assert [face.id for face in project.faces("a")] == [face.id for face in project.faces("b")] != []
    a, b = pairs_of(project)
    assert np.array_equal(a.persona, b.anyone) and np.array_equal(a.anyone, b.persona)
    assert set(np.unique(b.labels)) >= {2, 3, 4, 5, 6}
    with pytest.raises(UsageError, match="faces already"):
        project.fill_example(_quiet)


def test_what_others_do_is_shown_by_personas(project: Project) -> None:
    """Without pairs each face comes in with a persona's face, and nothing else of it is changed."""
    from facezoo.train.project.lessons import network_for, pairs_of

    for side, number in (("a", 4), ("b", 5)):
        project.add(side, [examples()[number - 4].path], progress=_quiet)
    a, b = pairs_of(project)
    for pairs in (a, b):
        face, moved = pairs.labels >= 2, np.abs(pairs.anyone.astype(int) - pairs.persona).mean(axis=3)
        assert moved[face].mean() > 3 * moved[pairs.labels == 0].mean()
    network = network_for([a, b])
    assert list(network.decoders) == ["a", "b"]


@pytest.mark.slow
@pytest.mark.usefixtures("cheap")
def test_a_training_survives(tmp_path: Path, project: Project) -> None:
    """Start, pause, go on, killed, go on, finish; and somebody else has to wait."""
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from facezoo.methods.deepfakes.pipeline import DeepFakes

    project.fill_example(_quiet)
    other = Project.create(tmp_path)
    for side in ("a", "b"):
        images, labels = project.sides[side].crops(project.sides[side].kept(), 256)
        Side(other.folder / side).add([(i, m, "") for i, m in zip(images, labels, strict=True)])
    project.start(minutes=60)
    assert project.state().status == "running"
    with pytest.raises(Busy, match="Another"):
        other.start()
    with pytest.raises(UsageError, match="running already"):
        project.start()
    while project.state().step < 2:
        time.sleep(0.1)
    project.pause()
    assert project.state().status in ("pausing", "paused")
    _until(project, "paused")
    step = project.state().step
    assert step >= 2 and project.state().preview is not None
    preview = Image.open(project.state().preview or "")
    assert preview.size == (960, 640)
    project.resume()
    while project.state().step <= step:
        time.sleep(0.1)
    pid = project.process._holder()["pid"]
    os.kill(pid, signal.SIGKILL)
    assert _until(project, "paused") and "interrupted" in project.state().message
    project.resume()
    while project.state().step <= step + 1:
        time.sleep(0.1)
    project.stop()
    assert _until(project, "finishing", "finished")
    _until(project, "finished")
    assert project.state().losses[-1][0] >= step and project.state().seconds_left is None
    pipeline = DeepFakes.from_pretrained(project.weights)
    assert list(pipeline.networks["autoencoder"].decoders) == ["a", "b"]
    project.resume()  # trains longer
    assert project.state().minutes > 60
    project.delete()
    assert not project.folder.exists()
    other.start()  # nothing holds the machine any more
    other.delete()


@pytest.mark.slow
@pytest.mark.usefixtures("cheap")
def test_its_minutes_are_over(project: Project) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    project.fill_example(_quiet)
    project.start(minutes=0.01)
    _until(project, "finished")
    assert project.state().step >= 1 and project.weights.is_dir()
