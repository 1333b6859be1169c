"""Checkpoints of the original authors, read into facezoo's own networks.

`load_original` takes a state dict and gives the network; `convert` takes a file and writes a folder that
`from_pretrained` reads. The networks keep the originals' key names and constructor arguments, so nothing is renamed:
wrappers are taken off, leftovers dropped, spectral norm folded in, and every key and shape compared.
To add an architecture, give its network an `infer_arguments` and add a line to _ARCHITECTURES.
torch is imported on first use.
"""

from __future__ import annotations

import importlib
import inspect
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from facezoo.errors import TooLarge, Unreadable, UnsupportedFormat, UsageError
from facezoo.media import _sandbox

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Conversion", "architectures", "convert", "fold_spectral_norm", "load_original"]


@dataclass(frozen=True)
class _Architecture:
    """network: "module:Class", imported on first use, for the zoo lies below the methods. inside: the names under which
    checkpoints of several networks hold this one. unused: the original's arguments that describe no network."""

    network: str
    inside: tuple[str, ...]
    unused: tuple[str, ...] = ()


_GENERATOR = ("netG", "generator", "G")
_DISCRIMINATOR = ("netD", "discriminator", "D")
_ARCHITECTURES = {
    "cyclegan.resnet": _Architecture("facezoo.methods.cyclegan.model:ResnetGenerator", _GENERATOR),
    "pix2pix.unet": _Architecture("facezoo.methods.face2face.model:UnetGenerator", _GENERATOR),
    "pix2pix.patch_discriminator": _Architecture("facezoo.nn.patch:PatchDiscriminator", _DISCRIMINATOR),
    "pix2pixhd.global": _Architecture("facezoo.methods.pix2pixhd.model:GlobalGenerator", _GENERATOR),
    "pix2pixhd.local": _Architecture("facezoo.methods.pix2pixhd.model:LocalEnhancer", _GENERATOR),
    "pix2pixhd.multiscale_discriminator": _Architecture(
        "facezoo.methods.pix2pixhd.model:MultiscaleDiscriminator", _DISCRIMINATOR
    ),
    "talking_head.embedder": _Architecture("facezoo.methods.talking_head.model:Embedder", ("E_state_dict",)),
    "talking_head.generator": _Architecture(
        "facezoo.methods.talking_head.model:Generator", ("G_state_dict",), unused=("e_finetuning",)
    ),
    "talking_head.discriminator": _Architecture(
        "facezoo.methods.talking_head.model:Discriminator",
        ("D_state_dict",),
        unused=("num_videos", "path_to_Wi", "e_finetuning"),
    ),
}
_WRAPPERS = ("state_dict", "model_state_dict", "params", "network", "model")
_PREFIXES = ("module.", "_orig_mod.")  # of torch's DataParallel and torch.compile
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_SAFE = ".safetensors"
_PICKLES = (".pth", ".pt", ".tar", ".ckpt", ".bin")
_STARTS = (b"PK", b"\x80")  # of a zip, and of a pickle as files had them until 2020
_DEEPEST = 3  # wrappers in each other
_CONFIG = 16_384  # characters
_HEADER = 2 * 1024**2  # bytes: names and shapes of more tensors than any network has
_UNPACKED = 2  # times the file's size
_MEMORY, _COPIES = 512 * 1024**2, 8  # bytes: at least, and for each of the file; half precision becomes full, twice
_SECONDS, _BYTES_A_SECOND = 60, 5_000_000  # of processor time: at least, and for each second more
_SHOWN = 4  # names in a message, of each kind


@dataclass(frozen=True)
class Conversion:
    """What `convert` did. arguments: of the network's constructor, given or inferred. parameters: how many."""

    architecture: str
    folder: Path
    arguments: dict[str, Any]
    parameters: int


def architectures() -> list[str]:
    """The names that `load_original` and `convert` take."""
    return list(_ARCHITECTURES)


def load_original(architecture: str, state_dict: Mapping[str, Tensor], **arguments: Any) -> torch.nn.Module:
    """The network with an original checkpoint's weights, float32, in eval mode; its forward takes the original's inputs
    in the original's order.

    state_dict: tensors by their original names, or such a dict inside a wrapper. arguments: as the original's
    constructor names them; those not given are inferred from the shapes, or are the network's defaults.
    Raises UsageError (architecture or argument unknown), Unreadable (says which tensors do not fit)."""
    import torch

    kind = _network(architecture)
    tensors = fold_spectral_norm(_unwrap(architecture, state_dict))
    arguments = _choose(architecture, kind, tensors, arguments)
    try:
        with torch.device("meta"):  # shapes alone: no weights are drawn that are replaced at once
            network = kind(**arguments)
        wanted = network.state_dict()
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as problem:
        raise UsageError(f"No {architecture} can be made of {_say(arguments)}.", str(problem)) from problem
    _compare(architecture, arguments, wanted, tensors)
    weights = {name: value.detach().to(wanted[name].dtype, copy=True) for name, value in tensors.items()}
    network.load_state_dict(weights, assign=True)
    return cast("torch.nn.Module", network.eval())


