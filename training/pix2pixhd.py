"""Teach pix2pixHD to paint people from drawings of a face, from coarse to fine.

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/pairs/$who --portrait $who \\
            --anyone portraits/ --pairs 2000
    done
    python training/pix2pixhd.py --data runs/pairs --output runs/pix2pixhd

The frames, and one's own person instead, are as for training/face2face.py. In three stages the global generator learns
at half the size, then the local enhancer around it while it stays as it is, then both. Every step depends on the seed
and its number alone, so that a run that was stopped goes on to the very same weights.

Source: Wang et al. 2018 (sections 3.2 and 3.3): least-squares GAN, feature matching. The paper adds a loss on VGG's
features, which improves its pictures a little; no such weights come with facezoo's packages, so it is left out. Ours
are the L1 and SSIM terms (--l1, --unlike), which the paper does without.
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
from accelerate.utils import DistributedDataParallelKwargs, set_seed

from facezoo.methods.pix2pixhd.model import MultiscaleDiscriminator
from facezoo.methods.pix2pixhd.painter import PRESETS as NETWORKS
from facezoo.methods.pix2pixhd.painter import FinePainter
from facezoo.methods.pix2pixhd.pipeline import Pix2PixHD
from facezoo.train.accelerator import new_accelerator
from facezoo.train.checkpoint import load_checkpoint, save_checkpoint
from facezoo.train.config import parse
from facezoo.train.drawings import PersonFrames
from facezoo.train.painting import begin, draw_batch, finish, follow, gather, parts, sheet
from facezoo.train.pix2pixhd import feature_matching, halved, least_squares, stage_of
from facezoo.train.similarity import difference


@dataclass(frozen=True)
class Config:
    """Train the painter of pix2pixhd."""

    data: Path
    """Folder with one subfolder a person: train/ and held_back/ as persona_frames writes them, or photos and videos."""
    output: Path
    """Folder for checkpoints, pictures, metrics.json and final/, the weights."""
    people: tuple[str, ...] = ("imani", "joss", "orla", "tarek")
    """Subfolders of `data`: who can be painted."""
    network: str = "cpu"
    """cpu, small or paper: see facezoo.methods.pix2pixhd.painter."""
    expressions: str = ""
    """Folder of rendered pairs from which expressions are learned to be read; by default the first person's train/."""
    steps: int = 8000
    """Steps of the optimisers, in all three stages."""
    shares: tuple[float, ...] = (0.35, 0.1)
    """Of the steps: the global generator's, and the enhancer's while the global one is frozen; both have the rest."""
    batch: int = 4
    """Frames a step, the people in turn."""
    rate: float = 1e-3
    """Learning rate of the generators' Adam for the first half of the steps; then it falls to 0 along a line."""
    judge_rate: float = 4e-4
    """The same of the discriminators."""
    textures: float = 5.0
    """How many times the generators' rate the learned textures have."""
    matching: float = 10.0
    """Weight of feature matching against the GAN."""
    l1: float = 40.0
    """Weight of L1 against the GAN."""
    unlike: float = 0.1
    """Weight of 1 - SSIM against L1."""
    adversarial: float = 0.05
    """Share of the steps after which GAN and feature matching set in; 0 as in the paper."""
    judges: int = 2
    """Discriminators: the first sees the picture, each further one half its size."""
    judge: int = 24
    """Channels of a discriminator's first layer."""
    patch: int = 160
    """Side in pixels of the part of each fine picture, about the face, that is judged; all of it in the paper."""
    features: float = 4.0
    """How much more eyes, brows and lips count for L1 and SSIM."""
    around: float = 0.4
    """How much what is not the face counts for them."""
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
        if len(self.shares) != 2 or min(self.shares) < 0 or sum(self.shares) > 1:
            raise ValueError("--shares takes two numbers, together at most 1: --shares 0.35 0.1")


PRESETS = {"cpu": {}, "small": {"network": "small", "batch": 8, "patch": 80},
           "paper": {"network": "paper", "people": ("imani",), "steps": 400_000, "batch": 1, "rate": 2e-4,
                     "judge_rate": 2e-4, "l1": 0.0, "unlike": 0.0, "adversarial": 0.0, "judges": 3, "judge": 64,
                     "patch": 1024, "threads": 8}}  # fmt: skip


