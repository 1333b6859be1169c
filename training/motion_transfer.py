"""Teach the repair network of motion_transfer to mend what a warp damages.

    python training/motion_transfer.py --data portraits/ --output runs/motion_transfer

needs nothing but portraits: each is moved at random and moved back (facezoo.train.pairs), and the network learns to
undo the damage. Source of the loss: Burt & Adelson 1983, "The Laplacian Pyramid as a Compact Image Code" (equation 6).
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import set_seed
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from facezoo.methods.motion_transfer.model import RepairNetwork
from facezoo.train.accelerator import new_accelerator
from facezoo.train.checkpoint import load_checkpoint, save_checkpoint
from facezoo.train.config import parse
from facezoo.train.data import Shards, find_people, render_shards
from facezoo.train.pairs import pair_jobs, render_pairs
from facezoo.train.publish import publish_folder, read_data, record_of
from facezoo.train.score import damage_scores, summary


@dataclass(frozen=True)
class Config:
    """Train the repair network of motion_transfer."""

    data: Path
    """Folder of portraits and paintings, searched with its subfolders."""
    output: Path
    """Folder for pairs, checkpoints, pictures, metrics.json and final/, the weights."""
    validation: str = ""
    """Folder of pictures to be measured on; without it every 20th picture of `data` is kept back."""
    steps: int = 9000
    """Steps of the optimiser."""
    batch: int = 12
    """Pairs a step."""
    side: int = 128
    """Side in pixels of the part of each 256 px pair that is learned from, a multiple of 16."""
    pairs: int = 4
    """Pairs rendered of each picture."""
    rate: float = 5e-4
    """Learning rate of Adam at the start; it falls to 0 along half a cosine."""
    widths: tuple[int, ...] = (24, 48, 96, 128)
    """Channels of the network at 1/2, 1/4, 1/8 ... of the crop's side."""
    blocks: int = 1
    """Residual blocks at each of them, on both ways."""
    laplacian: float = 1.0
    """Weight of the difference of the Laplacian pyramids."""
    inside: float = 3.0
    """How much more the pixels between the lips count: they are few."""
    contrast: float = 4.0
    """Weight of the difference of local contrast, which keeps grain and brush strokes from being smoothed away."""
    minutes: float = 10.0
    """Time between checkpoints, and between validation pictures."""
    processes: int = 1
    """Processes that render pairs."""
    threads: int = 2
    """Threads of torch."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with the weights to begin with."""
    push: str = ""
    """Hub repository owner/name that the weights are uploaded to at the end; needs --data-record."""
    data_record: str = ""
    """JSON file that says of each data set its name, licence, consent and statement."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if self.side % 2 ** len(self.widths) or not 0 < self.side <= 256:
            raise ValueError(f"--side must be a multiple of {2 ** len(self.widths)} up to 256, not {self.side}")
        if self.push:
            read_data(self.data_record)


PRESETS = {"cpu": {}, "paper": {"steps": 200_000, "batch": 32, "side": 256, "pairs": 16, "widths": (48, 96, 192, 256),
                                "blocks": 2, "rate": 2e-4, "processes": 8, "threads": 8}}  # fmt: skip


def main(config: Config) -> None:
    """Render pairs, train, measure, save."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    training, held_out = make_pairs(config)
    loader = DataLoader(training, config.batch, shuffle=True, drop_last=len(training) >= config.batch)
    network = RepairNetwork(widths=config.widths, blocks=config.blocks)
    if config.init_from:
        network.load_state_dict(RepairNetwork.from_pretrained(config.init_from, torch_dtype=torch.float32).state_dict())
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), config.rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    accelerator = new_accelerator()
    network, optimizer, loader, schedule = accelerator.prepare(network, optimizer, loader, schedule)
    checkpoints = config.output / "checkpoints"
    step = load_checkpoint(checkpoints, accelerator, config.resume)
    endless = itertools.chain.from_iterable(itertools.repeat(loader))
    begun, saved, losses = time.monotonic(), time.monotonic(), []
    while step < config.steps:
        truth, warped, maps, weight = augment(next(endless), config.side)
        residual, confidence = network(warped, maps)
        mended = warped + weight * confidence * residual
        loss = loss_of(mended, truth, weight * (1 + config.inside * maps[:, 2:]), config)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        step += 1
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step}  loss {np.mean(losses[-100:]):.4f}  rate {schedule.get_last_lr()[0]:.1e}", flush=True)
        if time.monotonic() - saved > 60 * config.minutes:
            save_checkpoint(checkpoints, accelerator, step)
            draw(accelerator.unwrap_model(network), held_out, config.output / f"step_{step:06d}.png")
            saved = time.monotonic()

    save_checkpoint(checkpoints, accelerator, step)
    final = config.output / "final"
    accelerator.unwrap_model(network).to(torch.float16).save_pretrained(final)
    network = RepairNetwork.from_pretrained(final, torch_dtype=torch.float32)  # what is measured is what is shipped
    draw(network, held_out, config.output / "final.png")
    metrics = measure(network, held_out)
    (config.output / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(json.dumps(metrics["all"], indent=2))
    if config.push:
        record = record_of("motion_transfer", config, step, time.monotonic() - begun, metrics, ("mended", "damaged"))
        print(publish_folder(final, config.push, "# The repair network of facezoo's motion_transfer\n", record))


def make_pairs(config: Config) -> tuple[Shards, Shards]:
    """The pairs to learn from, and those of other people to be measured on."""
    people = find_people(config.data)
    held_out = find_people(Path(config.validation)) if config.validation else people[::20]
    people = people if config.validation else [each for i, each in enumerate(people) if i % 20] or people
    begun = time.monotonic()
    shards = [
        render_shards(config.output / "pairs" / name, pair_jobs(who, count, config.seed + i), render_pairs,
                      config.processes)
        for i, (name, who, count) in enumerate((("train", people, config.pairs), ("validation", held_out, 3)))
    ]  # fmt: skip
    counts = [len(each) for each in shards]
    print(f"{counts[0]} + {counts[1]} pairs, {sum(counts) / (time.monotonic() - begun):.1f} a second", flush=True)
    return shards[0], shards[1]


def split(records: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(B, S, S, 10) uint8 to truth and damaged picture (B, 3, S, S) in [-1, 1], maps (B, 3, S, S) and weight
    (B, 1, S, S) in [0, 1], all float32."""
    planes = records.permute(0, 3, 1, 2).float()
    return planes[:, :3] / 127.5 - 1, planes[:, 3:6] / 127.5 - 1, planes[:, 6:9] / 255, planes[:, 9:] / 255


def augment(records: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A part of each pair around a damaged pixel, mirrored half of the time, in another light and tint.

    In half of the pairs that pixel lies in the mouth, where there is one to be seen: few are open."""
    parts: list[Tensor] = []
    for record in records:
        wrong = record[..., 9] > 127
        damaged, mouth = torch.nonzero(wrong), torch.nonzero(wrong & (record[..., 8] > 127))
        damaged = mouth if len(mouth) > 100 and torch.rand(()) < 0.5 else damaged
        middle = damaged[torch.randint(len(damaged), ())] if len(damaged) else torch.tensor([128, 128])
        top, left = (middle - side // 2).clamp(0, len(record) - side).tolist()
        parts.append(record[top : top + side, left : left + side])
    part = torch.stack(parts)
    part = torch.where(torch.rand(len(part), 1, 1, 1) < 0.5, part.flip(2), part)
    truth, warped, maps, weight = split(part)
    gain = 1 + 0.3 * (torch.rand(len(part), 1, 1, 1) - 0.5) + 0.16 * (torch.rand(len(part), 3, 1, 1) - 0.5)
    grey = (torch.rand(len(part), 1, 1, 1) < 0.1).float()
    both = ((torch.stack([truth, warped]) + 1) * gain).clamp(0, 2) - 1
    both = torch.lerp(both, both.mean(dim=2, keepdim=True).expand_as(both), grey)
    return both[0], both[1], maps, weight


def loss_of(mended: Tensor, truth: Tensor, weight: Tensor, config: Config) -> Tensor:
    """L1, its Laplacian pyramid, and local contrast, each averaged over the damaged pixels."""
    share = weight / (weight.sum() + 1)
    loss = (share * (mended - truth).abs()).sum() / 3
    ours, theirs = mended, truth
    for level in range(3):
        (fine, ours), (fine_truth, theirs) = band(ours), band(theirs)
        near = functional.avg_pool2d(share, 2**level) * 4**level if level else share
        loss = loss + config.laplacian * (near * (fine - fine_truth).abs()).sum() / 3
        loss = loss + config.contrast * (near * (contrast(fine) - contrast(fine_truth)).abs()).sum() / 3
    return loss


def band(picture: Tensor) -> tuple[Tensor, Tensor]:
    """One level of a Laplacian pyramid: details (B, C, S, S), and the picture at half the size."""
    half = functional.avg_pool2d(picture, 2)
    return picture - functional.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False), half


def contrast(details: Tensor) -> Tensor:
    """Root mean square of details in 7 x 7 pixels."""
    return (functional.avg_pool2d(details**2, 7, stride=1, padding=3) + 1e-5).sqrt()


@torch.inference_mode()
def mend(network: RepairNetwork, records: Tensor) -> np.ndarray:
    """(B, S, S, 10) uint8 to the mended pictures (B, S, S, 3) RGB uint8."""
    _, warped, maps, weight = split(records.to(network.device))
    residual, confidence = network(warped, maps)
    mended = (warped + weight * confidence * residual + 1) * 127.5
    return mended.clamp(0, 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def draw(network: RepairNetwork, held_out: Shards, path: Path, rows: int = 12) -> None:
    """A picture of held-out pairs, one a row: stretch, hidden and inside as colours | damaged | mended | truth."""
    shown: list[np.ndarray] = []
    for number in np.linspace(0, len(held_out) - 1, min(rows, len(held_out))).astype(int).tolist():
        record = held_out[number]
        mended = mend(network, torch.from_numpy(record[None]))[0]
        shown.append(np.hstack([record[..., 6:9], record[..., 3:6], mended, record[..., :3]]))
    Image.fromarray(np.vstack(shown)).save(path)


def measure(network: RepairNetwork, held_out: Shards) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Part of the face -> score -> means of the damaged and the mended pictures, and of the difference, with intervals.

    Each picture's damaged pixels count as one value."""
    found = defaultdict[str, list[tuple[dict[str, float], dict[str, float]]]](list)
    for number in range(len(held_out)):
        record = held_out[number]
        mended = mend(network, torch.from_numpy(record[None]))[0]
        weight, inside = (record[..., i].astype(np.float32) / 255 for i in (9, 8))
        truth = record[..., :3]
        for part, share in {"all": weight, "skin": weight * (inside == 0), "mouth": weight * inside}.items():
            if share.sum() > (100 if part == "mouth" else 30):
                found[part].append((damage_scores(record[..., 3:6], truth, share), damage_scores(mended, truth, share)))
    return {part: summary(pairs) for part, pairs in found.items()}


if __name__ == "__main__":
    main(parse(Config, PRESETS, sys.argv[1:]))