def convert(architecture: str, source: Path, destination: Path, config: Path | None = None) -> Conversion:
    """Read an original checkpoint, .pth or .safetensors, and write it as `<network>.save_pretrained` does.

    destination: a folder that does not exist yet, or is empty; nothing is written unless everything fits. config: a
    JSON file of the original constructor's arguments (or with them under "constructor") that the shapes do not tell.
    The files are read in a confined process: what they hold can take neither this one's memory nor its time.
    Raises UsageError, UnsupportedFormat, Unreadable, TooLarge."""
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise UsageError(f"{destination} exists and is not an empty folder.", "Name a new folder.")
    size, given = _check_file(source), json.dumps(_read_config(config) if config else {})
    imports = ["torch", "safetensors.torch", _architecture(architecture).network.partition(":")[0]]
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".facezoo-", dir=destination.parent) as temporary:
        made = Path(temporary) / destination.name
        words = (architecture, str(source.absolute()), str(made.absolute()), given)
        memory, seconds = _MEMORY + _COPIES * size, _SECONDS + size // _BYTES_A_SECOND
        done = _sandbox.call(f"{__name__}:write_converted", imports, *words, memory=memory, seconds=seconds)
        if destination.exists():
            destination.rmdir()
        made.replace(destination)
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in done["arguments"].items()}
    return Conversion(architecture, destination, arguments, done["parameters"])


def write_converted(architecture: str, source: str, folder: str, given: str) -> dict[str, Any]:
    """What `convert` does in its confined process: {"arguments", "parameters"} of a Conversion. given: JSON."""
    network: Any = load_original(architecture, _read(Path(source)), **json.loads(given))
    try:
        network.save_pretrained(folder)
    except OSError as problem:
        raise UsageError(
            f"The folder cannot be written: {problem.strerror}.", "Choose one with more room."
        ) from problem
    arguments = {name: value for name, value in network.config.items() if not name.startswith("_")}
    return {"arguments": arguments, "parameters": sum(each.numel() for each in network.parameters())}


def _network(architecture: str) -> Any:
    module, _, name = _architecture(architecture).network.partition(":")
    return getattr(importlib.import_module(module), name)


def _architecture(name: str) -> _Architecture:
    if name not in _ARCHITECTURES:
        raise UsageError(f"There is no architecture {name!r}.", f"Known: {', '.join(_ARCHITECTURES)}.")
    return _ARCHITECTURES[name]


def _check_file(source: Path) -> int:
    """The bytes of a checkpoint that may be one by its name and its first bytes."""
    if not source.is_file():
        raise Unreadable(f"There is no file {source}.", "Give the checkpoint itself, a .pth or .safetensors file.")
    suffix = source.suffix.lower()
    if suffix not in (*_PICKLES, _SAFE):
        raise UnsupportedFormat(
            f"{source.name} is no checkpoint by its name.", f"Allowed: {_SAFE} {' '.join(_PICKLES)}."
        )
    size = source.stat().st_size
    with source.open("rb") as stream:
        start = stream.read(8)
    header = int.from_bytes(start, "little")
    if header > size - 8 if suffix == _SAFE else not start.startswith(_STARTS):
        raise Unreadable(f"{source.name} cannot be read: it is broken, or something else.", "Download it again.")
    if suffix == _SAFE and header > _HEADER:
        raise TooLarge(f"The header of {source.name} has {header:,} bytes.", f"At most {_HEADER:,} are read.")
    return size


def _read(source: Path) -> Mapping[str, Any]:
    """The content of a checkpoint. A pickle is read by torch's restricted reader: tensors and plain containers."""
    import torch
    from safetensors.torch import load_file

    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
        if unpacked > _UNPACKED * source.stat().st_size:
            raise TooLarge(
                f"{source.name} unpacks to {unpacked:,} bytes.", "Save it as torch.save does: not compressed."
            )
    try:
        if source.suffix.lower() == _SAFE:
            return load_file(source)
        content = torch.load(source, map_location="cpu", weights_only=True)  # noqa: TID251  the one place, restricted
    except Exception as problem:  # a broken pickle can raise anything
        if isinstance(problem, MemoryError) or "allocate memory" in str(problem):
            raise MemoryError from problem
        raise Unreadable(
            f"{source.name} cannot be read: it is broken, or holds more than tensors.",
            "Code in a checkpoint is never run. Download it again, or ask its author for a .safetensors.",
        ) from problem
    if not isinstance(content, Mapping):
        raise Unreadable(
            f"{source.name} holds a {type(content).__name__}, no state dict.", "Save the state dict alone."
        )
    return cast("Mapping[str, Any]", content)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as stream:
            content = json.loads(stream.read(_CONFIG))
    except (OSError, ValueError, RecursionError) as problem:
        raise Unreadable(f"The config {path} cannot be read as JSON.", "It holds one object of arguments.") from problem
    if isinstance(content, dict):
        found = cast("dict[str, Any]", content)
        found = found.get("constructor", found)
        if isinstance(found, dict):
            return {name: value for name, value in cast("dict[str, Any]", found).items() if not name.startswith("_")}
    raise Unreadable(f"The config {path} holds no arguments.", 'Write it like {"ngf": 64, "n_blocks": 9}.')


