"""The game and the votes: fair rounds, votes taken once, ranks that follow from them, nothing of who voted."""

from __future__ import annotations

import base64
import csv
import io
import re
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo.errors import UsageError
from facezoo.safety.marks import detect
from facezoo.ui.learn.game import GamePage
from facezoo.ui.learn.play import Games
from facezoo.ui.learn.ranking import Vote, bradley_terry, rank
from facezoo.ui.learn.votes import Offer, Pair, Votes
from facezoo.zoo.embedded import examples, personas

PAIRS = [Pair("curls", "tarek", a, b) for a, b in (("x", "y"), ("x", "z"), ("y", "z"))]
WEIGHTS = {"x": "1" * 64, "y": "2" * 64, "z": ""}


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def votes(tmp_path: Path, clock: list[float]) -> Votes:
    return Votes(tmp_path / "new" / "votes.sqlite3", PAIRS, WEIGHTS, lambda: clock[0])


@pytest.fixture
def game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GamePage:
    monkeypatch.setenv("FACEZOO_HOME", str(tmp_path))
    return GamePage(facezoo.list_methods())


def offered(votes: Votes, session: str = "") -> Offer:
    offer = votes.offer(session)
    assert offer is not None
    return offer


def test_a_session_sees_each_pair_once(votes: Votes) -> None:
    first = offered(votes)
    seen = [first, *(offered(votes, first.session) for _ in PAIRS[1:])]
    assert {each.session for each in seen} == {first.session}
    assert sorted(str(each.pair) for each in seen) == sorted(map(str, PAIRS))
    assert votes.offer(first.session) is None
    assert offered(votes, "made up").session != "made up"


def test_a_vote_is_taken_once(votes: Votes) -> None:
    offer = offered(votes)
    assert votes.take(offer.token, "left", "a") == offer
    for token, answer in ((offer.token, "left"), ("nothing", "left"), ("", "same"), (offered(votes).token, "both")):
        with pytest.raises(UsageError):
            votes.take(token, answer, "a")
    (vote,) = votes.all()
    assert (vote.first, vote.second) == (offer.pair.first, offer.pair.second)
    assert vote.won == (2 if offer.turned else 1)


@pytest.mark.parametrize(("answer", "straight", "turned"), [("left", 1, 2), ("right", 2, 1), ("same", 0, 0)])
def test_the_winner_is_who_stood_there(votes: Votes, answer: str, straight: int, turned: int) -> None:
    for _ in range(12):
        offer = offered(votes)
        votes.take(offer.token, answer, str(offer.token))
        assert votes.all()[-1].won == (turned if offer.turned else straight)


def test_who_votes_too_quickly_is_asked_to_wait(votes: Votes, clock: list[float]) -> None:
    for _ in range(20):
        votes.take(offered(votes).token, "left", "a")
    waiting = offered(votes)
    with pytest.raises(UsageError, match="quick"):
        votes.take(waiting.token, "left", "a")
    votes.take(offered(votes).token, "left", "b")
    clock[0] = 61.0
    votes.take(waiting.token, "left", "a")  # the offer is still there
    assert len(votes.all()) == 22


def test_votes_on_other_weights_do_not_count(votes: Votes, tmp_path: Path) -> None:
    while (offer := offered(votes)).pair.first != "x":
        pass
    votes.take(offer.token, "same", "a")
    assert len(votes.all()) == 1
    later = Votes(tmp_path / "new" / "votes.sqlite3", PAIRS, {**WEIGHTS, "x": "9" * 64})
    assert later.all() == []
    assert len(later.as_csv().splitlines()) == 2  # kept all the same


def test_nothing_of_who_voted_is_kept(votes: Votes, tmp_path: Path) -> None:
    votes.take(offered(votes).token, "left", "203.0.113.7")
    content = (tmp_path / "new" / "votes.sqlite3").read_bytes()
    assert b"203.0.113.7" not in content
    rows = list(csv.DictReader(io.StringIO(votes.as_csv())))
    assert set(rows[0]) == {
        "day", "session", "picture", "persona", "first", "second", "first_weights", "second_weights", "won",
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rows[0]["day"])


