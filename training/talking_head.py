"""Teach the talking head to make a face it has never seen do what points say, from one photo or a few.

    python training/talking_head.py --data heads/ --portraits portraits/ paintings/ --output runs/talking_head
    python training/talking_head.py --data voxceleb/ --output runs/talking_head --preset embedding

Meta-learning, as in Zakharov et al. 2019, "Few-Shot Adversarial Learning of Realistic Neural Talking Head Models": each
step shows a few pictures of each of some people and asks for one more. A person's pictures are a "video": their
portrait, moved by facezoo's motion engine (rendered once into --data), or real ones. Every step depends on the seed and
its number alone, so a run that was stopped goes on to the same weights.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import set_seed
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import relu

from facezoo.methods.talking_head.bilayer import Bilayer
from facezoo.methods.talking_head.content import Content
from facezoo.methods.talking_head.model import Discriminator, Embedder, Generator
from facezoo.methods.talking_head.videos import Batch, draw_batch, judged_part
from facezoo.train.checkpoint import load_checkpoint, new_accelerator, save_checkpoint
from facezoo.train.config import parse
from facezoo.train.loop import follow
from facezoo.train.talking_head import gather_videos, score, sheet

NETWORKS: dict[str, dict[str, dict[str, Any]]] = {
    "bilayer": {"embedder": {"in_height": 128, "inside": 128, "channels": 16}, "generator": {}},
    "embedding": {"embedder": {"in_height": 128, "inside": 128, "channels": 20},
                  "generator": {"in_height": 128, "inside": 128, "channels": 20}},
    "paper": {"embedder": {"in_height": 256}, "generator": {"in_height": 256}},
}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Meta-learn a talking head."""

    data: Path
    """Folder of videos: train/*.npz and held_back/*.npz as rendered, or id/video/clip.mp4 as VoxCeleb comes."""
    output: Path
    """Folder for checkpoints, previews and the finished weights."""
    portraits: tuple[Path, ...] = ()
    """Folders of portraits that are moved to make the videos, when --data has none yet."""
    frames: int = 14
    """Pictures of each portrait."""
    network: str = "bilayer"
    """bilayer, embedding (the paper's, small) or paper."""
    steps: int = 200_000
    """Steps in all."""
    hours: float = 0.0
    """Time after which this run stops with a checkpoint; 0 for none."""
    batch: int = 8
    """People a step."""
    photos: int = 4
    """Most pictures of each that are shown; half of the steps show one."""
    rate: float = 4e-4
    """Of Adam, for embedder and generator."""
    judge_rate: float = 4e-4
    """Of Adam, for the discriminator."""
    judge: int = 16
    """Channels of the discriminator."""
    adversarial: int = 200_000
    """Step from which the discriminator takes part."""
    content: float = 0.05
    """Weight of the content loss."""
    against: float = 0.01
    """Weight of the discriminator's verdict."""
    matching: float = 0.1
    """Weight of the match of its features, and of the embeddings."""
    average: float = 0.998
    """Of the running mean of the weights, which is what is kept."""
    minutes: float = 10.0
    """Time between checkpoints, and between pictures."""
    threads: int = 2
    """Threads of torch."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with embedder/ and generator/ to begin with."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ValueError(f"--network must be one of {', '.join(NETWORKS)}")


PRESETS = {"cpu": {}, "embedding": {"network": "embedding"},
           "paper": {"network": "paper", "photos": 8, "rate": 5e-5, "judge_rate": 2e-4, "judge": 64, "adversarial": 0,
                     "content": 1.0, "against": 1.0, "matching": 10.0, "threads": 8}}  # fmt: skip


class Talker(nn.Module):
    """Embedder and generator as one: a batch in, pictures out."""

    def __init__(self, embedder: Embedder, generator: Bilayer | Generator) -> None:
        super().__init__()
        self.embedder, self.generator = embedder, generator

    def forward(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The pictures (B, 3, S, S), and what they are made of where they are layered, and the embeddings (B, E, 1)."""
        count = batch.photos.shape[1]
        e = self.embedder(batch.photos.flatten(0, 1), batch.drawings.flatten(0, 1))
        e = e.unflatten(0, (-1, count)).mean(dim=1)
        if isinstance(self.generator, Bilayer):
            return vars(self.generator(batch.drawing, batch.points, batch.photos, batch.seen, e)), e
        return {"picture": self.generator(batch.drawing, e)}, e


