"""Where does this file come from? Four clear answers, and the watermark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from facezoo.media.read import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.types import Provenance
from facezoo.ui.common.cards import panel
from facezoo.ui.common.markup import icon, plain, text
from facezoo.ui.common.picture import resolve_upload
from facezoo.ui.jobs import explain
from facezoo.ui.theme import ASSETS

__all__ = ["verify_page"]

_ANSWERS = {
    "trusted": (
        "good",
        "seal",
        "Made here, and unchanged",
        "This file was made by this facezoo, and not a single byte has changed since.",
    ),
    "unknown-signer": (
        "warn",
        "unknown",
        "Signed by somebody else",
        "The file has not changed since it was signed, but we do not know who signed it. Ask whoever gave it to you.",
    ),
    "tampered": (
        "bad",
        "alert",
        "Changed after it was signed",
        "Somebody edited or re-saved this file after it was signed. Do not trust what its label says.",
    ),
    "none": (
        "neutral",
        "empty",
        "No signature",
        "Nothing in this file says where it comes from. That proves nothing either way: most files have no signature, "
        "and signatures are lost when a picture is shared or saved again.",
    ),
}
_MARKED = (
    "Our invisible watermark is in the picture: it was made with facezoo, whatever became of the signature. "
    "The watermark survives most copies and screenshots; it is an aid, not proof."
)
_UNMARKED = "Our invisible watermark was not found. Strong editing can remove it; it is an aid, not proof."


def verify_page() -> None:
    """Fills the surrounding tab and wires it."""
    with gr.Column(elem_classes=["narrow"]):
        gr.HTML(
            '<section class="about"><h2>Where does this file come from?</h2><p class="lede">Drop a picture or a video. '
            "We read its signature and look for our watermark; the file stays on this machine.</p></section>",
            apply_default_css=False,
        )
        box = gr.HTML(
            value={},
            markup=_drop_zone(),
            html_template="${markup}",
            js_on_load=(ASSETS / "picture.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            elem_classes=["picture-input"],
        )
        answer = gr.HTML("", apply_default_css=False, elem_id="verify-answer")

    def picked(value: Mapping[str, Any] | None) -> tuple[Any, str]:
        return gr.update(markup=_drop_zone()), _answer(value)

    box.picked(
        picked,
        inputs=[box],
        outputs=[box, answer],
        show_progress="hidden",
        api_visibility="private",
        concurrency_limit=2,
        concurrency_id="look",
    )


def _answer(value: Mapping[str, Any] | None) -> str:
    from facezoo.safety.seal import verify

    try:
        path = resolve_upload(value or {})
        return _provenance(verify(path), str((value or {}).get("name") or path.name))
    except Exception as error:
        return panel(explain(error))


def _provenance(found: Provenance, name: str) -> str:
    tone, mark, title, meaning = _ANSWERS[found.c2pa]
    watermark = (
        ("good", "check", "Watermark found", _MARKED)
        if found.watermark
        else ("neutral", "empty", "No watermark", _UNMARKED)
    )
    facts = [("File", name), ("Method", found.method), ("Weights", found.weights), ("Made on", _date(found.created))]
    rows = "".join(f"<div><dt>{name}</dt><dd>{text(known)}</dd></div>" for name, known in facts if known)
    return (
        f'<div class="verdict" role="status"><div class="answer {tone}" data-answer="{text(found.c2pa)}">{icon(mark)}'
        f"<div><h3>{title}</h3>{plain(meaning)}</div></div>"
        f'<div class="answer {watermark[0]}">{icon(watermark[1])}'
        f"<div><h3>{watermark[2]}</h3>{plain(watermark[3])}</div></div>"
        f'{f"""<dl class="facts-list">{rows}</dl>""" if rows else ""}</div>'
    )


def _date(created: str | None) -> str | None:
    """2026-11-22T21:38:00+00:00 -> 2026-11-22, 21:38 UTC; anything else as it is."""
    from datetime import UTC, datetime

    if not created:
        return None
    try:
        return f"{datetime.fromisoformat(created).astimezone(UTC):%Y-%m-%d, %H:%M} UTC"
    except ValueError:
        return created


def _drop_zone() -> str:
    from facezoo.ui.common.picture import turn

    return (
        f'<section class="picker wide" data-state="empty" data-turn="{turn()}" aria-label="File to check">'
        '<div class="canvas"><div class="invitation"><strong>Drop a file to check</strong>'
        "<span>Picture or video, up to 50 MB</span></div>"
        '<p class="busy" role="status"><span class="spinner"></span>Reading its signature and watermark</p></div>'
        '<div class="actions"><label class="button">Choose a file<input type="file" class="visually-hidden" '
        f'accept="{",".join([*PHOTO_SUFFIXES, *VIDEO_SUFFIXES])}"></label></div></section>'
    )
