"""Teach one encoder and a decoder for each persona to swap faces.

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/pairs/$who --portrait $who \\
            --anyone portraits/ --pairs 2000 --size 128
    done
    python training/deepfakes.py --data runs/pairs --output runs/deepfakes

Two recipes. classic, that of 2017: every decoder learns to rebuild its own person from warped pictures of that person,
and is then asked to decode anyone. paired: it also sees anyone, and is told what the persona looks like who does the
same, which pairs rendered from two portraits show. Every step depends on the seed and its number alone, so that a run
that was stopped goes on to the very same weights.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from PIL import Image
from torch import Tensor
from torch.nn import functional

from facezoo.methods.deepfakes.model import PRESETS as NETWORKS
from facezoo.methods.deepfakes.model import Autoencoder
from facezoo.methods.deepfakes.window import LEFT, TOP
from facezoo.train.checkpoint import load_checkpoint, save_checkpoint
from facezoo.train.config import parse
from facezoo.train.faces import FacePairs, find_pairs, spoil, turn_grid, warp_grid
from facezoo.train.score import bootstrap, damage_scores


@dataclass(frozen=True)
class Config:
    """Train the autoencoder of deepfakes."""

    data: Path
    """Folder of pairs, one subfolder a person, each with train/ and held_back/."""
    output: Path
    """Folder for checkpoints, pictures, metrics.json and final/, the weights."""
    people: tuple[str, ...] = ("imani", "joss", "orla", "tarek")
    """Subfolders of `data`: who gets a decoder."""
    recipe: str = "paired"
    """paired or classic."""
    network: str = "cpu"
    """cpu or paper: see facezoo.methods.deepfakes.model."""
    steps: int = 3000
    """Steps of the optimiser."""
    batch: int = 8
    """Pictures a step for each person."""
    own: float = 0.2
    """Share of these in which the persona is the input too; paired alone."""
    warp: float = 0.02
    """Strength of the 5 x 5 warp of the input, in shares of the picture's side."""
    rate: float = 8e-4
    """Learning rate of Adam at the start; it falls to 0 along half a cosine."""
    similarity: float = 0.5
    """Weight of 1 - SSIM beside L1."""
    features: float = 3.0
    """How much more eyes, brows and mouth count."""
    around: float = 0.1
    """How much what is not the face counts."""
    minutes: float = 10.0
    """Time between checkpoints, and between pictures."""
    threads: int = 2
    """Threads of torch."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with the weights to begin with."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if self.recipe not in ("paired", "classic") or self.network not in NETWORKS:
            raise ValueError("--recipe must be paired or classic, --network cpu or paper")


PRESETS = {"cpu": {}, "paper": {"network": "paper", "recipe": "classic", "steps": 200_000, "batch": 32, "rate": 5e-5,
                                "similarity": 0.0, "threads": 8}}  # fmt: skip


def main(config: Config) -> None:
    """Read pairs, train, measure, save."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    people = (*config.people, "anyone") if config.recipe == "classic" else config.people
    network = Autoencoder(**{**NETWORKS[config.network], "people": people})
    training, held_back = (
        find_pairs(config.data, config.people, each, network.side) for each in ("train", "held_back")
    )
    print(f"{sum(map(len, training))} + {sum(map(len, held_back))} pairs", flush=True)
    if config.init_from:
        network.load_state_dict(Autoencoder.from_pretrained(config.init_from, torch_dtype=torch.float32).state_dict())
    network.to(memory_format=torch.channels_last)
    side = network.side
    optimizer = torch.optim.Adam(network.parameters(), config.rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    accelerator = Accelerator()
    network, optimizer, schedule = accelerator.prepare(network, optimizer, schedule)
    checkpoints = config.output / "checkpoints"
    step = load_checkpoint(checkpoints, accelerator, config.resume)

    saved, losses = time.monotonic(), []
    while step < config.steps:
        torch.manual_seed((config.seed * config.steps + step) * accelerator.num_processes + accelerator.process_index)
        faces, truth, labels = (each.to(accelerator.device) for each in draw_batch(training, side, config))
        pictures, masks = network(faces)
        loss = loss_of(pictures.flatten(0, 1), masks.flatten(0, 1), truth, labels, config)
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        step += 1
        losses.append(loss.item())
        if not np.isfinite(losses[-1]):
            raise SystemExit(f"The loss of step {step} is {losses[-1]}: lower --rate and go on from a checkpoint.")
        if step % 50 == 0:
            print(f"step {step}  loss {np.mean(losses[-50:]):.4f}  rate {schedule.get_last_lr()[0]:.1e}", flush=True)
        if time.monotonic() - saved > 60 * config.minutes and accelerator.is_main_process:
            save_checkpoint(checkpoints, accelerator, step)
            sheet(accelerator.unwrap_model(network), held_back, config, config.output / f"step_{step:06d}.png")
            saved = time.monotonic()

    if accelerator.is_main_process:
        save_checkpoint(checkpoints, accelerator, step)
        finish(accelerator.unwrap_model(network), held_back, config)


def draw_batch(training: Sequence[FacePairs], side: int, config: Config) -> tuple[Tensor, Tensor, Tensor]:
    """Warped faces (P, B, 3, S, S), what is to be made of them (P B, 3, S, S), both float32 in [-1, 1], and labels of
    that (P B, S, S) uint8."""
    inputs, truths, labels = [], [], []
    for pairs in training:
        chosen = torch.randint(len(pairs), (config.batch,)).numpy()
        persona = pairs.persona[chosen]
        own = (
            np.ones(config.batch, bool) if config.recipe == "classic" else torch.rand(config.batch).numpy() < config.own
        )
        inputs.append(np.where(own[:, None, None, None], persona, pairs.anyone[chosen]))
        truths.append(persona)
        labels.append(pairs.labels[chosen])
    if config.recipe == "classic":  # the decoder of everybody else; a pair's faces are alike, so its labels serve
        pairs = training[int(torch.randint(len(training), ()))]
        chosen = torch.randint(len(pairs), (config.batch,)).numpy()
        inputs.append(pairs.anyone[chosen])
        truths.append(pairs.anyone[chosen])
        labels.append(pairs.labels[chosen])
    faces, truth = (torch.from_numpy(np.concatenate(each)).permute(0, 3, 1, 2) / 127.5 - 1 for each in (inputs, truths))
    where = torch.from_numpy(np.concatenate(labels))[:, None].float()
    grid = turn_grid(len(faces), side)
    warped = grid + warp_grid(len(faces), side, config.warp)
    faces = functional.grid_sample(faces, warped, "bilinear", "reflection", align_corners=False)
    truth = functional.grid_sample(truth, grid, "bicubic", "reflection", align_corners=False).clamp(-1, 1)
    where = functional.grid_sample(where, grid, "nearest", "reflection", align_corners=False)
    return spoil(faces).unflatten(0, (-1, config.batch)), truth, where[:, 0].round().byte()


def loss_of(pictures: Tensor, masks: Tensor, truth: Tensor, labels: Tensor, config: Config) -> Tensor:
    """L1 and 1 - SSIM where the face is, more so on eyes, brows and mouth, and the mask's cross entropy.

    pictures, truth: (N, 3, S, S) in [-1, 1]; masks: (N, 1, S, S) logits; labels: (N, S, S) uint8."""
    labels = labels[:, None]
    face = ((labels >= 2) & (labels <= 7)).float()
    weight = config.around + (1 - config.around) * face + config.features * ((labels >= 3) & (labels <= 7)).float()
    weight = weight / weight.mean()
    loss = (weight * (pictures - truth).abs()).mean()
    if config.similarity:
        near = functional.avg_pool2d(weight, 8, stride=2)
        loss = loss + config.similarity * (near * (1 - similarity(pictures, truth))).mean()
    return loss + 0.1 * functional.binary_cross_entropy_with_logits(masks, face)


def similarity(ours: Tensor, theirs: Tensor) -> Tensor:
    """SSIM of 8 x 8 px blocks, every second one (Wang et al. 2004, eq. 13). (N, 3, S, S) in [-1, 1]."""
    mean, other = functional.avg_pool2d(ours, 8, stride=2), functional.avg_pool2d(theirs, 8, stride=2)
    moments = [functional.avg_pool2d(a * b, 8, stride=2) for a, b in ((ours, ours), (theirs, theirs), (ours, theirs))]
    variance = moments[0] - mean**2 + moments[1] - other**2
    covariance = moments[2] - mean * other
    c1, c2 = 0.02**2, 0.06**2
    return (2 * mean * other + c1) * (2 * covariance + c2) / ((mean**2 + other**2 + c1) * (variance + c2))


@torch.inference_mode()
def decode(network: Autoencoder, crops: np.ndarray, person: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, D, D, 3) uint8 aligned crops to what the network sees of them and what it makes, (N, S, S, 3) RGB uint8."""
    start = [round(part * crops.shape[1]) for part in (TOP, LEFT)]
    window = crops[:, start[0] : start[0] + network.side, start[1] : start[1] + network.side]
    picture, _ = network.swap(torch.from_numpy(window).permute(0, 3, 1, 2).to(network.device) / 127.5 - 1, person)
    return window, ((picture + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def sheet(network: Autoencoder, held_back: Sequence[FacePairs], config: Config, path: Path, rows: int = 10) -> None:
    """A picture of held-back faces, for each person: input | decoded | the truth, side by side."""
    columns: list[np.ndarray] = []
    for person, pairs in zip(config.people, held_back, strict=True):
        chosen = np.linspace(0, len(pairs) - 1, min(rows, len(pairs))).astype(int)
        window, made = decode(network, pairs.anyone[chosen], person)
        truth, _ = decode(network, pairs.persona[chosen], person)
        columns += [np.vstack(list(each)) for each in (window, made, truth)]
    Image.fromarray(np.hstack(columns)).save(path)


def finish(network: Autoencoder, held_back: Sequence[FacePairs], config: Config) -> None:
    """Save the weights as float16 and measure them on the pairs held back."""
    final = config.output / "final"
    network.to(torch.float16).save_pretrained(final / "autoencoder")
    network = Autoencoder.from_pretrained(final / "autoencoder", torch_dtype=torch.float32)  # what ships is measured
    sheet(network, held_back, config, config.output / "final.png")
    metrics = {person: measure(network, pairs, person) for person, pairs in zip(config.people, held_back, strict=True)}
    settings = json.loads(json.dumps(asdict(config), default=str))
    text = json.dumps({"config": settings, "held back": metrics}, indent=2)
    (config.output / "metrics.json").write_text(text + "\n")
    print(text, flush=True)


def measure(network: Autoencoder, pairs: FacePairs, person: str) -> dict[str, dict[str, dict[str, float]]]:
    """swap, copied input -> L1 in grey levels and SSIM over the true persona's face -> mean, low, high, n."""
    window, made = decode(network, pairs.anyone, person)
    truth, _ = decode(network, pairs.persona, person)
    labels = np.repeat(pairs.labels[..., None], 3, axis=3)
    where = decode(network, labels, person)[0][..., 0]
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name, pictures in {"swap": made, "copied input": window}.items():
        scores = [damage_scores(picture, true, ((label >= 2) & (label <= 7)).astype(np.float32))
                  for picture, true, label in zip(pictures, truth, where, strict=True)]  # fmt: skip
        table[name] = {key: asdict(bootstrap(np.array([score[key] for score in scores]))) for key in ("l1", "ssim")}
    return table


if __name__ == "__main__":
    main(parse(Config, PRESETS, sys.argv[1:]))
