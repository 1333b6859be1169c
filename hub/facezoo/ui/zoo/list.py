"""The zoo's list: a table on wide screens, cards on narrow ones, with a search and filters that work in the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from facezoo.ui.common.markup import icon, text, why
from facezoo.ui.zoo.entry import FAMILIES, TASKS, Entry, megabytes, numbers, state_mark
from facezoo.zoo.record import Score

__all__ = ["listing"]

_PARAMETERS = "The numbers a method has learned. More is not better: it is only slower and larger."
_MEASURES = (
    "What its own test measured, with the range that holds the true value 19 times in 20. Figures of different tests "
    "cannot be compared."
)


def listing(entries: Sequence[Entry], left_out: Sequence[str]) -> str:
    """The list with its heading and filters. left_out: what to say of methods that cannot be listed."""
    count = "One method so far" if len(entries) == 1 else f"{len(entries)} methods, oldest first"
    measured = any(each.record and each.record.scores for each in entries)
    columns = [f"Parameters{why('Parameters', _PARAMETERS)}", "Size", "Licence", "Commercial use"]
    columns += [f"Measured{why('Measured', _MEASURES)}"] if measured else []
    heads = "".join(f'<th scope="col">{each}</th>' for each in ["Method", "Year", *columns, "Weights"])
    rows = "".join(_row(each, measured=measured) for each in entries)
    notes = "".join(f"<li>{icon('alert')}<span>{text(each)}</span></li>" for each in left_out)
    notes = f'<ul class="notes">{notes}</ul>' if notes else ""
    return (
        f'<section class="zoo"><div class="about"><h2>The zoo</h2><p class="lede">{count}: what each is, what it '
        f"needs, and what its licence lets you do. Open one to read its card and to get its weights.</p></div>"
        f'{_filters(entries)}<p class="hint count" role="status"></p>'
        f'<table><caption class="visually-hidden">Methods</caption><thead><tr>{heads}</tr></thead>'
        f'<tbody>{rows}</tbody></table><div class="none" hidden><p>No method is like that.</p>'
        '<button type="button" class="button" data-act="clear">Show all methods</button></div>'
        f"{notes}</section>"
    )


def _filters(entries: Sequence[Entry]) -> str:
    """Controls for what differs between methods; a choice with one answer is not offered."""
    families = {each.spec.family: FAMILIES.get(each.spec.family, each.spec.family) for each in entries}
    tasks = {task: TASKS.get(task, task) for each in entries for task in each.spec.tasks}
    licences = {name: name for each in entries for name in each.licences}
    chosen = (
        _select("family", "Kind", "All kinds", families)
        + _select("task", "Does", "All tasks", tasks)
        + _select("licence", "Licence", "All licences", licences)
    )
    switch = (
        '<label class="switch"><input type="checkbox" data-filter="commercial">'
        "<span>Commercial use allowed</span></label>"
        if len({each.commercial for each in entries}) > 1
        else ""
    )
    return (
        '<form class="filters" role="search" aria-label="Methods"><label class="search"><span>Search</span>'
        '<input type="search" data-filter="words" placeholder="Name, year, what it does" autocomplete="off"></label>'
        f"{chosen}{switch}</form>"
    )


def _select(name: str, label: str, everything: str, offered: dict[str, str]) -> str:
    if len(offered) < 2:
        return ""
    options = "".join(f'<option value="{text(value)}">{text(words)}</option>' for value, words in offered.items())
    return (
        f'<label><span>{label}</span><select data-filter="{name}"><option value="">{everything}</option>{options}'
        "</select></label>"
    )


def _row(entry: Entry, *, measured: bool) -> str:
    spec, weights = entry.spec, entry.spec.weights
    family = FAMILIES.get(spec.family, spec.family)
    words = (spec.id, spec.title, spec.year, family, *(TASKS.get(each, each) for each in spec.tasks), spec.summary)
    badges = "".join(f'<span class="pill">{text(name)}</span>' for name in entry.licences)
    dot, use = ("good", "Allowed") if entry.commercial else ("warn", "See the licence")
    use = f'<span class="dot {dot}"></span>{use}'
    found = _scores(entry.record.scores if entry.record else ())
    scores = _cell("Measured", found or "–", "figures" if found else "unmeasured") if measured else ""
    return (
        f'<tr data-method="{text(spec.id)}" data-family="{text(spec.family)}" data-task="{text(" ".join(spec.tasks))}" '
        f'data-licence="{text(" ".join(entry.licences))}" data-commercial="{"yes" if entry.commercial else "no"}" '
        f'data-words="{text(_joined(words))}"><th scope="row"><a href="#zoo/{text(spec.id)}">{text(spec.title)}</a>'
        f'<span class="family">{text(family)}</span></th>{_cell("Year", str(spec.year))}'
        f"{_cell('Parameters', numbers(weights.parameters) if weights.parameters else 'None')}"
        f"{_cell('Size', megabytes(weights.bytes) if weights.bytes else 'None')}{_cell('Licence', badges)}"
        f"{_cell('Commercial use', use)}"
        f"{scores}{_cell('Weights', state_mark(entry), 'where')}</tr>"
    )


def _cell(label: str, inside: str, name: str = "") -> str:
    """label: what stands before it on a card. inside: HTML."""
    return f'<td class="{name}" data-label="{label}"><div>{inside}</div></td>'


def _scores(scores: Iterable[Score]) -> str:
    """The first two measures; all are on the card."""
    shown = [
        f'<span class="score"><b>{each.result.value:.3g}</b> <small>[{each.result.low:.3g}, {each.result.high:.3g}] '
        f"{text(each.name)}</small></span>"
        for each in list(scores)[:2]
    ]
    return "".join(shown)


def _joined(words: Iterable[object]) -> str:
    return " ".join(str(each) for each in words).lower()
