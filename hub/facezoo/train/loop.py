"""What every training does around its steps: set up, go on, tell, save, keep the best, stop, finish.

    loop = Loop("face2face", config, losses=("L1", "GAN"))
    painter, optimizer = loop.prepare(painter, optimizer)
    mean = loop.averaged(painter)
    for _ in loop.steps(kept):      # the rest of the steps, each with its own random numbers
        loss = ...
        loop.update(loss, optimizer, painter, clip=1.0)
        loop.log(L1=loss)
    loop.finish(kept)

Every step depends on the seed and its number alone, so that a run that was stopped goes on to the very same weights;
several processes see the pictures that one sees with as many batches a step.
"""

from __future__ import annotations

import copy
import json
import shlex
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from math import cos, isfinite, pi
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from accelerate.utils import set_seed
from PIL import Image as Pictures
from torch import Tensor, nn
from tqdm import tqdm

from facezoo.errors import FacezooError, UsageError
from facezoo.media.files import write_whole
from facezoo.method.pipeline import FacePipeline
from facezoo.registry import load_spec
from facezoo.train.checkpoint import (
    TOLD,
    checkpoint_of,
    checkpoints_in,
    load_checkpoint,
    new_accelerator,
    save_checkpoint,
)
from facezoo.train.config import RunConfig, as_yaml
from facezoo.train.likeness import headline
from facezoo.train.record import push_run, training_of
from facezoo.types import Image
from facezoo.zoo.manifest import fingerprint
from facezoo.zoo.record import RECORD, Data, Record, Score, record_text

__all__ = ["Average", "Kept", "Loop", "follow", "half_cosine", "keep"]

Pipeline = TypeVar("Pipeline", bound=FacePipeline)
_BEST = "best.json"
_CHOSEN_FROM = 64  # pictures held back of each kind that best/ is chosen by
_TELL = 50  # steps between two lines where there is no terminal for a bar


@dataclass(frozen=True)
class Kept(Generic[Pipeline]):
    """What a run leaves, and how it is looked at.

    pipeline: the weights as they are now. preview: a picture of what they make of what was held back. measure: scores
    of that, of at most so many pictures of each kind; best/ is chosen by the first of them. data: what was learned
    from. limits: one sentence on what these weights cannot do."""

    pipeline: Callable[[], Pipeline]
    preview: Callable[[Pipeline], Image]
    measure: Callable[[Pipeline, int], Sequence[Score]]
    data: tuple[Data, ...]
    limits: str


