"""ZeroGPU of Hugging Face: a Space without a graphics card of its own, whose roads are taken in a process that is lent
one for some seconds. Elsewhere nothing changes.

https://huggingface.co/docs/hub/spaces-zerogpu
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facezoo import registry
from facezoo.errors import FacezooError
from facezoo.media.limits import VIDEO_SUFFIXES
from facezoo.runner.place import Call, Event, Finished, elsewhere, take
from facezoo.runner.record import write_down
from facezoo.types import Sealed

__all__ = ["on_zero_gpu", "seconds_of"]

_PHOTO, _COMPARISON, _FILM = 15, 60, 120  # seconds for which a card is asked


@dataclass(frozen=True)
class _Failed:
    """What the road raised: the other process would send its name alone."""

    error: FacezooError


def on_zero_gpu() -> AbstractContextManager[None]:
    """On a Space with ZeroGPU (SPACES_ZERO_GPU) roads are taken there while the block lasts. Call before torch is
    imported."""
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return nullcontext()
    spaces: Any = importlib.import_module("spaces")
    lent = spaces.GPU(duration=seconds_of)(_taken_on_card)

    def place(call: Call) -> Generator[Event]:
        for event in lent(call):
            if isinstance(event, _Failed):
                raise event.error
            if isinstance(event, Finished) and isinstance(event.value, Sealed):
                write_down(event.value.record)  # here as well: figures count in this process
            yield event

    return elsewhere(place)


def seconds_of(call: Call) -> int:
    """For how long a card is asked: visitors have some minutes of it a day."""
    if call.road == "compare":
        return _COMPARISON
    inputs: Any = call.arguments.get("inputs")
    first = Path(str(inputs[0] if isinstance(inputs, list | tuple) else inputs))
    moves = call.arguments.get("driving") is not None or first.suffix.lower() in (*VIDEO_SUFFIXES, ".gif")
    return _FILM if moves else _PHOTO


def _taken_on_card(call: Call) -> Generator[Event | _Failed]:
    try:
        named = call.arguments.get("methods") or [each.id for each in registry.list_methods() if "swap" in each.tasks]
        for id in [call.arguments["method"]] if call.road == "run" else named:
            registry.load(id, str(call.arguments.get("weights", ""))).to("cuda")
        yield from take(call)
    except FacezooError as error:
        yield _Failed(error)
