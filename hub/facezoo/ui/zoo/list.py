"""The zoo's list: every method with what it needs, a search and filters that work in the page."""

from __future__ import annotations

from collections.abc import Sequence

from facezoo.ui.common.html import template
from facezoo.ui.zoo.entry import FAMILIES, TASKS, Entry

__all__ = ["listing", "state_mark"]

_HTML = template("zoo/list.html")


def listing(entries: Sequence[Entry], left_out: Sequence[str]) -> str:
    """The list with its heading, and with filters for what differs between methods: a choice with one answer is not
    offered. left_out: what to say of methods that cannot be listed."""
    families = {each.spec.family: FAMILIES.get(each.spec.family, each.spec.family) for each in entries}
    tasks = {task: TASKS.get(task, task) for each in entries for task in each.spec.tasks}
    licences = {name: name for each in entries for name in each.licences}
    filters = {
        "family": ("Kind", "All kinds", families),
        "task": ("Does", "All tasks", tasks),
        "licence": ("Licence", "All licences", licences),
    }
    measured = any(each.measured for each in entries)
    return _HTML.listing(entries, left_out, measured, filters, len({each.commercial for each in entries}) > 1)


def state_mark(entry: Entry) -> str:
    """The state of its weights in two or three words with an icon."""
    return _HTML.state_mark(entry)