class Average(nn.Module):
    """A network as it was on average over the last steps: calmer pictures than those of any one step."""

    steps: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.mean = copy.deepcopy(network).eval().requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def follow(self, network: nn.Module, decay: float) -> None:
        """Take one more step into account."""
        self.steps += 1
        follow(self.mean, network, int(self.steps), decay)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, decay: float) -> None:
    """Move a running mean toward a network, faster while it is young; counters are copied."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(now, share)
        else:
            mean.copy_(now)


class Loop:
    """The state of a run, and what is due between its steps.

    method: id. losses: the names that `log` may be given, columns of losses.csv. script: of training/, where it is not
    named after the method. settings: more of Accelerate's. Raises UsageError for the output folder of another run, or a
    tracker that is not installed."""

    def __init__(
        self, method: str, config: RunConfig, losses: Sequence[str], *, script: str = "", **settings: Any
    ) -> None:
        torch.set_num_threads(config.threads)
        set_seed(config.seed)
        self.method, self.config, self.step, self._seconds = method, config, 0, 0.0
        self._script = script or method
        self._checkpoints, self._names = config.output / "checkpoints", tuple(losses)
        if config.track and find_spec(config.track) is None:
            raise UsageError(f"--track {config.track} needs a package.", f"pip install {config.track}")
        if config.resume:
            checkpoint_of(self._checkpoints, config.resume)
        elif checkpoints_in(self._checkpoints) or (config.output / "final").exists():
            raise UsageError(
                f"{config.output} holds another run.", "Go on with it, --resume last, or choose another --output."
            )
        self.accelerator = new_accelerator(
            gradient_accumulation_steps=config.accumulate, mixed_precision=config.mixed_precision or None,
            log_with=config.track or None, project_dir=config.output, **settings,
        )  # fmt: skip
        self._models: list[nn.Module] = []
        self._averages: list[tuple[Average, nn.Module]] = []
        self._noted: dict[str, list[float]] = {}

    def say(self, text: str) -> None:
        """Print a line, of several processes once."""
        if self.accelerator.is_main_process:
            print(text, flush=True)

    def averaged(self, network: nn.Module) -> Any:
        """A running mean that follows a network, which is not prepared yet; the network itself with --average 0."""
        if not self.config.average:
            return network
        mean = cast("Average", self.accelerator.prepare_model(Average(network), evaluation_mode=True))
        self._averages.append((mean, network))
        return mean.mean

    def forget(self) -> None:
        """Let the running means begin anew."""
        for mean, _ in self._averages:
            mean.steps.zero_()

    def prepare(self, *things: Any) -> Any:
        """Networks, optimisers and schedules as Accelerate wants them, in the same order; they are in checkpoints."""
        prepared = self.accelerator.prepare(*things)
        self._models += [each for each in prepared if isinstance(each, nn.Module)]
        return prepared

    def steps(self, kept: Kept[Any]) -> Iterator[int]:
        """The numbers, from 0, of the steps that are left; with --accumulate each comes several times. Ctrl-C, or
        SIGTERM, ends them after a checkpoint."""
        self._begin()
        with _stoppable() as stopped:
            while self.step < self.config.steps and not self._anywhere(stopped):
                for part in range(self.config.accumulate):
                    torch.manual_seed(self._seed(part) + self.accelerator.process_index)
                    with self.accelerator.accumulate(*self._models):
                        yield self.step
                self._close_step(kept)
        if self.accelerator.is_main_process:
            self._bar.close()
            self._save()

    def shared_seed(self) -> None:
        """From here to the next step all processes draw the same random numbers."""
        torch.manual_seed((1 << 62) + self._seed(0))

    @staticmethod
    def slow(share: float, *optimizers: Any) -> None:
        """Let optimisers go at that share of the rate that they began with."""
        for group in (group for each in optimizers for group in each.param_groups):
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * share

    def update(self, loss: Tensor, optimizer: Any, network: nn.Module, *, clip: float = 0.0) -> None:
        """Learn from a loss. clip: the longest gradient, 0 for any."""
        self.accelerator.backward(loss)
        if self.accelerator.sync_gradients and clip:
            self.accelerator.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()

    def log(self, **losses: Tensor | float) -> None:
        """What a step cost, by the names that the loop was made with."""
        for name, loss in losses.items():
            self._noted.setdefault(name, []).append(loss.item() if isinstance(loss, Tensor) else loss)

    def finish(self, kept: Kept[Any]) -> None:
        """Save the weights as final/, measure them on what was held back, write their record, and upload them when that
        was asked for; or say how a stopped run goes on."""
        if self.accelerator.is_main_process and self.step < self.config.steps:
            self.say(f"Stopped and saved at step {self.step}. To go on: {_command('--resume', 'last')}")
        elif self.accelerator.is_main_process:
            final = self.config.output / "final"
            keep(kept.pipeline(), final)
            pipeline = type(kept.pipeline()).from_pretrained(final)  # what ships is measured
            self._picture(kept.preview(pipeline), "final.png")
            record = self._record(kept, kept.measure(pipeline, 10**6))
            write_whole(final / RECORD, record_text(record))
            self._summarise(final, record)
            if self.config.push_to_hub:
                pushed = push_run(final, record, self.config.push_to_hub, private=self.config.private)
                self.say(f"{pushed.url} at {pushed.commit}")
        for tracker in self.accelerator.trackers:
            tracker.finish()
        self.accelerator.wait_for_everyone()  # who leaves first would take the others' group along

    def _begin(self) -> None:
        """Go on from a checkpoint, if that was asked for, and open what is told to."""
        self.step = load_checkpoint(self._checkpoints, self.accelerator, self.config.resume)
        self._first, self._begun = self.step, time.monotonic()
        self._looked = self._begun
        self.accelerator.init_trackers(f"facezoo-{self.method}", {k: str(v) for k, v in vars(self.config).items()})
        if not self.accelerator.is_main_process:
            return
        if self.config.resume:
            self.say(f"Going on from step {self.step} of {self.config.steps}")
            self._seconds = _told(self._checkpoints / f"{self.step:08d}" / TOLD).get("seconds", 0.0)
        self.config.output.mkdir(parents=True, exist_ok=True)
        write_whole(self.config.output / "config.yaml", as_yaml(self.config))
        self._table = _Losses(self.config.output / "losses.csv", self._names, self.step)
        self._bar = tqdm(total=self.config.steps, initial=self.step, unit="step", disable=None, dynamic_ncols=True)

    def _seed(self, part: int) -> int:
        batch = (self.step * self.config.accumulate + part) * self.accelerator.num_processes
        return (self.config.seed << 40) + batch

    def _anywhere(self, stopped: Sequence[int]) -> bool:
        """Whether any of the processes was stopped."""
        return self._mean([float(len(stopped))])[0] > 0

    def _mean(self, values: Sequence[float]) -> list[float]:
        """Over all processes."""
        if self.accelerator.num_processes == 1:
            return list(values)
        told = torch.tensor(values, dtype=torch.float32, device=self.accelerator.device)
        return cast("Tensor", self.accelerator.reduce(told, "mean")).tolist()

    def _close_step(self, kept: Kept[Any]) -> None:
        self.step += 1
        for mean, network in self._averages:
            mean.follow(network, self.config.average)
        means = self._mean([float(np.mean(values)) for values in self._noted.values()])
        losses = dict(zip(self._noted, means, strict=True))
        self._noted.clear()
        if not all(map(isfinite, losses.values())):
            raise FacezooError(f"A loss of step {self.step} is {losses}.", "Lower --rate and go on with --resume last.")
        self.accelerator.log(losses, self.step)
        if not self.accelerator.is_main_process:
            return
        self._table.add(self.step, losses)
        self._tell(losses)
        if self._due() and self.step < self.config.steps:
            self._look(kept)
            self._looked = time.monotonic()

    def _due(self) -> bool:
        every = self.config.every
        if every.endswith("m"):
            return time.monotonic() - self._looked >= 60 * float(every[:-1])
        return self.step % int(every) == 0

    def _tell(self, losses: Mapping[str, float]) -> None:
        """Move the bar, or print its line now and then where there is no terminal."""
        told = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        if not self._bar.disable:
            self._bar.set_postfix_str(told, refresh=False)
            self._bar.update()
        elif self.step % _TELL == 0:
            pace = (time.monotonic() - self._begun) / (self.step - self._first)
            left = tqdm.format_interval(pace * (self.config.steps - self.step))
            self.say(f"step {self.step} of {self.config.steps}  {told}  {1 / pace:.2f} steps/s, {left} left")

    def _look(self, kept: Kept[Any]) -> None:
        """A checkpoint and a picture, and the weights as best/ when they are better than those there."""
        self._save()
        pipeline = kept.pipeline()
        self._picture(kept.preview(pipeline), f"step_{self.step:06d}.png")
        best, scores = self.config.output / "best", kept.measure(pipeline, _CHOSEN_FROM)
        score = headline(scores)
        self._bar.write(f"step {self.step}  {scores[0].name}, mean of all: {abs(score):.4f}")
        if score > _told(self.config.output / _BEST).get("score", float("-inf")):
            keep(pipeline, best)
            write_whole(best / RECORD, record_text(self._record(kept, scores)))
            write_whole(self.config.output / _BEST, json.dumps({"step": self.step, "score": score}))

    def _picture(self, image: Image, name: str) -> None:
        Pictures.fromarray(image).save(self.config.output / name)
        for tracker in self.accelerator.trackers:
            if hasattr(tracker, "log_images"):
                tracker.log_images({"preview": image[None]}, step=self.step)

    def _save(self) -> None:
        save_checkpoint(self._checkpoints, self.accelerator, self.step, keep=self.config.keep, seconds=self._spent)

    @property
    def _spent(self) -> float:
        return self._seconds + time.monotonic() - self._begun

    def _record(self, kept: Kept[Any], scores: Sequence[Score]) -> Record:
        made, settings = training_of(self._script, self.config, self.step, self._spent, self.accelerator.num_processes)
        return Record(self.method, self.config.licence, kept.data, made, tuple(scores), (settings,), {}, kept.limits)

    def _summarise(self, final: Path, record: Record) -> None:
        size = sum(path.stat().st_size for path in final.rglob("*.safetensors"))
        best = _told(self.config.output / _BEST)
        self.say(
            f"{self.step} steps in {tqdm.format_interval(self._spent)}. Weights: {final}, {size:,} bytes, "
            f"sha256 {fingerprint(final)[:12]}" + (f"; best/ holds those of step {best['step']}" if best else "")
        )
        for score in record.scores:
            simple = "".join(f", {name} {each.value:.4g}" for name, each in score.baselines.items())
            self.say(
                f"{score.name}: {score.result.value:.4g} ({score.result.low:.4g} to {score.result.high:.4g}){simple}"
            )
        moves = load_spec(self.method).tasks[0] == "animate"
        words = f"animate photo.jpg --method {self.method} --driving talk" if moves else f"run {self.method} photo.jpg"
        self.say(f"Try them: facezoo {words} --weights {final} --consent -o result.{'mp4' if moves else 'png'}")


class _Losses:
    """losses.csv: one line a step. What a run wrote beyond the step that is gone on from is dropped."""

    def __init__(self, path: Path, names: Sequence[str], step: int) -> None:
        self._names = names
        lines = path.read_text(encoding="utf-8").splitlines()[1:] if step and path.is_file() else []
        kept = [line for line in lines if line.count(",") == len(names) and int(line.partition(",")[0]) <= step]
        path.write_text("\n".join([",".join(["step", *names]), *kept, ""]), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        """Write one step down; what it did not cost stays empty."""
        values = [f"{losses[name]:.6g}" if name in losses else "" for name in self._names]
        self._file.write(",".join([str(step), *values]) + "\n")


def keep(pipeline: FacePipeline, folder: Path) -> None:
    """Write the weights of a pipeline to a folder for `from_pretrained`, in float16."""
    networks = {name: copy.deepcopy(network) for name, network in pipeline.networks.items()}
    for network in networks.values():
        nn.Module.to(network, torch.float16)  # diffusers' own `to` warns of nothing
    type(pipeline)(networks).save_pretrained(folder)


def half_cosine(share: float) -> float:
    """1 at the start, 0 at the end, [0, 1]."""
    return (1 + cos(pi * share)) / 2


def _told(path: Path) -> dict[str, Any]:
    """What a JSON file says; nothing when there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _command(*more: str) -> str:
    """How this script was called, and what is to be added."""
    given = [each for each in sys.argv[1:] if each not in more]
    return shlex.join(["python", *sys.argv[:1], *given, *more])


@contextmanager
def _stoppable() -> Generator[list[int]]:
    """A list that gets the number of a SIGINT or SIGTERM, which do nothing else meanwhile; the second one does."""
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        print("Stopping after this step.", file=sys.stderr, flush=True)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
