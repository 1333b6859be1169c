"""Networks with fewer multiplications give the pictures of the plain ones."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from facezoo.methods.cyclegan.model import ResnetGenerator  # noqa: E402
from facezoo.methods.face2face.model import UnetGenerator  # noqa: E402
from facezoo.methods.pix2pixhd.model import LocalEnhancer  # noqa: E402
from facezoo.nn.fast import hasten  # noqa: E402


def lively(network: nn.Module) -> nn.Module:
    """With statistics and weights that a trained network could have, so that mistakes show."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.5)  # pyright: ignore[reportOptionalMemberAccess]
            module.running_var.uniform_(0.5, 2)  # pyright: ignore[reportOptionalMemberAccess]
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
    return network.eval()


NETWORKS = {
    "residual": (lambda: ResnetGenerator(ngf=16, n_blocks=2), (2, 3, 68, 100)),
    "residual, zeros, batch": (lambda: ResnetGenerator(3, 3, 16, 2, "batch", True, "zero"), (1, 3, 64, 92)),
    "residual, no norm": (lambda: ResnetGenerator(ngf=16, n_blocks=1, norm_layer="none", skip=True), (1, 3, 256, 8)),
    "U-Net": (lambda: UnetGenerator(ngf=32), (2, 3, 256, 256)),
    "U-Net, instance": (lambda: UnetGenerator(ngf=16, norm_layer="instance"), (1, 3, 512, 256)),
    "enhancer": (lambda: LocalEnhancer(ngf=16, n_downsample_global=2, n_blocks_global=1), (1, 3, 96, 64)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_pictures_are_the_same(name: str) -> None:
    make, shape = NETWORKS[name]
    plain = lively(make())
    before = {key: value.clone() for key, value in plain.state_dict().items()}
    quick = hasten(plain)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        ours, theirs = quick(x), plain(x)
    assert ours.shape == theirs.shape and ours.dtype == torch.float32
    assert theirs.std() > 0.05
    assert (ours - theirs).abs().max() <= 1e-3 * max(1.0, float(theirs.abs().max()))
    assert all(torch.equal(value, plain.state_dict()[key]) for key, value in before.items()), "only a copy is changed"
    assert str(quick) != str(plain), "something was replaced"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(64, 64, 3, groups=2, padding=1),
        nn.Conv2d(64, 64, 3, dilation=2, padding=2),
        nn.Conv2d(64, 64, 3, padding="same"),
        nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(64, 64, (3, 5)),
        nn.Conv2d(64, 64, 3, stride=2),
        nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1, output_padding=1),
        nn.InstanceNorm2d(64, affine=True),
        nn.InstanceNorm2d(64, track_running_stats=True),
    ],
)
def test_what_is_not_known_is_left_alone(layer: nn.Module) -> None:
    x = torch.rand(1, 64, 40, 40)
    with torch.inference_mode():
        assert (hasten(nn.Sequential(layer))(x) - layer.eval()(x)).abs().max() < 1e-4


@pytest.mark.parametrize("side", [(7, 7), (8, 9), (15, 16), (33, 40)])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_any_size(side: tuple[int, int], padding: int) -> None:
    torch.manual_seed(0)
    for layer in (nn.Conv2d(64, 64, 3, padding=min(padding, 1)), nn.Conv2d(64, 3, 7, padding=padding)):
        x = torch.rand(3, 64, *side)
        with torch.inference_mode():
            ours, theirs = hasten(nn.Sequential(layer))(x), layer(x)
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() < 1e-4
