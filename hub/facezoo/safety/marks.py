"""The visible label: a small dark pill with "AI" in the bottom right corner. There is no way to leave it out.

An invisible mark in the luma that says "made by facezoo". An aid, not proof.

Tiled spread spectrum (after Cox et al. 1997, "Secure spread spectrum watermarking for multimedia", and Kutter 1998 for
the tiling). The picture is thought of in a canonical frame whose short side is 512 px. One 128 px tile repeats over
it, so that any crop still holds the whole mark, at an unknown shift that one FFT finds.

The tile is built in the frequency domain: of the waves that survive half size and JPEG (8 to 26 periods a tile) one
half carries a fixed sync pattern, the other half is dealt out to 32 message bits, so the 33 patterns are orthogonal at
every shift. Phases come from a generator seeded with FACEZOO_WATERMARK_SECRET, or with a public default: then every
facezoo recognises what any facezoo made, and so may anyone who reads this file remove it. The message is a version
byte and its 24-bit checksum.

Detection looks only at the phases of the folded picture. For a picture that does not carry the mark each term is the
cosine of a random angle, so the score is a normal z whatever the picture shows.

Convention: points (x, y) are pixel centres; a tile's origin lies at the top-left corner of the marked picture.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from facezoo.types import Image

__all__ = ["THRESHOLD", "Detection", "LabelSize", "detect", "detect_frames", "draw", "mark"]

LabelSize = Literal["small", "medium", "large"]

_SHARES: dict[LabelSize, float] = {"small": 0.045, "medium": 0.065, "large": 0.09}  # pill height : short side
_SMALLEST = 16  # px: below that the letters cannot be read
_TEXTS: dict[LabelSize, str] = {"small": "AI", "medium": "AI", "large": "AI · facezoo"}
_OVERSAMPLING = 4


def draw(image: Image, size: LabelSize) -> Image:
    """Return a copy of the picture with the label. image: RGB uint8 (H, W, 3). size: how much of the short side."""
    rows, columns = image.shape[:2]
    short = min(rows, columns)
    height = max(_SMALLEST, round(short * _SHARES[size]))
    text = _TEXTS[size] if columns >= 8 * height else "AI"
    color, opacity = _pill(text, height)
    margin = max(2, round(height * 0.45))
    bottom, right = max(rows - margin, 0), max(columns - margin, 0)
    top, left = max(bottom - color.shape[0], 0), max(right - color.shape[1], 0)
    color, opacity = color[: bottom - top, : right - left], opacity[: bottom - top, : right - left]
    out = image.copy()
    under = image[top:bottom, left:right].astype(np.float32)
    out[top:bottom, left:right] = np.clip(np.rint(color + under * (1 - opacity)), 0, 255).astype(np.uint8)
    return out


@lru_cache(maxsize=16)
def _pill(text: str, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pill at `height` px: colour already times opacity (h, w, 3) in [0, 255], and opacity (h, w, 1) in [0, 1].

    Drawn large and averaged down. The thin bright rim keeps it visible on black."""
    tall = height * _OVERSAMPLING
    font = ImageFont.load_default(size=round(tall * 0.64))
    left, _, right, _ = font.getbbox(text, anchor="ls")
    wide = round((right - left + tall * 0.84) / _OVERSAMPLING) * _OVERSAMPLING
    canvas = Pillow.new("RGBA", (wide, tall), (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    rim = max(_OVERSAMPLING, round(tall * 0.045))
    pen.rounded_rectangle((0, 0, wide - 1, tall - 1), tall // 2, fill=(235, 235, 235, 130))
    pen.rounded_rectangle((rim, rim, wide - 1 - rim, tall - 1 - rim), tall // 2 - rim, fill=(16, 18, 22, 205))
    capital = -font.getbbox("A", anchor="ls")[1]
    position = ((wide - (right - left)) / 2 - left, (tall + capital) / 2)
    pen.text(position, text, fill=(255, 255, 255, 255), font=font, anchor="ls", stroke_width=tall * 0.007)
    layers = np.asarray(canvas, np.float32)
    opacity = layers[..., 3:] / 255
    premultiplied = np.concatenate([layers[..., :3] * opacity, opacity], axis=2)
    reduced = premultiplied.reshape(height, _OVERSAMPLING, wide // _OVERSAMPLING, _OVERSAMPLING, 4).mean((1, 3))
    return reduced[..., :3], reduced[..., 3:]


THRESHOLD = 8.0
"""Score (in standard deviations) from which a picture counts as marked."""

_SHORT = 512  # short side of the canonical frame, px
_TILE = 128  # px in the canonical frame
_LOW, _HIGH = 8.0, 26.0  # band of the mark, periods a tile
_BITS = 32
_BASE, _GAIN, _TOP = 0.7, 0.25, 2.2  # strength on flat areas, growth with texture, limit (41 dB): grey levels rms
_FLOOR = 0.3  # grey levels: flatter than this is noise and is not blown up
_VERSION = 1
_DEFAULT_SECRET = "facezoo"
_COARSE = 0.0035  # step of the scale search: at most 1.8 px of drift across the canonical frame
_SCALES = (0.58, 1.12)  # crop to 58 % of the short side .. a border of 12 % added
_FINE = (-0.0021, -0.0014, -0.0007, 0.0, 0.0007, 0.0014, 0.0021)

_Floats = NDArray[np.float32]
_Waves = NDArray[np.complex64]


@dataclass(frozen=True)
class Detection:
    """found: score >= THRESHOLD. score: z of the best scale and shift. bits_correct: share of the 32 message bits
    read right, [0, 1] (near 0.5 in a picture without the mark)."""

    found: bool
    score: float
    bits_correct: float


def mark(image: Image) -> Image:
    """Return a copy of the picture with the mark in its luma.

    image: RGB uint8 (H, W, 3), any size (below 256 px the mark survives little more than a copy).
    """
    height, width = image.shape[:2]
    frame = _canonical_size(width, height)
    luma = _resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), frame)
    pattern = _pattern(_keys()[0], frame)
    delta = np.rint(_resize(pattern * _strength(luma), (width, height))).astype(np.int16)
    return np.asarray(cv2.add(image, cv2.merge([delta, delta, delta]), dtype=cv2.CV_8U), np.uint8)


def detect(image: Image) -> Detection:
    """Look for the mark in one picture, RGB uint8 (H, W, 3). Never raises on a valid picture."""
    return detect_frames([image])


def detect_frames(images: Iterable[Image]) -> Detection:
    """Look for the mark in some frames of one clip, all of one size: their evidence is summed.

    images: RGB uint8 (H, W, 3), at least one.
    """
    total: _Floats | None = None
    for image in images:
        flat = _flatten(image)
        total = flat if total is None else total + flat
    if total is None:
        raise ValueError("no frames to look at")
    return max((_search(total, key) for key in _keys()), key=lambda detection: detection.score)


@dataclass(frozen=True, eq=False)
class _Key:
    """The secret waves. All (128, 65) in the layout of rfft2: `sync` and `signs`: complex64, modulus 1 on their own
    bins and 0 elsewhere (`signs` before the message is applied); `owner`: which bit a bin belongs to, -1: none."""

    sync: _Waves
    signs: _Waves
    owner: NDArray[np.int64]
    tile: _Floats  # (128, 128), rms 1


def _keys() -> list[_Key]:
    """The key of this machine first, then the public one."""
    secret = os.environ.get("FACEZOO_WATERMARK_SECRET", "") or _DEFAULT_SECRET
    return [_key(name) for name in dict.fromkeys([secret, _DEFAULT_SECRET])]


@lru_cache(maxsize=4)
def _key(secret: str) -> _Key:
    """Deal the band's bins and draw their phases."""
    seed = np.frombuffer(hashlib.sha256(b"facezoo watermark " + secret.encode()).digest(), np.uint32)
    random = np.random.Generator(np.random.PCG64([int(word) for word in seed]))
    band = _radius()
    inside = np.flatnonzero((band >= _LOW) & (band <= _HIGH) & _off_axis())
    order = random.permutation(inside)
    phases = np.exp(2j * np.pi * random.random(len(order))).astype(np.complex64)
    share = len(order) // 2
    owner = np.full(band.size, -1, np.int64)
    owner[order[share:]] = np.arange(len(order) - share) % _BITS
    sync, signs = np.zeros(band.size, np.complex64), np.zeros(band.size, np.complex64)
    sync[order[:share]], signs[order[share:]] = phases[:share], phases[share:]
    message = np.append(_message(), 0.0)[owner].astype(np.float32)  # index -1 is the appended 0
    waves = (sync + signs * message).reshape(band.shape)
    tile = np.fft.irfft2(waves, s=(_TILE, _TILE))
    shape = band.shape
    return _Key(sync.reshape(shape), signs.reshape(shape), owner.reshape(shape), (tile / tile.std()).astype(np.float32))


def _message() -> NDArray[np.float64]:
    """The 32 bits as +1 / -1: the version and the low 24 bits of its CRC-32."""
    word = (_VERSION << 24) | (zlib.crc32(b"facezoo" + bytes([_VERSION])) & 0xFFFFFF)
    return np.array([1.0 if word >> bit & 1 else -1.0 for bit in range(_BITS)])


def _radius() -> NDArray[np.float64]:
    """(128, 65): the frequency of each rfft2 bin in periods a tile."""
    vertical = np.fft.fftfreq(_TILE, 1 / _TILE)[:, None]
    return np.hypot(vertical, np.arange(_TILE // 2 + 1)[None, :])


def _off_axis() -> NDArray[np.bool_]:
    """(128, 65): false on and beside the axes, where walls, text and JPEG blocks put their energy."""
    vertical = np.abs(np.fft.fftfreq(_TILE, 1 / _TILE))[:, None]
    return (vertical >= 2) & (np.arange(_TILE // 2 + 1)[None, :] >= 2)


def _canonical_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the canonical frame of a picture."""
    scale = _SHORT / min(width, height)
    return max(_SHORT, round(width * scale)), max(_SHORT, round(height * scale))


def _resize(plane: _Floats, size: tuple[int, int]) -> _Floats:
    """A float plane at (width, height) `size`: averaged when it shrinks, cubic when it grows."""
    if plane.shape[::-1] == size:
        return plane
    shrinks = size[0] < plane.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(plane, size, interpolation=way), np.float32)


@lru_cache(maxsize=8)
def _pattern(key: _Key, size: tuple[int, int]) -> _Floats:
    """The tile repeated over a canonical frame of (width, height) `size`."""
    repeats = (-(-size[1] // _TILE), -(-size[0] // _TILE))
    return np.tile(key.tile, repeats)[: size[1], : size[0]]


def _strength(luma: _Floats) -> _Floats:
    """How strong the mark may be at each canonical pixel, in grey levels (rms).

    It follows the texture. The mean of square roots hardly rises beside a lone edge, where a mark would show on the
    smooth side; a plain variance would.
    """
    detail = cv2.sqrt(cv2.absdiff(luma, cv2.GaussianBlur(luma, (0, 0), 2.5)))
    small = (luma.shape[1] // 4, luma.shape[0] // 4)  # what follows is smooth: a quarter of the resolution will do
    activity = np.square(cv2.GaussianBlur(cv2.resize(detail, small, interpolation=cv2.INTER_AREA), (0, 0), 1.25))
    level = cv2.GaussianBlur(cv2.resize(luma, small, interpolation=cv2.INTER_AREA), (0, 0), 1.25)
    light = 0.75 + 0.25 * np.clip(level / 60.0, 0.0, 1.0)
    strength = np.asarray(np.minimum(_BASE + _GAIN * activity, _TOP) * light, np.float32)
    return np.asarray(cv2.resize(strength, luma.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _flatten(image: Image) -> _Floats:
    """The picture's luma in the canonical frame, with only the mark's band left and the same strength everywhere.

    At most the middle 512 x 1024 px of the frame: more would cost time and add little."""
    height, width = image.shape[:2]
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    luma = _resize(luma, _canonical_size(width, height))
    rows, columns = luma.shape
    top, left = max(0, (rows - 2 * _SHORT) // 2), max(0, (columns - 2 * _SHORT) // 2)
    luma = luma[top : top + 2 * _SHORT, left : left + 2 * _SHORT]
    detail = cv2.GaussianBlur(luma, (0, 0), 0.8) - cv2.GaussianBlur(luma, (0, 0), 3.0)
    level = np.sqrt(cv2.GaussianBlur(np.square(detail), (0, 0), 6.0)) + _FLOOR
    return np.asarray(np.clip(detail / level, -2.5, 2.5), np.float32)


def _search(flat: _Floats, key: _Key) -> Detection:
    """Untouched scale first; only when it says nothing the whole range of crops and borders, at half resolution (the
    mark's band fits), and the likeliest scales again at full resolution."""
    best = _score(flat, key, 1.0)
    if best.score >= THRESHOLD + 4:
        return best
    half = _resize(flat, (flat.shape[1] // 2, flat.shape[0] // 2))
    middle = np.r_[0 : _TILE // 4, _TILE - _TILE // 4 : _TILE]
    sync = key.sync[middle, : _TILE // 4 + 1]
    scales = np.arange(_SCALES[0], _SCALES[1], _COARSE)
    peaks = np.array([_peak(_fold(half, scale, _TILE // 2), sync)[0] for scale in scales])
    for index in np.argsort(peaks)[-4:]:
        fine = [_score(flat, key, float(scales[index]) + step) for step in _FINE]
        best = max([best, *fine], key=lambda detection: detection.score)
    return best


def _fold(flat: _Floats, scale: float, tile: int = _TILE) -> _Waves:
    """Rescale, sum all tiles into one, and keep the phase of each wave (modulus 1 or 0): (tile, tile / 2 + 1)."""
    size = (max(tile, round(flat.shape[1] * scale)), max(tile, round(flat.shape[0] * scale)))
    scaled = flat if size == flat.shape[::-1] else cv2.resize(flat, size, interpolation=cv2.INTER_LINEAR)
    padded = np.zeros((-(-size[1] // tile) * tile, -(-size[0] // tile) * tile), np.float32)
    padded[: size[1], : size[0]] = scaled
    waves = np.fft.rfft2(padded.reshape(padded.shape[0] // tile, tile, -1, tile).sum((0, 2)))
    return np.asarray(waves / np.maximum(np.abs(waves), 1e-6), np.complex64)


def _peak(waves: _Waves, sync: _Waves) -> tuple[float, int, int]:
    """The best shift by the sync waves alone: (z, row, column)."""
    tile = waves.shape[0]
    surface = np.fft.irfft2(waves * np.conj(sync), s=(tile, tile)) * (tile * tile / 2)
    row, column = divmod(int(np.argmax(surface)), tile)
    return float(surface[row, column]) / float(np.sqrt(np.count_nonzero(sync) / 2)), row, column


def _score(flat: _Floats, key: _Key, scale: float) -> Detection:
    """Sync and message together at one scale. The message had no say in choosing the shift, so it adds evidence
    without adding chances of a false alarm."""
    waves = _fold(flat, scale)
    z, row, column = _peak(waves, key.sync)
    vertical = np.fft.fftfreq(_TILE)[:, None]
    turn = np.exp(2j * np.pi * (row * vertical + column * np.arange(_TILE // 2 + 1)[None, :] / _TILE))
    terms = (waves * turn * np.conj(key.signs)).real
    carried = key.owner >= 0
    bits = np.bincount(key.owner[carried], terms[carried], _BITS)
    expected = _message()
    synced, dealt = np.count_nonzero(key.sync), np.count_nonzero(carried)
    total = z * float(np.sqrt(synced / 2)) + float(np.dot(bits, expected))
    score = total / float(np.sqrt((synced + dealt) / 2))
    return Detection(score >= THRESHOLD, score, float(np.mean(bits * expected > 0)))
