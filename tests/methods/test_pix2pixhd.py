"""pix2pixhd without its weights: a coarse and a fine picture, which of them is pasted and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, realign
from facezoo.face.head import fit_head
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.types import Face
from facezoo.zoo.embedded import personas

torch = pytest.importorskip("torch")

from facezoo.methods.pix2pixhd.model import LocalEnhancer  # noqa: E402
from facezoo.methods.pix2pixhd.painter import FinePainter  # noqa: E402
from facezoo.methods.pix2pixhd.pipeline import Pix2PixHD  # noqa: E402
from facezoo.methods.pix2pixhd.spec import Params  # noqa: E402

PLAIN = Params(sharpen=0)


class Grey(Pix2PixHD):
    """Paints grey faces, which are no skin to anybody, and pastes them all the same."""

    def skin(self, person: str) -> NDArray[np.float32]:
        return np.ones(468, np.float32)


@pytest.fixture(scope="module")
def people() -> dict[str, Face]:
    return {
        each.id: replace(realign(find_faces(read_photo(each.portrait))[0], 160), persona=each.id)
        for each in personas()[:2]
    }


@pytest.fixture(scope="module")
def pipeline(people: dict[str, Face]) -> Pix2PixHD:
    """A painter that has learned only the shapes of its people, a grey for their faces, and to make the fine picture
    lighter than that and the coarse one darker."""
    torch.manual_seed(0)
    painter = FinePainter(people=tuple(people), side=64, texture=3, texture_side=16, ngf=2, n_downsample_global=1,
                          n_blocks_global=1, n_blocks_local=1).eval()  # fmt: skip
    with torch.no_grad():
        painter.textures.fill_(0)
        painter.canvases.fill_(-1)
        for last, shade in ((painter.coarse[1], -0.5), (painter.local.model1_2[-2], 0.5)):
            last.weight.zero_()
            last.bias.fill_(float(np.arctanh(shade)))
        for number, face in enumerate(people.values()):
            mesh = face.landmarks.mesh
            painter.rests[number] = torch.from_numpy(fit_head(mesh).to_head(mesh))
    return Grey({"painter": painter})


def _shades(crops: Sequence[np.ndarray]) -> list[float]:
    return [float(np.median(crop[crop[..., 3] > 250][:, 0])) for crop in crops]


def test_only_people_it_learned_are_painted(pipeline: Pix2PixHD, people: dict[str, Face]) -> None:
    face, *_ = people.values()
    with pytest.raises(UsageError, match="only people it was trained on"):
        next(pipeline(iter([face]), identity=replace(face, persona=""), params=PLAIN))
    bare = replace(face, landmarks=replace(face.landmarks, mesh=np.zeros((0, 3), np.float32), backend="fan"))
    with pytest.raises(UsageError, match="468-point mesh"):
        next(pipeline(iter([bare]), identity=face, params=PLAIN))


def test_the_fine_picture_is_pasted_unless_the_coarse_one_is_asked_for(
    pipeline: Pix2PixHD, people: dict[str, Face]
) -> None:
    first, second = people.values()
    targets = [first, second, realign(first, 90)]  # more than one batch, and of another size
    fine, coarse = (
        list(pipeline(iter(targets), identity=second, params=replace(PLAIN, detail=detail)))
        for detail in ("fine", "coarse")
    )
    assert [crop.shape for crop in fine] == [(*face.crop.shape[:2], 4) for face in targets]
    assert _shades(fine) == pytest.approx([191] * 3, abs=3) and _shades(coarse) == pytest.approx([64] * 3, abs=3)
    for crop, rough in zip(fine, coarse, strict=True):
        inside = crop[..., 3] > 0
        assert 0.15 < inside.mean() < 0.5 and not inside[:8].any()
        assert np.array_equal(crop[..., 3], rough[..., 3])


def test_own_weights_and_a_saved_copy_paint_the_same(
    pipeline: Pix2PixHD, people: dict[str, Face], tmp_path: Path
) -> None:
    face, other = people.values()
    (crop,) = pipeline(iter([face]), identity=other, params=PLAIN)
    again = Grey.from_pretrained(pipeline.save_pretrained(tmp_path / "saved"))
    again.person = other.persona
    (copy,) = again(iter([face]), identity=None, params=PLAIN)
    assert np.array_equal(crop, copy)


def test_a_person_is_painted_as_asked(pipeline: Pix2PixHD, people: dict[str, Face]) -> None:
    who = next(iter(people))
    straight, turned = pipeline.portray([motion_of(Controls()), motion_of(Controls(yaw=20, mouth=0.6))], who)
    assert straight.picture.shape == straight.sketches[0].shape == (64, 64, 3)
    assert fit_head(turned.mesh).pose.yaw - fit_head(straight.mesh).pose.yaw == pytest.approx(20, abs=3)


def test_explained(pipeline: Pix2PixHD, people: dict[str, Face]) -> None:
    face, other = people.values()
    steps = pipeline.explain(face, identity=other, params=PLAIN)
    assert [step.name for step in steps] == ["drawing", "coarse", "fine", "mask", "paste"]
    assert [step.made for step in steps] == [False, True, True, False, True]
    assert all(step.image.dtype == np.uint8 and step.image.shape[2] == 3 for step in steps)
    assert steps[1].image.mean() < steps[2].image.mean()


def test_an_enhancer_goes_on_from_the_generator_below_it() -> None:
    """In two halves, what is made of the small picture and what is made of that, or at once."""
    torch.manual_seed(0)
    network = LocalEnhancer(ngf=2, n_downsample_global=1, n_blocks_global=1, n_local_enhancers=2, n_blocks_local=1)
    picture = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        features = network.model(network.downsample(network.downsample(picture)))
        assert torch.equal(network.enhance(picture, features), network(picture))
        assert not torch.allclose(network.enhance(picture, features + 1), network(picture))
