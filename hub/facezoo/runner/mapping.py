"""Who becomes whom, as it is written on a command line or in a request: "imani", or "1=imani,3=orla"."""

from __future__ import annotations

from collections.abc import Sequence

from facezoo.errors import UsageError

__all__ = ["parse_personas"]

_ADVICE = "Give one persona for the chosen face, or one for each face: 1=imani, 3=orla."


def parse_personas(words: Sequence[str]) -> tuple[str | None, dict[int, str] | None]:
    """(persona, None) for one id, (None, {face number: id}) for words like "1=imani", (None, None) for no words.

    A word may hold several, with commas between them. Raises UsageError for anything else; whether there is such a
    persona or face is for `run` to say."""
    parts = [part.strip() for word in words for part in word.split(",")]
    if not parts:
        return None, None
    if len(parts) == 1 and parts[0] and "=" not in parts[0]:
        return parts[0], None
    mapping: dict[int, str] = {}
    for part in parts:
        number, equals, persona = (each.strip() for each in part.partition("="))
        if not equals or not persona or not number.isdecimal() or int(number) < 1:
            raise UsageError(f"The persona {part!r} is not understood.", _ADVICE)
        if int(number) in mapping:
            raise UsageError(f"Face {int(number)} was given two personas.", "Give one for each face.")
        mapping[int(number)] = persona
    return None, mapping
