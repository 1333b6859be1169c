"""The motions that ship, and the sliders."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import facezoo
from facezoo.media.read import open_clip
from facezoo.media.sound import read_sound
from facezoo.motion.template import shipped_names, shipped_templates
from facezoo.safety.seal import verify
from facezoo.speech.hear import hear
from facezoo.types import Sealed
from facezoo.ui.animate.motions import previews, sample_clips
from facezoo.ui.common.cards import Card, method_card
from facezoo.ui.common.picture import Picker
from facezoo.ui.common.results import example_facts, shipped_example
from facezoo.ui.common.sliders import SLIDERS

METHOD = "motion_transfer"


def test_every_motion_has_a_small_sealed_preview() -> None:
    films = {path.stem: path for path in previews() if path.suffix == ".mp4"}
    stills = {path.stem: path for path in previews() if path.suffix == ".webp"}
    assert set(films) == set(stills) == set(shipped_names())
    for path in previews():
        assert path.stat().st_size < 150_000, path.name
        assert verify(path).c2pa == "trusted", path.name


def test_ready_clips_need_no_consent_and_say_what_they_are() -> None:
    samples = sample_clips()
    assert [each.id for each in samples] == [each.name for each in shipped_templates()]
    picker = Picker("driver", samples=samples)
    chosen, failure = picker.look({"example": "wink"})
    assert chosen is not None and failure is None
    assert (chosen.path, chosen.kind, chosen.needs_consent) == (samples[-1].film, "video", False)
    assert "computer made" in chosen.caption and "never existed" in chosen.caption
    nobody, failure = picker.look({"example": "../wink"})
    assert nobody is None and failure is not None


def test_the_clip_that_drove_a_film_is_beside_it(portrait: Path) -> None:
    film = sample_clips()[0].film
    shown = method_card(Card(facezoo.load_spec(METHOD), "done", Sealed(film, {}, {"frames": 9}), portrait, driver=film))
    assert "What drives it" in shown and shown.count("<video") == 2 and "Brought to life" in shown
    assert "What drives it" not in method_card(Card(facezoo.load_spec(METHOD), "done", Sealed(film, {}, {}), portrait))


def test_a_painting_speaks_at_first() -> None:
    """The shipped film says its sentence, sealed as a synthetic voice, as long as its sound, and small."""
    spec = facezoo.load_spec(METHOD)
    film, facts = shipped_example(spec), example_facts(spec)
    assert facts["say"]
    assert film.stat().st_size < 400_000
    found = verify(film)
    assert (found.c2pa, found.watermark) == ("trusted", True)
    frames = sum(1 for _ in open_clip(film).frames())
    sound = read_sound(film)
    assert sound.seconds == pytest.approx(frames / 25, abs=0.08)
    assert hear(sound).voiced > 1


def test_sliders_are_parameters_with_plain_names() -> None:
    known = {field.name for field in fields(facezoo.load_spec(METHOD).params)}
    assert set(SLIDERS) <= known
    assert {"strength", "region", "smoothing", "start", "relative"} <= known - set(SLIDERS)
