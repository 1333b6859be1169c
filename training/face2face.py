"""Teach a pix2pix to paint people from drawings of a face.

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/pairs/$who --portrait $who \\
            --anyone portraits/ --pairs 2000
    done
    python training/face2face.py --data runs/pairs --output runs/face2face

Every persona's true frames are the pictures, their exact landmarks the drawings; anyone's faces, which come with them,
only teach to read expressions. One person of whom there are photos or a video:

    python training/face2face.py --data runs/me --expressions runs/pairs/imani/train --output runs/me_painted \\
        --consent given --statement "I am the one who is shown"

where runs/me/me holds them. What all trainings share, stopping and going on: facezoo.train.loop. Sources: Isola et al.
2017 (equation 4: GAN and L1), with a later start of the GAN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from facezoo.methods.face2face.model import PRESETS as NETWORKS
from facezoo.methods.face2face.model import Painter, PatchDiscriminator
from facezoo.methods.face2face.pipeline import Face2Face
from facezoo.train.config import one_of, start
from facezoo.train.loop import Loop, half_cosine
from facezoo.train.painting import PaintConfig, begin, draw_batch, frames_of, groups, kept_painter, parts


@dataclass(frozen=True, kw_only=True)
class Config(PaintConfig):
    """Train the painter of face2face."""

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

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, "network", NETWORKS)


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "small": {"network": "small", "batch": 8, "patch": 96},
    "paper": {"network": "paper", "steps": 400_000, "batch": 1, "rate": 2e-4, "judge": 64, "adversarial": 0.0,
              "patch": 256, "features": 0.0, "around": 1.0, "threads": 8},
}  # fmt: skip


def main(config: Config) -> None:
    """Read frames, train, measure, save, and upload when asked to."""
    loop = Loop("face2face", config, losses=("L1", "judge", "GAN"))
    frames = [frames_of(config.folder / person, "train") for person in config.names]
    settings: dict[str, Any] = {**NETWORKS[config.network], "people": config.names}
    bare = Painter(**settings)
    begin(bare, frames, config)
    loop.say(f"{sum(map(len, frames))} frames, {sum(map(torch.numel, bare.parameters())):,} parameters")
    kept = kept_painter(Face2Face({"painter": loop.averaged(bare)}), frames, config)
    judging = PatchDiscriminator(6, config.judge, norm_layer="batch")
    begins = min(round(config.adversarial * config.steps), config.steps - 1)
    paints = torch.optim.Adam(groups(bare, config.rate, config.textures), betas=(0.5, 0.99))
    judges = torch.optim.Adam(judging.parameters(), config.rate, betas=(0.5, 0.99))
    painter, judge, paints, judges = loop.prepare(bare, judging, paints, judges)

    for step in loop.steps(kept):
        loop.slow(half_cosine(step / config.steps), paints)
        drawings, places, who, truth, weight = draw_batch(frames, bare, config)
        made = painter(drawings, places, who)
        loss = config.l1 / 2 * (weight * (made - truth).abs()).mean()  # the paper's pictures lie in [0, 1] for L1
        loop.log(L1=loss)
        if step >= begins and config.adversarial < 1:
            seen = [parts(torch.cat([drawings, each], dim=1), places, config.patch) for each in (made, truth)]
            loop.slow(half_cosine((step - begins) / (config.steps - begins)), judges)
            judging.requires_grad_(True)
            wrong = (against(judge(seen[0].detach()), 0) + against(judge(seen[1]), 1)) / 2
            loop.update(wrong, judges, judge, clip=1.0)
            judging.requires_grad_(False)
            with loop.accelerator.autocast():
                fooled = against(judging(seen[0]), 1)
            loop.log(judge=wrong, GAN=fooled)
            loss = loss + fooled
        loop.update(loss, paints, painter, clip=5.0)
    loop.finish(kept)


def against(verdicts: Tensor, answer: float) -> Tensor:
    """Binary cross entropy of patches that are all real (1) or all made (0)."""
    return functional.binary_cross_entropy_with_logits(verdicts, torch.full_like(verdicts, answer))


if __name__ == "__main__":
    start(main, Config, PRESETS)
