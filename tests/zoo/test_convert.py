"""Checkpoints of the original authors: every fixture matched, real-size key lists accepted, every fault named."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from facezoo.errors import FacezooError, TooLarge, Unreadable, UnsupportedFormat, UsageError
from facezoo.nn.fast import hasten
from facezoo.zoo.convert import architectures, convert, load_original

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file  # noqa: E402

from facezoo.methods.cyclegan.model import ResnetGenerator  # noqa: E402
from facezoo.methods.pix2pixhd.model import MultiscaleDiscriminator  # noqa: E402
from facezoo.methods.talking_head.model import Embedder  # noqa: E402

FIXTURES = {
    "cyclegan_resnet_in": "cyclegan.resnet",
    "cyclegan_resnet_bn_dropout": "cyclegan.resnet",
    "pix2pix_unet128_bn": "pix2pix.unet",
    "patchgan_n3_in": "pix2pix.patch_discriminator",
    "patchgan_n3_bn": "pix2pix.patch_discriminator",
    "pix2pixhd_global": "pix2pixhd.global",
    "pix2pixhd_local": "pix2pixhd.local",
    "pix2pixhd_multiscale_d": "pix2pixhd.multiscale_discriminator",
    "talkinghead_embedder": "talking_head.embedder",
    "talkinghead_generator": "talking_head.generator",
    "talkinghead_discriminator": "talking_head.discriminator",
}
KEY_LISTS = {
    "cyclegan_resnet9_ngf64_full": "cyclegan.resnet",
    "patchgan70_ndf64_cin3_full": "pix2pix.patch_discriminator",
    "pix2pix_unet256_ngf64_full": "pix2pix.unet",
    "pix2pixhd_global_ngf64_full": "pix2pixhd.global",
    "pix2pixhd_local_ngf32_full": "pix2pixhd.local",
}
NOISE = 1e-5  # of float32, in an output of about 1


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    folder = shared / "fixtures"
    if not folder.is_dir():
        pytest.skip("no outputs of the original networks: FACEZOO_SHARED has no fixtures/")
    return folder


@pytest.fixture
def generator() -> Any:
    torch.manual_seed(0)
    return ResnetGenerator(ngf=4, n_blocks=2).eval()


def _uniform(key: str, seed: int, count: int) -> np.ndarray:
    """`weights_formula` of the fixtures: (count,) float32 in [-1, 1)."""
    base = np.uint64(int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8], "little"))
    z = base + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)


def _weights(folder: Path, meta: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a fixture: those stored, and those that a formula gives."""
    weights = load_file(folder / "weights.safetensors")
    for key, (shape, _) in meta["state_dict"].items():
        if key in weights:
            continue
        scale, offset = 0.5, 0.0
        if key.endswith(".bias"):
            scale = 0.1
        elif key.endswith((".weight_orig", ".weight")) and len(shape) > 2:
            scale = float(np.sqrt(3 / np.prod(shape[1:])))
        elif key.endswith(".weight"):
            scale, offset = 0.2, 1.0
        elif key.endswith("gamma"):
            scale, offset = 0.0, 0.7
        elif key == "p":
            scale = float(np.sqrt(3 / 512) * 0.7)
        values = _uniform(key, meta["seed"], int(np.prod(shape))) * np.float32(scale) + np.float32(offset)
        weights[key] = torch.from_numpy(values).reshape(shape)
    return weights


def _flat(output: Any, name: str = "output") -> Iterator[tuple[str, Any]]:
    if isinstance(output, torch.Tensor):
        yield name, output
    else:
        for index, each in enumerate(output):
            yield from _flat(each, f"{name}.{index}")


def _every(value: Any, slices: str) -> Any:
    """Apply the slices that a fixture writes down, "v[:, ::4][..., ::8, ::8]"."""
    for part in slices.removeprefix("v[").removesuffix("]").split("]["):
        index = tuple(
            Ellipsis if each.strip() == "..." else slice(None, None, int(each.rpartition(":")[2] or 1))
            for each in part.split(",")
        )
        value = value[index]
    return value


