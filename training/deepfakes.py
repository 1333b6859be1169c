"""Teach one encoder and a decoder for each persona to swap faces.

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

    python training/deepfakes.py --recipe classic --faces ann/ ben/ --output runs/ann_and_ben

The recipes, the loop and what it leaves: facezoo.train.deepfakes.
"""

from __future__ import annotations

import sys
import time

from facezoo.errors import FacezooError
from facezoo.train.config import parse
from facezoo.train.deepfakes import PRESETS, Config, begin_from, build, finish, run
from facezoo.train.faces import FacePairs, find_pairs
from facezoo.train.project.gather import gather_pairs
from facezoo.train.publish import publish_folder, record_of


def main(config: Config) -> None:
    """Read pairs or find faces, train, measure, save, and upload when asked to."""
    begun = time.monotonic()
    network = build(config)
    side = network.side * network.scale
    training, held_back = faces_of(config, side)
    print(f"{sum(map(len, training))} + {sum(map(len, held_back))} pairs", flush=True)
    if config.init_from:
        print(begin_from(network, config.init_from), flush=True)
    trainer = run(network, training, held_back, config)
    if trainer is None or not trainer.accelerator.is_main_process:
        return
    metrics = finish(trainer, held_back)
    if config.push:
        tables = {
            who: {score: {name: table[name][score] for name in table} for score in ("l1", "ssim")}
            for who, table in metrics.items()
        }
        columns = ("swap", "copied input")
        record = record_of("deepfakes", config, trainer.number, time.monotonic() - begun, tables, columns)
        card = "# The autoencoder of facezoo's deepfakes\n"
        print(publish_folder(config.output / "final", config.push, card, record))


def faces_of(config: Config, side: int) -> tuple[list[FacePairs], list[FacePairs]]:
    """What is learned from and what is held back, for each person. Without pairs every tenth face is held back, and
    what is measured is how well each person is rebuilt."""
    if not config.faces:
        training, held_back = (find_pairs(config.data, config.names, each, side) for each in ("train", "held_back"))
        return training, held_back
    everybody = [gather_pairs(folder, side) for folder in config.faces]
    held = [[number for number in range(len(each)) if number % 10 == 9] or [0] for each in everybody]
    kept = [[number for number in range(len(each)) if number % 10 != 9] for each in everybody]
    training, held_back = (
        [each.pick(numbers) for each, numbers in zip(everybody, chosen, strict=True)] for chosen in (kept, held)
    )
    return training, held_back


if __name__ == "__main__":
    try:
        main(parse(Config, PRESETS, sys.argv[1:]))
    except FacezooError as problem:
        sys.exit(str(problem))
