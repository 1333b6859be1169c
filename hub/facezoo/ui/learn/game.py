"""Which face was changed? Ten rounds to find out; and a vote on which of two results is better."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from facezoo.errors import UsageError
from facezoo.safety.c2pa import home
from facezoo.types import MethodSpec
from facezoo.ui.common.html import template
from facezoo.ui.jobs import explain
from facezoo.ui.learn.gallery import Result, result_of
from facezoo.ui.learn.play import Games, Round, blind
from facezoo.ui.learn.ranking import ENOUGH, SESSIONS, rank
from facezoo.ui.learn.votes import Offer, Pair, Votes
from facezoo.ui.shares import CLIENT
from facezoo.zoo.embedded import examples, personas

__all__ = ["GamePage"]

_ROUNDS = 10
_NEAR = 1.25  # faces high: no label is seen
_HTML = template("learn/game.html")


class GamePage:
    """What the game's page asks the hub for. specs: the methods that it offers."""

    def __init__(self, specs: Sequence[MethodSpec]) -> None:
        self._specs = {spec.id: spec for spec in specs if "swap" in spec.tasks}
        pairs = [
            Pair(example.id, person.id, first, second)
            for example in examples() for person in personas()
            for first, second in combinations(sorted(self._specs), 2)
            if self._specs[first].inputs.knows(person.id) and self._specs[second].inputs.knows(person.id)
        ]  # fmt: skip
        weights = {id: spec.weights.sha256 for id, spec in self._specs.items()}
        self._votes, self._games = Votes(home() / "votes.sqlite3", pairs, weights), Games()

    def page(self) -> str:
        """The whole page."""
        return str(_HTML.page(self._ranking()))

    def new_game(self, _asked: Any) -> dict[str, str]:
        """The first of ten faces, for the page's script: {"html", "game"}, a token for what follows."""
        rounds = self.rounds()
        if not rounds:
            return {"html": str(_HTML.no_rounds()), "game": ""}
        token, _ = self._games.begin(rounds)
        return {"html": str(_HTML.face_to_judge(rounds[0], 1, len(rounds))), "game": token}

    def next_round(self, asked: Any) -> dict[str, str]:
        """The next face that is not judged, or how well all were: {"html"}. asked: {"game"}."""
        try:
            game = self._games.find(_word(asked, "game"))
        except UsageError as error:
            return {"html": str(_HTML.over(explain(error)))}
        if game.over:
            return {"html": str(_HTML.score(game))}
        number = len(game.answers) + 1
        return {"html": str(_HTML.face_to_judge(game.rounds[number - 1], number, len(game.rounds)))}

    def judge(self, asked: Any) -> dict[str, str]:
        """The truth of a face: {"html"}. asked: {"game", "round": its number in words, "answer"}."""
        try:
            token, number = _word(asked, "game"), _word(asked, "round")
            judged, right = self._games.judge(token, number, _word(asked, "answer"))
            return {"html": str(_HTML.truth(judged, right, last=self._games.find(token).over))}
        except UsageError as error:
            return {"html": str(_HTML.over(explain(error)))}

    def new_pair(self, asked: Any) -> dict[str, str]:
        """Two results to choose from: {"html", "session"}. asked: {"session"} of an earlier answer."""
        offer = self._votes.offer(_word(asked, "session"))
        if offer is None:
            return {"html": str(_HTML.no_pair()), "session": ""}
        try:
            left, right = self._shown(offer)
            shown = [blind(each.after, each.part, made=True) for each in (left, right)]
            html = _HTML.pair(offer.token, left, *shown)
        except UsageError as error:
            html = _HTML.trouble(explain(error))
        return {"html": str(html), "session": offer.session}

    def vote(self, asked: Any) -> dict[str, str]:
        """Takes an answer to a pair: {"html"} says which was which and {"ranking"} how all rank; or what was wrong."""
        try:
            offer = self._votes.take(_word(asked, "token"), _word(asked, "answer"), CLIENT.get())
            return {"html": str(_HTML.voted(*self._shown(offer))), "ranking": str(self._ranking())}
        except Exception as error:  # among them a disk that takes nothing
            return {"html": str(_HTML.trouble(explain(error)))}

    def export(self, _asked: Any) -> dict[str, str]:
        """All votes: {"csv"}."""
        return {"csv": self._votes.as_csv()}

    def rounds(self) -> list[Round]:
        """Ten pictures, each once, half of them changed, in any order; fewer when fewer results are there."""
        chosen = random.sample(examples(), len(examples()))
        found: list[Round] = []
        for example in chosen:
            ways = [(spec, person.id) for spec in self._specs.values() for person in personas()
                    if spec.inputs.knows(person.id)]  # fmt: skip
            random.shuffle(ways)
            results = (result_of(spec, example.id, who, around=_NEAR) for spec, who in ways)
            result = next((each for each in results if each), None)
            if result and len(found) < _ROUNDS:
                found.append(Round(result, changed=len(found) % 2 == 0))
        random.shuffle(found)
        return found

    def _shown(self, offer: Offer) -> tuple[Result, Result]:
        """The left and the right one. Raises UsageError when one no longer ships."""
        pair = offer.pair
        both = [
            result_of(self._specs[id], pair.picture, pair.persona, around=_NEAR) for id in (pair.first, pair.second)
        ]
        left, right = reversed(both) if offer.turned else both
        if left is None or right is None:
            raise UsageError("This result no longer ships.", "Ask for the next pair.")
        return left, right

    def _ranking(self) -> str:
        votes = self._votes.all()
        titles = {id: spec.title for id, spec in self._specs.items()}
        return _HTML.ranking(
            [each for each in rank(votes) if each.method in titles], titles, len(votes), (ENOUGH, SESSIONS)
        )


def _word(asked: Any, name: str) -> str:
    """What the page sent under a name, "" when it sent no word."""
    value: Any = asked.get(name) if isinstance(asked, Mapping) else ""
    return value if isinstance(value, str) else ""
