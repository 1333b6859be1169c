"""The autoencoder of deepfakes: the layers of the original, shapes, whose face comes out and where it lies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facezoo.face.find import crop_affine, crop_image, find_faces
from facezoo.media.read import read_photo
from facezoo.types import Face

torch = pytest.importorskip("torch")

from facezoo.methods.deepfakes.model import ANYONE, PRESETS, Autoencoder, even_colors  # noqa: E402
from facezoo.methods.deepfakes.window import LEFT, SHARE, TOP, window_affine, window_box  # noqa: E402

SMALL = {"side": 32, "widths": (8, 8, 8), "reduced": 4, "code": 8, "dense": 4, "direct": 4, "shared": 8, "ups": (8, 8),
         "anyone": (), "scale": 1}  # fmt: skip


@pytest.fixture(scope="module")
def face(portrait: Path) -> Face:
    return find_faces(read_photo(portrait))[0]


def _count(module: torch.nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def test_the_paper_preset_has_the_sizes_of_the_original() -> None:
    with torch.device("meta"):
        network = Autoencoder(**{**PRESETS["paper"], "people": ("a", "b")})
        plain = Autoencoder(**{**PRESETS["paper"], "people": ("a", "b"), "mask": "none"})
    assert _count(network.encoder) == 69_662_976
    assert [_count(each) for each in plain.decoders.values()] == [6_199_747, 6_199_747]
    assert _count(plain) == 82_062_470


def test_the_paper_preset_has_the_layers_of_the_original(shared: Path) -> None:
    listed = json.loads((shared / "fixtures/_keylists/faceswap_original_layers.json").read_text())
    with torch.device("meta"):
        network = Autoencoder(**{**PRESETS["paper"], "people": ("a", "b"), "mask": "none"})
    for part, module in (("encoder", network.encoder), ("decoder", network.decoders["b"])):
        wanted = [each for each in listed[part] if "params" in each]
        ours = [each for each in module.modules() if isinstance(each, torch.nn.Conv2d | torch.nn.Linear)]
        assert [_count(each) for each in ours] == [each["params"] for each in wanted]
        for layer, like in zip(ours, wanted, strict=True):
            if isinstance(layer, torch.nn.Conv2d):
                height, width, before, after = like["kernel_shape_HWIO"]
                assert tuple(layer.weight.shape) == (after, before, height, width)
                assert layer.stride[0] == like["stride"]


def test_same_padding_is_keras_own() -> None:
    """With an even side, stride 2 and 5 px, the first output reads from one px before the picture's edge."""
    network = Autoencoder(people=("a",), **SMALL)
    seen = torch.zeros(1, 3, 32, 32, requires_grad=True)
    x = torch.nn.functional.pad(seen, (1, 2, 1, 2))
    network.encoder.down[0](x)[0, 0, 0, 0].backward()
    assert seen.grad is not None
    assert sorted(set(torch.nonzero(seen.grad[0, 0])[:, 0].tolist())) == [0, 1, 2, 3]


@pytest.mark.parametrize("mask", ["channel", "branch", "none"])
@pytest.mark.parametrize(("ups", "scale"), [((8, 8), 1), ((8,), 1), ((8, 8), 2)])
def test_shapes_and_ranges(mask: str, ups: tuple[int, ...], scale: int) -> None:
    torch.manual_seed(0)
    network = Autoencoder(people=("a", "b"), **{**SMALL, "ups": ups, "scale": scale}, mask=mask)
    faces = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    pictures, masks = network(faces)
    side = 32 * scale
    assert pictures.shape == (2, 3, 3, side, side) and masks.shape == (2, 3, 1, side, side)
    assert pictures.abs().max() <= 1
    one, mask_of_one = network.swap(faces[1], "b")
    assert torch.allclose(one, pictures[1], atol=1e-6)
    assert torch.allclose(mask_of_one, masks[1].sigmoid(), atol=1e-6)
    assert not torch.allclose(network.swap(faces[1], "a")[0], one)


def test_a_side_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not suit"):
        Autoencoder(people=("a",), **{**SMALL, "side": 36})
    with pytest.raises(ValueError, match="do not suit"):
        Autoencoder(people=("a",), **{**SMALL, "anyone": (8,)})


def test_anyone_has_a_decoder_of_its_own() -> None:
    network = Autoencoder(people=("a",), **{**SMALL, "anyone": (4, 4)})
    assert list(network.decoders) == ["a", ANYONE]
    assert _count(network.decoders[ANYONE]) < _count(network.decoders["a"])
    assert network(torch.zeros(2, 1, 3, 32, 32))[0].shape == (2, 1, 3, 32, 32)


def test_light_and_tint_do_not_matter_to_the_code() -> None:
    torch.manual_seed(0)
    faces = torch.rand(2, 3, 32, 32) - 0.5
    other = faces * torch.tensor([0.7, 1.3, 1.0])[:, None, None] + 0.2
    assert torch.allclose(even_colors(faces), even_colors(other), atol=0.05)


def test_the_saved_network_is_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Autoencoder(people=("a", "b"), **SMALL).eval()
    network.save_pretrained(tmp_path)
    again = Autoencoder.from_pretrained(tmp_path).eval()
    faces = torch.rand(1, 3, 32, 32)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert torch.allclose(network.swap(faces, "b")[0], again.swap(faces, "b")[0], atol=1e-6)


def test_the_window_is_a_part_of_the_aligned_crop(face: Face) -> None:
    crop, _ = crop_affine(face.landmarks, 128)
    whole = crop_image(face.frame, crop, 128)
    top, left, side = round(TOP * 128), round(LEFT * 128), round(SHARE * 128)
    part = crop_image(face.frame, window_affine(face.landmarks, side), side)
    assert np.abs(part.astype(int) - whole[top : top + side, left : left + side].astype(int)).mean() < 1.0
    inverse = np.linalg.inv(np.vstack([window_box(256, side), [0, 0, 1]]))
    edge = inverse @ np.array([-0.5, -0.5, 1])
    assert np.allclose(edge[:2], [LEFT * 256 - 0.5, TOP * 256 - 0.5], atol=1e-3)