def _unwrap(architecture: str, content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of this architecture by their original names: wrappers and prefixes taken off, and the statistics
    dropped that InstanceNorm kept until 2018 (a normalisation without a weight; it never used them)."""
    import torch

    known = (*_ARCHITECTURES[architecture].inside, *_WRAPPERS)
    for _ in range(_DEEPEST):
        if not any(isinstance(value, torch.Tensor) for value in content.values()):
            content = next((content[name] for name in known if isinstance(content.get(name), Mapping)), content)
    others = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if others or not content:
        raise Unreadable(
            f"The checkpoint is not the state dict of one network: {_some(others) or 'nothing'} in it.",
            f"The tensors of {architecture} may be there by themselves, or under {', '.join(known)}.",
        )
    tensors = {str(name): value for name, value in content.items()}
    _check_stored(tensors)
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return {
        name: value
        for name, value in tensors.items()
        if not name.endswith(_STATISTICS) or f"{name.rpartition('.')[0]}.weight" in tensors
    }


def _check_stored(tensors: Mapping[str, Tensor]) -> None:
    """Raise Unreadable unless every value of every tensor has bytes of its own in memory: one number that is said to be
    a million times there costs nothing to send, and gigabytes to copy."""
    import torch

    storages: dict[int, int] = {}
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise Unreadable(f"The tensor {name} is sparse or quantised.", "Save it as a plain one.")
        storage = tensor.untyped_storage()
        storages[storage.data_ptr() or -len(storages)] = storage.nbytes()  # those without data have no address
    if sum(each.numel() * each.element_size() for each in tensors.values()) > sum(storages.values()):
        raise Unreadable(
            "The checkpoint's tensors overlap: they claim more values than it holds.",
            "Save it with each tensor cloned.",
        )


def fold_spectral_norm(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """weight_orig, weight_u and weight_v become weight = weight_orig / (u^T W v), as they act in eval mode."""
    folded = dict(tensors)
    for name in tensors:
        base = name.removesuffix("_orig")
        if not name.endswith(".weight_orig") or not {f"{base}_u", f"{base}_v"} <= set(tensors):
            continue
        weight, left, right = (tensors[each].float() for each in (name, f"{base}_u", f"{base}_v"))
        rows = weight.flatten(1)
        if (*left.shape, *right.shape) == rows.shape:
            folded[base] = weight / (left @ (rows @ right))
            for each in (name, f"{base}_u", f"{base}_v"):
                del folded[each]
    return folded


def _choose(architecture: str, kind: Any, tensors: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's arguments: those given, and those inferred."""
    allowed = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    given = {name: value for name, value in given.items() if name not in _ARCHITECTURES[architecture].unused}
    for name in given:
        if name not in allowed:
            raise UsageError(f"{architecture} has no argument {name!r}.", f"Its arguments: {', '.join(allowed)}.")
    return {**_infer(architecture, kind, tensors), **given}


def _infer(architecture: str, kind: Any, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    try:
        return kind.infer_arguments({name: tuple(value.shape) for name, value in tensors.items()})
    except (LookupError, ValueError) as problem:
        missing = f"it has no {problem.args[0]}" if isinstance(problem, KeyError) else "its names do not fit"
        raise Unreadable(
            f"The checkpoint is not {architecture}: {missing}.",
            f"It holds {_some(sorted(tensors))}. Architectures: {', '.join(_ARCHITECTURES)}.",
        ) from problem


def _compare(
    architecture: str, arguments: Mapping[str, Any], wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> None:
    """Raise Unreadable, naming tensors, unless names and shapes are the same. A BatchNorm of before 2018 has not
    counted its batches: that may be missing."""
    missing = [name for name in wanted if name not in found and not name.endswith(".num_batches_tracked")]
    unknown = [name for name in found if name not in wanted]
    other = [
        f"{name} is {tuple(found[name].shape)}, not {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in found and found[name].shape != value.shape
    ]
    parts = [
        f"{title} {_some(names)}"
        for title, names in (("missing:", missing), ("not of this network:", unknown), ("shapes:", other))
        if names
    ]
    if parts:
        raise Unreadable(
            f"The checkpoint does not fit {architecture}: {'; '.join(parts)}.",
            f"It was compared with {_say(arguments)}. Leave arguments out to have them inferred from the shapes.",
        )


def _say(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
