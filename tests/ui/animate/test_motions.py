"""The motions that ship, and the sliders."""

from __future__ import annotations

from dataclasses import fields

import facezoo
from facezoo.motion.template import shipped_names
from facezoo.safety.seal import verify
from facezoo.ui.animate.motions import previews
from facezoo.ui.common.sliders import SLIDERS

METHOD = "motion_transfer"


def test_every_motion_has_a_small_sealed_preview() -> None:
    films = {path.stem: path for path in previews() if path.suffix == ".mp4"}
    stills = {path.stem: path for path in previews() if path.suffix == ".webp"}
    assert set(films) == set(stills) == set(shipped_names())
    for path in previews():
        assert path.stat().st_size < 150_000, path.name
        assert verify(path).c2pa == "trusted", path.name


def test_sliders_are_parameters_with_plain_names() -> None:
    known = {field.name for field in fields(facezoo.load_spec(METHOD).params)}
    assert set(SLIDERS) <= known
    assert {"strength", "region", "smoothing", "start", "relative"} <= known - set(SLIDERS)
