"""Central types. A leaf: imports nothing of facezoo.

Everywhere outside networks: pictures are RGB uint8 (H, W, 3), points are (x, y) in pixels with the centre of the
top-left pixel at (0, 0), boxes are XYXY in pixels.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Box",
    "Clip",
    "Face",
    "Frame",
    "Image",
    "Inputs",
    "Landmarks",
    "Mask",
    "MethodSpec",
    "Persona",
    "Points",
    "Pose",
    "Progress",
    "Provenance",
    "Range",
    "Sealed",
    "Step",
    "Weights",
    "field_notes",
]

Image = NDArray[np.uint8]
"""RGB uint8, shape (H, W, 3)."""
Mask = NDArray[np.float32]
"""float32, shape (H, W), range [0, 1]."""
Points = NDArray[np.float32]
"""float32, shape (N, 2) or (N, 3), pixels."""

Progress = Callable[[str, float], None]
"""Called as progress(stage, fraction in [0, 1]). It cancels the work by raising `errors.Cancelled`."""


@dataclass(frozen=True)
class Range:
    """Bounds of a numeric parameter: `Annotated[float, Range(0, 2)]` becomes a slider."""

    low: float
    high: float
    step: float = 0.05


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, XYXY, with the detector's score in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return max(0.0, self.width) * max(0.0, self.height)


@dataclass(frozen=True)
class Pose:
    """Head rotation in degrees. Convention: positive yaw turns the face to the picture's right, positive pitch
    lowers the chin, positive roll tilts the head clockwise as the viewer sees it."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Points of one face.

    points: (68, 2) float32 px, the iBUG 68-point order. mesh: (468, 3) float32 px, the 468-point order, z grows away
    from the viewer in the same scale as x and y; empty (0, 3) when `backend` is "fan". presence: [0, 1].
    """

    points: Points
    mesh: Points
    presence: float
    backend: Literal["mesh", "fan"]


@dataclass(frozen=True, eq=False)
class Face:
    """One face of one frame, found, measured and aligned.

    number: 1 is the largest. frame: the whole picture (H, W, 3). crop: (S, S, 3), FFHQ-like. affine: (2, 3) float32,
    maps picture points to crop points. landmarks and box are in picture pixels. persona: id of the synthetic person
    whose portrait it is, "" of everybody else.
    """

    number: int
    box: Box
    landmarks: Landmarks
    pose: Pose
    frame: Image
    crop: Image
    affine: NDArray[np.float32]
    persona: str = ""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a clip and when it is shown (seconds from the clip's start)."""

    image: Image
    time: float


@dataclass(frozen=True, eq=False)
class Clip:
    """A photo (one frame) or a moving picture. `frames()` decodes anew on each call, at constant memory.

    count is what the container claims, 1 for a photo; it may be wrong, never allocate from it. rate is frames a second.
    source is the path the bytes came from (audio is copied out of it), sha256 that of those bytes. plays: how often an
    animation is shown, 0 for ever.
    """

    kind: Literal["photo", "animation", "video"]
    width: int
    height: int
    count: int
    rate: Fraction
    has_audio: bool
    container: str
    source: Path
    sha256: str
    frames: Callable[[], Iterator[Frame]]
    plays: int = 0


