"""Scores as a sentence: what a figure says, before its interval."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from facezoo.zoo.record import Score

__all__ = ["Plain", "headlines", "in_words"]

_SENTENCES = {
    "top1": ("Taken for the persona in {} of 100 pictures", 100, 0),
    "taken": ("Taken for a picture of the other kind in {} of 100 pictures", 100, 0),
    "pose": ("The head turns by {}° where it should stay", 1, 1),
    "sharpness": ("Keeps {} % of the face's fine detail", 100, 0),
    "nme_rendered": ("The face's points lie off by {} % of the distance between the eyes", 1, 1),
    "nme_clips": ("In real films they lie off by {} % of it", 1, 1),
    "seconds": ("Takes {} s of one processor core", 1, 2),
}
"""Metric -> its sentence, what the value is multiplied with, decimals."""
_KINDS = {"into paintings": "a painting", "into photos": "a photo"}
_FIRST = ("top1", "taken", "nme_rendered", "sharpness")  # of a list that has room for two


@dataclass(frozen=True)
class Plain:
    """A score in words. spread: the range that holds the true value 19 times in 20. tried: on how many of what."""

    words: str
    spread: str
    tried: str


def in_words(scores: Iterable[Score]) -> list[Plain]:
    """Those of the scores that a sentence is known for, in their order."""
    return [_plain(score) for score in scores if score.metric in _SENTENCES]


def headlines(scores: Iterable[Score], most: int = 2) -> list[Plain]:
    """The few that say most, each measure once; of measures without a sentence the first, by name."""
    scores, first = list(scores), dict[str, Score]()
    for score in scores:
        if score.metric in _FIRST:
            first.setdefault(score.metric, score)
    return [_plain(score) for score in (list(first.values()) or scores)[:most]]


def _plain(score: Score) -> Plain:
    found = (score.result.value, score.result.low, score.result.high)
    if score.metric in _SENTENCES:
        sentence, times, decimals = _SENTENCES[score.metric]
        value, low, high = (f"{each * times:.{decimals}f}" for each in found)
    else:
        sentence, (value, low, high) = score.name + ": {}", (f"{each:.3g}" for each in found)
    on = re.sub(r"(, \d+ (pictures|people x \d+ personas))?( \(\w{8}\))?$", "", score.dataset)
    kind = next((kind for end, kind in _KINDS.items() if end in on), "a picture of the other kind")
    words = sentence.replace("a picture of the other kind", kind).format(value)
    return Plain(words, f"{low} to {high}", f"{score.n} tried, {on}")
