"""The one road: read, consent, detect, align, method, blend, seal. UI, API and CLI call this and nothing below it."""

from __future__ import annotations

from facezoo.runner.admit import Inspection, inspect
from facezoo.runner.explain import Explained, explain, explains
from facezoo.runner.live import Live
from facezoo.runner.mapping import parse_personas
from facezoo.runner.motions import keep_motion
from facezoo.runner.puppet import Puppet, Shown, portray, read_posture
from facezoo.runner.road import Comparison, comparable, compare, run

__all__ = [
    "Comparison",
    "Explained",
    "Inspection",
    "Live",
    "Puppet",
    "Shown",
    "comparable",
    "compare",
    "explain",
    "explains",
    "inspect",
    "keep_motion",
    "parse_personas",
    "portray",
    "read_posture",
    "run",
]
