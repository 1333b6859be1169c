"""Makes the motion templates that ship with facezoo: `python training/motion_templates.py` writes them anew.

Nobody was filmed for them. Each is a score: for every control a few keys (seconds, value), eased in between, plus what
living faces do anyway: breathe, sway a little, blink, and keep their eyes on whom they look at while the head turns.
Timings: blinks close in 0.1 s and open in 0.2 s (Evinger et al. 1991, "Eyelid movements"); the eyes lead the head
(Freedman 2008, "Coordination of the eyes and head during visual orienting"); about five syllables a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facezoo.motion import template as templates
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import Motion, still

RATE = Fraction(30)
CONTROLS = tuple(each.name for each in fields(Controls))
Keys = tuple[tuple[float, float], ...]
Track = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One template. seconds: its length. keys: control to (second, value) pairs, 0 before and after. blinks: seconds at
    which the eyes begin to close. soft: seconds over which the head's keys are blurred. watching: [0, 1], how far the
    eyes stay on the viewer while the head turns. alive: how strong breathing and swaying are."""

    name: str
    title: str
    seconds: float
    keys: Mapping[str, Keys]
    blinks: tuple[float, ...] = ()
    soft: float = 0.09
    watching: float = 0.8
    alive: float = 1.0
    syllables: tuple[tuple[float, str, float], ...] = field(default=())
    """(second, mouth shape, strength) of each syllable's peak, see SHAPES."""


# Mouth shapes: jaw, smile (spread lips) and pucker at full strength.
SHAPES = {
    "a": (0.62, 0.05, 0.0),
    "e": (0.36, 0.28, 0.0),
    "i": (0.2, 0.42, 0.0),
    "o": (0.44, 0.0, 0.55),
    "u": (0.2, 0.0, 0.85),
    "m": (0.0, 0.08, 0.1),  # lips meet
    "f": (0.06, 0.16, 0.0),
}
_SPEECH = (
    (0.32, "e", 0.8), (0.5, "o", 0.8), (0.66, "m", 1), (0.82, "a", 0.9), (1.0, "i", 0.9), (1.16, "f", 1),
    (1.32, "o", 1), (1.52, "e", 0.7), (1.7, "m", 1), (1.86, "a", 1), (2.08, "u", 0.8), (2.26, "i", 0.7),
    (2.72, "a", 0.7), (2.88, "m", 1), (3.02, "e", 1), (3.2, "a", 0.8), (3.38, "u", 1), (3.56, "f", 1),
    (3.72, "a", 1), (3.92, "i", 0.8), (4.1, "e", 0.45),
)  # fmt: skip

