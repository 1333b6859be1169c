"""From what is said to how a face moves: lips and jaw after the phones, head, brows and eyes after the voice.

Mouth: Cohen & Massaro 1993, "Modeling Coarticulation in Synthetic Visual Speech" (eq. 1-4): each phone has targets and
a dominance that fades with distance in time; the mouth is their weighted mean. Closures of m b p and f v win.
Head: nods on peaks of loudness, brows on rising pitch (Graf et al. 2002, "Visual prosody"); blinks and glances in
pauses, breathing, and rest at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.motion import Motion, still
from facezoo.motion.template import Template, template_from
from facezoo.speech.hear import STEP, Heard
from facezoo.speech.phones import Phone

__all__ = ["FRAMES_A_SECOND", "Speech", "check_voice", "perform"]

Track = NDArray[np.float64]

FRAMES_A_SECOND = Fraction(25)
_EARLY = 0.02  # seconds by which lips are ahead of the sound
_REACH_JAW, _REACH_LIPS = 0.055, 0.075  # seconds in which a phone's dominance falls to 1/e
_ANY_JAW = 0.36  # how far it opens for a phone that is not known
_REST = 0.25  # seconds at both ends in which the face comes from and goes to rest
_LEAST_VOICE = 0.15  # seconds of voice in a sound that is worth a performance


@dataclass(frozen=True, eq=False)
class Speech(Template):
    """The motion of somebody who speaks, and the sound to lay under it. sha256: of the sound's file. voice: whose it
    is, "recording", or "synthetic, espeak-ng" and the language. captions: WebVTT of what is said, "" where that is
    not known. notes: what whoever asked for it should know."""

    sound: Path
    sha256: str
    voice: str
    captions: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Life:
    """How strong, in degrees and shares of a control, at amount 1."""

    nod: float = 4.0
    turn: float = 3.0
    tilt: float = 2.2
    brows: float = 0.5
    breath: float = 0.008


def perform(
    phones: Sequence[Phone], heard: Heard, *, name: str = "speech", title: str = "", life: float = 1.0, seed: int = 0,
    certain: float = 1.0,
) -> Template:  # fmt: skip
    """The motion of somebody who says this, as long as the sound, 25 a second.

    phones: with times, in order. life: [0, 2], how much head, brows and eyes move. seed: of glances and blinks.
    certain: [0, 1], how sure the phones are; the less, the more does the jaw follow loudness alone. Raises UsageError
    for a sound without a voice."""
    check_voice(heard, phones)
    seconds = len(heard.loudness) * STEP
    times = np.arange(max(2, round(seconds * FRAMES_A_SECOND))) / float(FRAMES_A_SECOND)
    tracks = _mouth(phones, times, heard, certain)
    edges = _smooth(np.clip(np.minimum(times, times[-1] - times) / _REST, 0, 1))
    random = np.random.default_rng(seed)
    for control, track in _head(times, heard, phones, random).items():
        tracks[control] = track * life * edges
    for control in ("mouth", "smile", "pucker"):
        tracks[control] *= np.where(times > times[-1] - 0.08, edges, 1.0)
    breath = _Life.breath * life * edges * np.sin(2 * np.pi * times / 4)
    return template_from(_motions(times, tracks, breath), FRAMES_A_SECOND, name, title or "Speech", author="facezoo")


def check_voice(heard: Heard, phones: Sequence[Phone] | None = None) -> None:
    """Raises UsageError when nobody is heard to speak. phones: where they are known, one at least must be no pause."""
    if heard.voiced < _LEAST_VOICE or (phones is not None and not any(phone.symbol for phone in phones)):
        raise UsageError("No voice is heard in this sound.", "Use a recording in which somebody speaks.")


def _motions(times: Track, tracks: dict[str, Track], breath: Track) -> list[Motion]:
    known = {each.name for each in fields(Controls)}
    assert set(tracks) <= known
    motions = [still(0.0)]
    for i in range(1, len(times)):
        motion = motion_of(Controls(**{name: float(track[i]) for name, track in tracks.items()}), time=float(times[i]))
        motions.append(replace(motion, shift=motion.shift + np.array([0, breath[i]], np.float32)))
    return motions


def _mouth(phones: Sequence[Phone], times: Track, heard: Heard, certain: float) -> dict[str, Track]:
    """Jaw, spread and pucker at each time."""
    lips = times + _EARLY
    jaw, spread, pucker = np.zeros_like(lips), np.zeros_like(lips), np.zeros_like(lips)
    jaw_weight, lip_weight = np.full_like(lips, 1e-3), np.full_like(lips, 1e-3)
    shut, tuck = np.zeros_like(lips), np.zeros_like(lips)
    for phone in phones:
        kind, away = phone.kind, np.maximum(np.abs(lips - phone.middle) - (phone.end - phone.begin) / 4, 0)
        strong = kind.jaw_will * np.exp(-away / _REACH_JAW)
        jaw, jaw_weight = jaw + strong * kind.jaw, jaw_weight + strong
        strong = kind.lip_will * np.exp(-away / _REACH_LIPS)
        spread, pucker = spread + strong * kind.spread, pucker + strong * kind.pucker
        lip_weight = lip_weight + strong
        if kind.shut or kind.tuck:
            closed = _smooth(np.clip(1.6 - away / 0.032, 0, 1))
            shut = np.maximum(shut, closed if kind.shut else 0)
            tuck = np.maximum(tuck, closed if kind.tuck else 0)
    loud = np.interp(lips, np.arange(len(heard.loudness)) * STEP, _blurred(heard.loudness, 0.03))
    open_jaw = (certain * jaw / jaw_weight + (1 - certain) * _ANY_JAW) * (0.15 + 1.02 * loud)
    open_jaw = open_jaw * (1 - tuck) + 0.05 * tuck
    return {
        "mouth": np.clip(open_jaw * (1 - shut), 0, 1),
        "smile": np.clip(spread / lip_weight * (1 - 0.6 * shut), 0, 1),
        "pucker": np.clip(pucker / lip_weight, 0, 1),
    }


def _head(times: Track, heard: Heard, phones: Sequence[Phone], random: np.random.Generator) -> dict[str, Track]:
    """Yaw, pitch, roll, brows, blink and looks at each time."""
    steps = np.arange(len(heard.loudness)) * STEP
    slow, slower = _blurred(heard.loudness, 0.12), _blurred(heard.loudness, 0.9)
    nods = np.interp(times, steps, _blurred(np.clip(slow - slower, 0, 1), 0.1)) * 2.6
    height = _pitch_height(heard)
    rises = np.interp(times, steps, _blurred(np.clip(height, 0, 1), 0.15))
    wander = {name: _wandering(times, random) for name in ("yaw", "roll", "pitch")}
    pauses = [(phone.begin, phone.end) for phone in phones if not phone.symbol and phone.end - phone.begin > 0.18]
    blink = _blinks(times, pauses, random)
    look_x, look_y = _glances(times, pauses, random)
    yaw = _Life.turn * wander["yaw"]
    pitch = _Life.nod * np.clip(nods, 0, 1) - 1.2 * rises + 0.8 * wander["pitch"]
    return {
        "yaw": yaw,
        "pitch": pitch,
        "roll": _Life.tilt * wander["roll"],
        "brows": np.clip(_Life.brows * rises, 0, 0.7),
        "blink": blink,
        "look_x": look_x - 0.04 * yaw,  # the eyes stay on the viewer while the head turns
        "look_y": look_y - 0.05 * pitch,
    }


def _pitch_height(heard: Heard) -> Track:
    """How far the pitch lies above the voice's own middle, in shares of half an octave; 0 where no voice is heard."""
    voiced = heard.pitch > 0
    middle = float(np.median(heard.pitch[voiced]))
    octaves = np.zeros_like(heard.pitch)
    octaves[voiced] = np.log2(heard.pitch[voiced] / middle)
    return np.clip(octaves, -1, 1) * 2


