"""The failure lab: one face made harder step by step, and what each method still makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from facezoo.types import MethodSpec
from facezoo.ui.common.html import template
from facezoo.ui.learn.exhibits import Exhibit, exhibits

__all__ = ["Hardship", "hardships", "lab_page"]

_WORDS = {
    "turn": ("Turned away", "How far the head is turned", "{}°", "As far as one photo can be turned here the measure "
             "holds. Look at the far cheek and at the nose, where what was learned from the front is stretched."),
    "cover": ("Covered", "How much of the face a board covers", "{} %", "Methods leave alone what is in front of a "
              "face, so less and less of it is new. In the end there is no result: too little of a face is seen."),
    "small": ("Small", "How high the face is", "{} px", "The measure falls late, for it needs few pixels itself. But "
              "all methods come to look alike: there is no room for what sets them apart."),
    "noise": ("Noisy", "How strong the noise is, in grey levels", "{}", "Noise hardly stops the methods: landmarks are "
              "found all the same. But a painted face is clean, and stands out in a noisy picture."),
    "dark": ("Dark", "How much of the light is left", "{} %", "In the dark a camera sees noise. The new face is fitted "
             "to so little light that what makes it somebody disappears."),
    "tone": ("Darker skin", "How light the skin is, of its own lightness", "{} %", "No method stops, but the measure "
             "falls: the new face takes colour and light of the skin around. The darker skin was made by rule from one "
             "light one; how methods do on people whom they hardly learned from, it does not say."),
    "paint": ("Painted", "How wide the brush is, in pixels", "{}", "The wider the brush, the fewer of a face's details "
              "are left, and the finer the new face stands out among them."),
}  # fmt: skip
"""Name -> title, what its slider says, a level in words, what is to be seen."""
_WIDTH, _HEIGHT, _MOST = 320, 120, 0.5  # of the curves, and the share of the way at their top


@dataclass(frozen=True)
class Hardship:
    """before: the row of pictures as they are given; after: method -> its row. labels: of the levels. curves: method
    id -> points of an SVG polyline, of pieces where something was measured."""

    name: str
    title: str
    slider: str
    words: str
    labels: list[str]
    before: Exhibit
    after: dict[str, Exhibit]
    curves: dict[str, list[str]]


def hardships(specs: Sequence[MethodSpec]) -> list[Hardship]:
    """Those whose pictures ship, with the methods of this hub."""
    rows, found = exhibits(), list[Hardship]()
    for name, (title, slider, level, words) in _WORDS.items():
        before = rows.get(f"lab-{name}")
        if before is None:
            continue
        after = {spec.id: rows[f"lab-{name}-{spec.id}"] for spec in specs if f"lab-{name}-{spec.id}" in rows}
        labels = [level.format(each) for each in before.facts["levels"]]
        curves = {id: _curve(row.facts["measures"]) for id, row in after.items()}
        found.append(Hardship(name, title, slider, words, labels, before, after, curves))
    return found


def lab_page(specs: Sequence[MethodSpec]) -> str:
    """The whole page."""
    titles = {spec.id: spec.title for spec in specs}
    return str(template("learn/lab.html", told=_told).page(hardships(specs), titles, (_WIDTH, _HEIGHT, _MOST)))


def _told(measures: Sequence[dict[str, Any]]) -> list[str]:
    """The measure at each level in words."""
    return [
        "No result" if each.get("refused") else "Not to be measured" if each["taken"] is None
        else f"{100 * max(0.0, each['taken']):.0f} % of the way" for each in measures
    ]  # fmt: skip


def _curve(measures: Sequence[dict[str, Any]]) -> list[str]:
    pieces: list[list[str]] = [[]]
    for place, each in enumerate(measures):
        if each["taken"] is None:
            pieces.append([])
            continue
        x = place * _WIDTH / (len(measures) - 1)
        y = _HEIGHT * (1 - min(max(each["taken"], 0.0), _MOST) / _MOST)
        pieces[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(piece) for piece in pieces if piece]
