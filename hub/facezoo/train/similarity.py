"""How unlike pictures are, as a network can learn from it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

__all__ = ["difference"]


def difference(made: Tensor, truth: Tensor, weights: Tensor, unlike: float) -> Tensor:
    """The weighted L1 distance of pictures (B, 3, S, S) in [-1, 1], and `unlike` times 1 - SSIM. weights: (B, 1, S, S),
    mean 1."""
    loss = (weights * (made - truth).abs()).mean()
    if unlike:
        near = functional.avg_pool2d(weights, 8, stride=4)
        loss = loss + unlike * (near * (1 - _similarity(made, truth))).mean()
    return loss


def _similarity(ours: Tensor, theirs: Tensor) -> Tensor:
    """SSIM of 8 x 8 px blocks, every fourth one (Wang et al. 2004, eq. 13). (N, 3, T, T) in [-1, 1]."""
    mean, other = functional.avg_pool2d(ours, 8, stride=4), functional.avg_pool2d(theirs, 8, stride=4)
    moments = [functional.avg_pool2d(a * b, 8, stride=4) for a, b in ((ours, ours), (theirs, theirs), (ours, theirs))]
    variance = moments[0] - mean**2 + moments[1] - other**2
    covariance = moments[2] - mean * other
    c1, c2 = 0.02**2, 0.06**2
    return (2 * mean * other + c1) * (2 * covariance + c2) / ((mean**2 + other**2 + c1) * (variance + c2))