def main(config: Config) -> None:
    """Read frames, train, measure, save."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    accelerator = new_accelerator(kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)])
    frames = [gather(config.data / person, "train") for person in config.people]
    painter, average, judge = make_networks(frames, config)
    print(f"{sum(map(len, frames))} frames, {sum(map(torch.numel, painter.parameters())):,} parameters", flush=True)
    own = [painter.textures, painter.canvases]
    rest = [each for each in painter.parameters() if all(each is not one for one in own)]
    paints = torch.optim.Adam([{"params": rest}, {"params": own}], config.rate, betas=(0.5, 0.99))
    judges = torch.optim.Adam(judge.parameters(), config.judge_rate, betas=(0.5, 0.99))
    painter, judge, paints, judges = accelerator.prepare(painter, judge, paints, judges)
    average = accelerator.prepare_model(average, evaluation_mode=True)
    bare, mean = accelerator.unwrap_model(painter), accelerator.unwrap_model(average).eval()
    pipeline, checkpoints = Pix2PixHD({"painter": mean}), config.output / "checkpoints"
    step = load_checkpoint(checkpoints, accelerator, config.resume)

    begun, start, saved, losses = time.monotonic(), step, time.monotonic(), []
    while step < config.steps:
        torch.manual_seed((config.seed * config.steps + step) * accelerator.num_processes + accelerator.process_index)
        stage, enhancing = stage_of(step, config.steps, config.shares)
        bare.teach(stage)
        slower = min(1.0, 2 - 2 * step / config.steps)
        rates = config.rate, config.rate * config.textures, config.judge_rate
        for group, rate in zip(paints.param_groups + judges.param_groups, rates, strict=True):
            group["lr"] = rate * slower
        drawn = draw_batch(frames, bare, config.batch, config.around, config.features)
        drawings, places, who, truth, weights = (each.to(accelerator.device) for each in drawn)

        pictures = painter(drawings, places, who, stage)
        small = [halved(each) for each in (drawings, truth, weights)]
        seen, true, counts = small if stage == "global" else (drawings, truth, weights)
        made, terms = pictures[-1], {}
        terms["L1"] = config.l1 * difference(made, true, counts, config.unlike)
        if stage == "joint":
            terms["coarse"] = config.l1 * difference(pictures[0], small[1], small[2], config.unlike)
        if step >= config.adversarial * config.steps:
            judge.requires_grad_(True)
            ratio = drawings.shape[-1] // made.shape[-1]
            cut = parts(torch.cat([seen, made, true], dim=1), places[:, ::ratio, ::ratio], config.patch // ratio)
            seen, made, true = cut.split(3, dim=1)
            pairs = [torch.cat([seen, each], dim=1) for each in (made, true)]
            of_made, of_true = (judge(each.detach()) for each in pairs)
            terms["judges"] = (least_squares(of_made, 0) + least_squares(of_true, 1)) / 2
            accelerator.backward(terms["judges"])
            judges.step()
            judges.zero_grad()
            judge.requires_grad_(False)
            of_made = judge(pairs[0])
            terms["GAN"] = least_squares(of_made, 1)
            terms["matching"] = config.matching * feature_matching(of_made, of_true)
        accelerator.backward(sum(value for name, value in terms.items() if name != "judges"))
        paints.step()
        paints.zero_grad()
        follow(mean, bare, step if stage == "global" else step - enhancing, config.average)
        step += 1
        losses.append({name: value.item() for name, value in terms.items()})
        if not np.isfinite(sum(losses[-1].values())):
            raise SystemExit(f"A loss of step {step} is {losses[-1]}: lower --rate and go on from a checkpoint.")
        if step % 25 == 0 and accelerator.is_main_process:
            means = {name: np.mean([each[name] for each in losses[-25:] if name in each]) for name in losses[-1]}
            pace = (time.monotonic() - begun) / (step - start)
            print(f"step {step} {stage}  " + "  ".join(f"{name} {value:.3f}" for name, value in means.items())
                  + f"  {pace:.2f} s a step", flush=True)  # fmt: skip
        if time.monotonic() - saved > 60 * config.minutes and accelerator.is_main_process:
            save_checkpoint(checkpoints, accelerator, step)
            sheet(pipeline, config.data, config.output / f"step_{step:06d}.png")
            saved = time.monotonic()

    if accelerator.is_main_process:
        save_checkpoint(checkpoints, accelerator, step)
        finish(pipeline, config.data, config.output, config)


def make_networks(
    frames: Sequence[PersonFrames], config: Config
) -> tuple[FinePainter, FinePainter, MultiscaleDiscriminator]:
    """The painter, its running mean, and the discriminators."""
    painter = FinePainter(**{**NETWORKS[config.network], "people": config.people})
    pairs = Path(config.expressions) if config.expressions else config.data / config.people[0] / "train"
    reads = not config.resume and (config.expressions or not config.init_from)
    begin(painter, frames, pairs if reads else None, config.init_from)
    judge = MultiscaleDiscriminator(6, config.judge, num_D=config.judges)
    return painter, copy.deepcopy(painter).requires_grad_(False), judge


if __name__ == "__main__":
    main(parse(Config, PRESETS, sys.argv[1:]))