SCORES = (
    Score(
        "nod", "Nod", 3.0,
        {
            "pitch": ((0.25, 0), (0.5, -2.2), (0.85, 11), (1.2, 0.5), (1.5, 8), (1.85, 0), (2.15, 2.5), (2.55, 0)),
            "yaw": ((0.3, 0), (0.9, 1.2), (1.9, -0.6), (2.6, 0)),
            "brows": ((0.3, 0), (0.55, 0.32), (1.1, 0.1), (2.2, 0)),
            "smile": ((0.4, 0), (1.1, 0.3), (2.0, 0.24), (2.8, 0)),
        },
        blinks=(0.78, 2.2),
    ),
    Score(
        "talk", "Talk", 4.8,
        {
            "pitch": ((0.1, 0), (0.75, 2.6), (1.2, -0.8), (1.9, 3.6), (2.45, -1.2), (3.05, 2.2), (3.75, 3), (4.6, 0)),
            "yaw": ((0.1, 0), (0.9, 4.2), (1.8, 1.2), (2.5, -3.8), (3.4, -1.6), (3.9, 1.4), (4.6, 0)),
            "roll": ((0.2, 0), (1.1, 1.6), (2.4, -2.0), (3.6, 1.2), (4.6, 0)),
            "brows": ((0.5, 0), (0.78, 0.42), (1.3, 0.05), (1.65, 0), (1.88, 0.55), (2.4, 0.1), (3.4, 0),
                      (3.7, 0.4), (4.3, 0)),
            "look_x": ((2.3, 0), (2.36, -0.3), (2.64, -0.3), (2.7, 0)),
            "look_y": ((2.3, 0), (2.36, 0.22), (2.64, 0.22), (2.7, 0)),
            "smile": ((3.9, 0), (4.3, 0.22), (4.7, 0)),
        },
        blinks=(0.16, 2.3, 4.15),
        syllables=_SPEECH,
    ),
    Score(
        "smile", "Smile", 4.0,
        {
            "smile": ((0.3, 0), (1.0, 0.72), (1.5, 0.9), (2.5, 0.86), (3.75, 0)),
            "mouth": ((0.8, 0), (1.4, 0.1), (2.5, 0.09), (3.2, 0)),
            "brows": ((0.35, 0), (0.8, 0.28), (1.6, 0.14), (2.8, 0.1), (3.5, 0)),
            "roll": ((0.4, 0), (1.3, 3.2), (2.4, 2.6), (3.7, 0)),
            "yaw": ((0.4, 0), (1.2, -3.4), (2.5, -2.4), (3.7, 0)),
            "pitch": ((0.3, 0), (0.9, -1.8), (1.7, 1.2), (2.6, 0.8), (3.7, 0)),
        },
        blinks=(0.42, 2.72),
        soft=0.14,
    ),
    Score(
        "look_around", "Look around", 5.0,
        {
            "look_x": ((0.3, 0), (0.38, -0.85), (0.75, -0.5), (1.42, -0.4), (1.52, 0.9), (2.0, 0.5), (2.72, 0.4),
                       (2.8, 0.1), (3.5, 0.1), (3.58, 0)),
            "look_y": ((1.42, 0), (1.52, 0.1), (2.72, 0.1), (2.8, -0.75), (3.2, -0.5), (3.5, -0.4), (3.58, 0)),
            "yaw": ((0.42, 0), (1.05, -14), (1.55, -14), (2.3, 14), (2.75, 14), (3.25, 3), (3.55, 2.5), (4.3, 0)),
            "pitch": ((0.42, 0), (1.05, 1.5), (1.6, 1.5), (1.95, 3.5), (2.4, 2), (2.85, 1), (3.3, -8), (3.6, -7.5),
                      (4.3, 0)),
            "roll": ((0.42, 0), (1.05, -1.5), (2.3, 2), (3.3, 0.5), (4.3, 0)),
            "brows": ((2.7, 0), (2.95, 0.5), (3.5, 0.4), (3.9, 0)),
        },
        blinks=(0.28, 1.4, 3.5),
        watching=0.0,
    ),
    Score(
        "surprise", "Surprise", 3.2,
        {
            "brows": ((0.4, 0), (0.5, -0.12), (0.72, 1), (1.5, 0.9), (2.4, 0.2), (2.9, 0)),
            "mouth": ((0.46, 0), (0.78, 0.62), (1.1, 0.52), (1.5, 0.46), (2.3, 0)),
            "pucker": ((0.46, 0), (0.8, 0.3), (1.5, 0.25), (2.2, 0)),
            "pitch": ((0.4, 0), (0.5, 1.2), (0.8, -5.5), (1.5, -4), (2.6, 0.6), (3.0, 0)),
            "yaw": ((0.45, 0), (0.85, 2), (1.7, 1), (2.8, 0)),
            "smile": ((1.6, 0), (2.1, 0.35), (2.9, 0)),
        },
        blinks=(0.3, 1.75),
        soft=0.05,
    ),
    Score(
        "wink", "Wink", 2.6,
        {
            "wink": ((0.7, 0), (0.84, 1), (1.05, 1), (1.32, 0)),
            "smile": ((0.25, 0), (0.85, 0.6), (1.4, 0.5), (2.4, 0)),
            "brows": ((0.3, 0), (0.6, 0.22), (0.85, 0), (1.2, 0.22), (2.0, 0)),
            "roll": ((0.3, 0), (0.85, 4.5), (1.3, 3.8), (2.3, 0)),
            "yaw": ((0.3, 0), (0.85, -4), (1.4, -3), (2.3, 0)),
            "pitch": ((0.3, 0), (0.6, -1), (0.9, 3.2), (1.5, 0.8), (2.3, 0)),
        },
        blinks=(1.95,),
    ),
)  # fmt: skip


