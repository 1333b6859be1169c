"""What training/pix2pixhd.py learns by: which stage a step belongs to, and what it costs to be wrong.

Sources: Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (section
3.2 and 3.3: coarse to fine, several discriminators, equation 4: feature matching); Mao et al. 2017, "Least Squares
Generative Adversarial Networks".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional

from facezoo.methods.pix2pixhd.painter import Stage

__all__ = ["feature_matching", "halved", "least_squares", "stage_of"]

Maps = list[list[Tensor]]
"""What `MultiscaleDiscriminator` gives."""


def stage_of(step: int, steps: int, shares: Sequence[float]) -> tuple[Stage, int]:
    """The stage that a step belongs to, and the step with which the enhancer begins. shares: of the steps, of the
    first two stages; the last has the rest."""
    ends = [round(sum(shares[: i + 1]) * steps) for i in range(2)]
    return get_args(Stage)[sum(step >= end for end in ends)], ends[0]


def least_squares(verdicts: Maps, answer: float) -> Tensor:
    """The mean squared distance of all verdicts from 1 (real) or 0 (made), summed over the scales."""
    return torch.stack([((maps[-1] - answer) ** 2).mean() for maps in verdicts]).sum()


def feature_matching(made: Maps, true: Maps) -> Tensor:
    """The L1 distance of what the discriminators see in made and true pictures, their verdicts apart: summed over the
    layers, mean over the scales."""
    distances = [
        functional.l1_loss(ours, theirs.detach())
        for scale in zip(made, true, strict=True)
        for ours, theirs in zip(*(maps[:-1] for maps in scale), strict=True)
    ]
    return torch.stack(distances).sum() / len(made)


def halved(pictures: Tensor) -> Tensor:
    """(B, C, S, S) to (B, C, S/2, S/2)."""
    return functional.avg_pool2d(pictures, 2)
