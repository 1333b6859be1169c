"""Teach CycleGAN's translators from pairs that were made by rules, and then by the cycle as well.

    python training/style_pairs.py ... --styles van_gogh_blue --output runs/pairs
    python training/cyclegan_pairs.py --pairs runs/pairs/van_gogh_blue --output runs/van_gogh

A way back that knows many canvases:

    python training/style_pairs.py ... --styles any --canvases 64 --output runs/any
    python training/cyclegan_pairs.py --pairs runs/any/any --forth 0 --back 1 --cycled 2000 \\
        --init-from runs/van_gogh/final --output runs/back

Unpaired training on a processor leaves a tint: strokes are too rare among what it is rewarded for. Pairs say where
strokes go. The method cyclegan runs these weights; training/cyclegan.py, which learns without pairs, has other
networks. Sources: Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks"; Zhu et al.
2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (equation 2, the cycle); the
other losses: facezoo.train.pairs.
What all trainings share, stopping and going on: facezoo.train.loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facezoo.errors import UsageError
from facezoo.methods.cyclegan.brush import BrushGenerator
from facezoo.methods.cyclegan.pipeline import CycleGan
from facezoo.train.checkpoint import take_over
from facezoo.train.config import RunConfig, start
from facezoo.train.cyclegan import pixels, plain
from facezoo.train.likeness import score_of
from facezoo.train.loop import Kept, Loop, half_cosine
from facezoo.train.pairs import Judge, Pairs, Texture, draw_pair, read_pairs, tone
from facezoo.train.sources import data_sets
from facezoo.zoo.record import Score

Heap = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Config(RunConfig):
    """Train CycleGAN's translators from pairs."""

    pairs: Path
    """Pairs of one style, a folder as training/style_pairs.py makes it. Whose faces they show it says itself."""
    names: tuple[str, ...] = ("photo", "painting")
    """What both kinds are called: photo and painting, bright_painting or old_painting."""
    side: int = 240
    """Side in pixels of the parts that are learned from, a multiple of 8."""
    ngf: int = 12
    """Channels of a translator's first layer."""
    blocks: int = 4
    """Its residual blocks."""
    ndf: int = 24
    """Channels of a judge's first layer."""
    steps: int = 2_000
    """Steps of the optimiser."""
    batch: int = 1
    """Pairs a step."""
    average: float = 0.99
    """Decay of the running mean of the weights, which is what is kept."""
    forth: int = 1
    """The way from photos to paintings learns at every so many steps; 0: not at all, it stays as --init-from has it."""
    back: int = 2
    """The way back, which is easier, in the same way."""
    judged: int = 300
    """Step from which the judges take part."""
    cycled: int = 1_500
    """Step from which what was made must also lead back to what it was made from."""
    rate: float = 1e-3
    """Learning rate of the translators' Adam; it falls to 0 along half a cosine."""
    judge_rate: float = 4e-4
    """Learning rate of the judges' Adam."""
    tone: float = 10.0
    """Weight of the difference in colours without strokes."""
    detail: float = 10.0
    """Weight of the difference of pixels, L1."""
    features: float = 4.0
    """How much more that counts on eyes, brows and mouths."""
    texture: float = 10.0
    """Weight of the difference of local energies."""
    match: float = 6.0
    """Weight of the difference in the judge's features."""
    cycle: float = 5.0
    """Weight of the difference between a picture and what came back, L1."""
    kept: int = 8
    """Pairs that are not learned from but looked at and measured on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.names) - set(CycleGan.components) or len(self.names) != 2:
            raise ValueError(f"--names takes two of {', '.join(CycleGan.components)}")
        if self.side % 8:
            raise ValueError("--side must be a multiple of 8")
        if min(self.forth, self.back) < 0 or self.forth == self.back == 0:
            raise ValueError("--forth and --back must be at least 0, and not both 0")
        if not (self.forth and self.back) and self.cycled < self.steps:
            raise ValueError("only two ways that learn make a cycle: give --cycled as many as --steps")


PRESETS: dict[str, dict[str, Any]] = {"cpu": {}}


@dataclass(frozen=True, eq=False)
class Way:
    """A translator with its judge, as they were made and as Accelerate wants them, and what teaches them."""

    judging: Judge
    network: Any
    judge: Any
    turns: Any
    rules: Any


def main(config: Config) -> None:
    """Read pairs, train both ways, measure, save, and upload when asked to."""
    loop = Loop("cyclegan", config, losses=("there", "back", "judges"), script="cyclegan_pairs")
    pairs, told = read_pairs(config.pairs)
    count, size = pairs.photos.shape[:2]
    if count <= config.kept or config.side > size:
        raise UsageError(
            f"{count} pairs of {size} px in {config.pairs} are too few or too small.",
            f"--kept holds {config.kept} of them back, --side is {config.side}.",
        )
    if not config.consent:
        config = replace(config, consent=(told["consent"],), statement=(told["statement"],))
    kind_a, kind_b = config.names
    made = {name: BrushGenerator(config.ngf, config.blocks) for name in (kind_b, kind_a)}
    begin_from(made, loop, config)
    kept = what_is_kept({name: loop.averaged(network) for name, network in made.items()}, pairs, config)
    there, back = (way(loop, network, config) for network in made.values())
    loop.say(f"{count} pairs")
    learned, texture = pairs.part(slice(config.kept, None)), Texture().to(loop.accelerator.device)
    for step in loop.steps(kept):
        loop.slow(half_cosine(step / config.steps), there.turns, there.rules, back.turns, back.rules)
        drawn = draw_pair(learned, config.batch, config.side)
        photo, painting, forth, returning = (each.to(loop.accelerator.device) for each in drawn)
        if config.forth and step % config.forth == 0:
            learn(loop, (there, back), (photo, forth, painting, returning), texture, "there", config)
        if config.back and step % config.back == 0:
            learn(loop, (back, there), (painting, returning, photo, forth), texture, "back", config)
    loop.finish(kept)


def begin_from(made: dict[str, BrushGenerator], loop: Loop, config: Config) -> None:
    """Take over weights, when that is asked for. Where those of one way are of another kind of network, as training/
    cyclegan.py makes them, that way begins anew. Raises UsageError when that is so of both."""
    anew: list[UsageError] = []
    for name, network in made.items() if config.init_from else ():
        try:
            loop.say(take_over(network, config.init_from, name))
        except UsageError as problem:
            anew.append(problem)
            loop.say(f"{name} begins anew, nothing in {config.init_from} fits it")
    if anew and len(anew) == len(made):
        raise anew[0]


def way(loop: Loop, network: nn.Module, config: Config) -> Way:
    """A new judge for a translator, and optimisers for both."""
    judge = Judge(config.ndf)
    turns = torch.optim.Adam(network.parameters(), config.rate, betas=(0.5, 0.99))
    rules = torch.optim.Adam(judge.parameters(), config.judge_rate, betas=(0.5, 0.99))
    return Way(judge, *loop.prepare(network, judge, turns, rules))


def learn(
    loop: Loop, ways: tuple[Way, Way], drawn: tuple[Tensor, ...], texture: Texture, name: str, config: Config
) -> None:
    """One step of one way, the first of both. drawn: pictures (B, 3, S, S) in [-1, 1], where strokes lie in them
    (B, 8, S, S), and the same two of what is to become of them."""
    way, other = ways
    seen, guide, wanted, its_guide = drawn
    made = way.network(seen, guide)
    eyes_and_mouths = 1 + config.features * guide[:, -1:]
    loss = config.tone * (tone(made) - tone(wanted)).abs().mean()
    loss = loss + config.detail * ((made - wanted).abs() * eyes_and_mouths).mean()
    loss = loss + config.texture * texture(made, wanted)
    judged = loop.step >= config.judged
    if judged:
        way.judging.requires_grad_(False)
        with loop.accelerator.autocast():
            fooled, apart = way.judging.against(seen, made, wanted)
        loss = loss + fooled + config.match * apart
        way.judging.requires_grad_(True)
    if loop.step >= config.cycled:
        other.network.requires_grad_(False)
        loss = loss + config.cycle * (other.network(made, its_guide) - seen).abs().mean()
        other.network.requires_grad_(True)
    loop.log(**{name: loss})
    loop.update(loss, way.turns, way.network)
    if judged:
        wrong = way.judge(seen, made.detach(), wanted)
        loop.log(judges=wrong)
        loop.update(wrong, way.rules, way.judge)


def what_is_kept(mean: dict[str, Any], pairs: Pairs, config: Config) -> Kept[CycleGan]:
    """The averaged translators, each named after what it makes, and how they are looked at."""
    true, learned = pairs.part(slice(config.kept)), len(pairs.photos) - config.kept
    return Kept(
        pipeline=lambda: CycleGan(mean),
        preview=lambda made: preview(made, true, config),
        measure=lambda made, most: measure(made, true.part(slice(most)), config),
        data=data_sets([(config.pairs, learned)], config),
        limits=f"It learned from {learned} pairs in one painting's colours, made by rules, which began it; the cycle "
        f"took part from step {config.cycled:,} of {config.steps:,}. Where strokes lie is told, not learned.",
    )


@torch.inference_mode()
def translated(network: Any, pictures: Heap, guides: Heap) -> Heap:
    """(N, S, S, 3) RGB uint8, one at a time."""
    device = next(network.parameters()).device
    both = zip(pixels(pictures).split(1), pixels(guides).split(1), strict=True)
    return np.concatenate([plain(network(*(each.to(device) for each in one))) for one in both])


def preview(made: CycleGan, true: Pairs, config: Config) -> Heap:
    """(H, W, 3) RGB uint8 of pairs kept back, one a row: photo | as painting | the painting of the pair | as photo."""
    kind_a, kind_b = config.names
    there = translated(made.networks[kind_b], true.photos, true.forth)
    back = translated(made.networks[kind_a], true.paintings, true.back)
    return np.hstack([np.vstack(list(each)) for each in (true.photos, there, true.paintings, back)])


def measure(made: CycleGan, true: Pairs, config: Config) -> list[Score]:
    """How far translated pictures are from those of their pairs, in brushwork and in colours."""
    texture, scores = Texture(), list[Score]()

    def apart(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
        return float(texture(ours, theirs)), float((tone(ours) - tone(theirs)).abs().mean())

    both = (true.photos, true.paintings)
    for seen, wanted, guides, name in zip(both, both[::-1], (true.forth, true.back), config.names[::-1], strict=True):
        found = translated(made.networks[name], seen, guides)
        before, after, goal = (pixels(each).split(1) for each in (seen, found, wanted))
        values, untouched = (
            np.array([apart(a, b) for a, b in zip(some, goal, strict=True)]).T.tolist() for some in (after, before)
        )
        for number, (metric, words) in enumerate((("texture", "brushwork"), ("tone", "colours without strokes"))):
            title = f"difference in {words} from the {name} of the pair, of 2 from black to white"
            simple = {"untouched": untouched[number]}
            scores.append(score_of(f"{metric}_{name}", title, values[number], simple, better="lower"))
    return scores


if __name__ == "__main__":
    start(main, Config, PRESETS)
