"""Whose face it is. A statement that a person makes, enforced where the work starts, so every door obeys it."""

from __future__ import annotations

from facezoo.errors import ConsentRequired

__all__ = ["STATEMENT", "require"]

STATEMENT = "I may use this face, or it is my own, and it is an adult's."
"""Shown beside the checkbox, and what `consent=True` and `--consent` say."""


def require(sha256: str, given: bool | None, free: frozenset[str], *, subject: str) -> None:
    """Pass when the statement was made, or when the file is one of facezoo's own synthetic people or old paintings.

    sha256: 64 hex digits of the file's bytes, as `Clip.sha256`. given: only True counts; None means that nobody was
    asked. free: digests that need no consent. subject: what the file is to the user ("the picture", "the second
    photo"). Raises ConsentRequired.
    """
    if given is True or sha256.lower() in free:
        return
    raise ConsentRequired(
        f"Nobody has said that {subject} may be used.",
        f'If it is true that "{STATEMENT}", tick the box beside the picture, pass consent=True, or add --consent.',
    )
