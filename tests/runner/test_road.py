"""The one road, for every method there is: what comes out is sealed, the right size, the same for the same seed; what
goes wrong leaves nothing."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import facezoo
from facezoo import registry, runner
from facezoo.errors import BadInput, Cancelled, ConsentRequired, ContentRefused, NoFace, UsageError, WeightsUnavailable
from facezoo.evaluate.metrics import measure
from facezoo.face.find import find_faces
from facezoo.media.read import open_clip, read_photo
from facezoo.media.write import write_clip, write_photo
from facezoo.registry import describe_params, load_spec
from facezoo.runner.admit import driver_of
from facezoo.runner.record import Stopwatch
from facezoo.safety import admission
from facezoo.types import Clip, Frame, Inputs
from facezoo.zoo.embedded import examples, personas

RECORD = {"output", "method", "persona", "weights", "faces", "frames", "seconds", "provenance"}


@pytest.fixture(scope="module")
def photo() -> Path:
    return next(each.path for each in examples() if each.id == "denim")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic person in a file that facezoo does not know: consent is asked for."""
    path = tmp_path_factory.mktemp("stranger") / "stranger.png"
    write_photo(path, np.ascontiguousarray(read_photo(examples()[1].path)[:, ::-1]))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds: a face that moves, is away for a few frames, and comes back."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    face = cv2.resize(read_photo(examples()[1].path), (240, 240), interpolation=cv2.INTER_AREA)
    frames = []
    for index in range(20):
        canvas = np.full((288, 352, 3), 110, np.uint8)
        if not 8 <= index < 12:
            canvas[20:260, 30 + 3 * index : 270 + 3 * index] = face
        frames.append(Frame(canvas, index / 10))
    write_clip(path, iter(frames), rate=Fraction(10))
    return path


def _photo_methods(method_id: str) -> None:
    spec = load_spec(method_id)
    if "photo" not in spec.inputs.media or spec.inputs.driving:
        pytest.skip(f"{method_id} does not work on a photo alone")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif"])
def test_every_photo_is_sealed_in_every_format(method_id: str, suffix: str, photo: Path, tmp_path: Path) -> None:
    _photo_methods(method_id)
    sealed = facezoo.run(method_id, photo, output=tmp_path / f"result{suffix}")
    assert sealed.path == tmp_path / f"result{suffix}"
    assert list(tmp_path.iterdir()) == [sealed.path]
    read_back = facezoo.verify(sealed.path)
    assert (read_back.c2pa, read_back.method) == ("trusted", method_id)
    assert read_back.watermark
    assert read_photo(sealed.path).shape == read_photo(photo).shape
    assert set(sealed.record) >= RECORD
    assert set(sealed.record["seconds"]) == {"read", "detect", "method", "blend", "seal", "total"}
    assert sealed.record["faces"] == 1 and sealed.record["frames"] == 1


def test_something_was_done_and_only_to_the_face(method_id: str, photo: Path, tmp_path: Path) -> None:
    _photo_methods(method_id)
    before, after = read_photo(photo), read_photo(facezoo.run(method_id, photo, output=tmp_path / "a.png").path)
    difference = np.abs(before.astype(int) - after.astype(int)).mean(axis=2)
    (face,) = runner.inspect(photo).faces
    x, y = face.landmarks.points[30].astype(int)
    assert difference[y - 20 : y + 20, x - 20 : x + 20].mean() > 4
    spec = load_spec(method_id)
    if spec.task(spec.params()) == "swap":
        assert difference[:40].mean() < 4, "only the mark and the label lie outside the face"
        measures = measure(photo, tmp_path / "a.png")
        assert measures.pose_error < 12


def test_same_seed_same_pixels(method_id: str, photo: Path, tmp_path: Path) -> None:
    _photo_methods(method_id)
    first, second = (facezoo.run(method_id, photo, seed=7, output=tmp_path / f"{i}.png").path for i in "ab")
    assert (read_photo(first) == read_photo(second)).all()


