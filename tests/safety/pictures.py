"""Pictures for these tests: the shipped ones, synthetic textures, and what the world does to pictures."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

Image = NDArray[np.uint8]


def shipped() -> list[Image]:
    """Every persona and example that ships with facezoo."""
    from facezoo.media.read import read_photo
    from facezoo.zoo.embedded import examples, personas

    return [read_photo(persona.portrait) for persona in personas()] + [read_photo(e.path) for e in examples()]


def with_short_side(image: Image, short: int) -> Image:
    scale = short / min(image.shape[:2])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def textures(side: int) -> dict[str, Image]:
    """Pictures that are hard for detectors: periodic, flat, smooth, noisy."""
    rows, columns = np.mgrid[0:side, 0:side]
    random = np.random.default_rng(5)
    planes = {
        "checkers": ((rows // 8 + columns // 8) % 2) * 200 + 20,
        "stripes": 127 + 100 * np.sin(columns * 2 * np.pi / 16 + rows * 0.3),
        "diagonal grid": 127 + 60 * np.sin((rows + columns) * 0.5) + 60 * np.sin((rows - columns) * 0.5),
        "flat": np.full((side, side), 90),
        "gradient": rows * 0.25 + columns * 0.2,
        "noise": random.integers(0, 255, (side, side)),
        "clouds": 127 + 2000 * cv2.GaussianBlur(random.normal(size=(side, side)), (0, 0), 20),
    }
    return {name: np.repeat(np.clip(p, 0, 255).astype(np.uint8)[..., None], 3, 2) for name, p in planes.items()}


def psnr(before: Image, after: Image) -> float:
    return float(10 * np.log10(255**2 / np.mean((before.astype(np.float64) - after) ** 2)))


def jpeg(image: Image, quality: int) -> Image:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Pillow.open(buffer).convert("RGB"))


def h264(image: Image, crf: int) -> Image:
    """The fourth frame of a short H.264 film of a still."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        still = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
        for index in range(4):
            still.pts = index
            film.mux(stream.encode(still))
        film.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as film:
        return list(film.decode(video=0))[-1].to_ndarray(format="rgb24")


def crop(image: Image, share: float, random: np.random.Generator) -> Image:
    rows, columns = (round(side * share) for side in image.shape[:2])
    top, left = (int(random.integers(0, image.shape[axis] - side + 1)) for axis, side in ((0, rows), (1, columns)))
    return image[top : top + rows, left : left + columns]


def turned(image: Image, degrees: float) -> Image:
    """Turned about its middle; the corners that come free are black."""
    rows, columns = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), degrees, 1)
    return cv2.warpAffine(image, matrix, (columns, rows), flags=cv2.INTER_LINEAR)


def attacks() -> dict[str, Callable[[Image], Image]]:
    """What a mark has to survive."""
    random = np.random.default_rng(11)
    return {
        "none": lambda image: image,
        "JPEG q75": lambda image: jpeg(image, 75),
        "JPEG q50": lambda image: jpeg(image, 50),
        "half size": lambda image: with_short_side(image, min(image.shape[:2]) // 2),
        "crop 80 %": lambda image: crop(image, 0.8, random),
        "crop 80 % + JPEG q75": lambda image: jpeg(crop(image, 0.8, random), 75),
        "H.264 crf 23": lambda image: h264(image, 23),
        "screenshot": lambda image: jpeg(with_short_side(image, round(min(image.shape[:2]) * 0.73)), 85),
        "JPEG q30": lambda image: jpeg(image, 30),
        "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
        "turned 2": lambda image: turned(image, 2),
        "turned -2": lambda image: turned(image, -2),
        "mirrored, turned 1 + JPEG q75": lambda image: jpeg(turned(image[:, ::-1], 1), 75),
        "blur 1 px": lambda image: cv2.GaussianBlur(image, (0, 0), 1.0),
    }
