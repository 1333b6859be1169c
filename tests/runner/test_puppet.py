"""Personas as puppets, with a painter that has learned nothing: by hand, by a photo, a motion, a film, a webcam."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facezoo import registry, runner
from facezoo.cli.app import execute
from facezoo.errors import ConsentRequired, NoFace, UsageError
from facezoo.face.find import find_faces
from facezoo.face.head import fit_head
from facezoo.media.read import open_clip, read_photo
from facezoo.motion.handles import HANDLES, Posture
from facezoo.motion.template import load_template, save_template, shipped_names
from facezoo.safety.marks import detect
from facezoo.safety.seal import verify
from facezoo.types import Image
from facezoo.zoo.embedded import examples, personas

torch = pytest.importorskip("torch")

from facezoo.methods.face2face.model import Painter  # noqa: E402
from facezoo.methods.face2face.pipeline import Face2Face  # noqa: E402

WHO = "orla"


@pytest.fixture(scope="module")
def pipeline() -> Face2Face:
    torch.manual_seed(0)
    painter = Painter(people=(WHO, "joss"), side=64, texture=3, texture_side=16, ngf=2, num_downs=5).eval()
    portraits = {each.id: each.portrait for each in personas()}
    with torch.no_grad():
        for number, name in enumerate(painter.people):
            mesh = find_faces(read_photo(portraits[name]))[0].landmarks.mesh
            painter.rests[number] = torch.from_numpy(fit_head(mesh).to_head(mesh))
    return Face2Face({"painter": painter})


@pytest.fixture(autouse=True)
def only_puppeteer(pipeline: Face2Face, monkeypatch: pytest.MonkeyPatch) -> None:
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda id, weights="": pipeline if id == "face2face" else load(id, weights))


def test_a_posture_is_painted_labelled_and_marked() -> None:
    puppet = runner.Puppet("face2face", WHO)
    resting, moved = puppet.show(Posture()), puppet.show(Posture(yaw=20, mouth=0.7, roll=10))
    assert resting.picture.shape == (512, 512, 3) and resting.picture.dtype == np.uint8
    assert detect(resting.picture).found
    assert set(resting.handles) == set(HANDLES)
    assert all(0 < x < 1 and 0 < y < 1 for x, y in resting.handles.values())
    assert moved.handles["nose"][0] > resting.handles["nose"][0] + 0.02
    assert np.abs(moved.drawing.astype(int) - resting.drawing).mean() > 2
    assert np.array_equal(puppet.show(Posture()).picture, resting.picture)


def test_a_point_is_dragged_in_shares_of_the_picture() -> None:
    puppet = runner.Puppet("face2face", WHO)
    x, y = puppet.show(Posture()).handles["chin"]
    opened = puppet.drag(Posture(), "chin", x, y + 0.025)
    assert 0.2 < opened.mouth < 1
    assert puppet.show(opened).handles["chin"][1] == pytest.approx(y + 0.025, abs=0.006)


def test_who_cannot_be_moved() -> None:
    with pytest.raises(UsageError, match="only people it was trained on"):
        runner.Puppet("face2face", "imani")
    with pytest.raises(UsageError, match="moves no personas"):
        runner.Puppet("landmark_warp", WHO)
    with pytest.raises(UsageError, match="no parameter"):
        runner.Puppet("face2face", WHO).restart({"strength": 1})


def test_a_file_is_sealed(tmp_path: Path) -> None:
    sealed = runner.portray("face2face", WHO, posture={"smile": 1, "lid_left": 1}, output=tmp_path / "smile.png")
    assert (sealed.record["persona"], sealed.record["frames"], sealed.record["driving"]) == (WHO, 1, None)
    told = verify(sealed.path)
    assert (told.c2pa, told.watermark, told.method) == ("trusted", True, "face2face")
    (claim,) = [each["data"] for each in sealed.manifest["assertions"] if each["label"] == "org.facezoo.result"]
    assert (claim["task"], claim["params"]["lid_left"], claim["source_sha256"]) == ("puppet", 1, [])
    assert {path.name for path in tmp_path.iterdir()} == {"smile.png"}
    with pytest.raises(UsageError, match="Both a posture and a driver"):
        runner.portray("face2face", WHO, posture={"smile": 1}, driving="nod")
    with pytest.raises(UsageError, match="to move"):
        runner.portray("face2face", WHO, posture={"ears": 1}, output=tmp_path / "ears.png")


@pytest.mark.skipif(not shipped_names(), reason="no motion ships")
def test_a_motion_makes_a_film(tmp_path: Path) -> None:
    told: list[str] = []
    sealed = runner.portray(
        "face2face", WHO, driving=shipped_names()[0], output=tmp_path / "film.mp4",
        progress=lambda stage, _: told.append(stage),
    )  # fmt: skip
    clip = open_clip(sealed.path)
    assert clip.count == sealed.record["frames"] > 20
    assert sealed.record["driving"] == {"kind": "template", "name": shipped_names()[0]}
    assert {"method", "read"} <= set(told)
    assert verify(sealed.path).c2pa == "trusted"


def test_a_photo_of_anybody_drives_with_consent(tmp_path: Path, landscape: Path) -> None:
    own = next(each.path for each in examples() if each.kind == "portrait")
    sealed = runner.portray("face2face", WHO, driving=own, output=tmp_path / "as-you.png")
    assert sealed.record["frames"] == 1
    stranger = _saved_again(own, tmp_path / "stranger.png")
    for call in (
        lambda: runner.portray("face2face", WHO, driving=stranger, output=tmp_path / "no.png"),
        lambda: runner.read_posture("face2face", stranger),
    ):
        with pytest.raises(ConsentRequired):
            call()
    assert isinstance(runner.read_posture("face2face", stranger, consent=True), Posture)
    with pytest.raises(NoFace):
        runner.portray("face2face", WHO, driving=landscape, consent=True, output=tmp_path / "no.png")
    assert not (tmp_path / "no.png").exists()


def test_a_webcam_is_followed_from_its_first_moment(portrait: Path, landscape: Path, tmp_path: Path) -> None:
    puppet = runner.Puppet("face2face", WHO)
    assert puppet.drawing is None
    nobody = puppet.follow(read_photo(landscape), 0.0)
    with pytest.raises(NoFace):
        puppet.recorded()
    straight = puppet.follow(read_photo(portrait), 0.1)
    assert np.array_equal(straight, nobody)  # that moment is the persona's rest
    for step in range(8):
        tilted = puppet.follow(_turned(read_photo(portrait), 12), 0.2 + 0.1 * step)
    assert not np.array_equal(tilted, straight)
    kept = puppet.recorded()
    assert kept.motions[-1].pose.roll == pytest.approx(12, abs=4)
    assert all(each.mouth is None for each in kept.motions)
    sealed = runner.portray(
        "face2face", WHO, driving=save_template(kept, tmp_path / "me.motion"), output=tmp_path / "me.gif"
    )
    assert sealed.record["frames"] == len(load_template(tmp_path / "me.motion").motions)
    puppet.restart({})
    assert np.array_equal(puppet.follow(_turned(read_photo(portrait), 12), 2.0), straight)


def test_own_weights_are_portrayed_too(pipeline: Face2Face, tmp_path: Path) -> None:
    own = Face2Face(pipeline.networks)
    own.weights = replace(own.weights, sha256="ab" * 32)
    sealed = runner.portray("face2face", "joss", pipeline=own, output=tmp_path / "own.png")
    assert sealed.record["weights"]["sha256"] == "ab" * 32


def test_its_speed_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["bench", "--methods", "face2face", "--runs", "1", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["puppets"]
    assert (told["method"], told["side"]) == ("face2face", 64)
    assert min(*told["posture"].values(), *told["webcam"].values()) > 0


def _saved_again(path: Path, copy: Path) -> Path:
    """Other bytes of the same picture, so that consent is asked as for anybody's photo."""
    from PIL import Image as Pillow

    Pillow.open(path).convert("RGB").save(copy)
    return copy


def _turned(image: Image, degrees: float) -> Image:
    """Clockwise, about its middle."""
    from PIL import Image as Pillow

    return np.asarray(Pillow.fromarray(image).rotate(-degrees, Pillow.Resampling.BILINEAR), np.uint8)
