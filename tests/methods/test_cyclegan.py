"""The pipeline of cyclegan with untrained networks, and with networks whose result is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facezoo.errors import UsageError
from facezoo.face import find_faces
from facezoo.media.read import read_photo
from facezoo.types import Face

torch = pytest.importorskip("torch")

from facezoo.methods.cyclegan.model import ResnetGenerator  # noqa: E402
from facezoo.methods.cyclegan.pipeline import CycleGan  # noqa: E402
from facezoo.methods.cyclegan.spec import PERSONA, Params  # noqa: E402


@pytest.fixture(scope="module")
def pipeline() -> CycleGan:
    torch.manual_seed(0)
    return CycleGan({name: ResnetGenerator(ngf=4, n_blocks=1).eval() for name in CycleGan.components})


@pytest.fixture(scope="module")
def face(portrait: Path) -> Face:
    return find_faces(read_photo(portrait), thorough=False)[0]


@pytest.mark.parametrize("shape", [(128, 128), (97, 131), (40, 300)])
def test_any_size_comes_back_as_it_was(pipeline: CycleGan, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    made = pipeline.restyle(picture, [], identity=None, params=Params(size="256"))
    assert made.shape == picture.shape and made.dtype == np.uint8
    assert (made != picture).any()
    assert (pipeline.restyle(picture, [], identity=None, params=Params(size="256")) == made).all()


def test_a_picture_that_fits_is_what_the_network_makes(pipeline: CycleGan) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    with torch.inference_mode():
        batch = torch.from_numpy(picture[None]).permute(0, 3, 1, 2) / 127.5 - 1
        made = pipeline.networks["painting"](batch)[0].permute(1, 2, 0).numpy()
    ours = pipeline.restyle(picture, [], identity=None, params=Params())
    assert np.abs(ours - (made + 1) * 127.5).max() <= 0.51
    assert (pipeline.restyle(picture, [], identity=None, params=Params(strength=0)) == picture).all()


def test_a_face_can_be_kept(pipeline: CycleGan, face: Face) -> None:
    made = pipeline.restyle(face.frame, [face], identity=None, params=Params(size="256", keep_face=True))
    change = np.abs(made.astype(int) - face.frame).max(axis=2)
    nose = face.landmarks.points[30].round().astype(int)
    assert change[nose[1], nose[0]] == 0
    assert np.median(change) > 3


def test_a_persona_is_put_on_the_face_alone(pipeline: CycleGan, face: Face) -> None:
    params = Params(task="persona")
    assert pipeline.wears(params) and not pipeline.wears(Params())
    made = pipeline.restyle(face.frame, [face], identity=replace(face, persona=PERSONA), params=params)
    change = np.abs(made.astype(int) - face.frame).max(axis=2)
    nose = face.landmarks.points[30].round().astype(int)
    assert change[nose[1], nose[0]] > 0 and change[:4, :4].max() == 0
    (crop,) = pipeline(iter([face]), identity=None, params=params)
    assert crop.shape == face.crop.shape
    with pytest.raises(UsageError, match="nobody"):
        pipeline.restyle(face.frame, [face], identity=replace(face, persona="nobody"), params=params)


@pytest.mark.parametrize("task", ["photo_to_painting", "painting_to_photo", "persona"])
def test_it_explains_itself(pipeline: CycleGan, face: Face, task: str) -> None:
    steps = pipeline.explain(face, identity=None, params=Params(task=task, size="256"))  # pyright: ignore[reportArgumentType]
    assert [step.name for step in steps] == ["seen", "translated", "back", "changed", "identity"]
    assert [step.made for step in steps] == [False, True, True, False, True]
    assert len({step.image.shape for step in steps}) == 1


def test_it_is_saved_and_read(pipeline: CycleGan, tmp_path: Path) -> None:
    again = CycleGan.from_pretrained(pipeline.save_pretrained(tmp_path))
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    both = [each.restyle(picture, [], identity=None, params=Params()) for each in (pipeline, again)]
    assert (both[0] == both[1]).all()
