"""What the results zone shows: what ships, what will happen, and what is being made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import Card, door, grid, method_card, panel, untouched_card
from facezoo.ui.common.form import Order
from facezoo.ui.common.gallery import Finished, finished
from facezoo.ui.common.html import template
from facezoo.ui.common.picture import Chosen, face_view, face_views, start_at, subject
from facezoo.ui.common.results import finish, looks_of
from facezoo.ui.compare.take import made_row, pack, shipped_row
from facezoo.ui.jobs import Failure, Partial, Stage, Working, explain, run
from facezoo.ui.workspace import new_folder
from facezoo.zoo.embedded import personas

if TYPE_CHECKING:
    from facezoo.runner import Comparison

__all__ = ["Comparing", "key_of", "leave", "left"]

_BASELINE = "What every method starts from. One is only worth something if you can tell it from this."
_HTML = template("compare/page.html")
_left: set[str] = set()


def key_of(chosen: Chosen | None, persona: object, face: object) -> str:
    """What makes one comparison another one than the last."""
    return f"{chosen.path if chosen else ''}|{persona}|{face}"


def leave(owner: str) -> None:
    """The run of this owner, if there is one, is for what is chosen no more."""
    _left.add(owner)


def left(owner: str) -> bool:
    """Whether what the owner's run is for is chosen no more."""
    return owner in _left


@dataclass(frozen=True)
class Comparing:
    """The results zone for these methods."""

    specs: tuple[MethodSpec, ...]

    def before(self, chosen: Chosen | None, persona: object, face: str) -> str:
        """What there is before a run: the results that ship, or what will happen."""
        if chosen is None:
            return grid(_HTML.nothing())
        known = self._shipped(chosen, persona, face)
        if not known:
            return grid(_HTML.plan(self._plan(chosen, persona, face)))
        cards = {spec.id: self._first(spec, chosen, 1, known) for spec in self.specs if spec.id in known}
        strange = [spec for spec in self.specs if spec.id not in known]
        link, row = f"compare/{chosen.example}/{persona}/{face}", shipped_row(chosen.example, str(persona))
        return self._drawn(chosen, face, cards, "", link=link, strange=strange, below=row)

    def run(self, order: Order, owner: str) -> Iterator[tuple[str, bool]]:
        """The zone, again and again, and whether that was the last. Raises UsageError when no method is chosen, or none
        of them knows the persona."""
        _left.discard(owner)
        wanted = [spec for spec in self.specs if spec.id in order.settings["methods"]]
        if not wanted:
            raise UsageError("No method is chosen.", "Tick at least one under Fine tuning.")
        able = [spec for spec in wanted if spec.inputs.knows(order.persona or "")]
        strange = [spec for spec in wanted if spec not in able]
        if not able:
            raise UsageError(f"{strange[0].title} was not taught this person.", f"Choose {_known(strange[0])}.")
        known = self._shipped(order.chosen, order.persona, str(order.face))
        cards = {spec.id: replace(self._first(spec, order.chosen, order.face, known), state="waiting") for spec in able}
        for status, below, ended in self._events(order, owner, cards):
            failures = {card.failure for card in cards.values()}
            alike = next(iter(failures)) if len(failures) == 1 else None
            if alike:  # one refusal is enough
                yield grid(panel(alike), status=status), ended
            else:
                chosen, face, busy = order.chosen, order.face, not ended
                yield self._drawn(chosen, face, cards, status, busy=busy, strange=strange, below=below), ended

    def _events(self, order: Order, owner: str, cards: dict[str, Card]) -> Iterator[tuple[str, str, bool]]:
        """After each event, written on its cards: a line on them, what comes below them, whether it is the last."""
        yield "Starting", "", False
        for event in run(_work(order, list(cards)), owner):
            if isinstance(event, Stage):
                yield _stage(cards, event), "", False
            elif isinstance(event, Partial):
                steps = door("opens-tab", f"methods {event.name}", "See it step by step")
                for card in finish(cards[event.name].spec, event.value, order.chosen, order.face, door=steps):
                    cards[event.name] = card
                    yield f"{card.spec.title} is finished", "", False
            elif isinstance(event, Failure):
                _fail(cards, list(cards), event)
                yield event.state.capitalize(), "", True
            else:
                done: Comparison = event.value
                for name, problem in done.failures.items():
                    _fail(cards, [name], explain(problem))
                yield f"Finished: {len(done.results)} of {len(cards)}", _taken(done, cards, order), True

    def _shipped(self, chosen: Chosen, persona: object, face: str) -> dict[str, Finished]:
        return finished(chosen.example, str(persona), self.specs) if face == "1" else {}

    def _first(self, spec: MethodSpec, chosen: Chosen, face: int | str, known: dict[str, Finished]) -> Card:
        """A method's card before it is run: what ships of it, else the picture."""
        view, at, name = face_view(chosen, face), start_at(chosen, face), subject(chosen, face)
        card = Card(spec, "ready", before=chosen.preview, view=view, at=at, subject=name)
        if spec.id not in known:
            return card
        found = known[spec.id]
        steps = door("opens-tab", f"methods {spec.id}", "See it step by step")
        return replace(card, state="done", sealed=found.sealed, verdict=found.verdict, shipped=True, door=steps)

    def _drawn(
        self, chosen: Chosen, face: Any, cards: dict[str, Card], status: str, *, busy: bool = False,
        link: str = "", strange: Iterable[MethodSpec] = (), below: str = "",
    ) -> str:  # fmt: skip
        number = int(face) if str(face).isdecimal() else "all"
        view, name = face_view(chosen, number), subject(chosen, number)
        shown = [untouched_card(chosen.preview, subject=name, caption=_BASELINE, view=view)]
        shown += [method_card(card) for card in cards.values()]
        shown += [_HTML.strange(spec, _known(spec), spec.inputs.people[0]) for spec in strange if spec.inputs.people]
        compared = any(card.compared for card in cards.values())
        looks = looks_of(chosen, number, link) if compared else None
        return grid(*shown, status=status, busy=busy, looks=looks, below=below)

    def _plan(self, chosen: Chosen, persona: object, face: str) -> dict[str, Any]:
        """What will happen to a picture that nothing was made of yet."""
        number = int(face) if face.isdecimal() else "all"
        person = next((each for each in personas() if each.id == persona), None)
        views = list(face_views(chosen)) if number == "all" else [face_view(chosen, number)]
        able = [spec for spec in self.specs if spec.inputs.knows(str(persona))]
        strange = [(spec, _known(spec)) for spec in self.specs if spec not in able]
        of = {"chosen": chosen, "views": views, "subject": subject(chosen, number), "person": person}
        return of | {"able": able, "strange": strange}


