"""The visible label: a small dark pill with "AI" in the bottom right corner. There is no way to leave it out.

An invisible mark in the luma that says "made by facezoo". An aid, not proof.

Tiled spread spectrum (after Cox et al. 1997, "Secure spread spectrum watermarking for multimedia", and Kutter 1998 for
the tiling). The picture is thought of in a canonical frame whose short side is 512 px. One 128 px tile repeats over
it, so that any crop still holds the whole mark, at an unknown shift that one FFT finds.

The tile is built in the frequency domain, of waves of 8 to 26 periods a tile; the long ones are the strongest, for they
survive small sizes and JPEG. Their phases come from a generator seeded with a secret, and half of them are turned by
the signs of 32 message bits: a version byte and its 24-bit checksum.

The public mark has a secret that everybody can read here: every facezoo recognises it, and anyone can apply or remove
it. A hub has a key of its own, made when it first starts (`make_own_key`), or FACEZOO_WATERMARK_SECRET: only who
knows it can apply that mark, and only there it is recognised.

Detection looks only at the phases of the picture's spectrum, where the tile's waves must be: at the size and angle of
the canonical frame, and if nothing is there at other sizes (crops, borders), then turned and mirrored. For a picture
that does not carry the mark each term is the cosine of a random angle, so each score is a normal z whatever the picture
shows; the largest of the ten million that the widest search looks at is near 6.

Convention: points (x, y) are pixel centres; a tile's origin lies at the top-left corner of the marked picture.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import tempfile
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

from facezoo.errors import FacezooError
from facezoo.safety.c2pa import home
from facezoo.types import Image

__all__ = ["THRESHOLD", "Detection", "LabelSize", "detect", "detect_frames", "draw", "make_own_key", "mark"]

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
_ROUGH = 16  # periods a tile: the first look at many placings uses longer waves only
_BITS = 32
_BASE, _GAIN, _TOP = 0.7, 0.25, 2.2  # strength on flat areas, growth with texture, limit (41 dB): grey levels rms
_FLOOR = 0.3  # grey levels: flatter than this is noise and is not blown up
_VERSION = 1
_LOG = logging.getLogger(__name__)
_PUBLIC, _KEY = "facezoo", "watermark.key"
_SIZE_STEP, _TURN_STEP = 0.0055, 0.008  # of the first look: a few px of drift across the canonical frame
_SIZES = np.arange(0.58, 1.12, _SIZE_STEP)  # crop to 58 % of the short side .. a border of 12 % added
_TURNS = np.arange(-6, 7) * _TURN_STEP  # 2.75 degrees to both sides
_BETWEEN = np.arange(-3, 4) / 6  # of a step: the second look
_CANDIDATES, _AT_ONCE = 4, 64

_Floats = NDArray[np.float32]
_Doubles = NDArray[np.float64]
_Waves = NDArray[np.complex64]


@dataclass(frozen=True)
class Detection:
    """found: score >= THRESHOLD. score: z of the best placing. own: of this machine's key, not the public mark."""

    found: bool
    score: float
    own: bool = False


def mark(image: Image) -> Image:
    """Return a copy of the picture with the mark in its luma.

    image: RGB uint8 (H, W, 3), any size (below 256 px the mark survives little more than a copy).
    """
    height, width = image.shape[:2]
    frame = _canonical_size(width, height)
    luma = _resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), frame)
    pattern = _pattern(_key(_secrets()[0]), frame)
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
    best = Detection(found=False, score=-np.inf)
    for secret in _secrets():
        score = _search(total, _key(secret))
        best = max(best, Detection(score >= THRESHOLD, score, secret != _PUBLIC), key=lambda each: each.score)
        if best.found:
            break
    return best


def make_own_key() -> None:
    """Make this machine's own key below the home folder, once; from then on it marks with that.

    Where the folder cannot be written the public mark stays, and the log says so."""
    path = home() / _KEY
    if path.exists() or os.environ.get("FACEZOO_WATERMARK_SECRET"):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # mode 0600
            draft.write(secrets.token_hex(32))
            draft.flush()
            with contextlib.suppress(FileExistsError):  # the first process wins
                os.link(draft.name, path)
    except OSError as error:
        _LOG.warning("No own key for the watermark in %s (%s): the public mark is used.", path, error.strerror)


@dataclass(frozen=True, eq=False)
class _Key:
    """A secret's waves. bins: (n, 2) int64, periods a tile down (may be negative) and across; waves: (n,) complex64,
    their phases, modulus 1; weights: (n,), their strength; tile: (128, 128), rms 1."""

    bins: NDArray[np.int64]
    waves: _Waves
    weights: _Floats
    tile: _Floats


def _secrets() -> list[str]:
    """What marks are made with, and then what else is looked for: the public secret."""
    own, path = os.environ.get("FACEZOO_WATERMARK_SECRET", ""), home() / _KEY
    try:
        own = own or (path.read_text(encoding="ascii") if path.exists() else "")
    except (OSError, ValueError) as error:
        raise FacezooError(
            f"The key of the watermark, {path}, cannot be read.", "Make it readable, or remove it for a new one."
        ) from error
    return list(dict.fromkeys([own or _PUBLIC, _PUBLIC]))


