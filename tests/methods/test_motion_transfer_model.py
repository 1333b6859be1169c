"""The repair network of motion_transfer: what it may touch, and that it is saved as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facezoo.face.find import find_faces
from facezoo.face.head import rotation_of
from facezoo.media.read import read_photo
from facezoo.motion.motion import Motion, still
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Pose

torch = pytest.importorskip("torch")

from facezoo.methods.motion_transfer.model import RepairNetwork  # noqa: E402
from facezoo.methods.motion_transfer.repair import Repairer, find_damage  # noqa: E402


@pytest.fixture(scope="module")
def puppet(portrait: Path) -> MovablePhoto:
    return MovablePhoto(find_faces(read_photo(portrait))[0])


@pytest.fixture(scope="module")
def network() -> RepairNetwork:
    """One that changes every pixel it is allowed to."""
    torch.manual_seed(0)
    network = RepairNetwork(widths=(8, 16, 16)).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.5)
    return network


def _turned(yaw: float) -> Motion:
    motion = still()
    return Motion(rotation_of(Pose(yaw, 0, 0)), motion.shift, 1.0, motion.expression, motion.eyes, motion.gaze)


def test_shapes_and_a_new_network_that_changes_nothing() -> None:
    network = RepairNetwork()
    warped, damage = torch.rand(2, 3, 64, 96) * 2 - 1, torch.rand(2, 3, 64, 96)
    residual, confidence = network(warped, damage)
    assert residual.shape == (2, 3, 64, 96) and confidence.shape == (2, 1, 64, 96)
    assert residual.abs().max() == 0


def test_damage_lies_where_the_photo_was_stretched(puppet: MovablePhoto) -> None:
    drawing = puppet.layers(_turned(25))
    damage = find_damage(drawing, drawing.mesh, puppet.photo)
    assert damage.crop.shape == (256, 256, 3) and damage.crop.dtype == np.uint8
    assert damage.maps.shape == (256, 256, 3) and damage.maps.dtype == np.float32
    assert damage.maps.min() >= 0 and damage.maps.max() <= 1
    assert 0.005 < (damage.weight > 0.5).mean() < 0.4
    left = find_damage(puppet.layers(_turned(-25)), puppet.place(_turned(-25)), puppet.photo)
    middle = [
        float((each.maps[..., 0].sum(axis=0) @ np.arange(256)) / each.maps[..., 0].sum()) for each in (left, damage)
    ]
    assert middle[0] > middle[1] + 20 or middle[0] < middle[1] - 20, "the other side is stretched"


def test_only_damaged_pixels_change(puppet: MovablePhoto, network: RepairNetwork) -> None:
    drawing = puppet.layers(_turned(25))
    before = drawing.image.copy()
    mended = Repairer(network).repair(drawing, drawing.mesh, puppet.photo)
    assert np.array_equal(drawing.image, before), "the drawing itself is left alone"
    assert mended.shape == before.shape and mended.dtype == np.uint8
    changed = (mended != before).any(axis=2)
    damage = find_damage(drawing, drawing.mesh, puppet.photo)
    ys, xs = np.nonzero(changed)
    inside = np.stack([xs, ys], axis=1) @ damage.affine[:, :2].T + damage.affine[:, 2]
    near = np.clip(np.round(inside).astype(int), 1, 254)
    around = np.stack([damage.weight[near[:, 1] + j, near[:, 0] + i] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    assert changed.mean() > 0.002
    assert (around.max(axis=0) > 0).all()


def test_what_is_as_in_the_photo_is_not_touched(puppet: MovablePhoto, network: RepairNetwork) -> None:
    drawing = puppet.layers(still())
    mended = Repairer(network).repair(drawing, drawing.mesh, drawing.image)
    assert np.array_equal(mended, drawing.image)
    mended = Repairer(network).repair(drawing, drawing.mesh, puppet.photo)
    assert (mended != drawing.image).any(axis=2).mean() < 0.02, "the edges of lips and lids, drawn anew"


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_save_and_load_give_the_same_network(network: RepairNetwork, kind: str, tmp_path: Path) -> None:
    saved = RepairNetwork(**{name: network.config[name] for name in ("widths", "blocks")})
    saved.load_state_dict(network.state_dict())
    saved.to(getattr(torch, kind)).save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    loaded = RepairNetwork.from_pretrained(tmp_path, torch_dtype=torch.float32)
    for name, value in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.float()), name