@pytest.mark.parametrize("given", ["arguments", "inferred"])
@pytest.mark.parametrize("name", FIXTURES)
def test_outputs_are_the_originals(name: str, given: str, fixtures: Path, record_property: Any) -> None:
    folder = fixtures / name
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    arguments = meta["constructor"] if given == "arguments" else {}
    network = load_original(FIXTURES[name], _weights(folder, meta), **arguments)
    tensors = load_file(folder / "io.safetensors")
    assert not network.training
    with torch.inference_mode():
        output = dict(_flat(network(*(tensors[f"input.{each}"].float() for each in meta["inputs"]))))
    assert set(output) == {each for each in tensors if each.startswith("output")}
    differences: dict[str, float] = {}
    for each, value in output.items():
        saved = meta.get("subsampled_outputs", {}).get(each, {}).get("saved", "")
        kept = _every(value, saved) if saved else value
        assert kept.shape == tensors[each].shape, each
        differences[each] = float((kept - tensors[each]).abs().max())
    largest = max(differences.values())
    record_property("largest_difference", largest)
    print(f"{name}: largest difference {largest:.1e}")
    assert largest <= meta["suggested_tolerance_max_abs"]
    assert largest < NOISE


@pytest.mark.parametrize("name", ["cyclegan_resnet_in", "cyclegan_resnet_bn_dropout", "pix2pix_unet128_bn",
                                  "pix2pixhd_global", "pix2pixhd_local"])  # fmt: skip
def test_outputs_of_the_quick_copy_are_the_originals(name: str, fixtures: Path) -> None:
    folder = fixtures / name
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    network = hasten(load_original(FIXTURES[name], _weights(folder, meta), **meta["constructor"]))
    tensors = load_file(folder / "io.safetensors")
    with torch.inference_mode():
        (output,) = dict(_flat(network(*(tensors[f"input.{each}"].float() for each in meta["inputs"])))).items()
    saved = meta.get("subsampled_outputs", {}).get(output[0], {}).get("saved", "")
    kept = _every(output[1], saved) if saved else output[1]
    assert (kept - tensors[output[0]]).abs().max() <= 1e-3


@pytest.mark.parametrize("name", KEY_LISTS)
def test_real_size_key_lists_are_accepted(name: str, fixtures: Path) -> None:
    listed = json.loads((fixtures / "_keylists" / f"{name}.json").read_text(encoding="utf-8"))
    kinds = {"float32": torch.float32, "int64": torch.int64}
    weights = {
        key: torch.empty(shape, dtype=kinds[kind], device="meta") for key, (shape, kind) in listed["state_dict"].items()
    }
    network: Any = load_original(KEY_LISTS[name], weights)
    assert list(network.state_dict()) == list(weights)
    assert sum(each.numel() for each in network.parameters()) == listed["parameters"]
    expected = {key: value for key, value in listed["constructor"].items() if key not in ("norm", "use_dropout")}
    assert expected.items() <= dict(network.config).items()


def test_stale_statistics_of_instance_normalisation_are_dropped(generator: Any) -> None:
    """Files of 2017 and 2018 have them."""
    old = dict(generator.state_dict())
    for name, channels in (("model.2", 4), ("model.10.conv_block.2", 16), ("model.10.conv_block.6", 16)):
        old |= {f"{name}.running_mean": torch.ones(channels), f"{name}.running_var": torch.ones(channels)}
        old[f"{name}.num_batches_tracked"] = torch.tensor(7)
    loaded = load_original("cyclegan.resnet", old, norm_layer="instance")
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(x), generator(x))


def test_batch_normalisation_that_has_not_counted() -> None:
    torch.manual_seed(0)
    network = ResnetGenerator(ngf=4, n_blocks=1, norm_layer="batch").eval()
    old = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    loaded = load_original("cyclegan.resnet", old)
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(x), network(x))
    assert all(not each.is_meta for each in loaded.state_dict().values())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("wrapper", [(), ("state_dict",), ("netG",), ("generator", "state_dict")])
