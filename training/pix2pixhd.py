"""Teach pix2pixHD to paint people from drawings of a face, from coarse to fine.

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/pairs/$who --portrait $who \\
            --anyone portraits/ --pairs 2000
    done
    python training/pix2pixhd.py --data runs/pairs --output runs/pix2pixhd

The frames, and one's own person instead, are as for training/face2face.py. In three stages the global generator learns
at half the size, then the local enhancer around it while it stays as it is, then both.

Source: Wang et al. 2018 (sections 3.2 and 3.3): least-squares GAN, feature matching. The paper adds a loss on VGG's
features, which improves its pictures a little; no such weights come with facezoo's packages, so it is left out. Ours
are the L1 and SSIM terms (--l1, --unlike), which the paper does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from accelerate import DistributedDataParallelKwargs
from torch import Tensor

from facezoo.methods.pix2pixhd.model import MultiscaleDiscriminator
from facezoo.methods.pix2pixhd.painter import PRESETS as NETWORKS
from facezoo.methods.pix2pixhd.painter import FinePainter
from facezoo.methods.pix2pixhd.pipeline import Pix2PixHD
from facezoo.train.config import one_of, start
from facezoo.train.likeness import difference
from facezoo.train.loop import Loop
from facezoo.train.painting import PaintConfig, begin, draw_batch, frames_of, groups, kept_painter, parts
from facezoo.train.pix2pixhd import feature_matching, halved, least_squares, stage_of


@dataclass(frozen=True, kw_only=True)
class Config(PaintConfig):
    """Train the painter of pix2pixhd."""

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

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, "network", NETWORKS)
        if len(self.shares) != 2 or min(self.shares) < 0 or sum(self.shares) > 1:
            raise ValueError("--shares takes two numbers, together at most 1: --shares 0.35 0.1")


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "small": {"network": "small", "batch": 8, "patch": 80},
    "paper": {"network": "paper", "steps": 400_000, "batch": 1, "rate": 2e-4, "judge_rate": 2e-4, "l1": 0.0,
              "unlike": 0.0, "adversarial": 0.0, "judges": 3, "judge": 64, "patch": 1024, "threads": 8},
}  # fmt: skip


STAGED = DistributedDataParallelKwargs(find_unused_parameters=True)  # each stage lets a part of the painter rest


def main(config: Config) -> None:
    """Read frames, train, measure, save, and upload when asked to."""
    loop = Loop("pix2pixhd", config, ("L1", "coarse", "judges", "GAN", "matching"), kwargs_handlers=[STAGED])
    frames = [frames_of(config.folder / person, "train") for person in config.names]
    settings: dict[str, Any] = {**NETWORKS[config.network], "people": config.names}
    bare = FinePainter(**settings)
    begin(bare, frames, config)
    loop.say(f"{sum(map(len, frames))} frames, {sum(map(torch.numel, bare.parameters())):,} parameters")
    kept = kept_painter(Pix2PixHD({"painter": loop.averaged(bare)}), frames, config)
    judging = MultiscaleDiscriminator(6, config.judge, num_D=config.judges)
    paints = torch.optim.Adam(groups(bare, config.rate, config.textures), betas=(0.5, 0.99))
    judges = torch.optim.Adam(judging.parameters(), config.judge_rate, betas=(0.5, 0.99))
    painter, judge, paints, judges = loop.prepare(bare, judging, paints, judges)
    for step in loop.steps(kept):
        loop.slow(min(1.0, 2 - 2 * step / config.steps), paints, judges)
        stage, enhancing = stage_of(step, config.steps, config.shares)
        if step == enhancing:
            loop.forget()
        bare.teach(stage)
        drawings, places, who, truth, weights = draw_batch(frames, bare, config)
        pictures = painter(drawings, places, who, stage)
        small = [halved(each) for each in (drawings, truth, weights)]
        seen, true, counts = small if stage == "global" else (drawings, truth, weights)
        terms = {"L1": config.l1 * difference(pictures[-1], true, counts, config.unlike)}
        if stage == "joint":
            terms["coarse"] = config.l1 * difference(pictures[0], small[1], small[2], config.unlike)
        if step >= config.adversarial * config.steps:
            pairs = cut(seen, pictures[-1], true, places, config)
            judging.requires_grad_(True)
            of_made, of_true = (judge(each.detach()) for each in pairs)
            wrong = (least_squares(of_made, 0) + least_squares(of_true, 1)) / 2
            loop.update(wrong, judges, judge)
            judging.requires_grad_(False)
            of_made = judging(pairs[0])
            terms["GAN"] = least_squares(of_made, 1)
            terms["matching"] = config.matching * feature_matching(of_made, of_true)
            loop.log(judges=wrong)
        loop.log(**terms)
        loop.update(torch.stack(list(terms.values())).sum(), paints, painter)
    loop.finish(kept)


def cut(seen: Tensor, made: Tensor, true: Tensor, places: Tensor, config: Config) -> list[Tensor]:
    """Drawings with what was made of them, and with the truth, (B, 6, P, P): the same part of each."""
    ratio = places.shape[1] // made.shape[-1]
    found = parts(torch.cat([seen, made, true], dim=1), places[:, ::ratio, ::ratio], config.patch // ratio)
    seen, made, true = found.split(3, dim=1)
    return [torch.cat([seen, each], dim=1) for each in (made, true)]


if __name__ == "__main__":
    start(main, Config, PRESETS)
