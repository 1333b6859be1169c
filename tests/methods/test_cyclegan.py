"""The pipeline of cyclegan with untrained networks, and with networks whose result is known."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import facezoo
from facezoo import registry, runner
from facezoo.cli.app import execute
from facezoo.errors import ConsentRequired, UsageError, WeightsUnavailable
from facezoo.face.find import find_faces
from facezoo.media.read import open_clip, read_photo
from facezoo.media.write import write_clip
from facezoo.methods import cyclegan
from facezoo.methods.cyclegan.spec import PERSONA, SPEC, Params
from facezoo.types import Face, Frame, Sealed, Step
from facezoo.zoo import manifest, pull
from facezoo.zoo.record import Data, Record, Training, record_text

torch = pytest.importorskip("torch")

from facezoo.methods.cyclegan.brush import BrushGenerator  # noqa: E402
from facezoo.methods.cyclegan.model import ResnetGenerator  # noqa: E402
from facezoo.methods.cyclegan.pipeline import CycleGan  # noqa: E402
from facezoo.methods.cyclegan.strokes import GUIDES, stroke_guide  # noqa: E402
from facezoo.methods.cyclegan.window import colors, window_box  # noqa: E402


@pytest.fixture(scope="module")
def pipeline() -> CycleGan:
    torch.manual_seed(0)
    return CycleGan({name: ResnetGenerator(ngf=4, n_blocks=1).eval() for name in ("painting", "photo")})


@pytest.fixture(scope="module")
def knowing() -> CycleGan:
    """With weights that know all styles and a persona."""
    torch.manual_seed(0)
    colors = {"colors": [52.0, 11.0, 15.0, 20.0, 4.0, 6.0]}
    known = {name: colors if name in ("persona", "anyone") else {} for name in CycleGan.components}
    return CycleGan({name: ResnetGenerator(ngf=4, n_blocks=1, **more).eval() for name, more in known.items()})


@pytest.fixture
def listed(knowing: CycleGan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The method is found, with these weights, as if they shipped."""
    monkeypatch.setattr(manifest, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(pull, "WEIGHTS", tmp_path / "weights")
    folder = knowing.save_pretrained(tmp_path / "weights" / "cyclegan")
    data = (Data("Noise", "MIT", "synthetic", "Nobody is in it."),)
    record = Record("cyclegan", "Apache-2.0", data, Training("training/cyclegan.py", "cpu", 1, 0.1, "2 cores", 30.0))
    (folder / "metrics.json").write_text(record_text(record))
    (folder / "manifest.json").write_text(manifest.manifest_text(manifest.make_manifest(folder)))
    monkeypatch.setattr(cyclegan, "SPEC", replace(SPEC, weights=manifest.describe(folder)), raising=False)
    registry.forget()
    yield
    monkeypatch.undo()
    registry.forget()


@pytest.fixture(scope="module")
def face(portrait: Path) -> Face:
    return find_faces(read_photo(portrait), thorough=False)[0]


@pytest.mark.parametrize("shape", [(128, 128), (97, 131), (40, 300)])
def test_any_size_comes_back_as_it_was(pipeline: CycleGan, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    made = pipeline.restyle(picture, [], params=Params(size="256"))
    assert made.shape == picture.shape and made.dtype == np.uint8
    assert (made != picture).any()
    assert (pipeline.restyle(picture, [], params=Params(size="256")) == made).all()


def test_a_picture_that_fits_is_what_the_network_makes(pipeline: CycleGan) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    with torch.inference_mode():
        batch = torch.from_numpy(picture[None]).permute(0, 3, 1, 2) / 127.5 - 1
        made = pipeline.networks["painting"](batch)[0].permute(1, 2, 0).numpy()
    ours = pipeline.restyle(picture, [], params=Params())
    assert np.abs(ours - (made + 1) * 127.5).max() <= 0.51
    assert (pipeline.restyle(picture, [], params=Params(strength=0)) == picture).all()


def test_a_painter_covers_details_and_a_tint_leaves_them(pipeline: CycleGan, tmp_path: Path) -> None:
    """Both kinds of networks may be in one folder; what is finer than the size that is painted at tells them apart."""
    torch.manual_seed(0)
    CycleGan(pipeline.networks | {"painting": BrushGenerator(4, 1).eval()}).save_pretrained(tmp_path)
    painter = CycleGan.from_pretrained(tmp_path)
    assert [type(painter.networks[name]) for name in ("painting", "photo")] == [BrushGenerator, ResnetGenerator]
    fine = np.full((400, 520, 3), 128, np.uint8)
    fine[::2] -= 20
    fine[1::2] += 20

    def details(picture: np.ndarray) -> float:
        return float(picture[101:300:2].mean() - picture[100:300:2].mean())

    painted, tinted = (each.restyle(fine, [], params=Params(size="256")) for each in (painter, pipeline))
    assert painted.shape == tinted.shape == fine.shape
    assert abs(details(painted)) < 4 < 30 < details(tinted)
    steps = painter.explain_restyle(fine[:64, :96], params=Params(size="256"))
    assert [step.name for step in steps] == ["seen", "strokes", "translated", "back", "changed", "identity"]
    assert steps[1].image.shape == steps[2].image.shape and "pairs" in steps[2].text
    assert (painter.restyle(fine, [], params=Params(size="256", strength=0)) == fine).all()


def test_strokes_lie_along_edges_and_repeat() -> None:
    """Noise smeared along an upright edge changes across it, not along it."""
    picture = np.full((96, 96, 3), 60, np.uint8)
    picture[:, 48:] = 200
    guide = stroke_guide(picture)
    assert guide.shape == (96, 96, GUIDES) and guide.dtype == np.float32 and np.abs(guide).max() <= 1
    assert (guide == stroke_guide(picture)).all() and (guide[..., 7] == 0).all(), "there is no face"
    edge = guide[12:84, 44:52, 3]
    assert np.abs(np.diff(edge, axis=0)).mean() < 0.4 * np.abs(np.diff(edge, axis=1)).mean()
    assert (guide[:, 80:, 0] > 0.4).all() and (guide[:, :16, 0] < -0.4).all()  # the colours stay where they were
    quiet = stroke_guide(picture, paints=False)
    assert (quiet[..., 3:6] == 0).all() and (quiet[..., [0, 1, 2, 6, 7]] == guide[..., [0, 1, 2, 6, 7]]).all()


def test_a_painter_leaves_no_grid() -> None:
    """Where nothing changes, nothing repeats: every second, fourth and eighth pixel is like its neighbours."""
    torch.manual_seed(0)
    with torch.inference_mode():
        gray, guide = torch.zeros(1, 3, 128, 128), torch.zeros(1, GUIDES, 128, 128)
        guide[:, 3:6] = torch.randn(1, 3, 128, 128)
        made = BrushGenerator(8, 1).eval()(gray, guide)[0].mean(dim=0).numpy()
    power = np.abs(np.fft.fft2(made - made.mean())) ** 2
    for period in (2, 4, 8):
        step = 128 // period
        assert power[0, step] < 20 * np.median(power[0, step - 4 : step + 5])


def test_a_face_can_be_kept(pipeline: CycleGan, face: Face) -> None:
    made = pipeline.restyle(face.frame, [face], params=Params(size="256", keep_face=True))
    change = np.abs(made.astype(int) - face.frame).max(axis=2)
    nose = face.landmarks.points[30].round().astype(int)
    assert change[nose[1], nose[0]] == 0
    assert np.median(change) > 3


def test_a_persona_is_put_on_a_face(knowing: CycleGan, face: Face) -> None:
    params = Params(task="persona")
    (crop,) = knowing(iter([face]), identity=replace(face, persona=PERSONA), params=params)
    size = len(face.crop)
    left, top, side = window_box(size)
    assert crop.shape == (size, size, 4) and crop.dtype == np.uint8
    assert crop[..., 3].sum() == crop[top : top + side, left : left + side, 3].sum() > 0
    assert crop[top + side // 2, left + side // 2, 3] == 255 and crop[top, left, 3] == 0
    (untouched,) = knowing(iter([face]), identity=None, params=replace(params, strength=0.0))
    inner = untouched[top : top + side, left : left + side, :3]
    wanted = np.array(knowing.networks["persona"].config["colors"]).reshape(2, 3)
    assert np.abs(colors(np.ascontiguousarray(inner)) - wanted).max() < 3, "strength 0 leaves the persona's colours"
    assert (crop != untouched).any()
    with pytest.raises(UsageError, match="nobody"):
        next(knowing(iter([face]), identity=replace(face, persona="nobody"), params=params))


@pytest.mark.parametrize("task", ["photo_to_painting", "painting_to_photo"])
def test_it_explains_itself(pipeline: CycleGan, task: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 320, 3), dtype=np.uint8)
    steps = pipeline.explain_restyle(picture, params=Params(task=task, size="256"))  # pyright: ignore[reportArgumentType]
    _check(steps)
    assert {step.image.shape for step in steps} == {(32, 256, 3)}


def test_it_explains_a_persona(knowing: CycleGan, face: Face) -> None:
    _check(knowing.explain(face, identity=replace(face, persona=PERSONA), params=Params(task="persona")))


def _check(steps: list[Step]) -> None:
    assert [step.name for step in steps] == ["seen", "translated", "back", "changed", "identity"]
    assert [step.made for step in steps] == [False, True, True, False, True]
    assert len({step.image.shape for step in steps}) == 1


def test_two_networks_are_enough_and_one_is_not(pipeline: CycleGan, face: Face, tmp_path: Path) -> None:
    again = CycleGan.from_pretrained(pipeline.save_pretrained(tmp_path))
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    both = [each.restyle(picture, [], params=Params()) for each in (pipeline, again)]
    assert (both[0] == both[1]).all()
    with pytest.raises(UsageError, match="style=old_masters"):
        again.restyle(picture, [], params=Params(style="old_masters"))
    with pytest.raises(UsageError, match="not taught a persona"):
        next(again(iter([face]), identity=None, params=Params(task="persona")))
    with pytest.raises(UsageError, match="photo"):
        CycleGan({"painting": pipeline.networks["painting"]})
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"photo"', '"persona"'))
    with pytest.raises(WeightsUnavailable, match="holds cyclegan with"):
        CycleGan.from_pretrained(tmp_path)


def test_any_picture_is_repainted_and_sealed(
    pipeline: CycleGan, landscape: Path, portrait: Path, tmp_path: Path
) -> None:
    for task in ("photo_to_painting", "painting_to_photo"):
        given: dict[str, Any] = {"params": {"task": task, "keep_face": True}, "consent": True, "face": 3}
        sealed = facezoo.run("cyclegan", landscape, pipeline=pipeline, output=tmp_path / f"{task}.png", **given)
        assert (sealed.record["faces"], sealed.record["persona"]) == (0, None)
        assert facezoo.verify(sealed.path).method == "cyclegan"
        assert claimed(sealed) == ("restyle", None)
        assert np.abs(read_photo(sealed.path).astype(int) - read_photo(landscape)).mean() > 3
    sealed = facezoo.run("cyclegan", portrait, pipeline=pipeline, output=tmp_path / "portrait.png")
    assert (sealed.record["faces"], claimed(sealed)) == (1, ("restyle", None))
    with pytest.raises(ConsentRequired):
        facezoo.run("cyclegan", landscape, pipeline=pipeline, output=tmp_path / "no.png")
    assert not (tmp_path / "no.png").exists()


def test_a_film_without_a_face_is_repainted(pipeline: CycleGan, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    pictures = np.random.default_rng(0).integers(40, 200, (6, 8, 8, 3), dtype=np.uint8).repeat(16, 1).repeat(16, 2)
    write_clip(clip, (Frame(each, index / 10) for index, each in enumerate(pictures)), rate=Fraction(10))
    sealed = facezoo.run("cyclegan", clip, pipeline=pipeline, consent=True, output=tmp_path / "out.mp4")
    assert (sealed.record["frames"], sealed.record["faces"], sealed.record["persona"]) == (6, 0, None)
    assert facezoo.verify(sealed.path).c2pa == "trusted"
    for before, after in zip(open_clip(clip).frames(), open_clip(sealed.path).frames(), strict=True):
        assert np.abs(before.image.astype(int) - after.image).mean() > 3


def test_on_the_command_line(listed: None, landscape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "cyclegan", str(landscape), "--consent", "-o", str(tmp_path / "out.png"), "--set"]
    assert execute([*words, "task=painting_to_photo"]) == 0
    assert facezoo.verify(tmp_path / "out.png").method == "cyclegan"
    assert execute([*words, "task=persona", "--persona", "imani"]) == 2
    assert "CycleGAN was not taught Imani" in capsys.readouterr().err
    assert execute(["explain", "cyclegan", str(landscape), "--consent", "-o", str(tmp_path / "steps")]) == 0
    names = sorted(path.stem for path in (tmp_path / "steps").iterdir())
    assert names == ["1-original", "2-seen", "3-translated", "4-back", "5-changed", "6-identity", "7-result"]
    made = [facezoo.verify(tmp_path / "steps" / f"{name}.png").method for name in names]
    assert made == [None, None, "cyclegan", "cyclegan", None, "cyclegan", "cyclegan"]


def test_compared_with_the_persona_that_it_knows(listed: None, portrait: Path, tmp_path: Path) -> None:
    assert "cyclegan" in runner.comparable(PERSONA) and "cyclegan" not in runner.comparable("imani")
    with pytest.raises(UsageError, match="not taught Imani"):
        facezoo.compare(portrait, methods=["cyclegan"], output=tmp_path)
    with pytest.raises(UsageError, match="not taught Imani"):
        facezoo.run("cyclegan", portrait, personas={1: "imani"}, params={"task": "persona"})
    done = facezoo.compare(portrait, persona=PERSONA, methods=["cyclegan"], output=tmp_path)
    sealed = done.results["cyclegan"]
    assert (sealed.record["persona"], claimed(sealed)) == (PERSONA, ("swap", PERSONA))
    assert claimed(done.grid) == ("swap", PERSONA)
    change = np.abs(read_photo(sealed.path).astype(int) - read_photo(portrait)).max(axis=2)
    assert change[:4, :4].max() < 8, "the mark alone"
    painted = runner.run("cyclegan", portrait, persona=PERSONA, output=tmp_path / "painted.png")
    assert (painted.record["persona"], claimed(painted)) == (None, ("restyle", None))


def test_a_comparison_in_which_nobody_is_put_on_names_nobody(
    listed: None, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = replace(cyclegan.SPEC, inputs=replace(SPEC.inputs, persona=False), tasks=("restyle",))
    monkeypatch.setattr(cyclegan, "SPEC", nobody)
    monkeypatch.setattr(CycleGan, "spec", nobody)
    registry.forget()
    done = facezoo.compare(portrait, persona=PERSONA, methods=["cyclegan"], output=tmp_path)
    assert claimed(done.results["cyclegan"]) == claimed(done.grid) == ("restyle", None)
    assert done.results["cyclegan"].record["persona"] is None


@pytest.mark.slow
def test_over_http_and_on_its_tab(listed: None, landscape: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="the hub needs the extra facezoo[hub]")
    from gradio_client import Client, handle_file

    from facezoo.ui.app import build, launch

    hub = build(["cyclegan"])
    radios = [each["props"]["choices"] for each in hub.config["components"] if each["type"] == "radio"]
    tasks = ["photo_to_painting", "painting_to_photo", "persona"]
    assert [(each.replace("_", " ").capitalize(), each) for each in tasks] in radios
    try:
        address = launch(hub, port=free_port(), block=False, quiet=True)
        client = Client(address, download_files=str(tmp_path), verbose=False)
        sent: dict[str, Any] = {"image": handle_file(str(landscape)), "api_name": "/cyclegan"}
        file, record = client.predict(task="painting_to_photo", size="256", consent=True, **sent)
        assert (record["faces"], record["persona"]) == (0, None)
        assert facezoo.verify(Path(file)).method == "cyclegan"
        with pytest.raises(Exception, match="consent"):
            client.predict(**sent)
        with pytest.raises(Exception, match="not taught Imani"):
            client.predict(task="persona", persona="imani", consent=True, **sent)
    finally:
        hub.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def claimed(sealed: Sealed) -> tuple[str, str | None]:
    """The task and the persona that the signature names."""
    (result,) = [each["data"] for each in sealed.manifest["assertions"] if each["label"] == "org.facezoo.result"]
    return result["task"], result.get("persona")