def test_wrappers_are_taken_off(generator: Any, prefix: str, wrapper: tuple[str, ...]) -> None:
    content: Any = {f"{prefix}{name}": value for name, value in generator.state_dict().items()}
    for name in reversed(wrapper):
        content = {"epoch": 200, name: content}
    loaded = load_original("cyclegan.resnet", content)
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(x), generator(x))


def test_weights_are_copies_in_full_precision(generator: Any) -> None:
    half = {name: value.half() for name, value in generator.state_dict().items()}
    loaded = load_original("cyclegan.resnet", half)
    assert {each.dtype for each in loaded.parameters()} == {torch.float32}
    given = generator.state_dict()
    before = given["model.1.weight"].clone()
    loaded = load_original("cyclegan.resnet", given)
    with torch.no_grad():
        next(iter(loaded.parameters())).zero_()
    assert torch.equal(given["model.1.weight"], before)
    assert all(each.requires_grad for each in loaded.parameters())


def test_spectral_norm_is_folded_in() -> None:
    torch.manual_seed(0)
    embedder = Embedder(channels=8).eval()
    expected = Embedder(channels=8).eval()
    expected.load_state_dict(embedder.state_dict())
    original = torch.nn.utils.spectral_norm
    for part in list(embedder.modules()):
        if isinstance(part, torch.nn.Conv2d):
            original(part)
    embedder.eval()
    weights = embedder.state_dict()
    assert any(name.endswith(".weight_u") for name in weights)
    loaded = load_original("talking_head.embedder", weights)
    x, y = torch.rand(2, 1, 3, 224, 224)
    with torch.inference_mode():
        assert (loaded(x, y) - embedder(x, y)).abs().max() < NOISE
        assert (loaded(x, y) - expected(x, y)).abs().max() > NOISE


@pytest.mark.parametrize("intermediate", [True, False])
def test_multiscale_discriminators_of_both_layouts(intermediate: bool) -> None:
    torch.manual_seed(0)
    network = MultiscaleDiscriminator(input_nc=4, ndf=4, n_layers=2, num_D=3, getIntermFeat=intermediate).eval()
    loaded = load_original("pix2pixhd.multiscale_discriminator", network.state_dict())
    x = torch.rand(1, 4, 48, 48)
    ours, theirs = dict(_flat(loaded(x))), dict(_flat(network(x)))
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("architecture", "arguments", "expected"),
    [
        ("cyclegan", {}, "no architecture 'cyclegan'"),
        ("cyclegan.resnet", {"blocks": 9}, "no argument 'blocks'"),
        ("cyclegan.resnet", {"norm_layer": "layer"}, "norm_layer='layer' is not possible"),
        ("cyclegan.resnet", {"padding_type": "circular"}, "padding_type='circular' is not possible"),
        ("cyclegan.resnet", {"ngf": "many"}, "ngf=many"),
    ],
)
def test_wrong_arguments(generator: Any, architecture: str, arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as caught:
        load_original(architecture, generator.state_dict(), **arguments)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"model.26.weight": 2}, "not of this network: model.26.weight"),
        ({"model.4.weight": None}, "missing: model.4.weight"),
        ({"model.4.weight": 2}, r"model.4.weight is \(1, 2\), not \(8, 4, 3, 3\)"),
        ({"model.1.weight": None}, "it has no model.1.weight"),
        ({"model.1.weight": 1}, "not cyclegan.resnet"),
        ({"epoch": "x"}, "not the state dict of one network: epoch"),
    ],
)
def test_what_does_not_fit_is_named(generator: Any, change: dict[str, Any], expected: str) -> None:
    weights: dict[str, Any] = dict(generator.state_dict())
    for name, value in change.items():
        if value is None:
            del weights[name]
        else:
            weights[name] = torch.zeros(*range(1, value + 1)) if isinstance(value, int) else value
    with pytest.raises(Unreadable, match=expected) as caught:
        load_original("cyclegan.resnet", weights)
    assert caught.value.advice


