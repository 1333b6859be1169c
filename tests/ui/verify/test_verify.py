"""Four answers to where a file comes from."""

from __future__ import annotations

from typing import Any

import pytest

from facezoo.types import Provenance
from facezoo.ui.verify.page import answer

TITLES = {
    "trusted": "Made here, and unchanged",
    "unknown-signer": "Signed by somebody else",
    "tampered": "Changed after it was signed",
    "none": "No signature",
}


@pytest.mark.parametrize("signature", TITLES)
def test_the_four_answers_differ(signature: Any) -> None:
    html = answer(Provenance(signature, True, "landmark_warp"), "a.png")
    assert [title for title in TITLES.values() if title in html] == [TITLES[signature]]
    assert "Watermark found" in html
