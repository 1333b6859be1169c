"""High dynamic range and wide gamut that is declared by code points (ITU-T H.273) instead of a profile: to sRGB.

Methods, models and screens here all expect sRGB; a PQ picture taken for sRGB is grey and flat.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["encoded", "is_plain", "to_srgb"]

PQ: Final = 16
HLG: Final = 18
_TO_BT709: Final[dict[int, NDArray[np.float32]]] = {
    9: np.array(  # BT.2020; rows give R, G, B of BT.709 (BT.2407, section 2)
        [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
    ),
    12: np.array(  # Display P3
        [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]], np.float32
    ),
}
_WHITE_NITS: Final = 203.0
"""Luminance of paper white in HDR pictures (BT.2408)."""
_HLG_PEAK_NITS: Final = 1000.0
_KNEE: Final = 0.8
_ROWS: Final = 256


def is_plain(primaries: int, transfer: int) -> bool:
    """Whether a picture with these code points can be taken for sRGB as it is."""
    return primaries not in _TO_BT709 and transfer not in (PQ, HLG)


def to_srgb(picture: NDArray[np.uint8], primaries: int, transfer: int) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) in the given primaries and transfer characteristics, to sRGB of the same shape.

    Up to 80 % of paper white nothing but the colours changes; what is brighter is rolled off below 1."""
    light = _light(transfer)
    matrix = _TO_BT709.get(primaries, np.eye(3, dtype=np.float32))
    result = np.empty_like(picture)
    for top in range(0, len(picture), _ROWS):  # in strips: floats of a whole photo would take a lot of memory
        rgb = light[picture[top : top + _ROWS]]
        if transfer == HLG:  # BT.2100, table 5: the system gamma works on luminance
            luminance = rgb @ np.array([0.2627, 0.6780, 0.0593], np.float32)
            rgb = rgb * (np.maximum(luminance, 1e-6) ** 0.2 * (_HLG_PEAK_NITS / _WHITE_NITS))[..., None]
        rgb = np.maximum(rgb @ matrix.T, 0)
        peak = rgb.max(2, keepdims=True)
        rolled = np.where(peak > _KNEE, 1 - (1 - _KNEE) * np.exp(-(peak - _KNEE) / (1 - _KNEE)), peak)
        if transfer in (PQ, HLG):
            rgb *= rolled / np.maximum(peak, 1e-6)
        result[top : top + _ROWS] = _ENCODED[(np.minimum(rgb, 1) * 4095 + 0.5).astype(np.uint16)]
    return result


def _light(transfer: int) -> NDArray[np.float32]:
    """Linear light of the 256 code values, 1 at paper white (HLG: at the peak of the scene)."""
    code = np.arange(256) / 255
    if transfer == PQ:  # SMPTE ST 2084
        root = code ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return (nits / _WHITE_NITS).astype(np.float32)
    if transfer == HLG:  # BT.2100, table 5, inverse OETF
        high = (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12
        return np.where(code <= 0.5, code**2 / 3, high).astype(np.float32)
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB codes of linear light, both in [0, 1] (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


_ENCODED: Final = np.rint(encoded(np.arange(4096) / 4095) * 255).astype(np.uint8)
