"""All results of a comparison in one sealed picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from facezoo.face.find import choose, find_faces
from facezoo.media.read import open_clip, read_photo
from facezoo.media.sheet import close_up, side_by_side
from facezoo.runner.record import Label
from facezoo.safety.seal import Claim, seal
from facezoo.types import Clip, Face, Frame, Image, Sealed
from facezoo.zoo.embedded import personas

__all__ = ["gather", "seal_sheet"]


def gather(
    before: Path, results: Mapping[str, Path], destination: Path, *, persona: str | None, face: int = 1
) -> Sealed:
    """One picture of finished results beside the photo they were made from, around its face of this number.

    results: title -> file, of the photo's size. persona: id of whom they show. Raises what reading and sealing do."""
    clip = open_clip(before)
    photo = read_photo(before)
    shown = [("Untouched", photo), *((title, read_photo(path)) for title, path in results.items())]
    return seal_sheet(shown, choose(find_faces(photo), face), clip, destination, persona=persona)


def seal_sheet(
    pictures: Sequence[tuple[str, Image]], faces: Sequence[Face], clip: Clip, destination: Path, *,
    persona: str | None, seed: int = 0, label: Label = "small",
) -> Sealed:  # fmt: skip
    """Pictures of one size, (H, W, 3) RGB uint8, with their titles: around the face when one was changed, else whole.

    clip: the photo they were made from. persona: id of whom they show, None for nobody."""
    if len(faces) == 1:
        pictures = [(title, close_up(picture, faces[0].box)) for title, picture in pictures]
    name = next((each.name for each in personas() if each.id == persona), "")
    heading = f"{f'As {name}, ' if name else ''}made by AI with facezoo"
    task = "swap" if persona else "restyle"
    claim = Claim("compare", "Comparison", 0, {}, persona, {}, seed, (clip.sha256,), task)
    sheet = Frame(side_by_side(pictures, heading), 0.0)
    return seal(iter([sheet]), destination, claim=claim, clip=clip, label=label)
