"""How near pictures are to the truth: as networks learn it, and as it is told in a record.

Source: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity" (eq. 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from facezoo.types import Image, Mask
from facezoo.zoo.figures import Figure, mean, ssim
from facezoo.zoo.record import Interval, Score

__all__ = ["damage_scores", "difference", "headline", "score_of"]


def damage_scores(picture: Image, truth: Image, weight: Mask) -> dict[str, float]:
    """Means over the damaged pixels. picture, truth: (H, W, 3) RGB uint8; weight: (H, W) in [0, 1], not all 0.

    l1: grey levels of 255. ssim: of the luminance. sharpness: gradient magnitude over the truth's, 1 is as sharp."""
    share = weight.astype(np.float64) / weight.sum()
    error = np.abs(picture.astype(np.float64) - truth)
    grey = [np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), np.uint8) for each in (picture, truth)]
    ours, theirs = ((share * _gradient(each)).sum() for each in grey)
    return {
        "l1": float((share[..., None] * error).sum() / 3),
        "ssim": ssim(grey[0], grey[1], weight),
        "sharpness": float(ours / max(theirs, 1e-6)),
    }


def score_of(
    metric: str,
    name: str,
    values: Sequence[float],
    simple: Mapping[str, Sequence[float]] | None = None,
    *,
    better: Literal["higher", "lower"] = "higher",
) -> Score:
    """A score of pictures held back. metric: short id. name: in words, with the unit. values: of each picture. simple:
    the same of what costs nothing, by name."""
    found = mean(values)
    others = {each: _interval(mean(numbers)) for each, numbers in (simple or {}).items()}
    return Score(metric, name, "pictures held back", found.n, better, _interval(found), others)


def headline(scores: Sequence[Score]) -> float:
    """One number for weights, the more the better: the mean of the first score over everybody it was measured on."""
    kind = scores[0].metric.partition("_")[0]
    values = [each.result.value for each in scores if each.metric.partition("_")[0] == kind]
    return float(np.mean(values)) * (1 if scores[0].better == "higher" else -1)


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


def _gradient(grey: Image) -> NDArray[np.float64]:
    return np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1))


def _interval(figure: Figure) -> Interval:
    return Interval(round(figure.mean, 5), round(figure.low, 5), round(figure.high, 5))
