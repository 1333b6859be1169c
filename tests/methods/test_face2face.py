"""face2face without its weights: what a drawing shows, that it does not tell who was drawn, where the picture goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, move, realign
from facezoo.face.head import fit_head
from facezoo.face.mesh import EYES, INNER_LIPS, topology
from facezoo.media.read import read_photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import NOWHERE, draw, irises_at
from facezoo.motion.paint_over import Portrayal, own_points
from facezoo.motion.read import EXPRESSIONS, amounts_of, pose_mesh, read_face
from facezoo.types import Face
from facezoo.zoo.embedded import examples, personas

torch = pytest.importorskip("torch")

from facezoo.methods.face2face.model import PRESETS, Painter  # noqa: E402
from facezoo.methods.face2face.pipeline import Face2Face  # noqa: E402
from facezoo.methods.face2face.spec import Params  # noqa: E402

REST = np.zeros(2, np.float32)


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


def _mesh(side: int = 128, **controls: float) -> np.ndarray:
    asked = Controls(**controls)
    return pose_mesh(topology().canonical, motion_of(asked, np.eye(3, dtype=np.float32)), side)


@pytest.mark.parametrize("side", [64, 256])
def test_a_drawing_covers_the_face(side: int) -> None:
    mesh = _mesh(side)
    shown = draw(mesh, REST, side)
    assert shown.picture.shape == (side, side, 3) and shown.picture.dtype == np.uint8
    face = shown.places[..., 0] < NOWHERE
    assert 0.15 < face.mean() < 0.5
    assert np.abs(shown.places[face]).max() <= 1
    assert (shown.picture[~face].max(axis=-1) > 0).mean() < 0.03  # outlines alone reach over the edge
    lines = draw(mesh, REST, side, "lines").picture
    assert 0.02 < (lines > 127).mean() < 0.2 and (lines[..., 0] == lines[..., 2]).all()


def test_places_stay_on_the_skin_when_the_head_turns() -> None:
    nose = {yaw: _mesh(128, yaw=yaw)[4, :2].round().astype(int) for yaw in (0.0, 20.0)}
    found = [draw(_mesh(128, yaw=yaw), REST, 128).places[y, x] for yaw, (x, y) in nose.items()]
    assert np.abs(nose[0.0] - nose[20.0]).max() > 4
    assert np.abs(found[0] - found[1]).max() < 0.06


def test_gaze_moves_the_irises_alone() -> None:
    mesh = _mesh()
    here, there = draw(mesh, REST, 128), draw(mesh, np.array([0.15, 0], np.float32), 128)
    moved = irises_at(mesh, np.array([0.15, 0], np.float32)) - irises_at(mesh, REST)
    width = np.linalg.norm(mesh[EYES[0][8], :2] - mesh[EYES[0][0], :2])
    assert moved[0, 0] == pytest.approx(0.15 * width, rel=0.05) and np.abs(moved[:, 1:]).max() < 0.5
    ys, xs = np.nonzero((here.picture != there.picture).any(axis=-1))
    low, high = mesh[list(EYES[0] + EYES[1]), :2].min(axis=0), mesh[list(EYES[0] + EYES[1]), :2].max(axis=0)
    assert xs.min() >= low[0] - 2 and xs.max() <= high[0] + 2 and ys.min() >= low[1] - 2 and ys.max() <= high[1] + 2


def test_expressions_are_told_apart() -> None:
    controls = np.zeros((2, 11), np.float32)
    controls[0, 3:7], controls[1, 3:7] = (0.5, 0.2, 0, -0.3), (-0.4, 0, 0.6, 0.1)
    names = dict(zip(EXPRESSIONS, amounts_of(controls).T, strict=True))
    assert names["smile"].tolist() == [0.5, 0] and names["sad"].tolist() == pytest.approx([0, 0.4])
    assert names["brows down"].tolist() == pytest.approx([0.3, 0]) and names["mouth"].tolist() == pytest.approx(
        [0.2, 0]
    )


def test_a_drawing_does_not_tell_who_was_read(people: dict[str, Face]) -> None:
    """With a reader that says nothing, two different people give the same drawing but for pose, lids and gaze."""
    reader = np.zeros((len(EXPRESSIONS), 1405), np.float32)
    motions = [read_face(face.frame, face.landmarks.mesh, reader) for face in people.values()]
    assert all(not each.expression.any() and each.eyes.max() <= 1.2 for each in motions)
    alike = [replace(each, rotation=np.eye(3, dtype=np.float32), eyes=np.ones(2, np.float32)) for each in motions]
    first, second = (pose_mesh(topology().canonical, each, 128) for each in alike)
    assert np.array_equal(first, second)


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


def test_only_skin_is_taken_of_a_painted_face(people: dict[str, Face]) -> None:
    """A bright patch on one cheek that reaches the outline, as hair or background do, is left out."""
    face = next(iter(people.values()))
    mesh = move(face.landmarks.mesh, face.affine)
    drawing = draw(mesh, REST, face.crop.shape[0])
    clean = own_points([Portrayal(drawing, face.crop, mesh)])
    stained = face.crop.copy()
    x, y = mesh[[234, 227, 137, 123], :2].mean(axis=0).round().astype(int)  # beside the ear on the viewer's left
    stained[y - 14 : y + 14, x - 18 : x + 6] = 255
    found = own_points([Portrayal(drawing, stained, mesh)])
    assert found[[234, 227, 137]].max() < 0.2 < 0.6 < clean[[4, 50, 280, *INNER_LIPS]].min()
    assert found[[4, 50, 280, 454, 447]] == pytest.approx(clean[[4, 50, 280, 454, 447]], abs=0.1)


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
