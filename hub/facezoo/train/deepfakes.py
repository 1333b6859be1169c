"""The training of the deepfakes autoencoder: one encoder, a decoder for each person.

Two recipes. classic, that of 2017: every decoder learns to rebuild its own person from warped pictures of that person,
and is then asked to decode anyone. paired: it also sees anyone, and is told what the person looks like who does the
same. Every step depends on the seed and its number alone, so that a run that was stopped goes on to the very same
weights.
"""

from __future__ import annotations

import copy
import json
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase
from types import FrameType
from typing import Any, cast

import numpy as np
import torch
from accelerate.utils import set_seed
from safetensors.torch import load_file

from facezoo.errors import FacezooError
from facezoo.methods.deepfakes.model import ANYONE, Autoencoder
from facezoo.methods.deepfakes.model import PRESETS as NETWORKS
from facezoo.methods.deepfakes.pipeline import DeepFakes
from facezoo.methods.deepfakes.window import WARP
from facezoo.train.accelerator import new_accelerator
from facezoo.train.checkpoint import load_checkpoint, save_checkpoint
from facezoo.train.deepfakes_step import Recipe, draw_batch, loss_of, measure, sheet
from facezoo.train.faces import FacePairs
from facezoo.train.publish import read_data

__all__ = ["PRESETS", "Config", "Trainer", "begin_from", "best_of", "build", "finish", "run"]

_WARPS = {"paired": 0.003, "classic": WARP}  # where the answer is known, a strong warp only blurs what can be learned
_CHOSEN_FROM = 64  # held-back pairs of each person that checkpoints are compared on
_LOSSES = "losses.csv"


