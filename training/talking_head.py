"""Teach the talking head to make a face it has never seen do what points say, from one photo or a few.

    python training/talking_head.py --data heads/ --portraits portraits/ paintings/ --output runs/talking_head \\
        --consent synthetic "public domain" --statement "None of them exists" "Painted before 1926"
    python training/talking_head.py --data heads/ --output runs/small --preset embedding ...

Meta-learning, as in Zakharov et al. 2019, "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models": each
step shows a few pictures of each of some people and asks for one more. A person's pictures are a "video": their
portrait, moved by facezoo's motion engine (rendered once into --data, one person in twenty held back), or a folder of
real ones, id/video/clip.mp4 as VoxCeleb comes, below --portraits. What all trainings share, stopping and going on:
facezoo.train.loop. The discriminator sets in late, or not at all: it doubles the cost of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import DistributedDataParallelKwargs
from torch import Tensor
from torch.nn.functional import relu

from facezoo.methods.talking_head.content import Content
from facezoo.methods.talking_head.learning import compare
from facezoo.methods.talking_head.model import Discriminator
from facezoo.methods.talking_head.videos import Batch, draw_batch
from facezoo.train.config import RunConfig, one_of, start
from facezoo.train.loop import Loop
from facezoo.train.talking_head import NETWORKS, gather_videos, kept_talker, new_talker


@dataclass(frozen=True, kw_only=True)
class Config(RunConfig):
    """Meta-learn a talking head."""

    data: Path
    """Folder of videos, train/*.npz and held_back/*.npz, rendered or read when there are none."""
    portraits: tuple[Path, ...] = ()
    """Folders of portraits to be moved, and of videos."""
    frames: int = 14
    """Pictures of each person."""
    network: str = "bilayer"
    """bilayer, embedding (the paper's, small) or paper."""
    steps: int = 20_000
    """Steps of the optimisers."""
    batch: int = 4
    """People a step; fewer when more than two pictures of each are shown."""
    average: float = 0.998
    """Decay of the running mean of the weights, which is what is kept."""
    photos: int = 4
    """Most pictures of each that are shown; half of the steps show one."""
    rate: float = 3e-4
    """Of Adam, for embedder and generator."""
    judge_rate: float = 3e-4
    """Of Adam, for the discriminator."""
    adversarial: float = 1.0
    """Share of the steps after which the discriminator takes part; 1 is never, 0 as in the paper."""
    content: float = 0.05
    """Weight of the content loss."""
    against: float = 0.01
    """Weight of the discriminator's verdict."""
    matching: float = 0.1
    """Weight of the match of its features, and a tenth of it of the embeddings'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, "network", NETWORKS)


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "embedding": {"network": "embedding"},
    "paper": {"network": "paper", "photos": 8, "rate": 5e-5, "judge_rate": 2e-4, "adversarial": 0.0,
              "content": 1.0, "against": 1.0, "matching": 10.0, "steps": 400_000, "threads": 8},
}  # fmt: skip


RESTING = DistributedDataParallelKwargs(find_unused_parameters=True)  # what a batch does not need


def main(config: Config) -> None:
    """Read or render the videos, train, measure, save."""
    names = ("l1", "content", "coarse", "carried", "trust", "smooth", "judge", "verdict", "features", "embedding")
    loop = Loop("talking_head", config, losses=names, kwargs_handlers=[RESTING])
    sides = NETWORKS[config.network]["embedder"]
    videos, held = (gather_videos(config.data, part, config.portraits, config.frames, sides["in_height"])
                    for part in ("train", "held_back"))  # fmt: skip
    bare = new_talker(config.network, config.init_from)
    loop.say(f"{len(videos)} people, {sum(map(torch.numel, bare.parameters())):,} parameters")
    kept = kept_talker(loop.averaged(bare), held, config)
    judging = Discriminator(len(videos), False, sides["in_height"], sides.get("channels", 64), sides.get("inside", 256))
    begins = round(config.adversarial * config.steps)
    paints, judges = (torch.optim.Adam(each.parameters(), rate, betas=(0.5, 0.99))
                      for each, rate in ((bare, config.rate), (judging, config.judge_rate)))  # fmt: skip
    talker, judge, paints, judges = loop.prepare(bare, judging, paints, judges)
    content = Content().to(loop.accelerator.device)

    for step in loop.steps(kept):
        shown = int(torch.randint(2, config.photos + 1, ())) if torch.rand(()) < 0.5 and config.photos > 1 else 1
        drawn = draw_batch(videos, max(min(2, config.batch), config.batch // (1 + shown // 3)), shown)
        batch = Batch(**{name: each.to(loop.accelerator.device) for name, each in vars(drawn).items()})
        made, e = talker(batch)
        terms = compare(made, batch, content, config.content)
        if step >= begins:
            judging.requires_grad_(True)
            for _ in range(2):
                wrong = hinge(judge, batch, made["picture"].detach())
                loop.update(wrong, judges, judge)
                loop.log(judge=wrong)
            judging.requires_grad_(False)
            terms |= judged(judging, batch, made["picture"], e, config)
        loop.log(**terms)
        loop.update(torch.stack(list(terms.values())).sum(), paints, talker, clip=5.0)
    loop.finish(kept)


def hinge(judge: Any, batch: Batch, picture: Tensor) -> Tensor:
    """What the discriminator learns from: true pictures above 1, made ones below -1."""
    real, _ = judge(batch.truth, batch.drawing, batch.who)
    fake, _ = judge(picture, batch.drawing, batch.who)
    return relu(1 - real).mean() + relu(1 + fake).mean()


def judged(judge: Discriminator, batch: Batch, picture: Tensor, e: Tensor, config: Config) -> dict[str, Tensor]:
    """The discriminator's verdict on pictures, how its features match those of the truth, and how the embeddings match
    its columns."""
    verdict, maps = judge(picture, batch.drawing, batch.who)
    with torch.no_grad():
        _, wanted = judge(batch.truth, batch.drawing, batch.who)
    features = torch.stack([(a - b).abs().mean() for a, b in zip(maps, wanted, strict=True)]).mean()
    columns = judge.W_i[:, batch.who].T[..., None].detach()
    return {"verdict": -config.against * verdict.mean(), "features": config.matching * features,
            "embedding": 0.1 * config.matching * (columns - e).abs().mean()}  # fmt: skip


if __name__ == "__main__":
    start(main, Config, PRESETS)
