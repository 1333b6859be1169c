"""The zoo: every method there is, as a table and as cards."""

from __future__ import annotations

import gradio as gr

from facezoo.types import MethodSpec
from facezoo.ui.parts.markup import licence, text, why

__all__ = ["zoo_page"]

_FAMILIES = {
    "rules": "Rules, nothing learned",
    "translation": "Image translation",
    "autoencoder": "Autoencoder",
    "reenactment": "Reenactment",
    "diffusion": "Diffusion",
}
_PARAMETERS = "The numbers a method has learned. More is not better: it is only slower and larger."


def zoo_page(specs: list[MethodSpec]) -> None:
    """Fills the surrounding tab."""
    gr.HTML(_zoo(specs), apply_default_css=False)


def _zoo(specs: list[MethodSpec]) -> str:
    rows = "".join(_row(spec) for spec in specs)
    count = "One method so far" if len(specs) == 1 else f"{len(specs)} methods, oldest first"
    what = "what each needs and what its licence lets you do"
    return (
        f'<section class="zoo"><div class="about"><h2>The zoo</h2><p class="lede">{count}: {what}.</p></div>'
        '<fieldset class="view"><legend class="visually-hidden">Show as</legend>'
        '<label class="chip"><input type="radio" name="zoo-view" value="table" checked><span>Table</span></label>'
        '<label class="chip"><input type="radio" name="zoo-view" value="cards"><span>Cards</span></label></fieldset>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Methods"><table><thead><tr>'
        f'<th scope="col">Method</th><th scope="col">Year</th>'
        f'<th scope="col">Parameters{why("Parameters", _PARAMETERS)}</th>'
        '<th scope="col">Size</th><th scope="col">Licence</th><th scope="col">Commercial use</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _row(spec: MethodSpec) -> str:
    name, free = licence(spec)
    use = "Allowed" if free else "See the licence"
    megabytes = f"{spec.weights.bytes / 1e6:.1f} MB" if spec.weights.bytes else "0 MB"
    return (
        f'<tr><th scope="row"><a href="{text(spec.paper)}" target="_blank" rel="noopener noreferrer">'
        f"{text(spec.title)}</a>"
        f'<span class="family">{text(_FAMILIES.get(spec.family, spec.family))}</span></th>'
        f'<td data-label="Year">{spec.year}</td><td data-label="Parameters">{_count(spec.weights.parameters)}</td>'
        f'<td data-label="Size">{megabytes}</td><td data-label="Licence">{text(name)}</td>'
        f'<td data-label="Commercial use"><span class="dot {"good" if free else "warn"}"></span>{use}</td></tr>'
    )


def _count(parameters: int) -> str:
    if parameters >= 1_000_000:
        return f"{parameters / 1e6:.1f} million"
    return f"{parameters:,}" if parameters else "None"