@dataclass(frozen=True)
class Config:
    """Train the autoencoder of deepfakes."""

    output: Path
    """Folder for checkpoints, pictures, losses.csv, metrics.json, best/ and final/, the weights."""
    data: tuple[Path, ...] = ()
    """Folders of pairs, each with one subfolder a person, and train/ and held_back/ in these."""
    faces: tuple[Path, ...] = ()
    """In place of `data`: a folder of photos and videos for each person, who are called a, b, c ...; needs classic."""
    people: tuple[str, ...] = ("imani", "joss", "orla", "tarek")
    """Subfolders of `data`: who gets a decoder."""
    recipe: str = "paired"
    """paired or classic."""
    network: str = "cpu"
    """cpu or paper: see facezoo.methods.deepfakes.model."""
    settings: str = ""
    """JSON with constructor arguments of the network that differ from these."""
    steps: int = 3000
    """Steps of the optimiser."""
    batch: int = 8
    """Pictures a step for each person."""
    own: float = 0.2
    """Share of these in which the persona is the input too; paired alone."""
    warp: float = -1.0
    """Strength of the 5 x 5 warp of the input, in shares of the picture's side; below 0 what suits the recipe: 0.003 of
    paired, 0.02 of classic."""
    rate: float = 8e-4
    """Learning rate of Adam at the start; it falls to 0 along half a cosine."""
    similarity: float = 0.5
    """Weight of 1 - SSIM beside L1."""
    features: float = 3.0
    """How much more eyes, brows and mouth count."""
    around: float = 0.1
    """How much what is not the face counts."""
    minutes: float = 10.0
    """Time between checkpoints, between pictures, and between the measurements that best/ is chosen by."""
    every: int = 0
    """Steps between these, in place of minutes."""
    threads: int = 2
    """Threads of torch."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with weights to begin with, as far as they fit: networks may differ in their last layers or people."""
    push: str = ""
    """Hub repository owner/name that the weights are uploaded to at the end; needs --data-record."""
    data_record: str = ""
    """JSON file that says of each data set its name, licence, consent and statement."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if self.recipe not in _WARPS or self.network not in NETWORKS:
            raise ValueError("--recipe must be paired or classic, --network cpu or paper")
        if bool(self.data) == bool(self.faces):
            raise ValueError("give --data or --faces")
        if self.faces and self.recipe != "classic":
            raise ValueError("--faces has no pairs: use --recipe classic")
        if len(self.faces) > len(ascii_lowercase):
            raise ValueError("--faces takes 26 people at most")
        if self.push:
            read_data(self.data_record)

    @property
    def names(self) -> tuple[str, ...]:
        """Who gets a decoder."""
        return tuple(ascii_lowercase[: len(self.faces)]) if self.faces else self.people

    def of_a_step(self) -> Recipe:
        """What one step needs to know."""
        own = 1.0 if self.recipe == "classic" else self.own
        warp = self.warp if self.warp >= 0 else _WARPS[self.recipe]
        return Recipe(self.batch, own, warp, self.similarity, self.features, self.around)


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper": {"network": "paper", "recipe": "classic", "steps": 200_000, "batch": 32, "rate": 5e-5, "similarity": 0.0,
              "threads": 8},
}  # fmt: skip


class Trainer:
    """A network, its optimiser and where they are; `step()` makes one step.

    network: put where Accelerate puts it. training: pairs of each of its people, in their order, with crops of which
    the window is side x scale px. config.steps: length of the cosine that the learning rate follows, 0 for none.
    number: steps made. Checkpoints lie in config.output / "checkpoints"."""

    def __init__(self, network: Autoencoder, training: Sequence[FacePairs], config: Config) -> None:
        self.config, self.training, self.number, self._recipe = config, training, 0, config.of_a_step()
        self.side, self.scale, self.anyone = network.side, network.scale, ANYONE in network.decoders
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportArgumentType]
        self.optimizer = torch.optim.Adam(network.parameters(), config.rate, betas=(0.9, 0.99))
        tracker = "tensorboard" if find_spec("tensorboard") else None
        self.accelerator = new_accelerator(log_with=tracker, project_dir=config.output)
        if tracker:
            self.accelerator.init_trackers("losses")
        schedules = torch.optim.lr_scheduler
        schedule = (
            schedules.CosineAnnealingLR(self.optimizer, config.steps)
            if config.steps
            else schedules.ConstantLR(self.optimizer, factor=1.0)
        )
        prepared = self.accelerator.prepare(network, self.optimizer, schedule)
        self._network, self.optimizer, self._schedule = cast("tuple[Any, Any, Any]", prepared)

    @property
    def network(self) -> Autoencoder:
        """The network itself, without what Accelerate wrapped around it."""
        return cast("Autoencoder", self.accelerator.unwrap_model(self._network))

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(self) -> float:
        """One step; gives its loss. Raises FacezooError when that is no number."""
        config, processes = self.config, self.accelerator.num_processes
        torch.manual_seed((config.seed * config.steps + self.number) * processes + self.accelerator.process_index)
        drawn = draw_batch(self.training, self.side, self.scale, self.anyone, self._recipe)
        faces, truth, labels = (each.to(self.accelerator.device) for each in drawn)
        pictures, masks = self._network(faces)
        loss = loss_of(pictures.flatten(0, 1), masks.flatten(0, 1), truth, labels, self._recipe)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self._network.parameters(), 1.0)
        self.optimizer.step()
        self._schedule.step()
        self.optimizer.zero_grad()
        self.number += 1
        value = loss.item()
        if not np.isfinite(value):
            raise FacezooError(
                f"The loss of step {self.number} is {value}.", "Lower --rate and go on from a checkpoint."
            )
        return value

    def export(self, folder: Path) -> None:
        """Write the weights as they are now, in float16, to a folder for `DeepFakes.from_pretrained`."""
        DeepFakes({"autoencoder": copy.deepcopy(self.network).half()}).save_pretrained(folder)

    def load(self, resume: str) -> None:
        """Go on from a checkpoint: "last", its folder, or "" for none. Raises UsageError when there is none."""
        self.number = load_checkpoint(self.config.output / "checkpoints", self.accelerator, resume)

    def save(self) -> None:
        """Write a checkpoint, whole or not at all."""
        save_checkpoint(self.config.output / "checkpoints", self.accelerator, self.number)


def build(config: Config) -> Autoencoder:
    """A new network as the configuration asks for it, on the CPU, float32."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    settings = {**NETWORKS[config.network], "people": config.names} | json.loads(config.settings or "{}")
    if config.recipe == "classic" and settings.get("anyone") == ():
        settings["anyone"] = settings["ups"]  # whoever comes in must have been rebuilt once
    return Autoencoder(**settings)


def begin_from(network: Autoencoder, folder: str) -> str:
    """Take over what fits of the weights in a folder, other people's decoders left out; says how much that is."""
    state, own = load_file(Path(folder) / "diffusion_pytorch_model.safetensors"), network.state_dict()
    fitting = {name: value.float() for name, value in state.items() if name in own and value.shape == own[name].shape}
    network.load_state_dict(fitting, strict=False)
    return f"{len(fitting)} of {len(own)} tensors begin as in {folder}"


