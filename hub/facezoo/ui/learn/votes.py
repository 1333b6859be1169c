"""Blind votes on which of two results is better: offered, taken once, kept without a word of who voted.

A file of SQLite below facezoo's home folder holds picture, persona, both methods with their weights, the answer, the
day, and a session: a random number that the hub gave out and that leads to nobody. Only pairs that the hub offered
are voted on, each once a session; how often one address may vote is counted in memory and forgotten.
"""

from __future__ import annotations

import csv
import io
import random
import secrets
import sqlite3
import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from facezoo.errors import UsageError
from facezoo.ui.learn.ranking import Vote

__all__ = ["Offer", "Pair", "Votes"]

_TABLE = """create table if not exists votes (
  day text not null, session text not null, picture text not null, persona text not null,
  first text not null, second text not null, first_weights text not null, second_weights text not null,
  won integer not null check (won in (0, 1, 2)),
  unique (session, picture, persona, first, second))"""
_COLUMNS = ("day", "session", "picture", "persona", "first", "second", "first_weights", "second_weights", "won")
_A_MINUTE, _AN_HOUR = 20, 240  # votes of one address
_OPEN = 4000  # offers and sessions that are remembered
_MOST = 200_000  # votes that are kept
_ANSWERS = {"left": 1, "right": 2, "same": 0}


@dataclass(frozen=True)
class Pair:
    """Two results of one picture as one persona. first, second: ids of methods, in the order of their names."""

    picture: str
    persona: str
    first: str
    second: str


@dataclass(frozen=True)
class Offer:
    """A pair that a session was shown. token: with which it is answered. turned: the second stands on the left."""

    token: str
    session: str
    pair: Pair
    turned: bool


class Votes:
    """file: of SQLite, made when the first vote is taken. weights: method id -> sha256 of those at work."""

    def __init__(
        self, file: Path, pairs: Sequence[Pair], weights: dict[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file, self._pairs, self._weights, self._clock = file, tuple(pairs), weights, clock
        self._lock = threading.Lock()
        self._offers: OrderedDict[str, Offer] = OrderedDict()
        self._seen: OrderedDict[str, set[Pair]] = OrderedDict()
        self._times: defaultdict[str, deque[float]] = defaultdict(deque)

    def offer(self, session: str) -> Offer | None:
        """A pair that this session has not seen, at random; None when it has seen all. session: as an earlier offer
        said, anything else begins a new one."""
        with self._lock:
            if session not in self._seen:
                session = secrets.token_hex(8)
                self._seen[session] = set()
                while len(self._seen) > _OPEN:
                    self._seen.popitem(last=False)
            left = [pair for pair in self._pairs if pair not in self._seen[session]]
            if not left:
                return None
            offer = Offer(secrets.token_hex(8), session, random.choice(left), random.random() < 0.5)
            self._seen[session].add(offer.pair)
            self._offers[offer.token] = offer
            while len(self._offers) > _OPEN:
                self._offers.popitem(last=False)
            return offer

    def take(self, token: str, answer: str, client: str) -> Offer:
        """Keeps a vote. answer: "left", "right" or "same". client: whose votes are counted, kept nowhere.

        Raises UsageError for an answer that is none, a pair that was not offered or is answered, too many votes."""
        if answer not in _ANSWERS:
            raise UsageError("This is no answer.", "Choose the left one, the right one, or neither.")
        with self._lock:
            self._check_rate(client)
            offer = self._offers.pop(token, None)
            if offer is None:
                raise UsageError("This pair was not offered, or is answered already.", "Ask for the next pair.")
            won = _ANSWERS[answer]
            self._keep(offer, 3 - won if offer.turned and won else won)
            return offer

    def all(self) -> list[Vote]:
        """Those on results of the weights that are at work now."""
        return [
            Vote(row["session"], row["first"], row["second"], row["won"]) for row in self._rows()
            if all(self._weights.get(row[each]) == row[f"{each}_weights"] for each in ("first", "second"))
        ]  # fmt: skip

    def as_csv(self) -> str:
        """Every vote, with a line of names."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows([row[name] for name in _COLUMNS] for row in self._rows())
        return text.getvalue()

    def _check_rate(self, client: str) -> None:
        now, times = self._clock(), self._times[client]
        while times and now - times[0] > 3600:
            times.popleft()
        if len(times) >= _AN_HOUR or sum(now - each < 60 for each in times) >= _A_MINUTE:
            raise UsageError("That was very quick.", "Look at the next pair a little longer, and vote in a minute.")
        times.append(now)
        if len(self._times) > _OPEN:
            self._times = defaultdict(deque, {client: times})

    def _keep(self, offer: Offer, won: int) -> None:
        pair, weights = offer.pair, self._weights
        row = (
            f"{datetime.now(UTC):%Y-%m-%d}", offer.session, pair.picture, pair.persona, pair.first, pair.second,
            weights.get(pair.first, ""), weights.get(pair.second, ""), won,
        )  # fmt: skip
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=10)) as database, database:
            database.execute(_TABLE)
            if database.execute("select count(*) from votes").fetchone()[0] < _MOST:
                database.execute(f"insert or ignore into votes values ({','.join('?' * len(row))})", row)

    def _rows(self) -> list[Any]:
        if not self._file.is_file():
            return []
        with closing(sqlite3.connect(self._file, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            database.execute(_TABLE)
            return database.execute("select * from votes order by rowid").fetchall()
