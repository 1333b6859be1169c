"""The process that trains a project: python -m facezoo.train.project.worker FOLDER. `Process.start` begins it."""

from __future__ import annotations

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
from facezoo.media.files import whole
from facezoo.methods.deepfakes.pipeline import DeepFakes
from facezoo.safety.marks import draw, mark
from facezoo.train.checkpoint import checkpoints_in, load_checkpoint, new_accelerator, save_checkpoint
from facezoo.train.deepfakes import Recipe, decode, draw_batch, loss_of
from facezoo.train.loop import half_cosine, keep
from facezoo.train.project.lessons import network_for, pairs_of
from facezoo.train.project.project import Project

__all__ = ["main"]

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
    try:
        work = _Work(project)
        while not stopped and not work.over:
            work.step()
        work.close()
    except Exception as problem:
        traceback.print_exc()
        told = project.process.told()
        told.status = "failed"
        told.message = problem.message if isinstance(problem, FacezooError) else f"The training stopped: {problem}"
        project.process.tell(told)


class _Work:
    """The network of a project as it learns, and what is told of it."""

    def __init__(self, project: Project) -> None:
        self._run, self._told = project.process, project.process.told()
        self._training = pairs_of(project)
        self._network = network_for(self._training).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportArgumentType]
        self._recipe = Recipe(batch=4, own=_OWN[project.paired], warp=0.003, similarity=0.5, features=3.0, around=0.1)
        self._accelerator = new_accelerator()
        adam = torch.optim.Adam(self._network.parameters(), _RATE, betas=(0.9, 0.99))
        self._model, self._adam = self._accelerator.prepare(self._network, adam)
        self._checkpoints = self._run.folder / "checkpoints"
        self._number = load_checkpoint(
            self._checkpoints, self._accelerator, "last" if checkpoints_in(self._checkpoints) else ""
        )
        self._begin()

    def _begin(self) -> None:
        """Forget what was told of steps after the last checkpoint, and show where it stands."""
        told, number = self._told, self._number
        told.losses = [each for each in told.losses if each[0] <= number]
        told.seconds *= number / told.step if told.step else 1
        told.step = number
        self._stride, self._sum, self._summed = 1, 0.0, 0
        if len(told.losses) > 1:
            self._stride = max(1, told.losses[1][0] - told.losses[0][0])
        self._shown = [
            each.pick(np.linspace(0, len(each) - 1, _COLUMNS).astype(int).tolist()) for each in self._training
        ]
        self._saved = self._pictured = self._said = time.monotonic()
        self._picture()

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do for now."""
        return bool(self._run.wished) or self._told.seconds >= 60 * self._told.minutes

    def step(self) -> None:
        """One step, and whatever is due after it."""
        told, begun = self._told, time.monotonic()
        share = min(1.0, told.seconds / (60 * told.minutes))
        falling = _LAST_RATE + (1 - _LAST_RATE) * half_cosine(share)
        for group in self._adam.param_groups:
            group["lr"] = _RATE * falling * min(1.0, (self._number + 1) / _WARM_UP)
        self._note(self._learn())
        now = time.monotonic()
        if now - self._saved > _SAVES or self._number == 1:
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

    def _learn(self) -> float:
        """Draw pictures and learn from them; gives the loss. Raises FacezooError when that is no number."""
        torch.manual_seed(self._number)
        faces, truth, labels = draw_batch(self._training, self._network, self._recipe)
        pictures, masks = self._model(faces)
        loss = loss_of(pictures.flatten(0, 1), masks.flatten(0, 1), truth, labels, self._recipe)
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._model.parameters(), 1.0)
        self._adam.step()
        self._adam.zero_grad()
        self._number += 1
        if not torch.isfinite(loss):
            raise FacezooError("The training went astray: its loss is no number.", "Delete the project and begin anew.")
        return loss.item()

    def _note(self, loss: float) -> None:
        """Keep means of ever more losses, so that there are never too many."""
        told = self._told
        told.step = self._number
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
        save_checkpoint(self._checkpoints, self._accelerator, self._number)
        new, old = (self._run.weights.with_suffix(suffix) for suffix in (".new", ".old"))
        shutil.rmtree(new, ignore_errors=True)
        keep(DeepFakes({"autoencoder": self._network}), new)
        if self._run.weights.exists():
            self._run.weights.rename(old)
        new.rename(self._run.weights)
        shutil.rmtree(old, ignore_errors=True)

    def _picture(self) -> None:
        """Four rows of faces: A, A decoded as A, A as B, B as B; labelled and watermarked."""
        network, (a, b) = self._network, self._shown
        window, own = decode(network, a.persona, "a")
        _, swapped = decode(network, a.persona, "b")
        _, other = decode(network, b.persona, "b")
        grid = np.vstack([np.hstack(list(row)) for row in (window, own, swapped, other)])
        image = PIL.Image.fromarray(grid).resize((_COLUMNS * _TILE, 4 * _TILE), PIL.Image.Resampling.LANCZOS)
        with whole(self._run.preview) as unfinished:
            PIL.Image.fromarray(mark(draw(np.asarray(image), "small"))).save(unfinished, "JPEG", quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