@pytest.mark.parametrize("architecture", architectures())
def test_other_networks_are_refused(architecture: str, generator: Any) -> None:
    """pix2pixHD's global generator is CycleGAN's, with more halvings."""
    if architecture in ("cyclegan.resnet", "pix2pixhd.global"):
        assert load_original(architecture, generator.state_dict())
        return
    for weights in (generator.state_dict(), {"weight": torch.zeros(3)}, {}):
        with pytest.raises(Unreadable):
            load_original(architecture, weights)


def test_a_wrong_number_of_blocks_is_said(generator: Any) -> None:
    with pytest.raises(Unreadable, match=r"missing: model\.12\.conv_block") as caught:
        load_original("cyclegan.resnet", generator.state_dict(), n_blocks=9)
    assert "n_blocks=9" in caught.value.advice


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_convert_writes_what_from_pretrained_reads(generator: Any, ending: str, tmp_path: Path) -> None:
    source = tmp_path / f"latest_net_G{ending}"
    if ending == ".pth":
        torch.save(generator.state_dict(), source)
    else:
        save_file(generator.state_dict(), source)
    folder = tmp_path / "made" / "generator"
    done = convert("cyclegan.resnet", source, folder)
    assert {path.name for path in folder.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
    assert [path.name for path in folder.parent.iterdir()] == ["generator"]
    assert done.folder == folder and done.architecture == "cyclegan.resnet"
    assert done.parameters == sum(each.numel() for each in generator.parameters())
    assert done.arguments == {name: generator.config[name] for name in done.arguments}
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(ResnetGenerator.from_pretrained(folder).eval()(x), generator(x))
    with pytest.raises(UsageError, match="not an empty folder"):
        convert("cyclegan.resnet", source, folder)


@pytest.mark.parametrize("wrap", [False, True])
def test_convert_takes_arguments_from_a_file(generator: Any, wrap: bool, tmp_path: Path) -> None:
    save_file(generator.state_dict(), tmp_path / "g.safetensors")
    arguments = {"padding_type": "replicate", "_class_name": "ResnetGenerator"}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"constructor": arguments} if wrap else arguments), encoding="utf-8")
    (tmp_path / "out").mkdir()
    done = convert("cyclegan.resnet", tmp_path / "g.safetensors", tmp_path / "out", config)
    assert done.arguments["padding_type"] == "replicate"


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("missing.pth", Unreadable),
        ("cut.pth", Unreadable),
        ("cut.safetensors", Unreadable),
        ("noise.pth", Unreadable),
        ("empty.pth", Unreadable),
        ("code.pth", Unreadable),
        ("list.pth", Unreadable),
        ("weights.onnx", UnsupportedFormat),
        ("other.safetensors", Unreadable),
    ],
)
def test_faulty_files_leave_nothing_behind(
    generator: Any, fault: str, kind: type[FacezooError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / fault
    if fault.startswith("cut"):
        whole = tmp_path / f"whole{source.suffix}"
        (torch.save if source.suffix == ".pth" else save_file)(generator.state_dict(), whole)
        source.write_bytes(whole.read_bytes()[:-2000])
    elif fault == "code.pth":
        torch.save({"model.1.weight": _Code()}, source)
    elif fault == "list.pth":
        torch.save([1, 2], source)
    elif fault == "other.safetensors":
        save_file({"conv.weight": torch.zeros(2)}, source)
    elif fault != "missing.pth":
        source.write_bytes(b"" if fault == "empty.pth" else bytes(range(256)) * 8)
    with pytest.raises(kind) as caught:
        convert("cyclegan.resnet", source, tmp_path / "out")
    assert caught.value.advice
    assert not (tmp_path / "ran").exists(), "code of the checkpoint ran"
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("text", ["", "[1]", '{"constructor": 3}', "{"])
def test_faulty_configs(generator: Any, text: str, tmp_path: Path) -> None:
    save_file(generator.state_dict(), tmp_path / "g.safetensors")
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(Unreadable, match="config"):
        convert("cyclegan.resnet", tmp_path / "g.safetensors", tmp_path / "out", tmp_path / "config.json")
    assert not (tmp_path / "out").exists()


def _stride_zero(path: Path) -> None:
    """1.3 kB that say 10 GB: one number, a million times there."""
    torch.save({"model.1.weight": torch.zeros(1).expand(50_000, 50_000), "model.4.weight": torch.zeros(1)}, path)


def _shared_storage(path: Path) -> None:
    """A thousand tensors that are the same 4 MB."""
    all_of_them = torch.zeros(1_000_000)
    torch.save({f"model.{index}.weight": all_of_them[:] for index in range(1000)}, path)


def _deflated(path: Path) -> None:
    """A few MB that unpack to 1 GB."""
    torch.save({"model.1.weight": torch.zeros(1)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
                for _ in range(256 if "/data/" in name else 0):
                    member.write(bytes(4 * 1024**2))


def _long_header(path: Path) -> None:
    """95 MB of names, and no data."""
    header = json.dumps({"__metadata__": {"x" * 64: "y" * 95_000_000}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)


def _legacy(path: Path) -> None:
    """The form of before 2020: a storage is made as large as the pickle says, before any of it is read."""
    torch.save({"model.1.weight": torch.zeros(1)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    assert data.count(b"cpuq\x06K\x01N") == 1
    path.write_bytes(data.replace(b"cpuq\x06K\x01N", b"cpuq\x06J" + (2**31 - 1).to_bytes(4, "little") + b"N"))


@pytest.mark.parametrize(
    ("bomb", "suffix"),
    [
        (_stride_zero, ".pth"),
        (_shared_storage, ".pth"),
        (_deflated, ".pt"),
        (_long_header, ".safetensors"),
        (_legacy, ".pth"),
    ],
)
def test_bombs_are_refused(bomb: Callable[[Path], None], suffix: str, tmp_path: Path) -> None:
    """Quickly, in words, and in little memory: that of this process and of those that it starts."""
    bomb(tmp_path / f"bomb{suffix}")
    start, peak, done = time.monotonic(), 0, threading.Event()

    others = set(psutil.Process().children())  # a hub that other tests look at may be among them

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            with contextlib.suppress(psutil.NoSuchProcess):
                peak = max(peak, sum(each.memory_info().rss for each in {*psutil.Process().children()} - others))

    before = psutil.Process().memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with pytest.raises((Unreadable, TooLarge)) as caught:
            convert("cyclegan.resnet", tmp_path / f"bomb{suffix}", tmp_path / "out")
    finally:
        done.set()
        watcher.join()
    grown = psutil.Process().memory_info().rss - before
    print(f"{bomb.__name__}: {time.monotonic() - start:.1f} s, {peak / 1e6:.0f} MB: {caught.value.message}")
    assert caught.value.advice and caught.value.message != "This file is damaged."
    assert peak < 1.2e9 and grown < 1e8
    assert [path.name for path in tmp_path.iterdir()] == [f"bomb{suffix}"]


def test_a_conversion_that_takes_too_long_is_ended(
    generator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(generator.state_dict(), tmp_path / "g.safetensors")
    monkeypatch.setattr("facezoo.zoo.convert._SECONDS", 0)
    with pytest.raises(TooLarge, match="too long"):
        convert("cyclegan.resnet", tmp_path / "g.safetensors", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["g.safetensors"]


@pytest.mark.parametrize("kind", ["stride", "shared", "sparse"])
def test_tensors_that_claim_more_than_they_hold(generator: Any, kind: str) -> None:
    weights = dict(generator.state_dict())
    if kind == "stride":
        weights["model.4.weight"] = torch.zeros(1, 1, 1, 1).expand(8, 4, 3, 3)
    elif kind == "shared":
        weights["model.10.conv_block.5.weight"] = weights["model.10.conv_block.1.weight"]
    else:
        weights["model.4.weight"] = weights["model.4.weight"].to_sparse()
    with pytest.raises(Unreadable, match=r"overlap|sparse"):
        load_original("cyclegan.resnet", weights)


def test_importing_is_free() -> None:
    code = "import facezoo.zoo.convert as c, sys; c.architectures(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
