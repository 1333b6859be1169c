"""Captions of a sentence that is spoken: WebVTT (W3C 2019), a phrase a cue."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from facezoo.speech.phones import Phone

__all__ = ["Cue", "cues_of", "phrases", "webvtt"]

_LONGEST = 42  # characters of a line that is read at a glance
_CLAUSE = re.compile(r"(?<=[.!?…;:,])\s+|(?<=[。！？；：，、])")
_WIDE = ("，", "、", "；", "：")  # no space after these
_END = (".", "!", "?", "…", "。", "！", "？")


@dataclass(frozen=True)
class Cue:
    """Words that are read while they are heard. begin, end: seconds."""

    text: str
    begin: float
    end: float


def phrases(sentence: str) -> list[str]:
    """A text in lines of at most 42 characters, parted where one would draw breath if that is possible."""
    parts = [line for clause in _CLAUSE.split(sentence) for line in textwrap.wrap(clause, _LONGEST)]
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]}{'' if lines[-1].endswith(_WIDE) else ' '}{part}" if lines else part
        if lines and not lines[-1].endswith(_END) and len(joined) <= _LONGEST:
            lines[-1] = joined
        else:
            lines.append(part)
    return lines


def cues_of(sentence: str, phones: Sequence[Phone], transcribe: Callable[[str], Sequence[Phone]]) -> tuple[Cue, ...]:
    """When each phrase of a sentence is heard. phones: of all of it, with times. transcribe: the phones of a phrase,
    which say how many of them are its own."""
    spoken = [phone for phone in phones if phone.symbol]
    lines = phrases(sentence)
    counts = [sum(bool(phone.symbol) for phone in transcribe(line)) for line in lines]
    ends = np.round(np.cumsum(counts) * (len(spoken) / max(sum(counts), 1))).astype(int)
    found: list[Cue] = []
    for line, first, last in zip(lines, [0, *ends[:-1]], ends, strict=True):
        if first < last:
            found.append(Cue(line, spoken[first].begin, spoken[last - 1].end))
        elif found:  # nothing is heard of it
            found[-1] = replace(found[-1], text=f"{found[-1].text} {line}")
    return tuple(found)


def webvtt(cues: Sequence[Cue]) -> str:
    """The cues as a WebVTT file; "" when there are none."""
    if not cues:
        return ""
    blocks = [f"{_clock(cue.begin)} --> {_clock(cue.end)}\n{_escaped(cue.text)}\n" for cue in cues]
    return "\n".join(["WEBVTT\n", *blocks])


def _clock(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}.{whole % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