def test_every_persona_and_every_choice_of_every_parameter(method_id: str, photo: Path, tmp_path: Path) -> None:
    _photo_methods(method_id)
    spec = load_spec(method_id)
    small = tmp_path / "small.png"
    write_photo(small, cv2.resize(read_photo(photo), (200, 200), interpolation=cv2.INTER_AREA))
    pictures = set()
    known = [persona for persona in personas() if spec.inputs.knows(persona.id)]
    for persona in known:
        worn: dict[str, Any] = {"persona": persona.id, "params": dataclasses.asdict(spec.swapping())}
        path = facezoo.run(method_id, small, **worn, consent=True, output=tmp_path / "p.png").path
        pictures.add(read_photo(path).tobytes())
    assert len(pictures) == len(known)
    for parameter in describe_params(spec):
        values = parameter.choices or ((True, False) if parameter.kind == "switch" else (parameter.low, parameter.high))
        for value in values:
            chosen = {parameter.name: value}
            sealed = facezoo.run(method_id, small, params=chosen, consent=True, output=tmp_path / "v.png")
            assert facezoo.verify(sealed.path).c2pa == "trusted"


def test_clip_is_followed_through_a_gap_at_its_own_times(method_id: str, clip: Path, tmp_path: Path) -> None:
    spec = load_spec(method_id)
    if "video" not in spec.inputs.media or spec.inputs.driving:
        pytest.skip(f"{method_id} does not work on a clip alone")
    sealed = facezoo.run(method_id, clip, consent=True, output=tmp_path / "out.mp4")
    assert facezoo.verify(sealed.path).c2pa == "trusted"
    before, after = ([*open_clip(path).frames()] for path in (clip, sealed.path))
    assert len(after) == len(before) == sealed.record["frames"] == 20
    assert [f.time for f in after] == pytest.approx([f.time for f in before], abs=0.02)
    changed = [
        np.abs(a.image[60:200, 60:260].astype(int) - b.image[60:200, 60:260]).mean()
        for a, b in zip(before, after, strict=True)
    ]
    assert min(changed[:8] + changed[12:]) > 3
    assert (max(changed[8:12]) < 3) == (spec.task(spec.params()) == "swap")


def test_animation_in_animation_or_first_frame_out(swap_method: str, clip: Path, tmp_path: Path) -> None:
    animation = tmp_path / "in.gif"
    write_clip(animation, list(open_clip(clip).frames())[:4], rate=Fraction(10))
    for name, frames in (("out.gif", 4), ("out.webp", 4), ("out.mp4", 4), ("out.png", 1)):
        sealed = facezoo.run(swap_method, animation, consent=True, output=tmp_path / name)
        assert sealed.record["frames"] == frames
        assert facezoo.verify(sealed.path).c2pa == "trusted"


def test_another_photo_instead_of_a_persona(method_id: str, photo: Path, stranger: Path, tmp_path: Path) -> None:
    _photo_methods(method_id)
    if not load_spec(method_id).inputs.source:
        with pytest.raises(UsageError):
            facezoo.run(method_id, photo, source=stranger, consent=True, output=tmp_path / "a.png")
        return
    sealed = facezoo.run(method_id, photo, source=stranger, consent=True, output=tmp_path / "a.png")
    assert sealed.record["persona"] is None
    with pytest.raises(ConsentRequired, match="second photo"):
        facezoo.run(method_id, photo, source=stranger, output=tmp_path / "b.png")
    with pytest.raises(UsageError):
        facezoo.run(
            method_id, photo, source=stranger, persona=personas()[0].id, consent=True, output=tmp_path / "b.png"
        )
    assert not (tmp_path / "b.png").exists()