def main() -> None:
    """Write every template, or the ones named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="templates to make; all when none is named")
    parser.add_argument("--output", type=Path, default=Path(templates.__file__).with_name("templates"))
    chosen = parser.parse_args()
    chosen.output.mkdir(parents=True, exist_ok=True)
    for score in SCORES:
        if not chosen.names or score.name in chosen.names:
            made = templates.template_from(
                perform(score), RATE, score.name, score.title, loop=True, author="facezoo", licence="Apache-2.0"
            )
            path = templates.save_template(made, chosen.output)
            print(f"{path.name}: {len(made.motions)} motions, {score.seconds} s, {path.stat().st_size / 1024:.0f} KB")


def perform(score: Score) -> list[Motion]:
    """The motions of a score; the first and the last are no motion at all."""
    count = round(score.seconds * RATE)
    times = np.arange(count + 1) / float(RATE)
    tracks = {name: eased(times, score.keys.get(name, ())) for name in CONTROLS}
    for name in ("yaw", "pitch", "roll"):
        tracks[name] = blurred(tracks[name], score.soft)
    for name, track in spoken(times, score.syllables).items():
        tracks[name] = tracks[name] + track
    for begin in score.blinks:
        tracks["blink"] = np.maximum(tracks["blink"], blink(times - begin))
    edges = np.clip(np.minimum(times, times[-1] - times) / 0.4, 0, 1)
    life = score.alive * edges * edges * (3 - 2 * edges)
    turns = 2 * np.pi * times / times[-1]
    tracks["yaw"] += life * (0.55 * np.sin(turns + 0.6) + 0.25 * np.sin(3 * turns + 2))
    tracks["pitch"] += life * (0.4 * np.sin(turns + 2.2) + 0.25 * np.sin(2 * turns))
    tracks["roll"] += life * (0.35 * np.sin(turns + 4) + 0.15 * np.sin(2 * turns + 1))
    tracks["look_x"] -= score.watching * tracks["yaw"] * 0.04  # look units a degree: the eyes turn as far the other way
    tracks["look_y"] -= score.watching * tracks["pitch"] * 0.05
    breath = life * 0.008 * np.sin(2 * turns)  # head units
    motions = [still(0.0)]
    for i in range(1, count):
        controls = Controls(**{name: float(track[i]) for name, track in tracks.items()})
        motion = motion_of(controls, time=float(times[i]))
        motions.append(replace(motion, shift=motion.shift + np.array([0, breath[i]], np.float32)))
    return [*motions, still(float(times[-1]))]


def eased(times: Track, keys: Keys) -> Track:
    """A track through keys with rest at each: smoothstep in between, the values of the outer keys beyond."""
    if not keys:
        return np.zeros_like(times)
    where, values = np.array(keys).T
    number = np.clip(np.searchsorted(where, times, side="right") - 1, 0, len(where) - 2)
    share = np.clip((times - where[number]) / (where[number + 1] - where[number]), 0, 1)
    return values[number] + (values[number + 1] - values[number]) * (share * share * (3 - 2 * share))


def blurred(track: Track, seconds: float) -> Track:
    """Gaussian blur with that deviation, so that a head does not stop at each key; 0 beyond the ends."""
    reach = np.arange(-15, 16) / float(RATE)
    weights = np.exp(-0.5 * (reach / seconds) ** 2)
    return np.asarray(np.convolve(track, weights / weights.sum(), mode="same"), np.float64)


def blink(times: Track) -> Track:
    """Eyes that begin to close at 0: shut after 0.1 s, for a moment, open after 0.33 s."""
    return eased(times, ((0, 0), (0.1, 1), (0.14, 1), (0.33, 0)))


def spoken(times: Track, syllables: tuple[tuple[float, str, float], ...]) -> dict[str, Track]:
    """Tracks of jaw, spread and rounded lips. The lips begin to round or spread before the jaw opens."""
    if not syllables:
        return {}
    names = ("mouth", "smile", "pucker")
    keys: dict[str, list[tuple[float, float]]] = {name: [(syllables[0][0] - 0.2, 0.0)] for name in names}
    for second, shape, strength in syllables:
        lead = (0.0, 0.04, 0.04)
        for name, value, early in zip(names, SHAPES[shape], lead, strict=True):
            last, before = keys[name][-1]
            if second - early - last > 0.35:  # a pause: the mouth nearly closes
                keys[name] += [(last + 0.14, before * 0.1), (second - early - 0.14, before * 0.1)]
            keys[name].append((second - early, value * strength))
    for name in names:
        keys[name].append((keys[name][-1][0] + 0.25, 0.0))
    return {name: blurred(eased(times, tuple(keys[name])), 0.025) for name in names}


if __name__ == "__main__":
    main()
