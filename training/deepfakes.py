"""Teach one encoder and a decoder for each person to swap faces.

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/pairs/$who --portrait $who \\
            --anyone portraits/ --pairs 2000
    done
    python training/deepfakes.py --data runs/pairs --output runs/deepfakes

better with portraits that laugh as well:

    for who in imani joss orla tarek; do
        python training/persona_frames.py --preset clean --output runs/laughing/$who --portrait $who \\
            --anyone portraits/ --expressions runs/pairs/$who/train
    done
    python training/deepfakes.py --data runs/pairs runs/laughing --output runs/deepfakes

or, as in 2017, from photos and videos of two people, found in them first:

    python training/deepfakes.py --recipe classic --faces ann/ ben/ --output runs/ann_and_ben \\
        --consent given --statement "Ann and Ben, who agreed"

Each person is called as their folder. The recipes: facezoo.train.deepfakes. What all trainings share, stopping and
going on: facezoo.train.loop. With --gan a GAN sets in late, as in the field's own forks of the original
(faceswap-GAN); its losses are Wang et al. 2018's (section 3.3: least squares, feature matching).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from facezoo.errors import UsageError
from facezoo.methods.deepfakes.model import PRESETS as NETWORKS
from facezoo.methods.deepfakes.model import Autoencoder
from facezoo.methods.deepfakes.pipeline import DeepFakes
from facezoo.methods.deepfakes.window import WARP
from facezoo.methods.pix2pixhd.model import MultiscaleDiscriminator
from facezoo.train.checkpoint import take_over
from facezoo.train.config import RunConfig, one_of, start
from facezoo.train.deepfakes import FacePairs, Recipe, draw_batch, find_pairs, loss_of, measure, part_of, sheet
from facezoo.train.gather import gather_pairs
from facezoo.train.loop import Kept, Loop, half_cosine
from facezoo.train.pix2pixhd import feature_matching, least_squares
from facezoo.train.sources import data_sets, folder_of, people_in

WARPS = {"paired": 0.003, "classic": WARP}  # where the answer is known, a strong warp only blurs what can be learned
MATCHING = 10.0  # weight of feature matching against the GAN, as Wang et al. 2018
JUDGE_RATE = 4e-4  # learning rate of the discriminator's Adam at the start


@dataclass(frozen=True, kw_only=True)
class Config(RunConfig):
    """Train the autoencoder of deepfakes."""

    data: tuple[str, ...] = ()
    """Folders of pairs, or Hub data sets owner/name@commit, each with one subfolder a person, and train/ and held_back/
    in these."""
    faces: tuple[str, ...] = ()
    """In place of `data`: a folder, or Hub data set, of photos and videos for each person; needs classic."""
    people: tuple[str, ...] = ()
    """Who gets a decoder: subfolders of `data`, by default all of the first; names for the folders of `faces`, by
    default their own."""
    recipe: str = "paired"
    """paired or classic."""
    network: str = "cpu"
    """cpu or paper: see facezoo.methods.deepfakes.model."""
    settings: str = ""
    """JSON with constructor arguments of the network that differ from these."""
    batch: int = 8
    """Pictures a step for each person."""
    own: float = 0.2
    """Share of these in which the persona is the input too; paired alone."""
    warp: float = -1.0
    """Strength of the 5 x 5 warp of the input, in shares of the picture's side; below 0 what suits the recipe: 0.003 of
    paired, 0.02 of classic."""
    rate: float = 8e-4
    """Learning rate of Adam at the start; it falls to 0 along half a cosine."""
    average: float = 0.99
    """Decay of the running mean of the weights, which is what is kept; 0 keeps the last ones."""
    similarity: float = 0.5
    """Weight of 1 - SSIM beside L1."""
    features: float = 3.0
    """How much more eyes, brows and mouth count."""
    around: float = 0.1
    """How much what is not the face counts."""
    gan: float = 0.0
    """Weight of GAN and feature matching, 10 times the GAN, which make skin and hair sharp; 0 as in 2017. With 0.025
    some hundred steps at the end suffice: after 400, nostrils and the corners of eyes are black."""
    adversarial: float = 0.9
    """Share of the steps after which these set in."""
    judge: int = 24
    """Channels of the discriminator's first layer."""
    patch: int = 128
    """Side in pixels of the part of each picture that is judged."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self, "recipe", WARPS)
        one_of(self, "network", NETWORKS)
        if bool(self.data) == bool(self.faces):
            raise ValueError("give --data or --faces")
        if self.faces and self.recipe != "classic":
            raise ValueError("--faces has no pairs: use --recipe classic")
        if self.faces and self.people and len(self.faces) != len(self.people):
            raise ValueError("--people takes as many names as there are --faces")

    @property
    def names(self) -> tuple[str, ...]:
        """Who gets a decoder. Raises UsageError when somebody is not there."""
        if not self.faces:
            return people_in(folder_of(self.data[0]), self.people)
        folders = [Path(each.partition("@")[0]).resolve().name for each in self.faces]
        names = self.people or tuple(re.sub(r"[^a-z0-9_-]", "_", each.lower()) for each in folders)
        if len(set(names)) < len(names):
            raise UsageError("Two folders of --faces have one name.", "Give names: --people ann ben.")
        return names

    @property
    def of_a_step(self) -> Recipe:
        """What one step needs to know."""
        own = 1.0 if self.recipe == "classic" else self.own
        warp = self.warp if self.warp >= 0 else WARPS[self.recipe]
        return Recipe(self.batch, own, warp, self.similarity, self.features, self.around)


PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper": {"network": "paper", "recipe": "classic", "steps": 200_000, "batch": 32, "rate": 5e-5, "similarity": 0.0,
              "average": 0.0, "threads": 8},
}  # fmt: skip


def main(config: Config) -> None:
    """Read pairs or find faces, train, measure, save, and upload when asked to."""
    loop = Loop("deepfakes", config, losses=("loss", "judge", "GAN", "matching", "rate"))
    network = build(config)
    training, held_back = faces_of(config, network.side * network.scale)
    loop.say(f"{sum(map(len, training))} + {sum(map(len, held_back))} pairs of {', '.join(config.names)}")
    kept = what_is_kept(loop.averaged(network), training, held_back, config)
    judging = MultiscaleDiscriminator(3, config.judge, num_D=2)
    adam = torch.optim.Adam(network.parameters(), config.rate, betas=(0.9, 0.99))
    judges = torch.optim.Adam(judging.parameters(), JUDGE_RATE, betas=(0.5, 0.99))
    model, judge, adam, judges = loop.prepare(network, judging, adam, judges)

    for step in loop.steps(kept):
        loop.slow(half_cosine(step / config.steps), adam, judges)
        faces, truth, labels = draw_batch(training, network, config.of_a_step)
        pictures, masks = model(faces)
        made = pictures.flatten(0, 1)
        loss = loss_of(made, masks.flatten(0, 1), truth, labels, config.of_a_step)
        loop.log(loss=loss, rate=adam.param_groups[0]["lr"])
        if config.gan and step >= config.adversarial * config.steps:
            seen, true = part_of(torch.stack([made, truth]), config.patch)
            judging.requires_grad_(True)
            of_true = judge(true.detach())
            wrong = (least_squares(judge(seen.detach()), 0) + least_squares(of_true, 1)) / 2
            loop.update(wrong, judges, judge)
            judging.requires_grad_(False)
            of_made = judging(seen)
            fooled, like = least_squares(of_made, 1), feature_matching(of_made, of_true)
            loop.log(judge=wrong, GAN=fooled, matching=like)
            loss = loss + config.gan * (fooled + MATCHING * like)
        loop.update(loss, adam, model, clip=1.0)
    loop.finish(kept)


def build(config: Config) -> Autoencoder:
    """A new network as the configuration asks for it, on the CPU, float32."""
    settings = {**NETWORKS[config.network], "people": config.names} | json.loads(config.settings or "{}")
    if config.recipe == "classic" and settings.get("anyone") == ():
        settings["anyone"] = settings["ups"]  # whoever comes in must have been rebuilt once
    network = Autoencoder(**settings)
    if config.init_from:
        print(take_over(network, config.init_from, "autoencoder"), flush=True)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportArgumentType]


def faces_of(config: Config, side: int) -> tuple[list[FacePairs], list[FacePairs]]:
    """What is learned from and what is held back, for each person. Without pairs every tenth face is held back, and
    what is measured is how well each person is rebuilt."""
    if config.faces:
        both = [gather_pairs(folder_of(place), side).split() for place in config.faces]
        return [learned for learned, _ in both], [held for _, held in both]
    folders = [folder_of(place) for place in config.data]
    learned, held = (find_pairs(folders, config.names, part, side) for part in ("train", "held_back"))
    return learned, held


def what_is_kept(
    mean: Autoencoder, training: list[FacePairs], held_back: list[FacePairs], config: Config
) -> Kept[DeepFakes]:
    """The averaged network, and how it is looked at."""
    names, pictures = config.names, [len(each) for each in training]
    places = (
        zip(config.faces, pictures, strict=True) if config.faces else ((each, sum(pictures)) for each in config.data)
    )
    return Kept(
        pipeline=lambda: DeepFakes({"autoencoder": mean}),
        preview=lambda made: sheet(made.networks["autoencoder"], held_back, names),
        measure=lambda made, most: [score for person, pairs in zip(names, held_back, strict=True)
                                    for score in measure(made.networks["autoencoder"], pairs, person, most)],
        data=data_sets(list(places), config),
        limits=f"It makes {', '.join(names)} of a face and nobody else, from {sum(pictures)} pictures of them; "
        "expressions and poses that these do not show come out wrong.",
    )  # fmt: skip


if __name__ == "__main__":
    start(main, Config, PRESETS)
