"""Teach two translators to turn one kind of picture into another and back, without a single pair.

    python training/cyclegan.py --a portraits/ --b paintings/ --output runs/cyclegan
    python training/cyclegan.py --preset persona --a frames/anyone/ --b frames/tarek/ --output runs/persona

`--a` and `--b` are folders, or data sets of the Hub as owner/name@commit. Source: Zhu et al. 2017, "Unpaired
Image-to-Image Translation using Cycle-Consistent Adversarial Networks". Two things are ours: for the first steps the
translators only learn to leave their own kind as it is, which is cheap and keeps colours from inverting later; and the
averaged weights are kept. Every step depends on the seed and its number alone, so that a run that was stopped goes on
to the very same weights.
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
from accelerate.utils import set_seed
from PIL import Image
from torch import Tensor
from torch.nn import functional

from facezoo.methods.cyclegan.model import ResnetGenerator
from facezoo.methods.cyclegan.window import SIDE, colors, oval, toned
from facezoo.train.accelerator import new_accelerator
from facezoo.train.checkpoint import load_checkpoint, save_checkpoint
from facezoo.train.config import parse
from facezoo.train.cyclegan import (
    Average,
    Judges,
    Made,
    Pool,
    Translators,
    look,
    patch_distance,
    pixels,
    plain,
    warnings,
)
from facezoo.train.unpaired import CUTS, draw_crops, find_pictures


@dataclass(frozen=True)
class Config:
    """Train a CycleGAN."""

    a: str
    """Pictures of kind A: a folder, searched with its subfolders, or a Hub data set owner/name@commit."""
    b: str
    """Pictures of kind B."""
    output: Path
    """Folder for cut pictures, checkpoints, previews, metrics.json and final/, the weights."""
    names: tuple[str, ...] = ("photo", "painting")
    """What A and B are called."""
    cut: str = "face"
    """What of a picture is learned from: face (with hair and shoulders), aligned (the face alone), window (the inner
    face, all of A and B in the mean colours of B, as a persona's translator sees it) or square."""
    side: int = 128
    """Side in pixels of the parts that are learned from, a multiple of 4."""
    zoom: float = 3.0
    """Largest to smallest scale at which pictures are seen; above 1 the details of large pictures are learned too."""
    ngf: int = 32
    """Channels of a translator's first layer."""
    blocks: int = 6
    """Its residual blocks."""
    norm: str = "none"
    """Its normalisation: none, or instance as in the paper."""
    skip: int = 1
    """1: translators add to the picture, so that they begin by leaving it as it is; 0 as in the paper."""
    ndf: int = 32
    """Channels of a judge's first layer."""
    steps: int = 12_000
    """Steps of the optimiser."""
    batch: int = 1
    """Pictures of each kind that are translated a step."""
    judged: int = 8
    """Pictures of each kind that the judges see a step, `batch` of them new, of the fakes the others remembered ones.
    After 240 steps a judge who saw eight told true from made with an AUC of .999; one, as in the paper: .70."""
    warm_up: int = 20
    """Steps at the start in which the translators only learn to leave their own kind as it is."""
    rate: float = 2e-4
    """Learning rate of the translators' Adam; it falls to 0 along a line over the second half of the steps."""
    judge_rate: float = 4e-4
    """Learning rate of the judges' Adam."""
    cycle: float = 5.0
    """Weight of the difference between a picture and what comes back."""
    identity: float = 0.3
    """Weight, in shares of `cycle`, of what a translator changes on its own kind; 0 lets colours invert."""
    soft: float = 0.15
    """Difference, of 2 from black to white, below which these two cost by its square: where translators begin by
    leaving pictures alone, L1, 0 as in the paper, would hold them there."""
    pool: int = 50
    """Fakes that are remembered for the judges."""
    decay: float = 0.998
    """How slowly the averaged weights, which are kept, follow."""
    kept: int = 12
    """Pictures of each kind that are not learned from but looked at and measured on."""
    minutes: float = 10.0
    """Time between checkpoints, and between previews."""
    threads: int = 2
    """Threads of torch."""
    resume: str = ""
    """A checkpoint folder to go on from, or "last"."""
    init_from: str = ""
    """A folder with two translators to begin with, called to_b and to_a, or after the kinds that they make."""
    seed: int = 0
    """Of everything drawn at random."""

    def __post_init__(self) -> None:
        if self.cut not in CUTS:
            raise ValueError(f"--cut must be one of {', '.join(CUTS)}")
        if self.norm not in ("none", "instance"):
            raise ValueError("--norm must be none or instance")
        if self.judged < self.batch:
            raise ValueError("--judged must be at least --batch")
        if self.side % 4 or len(self.names) != 2:
            raise ValueError("--side must be a multiple of 4, and --names two words")
        if self.cut == "window" and self.zoom != 1:
            raise ValueError("--cut window is seen at one scale: give --zoom 1")


PRESETS = {
    "cpu": {},
    "paper": {
        "cut": "square", "side": 256, "zoom": 1.06, "ngf": 64, "blocks": 9, "norm": "instance", "skip": 0, "soft": 0.0,
        "cycle": 10.0, "ndf": 64, "steps": 200_000, "warm_up": 0, "rate": 2e-4, "judge_rate": 2e-4, "judged": 1,
        "identity": 0.5, "decay": 0.999, "threads": 8,
    },
    "persona": {
        "names": ("anyone", "persona"), "cut": "window", "side": SIDE, "zoom": 1.0, "ngf": 24, "cycle": 4.0,
        "identity": 0.2, "judged": 4, "steps": 4_800,
    },
}  # fmt: skip


def main(config: Config) -> None:
    """Cut pictures, train, measure, save."""
    torch.set_num_threads(config.threads)
    set_seed(config.seed)
    accelerator = new_accelerator()
    with accelerator.main_process_first():
        a, b = (read(config, place, letter) for place, letter in ((config.a, "a"), (config.b, "b")))
    if config.cut == "window":
        wanted = np.mean([colors(each) for each in b], axis=0)
        a, b = (np.stack([toned(each, wanted) for each in pictures]) for pictures in (a, b))
    held = a[: config.kept], b[: config.kept]
    translators, judges = (
        Translators(config.ngf, config.blocks, config.norm, skip=bool(config.skip)),
        Judges(config.ndf),
    )
    if config.cut == "window":
        for network in (translators.to_b, translators.to_a):
            network.register_to_config(colors=[round(float(value), 3) for value in wanted.flat])
    if config.init_from:
        begin_from(translators, config)
    for network in (translators, judges):  # a step takes a fifth less time in bfloat16 on a processor
        network.to(memory_format=torch.channels_last)
    average = Average(translators)
    pools = torch.nn.ModuleList([Pool(config.pool, config.side) for _ in "ab"])
    turn = torch.optim.Adam(translators.parameters(), config.rate, betas=(0.5, 0.999))
    judge = torch.optim.Adam(judges.parameters(), config.judge_rate, betas=(0.5, 0.999))
    translators, judges, turn, judge = accelerator.prepare(translators, judges, turn, judge)
    average, pools = (accelerator.prepare_model(each, evaluation_mode=True) for each in (average, pools))
    bare, judging = accelerator.unwrap_model(translators), accelerator.unwrap_model(judges)
    checkpoints = config.output / "checkpoints"
    step = load_checkpoint(checkpoints, accelerator, config.resume)
    if accelerator.is_main_process:
        print(f"{len(a)} {config.names[0]}s, {len(b)} {config.names[1]}s, from step {step}", flush=True)
    more = config.judged - config.batch
    mine, others = (
        slice(accelerator.process_index * count, (accelerator.process_index + 1) * count)
        for count in (config.batch, more)
    )
    saved, losses = time.monotonic(), []
    while step < config.steps:
        seed = (config.seed * config.steps + step) * (accelerator.num_processes + 1)
        torch.manual_seed(seed + accelerator.process_index)
        seen_a, seen_b = (
            within(draw_crops(each[config.kept :], config.judged, config.side, config.zoom), config).to(
                accelerator.device, memory_format=torch.channels_last
            )
            for each in (a, b)
        )
        true_a, true_b = seen_a[: config.batch], seen_b[: config.batch]
        for optimizer, rate in ((turn, config.rate), (judge, config.judge_rate)):
            optimizer.param_groups[0]["lr"] = rate * min(1.0, 2 - 2 * step / config.steps)

        warm_up = step < config.warm_up
        made = translators(true_a, true_b, warm_up=warm_up)
        parts = differences(made, true_a, true_b, config)
        if not warm_up:
            judging.requires_grad_(False)
            with accelerator.autocast():
                parts["fooled"] = judging.fooled(made.fake_a, made.fake_b)
            judging.requires_grad_(True)
        accelerator.backward(sum(parts.values()))
        turn.step()
        turn.zero_grad()
        if not warm_up:
            fakes = [accelerator.gather(each.detach()) for each in (made.fake_a, made.fake_b)]
            torch.manual_seed(seed + accelerator.num_processes)  # all processes remember the same
            shown = [
                torch.cat([pool.exchange(each)[mine], pool.recall(more * accelerator.num_processes)[others]])
                for pool, each in zip(pools, fakes, strict=True)
            ]
            parts["judges"] = judges(seen_a, seen_b, *shown)
            accelerator.backward(parts["judges"])
            judge.step()
            judge.zero_grad()
        average.follow(bare, config.decay)
        step += 1
        losses.append({name: value.item() for name, value in parts.items()})
        if not np.isfinite(sum(losses[-1].values())):
            raise SystemExit(f"A loss of step {step} is {losses[-1]}: lower --rate and go on from a checkpoint.")
        if step % 50 == 0 and accelerator.is_main_process:
            means = {name: np.mean([each[name] for each in losses[-50:] if name in each]) for name in losses[-1]}
            print(f"step {step}  " + "  ".join(f"{name} {mean:.3f}" for name, mean in means.items()), flush=True)
        if time.monotonic() - saved > 60 * config.minutes and accelerator.is_main_process:
            save_checkpoint(checkpoints, accelerator, step)
            preview(average.mean, held, config, config.output / f"step_{step:06d}.png")
            saved = time.monotonic()

    if accelerator.is_main_process:
        save_checkpoint(checkpoints, accelerator, step)
        finish(average.mean, held, config)


def begin_from(translators: Translators, config: Config) -> None:
    """Take over the weights of two translators; the judges, who are not kept, begin anew."""
    for name, kind in (("to_b", config.names[1]), ("to_a", config.names[0])):
        folder = Path(config.init_from)
        known = ResnetGenerator.from_pretrained(folder / (name if (folder / name).is_dir() else kind))
        getattr(translators, name).load_state_dict({key: value.float() for key, value in known.state_dict().items()})


def read(config: Config, place: str, letter: str) -> np.ndarray:
    """(N, D, D, 3) RGB uint8, D large enough for the largest scale; in an order that the seed decides."""
    side = round(config.side * config.zoom * 1.06)
    pictures = find_pictures(place, side, config.cut, config.output / "pictures" / f"{letter}_{config.cut}_{side}.npy")
    if len(pictures) <= config.kept:
        raise SystemExit(f"{len(pictures)} pictures in {place} are too few: --kept keeps {config.kept} of them back.")
    return np.asarray(pictures)[np.random.default_rng(config.seed).permutation(len(pictures))]


def differences(made: Made, a: Tensor, b: Tensor, config: Config) -> dict[str, Tensor]:
    """The weighted losses of what must not change: pictures there and back, and pictures of the kind made."""

    def apart(x: Tensor, y: Tensor) -> Tensor:
        return functional.smooth_l1_loss(x, y, beta=config.soft)

    cycle = apart(made.back_a, a) + apart(made.back_b, b)
    same = apart(made.same_a, a) + apart(made.same_b, b)
    return {"cycle": config.cycle * cycle, "identity": config.cycle * config.identity * same}


def preview(translators: Translators, held: Sequence[np.ndarray], config: Config, path: Path) -> Made:
    """A picture of those kept back, one a row: A | as B | and back | left as A; then the same for B.
    Prints warnings."""
    true = [shown(each, config) for each in held]
    made = look(translators, *true)
    columns = [
        [plain(true[0]), plain(made.fake_b), plain(made.back_a), plain(made.same_a)],
        [plain(true[1]), plain(made.fake_a), plain(made.back_b), plain(made.same_b)],
    ]
    Image.fromarray(np.hstack([np.vstack(list(each)) for side in columns for each in side])).save(path)
    for (before, after, *_), names in zip(columns, (config.names, config.names[::-1]), strict=True):
        for warning in warnings(before, after, (names[0], names[1])):
            print(f"warning: {warning}", flush=True)
    return made


def within(pictures: Tensor, config: Config) -> Tensor:
    """(N, 3, S, S) as they are, or grey around the face where the face alone is learned."""
    return pictures * torch.from_numpy(oval(config.side)) if config.cut == "window" else pictures


def shown(pictures: np.ndarray, config: Config) -> Tensor:
    """(N, D, D, 3) RGB uint8 to (N, 3, S, S) in [-1, 1], whole."""
    size = (config.side, config.side)
    small = np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BOX)) for each in pictures])
    return within(pixels(small), config)