def _wandering(times: Track, random: np.random.Generator) -> Track:
    """A head that takes up a new place every second or so: smooth, about [-1, 1]."""
    where, places = [0.0], [0.0]
    while where[-1] < times[-1]:
        where.append(where[-1] + float(random.uniform(0.7, 1.5)))
        places.append(float(np.clip(random.normal(0, 0.55), -1, 1)))
    number = np.clip(np.searchsorted(where, times, side="right") - 1, 0, len(where) - 2)
    begin, end = np.array(where)[number], np.array(where)[number + 1]
    share = _smooth(np.clip((times - begin) / np.minimum(end - begin, 0.7), 0, 1))
    return np.array(places)[number] * (1 - share) + np.array(places)[number + 1] * share


def _blinks(times: Track, pauses: Sequence[tuple[float, float]], random: np.random.Generator) -> Track:
    """Eyes shut in pauses, and every few seconds; closing takes 0.1 s, opening 0.2 s (Evinger et al. 1991)."""
    starts = [begin + 0.04 for begin, _ in pauses if begin > 0.1]
    spoken = 0.0
    while (spoken := spoken + float(random.uniform(2.0, 4.5))) < times[-1] - 0.4:
        if all(abs(spoken - other) > 1.0 for other in starts):
            starts.append(spoken)
    shut = np.zeros_like(times)
    for start in starts:
        since = times - start
        shut = np.maximum(shut, np.interp(since, (0, 0.1, 0.14, 0.34), (0, 1, 1, 0), left=0, right=0))
    return shut


def _glances(times: Track, pauses: Sequence[tuple[float, float]], random: np.random.Generator) -> tuple[Track, Track]:
    """The eyes wander off in longer pauses and come back."""
    look_x, look_y = np.zeros_like(times), np.zeros_like(times)
    for begin, end in pauses:
        if end - begin > 0.35 and begin > 0.2:
            away = np.interp(times, (begin, begin + 0.06, end - 0.1, end), (0, 1, 1, 0), left=0, right=0)
            look_x = look_x + away * float(random.uniform(-0.5, 0.5))
            look_y = look_y + away * float(random.uniform(-0.15, 0.3))
    return look_x, look_y


def _smooth(share: Track) -> Track:
    return share * share * (3 - 2 * share)


def _blurred(track: Track, seconds: float) -> Track:
    """Gaussian blur with that deviation."""
    reach = np.arange(-round(3 * seconds / STEP), round(3 * seconds / STEP) + 1)
    weights = np.exp(-0.5 * (reach * STEP / seconds) ** 2)
    padded = np.pad(track, len(reach) // 2, mode="edge")
    return np.asarray(np.convolve(padded, weights / weights.sum(), mode="valid"), np.float64)