def _work(order: Order, methods: list[str]) -> Any:
    def work(working: Working) -> Comparison:
        from facezoo import runner

        return runner.compare(
            order.chosen.path,
            persona=order.persona,
            methods=methods,
            consent=order.consent,
            face=order.face,
            seed=order.seed,
            output=new_folder(),
            label=order.label,
            progress=working.progress,
            on_result=working.partial,
        )

    return work


def _taken(done: Comparison, cards: dict[str, Card], order: Order) -> str:
    """The row to take all of it along, its files beside the results."""
    person = next((each.name for each in personas() if each.id == order.persona), "somebody else")
    archive = done.grid.path.with_name(f"facezoo-comparison-{order.persona}.zip")
    pack(archive, done.grid.path, cards, f"{subject(order.chosen, order.face)} as {person}")
    return made_row(done.grid.path, archive)


def _stage(cards: dict[str, Card], event: Stage) -> str:
    """Writes the stage on the card of its method; a stage that all share on the first that is not finished."""
    open_cards = [name for name, card in cards.items() if card.state in ("waiting", "working")]
    for name in [event.method] if event.method in open_cards else open_cards[:1]:
        cards[name] = replace(cards[name], state="working", words=event.line, fraction=event.fraction)
    return event.words


def _fail(cards: dict[str, Card], names: Iterable[str], failure: Failure) -> None:
    for name in names:
        if cards[name].state in ("waiting", "working"):
            state: Any = failure.state
            cards[name] = replace(cards[name], state=state, failure=failure)


def _known(spec: MethodSpec) -> str:
    """Whom a method was taught, in words."""
    return " or ".join(each.name.partition(" ")[0] for each in personas() if spec.inputs.knows(each.id)) or "nobody"