def finish(translators: Translators, held: Sequence[np.ndarray], config: Config) -> None:
    """Save both generators as float16 and measure them on the pictures kept back."""
    final = config.output / "final"
    for name in ("to_b", "to_a"):
        folder = final / name
        network = getattr(translators, name).to(torch.float16)
        network.save_pretrained(folder)
        setattr(translators, name, ResnetGenerator.from_pretrained(folder, torch_dtype=torch.float32))  # what ships
    made = preview(translators, held, config, config.output / "final.png")
    a, b = (plain(shown(each, config)) for each in held)
    distances = {
        f"{config.names[0]} to {config.names[1]}": (patch_distance(plain(made.fake_b), b), patch_distance(a, b)),
        f"{config.names[1]} to {config.names[0]}": (patch_distance(plain(made.fake_a), a), patch_distance(b, a)),
    }
    metrics = {
        "config": json.loads(json.dumps(asdict(config), default=str)),
        "patch distance": {name: {"translated": round(ours, 3), "untouched": round(before, 3)}
                           for name, (ours, before) in distances.items()},
        "cycle L1": {name: round(float(np.abs(plain(back).astype(float) - true).mean()), 2)
                     for name, back, true in zip(config.names, (made.back_a, made.back_b), (a, b), strict=True)},
    }  # fmt: skip
    text = json.dumps(metrics, indent=2)
    (config.output / "metrics.json").write_text(text + "\n")
    print(text, flush=True)


if __name__ == "__main__":
    main(parse(Config, PRESETS, sys.argv[1:]))
