"""How near a picture is to the truth where it was damaged, and how sure that is.

Sources: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity" (eq. 13, Gaussian
window); Efron 1979, "Bootstrap Methods: Another Look at the Jackknife" (percentile interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.types import Image, Mask

__all__ = ["Interval", "bootstrap", "damage_scores", "summary"]


@dataclass(frozen=True)
class Interval:
    """A mean over n pictures and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    n: int


def damage_scores(picture: Image, truth: Image, weight: Mask) -> dict[str, float]:
    """Means over the damaged pixels. picture, truth: (H, W, 3) RGB uint8; weight: (H, W) in [0, 1], not all 0.

    l1: grey levels of 255. psnr: dB. ssim: of the luminance. sharpness: gradient magnitude over the truth's, 1 is as
    sharp. contrast: mean absolute difference of the local contrast (standard deviation in 7 x 7 px), grey levels; it
    tells a wrong texture from a right one even where its details lie elsewhere."""
    share = weight.astype(np.float64) / weight.sum()
    ours, theirs = picture.astype(np.float64), truth.astype(np.float64)
    error = ours - theirs
    square = float((share[..., None] * error**2).sum() / 3)
    grey = [np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), np.float64) for each in (picture, truth)]
    gradient, contrast = [_gradient(each) for each in grey], [_contrast(each) for each in grey]
    return {
        "l1": float((share[..., None] * np.abs(error)).sum() / 3),
        "psnr": 10 * np.log10(255**2 / max(square, 1e-3)),
        "ssim": float((share * _ssim(*grey)).sum()),
        "sharpness": float((share * gradient[0]).sum() / max((share * gradient[1]).sum(), 1e-6)),
        "contrast": float((share * np.abs(contrast[0] - contrast[1])).sum()),
    }


def bootstrap(values: NDArray[np.float64], rounds: int = 2000, seed: int = 0) -> Interval:
    """The mean of (n,) values and between what bounds it lies."""
    chosen = np.random.default_rng(seed).integers(len(values), size=(rounds, len(values)))
    low, high = np.quantile(values[chosen].mean(axis=1), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high), len(values))


def summary(pairs: Sequence[tuple[dict[str, float], dict[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Score -> "damaged", "mended" and "change" (mended - damaged) -> mean, low, high, n, ready for JSON.

    pairs: the scores of each picture, damaged and mended; one picture counts once."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for score in pairs[0][0]:
        damaged, mended = (np.array([pair[i][score] for pair in pairs]) for i in range(2))
        columns = {"damaged": damaged, "mended": mended, "change": mended - damaged}
        table[score] = {name: asdict(bootstrap(values)) for name, values in columns.items()}
    return table


def _gradient(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1))


def _contrast(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = cv2.blur(grey, (7, 7))
    return np.sqrt(np.maximum(cv2.blur(grey**2, (7, 7)) - mean**2, 0))


def _ssim(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    def smooth(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5), np.float64)

    a, b = smooth(first), smooth(second)
    variance = smooth(first**2) - a**2, smooth(second**2) - b**2
    covariance = smooth(first * second) - a * b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * a * b + c1) * (2 * covariance + c2) / ((a**2 + b**2 + c1) * (variance[0] + variance[1] + c2))