@dataclass(frozen=True)
class Persona:
    """A synthetic person. None of them ever existed.

    portrait: path of the picture shipped with facezoo. facts: the JSON record beside it, shown wherever they are."""

    id: str
    name: str
    portrait: Path
    sha256: str
    licence: str
    statement: str
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Weights:
    """Where a method's weights come from: a Hub repository at a pinned 40-hex revision.

    sha256: `zoo.manifest.fingerprint` of them. Weights that only ship with facezoo have repo "" and revision "".
    A method without learned weights has sha256 "" and parameters 0 as well."""

    repo: str = ""
    revision: str = ""
    sha256: str = ""
    parameters: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Inputs:
    """What a method takes: media kinds, whether a persona or another photo is used, whether it is driven ("optional":
    its parameters alone can move the face too), and the side of the aligned crop in pixels (0: as large as the face is
    in the picture). people: ids of the personas that the weights know; () for every one of them. persona_when:
    (parameter, value) without which no persona is put on, for methods that do other things too; with `persona` False
    the weights know nobody, and that value is not offered."""

    media: tuple[Literal["photo", "video"], ...] = ("photo", "video")
    persona: bool = True
    source: bool = False
    driving: Literal["", "optional", "required"] = ""
    crop_size: int = 0
    people: tuple[str, ...] = ()
    persona_when: tuple[str, str] | None = None

    def knows(self, persona: str) -> bool:
        """Whether the weights can put this persona on."""
        return self.persona and (not self.people or persona in self.people)


@dataclass(frozen=True)
class MethodSpec:
    """All that is known of a method. Registry, UI, CLI, HTTP API, model card and docs read this and nothing else.

    pipeline: "module:Class", imported on first use. params: a frozen dataclass with defaults for every field.
    limits: one honest sentence. trained_on: what it learned from, on what, for how long. first: parameters that decide
    what is made at all, which are no fine tuning."""

    id: str
    title: str
    year: int
    paper: str
    summary: str
    family: Literal["rules", "translation", "autoencoder", "reenactment", "diffusion"]
    tasks: tuple[Literal["swap", "animate", "restyle", "puppet", "learn"], ...]
    licence: str
    pipeline: str
    params: type
    limits: str
    trained_on: str
    inputs: Inputs = field(default_factory=Inputs)
    weights: Weights = field(default_factory=Weights)
    first: tuple[str, ...] = ()

    def wears(self, params: Any) -> bool:
        """Whether a result made with these parameters shows a persona."""
        when = self.inputs.persona_when
        return self.inputs.persona and (when is None or getattr(params, when[0]) == when[1])

    def task(self, params: Any) -> Literal["swap", "animate", "restyle", "puppet", "learn"]:
        """What is done with these parameters."""
        return "swap" if "swap" in self.tasks and self.wears(params) else self.tasks[0]

    def swapping(self) -> Any:
        """The parameters to swap faces with: the defaults, but for what puts a persona on."""
        when = self.inputs.persona_when if self.inputs.persona else None
        return self.params(**{when[0]: when[1]} if when else {})


@dataclass(frozen=True)
class Provenance:
    """What `verify` reads back. c2pa: "trusted" (signed by a certificate we trust, bytes unchanged), "unknown-signer"
    (unchanged, signed by somebody else), "tampered" (changed since signing), "none". mark: whose watermark it is, if
    any: of this machine's own key, or facezoo's public one, which anyone can apply. The others: what the manifest says,
    `errors.printable`."""

    c2pa: Literal["trusted", "unknown-signer", "tampered", "none"]
    watermark: bool
    method: str | None = None
    weights: str | None = None
    created: str | None = None
    mark: Literal["own", "public"] | None = None


@dataclass(frozen=True)
class Sealed:
    """A finished file: labelled, watermarked, signed. Only `safety.seal` makes one.

    record is the result record of the contract (`facezoo run --json`)."""

    path: Path
    manifest: dict[str, Any]
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Step:
    """One picture on the way from a face to its result, as a method explains itself.

    name: short, for file names, lower case. title: a few words. text: one plain sentence. image: (H, W, 3) RGB uint8.
    made: it shows a face that a computer made, so it is labelled, watermarked and signed wherever it goes."""

    name: str
    title: str
    text: str
    image: Image
    made: bool


@cache
def field_notes(record: type) -> dict[str, str]:
    """Field name of a dataclass -> the docstring below the field, on one line; {} when the source is not at hand."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(record))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    notes: dict[str, str] = {}
    for line, note in pairwise(body.body if isinstance(body, ast.ClassDef) else []):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(note, ast.Expr):
            value = note.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                notes[line.target.id] = " ".join(value.value.split())
    return notes
