"""What is known of the talking head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from facezoo.types import Inputs, MethodSpec, Range, Weights

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
    learn: Annotated[int, Range(0, 200, 10)] = 0
    """Steps in which the network learns this face before it moves it; 0: it knows the photo alone. 30 take a minute."""
    landmarks: Literal["mesh", "fan"] = "mesh"
    """Who finds the 68 points in the photo: the mesh that ships, or face-alignment, which has to be installed."""
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
    id="talking_head",
    title="Talking head",
    year=2019,
    paper="https://arxiv.org/abs/1905.08233",
    summary="One to eight photos or a painting of somebody, and a network that has learned from many people makes them "
    "do what 68 points say: it carries the photos' own texture to where it belongs, and paints what no photo shows. It "
    "can learn a face better in a few steps.",
    family="reenactment",
    tasks=("animate", "learn"),
    licence="Apache-2.0",
    pipeline=".pipeline:TalkingHead",
    params=Params,
    limits="What no photo shows, as the inside of a mouth that opens, is painted 128 px wide: soft, where "
    "motion_transfer draws teeth; heads turn about 27 degrees to each side, and the background beside them bends a "
    "little.",
    trained_on="Synthetic people and paintings only: 20 frames each of 1044 portraits and paintings, rendered by the "
    "motion engine; 8,902 steps on one shared CPU core, without a discriminator.",
    inputs=Inputs(media=("photo",), persona=False, driving="optional"),
    weights=Weights(
        sha256="d4228db7b6ddb91f7e2dcb9716f8484302fcebad9bb2a88e3bf46006ddd91568",
        parameters=3_936_240,
        bytes=7_884_120,
    ),
)
