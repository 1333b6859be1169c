"""motion_transfer: one photo or painting comes alive, by geometry, at its own resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range

__all__ = ["SPEC", "Params"]


@dataclass(frozen=True)
class Params:
    """What a user may turn. The sliders, from yaw on, pose the face; with a driver they are added to its motion."""

    strength: Annotated[float, Range(0, 2)] = 1.0
    """How much of the driver's motion is taken; above 1 it is exaggerated."""
    relative: bool = True
    """Take the driver's changes from a start; off: also its very pose, eye opening and gaze."""
    region: Literal["all", "eyes", "lips", "pose"] = "all"
    """What moves: everything, the eyes and brows, the mouth and chin, or the head alone."""
    start: Literal["best", "first"] = "best"
    """Which moment of the clip counts as the photo's: the one most like it, or the first."""
    smoothing: Annotated[float, Range(0, 1)] = 0.3
    """How much the driver's trembling is calmed."""
    inner_mouth: Literal["driver", "drawn"] = "driver"
    """What is seen between opened lips: the driver's own teeth and tongue in the photo's colours, or drawn ones."""
    beside: bool = False
    """Show the driver on the left of the result."""
    yaw: Annotated[float, Range(-30, 30, 1)] = 0.0
    """Degrees to the picture's right."""
    pitch: Annotated[float, Range(-20, 25, 1)] = 0.0
    """Degrees downward."""
    roll: Annotated[float, Range(-30, 30, 1)] = 0.0
    """Degrees of tilt, clockwise."""
    smile: Annotated[float, Range(-1, 1)] = 0.0
    """Corners of the mouth up, or down."""
    mouth: Annotated[float, Range(0, 1)] = 0.0
    """How far the mouth opens."""
    pucker: Annotated[float, Range(0, 1)] = 0.0
    """Lips drawn together."""
    brows: Annotated[float, Range(-1, 1)] = 0.0
    """Brows up, or down."""
    blink: Annotated[float, Range(0, 1)] = 0.0
    """Both eyes shut."""
    wink: Annotated[float, Range(-1, 1)] = 0.0
    """One eye shut: the left one as you see it, or the right one."""
    look_x: Annotated[float, Range(-1, 1)] = 0.0
    """The eyes look to the picture's right."""
    look_y: Annotated[float, Range(-1, 1)] = 0.0
    """The eyes look down."""


SPEC = MethodSpec(
    id=__name__.rpartition(".")[2],  # the folder's name
    title="Motion transfer",
    year=2026,
    paper="https://arxiv.org/abs/2003.00196",
    summary="A photo or painting turns its head, speaks, blinks and looks around: 468 points of the driver's face, "
    "their motion in the head's own three dimensions, move the picture's own pixels at its own resolution. "
    "In the spirit of the first-order motion model, without a network that repaints the face.",
    family="reenactment",
    tasks=("animate",),
    licence="Apache-2.0",
    pipeline=".pipeline:MotionTransfer",
    params=Params,
    limits="Heads turn about 27 degrees to each side and no further; full profiles, big sunglasses and wide "
    "brims look wrong when turned, a laughing mouth cannot be closed, and the background near the hair moves a little.",
    trained_on="Nothing: geometry only. The teeth and tongue of closed mouths come from one synthetic person. A "
    "network that repairs the warp was trained on single portraits: it won in figures (error of damaged pixels 11.1 to "
    "9.5 of 255, 90 people) and lost to the eye, with grey teeth, so it is left off.",
    inputs=Inputs(media=("photo",), persona=False, driving="optional"),
)
