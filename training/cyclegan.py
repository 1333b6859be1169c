"""Teach two translators to turn one kind of picture into another and back, without a single pair.

    python training/cyclegan.py --a portraits/ --b paintings/ --output runs/cyclegan
    python training/cyclegan.py --preset persona --a frames/anyone/ --b frames/tarek/ --output runs/persona

`--a` and `--b` are folders, or data sets of the Hub as owner/name@commit. Source: Zhu et al. 2017, "Unpaired
Image-to-Image Translation using Cycle-Consistent Adversarial Networks". Two things are ours: for the first steps the
translators only learn to leave their own kind as it is, which is cheap and keeps colours from inverting later; and the
averaged weights are kept. What all trainings share, stopping and going on: facezoo.train.loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from facezoo.errors import UsageError
from facezoo.methods.cyclegan.model import ResnetGenerator
from facezoo.methods.cyclegan.pipeline import CycleGan
from facezoo.methods.cyclegan.window import SIDE, colors, oval, toned
from facezoo.train.checkpoint import take_over
from facezoo.train.config import RunConfig, one_of, start
from facezoo.train.cyclegan import (
    CUTS,
    Cut,
    Judges,
    Made,
    Pool,
    Translators,
    draw_crops,
    find_pictures,
    patch_distance,
    pixels,
    plain,
    translated,
    warnings,
)
from facezoo.train.likeness import score_of
from facezoo.train.loop import Kept, Loop
from facezoo.train.sources import data_sets
from facezoo.zoo.record import Score

Heap = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Config(RunConfig):
    """Train a CycleGAN."""

    a: str
    """Pictures of kind A: a folder of photos and films, searched with its subfolders, or a Hub data set
    owner/name@commit."""
    b: str
    """Pictures of kind B."""
    names: tuple[str, ...] = ("photo", "painting")
    """What A and B are called: photo and painting, bright_painting or old_painting; or anyone persona."""
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
    skip: bool = True
    """Translators add to the picture, so that they begin by leaving it as it is; not so in the paper."""
    ndf: int = 32
    """Channels of a judge's first layer."""
    steps: int = 12_000
    """Steps of the optimiser."""
    batch: int = 1
    """Pictures of each kind that are translated a step."""
    judged: int = 8
    """Pictures of each kind that the judges see a step, `batch` of them new, of the fakes the others remembered ones.
    After 240 steps a judge who saw eight told true from made with an AUC of .999; one, as in the paper: .70."""
    average: float = 0.998
    """Decay of the running mean of the weights, which is what is kept."""
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
    kept: int = 12
    """Pictures of each kind that are not learned from but looked at and measured on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, "cut", CUTS)
        one_of(self, "norm", ("none", "instance"))
        if set(self.names) - set(CycleGan.components) or len(self.names) != 2:
            raise ValueError(f"--names takes two of {', '.join(CycleGan.components)}")
        if self.judged < self.batch:
            raise ValueError("--judged must be at least --batch")
        if self.side % 4:
            raise ValueError("--side must be a multiple of 4")
        if self.cut == "window" and self.zoom != 1:
            raise ValueError("--cut window is seen at one scale: give --zoom 1")


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper": {
        "cut": "square", "side": 256, "zoom": 1.06, "ngf": 64, "blocks": 9, "norm": "instance", "skip": False,
        "soft": 0.0, "cycle": 10.0, "ndf": 64, "steps": 200_000, "warm_up": 0, "rate": 2e-4, "judge_rate": 2e-4,
        "judged": 1, "identity": 0.5, "average": 0.999, "threads": 8,
    },
    "persona": {
        "names": ("anyone", "persona"), "cut": "window", "side": SIDE, "zoom": 1.0, "ngf": 24, "cycle": 4.0,
        "identity": 0.2, "judged": 4, "steps": 4_800,
    },
}  # fmt: skip


def main(config: Config) -> None:
    """Cut pictures, train, measure, save, and upload when asked to."""
    loop = Loop("cyclegan", config, losses=("cycle", "identity", "fooled", "judges"))
    with loop.accelerator.main_process_first():
        a, b = (read(config, place) for place in (config.a, config.b))
    translators, judging = networks(config, b)
    if config.cut == "window":
        wanted = np.mean([colors(each) for each in b], axis=0)
        a, b = (np.stack([toned(each, wanted) for each in pictures]) for pictures in (a, b))
    loop.say(f"{len(a)} {config.names[0]}s, {len(b)} {config.names[1]}s")
    kept = what_is_kept(loop.averaged(translators), a, b, config)
    pools = torch.nn.ModuleList([Pool(config.pool, config.side) for _ in "ab"])
    turns = torch.optim.Adam(translators.parameters(), config.rate, betas=(0.5, 0.999))
    judges = torch.optim.Adam(judging.parameters(), config.judge_rate, betas=(0.5, 0.999))
    pools = loop.accelerator.prepare_model(pools, evaluation_mode=True)
    model, judge, turns, judges = loop.prepare(translators, judging, turns, judges)

    for step in loop.steps(kept):
        loop.slow(min(1.0, 2 - 2 * step / config.steps), turns, judges)
        seen_a, seen_b = (drawn(each, config).to(loop.accelerator.device) for each in (a, b))
        true_a, true_b = seen_a[: config.batch], seen_b[: config.batch]
        warm_up = step < config.warm_up
        made = model(true_a, true_b, warm_up=warm_up)
        terms = differences(made, true_a, true_b, config)
        if not warm_up:
            judging.requires_grad_(False)
            with loop.accelerator.autocast():
                terms["fooled"] = judging.fooled(made.fake_a, made.fake_b)
            judging.requires_grad_(True)
        loop.log(**terms)
        loop.update(torch.stack(list(terms.values())).sum(), turns, model)
        if not warm_up:
            wrong = judge(seen_a, seen_b, *remembered(loop, pools, made, config))
            loop.log(judges=wrong)
            loop.update(wrong, judges, judge)
    loop.finish(kept)


def networks(config: Config, b: Heap) -> tuple[Translators, Judges]:
    """Translators and judges, new or as in --init-from; the judges, who are not kept, begin anew."""
    translators = Translators(config.ngf, config.blocks, config.norm, skip=config.skip)
    for network, name in ((translators.to_b, config.names[1]), (translators.to_a, config.names[0])):
        if config.cut == "window":
            wanted = np.mean([colors(each) for each in b], axis=0)
            cast("ResnetGenerator", network).register_to_config(colors=[round(float(each), 3) for each in wanted.flat])
        if config.init_from:
            print(take_over(network, config.init_from, name), flush=True)
    both = translators, Judges(config.ndf)
    for network in both:  # a step takes a fifth less time in bfloat16 on a processor
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return both


def read(config: Config, place: str) -> Heap:
    """(N, D, D, 3) RGB uint8, D large enough for the largest scale; in an order that the seed decides."""
    side = round(config.side * config.zoom * 1.06)
    pictures = find_pictures(place, side, cast("Cut", config.cut), config.output / "pictures")
    if len(pictures) <= config.kept:
        raise UsageError(
            f"{len(pictures)} pictures in {place} are too few.", f"--kept holds {config.kept} of them back."
        )
    return np.asarray(pictures)[np.random.default_rng(config.seed).permutation(len(pictures))]


def drawn(pictures: Heap, config: Config) -> Tensor:
    """(judged, 3, S, S) in [-1, 1], parts of what is learned from."""
    parts = draw_crops(pictures[config.kept :], config.judged, config.side, config.zoom)
    return within(parts, config).contiguous(memory_format=torch.channels_last)


def remembered(loop: Loop, pools: Any, made: Made, config: Config) -> list[Tensor]:
    """For each kind the fakes that the judges of this process see: new or old ones, and more old ones."""
    here = loop.accelerator
    more, number = config.judged - config.batch, here.process_index
    fakes = [cast("Tensor", here.gather(each.detach())) for each in (made.fake_a, made.fake_b)]
    loop.shared_seed()  # all processes remember the same
    mine, others = (slice(number * count, (number + 1) * count) for count in (config.batch, more))
    return [torch.cat([pool.exchange(each)[mine], pool.recall(more * here.num_processes)[others]])
            for pool, each in zip(pools, fakes, strict=True)]  # fmt: skip


def differences(made: Made, a: Tensor, b: Tensor, config: Config) -> dict[str, Tensor]:
    """The weighted losses of what must not change: pictures there and back, and pictures of the kind made."""

    def apart(x: Tensor, y: Tensor) -> Tensor:
        return functional.smooth_l1_loss(x, y, beta=config.soft)

    cycle = apart(made.back_a, a) + apart(made.back_b, b)
    same = apart(made.same_a, a) + apart(made.same_b, b)
    return {"cycle": config.cycle * cycle, "identity": config.cycle * config.identity * same}


def what_is_kept(mean: Translators, a: Heap, b: Heap, config: Config) -> Kept[CycleGan]:
    """The averaged translators, each named after what it makes, and how they are looked at."""
    count, (kind_a, kind_b) = config.kept, config.names
    true = [shown(each[:count], config) for each in (a, b)]
    return Kept(
        pipeline=lambda: CycleGan({kind_b: mean.to_b, kind_a: mean.to_a}),
        preview=lambda made: preview(made, true, config),
        measure=lambda made, _: measure(made, true, config),
        data=data_sets([(config.a, len(a) - count), (config.b, len(b) - count)], config),
        limits=f"It changes colour and texture, not shape, and knows {kind_a}s and {kind_b}s as its {len(a)} and "
        f"{len(b)} pictures show them.",
    )


def look(made: CycleGan, true: list[Tensor], config: Config) -> Made:
    """What a pipeline's translators make of the pictures held back."""
    kind_a, kind_b = config.names
    return translated(made.networks[kind_b], made.networks[kind_a], true[0], true[1])