@lru_cache(maxsize=4)
def _key(secret: str) -> _Key:
    """Deal the band's bins and draw their phases."""
    seed = np.frombuffer(hashlib.sha256(b"facezoo watermark " + secret.encode()).digest(), np.uint32)
    random = np.random.Generator(np.random.PCG64([int(word) for word in seed]))
    band = _radius()
    inside = np.flatnonzero((band >= _LOW) & (band <= _HIGH) & _off_axis())
    order = random.permutation(inside)
    waves = np.exp(2j * np.pi * random.random(len(order))).astype(np.complex64)
    carrying = np.arange(len(order) - len(order) // 2)  # the later half of the bins carries the message
    waves[len(order) // 2 :] *= _message()[carrying % _BITS]
    weights = (_LOW / band.ravel()[order]).astype(np.float32)
    rows, columns = np.divmod(order, band.shape[1])
    spectrum = np.zeros(band.shape, np.complex64)
    spectrum[rows, columns] = waves * weights
    tile = np.fft.irfft2(spectrum, s=(_TILE, _TILE))
    bins = np.stack([(rows + _TILE // 2) % _TILE - _TILE // 2, columns], 1)
    return _Key(bins, waves, weights, (tile / tile.std()).astype(np.float32))


def _message() -> _Floats:
    """The 32 bits as +1 / -1: the version and the low 24 bits of its CRC-32."""
    word = (_VERSION << 24) | (zlib.crc32(b"facezoo" + bytes([_VERSION])) & 0xFFFFFF)
    return np.array([1.0 if word >> bit & 1 else -1.0 for bit in range(_BITS)], np.float32)


def _radius() -> _Doubles:
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


def _spectrum(flat: _Floats, room: int) -> _Waves:
    """The frame's Fourier transform about its middle, padded to at least `room` times its size, each side a power of 2.

    With room 1 the tile's waves lie on its bins when nothing was resized; with 2 none is far from a bin."""
    rows, columns = flat.shape
    height, width = (1 << (room * side - 1).bit_length() for side in flat.shape)
    padded = np.zeros((height, width), np.float32)
    padded[:rows, :columns] = flat
    middle = np.roll(padded, (-(rows // 2), -(columns // 2)), (0, 1))
    return cv2.dft(middle, flags=cv2.DFT_COMPLEX_OUTPUT).view(np.complex64)[..., 0]


def _search(flat: _Floats, key: _Key) -> float:
    """The best score. Untouched first; only when that says nothing other sizes, and only then turns and mirrors."""
    best = _score(_spectrum(flat, 1), key, np.array([[1.0, 0.0, 1.0]]))
    if best >= THRESHOLD:
        return best
    room, long = _spectrum(flat, 2), np.abs(key.bins).max(1) < _ROUGH
    rough = _Key(key.bins[long], key.waves[long], key.weights[long], key.tile)
    for turns, sides in (([0.0], [1.0]), (_TURNS, [1.0, -1.0])):
        if best >= THRESHOLD:
            break
        placings = np.stack(np.meshgrid(_SIZES, turns, sides), -1).reshape(-1, 3)
        parts = np.array_split(placings, -(-len(placings) // _AT_ONCE))
        peaks = np.concatenate([_peaks(room, rough, part, 2 * _ROUGH) for part in parts])
        steps = np.stack(np.meshgrid(_BETWEEN * _SIZE_STEP, _BETWEEN * _TURN_STEP, [0.0]), -1).reshape(-1, 3)
        likely = placings[np.argsort(peaks)[-_CANDIDATES:]]
        best = max([best, *(_score(room, key, placing + steps) for placing in likely)])
    return best


def _score(spectrum: _Waves, key: _Key, placings: _Doubles) -> float:
    """z of the best of some placings, by all waves."""
    return float(_peaks(spectrum, key, placings, _TILE).max())


def _peaks(spectrum: _Waves, key: _Key, placings: _Doubles, tile: int) -> _Doubles:
    """z of the best shift at each placing: (m,).

    placings: (m, 3): size of the canonical frame's content against the picture's, turn in radians, -1 where mirrored
    and else 1. tile: samples a tile, on which shifts are tried; more than twice the periods of any bin."""
    size, turn, side = (placings[:, column, None] for column in range(3))
    along, aside = size * np.cos(turn) / _TILE, size * np.sin(turn) / _TILE
    down = key.bins[:, 0] * along + key.bins[:, 1] * aside  # (m, n), periods a pixel
    across = (key.bins[:, 1] * along - key.bins[:, 0] * aside) * side
    rows, columns = (
        np.rint(each * length).astype(np.int64) for each, length in zip((down, across), spectrum.shape, strict=True)
    )
    waves = spectrum[rows, columns]  # negative indices are negative frequencies
    waves /= np.maximum(np.abs(waves), 1e-6)
    grid = np.zeros((len(placings), tile, tile // 2 + 1), np.complex64)
    grid[:, key.bins[:, 0] % tile, key.bins[:, 1]] = waves * (np.conj(key.waves) * key.weights)
    surface = np.fft.irfft2(grid, s=(tile, tile)).max((1, 2)) * (tile * tile / 2)
    return surface / np.sqrt(np.square(key.weights).sum() / 2)
