"""What a picture says: a sentence in one of many languages, or a recording of a voice."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from facezoo.errors import FacezooError, UsageError
from facezoo.media.limits import VIDEO_SUFFIXES
from facezoo.media.sound import SOUND_SUFFIXES
from facezoo.safety.admission import VOICE_STATEMENT
from facezoo.ui.common.cards import Card
from facezoo.ui.common.html import component, static, template
from facezoo.ui.common.params import strict
from facezoo.ui.common.picture import consent_box, resolve_upload, turn
from facezoo.ui.jobs import LOOKING, Failure, explain

if TYPE_CHECKING:
    from facezoo.speech.perform import Speech

__all__ = ["Said", "SpeechInput", "speech_input", "with_speech"]

_FIRST = {"en": "English", "de": "German", "es": "Spanish", "fr": "French", "cmn": "Chinese (Mandarin)"}
_WAYS = (("sentence", "A sentence"), ("sound", "A recording"))
_SPEAKERS = [("Man", "man"), ("Woman", "woman")]
_SUFFIXES = (*SOUND_SUFFIXES, *VIDEO_SUFFIXES)
_LONGEST = 60  # seconds
_HTML = template("animate/speech.html")


@dataclass(frozen=True)
class Said:
    """What is to be said, and how. sentence, sound: as of `runner.spoken`. consent: that a recorded voice may be
    used. manner: arguments of `runner.Manner`."""

    sentence: str | None
    sound: Path | None
    consent: bool
    manner: Mapping[str, Any]

    def spoken(self) -> AbstractContextManager[Speech]:
        """What drives a face, while the block lasts; raises as `runner.spoken` does."""
        from facezoo import runner

        manner = runner.Manner(**self.manner)
        return runner.spoken(self.sentence, self.sound, manner=manner, consent=self.consent or None)


@dataclass(frozen=True)
class SpeechInput:
    """The components. way: "sentence" or "sound". recording: path of the chosen sound, None before there is one. words:
    what it says."""

    way: gr.HTML
    sentence: gr.Textbox
    zone: gr.HTML
    recording: gr.State
    consent: gr.Checkbox
    words: gr.Textbox
    manner: dict[str, Component]

    @property
    def inputs(self) -> list[Any]:
        """What `said` takes."""
        return [self.way, self.sentence, self.recording, self.consent, self.words, *self.manner.values()]

    def said(
        self, way: object, sentence: str | None, sound: str | None, consent: bool, words: str | None, *manner: Any
    ) -> Said:
        """The values of `inputs`. Raises UsageError when there is nothing to say."""
        how = dict(zip(self.manner, manner, strict=True))
        if way != "sound":
            if not (sentence or "").strip():
                raise UsageError("There is nothing to say.", "Write a sentence first, or use a recording.")
            return Said(sentence, None, False, how)
        if not sound:
            raise UsageError("No usable recording is chosen.", "Record one, or choose a file in which somebody speaks.")
        return Said((words or "").strip() or None, Path(sound), consent, how)

    def wire(self) -> None:
        """A chosen recording is listened to, and consent asked."""
        zone: Any = self.zone
        zone.picked(_heard, [zone], [zone, self.recording, self.consent], **LOOKING)


def speech_input(prefix: str) -> SpeechInput:
    """The input in the surrounding layout. The stylesheet shows the column of class said-WAY."""
    languages = _languages()
    way = component("animate/ways.js", template("animate/page.html").ways("said", _WAYS, "What is said"), "sentence")
    manner: dict[str, Component] = {}
    with gr.Column(elem_classes=["tuning", "said-sentence"]):
        sentence = gr.Textbox(
            label="Sentence", lines=3, max_lines=8, elem_id=f"{prefix}-sentence",
            placeholder="Good evening. Nobody ever asked me what I think.",
        )  # fmt: skip
        if not languages:
            static(_HTML.missing())
    with gr.Column(elem_classes=["tuning", "said-sound"]):
        zone = component("animate/speech.js", _HTML.sound(None, None, _SUFFIXES, _LONGEST, turn()), {}, "sound-input")
        consent = consent_box(VOICE_STATEMENT)
        words = gr.Textbox(
            label="What it says, if you like", lines=2, max_lines=8, elem_id=f"{prefix}-words",
            info="The lips become exact, in any language, and there will be captions.",
        )  # fmt: skip
    with gr.Row(elem_classes=["tuning", "pair"]):
        choices = languages or [(name, id) for id, name in _FIRST.items()]
        manner["voice"] = strict(gr.Dropdown(choices, value=choices[0][1], label="Language", min_width=140))
        speaker = gr.Radio(_SPEAKERS, value="man", label="Voice", min_width=140, elem_classes=["said-sentence"])
        manner["speaker"] = strict(speaker)
    with gr.Column(elem_classes=["slider-group", "said-sentence"]):
        manner["speed"] = _slider("Words a minute", 80, 320, 150, 10)
        manner["pitch"] = _slider("Pitch", 0, 99, 50, 1)
    with gr.Column(elem_classes=["slider-group"]):
        manner["life"] = _slider("Liveliness", 0, 2, 1, 0.1)
    return SpeechInput(way, sentence, zone, gr.State(None), consent, words, manner)


def _slider(label: str, low: float, high: float, value: float, step: float) -> Component:
    return strict(gr.Slider(low, high, value, step=step, label=label, buttons=[]))


def with_speech(card: Card, beside: Path) -> Card:
    """A finished card with what a speech left beside its film: captions of a sentence, where that file is, and the
    motion under the same name."""
    captions = beside if beside.is_file() else None
    return replace(card, captions=captions, door=_HTML.beside(captions, beside.with_suffix(".motion")))


def _languages() -> list[tuple[str, str]]:
    """(name, id), five that most people ask for first; [] when nothing is installed that speaks."""
    from facezoo.speech.say import voices

    try:
        known = voices()
    except FacezooError:
        return []
    more = [(each.name, each.id) for each in known if each.id not in _FIRST]
    return [(name, id) for id, name in _FIRST.items()] + sorted(more) if known else []


def _heard(value: Mapping[str, Any] | None) -> tuple[Any, str | None, Any]:
    """The zone, the path of a usable recording, the consent line."""
    sound, failure, seconds = None, None, 0.0
    try:
        sound, seconds = _listened(value)
    except Exception as error:
        failure = explain(error)
    return _zone(sound, failure, seconds), sound and str(sound), gr.update(visible=bool(sound), value=False)


def _zone(sound: Path | None, failure: Failure | None, seconds: float) -> Any:
    shown = sound and (sound, seconds)
    return gr.update(markup=str(_HTML.sound(shown, failure, _SUFFIXES, _LONGEST, turn())), value={})


def _listened(value: Mapping[str, Any] | None) -> tuple[Path, float]:
    """The uploaded sound and its seconds. Raises UsageError when nobody speaks in it, and what `read_sound` raises."""
    from facezoo.media.sound import read_sound
    from facezoo.speech.hear import hear
    from facezoo.speech.perform import check_voice

    path = resolve_upload(value)
    sound = read_sound(path)
    check_voice(hear(sound))
    return path, sound.seconds
