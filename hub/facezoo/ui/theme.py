"""The look: named design tokens, light and dark, and the two places they go to (our stylesheet, gradio's theme)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base

__all__ = ["DARK", "FAVICON", "FONT", "LIGHT", "Palette", "gradio_theme", "style"]

_UI = Path(__file__).parent
FAVICON = _UI / "common" / "favicon.png"
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif'


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for. Text on its ground keeps a contrast of 4.5:1 or more; a test computes it."""

    ground: str  # the page
    surface: str  # cards, fields
    sunken: str  # wells: drop zone, picture mats
    line: str  # hairlines between things
    edge: str  # borders of things one can operate, 3:1 against ground
    text: str
    quiet: str  # secondary text
    accent: str  # links, chosen things, the main button
    accent_strong: str  # the same under the pointer
    accent_soft: str  # ground of chosen things
    on_accent: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    shadow: str


LIGHT = Palette(
    ground="#faf9f6",
    surface="#ffffff",
    sunken="#f1efe9",
    line="#e2dfd6",
    edge="#8a867b",
    text="#1c1b18",
    quiet="#5c594f",
    accent="#2a4bb8",
    accent_strong="#1e3890",
    accent_soft="#e8ecf8",
    on_accent="#ffffff",
    good="#1c6b45",
    good_soft="#e3f1e9",
    warn="#7d5200",
    warn_soft="#f8eed8",
    bad="#a3271d",
    bad_soft="#f9e7e4",
    shadow="0 1px 2px rgb(28 27 24 / 6%), 0 8px 24px rgb(28 27 24 / 5%)",
)

DARK = Palette(
    ground="#151513",
    surface="#1e1e1b",
    sunken="#262622",
    line="#35342f",
    edge="#7d7a70",
    text="#f0eee8",
    quiet="#b3afa3",
    accent="#9db4ff",
    accent_strong="#c0cfff",
    accent_soft="#262d47",
    on_accent="#10162c",
    good="#7fd0a5",
    good_soft="#1c2f25",
    warn="#e6bd6a",
    warn_soft="#352b16",
    bad="#f2a097",
    bad_soft="#3a201d",
    shadow="0 1px 2px rgb(0 0 0 / 40%)",
)


_WIDGETS = {
    "var(--ground)": "body_background_fill",
    "var(--text)": "body_text_color block_label_text_color block_title_text_color checkbox_label_text_color "
    "checkbox_label_text_color_selected button_secondary_text_color button_secondary_text_color_hover "
    "button_secondary_border_color_hover",
    "var(--quiet)": "body_text_color_subdued block_info_text_color input_placeholder_color",
    "var(--surface)": "background_fill_primary block_background_fill input_background_fill input_background_fill_focus "
    "checkbox_background_color button_secondary_background_fill",
    "var(--sunken)": "background_fill_secondary checkbox_label_background_fill_hover "
    "button_secondary_background_fill_hover",
    "var(--line)": "border_color_primary block_border_color checkbox_label_border_color",
    "var(--accent)": "border_color_accent link_text_color link_text_color_visited input_border_color_focus "
    "checkbox_background_color_selected checkbox_border_color_focus checkbox_border_color_selected "
    "slider_color button_primary_background_fill",
    "var(--accent-soft)": "color_accent_soft checkbox_label_background_fill_selected",
    "var(--accent-strong)": "link_text_color_hover link_text_color_active button_primary_background_fill_hover",
    "transparent": "block_label_background_fill checkbox_label_background_fill button_primary_border_color "
    "button_primary_border_color_hover",
    "none": "block_shadow input_shadow input_shadow_focus",
    "var(--edge)": "input_border_color checkbox_border_color button_secondary_border_color",
    "var(--on-accent)": "button_primary_text_color button_primary_text_color_hover",
    "var(--bad-soft)": "error_background_fill",
    "var(--bad)": "error_border_color error_text_color",
}
"""Value -> gradio's own variables that have it. Those of the dark mode have the same: our tokens change with it."""


def style() -> str:
    """The tokens, then every stylesheet of the folders, those of common/ first. They fetch nothing."""
    tokens = f":root {{ {_variables(LIGHT)} --font: {FONT}; }}\n@media not print {{ .dark {{ {_variables(DARK)} }} }}"
    sheets = sorted(_UI.glob("*/*.css"), key=lambda path: (path.parent.name != "common", path))
    return "\n".join([tokens, *(path.read_text(encoding="utf-8") for path in sheets)])


def gradio_theme() -> Base:
    """Gradio's own widgets in the same tokens: system fonts, hairlines, 8 px radius, no shadows."""
    from gradio import themes

    theme = themes.Base(
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
        radius_size=themes.sizes.radius_md,
    )
    return theme.set(**_widget_colors())


def _widget_colors() -> dict[str, str]:
    """gradio variable -> value."""
    light = {name: value for value, names in _WIDGETS.items() for name in names.split()}
    dark = {f"{name}_dark": value for name, value in light.items()}
    return {**light, **dark, "button_transition": "background-color 120ms", "block_radius": "8px"}


def _variables(palette: Palette) -> str:
    names = (field.name for field in fields(palette))
    return " ".join(f"--{name.replace('_', '-')}: {getattr(palette, name)};" for name in names)