def test_many_vote_at_once(votes: Votes, tmp_path: Path) -> None:
    def vote(name: str) -> None:
        for _ in range(5):
            votes.take(offered(votes).token, "right", name)

    threads = [threading.Thread(target=vote, args=(str(number),)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(votes.all()) == 30
    with sqlite3.connect(tmp_path / "new" / "votes.sqlite3") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def test_strengths_follow_from_wins() -> None:
    """Two who met: won three to one is three times as strong. And it finds strengths that drew the wins."""
    assert bradley_terry(np.array([[0, 3], [1, 0]], float)) == pytest.approx([0.75, 0.25])
    true = np.array([0.5, 0.3, 0.15, 0.05])
    wins = 100_000 * true[:, None] / (true[:, None] + true[None, :])
    np.fill_diagonal(wins, 0)
    assert bradley_terry(wins) == pytest.approx(true, abs=1e-6)


def test_ranks_have_intervals_that_shrink() -> None:
    def voted(sessions: int) -> list[Vote]:
        return [Vote(str(number), "x", "y", 2 if number % 5 == 0 else 1) for number in range(sessions)]

    few, many = rank(voted(30)), rank(voted(600))
    assert [each.method for each in many] == ["x", "y"]
    assert many[0].low <= 0.8 <= many[0].high
    assert all(each.low <= each.strength <= each.high for each in (*few, *many))
    assert few[0].high - few[0].low > 2 * (many[0].high - many[0].low)
    assert many[0].votes == 600
    assert rank([]) == []


def test_one_who_votes_often_is_one() -> None:
    others = [Vote(str(number), "x", "y", 2) for number in range(10)]
    loud = rank([Vote("one", "x", "y", 1) for _ in range(200)] + others)
    many = rank([Vote(f"also {number}", "x", "y", 1) for number in range(200)] + others)
    assert [each.method for each in loud] == [each.method for each in many] == ["x", "y"]
    assert loud[0].low < 0.1  # without that one nobody likes x
    assert many[0].low > 0.85


def test_few_votes_say_nothing() -> None:
    assert rank([Vote(str(number), "x", "y", 1) for number in range(29)]) == []
    assert rank([Vote(str(number % 4), "x", "y", 1) for number in range(90)]) == []
    assert len(rank([Vote(str(number % 5), "x", "y", 1) for number in range(30)])) == 2


def test_ten_rounds_half_of_them_changed(game: GamePage) -> None:
    rounds = game.rounds()
    assert len(rounds) == 10
    assert sum(each.changed for each in rounds) == 5
    assert len({each.result.before for each in rounds}) == 10


def test_the_page_knows_the_truth_only_after_an_answer(game: GamePage) -> None:
    told = game.new_game({})
    token, html = told["game"], told["html"]
    names = [word for spec in facezoo.list_methods() for word in (spec.id, spec.title)]
    names += [each.id for each in (*examples(), *personas())]
    right = 0
    for number in range(1, 11):
        (picture,) = re.findall(r'<img src="data:image/avif;base64,([^"]+)"', html)
        plain = html.replace(picture, "")
        assert f'data-round="{number}"' in plain
        assert not [each for each in names if re.search(rf"\b{re.escape(each)}\b", plain)]
        assert re.sub(r"\d+", "", plain) == re.sub(r"\d+", "", told["html"].replace(picture_of(told["html"]), ""))
        with Image.open(io.BytesIO(base64.b64decode(picture))) as seen:
            assert (seen.format, seen.size, dict(seen.getexif())) == ("AVIF", (448, 448), {})
        for wrong in ({}, {"game": token}, {"game": token, "round": str(number), "answer": "perhaps"},
                      {"game": token, "round": str(number + 1), "answer": "yes"}):  # fmt: skip
            assert "panel" in game.judge(wrong)["html"]
        truth = game.judge({"game": token, "round": str(number), "answer": "yes"})["html"]
        assert ("changed this face." in truth) == ("Right. " in truth) != ("This face is untouched." in truth)
        assert game.judge({"game": token, "round": str(number), "answer": "no"})["html"] == truth  # judged once
        right += "Right. " in truth
        assert ("How did I do?" in truth) == (number == 10)
        html = game.next_round({"game": token})["html"]
    assert right == 5
    assert "You judged 5 of 10 rightly" in html and "No changed face slipped through." in html
    assert "Play again" in game.next_round({"game": "made up"})["html"]


def picture_of(html: str) -> str:
    return re.findall(r'<img src="data:image/avif;base64,([^"]+)"', html)[0]


def test_games_do_not_pile_up(game: GamePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facezoo.ui.learn.play._OPEN", 2)
    games, rounds = Games(), game.rounds()[:2]
    tokens = [games.begin(rounds)[0] for _ in range(3)]
    with pytest.raises(UsageError, match="over"):
        games.find(tokens[0])
    games.judge(tokens[2], "1", "no")
    assert games.find(tokens[1]).answers == []


def test_a_made_face_to_judge_is_marked(game: GamePage) -> None:
    """What is shown of a result without its record still says by its pixels that it was made."""
    for each in game.rounds()[:4]:
        with Image.open(io.BytesIO(base64.b64decode(each.picture.partition(",")[2]))) as seen:
            assert detect(np.asarray(seen.convert("RGB"))).found == each.changed


def test_the_label_is_out_of_sight(game: GamePage) -> None:
    """It lies in the right bottom corner, at most a tenth of the picture."""
    for each in game.rounds():
        width, left, top = each.result.part
        seen = (-left + 100) / width, (-top + 100) / width  # of the picture's width, to the right and below
        assert seen[0] < 0.9 or seen[1] < 0.9, each.result.subject


def test_a_vote_by_the_page(game: GamePage) -> None:
    asked = game.new_pair({})
    token = re.search(r'data-token="(\w+)"', asked["html"])
    assert token is not None
    plain = re.sub(r"base64,[^\"]+", "", asked["html"])
    assert not [spec.id for spec in facezoo.list_methods() if spec.id in plain or spec.title in plain]
    told = game.vote({"token": token[1], "answer": "same"})
    assert "Left was" in told["html"]
    assert "1 vote on this hub so far" in told["ranking"]
    again = game.vote({"token": token[1], "answer": "same"})
    assert "answered already" in again["html"]
    assert len(game.export({})["csv"].splitlines()) == 2
    for wrong in (None, [], {"token": 3}, {"token": ["x"], "answer": {}}, "x"):
        assert "panel" in game.vote(wrong)["html"]
    assert game.new_pair({"session": asked["session"]})["session"] == asked["session"]


def test_a_disk_that_takes_nothing_is_told_of(game: GamePage, tmp_path: Path) -> None:
    (tmp_path / "votes.sqlite3").mkdir()
    token = re.search(r'data-token="(\w+)"', game.new_pair({})["html"])
    assert token is not None
    assert "wrong on our side" in game.vote({"token": token[1], "answer": "left"})["html"]


def test_a_hub_of_one_method_plays_without_votes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEZOO_HOME", str(tmp_path))
    game = GamePage([spec for spec in facezoo.list_methods() if spec.id == "landmark_warp"])
    assert "seen every pair" in game.new_pair({})["html"]
    assert len(game.rounds()) == 10
