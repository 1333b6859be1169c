"""The game's ten rounds. The truth stays here until a face is judged: what the page has before that is the same for a
changed face as for an untouched one, in form, name and kind."""

from __future__ import annotations

import base64
import io
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facezoo.errors import UsageError
from facezoo.ui.learn.gallery import Result

__all__ = ["Game", "Games", "Round", "blind"]

_SIDE = 448  # px of a face to judge
_OPEN = 1000  # games that are remembered
_ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Round:
    """A face to judge. changed: whether it is `result`'s, or the one before it."""

    result: Result
    changed: bool

    @property
    def picture(self) -> str:
        """The face as the page shows it before the truth, see `blind`."""
        path = self.result.after if self.changed else self.result.before
        return blind(path, self.result.part, made=self.changed)


@dataclass
class Game:
    """Rounds and the answers to those that are judged: whether the face was called changed."""

    rounds: Sequence[Round]
    answers: list[bool] = field(default_factory=list[bool])

    @property
    def over(self) -> bool:
        """Whether every face is judged."""
        return len(self.answers) == len(self.rounds)

    @property
    def right(self) -> int:
        """How many were judged rightly."""
        return sum(each.changed == said for each, said in zip(self.rounds, self.answers, strict=False))

    @property
    def slipped(self) -> list[str]:
        """Titles of the methods whose faces were taken for untouched, each once."""
        judged = zip(self.rounds, self.answers, strict=False)
        return list(dict.fromkeys(each.result.spec.title for each, said in judged if each.changed and not said))


class Games:
    """Those that are being played, by a token that only their page has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Game] = OrderedDict()

    def begin(self, rounds: Sequence[Round]) -> tuple[str, Game]:
        """A new game and its token. The oldest makes room when there are many."""
        token, game = secrets.token_hex(12), Game(rounds)
        with self._lock:
            self._open[token] = game
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
        return token, game

    def find(self, token: str) -> Game:
        """Raises UsageError when it is not being played here (any more)."""
        with self._lock:
            if token not in self._open:
                raise UsageError("This game is over.", "Play again.")
            return self._open[token]

    def judge(self, token: str, number: str, answer: str) -> tuple[Round, bool]:
        """Takes the answer "yes" or "no" to whether the face of round `number`, from "1", was changed: the round, and
        whether that is right. A face is judged once; who asks again hears the same. Raises UsageError."""
        game = self.find(token)
        with self._lock:
            if number == str(len(game.answers) + 1) and not game.over and answer in _ANSWERS:
                game.answers.append(_ANSWERS[answer])
            judged = {str(at): each for at, each in enumerate(zip(game.rounds, game.answers, strict=False), 1)}
            if number not in judged:
                raise UsageError("This is no answer.", "Say whether the face was changed.")
            round, said = judged[number]
            return round, round.changed == said


def blind(path: Path, part: tuple[float, float, float], *, made: bool) -> str:
    """The part of a picture that is judged, as a data address: of one size and format wherever it is from, so that
    neither tells. part: see `Result`. made: a computer made the face, so the part gets the invisible mark anew; that of
    the whole picture is not to be read from so little of it."""
    import numpy as np
    from PIL import Image

    from facezoo.safety.marks import mark

    width, left, top = part
    with Image.open(path) as opened:
        side = 100 * opened.width / width
        box = (-left * side / 100, -top * side / 100, -left * side / 100 + side, -top * side / 100 + side)
        shown = opened.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, box=box)
    if made:
        shown = Image.fromarray(mark(np.asarray(shown)))
    coded = io.BytesIO()
    shown.save(coded, "AVIF", quality=85, speed=8)
    return f"data:image/avif;base64,{base64.b64encode(coded.getvalue()).decode()}"
