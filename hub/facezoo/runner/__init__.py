"""The roads that UI, API and CLI take: read, consent, detect, align, method, blend, seal.

Every name is imported on first use: each road loads what it needs and no more."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facezoo.runner.admit import Inspection, inspect, parse_personas
    from facezoo.runner.animate import Live, keep_motion
    from facezoo.runner.explanation import Explained, explain, explains
    from facezoo.runner.learning import Learned, learn, open_head, unpack_head
    from facezoo.runner.puppet import Puppet, Shown, portray, read_posture
    from facezoo.runner.road import Comparison, comparable, compare, run
    from facezoo.runner.sheet import gather
    from facezoo.runner.speak import Manner, spoken

__all__ = ["Comparison", "Explained", "Inspection", "Learned", "Live", "Manner", "Puppet", "Shown", "comparable",
           "compare", "explain", "explains", "gather", "inspect", "keep_motion", "learn", "open_head", "parse_personas",
           "portray", "read_posture", "run", "spoken", "unpack_head"]  # fmt: skip

_HOMES = {
    "admit": ("Inspection", "inspect", "parse_personas"),
    "animate": ("Live", "keep_motion"),
    "explanation": ("Explained", "explain", "explains"),
    "learning": ("Learned", "learn", "open_head", "unpack_head"),
    "puppet": ("Puppet", "Shown", "portray", "read_posture"),
    "speak": ("Manner", "spoken"),
    "road": ("Comparison", "comparable", "compare", "run"),
    "sheet": ("gather",),
}  # no file may have the name of a function: importing it would hide the function


def __getattr__(name: str) -> Any:
    """Import a name on first use (PEP 562)."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"facezoo.runner.{home}"), name)
    raise AttributeError(f"module 'facezoo.runner' has no attribute {name!r}")