@pytest.mark.usefixtures("empty_temp")
class TestNothingIsLeftBehind:
    """Every way to fail, with and without an output path."""

    @pytest.mark.parametrize("given", [True, False])
    def test_consent(self, swap_method: str, stranger: Path, tmp_path: Path, given: bool) -> None:
        out = tmp_path / "out"
        out.mkdir()
        with pytest.raises(ConsentRequired, match=r"consent=True"):
            facezoo.run(swap_method, stranger, output=out / "a.png" if given else None)
        with pytest.raises(ConsentRequired):
            facezoo.compare(stranger, output=out if given else None)
        assert list(out.iterdir()) == []

    def test_no_face(self, swap_method: str, landscape: Path, tmp_path: Path) -> None:
        for face in (1, "all"):
            with pytest.raises(NoFace):
                facezoo.run(swap_method, landscape, consent=True, face=face, output=tmp_path / "a.png")
            with pytest.raises(NoFace):
                facezoo.run(swap_method, landscape, consent=True, face=face)
        assert not (tmp_path / "a.png").exists()

    def test_no_such_face(self, swap_method: str, photo: Path) -> None:
        with pytest.raises(NoFace, match="only face 1"):
            facezoo.run(swap_method, photo, face=2)

    def test_bad_file(self, swap_method: str, tmp_path: Path) -> None:
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(b"\xff\xd8\xff\xe0 nothing more")
        with pytest.raises(BadInput):
            facezoo.run(swap_method, broken, consent=True)

    def test_cancelled_at_every_stage(self, swap_method: str, photo: Path, tmp_path: Path) -> None:
        seen: list[str] = []
        facezoo.run(swap_method, photo, output=tmp_path / "whole.png", progress=lambda stage, _: seen.append(stage))
        assert {"read", "detect", "method", "blend", "seal"} <= set(seen)
        for wanted in dict.fromkeys(seen):

            def stop(stage: str, _fraction: float, wanted: str = wanted) -> None:
                if stage == wanted:
                    raise Cancelled("Stopped.")

            with pytest.raises(Cancelled):
                facezoo.run(swap_method, photo, output=tmp_path / "a.png", progress=stop)
            with pytest.raises(Cancelled):
                facezoo.run(swap_method, photo, progress=stop)
        assert not (tmp_path / "a.png").exists()

    def test_content(self, swap_method: str, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_image: np.ndarray) -> float:
            raise ContentRefused("No.")

        monkeypatch.setattr(admission, "check_content", refuse)
        for call in (
            lambda: facezoo.run(swap_method, photo),
            lambda: facezoo.compare(photo),
            lambda: runner.inspect(photo),
        ):
            with pytest.raises(ContentRefused):
                call()

    def test_weights(self, swap_method: str, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(*_: str) -> None:
            raise WeightsUnavailable("Gone.")

        monkeypatch.setattr(registry, "load", missing)
        with pytest.raises(WeightsUnavailable):
            facezoo.run(swap_method, photo)
        with pytest.raises(WeightsUnavailable):
            facezoo.compare(photo)


def test_a_driving_clip_is_checked_like_any_input(
    swap_method: str, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = dataclasses.replace(load_spec(swap_method), inputs=Inputs(driving="required"))
    with pytest.raises(ConsentRequired, match="driving clip"):
        driver_of(spec, clip, None)
    checked: list[np.ndarray] = []
    monkeypatch.setattr(admission, "check_content", checked.append)
    driving = driver_of(spec, clip, True)
    assert isinstance(driving, Clip)
    assert len(list(driving.frames())) == 20
    assert len(checked) == 2, "once a second"


@pytest.mark.parametrize("arguments", [{"params": {"colour": "blue"}}, {"persona": "nobody"}, {"driving": "x.mp4"}])
def test_wrong_arguments_are_usage_errors(swap_method: str, photo: Path, arguments: dict) -> None:
    with pytest.raises(UsageError):
        facezoo.run(swap_method, photo, **arguments)


def test_wrong_outputs_are_usage_errors(swap_method: str, photo: Path, clip: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.txt", "a", "missing/a.png"):
        with pytest.raises(UsageError):
            facezoo.run(swap_method, photo, output=tmp_path / name)
    with pytest.raises(UsageError):
        facezoo.run(swap_method, clip, consent=True, output=tmp_path / "a.png")
    with pytest.raises(UsageError):
        facezoo.run(swap_method, [photo, photo])
    with pytest.raises(UsageError, match="no method"):
        facezoo.run("no_such_method", photo)


def test_all_faces_of_a_group(swap_method: str, photo: Path, tmp_path: Path) -> None:
    face = cv2.resize(read_photo(photo), (200, 200), interpolation=cv2.INTER_AREA)
    group = tmp_path / "group.png"
    write_photo(group, np.hstack([face, face, face]))
    one = facezoo.run(swap_method, group, face=2, consent=True, output=tmp_path / "one.png")
    both = facezoo.run(swap_method, group, face="all", consent=True, output=tmp_path / "all.png")
    assert (one.record["faces"], both.record["faces"]) == (1, 3)
    before = read_photo(group).astype(int)

    def changed(path: Path) -> int:
        difference = np.abs(read_photo(path).astype(int) - before).mean(axis=2)
        return sum(difference[60:140, 200 * i + 60 : 200 * i + 140].mean() > 4 for i in range(3))

    assert (changed(one.path), changed(both.path)) == (1, 3)


def test_compare_seals_each_and_the_grid(photo: Path, tmp_path: Path, swap_method: str) -> None:
    told: list[str] = []
    comparison = facezoo.compare(photo, output=tmp_path, on_result=lambda id, _: told.append(id))
    assert swap_method in comparison.results
    assert told == list(comparison.results) and comparison.failures == {}
    for id, sealed in comparison.results.items():
        assert sealed.path == tmp_path / f"{id}.png"
        assert facezoo.verify(sealed.path).method == id
    assert comparison.grid.path == tmp_path / "grid.png"
    assert facezoo.verify(comparison.grid.path).c2pa == "trusted"
    assert {path.name for path in tmp_path.iterdir()} == {f"{id}.png" for id in comparison.results} | {"grid.png"}


def test_inspection_knows_whose_consent_is_needed(photo: Path, stranger: Path) -> None:
    assert not runner.inspect(photo).needs_consent
    asked = runner.inspect(stranger)
    assert asked.needs_consent and len(asked.faces) == 1 and asked.preview.dtype == np.uint8


def test_metadata_of_the_upload_does_not_survive(swap_method: str, photo: Path, tmp_path: Path) -> None:
    tagged = tmp_path / "tagged.jpg"
    exif = Pillow.Exif()
    exif[0x010E] = "SECRETPLACE"
    with Pillow.open(photo) as picture:
        picture.save(tagged, exif=exif)
    assert b"SECRETPLACE" in tagged.read_bytes()
    for suffix in (".png", ".jpg", ".webp"):
        result = facezoo.run(swap_method, tagged, consent=True, output=tmp_path / f"out{suffix}").path.read_bytes()
        assert b"SECRETPLACE" not in result and b"tagged" not in result


def test_a_photo_costs_neither_torch_nor_diffusers(photo: Path, tmp_path: Path, swap_method: str) -> None:
    """A method without networks does not load the libraries of those that have some."""
    spec = load_spec(swap_method)
    if spec.weights.repo:
        pytest.skip("this method has networks")
    code = (
        f"import facezoo, sys; facezoo.run({swap_method!r}, {str(photo)!r}, output={str(tmp_path / 'a.png')!r});"
        "print([m for m in ('torch', 'diffusers', 'gradio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_comparison_looks_for_faces_once(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many methods there are: the face is found, measured and aligned for all of them."""
    looks: list[tuple[int, ...]] = []

    def counted(image: Any, **settings: Any) -> Any:
        looks.append(image.shape)
        return find_faces(image, **settings)

    monkeypatch.setattr("facezoo.runner.road.find_faces", counted)
    done = runner.compare(photo, methods=["landmark_warp", "deepfakes"], output=tmp_path)
    assert len(done.results) == 2 and len(looks) == 1


def test_results_are_sealed_by_the_seal_alone() -> None:
    """No other module makes a Sealed; only the runner, and what makes figures and exhibits, call seal."""
    package = Path(facezoo.__file__).parent
    makers = {
        p.relative_to(package).as_posix() for p in package.rglob("*.py") if "Sealed(" in p.read_text(encoding="utf-8")
    }
    callers = {
        p.relative_to(package).as_posix() for p in package.rglob("*.py") if " seal(" in p.read_text(encoding="utf-8")
    }
    assert makers - {"types.py"} == {"safety/seal.py"}
    others = callers - {"safety/seal.py", "safety/__init__.py", "evaluate/measuring.py", "evaluate/styles.py",
                        "ui/learn/make/row.py"}  # fmt: skip
    assert {Path(each).parent.name for each in others} == {"runner"}


def test_a_stage_that_still_runs_counts() -> None:
    clock = Stopwatch(None)
    with clock.stage("seal"):
        with clock.stage("method"):
            time.sleep(0.01)
        time.sleep(0.01)
        assert clock.seconds["seal"] >= 0.01 and clock.seconds["method"] >= 0.01
    assert sum(clock.seconds.values()) <= clock.total
