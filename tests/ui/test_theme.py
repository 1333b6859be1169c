"""The look: contrast, and that nothing is fetched for it."""

from __future__ import annotations

import re

import pytest

from facezoo.ui.theme import DARK, LIGHT, Palette, style


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(palette: Palette) -> None:
    """WCAG 2.2: 4.5:1 for text, 3:1 for the edges of things one can operate."""
    for ground in (palette.ground, palette.surface, palette.sunken):
        for ink in (palette.text, palette.quiet):
            assert contrast(ink, ground) >= 4.5
    for ink, ground in [
        (palette.accent, palette.ground), (palette.accent, palette.surface), (palette.on_accent, palette.accent),
        (palette.on_accent, palette.accent_strong), (palette.text, palette.accent_soft),
        (palette.good, palette.surface),
        (palette.warn, palette.surface), (palette.text, palette.bad_soft), (palette.text, palette.warn_soft),
        (palette.text, palette.good_soft),
    ]:  # fmt: skip
        assert contrast(ink, ground) >= 4.5, (ink, ground)
    for ground in (palette.ground, palette.surface):
        assert contrast(palette.edge, ground) >= 3


def test_the_page_names_no_other_host() -> None:
    addresses = re.findall(r"(?:https?:)?//[\w.-]+", re.sub(r"//[^\n]*\n", "\n", style()))
    assert addresses == []
    assert "@import" not in style()
    assert "@font-face" not in style()


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two #rrggbb colours."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