def run(
    network: Autoencoder, training: Sequence[FacePairs], held_back: Sequence[FacePairs], config: Config
) -> Trainer | None:
    """Train to the last step, with checkpoints, pictures, losses.csv and best/ on the way.

    None when SIGINT or SIGTERM ended it: a checkpoint was saved. held_back: as `training`, of other people."""
    trainer, saved = Trainer(network, training, config), time.monotonic()
    trainer.load(config.resume)
    main = trainer.accelerator.is_main_process
    losses = _Losses(config.output / _LOSSES, trainer.number if config.resume else 0) if main else None
    with _stoppable() as stopped:
        while trainer.number < config.steps and not stopped:
            rate = trainer.rate
            loss = trainer.step()
            trainer.accelerator.log({"loss": loss, "rate": rate}, trainer.number)
            if losses is None:
                continue
            losses.add(trainer.number, loss, rate)
            due = trainer.number % config.every == 0 if config.every else time.monotonic() - saved > 60 * config.minutes
            if due and trainer.number < config.steps:
                trainer.save()
                _keep_best(trainer, held_back)
                sheet(trainer.network, held_back, config.names, config.output / f"step_{trainer.number:06d}.png")
                saved = time.monotonic()
        if main:
            trainer.save()
        trainer.accelerator.end_training()
        if trainer.number < config.steps:
            print(f"Stopped at step {trainer.number}. --resume last goes on from there.", flush=True)
            return None
    return trainer


class _Losses:
    """losses.csv: one line a step. What a run wrote beyond the step that is gone on from is dropped."""

    def __init__(self, path: Path, number: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines()[1:] if number and path.is_file() else []
        kept = [line for line in lines if line.count(",") == 2 and int(line.partition(",")[0]) <= number]
        path.write_text("\n".join(["step,loss,rate", *kept, ""]), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._last: list[float] = []

    def add(self, number: int, loss: float, rate: float) -> None:
        """Write one step down, and print every 50th."""
        self._file.write(f"{number},{loss:.6f},{rate:.3e}\n")
        self._last.append(loss)
        if number % 50 == 0:
            print(f"step {number}  loss {np.mean(self._last):.4f}  rate {rate:.1e}", flush=True)
            self._last.clear()


@contextmanager
def _stoppable() -> Generator[list[int]]:
    """A list that gets the number of a SIGINT or SIGTERM, which do nothing else meanwhile."""
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _keep_best(trainer: Trainer, held_back: Sequence[FacePairs]) -> None:
    """Save the weights as best/ when they are better on pairs held back than those there."""
    config = trainer.config
    tables = [
        measure(trainer.network, pairs.pick(slice(None, None, max(1, len(pairs) // _CHOSEN_FROM))), person)
        for person, pairs in zip(config.names, held_back, strict=True)
    ]
    score = float(np.mean([table["swap"]["ssim"]["mean"] for table in tables]))
    print(f"step {trainer.number}  ssim of held-back pairs {score:.4f}", flush=True)
    if score <= best_of(config.output)[1]:
        return
    best = config.output / "best"
    trainer.export(best)
    (best / "best.json").write_text(json.dumps({"step": trainer.number, "ssim": score}) + "\n", encoding="utf-8")


def best_of(output: Path) -> tuple[int, float]:
    """The step of the weights in best/ of a run's folder, and their SSIM; (0, -1) when there are none."""
    try:
        known = json.loads((output / "best" / "best.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0, -1.0
    return int(known["step"]), float(known["ssim"])


def finish(trainer: Trainer, held_back: Sequence[FacePairs]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Save the last weights as final/ in float16, measure them on the pairs held back, and write metrics.json and
    final.png; gives person -> what `measure` gives."""
    config, final = trainer.config, trainer.config.output / "final"
    trainer.export(final)
    network = Autoencoder.from_pretrained(final / "autoencoder", torch_dtype=torch.float32)  # what ships is measured
    sheet(network, held_back, config.names, config.output / "final.png")
    metrics = {person: measure(network, pairs, person) for person, pairs in zip(config.names, held_back, strict=True)}
    step, score = best_of(config.output)
    told = {
        "config": json.loads(json.dumps(asdict(config), default=str)),
        "held back": metrics,
        "best": {"step": step, "ssim": score} if step else None,
    }
    text = json.dumps(told, indent=2)
    (config.output / "metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)
    return metrics
