"""The picture input: faces that can be chosen, who they become, whose motion is taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import gradio as gr
import numpy as np
import pytest

from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.motion.template import shipped_names
from facezoo.types import Persona
from facezoo.ui import workspace
from facezoo.ui.common.picture import (
    OWN,
    Chosen,
    Picker,
    driver_input,
    face_view,
    first_example,
    picture_input,
    start_at,
    subject,
)
from facezoo.zoo.embedded import personas


def test_each_its_own_is_offered_for_two_to_twelve_faces(portrait: Path) -> None:
    def shown(faces: int, people: tuple[Persona, ...]) -> bool:
        box = (10.0, 10.0, 20.0, 20.0)
        chosen = Chosen(portrait, portrait, "A", boxes=(box,) * faces, looked=True)
        return f'value="{OWN}"' in Picker("x", own=people).markup(chosen)

    assert [faces for faces in (1, 2, 12, 13) if shown(faces, tuple(personas()))] == [2, 12]
    assert not shown(2, ())


def test_a_motion_file_is_a_driver_without_a_face() -> None:
    if not shipped_names():
        pytest.skip("no motion ships")
    from facezoo.motion.template import save_template, shipped

    path = save_template(shipped(shipped_names()[0]), workspace.new_folder())
    with gr.Blocks():
        picker = driver_input("animate").picker
    found, failure = picker.look({"upload": str(path)})
    assert failure is None
    assert found is not None
    assert (found.kind, found.needs_consent) == ("motion", False)
    assert "<img" not in picker.markup(found)
    path.write_bytes(b"PK\3\4")
    found, failure = picker.look({"upload": str(path)})
    assert found is None
    assert failure is not None
    outside, failure = picker.look({"upload": "/etc/hostname"})
    assert outside is None
    assert failure is not None


def test_one_face_comes_alive_at_a_time() -> None:
    chosen = first_example("gypsy-girl")
    assert chosen is not None
    crowd = replace(chosen, boxes=((1, 1, 5, 5), (9, 9, 5, 5)), looked=True)
    assert 'value="all"' in Picker("compare").markup(crowd)
    assert 'value="all"' not in Picker("animate", single=True).markup(crowd)


def test_faces_of_a_group_are_chosen_by_their_crops() -> None:
    chosen = first_example("gypsy-girl")
    assert chosen is not None
    assert "face-crop" not in Picker("compare").markup(chosen), "one face needs no choice"
    crowd = replace(chosen, boxes=((1, 1, 20, 20), (60, 9, 20, 20)), looked=True)
    assert Picker("compare").markup(crowd).count("face-crop") == 2
    first, second = face_view(crowd, 1), face_view(crowd, 2)
    assert first and second
    assert first.left > second.left, "the second lies further to the right"
    assert face_view(crowd, "all") == first
    assert subject(crowd, 2).endswith(", face 2")
    assert subject(crowd, "all").endswith(", 2 faces")
    assert start_at(replace(crowd, boxes=((40, 40, 55, 55),)), 1) == 40 + 55 // 4 + 1  # it fills the picture


def test_paintings_come_first() -> None:
    painted, born = "Ready pictures: old paintings", "Ready pictures: people who never existed"
    for first, second, kind in ((painted, born, "painting"), (born, painted, "portrait")):
        with gr.Blocks():
            shown = str(picture_input(Picker("x"), ready=kind).ready.get_config())
        assert shown.index(first) < shown.index(second)


@pytest.mark.parametrize("side", [640, 1600])
def test_the_smallest_face_that_is_promised_is_found(side: int) -> None:
    nobody = Chosen(personas()[0].portrait, personas()[0].portrait, "A", looked=True)
    assert "a fortieth of the picture wide" in Picker("x").markup(nobody)
    face = find_faces(read_photo(personas()[0].portrait))[0]
    share = side / 40 / face.box.width
    small = cv2.resize(face.frame, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    crowd = np.full((side, side, 3), 130, np.uint8)
    crowd[side // 3 : side // 3 + small.shape[0], side // 2 : side // 2 + small.shape[1]] = small
    assert len(find_faces(crowd)) == 1
