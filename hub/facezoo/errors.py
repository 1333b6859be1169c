"""Every error a user can meet. A leaf: imports nothing of facezoo.

FacezooError                      exit code 1
├── UsageError                    2   an argument is wrong or missing
├── BadInput                      3   the file cannot be used
│   ├── Unreadable                    broken, truncated, or not what its name says
│   ├── UnsupportedFormat             not one of the formats facezoo opens
│   └── TooLarge                      above (or below) a limit: bytes, pixels, seconds, frames
├── NoFace                        4   no face found, or not the one asked for
├── Refused                       5   policy
│   ├── ConsentRequired               the face is somebody's and nobody said it may be used
│   └── ContentRefused                the content check said no, or could not be done
├── WeightsUnavailable            6   missing, or the checksum does not match
├── Busy                          1   no place is free just now
└── Cancelled                     1   the user stopped it; nothing is left behind
"""

from __future__ import annotations

import unicodedata

__all__ = [
    "BadInput",
    "Busy",
    "Cancelled",
    "ConsentRequired",
    "ContentRefused",
    "FacezooError",
    "NoFace",
    "Refused",
    "TooLarge",
    "Unreadable",
    "UnsupportedFormat",
    "UsageError",
    "WeightsUnavailable",
    "printable",
]

_JOINERS = "\u200c\u200d"  # invisible, harmless, and part of how several languages are written


def printable(text: object) -> str:
    """`str(text)` made fit for a terminal, a log or a page, whoever wrote it.

    Characters that steer instead of showing (escapes, other controls, turns of the writing direction, lone
    surrogates) become visible, as \\x1b or \\u202e; line ends and tabs become spaces, so that nobody adds a line."""
    shown: list[str] = []
    for character in str(text):
        kind = unicodedata.category(character)
        if character in "\n\r\t" or kind in ("Zl", "Zp"):
            shown.append(" ")
        elif kind in ("Cc", "Cf", "Cs") and character not in _JOINERS:
            shown.append(character.encode("unicode_escape").decode("ascii"))
        else:
            shown.append(character)
    return "".join(shown)


class FacezooError(Exception):
    """Base of all errors meant for people.

    message says what happened, advice what to do about it, both `printable` though they may quote what a stranger
    wrote; `str()` gives both, advice on a second line."""

    exit_code = 1

    def __init__(self, message: str, advice: str = "") -> None:
        self.message = printable(message)
        super().__init__(self.message)
        self.advice = printable(advice)

    def __str__(self) -> str:
        return f"{self.message}\n{self.advice}" if self.advice else self.message


class UsageError(FacezooError):
    """An argument is wrong or missing."""

    exit_code = 2


class BadInput(FacezooError):
    """The input file cannot be used."""

    exit_code = 3


class Unreadable(BadInput):
    """The file is broken, truncated, or not what its name says."""


class UnsupportedFormat(BadInput):
    """The file is not one of the formats facezoo opens."""


class TooLarge(BadInput):
    """The file is above (or below) a limit: bytes, pixels, sides, seconds, frames."""


class NoFace(FacezooError):
    """No face was found, or not the one asked for."""

    exit_code = 4


class Refused(FacezooError):
    """Policy says no."""

    exit_code = 5


class ConsentRequired(Refused):
    """The face is somebody's and nobody said that it may be used."""


class ContentRefused(Refused):
    """The content check said no, or could not be done."""


class WeightsUnavailable(FacezooError):
    """The weights are missing, or their checksum does not match."""

    exit_code = 6


class Busy(FacezooError):
    """There is no place free just now: others, or one's own earlier work, come first."""


class Cancelled(FacezooError):
    """The user stopped the work."""
