"""face2face without its weights: whom it paints, and where the picture goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, move, realign
from facezoo.face.head import fit_head
from facezoo.face.mesh import INNER_LIPS
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.types import Face
from facezoo.zoo.embedded import examples, personas

torch = pytest.importorskip("torch")

from facezoo.methods.face2face.model import PRESETS, Painter  # noqa: E402
from facezoo.methods.face2face.pipeline import Face2Face  # noqa: E402
from facezoo.methods.face2face.spec import Params  # noqa: E402


class Grey(Face2Face):
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
def pipeline(people: dict[str, Face]) -> Face2Face:
    """A painter that has learned nothing but the shapes of its people and a light grey for their faces."""
    torch.manual_seed(0)
    painter = Painter(people=tuple(people), side=64, texture=3, texture_side=16, ngf=2, num_downs=5).eval()
    with torch.no_grad():
        painter.textures.fill_(0.5)
        painter.canvases.fill_(-1)
        painter.unet.model.model[3].weight.zero_()
        painter.unet.model.model[3].bias.zero_()
        for number, face in enumerate(people.values()):
            mesh = face.landmarks.mesh
            painter.rests[number] = torch.from_numpy(fit_head(mesh).to_head(mesh))
    return Grey({"painter": painter})


def test_only_people_it_learned_are_painted(pipeline: Face2Face, people: dict[str, Face]) -> None:
    face, *_ = people.values()
    with pytest.raises(UsageError, match="only people it was trained on"):
        next(pipeline(iter([face]), identity=replace(face, persona=""), params=Params()))
    bare = replace(face, landmarks=replace(face.landmarks, mesh=np.zeros((0, 3), np.float32), backend="fan"))
    with pytest.raises(UsageError, match="468-point mesh"):
        next(pipeline(iter([bare]), identity=face, params=Params()))


def test_the_picture_covers_the_face_alone(pipeline: Face2Face, people: dict[str, Face]) -> None:
    first, second = people.values()
    targets = [first, second, realign(first, 90)] * 2  # more than one batch, and smaller than what is painted
    crops = list(pipeline(iter(targets), identity=second, params=Params(sharpen=0)))
    assert [crop.shape for crop in crops] == [(*face.crop.shape[:2], 4) for face in targets]
    inside = crops[0][..., 3] > 0
    assert 0.15 < inside.mean() < 0.5 and not inside[:16].any()
    assert np.abs(np.median(crops[0][inside, 0]) - 191) < 6  # its face is light grey, what is around it black
    (less,) = pipeline(iter([first]), identity=second, params=Params(sharpen=0, mask="features"))
    assert 0.1 < (less[..., 3] > 127).sum() / inside.sum() < 0.9


def test_an_open_mouth_shows_its_own_teeth(pipeline: Face2Face, people: dict[str, Face]) -> None:
    laughing = next(each for each in examples() if each.id == "laughing")
    (face, *_), shut = find_faces(read_photo(laughing.path)), next(iter(people.values()))
    who = replace(face, persona=shut.persona)
    covers: dict[str, list[NDArray[np.uint8]]] = {"mine": [], "persona": []}
    for mouth, found in covers.items():
        params = Params(mouth=mouth)  # pyright: ignore[reportArgumentType]
        found += [crop[..., 3] for crop in pipeline(iter([face, shut]), identity=who, params=params)]
    teeth = move(face.landmarks.mesh, face.affine)[list(INNER_LIPS), :2].mean(axis=0).round().astype(int)
    assert [covers[mouth][0][teeth[1], teeth[0]] for mouth in ("mine", "persona")] == [0, 255]
    assert (covers["mine"][1] == covers["persona"][1]).all(), "lips that are closed stay so"


def test_own_weights_and_a_saved_copy_paint_the_same(pipeline: Face2Face, people: dict[str, Face], tmp_path) -> None:
    face, other = people.values()
    (crop,) = pipeline(iter([face]), identity=other, params=Params())
    again = Grey.from_pretrained(pipeline.save_pretrained(tmp_path / "saved"))
    again.networks["painter"].eval()
    again.person = other.persona
    (copy,) = again(iter([face]), identity=None, params=Params())
    assert np.array_equal(crop, copy)


def test_a_person_is_painted_as_asked(pipeline: Face2Face, people: dict[str, Face]) -> None:
    """By hand, as a playground does: no face is read at all."""
    who = next(iter(people))
    straight, turned = pipeline.portray([motion_of(Controls()), motion_of(Controls(yaw=20, mouth=0.6))], who)
    assert straight.picture.shape == (64, 64, 3)
    assert fit_head(turned.mesh).pose.yaw - fit_head(straight.mesh).pose.yaw == pytest.approx(20, abs=3)


def test_explained(pipeline: Face2Face, people: dict[str, Face]) -> None:
    face, other = people.values()
    steps = pipeline.explain(face, identity=other, params=Params())
    assert [step.name for step in steps] == ["aligned", "drawing", "persona", "skin", "mask"]
    assert [step.made for step in steps] == [False, False, True, True, False]
    assert all(step.image.dtype == np.uint8 and step.image.shape[2] == 3 for step in steps)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit(name: str) -> None:
    with torch.device("meta"):
        painter = Painter(**PRESETS[name])
    count = sum(each.numel() for each in painter.parameters())
    assert count == 54_413_955 if name == "paper" else 2 * count < 12_000_000
    with pytest.raises(ValueError, match="people"):
        Painter(people=("a", "b"), texture=0, ngf=2, num_downs=5, side=64)
