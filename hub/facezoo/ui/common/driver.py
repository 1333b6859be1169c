"""What moves a picture: the ways there are, the motions that ship with facezoo, a file of the visitor's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from facezoo.media.read import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from facezoo.ui.common.markup import icon, text
from facezoo.ui.common.picture import Chosen, look, markup, picture_input, resolve_upload
from facezoo.ui.jobs import Failure, explain
from facezoo.ui.theme import ASSETS
from facezoo.ui.workspace import file_url

__all__ = ["driver_input", "driver_markup", "look_at_driver", "motion_chooser", "previews", "way_chooser"]

_MOTIONS = ASSETS / "motions"
_TEMPLATE = ".motion"
_ACCEPT = (*VIDEO_SUFFIXES, *PHOTO_SUFFIXES, _TEMPLATE)
_INVITATION = ("Drop a clip of a face", "Video, GIF or photo, up to 60 s; or a .motion file")
_LEGEND = "The clip whose motion is taken; its largest face is used"
_WAYS = (("motion", "A motion"), ("clip", "A clip"), ("webcam", "My webcam"), ("sliders", "Sliders"))
_CHOOSE = """
element.addEventListener('change', event => {
  props.value = event.target.value;
  trigger('chosen');
  element.querySelector('.ways').scrollIntoView({ block: 'nearest' });
});
"""
_SCRIPT = """
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const play = card => {
  for (const film of element.querySelectorAll('video')) {
    const wanted = card?.contains(film) || film.closest('.motion').querySelector('input').checked;
    if (wanted && !calm.matches) film.play().catch(() => {}); else film.load();
  }
};
element.addEventListener('change', event => {
  props.value = event.target.value;
  play(event.target.closest('.motion'));
});
for (const name of ['pointerover', 'focusin']) {
  element.addEventListener(name, event => play(event.target.closest('.motion')));
}
element.addEventListener('pointerleave', () => play(null));
play(null);
"""


def way_chooser(prefix: str) -> gr.HTML:
    """The four ways to move a picture, a radio group that looks like one bar; its value is "motion", "clip", "webcam"
    or "sliders". The stylesheet shows the column of class way-VALUE. Event: chosen."""
    options = "".join(
        f'<label><input type="radio" name="{prefix}-way" value="{way}"{" checked" if way == "motion" else ""}>'
        f"<span>{words}</span></label>"
        for way, words in _WAYS
    )
    return gr.HTML(
        value="motion",
        markup=f'<fieldset class="ways"><legend class="visually-hidden">What moves it</legend>{options}</fieldset>',
        html_template="${markup}",
        js_on_load=_CHOOSE,
        apply_default_css=False,
    )


def motion_chooser(prefix: str) -> gr.HTML:
    """The shipped motions as cards, a radio group; its value is a template's name. Each card moves under the pointer,
    under the keyboard's focus, and while it is the chosen one."""
    from facezoo.motion.template import shipped_templates

    known = shipped_templates()
    first = next((each.name for each in known if each.name == "talk"), known[0].name if known else "")
    cards = "".join(
        _card(prefix, each.name, each.title, f"{each.seconds:.0f} s", checked=each.name == first) for each in known
    )
    body = cards or '<p class="hint">No motion is installed. Use a clip, the webcam or the sliders.</p>'
    return gr.HTML(
        value=first,
        markup=f'<fieldset class="motions"><legend class="visually-hidden">Which motion</legend>{body}</fieldset>',
        html_template="${markup}",
        js_on_load=_SCRIPT,
        apply_default_css=False,
        elem_classes=["motion-chooser"],
    )


def previews() -> list[Path]:
    """The small films and stills of the shipped motions."""
    return sorted([*_MOTIONS.glob("*.webp"), *_MOTIONS.glob("*.mp4")])


def driver_input(prefix: str) -> gr.HTML:
    """The drop zone for a clip, a GIF, a photo or a motion file. Event: picked."""
    return picture_input(f"{prefix}-driver", suffixes=_ACCEPT, chosen=None, single=True, invitation=_INVITATION)


def driver_markup(prefix: str, found: Chosen | None, failure: Failure | None) -> str:
    """The drop zone's HTML with what was found in the file."""
    return markup(
        f"{prefix}-driver",
        found,
        accept=",".join(_ACCEPT),
        failure=failure,
        legend=_LEGEND,
        single=True,
        invitation=_INVITATION,
    )


def look_at_driver(value: Mapping[str, Any] | None) -> tuple[Chosen | None, Failure | None]:
    """What the visitor dropped as a driver; as `look`, for motion files too. Never raises."""
    try:
        path = resolve_upload(value or {})
        if path.suffix.lower() == _TEMPLATE:
            return _motion(path), None
    except Exception as error:
        return None, explain(error)
    found, failure = look(value)
    # Always the largest face: the page says so instead of asking. Where none is seen at first, one may come later.
    return (replace(found, boxes=found.boxes[:1], looked=bool(found.boxes)) if found else None), failure


def _motion(path: Path) -> Chosen:
    from facezoo.motion.template import load_template

    template = load_template(path)
    seconds = float(len(template.motions) / template.rate)
    return Chosen(path=path, preview=path, caption=f"{template.title}, {seconds:.1f} s", kind="motion", looked=False)


def _card(prefix: str, name: str, title: str, length: str, *, checked: bool) -> str:
    moving, still = _MOTIONS / f"{name}.mp4", _MOTIONS / f"{name}.webp"
    picture = icon("person")
    if moving.is_file() and still.is_file():
        picture = (
            f'<video src="{text(file_url(moving))}" poster="{text(file_url(still))}" muted loop playsinline '
            'preload="none" tabindex="-1" aria-hidden="true"></video>'
        )
    return (
        f'<label class="motion"><input type="radio" name="{prefix}-motion" value="{text(name)}"'
        f'{" checked" if checked else ""}><span class="close-up">{picture}</span>'
        f"<span>{text(title)} <small>{text(length)}</small></span></label>"
    )
