"""The motions that ship, and the sliders."""

from __future__ import annotations

from dataclasses import fields

import pytest

import facezoo
from facezoo.media.read import open_clip
from facezoo.media.sound import read_sound
from facezoo.motion.template import shipped_names
from facezoo.safety.seal import verify
from facezoo.speech.hear import hear
from facezoo.ui.animate.motions import previews
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
