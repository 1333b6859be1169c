"""The pictures that a method is measured on, each with the checksum that locks it: those that ship with facezoo, those
of a folder, and pairs of rendered faces. And which group a picture belongs to, so that a method that serves some faces
worse than others cannot hide it.

Age and beard are left out: no picture here has its age on record, and no measure of a beard was found that could be
trusted on paintings and on dark skin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import numpy as np

from facezoo.errors import UsageError
from facezoo.face.covering import covering_of
from facezoo.face.find import move
from facezoo.face.occlusion import skin_patch
from facezoo.media.limits import PHOTO_SUFFIXES
from facezoo.safety import admission
from facezoo.types import Face
from facezoo.zoo.embedded import consent_free, examples, personas

__all__ = [
    "LEFT_OUT",
    "STRATA",
    "TONES",
    "PairSet",
    "Subject",
    "find_pairs",
    "groups",
    "lock_of",
    "read_folder",
    "shipped",
    "skin_tone",
    "spread",
]

STRATA = {
    "skin": "Skin as lit, by the individual typology angle of cheeks and nose in the picture: light and skin are one, "
    "so it tells light pictures from dark ones more than people",
    "glasses": "Glasses, as facezoo finds them",
    "turn": "Head, turned by more than 20 degrees or less",
    "kind": "Photo or painting",
}
"""Name -> in words."""
LEFT_OUT = (
    "Age groups: none of these pictures has an age on record.",
    "Beard: no measure of it that can be trusted.",
)

TONES = ("very light", "light", "intermediate", "tan", "brown", "dark", "no colour")
"""The groups of skin, in order."""

_TURNED = 20.0  # degrees of yaw
_ANGLES = (55, 41, 28, 10, -30)  # degrees, between one tone and the next
_LIT = (0.4, 0.8)  # of the skin's lightness: without shadow and without shine
_COLOURLESS = 6.0  # Lab chroma of skin below which a picture is black and white or nearly so
_KINDS = ("photo", "painting")
_CHUNK = 12  # pairs that are measured in one go


@dataclass(frozen=True)
class Subject:
    """One picture, which stands for one person. part: "portraits", which may be shown, or "photos", which are measured
    only. name: its file's. sha256: of its bytes."""

    name: str
    path: Path
    sha256: str
    kind: Literal["photo", "painting"]
    part: Literal["portraits", "photos"]


@dataclass(frozen=True)
class PairSet:
    """Some held-back pairs of one persona, in the layout of training/persona_frames.py. names: without _a and _b;
    people: who _a shows, one for each; sha256: of the manifest, which holds the sum of every file."""

    folder: Path
    persona: str
    names: tuple[str, ...]
    people: tuple[str, ...]
    sha256: str


def shipped() -> list[Subject]:
    """The personas and examples that come with facezoo: synthetic people and old paintings."""
    found = [Subject(each.portrait.name, each.portrait, each.sha256, "photo", "portraits") for each in personas()]
    for each in examples():
        kind = "painting" if each.kind == "painting" else "photo"
        found.append(Subject(each.path.name, each.path, each.sha256, kind, "portraits"))
    return found


def read_folder(folder: Path, part: Literal["portraits", "photos"], consent: bool) -> list[Subject]:
    """The pictures of a folder, by name. A manifest.json in it, a list of {"file", "kind"}, tells paintings and leaves
    out what is neither photo nor painting.

    consent: that every face in it may be used. Raises UsageError without pictures, ConsentRequired."""
    kinds = _kinds(folder)
    paths = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in PHOTO_SUFFIXES]
    found: list[Subject] = []
    for path in paths:
        kind = kinds.get(path.name, "photo")
        if kind in _KINDS:
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            admission.require_consent(sha256, consent, consent_free(), subject=f"the picture {path.name}")
            found.append(Subject(path.name, path, sha256, kind, part))
    if not found:
        raise UsageError(f"There are no pictures in {folder}.", f"It needs {', '.join(PHOTO_SUFFIXES)}.")
    return found


def find_pairs(folder: Path, people: list[str], limit: int) -> list[PairSet]:
    """At most `limit` pairs of each persona in folder/<persona>/held_back, spread over all of them, in small sets.

    Raises UsageError when there are none of any persona."""
    found: list[PairSet] = []
    for persona in people:
        held_back = folder / persona / "held_back"
        if not (held_back / "manifest.json").is_file():
            continue
        sha256 = hashlib.sha256((held_back / "manifest.json").read_bytes()).hexdigest()
        lines = (held_back / "frames.jsonl").read_text(encoding="utf-8").splitlines()
        records = [cast("dict[str, Any]", json.loads(line)) for line in lines]
        firsts = [each for each in records if each["name"].endswith("_a")]
        firsts = [firsts[number] for number in spread(len(firsts), limit)]
        for start in range(0, len(firsts), _CHUNK):
            some = firsts[start : start + _CHUNK]
            names = tuple(str(each["name"])[:-2] for each in some)
            found.append(PairSet(held_back, persona, names, tuple(str(each["portrait"]) for each in some), sha256))
    if not found:
        raise UsageError(
            f"There are no held-back pairs in {folder}.", "Make them with training/persona_frames.py --pairs."
        )
    return found


def spread(count: int, limit: int) -> list[int]:
    """At most `limit` of the numbers below `count`, evenly spread, in order."""
    return np.linspace(0, count - 1, min(count, limit)).round().astype(int).tolist()


def lock_of(subjects: Sequence[Subject] | Sequence[PairSet]) -> dict[str, Any]:
    """Which pictures these were: {"sha256" of the list, "files": [{"name", "sha256"}]}."""
    files = [
        {"name": each.name if isinstance(each, Subject) else f"{each.persona}: {' '.join(each.names)}",
         "sha256": each.sha256}
        for each in subjects
    ]  # fmt: skip
    return {"sha256": hashlib.sha256(json.dumps(files).encode()).hexdigest(), "files": files}


def groups(subject: Subject, face: Face) -> dict[str, str]:
    """The group of a picture in each of STRATA."""
    glasses = covering_of(face).glasses
    return {
        "skin": skin_tone(face),
        "glasses": "glasses" if glasses else "no glasses",
        "turn": "turned" if abs(face.pose.yaw) > _TURNED else "facing",
        "kind": subject.kind,
    }


def skin_tone(face: Face) -> str:
    """The bin of the individual typology angle of the skin, shadow and shine left out; "no colour" for black and white.

    Source: Del Bino & Bernerd 2013, "Variations in skin colour and the biological consequences of ultraviolet radiation
    exposure" (six groups), who measured skin in one light; a photo has its own."""
    lab = cv2.cvtColor(face.crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    patch = lab[skin_patch(move(face.landmarks.mesh, face.affine), face.crop.shape[0]) > 0]
    low, high = np.quantile(patch[:, 0], _LIT)
    lightness, red, yellow = np.median(patch[(patch[:, 0] >= low) & (patch[:, 0] <= high)], axis=0)
    if np.hypot(red, yellow) < _COLOURLESS:
        return "no colour"
    angle = np.degrees(np.arctan2(lightness - 50, yellow))
    return TONES[sum(bool(angle <= each) for each in _ANGLES)]


def _kinds(folder: Path) -> dict[str, str]:
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    try:
        entries = cast("list[dict[str, Any]]", json.loads(path.read_text(encoding="utf-8")))
        return {Path(each["file"]).name: str(each.get("kind", "photo")) for each in entries}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(
            f"{path} cannot be read.", 'It is a list of {"file": name, "kind": "photo" or "painting"}.'
        ) from problem
