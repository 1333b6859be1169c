"""Another light, another camera, another place: how a rendered frame is changed without moving anything in it.

Everything drawn at random is in an `Appearance`, so the same record gives the same pixels.
Sources: Basri & Jacobs 2003, "Lambertian Reflectance and Linear Subspaces" (light from afar on a convex face is smooth:
section 3); He et al. 2010, "Guided Image Filtering" (equations 5 and 6, for the edge of the hair).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.mesh import Raster, vertex_normals
from facezoo.types import Image, Mask, Points

__all__ = ["Appearance", "draw_appearance", "fill_outside", "guided", "put_before", "relight", "spoil",
           "whole_background"]  # fmt: skip

Plane = NDArray[np.float32]
Backdrop = Literal["own", "plain", "blobs", "blurred"]
_COARSE = 64  # px, side at which what lies outside the photo is painted
_WRAP = 0.35  # how far light reaches around the edge of its shadow; 0 is a point, 1 half the sky


@dataclass(frozen=True)
class Appearance:
    """One way to look; the defaults change nothing.

    Light: azimuth (-90 left to 90 right) and elevation (degrees, up is positive) of a lamp, key: [0, 1], its share of
    all light, warmth: [-1, 1], its colour from blue to orange. Camera: exposure in stops, gamma, tint: [-1, 1], blue to
    orange, saturation: 0 is grey. Spoiling: blur: Gaussian, px of a 256 px crop; smear: px of motion, smear_angle in
    degrees; resize: (0, 1], the side it is reduced to and enlarged from; noise: grey levels; quality: of JPEG, 100 is
    none. backdrop: what is behind the person. seed: of noise and backdrop."""

    azimuth: float = 0.0
    elevation: float = 0.0
    key: float = 0.0
    warmth: float = 0.0
    exposure: float = 0.0
    gamma: float = 1.0
    tint: float = 0.0
    saturation: float = 1.0
    blur: float = 0.0
    smear: float = 0.0
    smear_angle: float = 0.0
    resize: float = 1.0
    noise: float = 0.0
    quality: int = 100
    backdrop: Backdrop = "own"
    seed: int = 0


def draw_appearance(random: np.random.Generator, light: float, compression: float, background: float) -> Appearance:
    """An appearance at random. light, compression: [0, 1], how strong; background: [0, 1], share of replaced ones.

    It always takes the same number of draws, so that strengths can change and the rest stays as it was."""
    share = random.random(6)
    value = random.random(16)
    normal = np.clip(random.normal(size=3), -2.5, 2.5)
    kinds: tuple[Backdrop, ...] = ("plain", "blobs", "blurred")

    def often(i: int, chance: float, strength: float) -> float:
        return strength * float(share[i] < chance)

    lamp, camera = often(0, 0.75, light), often(1, 0.85, light)
    return Appearance(
        azimuth=round(float(170 * value[15] - 85), 2),
        elevation=round(float(-20 + 85 * value[0]), 2),
        key=round(lamp * float(0.2 + 0.65 * value[1]), 4),
        warmth=round(lamp * float(1.4 * value[2] - 0.6), 4),
        exposure=round(camera * float(0.32 * normal[0]), 4),
        gamma=round(float(np.exp(camera * 0.13 * normal[1])), 4),
        tint=round(camera * float(0.4 * normal[2]), 4),
        saturation=0.0 if often(2, 0.05, light) > 0.5 else round(1 + camera * float(0.6 * value[3] - 0.35), 4),
        blur=round(often(3, 0.5, compression) * float(0.3 + 0.9 * value[4]), 3),
        smear=round(compression * float(1 + 4 * value[5]) * float(value[6] < 0.12), 3),
        smear_angle=round(float(180 * value[7]), 2),
        resize=round(1 - often(4, 0.5, compression) * float(0.6 * value[8]), 3),
        noise=round(often(5, 0.6, compression) * float(1 + 6 * value[9]), 3),
        quality=round(100 - compression * float(5 + 60 * value[10])) if value[11] < 0.8 and compression > 0 else 100,
        backdrop=kinds[int(value[12] * 3)] if value[13] < background else "own",
        seed=int(value[14] * 2**31),
    )


def relight(image: Image, mesh: Points, raster: Raster, person: Mask, look: Appearance) -> Image:
    """The picture with a lamp added and seen by another camera.

    image: (S, S, 3) RGB uint8; mesh: (468, 3) px in it; raster: of the mesh; person: (S, S), which takes the light."""
    linear = _curve(2.2)[image]
    if look.key:
        shade = _shading(mesh, raster, person, look)
        tinted = _warm(look.warmth)
        linear *= 1 + look.key * (shade[..., None] * tinted - 1)
    linear *= _warm(look.tint * 0.6) * np.float32(2.0**look.exposure)
    if look.saturation != 1:
        grey = cv2.cvtColor(linear, cv2.COLOR_RGB2GRAY)[..., None]
        linear = grey + (linear - grey) * np.float32(look.saturation)
    return _film(look.gamma)[(np.clip(linear, 0, 1) * 4095).astype(np.uint16)]


def put_before(image: Image, person: Mask, own: Image, look: Appearance) -> Image:
    """The person before another background.

    image, own: (S, S, 3) RGB uint8, own: the background alone; person: (S, S) in [0, 1]."""
    if look.backdrop == "own":
        return image
    size = image.shape[0]
    random = np.random.default_rng(look.seed)
    if look.backdrop == "blurred":
        behind = cv2.GaussianBlur(own[:, ::-1], (0, 0), size * random.uniform(0.02, 0.06)).astype(np.float32)
        behind *= random.uniform(0.6, 1.3, 3).astype(np.float32)
    else:
        behind = _painted(size, random, blobs=look.backdrop == "blobs")
    # at its edge the person is mixed with the old background: take the colour from further inside
    sure = (person > 0.92).astype(np.float32)
    radius = (max(3, size // 20) | 1,) * 2
    inside = cv2.blur(image * sure[..., None], radius) / np.maximum(cv2.blur(sure, radius), 1e-3)[..., None]
    known = np.minimum(cv2.blur(sure, radius) * 8, 1) * (1 - person)
    front = image + known[..., None] * (inside - image)
    mixed = behind + person[..., None] * (front - behind)
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def spoil(image: Image, look: Appearance) -> Image:
    """What cameras and networks do to pictures: blur, motion, fewer pixels, noise, JPEG. (S, S, 3) RGB uint8."""
    size = image.shape[0]
    if look.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), look.blur * size / 256), np.uint8)
    if look.smear:
        image = np.asarray(cv2.filter2D(image, -1, _streak(look.smear * size / 256, look.smear_angle)), np.uint8)
    if look.resize < 1:
        side = max(16, round(size * look.resize))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
    if look.noise:
        random = np.random.default_rng(look.seed + 1)
        grain = random.standard_normal((*image.shape[:2], 3), np.float32)
        grain = 0.7 * grain[..., :1] + 0.5 * grain  # sensors' noise is mostly of brightness
        image = np.clip(image + look.noise * grain + 0.5, 0, 255).astype(np.uint8)
    if look.quality < 100:
        _, written = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, look.quality])
        image = np.ascontiguousarray(np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
    return image


def fill_outside(image: Image, person: Mask, inside: Mask) -> tuple[Image, Mask]:
    """The picture and the person in it, with what the photo does not reach painted over: a mirrored forehead above the
    forehead is nothing to learn from. Colours flow out of the edge, those of the person not far.

    image: (S, S, 3) RGB uint8; person, inside: (S, S) in [0, 1]. Gives the same two anew."""
    if inside.min() > 0.99:
        return image, person
    size = image.shape[0]
    small, who, known = (cv2.resize(each, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA).astype(np.float32)
                         for each in (image, person, inside))  # fmt: skip
    known = np.where(cv2.erode(known, np.ones((3, 3), np.uint8)) > 0.99, 1, 0).astype(np.float32)
    away = cv2.distanceTransform((known < 0.5).astype(np.uint8), cv2.DIST_L2, 3) / _COARSE
    ends = np.clip(_flow(who[..., None], known)[..., 0] * 1.5 - 0.4, 0, 1) * np.exp(-((away / 0.07) ** 2))
    body, behind = _flow(small, known * (who > 0.9)), _flow(small, known * (who < 0.1))
    painted = behind + ends[..., None] * (body - behind)
    over, reach = cv2.resize(painted, (size, size), interpolation=cv2.INTER_CUBIC), cv2.resize(ends, (size, size))
    alpha = np.minimum(inside, cv2.GaussianBlur(cv2.erode(inside, np.ones((5, 5), np.uint8)), (0, 0), size / 160))
    mended = over + alpha[..., None] * (image - over)
    return np.clip(mended + 0.5, 0, 255).astype(np.uint8), (reach + alpha * (person - reach)).astype(np.float32)


def guided(mask: Mask, image: Image, radius: int, epsilon: float = 2e-4) -> Mask:
    """A mask (H, W) drawn to the edges of a picture (H, W, 3) RGB uint8. epsilon: contrast squared, of 1, below which
    an edge is none."""
    guide = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
    window = (2 * radius + 1,) * 2

    def mean(plane: NDArray[Any]) -> Plane:
        return np.asarray(cv2.blur(plane, window), np.float32)

    middle, level = mean(guide), mean(mask)
    slope = (mean(guide * mask) - middle * level) / (mean(guide * guide) - middle**2 + epsilon)
    return np.clip(mean(slope) * guide + mean(level - slope * middle), 0, 1).astype(np.float32)


def whole_background(image: Image, person: Mask) -> Image:
    """The picture as if nobody were in it, smooth where they are. image: (H, W, 3) RGB uint8; person: (H, W)."""
    scale = 96 / max(person.shape)
    size = (max(1, round(person.shape[1] * scale)), max(1, round(person.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    hidden = cv2.dilate((cv2.resize(person, size) > 0.05).astype(np.uint8), np.ones((7, 7), np.uint8))
    if hidden.all():
        hidden[0] = hidden[:, 0] = 0
    filled = cv2.GaussianBlur(cv2.inpaint(small, hidden, 4, cv2.INPAINT_TELEA), (0, 0), 1.5)
    smooth = cv2.resize(filled, person.shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)
    soft = cv2.resize(cv2.blur(hidden.astype(np.float32), (3, 3)), person.shape[::-1])[..., None]
    return np.clip(image + soft * (smooth - image) + 0.5, 0, 255).astype(np.uint8)


def _flow(values: Plane, known: Plane) -> Plane:
    """(H, W, C) values where they are known (H, W), spread over the rest, ever smoother."""
    filled, missing = np.zeros_like(values), np.ones_like(known)
    for sigma in (1.5, 4.0, 12.0, 40.0):
        weight = np.asarray(cv2.GaussianBlur(known, (0, 0), sigma), np.float32)
        spread = cv2.GaussianBlur(values * known[..., None], (0, 0), sigma).reshape(values.shape)
        share = missing * np.clip(weight * 5, 0, 1) if sigma < 40 else missing
        filled += (share / np.maximum(weight, 1e-4))[..., None] * spread
        missing = missing - share
    return np.asarray(filled, np.float32)


def _shading(mesh: Points, raster: Raster, person: Mask, look: Appearance) -> Plane:
    """(S, S): light of the lamp on each pixel over its mean on the face; beyond the face it goes over to 1."""
    azimuth, elevation = np.radians(look.azimuth), np.radians(look.elevation)
    lamp = np.array([np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), -np.cos(azimuth) * np.cos(elevation)])
    towards = vertex_normals(mesh) @ lamp.astype(np.float32)
    light = np.clip((towards + _WRAP) / (1 + _WRAP), 0, 1) ** 1.2
    covered = raster.covered
    drawn = raster.read(light[:, None])[..., 0] * covered
    size = covered.shape[0]
    fine, wide = size / 90, size / 12
    weight = np.asarray(cv2.GaussianBlur(covered, (0, 0), fine), np.float32)
    on_face = cv2.GaussianBlur(drawn, (0, 0), fine) / np.maximum(weight, 1e-3)
    mean = float(drawn.sum() / max(float(covered.sum()), 1.0)) + 0.12
    spread = cv2.GaussianBlur(covered, (0, 0), wide) + 0.02
    around = (cv2.GaussianBlur(drawn, (0, 0), wide) + 0.02 * mean) / spread
    edge = np.clip(weight * 2 - 0.7, 0, 1)
    relative = (edge * on_face + (1 - edge) * around) / mean
    return (1 + np.maximum(person, edge) * (relative - 1)).astype(np.float32)


def _painted(size: int, random: np.random.Generator, *, blobs: bool) -> Plane:
    """(S, S, 3): two colours going over into one another; with blobs, large soft lights and shapes before them."""
    base = random.uniform(20, 225) + random.normal(0, 28, (2, 2, 3))
    behind = cv2.resize(base.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    if blobs:
        for _ in range(int(random.integers(6, 18))):
            centre = random.uniform(0, size, 2)
            shape = (size * random.uniform(0.03, 0.25, 2)).astype(int)
            color = random.uniform(10, 245, 3)
            mark = np.zeros((size, size), np.float32)
            cv2.ellipse(mark, centre.astype(int).tolist(), shape.tolist(), float(random.uniform(0, 180)), 0, 360,
                        float(random.uniform(0.3, 0.9)), -1)  # fmt: skip
            behind += mark[..., None] * (color.astype(np.float32) - behind)
        behind = cv2.GaussianBlur(behind, (0, 0), size * random.uniform(0.008, 0.04))
    return np.asarray(behind, np.float32)


def _warm(amount: float) -> Plane:
    """(3,) gains of a colour between blue (-1) and orange (1) that leave green as it is."""
    return np.array([1 + 0.28 * amount, 1.0, 1 - 0.34 * amount], np.float32)


def _curve(power: float) -> Plane:
    return ((np.arange(256) / 255) ** power).astype(np.float32)


def _film(gamma: float) -> NDArray[np.uint8]:
    """(4096,) from linear light to grey levels."""
    light = np.linspace(0, 1, 4096) ** (gamma / 2.2)
    return np.rint(255 * light).astype(np.uint8)


def _streak(length: float, angle: float) -> Plane:
    """A line of that many px as a filter that sums to 1."""
    side = int(np.ceil(length)) | 1
    kernel = np.zeros((side, side), np.float32)
    half = (side - 1) / 2
    reach = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * (length - 1) / 2
    ends = [np.round((half + sign * reach) * 16).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return kernel / np.float32(kernel.sum())
