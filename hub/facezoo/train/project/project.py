"""A project of the Train page: faces of two people, and a network that learns to swap them. All of it is one folder.

project = Project.create(root)
project.add("a", [Path("me.mp4")], consent=True, progress=print)
project.add("b", [Path("friend.mp4")], consent=True, progress=print)
project.start(minutes=60)
...
pipeline = DeepFakes.from_pretrained(project.weights)
pipeline.person = "b"
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from facezoo.errors import BadInput, UsageError
from facezoo.media.files import write_whole
from facezoo.safety import admission
from facezoo.train.project.process import Process, State
from facezoo.train.project.sides import FoundFace, Side
from facezoo.types import Clip, Progress
from facezoo.zoo.embedded import consent_free, examples, personas

if TYPE_CHECKING:
    from facezoo.train.gather import Crop, Sorter

__all__ = ["FoundFace", "Project", "SideVerdict", "State", "Verdict"]

ENOUGH = 50
"""Different faces of one person from which on a training is worth its time."""
_FEWEST = 4
_SIZE = 256  # px, side of the stored crops
_ID = re.compile(r"[\w-]{22}")
_TOGETHER = 10  # faces that are stored together


@dataclass(frozen=True)
class SideVerdict:
    """count: faces kept. enough: whether a training is worth its time. sentence: that, and why."""

    count: int
    enough: bool
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """Of both sides; sentence: what to do now."""

    a: SideVerdict
    b: SideVerdict
    enough: bool
    sentence: str


class Project:
    """Two sides: "a", whose head stays and whose pictures will be changed, and "b", whose face is put on.

    id: 22 characters that cannot be guessed. folder: all that belongs to it, readable by this user alone. synthetic:
    whether every face is one of facezoo's own synthetic people. weights: a folder for `DeepFakes.from_pretrained`, with
    the people a and b; there from the first minute of training on, whole at any time. process: the training."""

    def __init__(self, folder: Path) -> None:
        self.id, self.folder = folder.name, folder
        self.sides = {side: Side(folder / side) for side in ("a", "b")}
        self.process = Process(folder)

    @classmethod
    def create(cls, root: Path) -> Project:
        """A new, empty project below a folder, which must exist."""
        folder = root / secrets.token_urlsafe(16)
        folder.mkdir(mode=0o700)
        project = cls(folder)
        project._write({"synthetic": True, "paired": False})
        return project

    @classmethod
    def open(cls, root: Path, id: str) -> Project:
        """The project of this id, which counts as used now. Raises UsageError when there is none, or no id is so."""
        folder = root / id
        if not _ID.fullmatch(id) or not (folder / "project.json").is_file():
            raise UsageError("There is no such project.", "Projects are deleted some days after their last use.")
        os.utime(folder / "project.json")
        return cls(folder)

    @classmethod
    def expire(cls, root: Path, days: float) -> None:
        """Delete the projects that were not used for so many days, but none that is being trained."""
        for file in root.glob("*/project.json"):
            project = cls(file.parent)
            runs = project.state().status in ("running", "pausing", "finishing")
            if file.stat().st_mtime < time.time() - 86400 * days and not runs:
                project.delete()

    @property
    def synthetic(self) -> bool:
        """Whether every face is one of facezoo's own synthetic people."""
        return bool(self._settings()["synthetic"])

    @property
    def paired(self) -> bool:
        """Whether faces of the same id do the same on both sides."""
        return bool(self._settings()["paired"])

    @property
    def weights(self) -> Path:
        """The trained weights; the folder is there from the first saved step on."""
        return self.process.weights

    def add(self, side: str, paths: Sequence[Path], *, consent: bool | None = None, progress: Progress) -> int:
        """Find the faces in photos and videos and store them; gives how many were new and of use.

        consent: whether the statement of `safety.admission` was made; the synthetic people and paintings that ship need
        none. progress may raise Cancelled: what was found so far stays. Files that cannot be read are passed over.
        Raises ConsentRequired, ContentRefused, and BadInput when no file could be read."""
        from facezoo.train.gather import Sorter, crops_of

        where = self._side(side)
        refused: list[BadInput] = []
        sorter = Sorter(list(where.crops(where.kept(), _SIZE // 2)[0]))

        def admit(clip: Clip) -> None:
            admission.require_consent(clip.sha256, consent, consent_free(), subject="the picture or video")
            self._write({"synthetic": self.synthetic and clip.sha256 in _synthetic(), "paired": False})

        found = crops_of(
            paths,
            _SIZE,
            admit=admit,
            refused=lambda _, problem: refused.append(problem),
            progress=lambda share: progress("faces", share),
        )
        useful = _stored(where, sorter, found)
        if len(refused) == len(paths) and refused:
            raise refused[0]
        return useful

    def faces(self, side: str) -> list[FoundFace]:
        """The faces of a side as they were found. Cheap."""
        return self._side(side).faces()

    def set_kept(self, side: str, ids: Sequence[str], kept: bool) -> None:
        """Keep or drop faces by hand. Ids that there are not are passed over."""
        self._side(side).set_kept(ids, kept, "by you")

    def verdict(self) -> Verdict:
        """Whether there are enough faces."""
        a, b = (_verdict(len(self.sides[side].kept())) for side in ("a", "b"))
        if a.enough and b.enough:
            return Verdict(
                a, b, True, "Both sides have enough faces. More kinds of light and expression make it better."
            )
        lacking = " and ".join(name for name, one in (("A", a), ("B", b)) if not one.enough)
        return Verdict(
            a, b, False, f"Add more pictures of {lacking}: other expressions, other directions, other light."
        )

    def fill_example(self, progress: Progress) -> None:
        """Fill an empty project with two synthetic people who do the same. Takes a minute or two.

        progress may raise Cancelled: what was made so far stays. Raises UsageError when there are faces already."""
        from facezoo.train.project.example import fill

        if any(side.faces() for side in self.sides.values()):
            raise UsageError("This project has faces already.", "Begin a new one for the example.")
        self._write({"synthetic": True, "paired": True})
        fill(self.sides["a"], self.sides["b"], progress)

    def start(self, minutes: float = 10) -> None:
        """Train for so many minutes, in a process of its own.

        Raises Busy while another project is trained, UsageError with too few faces or when it runs already."""
        fewest = min(len(side.kept()) for side in self.sides.values())
        if fewest < _FEWEST:
            raise UsageError("There are too few faces to begin with.", f"Give at least {_FEWEST} of each person.")
        self.process.start(minutes)

    def pause(self) -> None:
        """Save and stop; returns at once, the state is "pausing" until it is done. Raises UsageError when it does not
        run."""
        self.process.wish("pause")

    def resume(self) -> None:
        """Go on from where it was last saved, also after a restart of the machine; a training whose minutes are over
        gets as many again. Raises as `start` does."""
        state = self.state()
        over = state.status == "finished" or state.seconds >= 60 * state.minutes
        self.start(state.seconds / 60 + state.minutes if over else state.minutes)

    def stop(self) -> None:
        """Finish: save the weights and stop; returns at once, the state is "finishing" until it is done.

        Raises WeightsUnavailable when nothing was learned yet."""
        self.process.wish("finish")

    def state(self) -> State:
        """Where the training is."""
        return self.process.state()

    def delete(self) -> None:
        """Stop everything and delete the folder."""
        self.process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _side(self, side: str) -> Side:
        if side not in self.sides:
            raise UsageError(f"There is no side {side!r}.", "It is a or b.")
        return self.sides[side]

    def _settings(self) -> dict[str, bool]:
        return cast("dict[str, bool]", json.loads((self.folder / "project.json").read_text(encoding="utf-8")))

    def _write(self, values: dict[str, bool]) -> None:
        write_whole(self.folder / "project.json", json.dumps(values))


def _stored(where: Side, sorter: Sorter, found: Iterator[Crop]) -> int:
    """Put the crops into a side until it is full, whatever ends their making; gives how many are of use."""
    ids: list[str] = []
    waiting: list[Any] = []
    useful = 0
    try:
        for number, crop in enumerate(found):
            reason = sorter.add(crop)
            useful += not reason
            waiting.append((crop.image, crop.labels, reason))
            if len(waiting) < _TOGETHER:
                continue
            ids += where.add(waiting)
            waiting.clear()
            if len(ids) <= number:  # it is full
                break
    finally:
        ids += where.add(waiting)
        strangers = {ids[number] for number in sorter.others() if number < len(ids)}
        where.set_kept(strangers & set(where.kept()), False, "another person")
    return useful


def _synthetic() -> set[str]:
    """sha256 of the portraits that ship of people who never existed."""
    return {each.sha256 for each in personas()} | {each.sha256 for each in examples() if each.kind == "portrait"}


def _verdict(count: int) -> SideVerdict:
    faces = f"{count} face{'' if count == 1 else 's'}"
    if count >= ENOUGH:
        return SideVerdict(count, True, f"{faces}: enough.")
    why = "because what no picture shows is not learned"
    return SideVerdict(count, False, f"{faces}: too few, {why}. {ENOUGH} different ones are a good start.")