def main(config: Config) -> None:
    """Read or render the videos, train, measure, save."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    videos = gather_videos(config.data, "train", config.portraits, config.frames, side_of(config))
    held = gather_videos(config.data, "held_back", config.portraits, config.frames, side_of(config))
    talker = Talker(*make_networks(config))
    average, content = copy.deepcopy(talker).requires_grad_(False), Content()
    judge = Discriminator(len(videos), False, side_of(config), config.judge,
                          NETWORKS[config.network]["embedder"].get("inside", 256))  # fmt: skip
    print(f"{len(videos)} videos, {sum(map(torch.numel, talker.parameters())):,} parameters", flush=True)
    optimizers = [torch.optim.Adam(each.parameters(), rate, betas=(0.5, 0.99))
                  for each, rate in ((talker, config.rate), (judge, config.judge_rate))]  # fmt: skip
    accelerator = new_accelerator()
    talker, average, judge, content, *optimizers = accelerator.prepare(talker, average, judge, content, *optimizers)
    checkpoints = config.output / "checkpoints"
    step = load_checkpoint(checkpoints, accelerator, config.resume)

    begun, start, saved, losses = time.monotonic(), step, time.monotonic(), list[dict[str, float]]()
    while step < config.steps and not 0 < config.hours * 3600 < time.monotonic() - begun:
        torch.manual_seed((config.seed * config.steps + step) * accelerator.num_processes + accelerator.process_index)
        count = 1 if torch.rand(()) < 0.5 else int(torch.randint(2, config.photos + 1, ())) if config.photos > 1 else 1
        drawn = draw_batch(videos, max(2, config.batch // (1 + count // 3)), count)
        batch = Batch(**{name: each.to(accelerator.device) for name, each in vars(drawn).items()})
        made, e = talker(batch)
        terms = compare(made, batch, content, config)
        if step >= config.adversarial:
            terms |= judged(made["picture"], batch, e, judge, optimizers[1], accelerator, config)
        loss = torch.stack(list(terms.values())).sum()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(talker.parameters(), 5.0)
        optimizers[0].step()
        optimizers[0].zero_grad()
        step += 1
        follow(accelerator.unwrap_model(average), accelerator.unwrap_model(talker), step, config.average)
        losses.append({name: value.item() for name, value in terms.items()} | {"all": loss.item()})
        if not np.isfinite(losses[-1]["all"]):
            raise SystemExit(f"The loss of step {step} is not a number: lower --rate and go on from a checkpoint.")
        if step % 25 == 0:
            pace = (time.monotonic() - begun) / (step - start)
            told = "  ".join(
                f"{name} {np.mean([each.get(name, 0) for each in losses[-25:]]):.4f}" for name in losses[-1]
            )
            print(f"step {step}  {told}  {pace:.2f} s a step", flush=True)
        if time.monotonic() - saved > 60 * config.minutes and accelerator.is_main_process:
            save_checkpoint(checkpoints, accelerator, step)
            preview(accelerator.unwrap_model(average), held, config, step)
            keep(accelerator.unwrap_model(average), config, step, time.monotonic() - begun)
            saved = time.monotonic()

    if accelerator.is_main_process:
        save_checkpoint(checkpoints, accelerator, step)
        preview(accelerator.unwrap_model(average), held, config, step)
        keep(accelerator.unwrap_model(average), config, step, time.monotonic() - begun)


def compare(made: dict[str, Tensor], batch: Batch, content: Content, config: Config) -> dict[str, Tensor]:
    """What pictures are told by the truth: pixels of the result and of its layers, content of a part, and that the
    warp is mended no more than needed."""
    weight = batch.weight / batch.weight.mean()
    terms = {"l1": (weight * (made["picture"] - batch.truth).abs()).mean()}
    part, true = judged_part(made["picture"], batch), judged_part(batch.truth, batch)
    terms["content"] = config.content * content(part, true)
    if "coarse" in made:
        terms["coarse"] = 0.3 * (weight * (made["coarse"] - batch.truth).abs()).mean()
        terms["carried"] = 0.3 * (weight * (made["carried"] - batch.truth).abs()).mean()
        mends = made["mends"]
        rough = mends.diff(dim=2).abs().mean() + mends.diff(dim=3).abs().mean()
        terms["smooth"] = 0.5 * rough
    return terms


def judged(
    picture: Tensor, batch: Batch, e: Tensor, judge: Any, optimizer: Any, accelerator: Any, config: Config
) -> dict[str, Tensor]:
    """Two steps of the discriminator, hinge; then its verdict on the pictures, how its features match, and how the
    embeddings match its columns."""
    judge.requires_grad_(True)
    for _ in range(2):
        real, _ = judge(batch.truth, batch.drawing, batch.who)
        fake, _ = judge(picture.detach(), batch.drawing, batch.who)
        accelerator.backward(relu(1 - real).mean() + relu(1 + fake).mean())
        optimizer.step()
        optimizer.zero_grad()
    judge.requires_grad_(False)
    verdict, maps = judge(picture, batch.drawing, batch.who)
    with torch.no_grad():
        _, wanted = judge(batch.truth, batch.drawing, batch.who)
    features = torch.stack([(a - b).abs().mean() for a, b in zip(maps, wanted, strict=True)]).mean()
    columns = accelerator.unwrap_model(judge).W_i[:, batch.who].T[..., None]
    alike = (columns.detach() - e).abs().mean()
    return {"verdict": -config.against * verdict.mean(), "features": config.matching * features,
            "embedding": 0.1 * config.matching * alike}  # fmt: skip


def make_networks(config: Config) -> tuple[Embedder, Bilayer | Generator]:
    """Embedder and generator, new or as in --init-from."""
    kind = Bilayer if config.network == "bilayer" else Generator
    if config.init_from:
        folder = Path(config.init_from)
        return (Embedder.from_pretrained(folder / "embedder").float(),
                kind.from_pretrained(folder / "generator").float())  # fmt: skip
    sizes = NETWORKS[config.network]
    return Embedder(**sizes["embedder"]), kind(**sizes["generator"])


def side_of(config: Config) -> int:
    """Side of the pictures, px."""
    return int(NETWORKS[config.network]["embedder"]["in_height"])


def preview(average: Talker, held: Any, config: Config, step: int) -> None:
    """A picture of people held back, and how well it went."""
    average.eval()
    Image.fromarray(sheet(average, held)).save(config.output / f"step_{step:06d}.png")
    found = score(average, held)
    print(f"step {step}  held back: " + "  ".join(f"{name} {value:.4f}" for name, value in found.items()), flush=True)


def keep(average: Talker, config: Config, step: int, seconds: float) -> None:
    """Save the averaged weights as float16 to output/final."""
    networks: dict[str, Any] = {"embedder": average.embedder, "generator": average.generator}
    for name, network in networks.items():
        copy.deepcopy(network).to(torch.float16).save_pretrained(config.output / "final" / name)
    told = {"config": json.loads(json.dumps(asdict(config), default=str)), "steps": step, "seconds": round(seconds)}
    (config.output / "final.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main(parse(Config, PRESETS, sys.argv[1:]))
