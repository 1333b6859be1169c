"""Consent: only a plain yes, or a picture that is nobody's."""

import pytest

from facezoo.errors import ConsentRequired
from facezoo.safety.admission import STATEMENT, require_consent

SOMEBODY = "ab" * 32
FREE = frozenset({"cd" * 32})


@pytest.mark.parametrize("given", [None, False, 1, "yes"])
def test_anything_but_true_is_refused(given: object) -> None:
    with pytest.raises(ConsentRequired) as refusal:
        require_consent(SOMEBODY, given, FREE, subject="the second photo")  # pyright: ignore[reportArgumentType]
    text = str(refusal.value)
    assert refusal.value.exit_code == 5
    for part in ("the second photo", STATEMENT, "consent=True", "--consent", "box"):
        assert part in text


def test_a_statement_or_a_free_picture_passes() -> None:
    require_consent(SOMEBODY, True, FREE, subject="the picture")
    require_consent("CD" * 32, None, FREE, subject="the picture")


def test_the_statement_says_adult() -> None:
    assert STATEMENT == "I may use this face, or it is my own, and it is an adult's."
