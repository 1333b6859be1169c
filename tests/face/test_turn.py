"""Heads that are turned away: one rule, for swaps, films, motion and steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import facezoo
from facezoo import runner
from facezoo.errors import FacezooError, NoFace
from facezoo.face.find import find_faces
from facezoo.face.turn import GUESSED, TOO_FAR, toward_viewer, turned_away
from facezoo.media.read import read_photo
from facezoo.media.write import write_clip, write_photo
from facezoo.motion import photo
from facezoo.motion.controls import Controls, motion_of
from facezoo.types import Face, Frame, Image
from facezoo.zoo.embedded import examples, personas

SHOWN = {0: (0, 20), 30: (30, 45), 45: (GUESSED, 62), 72: (TOO_FAR, 90)}
"""Degrees that a head is turned by -> between which degrees it is said to be."""


@pytest.fixture(scope="module")
def turn() -> Iterator[Callable[[float], Image]]:
    """A synthetic person, turned by so many degrees: further than the engine lets anybody turn, for it does not look
    right."""
    face = find_faces(read_photo(next(each.portrait for each in personas() if each.id == "tarek")))[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photo, "_limited", lambda wanted, own: wanted)
        puppet = photo.MovablePhoto(face)
        yield lambda degrees: puppet.draw(motion_of(Controls(yaw=degrees), puppet.placement.rotation))


@pytest.fixture(scope="module")
def heads(turn: Callable[[float], Image]) -> dict[int, Image]:
    return {degrees: turn(degrees) for degrees in SHOWN}


@pytest.fixture(scope="module")
def files(heads: dict[int, Image], tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("turned")
    for degrees, image in heads.items():
        write_photo(folder / f"{degrees}.png", image)
    return {degrees: folder / f"{degrees}.png" for degrees in heads}


def head(image: Image) -> Face:
    return find_faces(image)[0]


def test_a_turn_is_read_as_it_was_shown(heads: dict[int, Image]) -> None:
    for degrees, image in heads.items():
        low, high = SHOWN[degrees]
        assert low <= turned_away(head(image)) <= high, degrees


def test_a_head_that_is_turned_is_told_of_and_one_turned_too_far_left_out(heads: dict[int, Image]) -> None:
    front, guessed, far = (head(heads[degrees]) for degrees in (0, 45, 72))
    notes: list[str] = []
    assert toward_viewer([front], notes) == [front] and notes == []
    assert toward_viewer([guessed], notes) == [guessed]
    assert len(notes) == 1 and notes[0].endswith("degrees away: the far side of the face is guessed.")
    assert toward_viewer([front, far], notes) == [front]
    assert "stays as it is" in notes[1]
    with pytest.raises(NoFace, match="too little of the face is seen") as refused:
        toward_viewer([far])
    assert "both eyes" in refused.value.advice


def test_every_way_judges_alike(files: dict[int, Path], swap_method: str, tmp_path: Path) -> None:
    """Swaps, comparisons, motion: a note from one angle, a refusal from another, and no file then."""
    who = {"persona": "orla", "consent": True}
    swapped = facezoo.run(swap_method, files[45], output=tmp_path / "swap.png", **who)
    compared = facezoo.compare(files[45], methods=[swap_method], output=tmp_path / "all", **who)
    moved = facezoo.run("motion_transfer", files[45], params={"smile": 1}, consent=True, output=tmp_path / "moved.png")
    for sealed in (swapped, compared.results[swap_method], moved):
        assert any("the far side of the face is guessed" in note for note in sealed.record["notes"])
    front = facezoo.run(swap_method, files[0], output=tmp_path / "front.png", **who)
    assert "notes" not in front.record
    for far in (
        lambda: facezoo.run(swap_method, files[72], output=tmp_path / "far.png", **who),
        lambda: facezoo.compare(files[72], methods=[swap_method], output=tmp_path / "far", **who),
        lambda: facezoo.run(
            "motion_transfer", files[72], params={"smile": 1}, consent=True, output=tmp_path / "far.png"
        ),
        lambda: runner.explain(swap_method, files[72], output=tmp_path / "far", **who),
        lambda: runner.learn([files[72]], tmp_path / "far", steps=0, consent=True),
    ):
        with pytest.raises(FacezooError, match=r"turned about \d\d degrees away"):
            far()
    assert not list(tmp_path.glob("far*"))


def test_a_film_says_in_how_many_frames_a_head_is_turned(
    turn: Callable[[float], Image], swap_method: str, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    shown = [turn(degrees) for degrees in (*range(0, 72, 9), *[55] * 6)]
    write_clip(film, iter(Frame(image, n / 10) for n, image in enumerate(shown)), rate=Fraction(10))
    sealed = facezoo.run(swap_method, film, persona="orla", consent=True, output=tmp_path / "made.mp4")
    (note,) = sealed.record["notes"]
    said = re.fullmatch(r"In (\d+) of 14 frames a head is turned 50 degrees away or more: .* guessed\.", note)
    assert said and 5 <= int(said[1]) <= 10


def test_ready_pictures_and_personas_need_no_note() -> None:
    for path in [*(each.path for each in examples()), *(each.portrait for each in personas())]:
        assert turned_away(head(read_photo(path))) < GUESSED