def preview(made: CycleGan, true: list[Tensor], config: Config) -> Heap:
    """(H, W, 3) RGB uint8 of those kept back, one a row: A | as B | and back | left as A; then the same for B.
    Prints warnings."""
    found = look(made, true, config)
    columns = [
        [plain(each) for each in (true[0], found.fake_b, found.back_a, found.same_a)],
        [plain(each) for each in (true[1], found.fake_a, found.back_b, found.same_b)],
    ]
    for (before, after, *_), names in zip(columns, (config.names, config.names[::-1]), strict=True):
        for warning in warnings(before, after, (names[0], names[1])):
            print(f"warning: {warning}", flush=True)
    return np.hstack([np.vstack(list(each)) for side in columns for each in side])


def within(pictures: Tensor, config: Config) -> Tensor:
    """(N, 3, S, S) as they are, or grey around the face where the face alone is learned."""
    return pictures * torch.from_numpy(oval(config.side)) if config.cut == "window" else pictures


def shown(pictures: Heap, config: Config) -> Tensor:
    """(N, D, D, 3) RGB uint8 to (N, 3, S, S) in [-1, 1], whole."""
    size = (config.side, config.side)
    small = np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BOX)) for each in pictures])
    return within(pixels(small), config)


def measure(made: CycleGan, true: list[Tensor], config: Config) -> list[Score]:
    """How far translated pictures lie from those of the kind they should be of, and what comes back."""
    found, (kind_a, kind_b) = look(made, true, config), config.names
    a, b = (plain(each) for each in true)
    ways = ((kind_a, kind_b, found.fake_b, a, b), (kind_b, kind_a, found.fake_a, b, a))
    scores = [
        score_of(f"distance_{goal}", f"patch distance, {kind} to {goal}", [patch_distance(plain(fake), wanted)],
                 {"untouched": [patch_distance(before, wanted)]}, better="lower")
        for kind, goal, fake, before, wanted in ways
    ]  # fmt: skip
    for kind, back, before in ((kind_a, found.back_a, a), (kind_b, found.back_b, b)):
        errors = np.abs(plain(back).astype(float) - before).mean(axis=(1, 2, 3))
        scores.append(score_of(f"cycle_{kind}", f"L1 of {kind} there and back, grey levels", errors, better="lower"))
    return scores


if __name__ == "__main__":
    start(main, Config, PRESETS)
