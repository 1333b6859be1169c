"""The networks of the papers: sizes as counted in the originals, shapes, golden outputs, saved as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facezoo.errors import UsageError

torch = pytest.importorskip("torch")

from facezoo.methods.cyclegan.model import PatchDiscriminator, ResnetGenerator  # noqa: E402
from facezoo.methods.face2face.model import UnetGenerator  # noqa: E402
from facezoo.methods.pix2pixhd.model import GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator  # noqa: E402
from facezoo.methods.talking_head.model import (  # noqa: E402
    AdaptiveResidual,
    AdaptiveUp,
    Discriminator,
    Embedder,
    Generator,
    Residual,
    ResidualDown,
    SelfAttention,
)

SIZES = [
    (ResnetGenerator, {}, 11_378_179),
    (ResnetGenerator, {"n_blocks": 6}, 7_837_699),
    (PatchDiscriminator, {}, 2_764_737),
    (PatchDiscriminator, {"input_nc": 6, "norm_layer": "batch"}, 2_768_705),
    (UnetGenerator, {}, 54_413_955),
    (UnetGenerator, {"num_downs": 7}, 41_828_995),
    (GlobalGenerator, {}, 182_443_267),
    (LocalEnhancer, {}, 182_701_827),
    (MultiscaleDiscriminator, {}, 5_535_618),
    (MultiscaleDiscriminator, {"input_nc": 39}, 5_603_202),
    (Embedder, {}, 14_907_265),
    (Generator, {}, 38_160_037),
]
PICTURE, TWO = [(3, 64, 64)], [(3, 64, 64), (3, 64, 64)]
# network, arguments, inputs, mean and deviation of all outputs with weights of `_set`
GOLDEN: list[tuple[Any, dict[str, Any], list[tuple[int, ...]], float, float]] = [
    (ResnetGenerator, {"ngf": 8, "n_blocks": 2}, PICTURE, 0.07899, 0.40592),
    (
        ResnetGenerator,
        {"ngf": 8, "n_blocks": 2, "padding_type": "zero", "use_dropout": True},
        PICTURE,
        0.07901,
        0.40025,
    ),
    (
        ResnetGenerator,
        {"ngf": 8, "n_blocks": 2, "padding_type": "replicate", "norm_layer": "none"},
        PICTURE,
        0.01612,
        0.26767,
    ),
    (PatchDiscriminator, {"ndf": 8}, PICTURE, -0.05599, 1.67826),
    (PatchDiscriminator, {"ndf": 8, "n_layers": 5, "norm_layer": "batch"}, [(3, 128, 128)], 0.27392, 0.09398),
    (UnetGenerator, {"ngf": 4, "num_downs": 6}, PICTURE, 0.05540, 0.27773),
    (UnetGenerator, {"ngf": 4, "num_downs": 5, "norm_layer": "instance"}, PICTURE, 0.08681, 0.23569),
    (GlobalGenerator, {"ngf": 4, "n_downsampling": 3, "n_blocks": 2}, PICTURE, 0.03298, 0.42961),
    (
        LocalEnhancer,
        {"ngf": 4, "n_downsample_global": 2, "n_blocks_global": 2, "n_local_enhancers": 2},
        PICTURE,
        0.09958,
        0.34227,
    ),
    (MultiscaleDiscriminator, {"input_nc": 3, "ndf": 8}, PICTURE, 0.22975, 0.54164),
    (
        MultiscaleDiscriminator,
        {"input_nc": 3, "ndf": 8, "num_D": 3, "getIntermFeat": False},
        PICTURE,
        -0.15609,
        1.03900,
    ),
    (Embedder, {"channels": 8}, TWO, 0.14271, 0.21334),
    (Generator, {"channels": 16, "in_height": 64}, [(3, 64, 64), (128, 1)], 0.54141, 0.09659),
    (Discriminator, {"channels": 8}, TWO, 0.00357, 0.56667),
    (Discriminator, {"channels": 8, "finetuning": True}, TWO, 0.00365, 0.56675),
]


def _name(case: Any) -> str:
    return case.__name__ if isinstance(case, type) else ""


def _set(network: Any) -> Any:
    """Weights that are the same everywhere: a wave of its own for each tensor."""
    for number, (name, value) in enumerate(network.state_dict().items(), start=1):
        if not value.is_floating_point():
            continue
        wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * (0.7 + 0.1 * (number % 13)) + number)
        fan_in = max(1, value[0].numel()) if value.dim() > 1 else 16
        one = name.endswith("running_var") or (value.dim() == 1 and name.endswith("weight"))
        scaled = wave.view(value.shape) * (2 / fan_in) ** 0.5
        value.copy_((1 + scaled).abs() if one else scaled)
    return network.eval()


def _inputs(shapes: list[tuple[int, ...]]) -> list[Any]:
    waves = (
        torch.sin(torch.arange(torch.Size(s).numel(), dtype=torch.float64) * (0.37 + 0.2 * n))
        for n, s in enumerate(shapes)
    )
    return [wave.float().view(1, *shape) for wave, shape in zip(waves, shapes, strict=True)]


def _outputs(output: Any) -> list[Any]:
    if isinstance(output, torch.Tensor):
        return [output]
    return [each for part in output for each in _outputs(part)]


@pytest.mark.parametrize(("kind", "arguments", "parameters"), SIZES, ids=_name)
def test_sizes_are_the_papers(kind: Any, arguments: dict[str, Any], parameters: int) -> None:
    with torch.device("meta"):
        network = kind(**arguments)
    assert sum(each.numel() for each in network.parameters()) == parameters


@pytest.mark.parametrize(("kind", "arguments", "inputs", "mean", "deviation"), GOLDEN, ids=_name)
def test_outputs_stay_as_they_were(
    kind: Any, arguments: dict[str, Any], inputs: list[tuple[int, ...]], mean: float, deviation: float
) -> None:
    network = _set(kind(**arguments))
    with torch.inference_mode():
        values = torch.cat([each.double().flatten() for each in _outputs(network(*_inputs(inputs)))])
    assert float(values.mean()) == pytest.approx(mean, abs=2e-5)
    assert float(values.std()) == pytest.approx(deviation, abs=2e-5)


@pytest.mark.parametrize(("kind", "arguments", "inputs", "mean", "deviation"), GOLDEN, ids=_name)
def test_saved_and_inferred_from_its_shapes(
    kind: Any, arguments: dict[str, Any], inputs: list[tuple[int, ...]], mean: float, deviation: float, tmp_path: Path
) -> None:
    network = _set(kind(**arguments))
    network.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path).eval()
    given = _inputs(inputs)
    with torch.inference_mode():
        for ours, theirs in zip(_outputs(loaded(*given)), _outputs(network(*given)), strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=1e-4)  # their place in memory matters a little
    inferred = kind.infer_arguments({name: tuple(each.shape) for name, each in network.state_dict().items()})
    silent = {"in_height", "inside", "finetuning", "use_sigmoid", "colors"} | (
        {"use_dropout"} if kind is UnetGenerator else set()
    )
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    expected = {name: value for name, value in config.items() if not name.startswith("_") and name not in silent}
    if expected.get("padding_type") == "replicate":
        expected["padding_type"] = "reflect"
    assert {name: value for name, value in inferred.items() if name not in silent} == expected


@pytest.mark.parametrize(("kind", "side", "out"), [(ResnetGenerator, 72, 72), (UnetGenerator, 256, 256)], ids=_name)
def test_pictures_keep_their_size(kind: Any, side: int, out: int) -> None:
    network = kind(ngf=4).eval()
    with torch.inference_mode():
        picture = network(torch.rand(2, 3, side, side) * 2 - 1)
    assert picture.shape == (2, 3, out, out)
    assert picture.abs().max() <= 1


def test_a_patch_is_70_pixels_wide() -> None:
    """One verdict depends on 70 x 70 pixels and on no other."""
    network = PatchDiscriminator(ndf=2, norm_layer="none").eval()
    picture = torch.rand(1, 3, 128, 128, requires_grad=True)
    network(picture)[0, 0, 7, 7].backward()
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_dropout_is_noise_only_in_train_mode() -> None:
    network = UnetGenerator(ngf=4, num_downs=7)
    picture = torch.rand(2, 3, 128, 128)
    network.train()
    assert not torch.equal(network(picture), network(picture))
    network.eval()
    assert torch.equal(network(picture), network(picture))


def test_the_skip_carries_the_rectified_map_and_the_input_is_left_alone() -> None:
    level = UnetGenerator(ngf=4, num_downs=5).eval().model.model[1]
    x = torch.randn(1, 4, 32, 32)
    before = x.clone()
    out = level(x)
    assert torch.equal(out[:, :4], torch.nn.functional.leaky_relu(before, 0.2))
    assert torch.equal(x, before)


def test_the_first_scale_judges_the_largest_picture() -> None:
    network = MultiscaleDiscriminator(input_nc=3, ndf=4, num_D=3).eval()
    sides = [maps[0].shape[-1] for maps in network(torch.rand(1, 3, 64, 64))]
    assert sides == [33, 17, 9]
    gradients = torch.autograd.grad(
        network(torch.rand(1, 3, 64, 64))[0][-1].sum(), network.parameters(), allow_unused=True
    )
    names = {
        name.split("_")[0]
        for (name, _), each in zip(network.named_parameters(), gradients, strict=True)
        if each is not None
    }
    assert names == {"scale2"}


@pytest.mark.parametrize("side", [128, 224, 256])
def test_a_talking_head_of_any_side(side: int) -> None:
    embedder, generator = Embedder(side, channels=8).eval(), Generator(side, channels=16).eval()
    judge = Discriminator(in_height=side, W_i_columns=5, channels=8).eval()
    x, y = torch.rand(2, 2, 3, side, side)
    with torch.inference_mode():
        assert embedder(x, y).shape == (2, 64, 1)
        assert generator(y, torch.randn(2, 128, 1)).shape == (2, 3, side, side)
        score, maps = judge(x, y, torch.tensor([4, 0]))
    assert score.shape == (2, 1, 1) and [each.shape[-1] for each in maps] == [128, 64, 32, 16, 8, 4, 4]


def test_fine_tuning_starts_from_where_it_was() -> None:
    """psi = P e gives the same picture without e."""
    network = Generator(64, channels=16).eval()
    tuned = Generator(64, finetuning=True, channels=16).eval()
    tuned.load_state_dict(network.state_dict())
    y, e = torch.rand(1, 3, 64, 64), torch.randn(1, 128, 1)
    with torch.inference_mode():
        tuned.psi.copy_((network.p @ e)[0])
        assert (tuned(y) - network(y, e)).abs().max() < 1e-5


@pytest.mark.parametrize("in_height", [0, 255, 512])
def test_impossible_sides_are_refused(in_height: int) -> None:
    with pytest.raises(UsageError, match=f"in_height={in_height}"):
        Embedder(in_height)


BLOCKS = {
    "resdown": lambda: (ResidualDown(6, 8), ()),
    "resdown9": lambda: (ResidualDown(3, 8, 9), ()),
    "resd": lambda: (Residual(8), ()),
    "res": lambda: (AdaptiveResidual(8), ()),
    "resup": lambda: (AdaptiveUp(8, 4), (32,)),
    "selfattention": lambda: (SelfAttention(16), ()),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_of_the_talking_head(name: str, shared: Path) -> None:
    folder = shared / "fixtures" / f"talkinghead_block_{name}"
    if not folder.is_dir():
        pytest.skip("no outputs of the original blocks: FACEZOO_SHARED has no fixtures/")
    from safetensors.torch import load_file

    from facezoo.zoo.convert import fold_spectral_norm

    block, more = BLOCKS[name]()
    block.load_state_dict(fold_spectral_norm(load_file(folder / "weights.safetensors")))
    tensors = {key: value.float() for key, value in load_file(folder / "io.safetensors").items()}
    given = [tensors[f"input.{each}"] for each in ("x", "psi_slice") if f"input.{each}" in tensors]
    with torch.inference_mode():
        assert (block(*given, *more) - tensors["output"]).abs().max() < 1e-5
