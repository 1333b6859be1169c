"""Teach a pix2pix to paint people from drawings of a face.

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/pairs/$who --portrait $who \\
            --anyone portraits/ --pairs 2000
    done
    python training/face2face.py --data runs/pairs --output runs/face2face

Every persona's true frames are the pictures, their exact landmarks the drawings; anyone's faces, which come with them,
only teach to read expressions. One person of whom there are photos or a video:

    python training/face2face.py --data runs/me --people me --expressions runs/pairs/imani/train --output runs/me

where runs/me/me holds them. Every step depends on the seed and its number alone, so that a run that was stopped goes on
to the very same weights. Sources: Isola et al. 2017 (equation 4: GAN and L1), with a later start of the GAN.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import set_seed
from torch import Tensor
from torch.nn import functional

from facezoo.methods.face2face.model import PRESETS as NETWORKS
from facezoo.methods.face2face.model import Painter, PatchDiscriminator
from facezoo.methods.face2face.pipeline import Face2Face
from facezoo.train.accelerator import new_accelerator
from facezoo.train.checkpoint import load_checkpoint, save_checkpoint
from facezoo.train.config import parse
from facezoo.train.drawings import PersonFrames
from facezoo.train.painting import begin, draw_batch, finish, follow, gather, parts, sheet


@dataclass(frozen=True)
class Config:
    """Train the painter of face2face."""

    data: Path
    """Folder with one subfolder a person: train/ and held_back/ as persona_frames writes them, or photos and videos."""
    output: Path
    """Folder for checkpoints, pictures, metrics.json and final/, the weights."""
    people: tuple[str, ...] = ("imani", "joss", "orla", "tarek")
    """Subfolders of `data`: who can be painted."""
    network: str = "cpu"
    """cpu, small or paper: see facezoo.methods.face2face.model."""
    expressions: str = ""
    """Folder of rendered pairs from which expressions are learned to be read; by default the first person's train/."""
    steps: int = 6000
    """Steps of the optimisers."""
    batch: int = 4
    """Frames a step, the people in turn."""
    rate: float = 1e-3
    """Learning rate of Adam at the start; it falls to 0 along half a cosine."""
    textures: float = 5.0
    """How many times that rate the learned textures have."""
    l1: float = 100.0
    """Weight of L1 against the GAN."""
    adversarial: float = 0.4
    """Share of the steps after which the GAN sets in; 1 is never, 0 as in the paper."""
    patch: int = 128
    """Side in pixels of the part of each picture, about the face, that is judged."""
    judge: int = 32
    """Channels of the discriminator's first layer."""
    features: float = 4.0
    """How much more eyes, brows and lips count."""
    around: float = 0.4
    """How much what is not the face counts."""
    average: float = 0.999
    """Decay of the running mean of the weights, which is what is kept."""
    minutes: float = 10.0
    """Time between checkpoints, and between pictures."""
    threads: int = 2
    """Threads of torch."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with a painter's weights to begin with, as far as they fit."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ValueError(f"--network must be one of {', '.join(NETWORKS)}")
        if self.network == "paper" and len(self.people) > 1:
            raise ValueError("--network paper knows one person: --people imani")


PRESETS = {"cpu": {}, "small": {"network": "small", "batch": 8, "patch": 96},
           "paper": {"network": "paper", "people": ("imani",), "steps": 400_000, "batch": 1, "rate": 2e-4, "judge": 64,
                     "adversarial": 0.0, "patch": 256, "features": 0.0, "around": 1.0, "threads": 8}}  # fmt: skip


def main(config: Config) -> None:
    """Read frames, train, measure, save."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    frames = [gather(config.data / person, "train") for person in config.people]
    painter, average, judge = make_networks(frames, config)
    print(f"{sum(map(len, frames))} frames, {sum(map(torch.numel, painter.parameters())):,} parameters", flush=True)
    own = [painter.textures, painter.canvases]
    rest = [each for each in painter.parameters() if all(each is not one for one in own)]
    groups = [{"params": rest}, {"params": own, "lr": config.rate * config.textures}]
    optimizers = [torch.optim.Adam(each, config.rate, betas=(0.5, 0.99)) for each in (groups, judge.parameters())]
    begins = min(round(config.adversarial * config.steps), config.steps - 1)
    schedules = [
        torch.optim.lr_scheduler.CosineAnnealingLR(each, length)
        for each, length in zip(optimizers, (config.steps, config.steps - begins), strict=True)
    ]
    accelerator = new_accelerator()
    painter, average, judge, *rest = accelerator.prepare(painter, average, judge, *optimizers, *schedules)
    optimizers, schedules = rest[:2], rest[2:]
    checkpoints = config.output / "checkpoints"
    step = load_checkpoint(checkpoints, accelerator, config.resume)
    pipeline = Face2Face({"painter": accelerator.unwrap_model(average).eval()})

    begun, start, saved, losses = time.monotonic(), step, time.monotonic(), []
    while step < config.steps:
        torch.manual_seed((config.seed * config.steps + step) * accelerator.num_processes + accelerator.process_index)
        drawn = draw_batch(frames, accelerator.unwrap_model(painter), config.batch, config.around, config.features)
        drawings, places, who, truth, weight = (each.to(accelerator.device) for each in drawn)
        made = painter(drawings, places, who)
        loss = config.l1 / 2 * (weight * (made - truth).abs()).mean()  # the paper's pictures lie in [0, 1] for L1
        losses.append(loss.item())
        if step >= begins and config.adversarial < 1:
            seen = [parts(torch.cat([drawings, each], dim=1), places, config.patch) for each in (made, truth)]
            judge.requires_grad_(True)
            verdicts = judge(seen[0].detach()), judge(seen[1])
            accelerator.backward((against(verdicts[0], 0) + against(verdicts[1], 1)) / 2)
            accelerator.clip_grad_norm_(judge.parameters(), 1.0)
            optimizers[1].step()
            optimizers[1].zero_grad()
            schedules[1].step()
            judge.requires_grad_(False)
            loss = loss + against(judge(seen[0]), 1)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(painter.parameters(), 5.0)
        optimizers[0].step()
        optimizers[0].zero_grad()
        schedules[0].step()
        step += 1
        follow(accelerator.unwrap_model(average), accelerator.unwrap_model(painter), step, config.average)
        if not np.isfinite(losses[-1]):
            raise SystemExit(f"The loss of step {step} is {losses[-1]}: lower --rate and go on from a checkpoint.")
        if step % 25 == 0:
            pace = (time.monotonic() - begun) / (step - start)
            print(f"step {step}  L1 {np.mean(losses[-25:]):.4f}  {pace:.2f} s a step", flush=True)
        if time.monotonic() - saved > 60 * config.minutes and accelerator.is_main_process:
            save_checkpoint(checkpoints, accelerator, step)
            sheet(pipeline, config.data, config.output / f"step_{step:06d}.png")
            saved = time.monotonic()

    if accelerator.is_main_process:
        save_checkpoint(checkpoints, accelerator, step)
        finish(pipeline, config.data, config.output, config)


def make_networks(frames: Sequence[PersonFrames], config: Config) -> tuple[Painter, Painter, PatchDiscriminator]:
    """The painter, its running mean, and the discriminator."""
    painter = Painter(**{**NETWORKS[config.network], "people": config.people})
    pairs = Path(config.expressions) if config.expressions else config.data / config.people[0] / "train"
    reads = not config.resume and (config.expressions or not config.init_from)
    begin(painter, frames, pairs if reads else None, config.init_from)
    average = copy.deepcopy(painter)
    return painter, average.requires_grad_(False), PatchDiscriminator(6, config.judge, norm_layer="batch")


def against(verdicts: Tensor, answer: float) -> Tensor:
    """Binary cross entropy of patches that are all real (1) or all made (0)."""
    return functional.binary_cross_entropy_with_logits(verdicts, torch.full_like(verdicts, answer))


if __name__ == "__main__":
    main(parse(Config, PRESETS, sys.argv[1:]))
