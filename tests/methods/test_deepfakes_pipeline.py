"""What is particular to deepfakes: who can be decoded, in which mask, and what the shipped decoders know."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facezoo.errors import UsageError
from facezoo.face.find import find_faces, move, realign
from facezoo.face.mesh import expression, lay_over
from facezoo.media.read import read_photo
from facezoo.motion.paint_over import open_mouth
from facezoo.registry import list_methods, load
from facezoo.types import Face, Landmarks
from facezoo.zoo.embedded import examples, personas

pytestmark = pytest.mark.skipif(
    "deepfakes" not in {spec.id for spec in list_methods()}, reason="deepfakes is not installed"
)


def _face(id: str) -> Face:
    shown = {each.id: each.path for each in examples()} | {each.id: each.portrait for each in personas()}
    return find_faces(read_photo(shown[id]))[0]


@pytest.fixture(scope="module")
def people() -> dict[str, Face]:
    return {each.id: replace(_face(each.id), persona=each.id) for each in personas()}


@pytest.fixture(scope="module")
def visitor() -> Face:
    return _face("curls")


def _swap(targets: list[Face], identity: Face | None, **params: object) -> list[np.ndarray]:
    pipeline = load("deepfakes")
    return list(pipeline(iter(targets), identity=identity, params=pipeline.spec.params(**params)))


def test_only_people_it_learned_are_decoded(visitor: Face, people: dict[str, Face]) -> None:
    with pytest.raises(UsageError, match="only people it was trained on") as caught:
        _swap([visitor], visitor)
    assert all(id in caught.value.advice for id in people)
    with pytest.raises(UsageError):
        _swap([visitor], None)


def test_own_weights_name_their_person(visitor: Face, people: dict[str, Face]) -> None:
    pipeline = load("deepfakes")
    own = type(pipeline)(pipeline.networks, person="tarek")
    (crop,) = own(iter([visitor]), identity=None, params=own.spec.params())
    assert np.array_equal(crop, _swap([visitor], people["tarek"])[0])


def test_many_faces_are_decoded_as_each_alone(visitor: Face, people: dict[str, Face]) -> None:
    targets = [visitor, people["imani"], realign(visitor, 90)] * 4  # more than one batch
    crops = _swap(targets, people["orla"], sharpen=0)
    assert [crop.shape for crop in crops] == [(*face.crop.shape[:2], 4) for face in targets]
    for face, crop in zip(targets[:3], crops[:3], strict=True):
        assert np.abs(_swap([face], people["orla"], sharpen=0)[0].astype(int) - crop).max() <= 1


def test_the_mask_is_where_the_face_is(visitor: Face, people: dict[str, Face]) -> None:
    (learned,), (mesh,) = (_swap([visitor], people["joss"], mask=mask, mouth="persona") for mask in ("learned", "mesh"))
    assert np.array_equal(learned[..., :3], mesh[..., :3])
    size = learned.shape[0]
    assert learned[size // 2, size // 2, 3] > 200 and learned[: size // 8, :, 3].max() == 0
    assert 0.15 < (learned[..., 3] > 127).mean() < (mesh[..., 3] > 127).mean() < 0.6


def test_a_laugh_stays_a_laugh(visitor: Face, people: dict[str, Face]) -> None:
    """Decoded almost shut, its lips are pulled to where the target's are, and between them are the target's teeth."""
    laughing, who = _face("laughing"), people["joss"]
    (mine, shut), (decoded, same) = (
        _swap([laughing, people["imani"]], who, mouth=whose) for whose in ("mine", "persona")
    )
    between = open_mouth(move(laughing.landmarks.mesh, laughing.affine), mine.shape[0]) > 0.9
    assert mine[between, 3].max() < 30 < decoded[between, 3].mean()
    opened = [expression(_seen(laughing, layers))[2] for layers in (mine, decoded)]
    assert opened[0] > 0.8 * expression(laughing.landmarks)[2] > opened[1]
    assert np.array_equal(shut, same), "lips that are closed stay so"


def _seen(target: Face, layers: np.ndarray) -> Landmarks:
    """Of a picture with a swapped face, its points."""
    shown = target.crop.copy()
    lay_over(shown, np.ascontiguousarray(layers[..., :3]), (layers[..., 3] / 255).astype(np.float32))
    return find_faces(shown)[0].landmarks


def test_sharpening_sharpens(visitor: Face, people: dict[str, Face]) -> None:
    (soft,), (sharp,) = (_swap([visitor], people["imani"], sharpen=amount) for amount in (0.0, 1.0))
    assert cv2.Laplacian(sharp[..., 0], cv2.CV_64F).var() > 1.2 * cv2.Laplacian(soft[..., 0], cv2.CV_64F).var()


def test_each_persona_is_rebuilt_best_by_its_own_decoder(people: dict[str, Face]) -> None:
    for id, whole in people.items():
        face = realign(whole, 256)
        errors = {name: np.abs(crop[64:192, 72:184, :3].astype(int) - face.crop[64:192, 72:184]).mean()
                  for name, other in people.items() for crop in _swap([face], other)}  # fmt: skip
        assert min(errors, key=errors.__getitem__) == id
        assert errors[id] < 25


def test_explained(visitor: Face, people: dict[str, Face]) -> None:
    pipeline = load("deepfakes")
    steps = pipeline.explain(visitor, identity=people["tarek"], params=pipeline.spec.params(), seed=1)
    assert [step.name for step in steps] == ["aligned", "warped", "self", "persona", "mask"]
    assert [step.made for step in steps] == [False, False, True, True, False]
    again = pipeline.explain(visitor, identity=people["tarek"], params=pipeline.spec.params(), seed=1)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(steps, again, strict=True))
    assert all(step.image.shape == steps[0].image.shape and step.image.dtype == np.uint8 for step in steps)
