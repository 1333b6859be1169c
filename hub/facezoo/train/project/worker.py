"""The process that trains a project: python -m facezoo.train.project.worker FOLDER. `Run.start` begins it."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from facezoo.errors import FacezooError
from facezoo.safety.marks import draw, mark
from facezoo.train.deepfakes import Config, Trainer
from facezoo.train.deepfakes_step import decode
from facezoo.train.faces import FacePairs
from facezoo.train.project.pairs import PEOPLE, network_for, pairs_of
from facezoo.train.project.project import Project

__all__ = ["main"]

_BATCH = 4
_RATE = 6e-4
_LAST_RATE = 0.03  # of it, that is left when the planned time is over
_WARM_UP = 15  # steps
_OWN = {True: 0.2, False: 0.35}  # share of a person's own faces that come in undisguised; paired, or not
_THREADS = 2
_EARLY = 300.0  # seconds in which pictures come more often
_PICTURES = (20.0, 60.0)  # seconds between them: then, and after that
_SAVES = 60.0  # seconds between checkpoints
_POINTS = 500  # of the loss curve
_COLUMNS, _TILE = 6, 160  # of the preview; px


def main(folder: Path) -> None:
    """Train the project in a folder until its minutes are over, or it is to pause or to finish."""
    os.nice(5)
    torch.set_num_threads(_THREADS)
    project = Project(folder)
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    work = _Work(project)
    try:
        work.prepare()
        while not stopped and not work.over:
            work.step()
        work.close()
    except Exception as problem:
        traceback.print_exc()
        told = project.run.told()
        told.status = "failed"
        told.message = problem.message if isinstance(problem, FacezooError) else f"The training stopped: {problem}"
        project.run.tell(told)


class _Work:
    """The trainer of a project, and what it tells."""

    def __init__(self, project: Project) -> None:
        self._project, self._run = project, project.run
        self._told = self._run.told()
        self._trainer: Trainer
        self._shown: list[FacePairs] = []
        self._stride, self._sum, self._summed = 1, 0.0, 0

    def prepare(self) -> None:
        """Read the faces, make the network, go on from the last checkpoint if there is one."""
        training = pairs_of(self._project)
        config = Config(
            output=self._run.folder, data=(self._project.folder,), people=PEOPLE, steps=0, batch=_BATCH,
            own=_OWN[self._project.paired], rate=_RATE, threads=_THREADS, seed=1,
        )  # fmt: skip
        self._trainer = Trainer(network_for(training), training, config)
        if any((self._run.folder / "checkpoints").glob("*[0-9]")):
            self._trainer.load("last")
        told, number = self._told, self._trainer.number
        told.losses = [each for each in told.losses if each[0] <= number]
        told.seconds *= number / told.step if told.step else 1  # what was learned after the checkpoint is lost
        told.step = number
        if len(told.losses) > 1:
            self._stride = max(1, told.losses[1][0] - told.losses[0][0])
        self._shown = [pairs.pick(np.linspace(0, len(pairs) - 1, _COLUMNS).astype(int).tolist()) for pairs in training]
        self._saved = self._pictured = self._said = time.monotonic()
        self._picture()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do for now."""
        return bool(self._run.wished) or self._told.seconds >= 60 * self._told.minutes

    def step(self) -> None:
        """One step, and whatever is due after it."""
        told, trainer, begun = self._told, self._trainer, time.monotonic()
        share = min(1.0, told.seconds / (60 * told.minutes))
        falling = _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * share)) / 2
        for group in trainer.optimizer.param_groups:
            group["lr"] = _RATE * falling * min(1.0, (trainer.number + 1) / _WARM_UP)
        self._note(trainer.step())
        now = time.monotonic()
        if now - self._saved > _SAVES or trainer.number == 1:
            self._save()
            self._saved = now
        if now - self._pictured > _PICTURES[told.seconds > _EARLY]:
            self._picture()
            self._pictured = now
        took = time.monotonic() - begun
        told.seconds += took
        told.steps_per_second += (1 / took - told.steps_per_second) * (0.05 if told.steps_per_second else 1)
        if now - self._said > 0.5:
            self._run.tell(told)
            self._said = now

    def close(self) -> None:
        """Save everything; what it is called depends on why it ends."""
        self._save()
        self._picture()
        finished = self._run.wished == "finish" or self._told.seconds >= 60 * self._told.minutes
        self._told.status = "finished" if finished else "paused"
        self._told.steps_per_second = 0.0
        self._run.tell(self._told)

    def _note(self, loss: float) -> None:
        """Keep means of ever more losses, so that there are never too many."""
        told = self._told
        told.step = self._trainer.number
        self._sum, self._summed = self._sum + loss, self._summed + 1
        if self._summed >= self._stride:
            told.losses.append((told.step, self._sum / self._summed))
            self._sum, self._summed = 0.0, 0
        if len(told.losses) >= _POINTS:
            pairs = zip(told.losses[::2], told.losses[1::2], strict=False)
            told.losses = [(second[0], (first[1] + second[1]) / 2) for first, second in pairs]
            self._stride *= 2

    def _save(self) -> None:
        """A checkpoint, and the weights as they are now."""
        self._trainer.save()
        new, old = (self._run.weights.with_suffix(suffix) for suffix in (".new", ".old"))
        shutil.rmtree(new, ignore_errors=True)
        self._trainer.export(new)
        if self._run.weights.exists():
            self._run.weights.rename(old)
        new.rename(self._run.weights)
        shutil.rmtree(old, ignore_errors=True)

    def _picture(self) -> None:
        """Four rows of faces: A, A decoded as A, A as B, B as B; labelled and watermarked."""
        network, (a, b) = self._trainer.network, self._shown
        window, own = decode(network, a.persona, "a")
        _, swapped = decode(network, a.persona, "b")
        _, other = decode(network, b.persona, "b")
        grid = np.vstack([np.hstack(list(row)) for row in (window, own, swapped, other)])
        image = PIL.Image.fromarray(grid).resize((_COLUMNS * _TILE, 4 * _TILE), PIL.Image.Resampling.LANCZOS)
        unfinished = self._run.preview.with_suffix(".part")
        PIL.Image.fromarray(mark(draw(np.asarray(image), "small"))).save(unfinished, "JPEG", quality=88)
        unfinished.replace(self._run.preview)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
