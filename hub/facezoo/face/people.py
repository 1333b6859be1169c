"""The people of a film: who was seen so far, by which number, and how alike somebody is to each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facezoo.face.likeness import Likeness, unlike
from facezoo.types import Face

__all__ = ["OTHER", "SAME", "SURE", "People", "Person"]

SURE, SAME, OTHER = 1.4, 1.9, 2.6  # `unlike` up to which somebody is surely, and rather, the same; from here another
_CLEARER = 0.25  # by how much a likeness must be nearer to one person than to the next
_LEARNED = 40  # looks that the mean of a person's likeness is of


@dataclass(eq=False)
class Person:
    """Somebody in a film. number: from 1, in the order of appearance. likeness: the mean of some looks. face, usual: as
    seen last, and its colours (`likeness.skin_colours`); seen, shot: in which frame of which shot."""

    number: int
    likeness: Likeness
    face: Face
    usual: NDArray[np.float32]
    seen: int
    shot: int
    looks: int = 1
    beside: set[int] = field(default_factory=set[int])  # numbers of those who were seen together with this person

    def learn(self, look: Likeness) -> None:
        """One more look."""
        self.looks = min(self.looks + 1, _LEARNED)
        self.likeness = (self.likeness + (look - self.likeness) / self.looks).astype(np.float32)


class People:
    """All who were seen so far in a film."""

    def __init__(self) -> None:
        self.known: list[Person] = []

    def add(self, face: Face, look: Likeness, usual: NDArray[np.float32], frame: int, shot: int) -> Person:
        """Somebody new, who gets the lowest number that is free."""
        taken = {person.number for person in self.known}
        number = next(i for i in range(1, len(taken) + 2) if i not in taken)
        person = Person(number, look, face, usual, frame, shot)
        self.known.append(person)
        return person

    def nearest(self, look: Likeness, present: Sequence[Person]) -> tuple[float, Person] | None:
        """Who of those not present is most like this, and how unlike; None when there is nobody or two are as near."""
        away = [person for person in self.known if person not in present]
        ranked = sorted(((unlike(look, person.likeness), person) for person in away), key=lambda each: each[0])
        if not ranked or (len(ranked) > 1 and ranked[1][0] - ranked[0][0] < _CLEARER):
            return None
        return ranked[0]

    def same_as(self, person: Person, present: Sequence[Person]) -> Person | None:
        """The earlier, absent person who this one surely is, though they were taken for two."""
        found = self.nearest(person.likeness, [*present, person])
        if found is None or found[0] > SURE:
            return None
        other = found[1]
        return other if other.number < person.number and other.number not in person.beside else None

    def merge(self, person: Person, into: Person) -> None:
        """Forget a person who was another one all the time."""
        into.learn(person.likeness)
        into.beside |= person.beside
        self.known.remove(person)
        for each in self.known:
            if person.number in each.beside:
                each.beside = (each.beside - {person.number}) | {into.number}
