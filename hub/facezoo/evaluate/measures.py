"""facezoo-eval v1: what is measured, in which order it is printed, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ON_PAIRS", "ON_PICTURES", "VERSION", "Measure"]

VERSION = "facezoo-eval v1"


@dataclass(frozen=True)
class Measure:
    """One measure. id: as in metrics.json. short: for a table. title: in words, with the unit. geometric: a ratio,
    whose means are geometric and whose gaps are ratios. limit: a single result beyond it is listed as a failure."""

    id: str
    short: str
    title: str
    better: Literal["higher", "lower"]
    digits: int
    geometric: bool = False
    limit: float | None = None


ON_PICTURES = (
    Measure("top1", "Recognised", "identity: the persona is the nearest of all personas (dlib ResNet embedding), share",
            "higher", 3, limit=0.5),
    Measure("to_persona", "To persona", "distance to the persona (dlib ResNet embedding)", "lower", 3),
    Measure("to_input", "To input", "distance to the input (dlib ResNet embedding)", "higher", 3),
    Measure("pose", "Pose error, °", "pose error against the input, degrees", "lower", 2, limit=10.0),
    Measure("nme", "Landmark error, %", "landmark error against the input, % of inter-ocular distance", "lower", 2,
            limit=10.0),
    Measure("expression", "Expression error", "error of the aspect ratios of eyes and mouth against the input",
            "lower", 3),
    Measure("outside", "SSIM outside", "SSIM with the input outside the face", "higher", 3),
    Measure("sharpness", "Sharpness", "sharpness of the face over the input's (variance of the Laplacian), ratio",
            "higher", 2, geometric=True),
    Measure("seconds", "Seconds", "processor seconds of method and blending", "lower", 2),
)  # fmt: skip
ON_PAIRS = (
    Measure("l1", "L1", "error to the true persona face of held-back pairs, grey levels of 255", "lower", 1),
    Measure("ssim", "SSIM", "SSIM with the true persona face of held-back pairs", "higher", 3),
)
