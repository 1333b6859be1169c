"""The figures beside a result: doing nothing takes nothing, and a persona's own face is taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo.evaluate.verdict import verdict
from facezoo.zoo.embedded import examples, personas


def test_doing_nothing_keeps_all_and_takes_nothing(tmp_path: Path) -> None:
    picture = examples()[0].path
    again = tmp_path / "again.jpg"
    Image.open(picture).save(again, quality=80)
    found = verdict(picture, again, persona="tarek")
    assert found.kept.landmark_error < 2
    assert found.taken is not None
    assert abs(found.taken.share) < 0.1
    assert not found.taken.persona
    assert verdict(picture, again, persona=None).taken is None


def test_a_portrait_is_taken_for_whom_it_shows(tmp_path: Path) -> None:
    """One persona's picture with another's face pasted over it, whole: further than any swap can go."""
    for worn in ("tarek", "orla"):
        one = next(each for each in personas() if each.id not in ("tarek", "orla"))
        other = next(each for each in personas() if each.id == worn)
        path = tmp_path / "after.png"
        Image.open(other.portrait).resize(Image.open(one.portrait).size).save(path)
        found = verdict(one.portrait, path, persona=worn)
        assert found.taken is not None
        assert found.taken.persona
        assert found.taken.share == pytest.approx(1, abs=0.15)
        wrong = verdict(one.portrait, path, persona="orla" if worn == "tarek" else "tarek")
        assert wrong.taken is not None
        assert not wrong.taken.persona


def test_a_blurred_face_is_less_sharp(tmp_path: Path) -> None:
    from PIL import ImageFilter

    picture = examples()[0].path
    path = tmp_path / "soft.png"
    Image.open(picture).filter(ImageFilter.GaussianBlur(2)).save(path)
    found = verdict(picture, path, persona=None)
    assert found.sharpness < 0.5
    assert np.isfinite(found.kept.pose_error)
