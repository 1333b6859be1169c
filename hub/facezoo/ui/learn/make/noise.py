"""Exhibits of diffusion, calculated: what a perfect denoiser of a few hundred known pictures would guess.

A network learns to guess the mean of all pictures that a noisy one may have been. For a set of pictures that mean can
be written down. Looking at whole pictures it ends at one that it knows; looking at each place alone, as convolutions
do, it puts together somebody who never was. Sources: Ho et al. 2020, "Denoising Diffusion Probabilistic Models"; Song
et al. 2021, "Denoising Diffusion Implicit Models" (the steps, without fresh noise); Ho & Salimans 2022,
"Classifier-Free Diffusion Guidance"; Kamb & Ganguli 2024, "An analytic theory of creativity in convolutional diffusion
models" (guesses place by place).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facezoo.face.find import crop_image
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Image
from facezoo.ui.learn.make.row import Row, face_of, persona_face
from facezoo.zoo.embedded import examples, personas

__all__ = ["diffusion"]

_PIXELS, _EACH, _STEPS = 96, 40, 14
_CLEAREST, _NOISIEST = 7.0, -9.5  # logarithm of signal to noise
_WIDE, _NARROW = 0.75, 0.13  # of the picture's side: what a place sees of its surroundings, first and last
_WISH, _SEED = "tarek", 2
_GUIDES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0)

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Known:
    """pictures: (N, S, S, 3) float32 in [-1, 1]. people: (N,), whose each is."""

    pictures: Values
    people: NDArray[np.str_]


def diffusion() -> Iterator[Row]:
    """From noise to a picture: what is there and what is guessed, by either kind of sight; and guided to a person."""
    known = _known()
    ids = tuple(sorted(set(known.people.tolist())))
    facts = {"pictures": len(known.pictures), "people": len(ids), "steps": _STEPS}
    yield Row("diffusion-known", [_image(each) for each in known.pictures[:: _EACH // 4][:8]], "", ids, facts=facts)
    for name, whole in (("whole", True), ("places", False)):
        noisy, guesses = _sampled(known, _SEED, whole=whole)
        tiles = [_image(each) for each in (*noisy[:-1], *guesses)]  # noise alone could not hold the mark
        yield Row(f"diffusion-{name}", tiles, "", ids, side=256, facts={"steps": _STEPS})
    wished = _Known(known.pictures[known.people == _WISH], known.people[known.people == _WISH])
    ends = [_sampled(known, _SEED, whole=False, wished=wished, guide=guide)[1][-1] for guide in _GUIDES]
    yield Row("diffusion-guided", [_image(each) for each in ends], "", ids, facts={"guides": list(_GUIDES)})


@cache
def _known() -> _Known:
    """Faces that ship, each moved a little in many ways."""
    random = np.random.default_rng(0)
    faces = {each.id: persona_face(each.id) for each in personas()}
    faces |= {each.id: face_of(each.id) for each in examples() if each.kind == "portrait"}
    pictures: list[Image] = []
    for face in faces.values():
        photo = MovablePhoto(face)
        for _ in range(_EACH):
            yaw, pitch, smile, mouth, brows, look = (float(each) for each in random.uniform(-1, 1, 6))
            asked = Controls(
                yaw=14 * yaw, pitch=6 * pitch, smile=0.15 + 0.75 * smile, mouth=max(0.0, 0.8 * mouth),
                brows=0.7 * brows, look_x=0.6 * look,
            )  # fmt: skip
            moved = photo.draw(motion_of(asked, photo.placement.rotation))
            crop = crop_image(moved, face.affine, face.crop.shape[0])
            pictures.append(np.asarray(cv2.resize(crop, (_PIXELS, _PIXELS), interpolation=cv2.INTER_AREA), np.uint8))
    people = np.repeat(list(faces), _EACH)
    return _Known(np.stack(pictures).astype(np.float32) / 127.5 - 1, people)


def _sampled(
    known: _Known, seed: int, *, whole: bool, wished: _Known | None = None, guide: float = 0.0
) -> tuple[list[Values], list[Values]]:
    """The noisy pictures, one more than the guesses. guide: 0 takes no notice of who is wished, 1 of nobody else."""
    picture = np.random.default_rng(seed).standard_normal((_PIXELS, _PIXELS, 3)).astype(np.float32)
    signal = 1 / (1 + np.exp(-np.linspace(_NOISIEST, _CLEAREST, _STEPS + 1)))
    noisy, guesses = [picture], list[Values]()
    for step in range(_STEPS):
        now, then = float(signal[step]), float(signal[step + 1])
        share = _WIDE - (_WIDE - _NARROW) * min(1.0, 1.6 * step / _STEPS)
        sight = 0 if whole else 2 * round(_PIXELS * share / 2) + 1
        guess = _guess(known, picture, now, sight)
        if wished is not None:
            guess = np.asarray(guess + guide * (_guess(wished, picture, now, sight) - guess), np.float32)
        noise = (picture - np.sqrt(now) * guess) / np.sqrt(1 - now)
        picture = (np.sqrt(then) * guess + np.sqrt(1 - then) * noise).astype(np.float32)
        guesses.append(guess)
        noisy.append(picture)
    return noisy, guesses


def _guess(known: _Known, noisy: Values, signal: float, sight: int) -> Values:
    """The mean of the known pictures, each as likely as the noise makes it. sight: px of the surroundings by which a
    place judges, 0 for the whole picture."""
    likely = np.empty(known.pictures.shape[:3], np.float32)
    for number, picture in enumerate(known.pictures):
        wrong = np.square(noisy - np.float32(np.sqrt(signal)) * picture).sum(axis=2)
        if sight:
            wrong = cv2.boxFilter(wrong, -1, (sight, sight), normalize=False, borderType=cv2.BORDER_REFLECT_101)
        likely[number] = wrong if sight else wrong.sum()
    likely /= -2 * (1 - signal)
    share = np.exp(likely - likely.max(axis=0))
    share /= share.sum(axis=0)
    return np.einsum("nhw,nhwc->hwc", share, known.pictures)


def _image(values: Values) -> Image:
    return np.clip((values + 1) * 127.5, 0, 255).astype(np.uint8)
