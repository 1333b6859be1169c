"""What can be heard in a voice: how loud it is, how high, where it pauses, and which phones it says when.

Phones come from a recogniser (`Recogniser`, for recordings), or from a transcription that is laid along the sound
(`align`, for sentences whose words are known).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facezoo.errors import UsageError
from facezoo.media.sound import RATE, Sound
from facezoo.speech.phones import ARPABET, PAUSE, Phone, from_ipa

__all__ = ["STEP", "Heard", "PocketSphinx", "Recogniser", "align", "hear"]

Track = NDArray[np.float64]

STEP = 0.01
"""Seconds between two looks at a sound."""
_HOP, _WINDOW = int(RATE * STEP), 400  # samples
_FLOOR = 32.0  # dB below the loud parts: silence
_LOWEST, _HIGHEST = 70, 400  # Hz of a voice
_LIVELY = 0.12  # deviation of speech's loudness: spoken alone about 0.3, chords 0.08
_SPREAD = 0.55  # of the logarithm of a phone's length
_SLOWEST = 0.5  # seconds of voice a phone, where words are drawn out
_LONGEST = 60  # steps of one phone; pauses may be longer


@dataclass(frozen=True, eq=False)
class Heard:
    """A sound, looked at every STEP seconds. loudness: (N,) in [0, 1], 0 is silence, 1 its loud parts. pitch: (N,) Hz,
    0 where no voice is heard. hiss: (N,) in [0, 1], share of the energy above 3 kHz."""

    loudness: Track
    pitch: Track
    hiss: Track

    @property
    def voiced(self) -> float:
        """Seconds in which a voice is heard."""
        return float((self.pitch > 0).sum() * STEP)

    @property
    def steady(self) -> bool:
        """Whether it hardly swells and fades, as music and noise do and speech alone does not."""
        return float(self.loudness.std()) < _LIVELY


class Recogniser(Protocol):
    """Finds phones in a sound, in order, without gaps."""

    def __call__(self, sound: Sound) -> list[Phone]:
        """The phones of (samples at 16 kHz)."""
        ...


def hear(sound: Sound) -> Heard:
    """Loudness, pitch and hiss of a sound."""
    frames = _frames(sound.samples)
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), 512)) ** 2
    energy = 10 * np.log10(power.sum(axis=1) + 1e-9)
    loud = float(np.percentile(energy, 95))
    loudness = np.clip((energy - loud + _FLOOR) / _FLOOR, 0, 1)
    split = int(3000 / RATE * 512)
    hiss = power[:, split:].sum(axis=1) / (power.sum(axis=1) + 1e-9)
    return Heard(loudness, _pitch(frames, loudness), hiss)


def _frames(samples: NDArray[np.float32]) -> Track:
    """(N, 400): overlapping windows, one every STEP, each around its time."""
    padded = np.pad(samples.astype(np.float64), (_WINDOW // 2, _WINDOW))
    count = max(1, len(samples) // _HOP)
    return np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]


def _pitch(frames: Track, loudness: Track) -> Track:
    """Hz by the peak of the autocorrelation (Rabiner 1977), 0 where it is weak."""
    shortest, longest = RATE // _HIGHEST, RATE // _LOWEST
    centred = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 1024)) ** 2
    correlation = np.fft.irfft(spectrum)[:, :longest]
    peak = np.argmax(correlation[:, shortest:], axis=1) + shortest
    strength = correlation[np.arange(len(peak)), peak] / np.maximum(correlation[:, 0], 1e-9)
    return np.where((strength > 0.35) & (loudness > 0.25), RATE / peak, 0.0)


class PocketSphinx:
    """CMU PocketSphinx with its English phone model, from its Python package. About two phones of three are right, the
    shape of the mouth more often; other languages are heard through English ears."""

    def __call__(self, sound: Sound) -> list[Phone]:
        """The phones, pauses among them. Raises UsageError when the package is not installed."""
        decoder = _decoder()
        decoder.start_utt()
        decoder.process_raw((np.clip(sound.samples, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found: list[Phone] = []
        for segment in decoder.seg():
            begin, end = segment.start_frame * STEP, (segment.end_frame + 1) * STEP
            signs = from_ipa(ARPABET.get(segment.word, "")) or [Phone("", PAUSE)]
            step = (end - begin) / len(signs)
            found += [replace(sign, begin=begin + i * step, end=begin + (i + 1) * step) for i, sign in enumerate(signs)]
        return found


@cache
def _decoder() -> Any:
    try:
        import pocketsphinx
    except ImportError as error:
        raise UsageError(
            "Recordings need a recogniser of speech, which is not installed.", "pip install 'facezoo[speech]'"
        ) from error
    model = pocketsphinx.get_model_path()
    return pocketsphinx.Decoder(
        hmm=os.path.join(model, "en-us", "en-us"),  # noqa: PTH118
        allphone=os.path.join(model, "en-us", "en-us-phone.lm.bin"),  # noqa: PTH118
        lw=2.0,
        loglevel="FATAL",
    )


def align(phones: Sequence[Phone], heard: Heard) -> list[Phone]:
    """Lay phones whose order is known along a sound: each gets its begin and end.

    A hidden semi-Markov alignment (Viterbi): a phone costs by how its usual loudness and hiss differ from what is heard
    while it lasts, and by how its length differs from the usual one; pauses may be left out. The first phone begins
    with the sound, the last ends with it. Raises UsageError when there are too many or too few of them for it."""
    states = [Phone("", PAUSE), *phones, Phone("", PAUSE)]
    count = len(heard.loudness)
    pace = _pace(states, heard)
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    chosen: list[NDArray[np.int64]] = []
    for state in states:
        fits = np.concatenate([[0.0], np.cumsum(_misfit(state, heard))])
        is_pause = state.symbol == ""
        new, length = (best.copy() + 0.3, np.zeros(count + 1, np.int64)) if is_pause else (
            np.full(count + 1, np.inf), np.zeros(count + 1, np.int64))  # fmt: skip
        for steps in _lengths(is_pause, count):
            usual = state.kind.seconds * pace / STEP
            cost = 0.0 if is_pause else 0.5 * (np.log(steps / usual) / _SPREAD) ** 2
            reached = best[:-steps] + fits[steps:] - fits[:-steps] + cost
            better = reached < new[steps:]
            new[steps:][better] = reached[better]
            length[steps:][better] = steps
        chosen.append(length)
        best = new
    if not np.isfinite(best[-1]) or heard.voiced > _SLOWEST * sum(bool(phone.symbol) for phone in phones):
        raise UsageError("These words do not fit this sound.", "Write just what is said in it, all of it.")
    return _walked_back(states, chosen, count)


def _walked_back(states: Sequence[Phone], chosen: Sequence[NDArray[np.int64]], count: int) -> list[Phone]:
    """The path to the last moment."""
    placed: list[Phone] = []
    end = count
    for state, length in zip(reversed(states), reversed(chosen), strict=True):
        begin = end - int(length[end])
        if begin < end:
            placed.append(replace(state, begin=begin * STEP, end=end * STEP))
        end = begin
    return placed[::-1]


def _misfit(phone: Phone, heard: Heard) -> Track:
    """(N,) cost of a step of sound under this phone."""
    loud = np.abs(heard.loudness - phone.kind.loud) / 0.3
    hiss = np.abs(heard.hiss - phone.kind.hiss) / 0.3 * (heard.loudness > 0.15)
    return 0.5 * (loud + hiss)


def _pace(states: Sequence[Phone], heard: Heard) -> float:
    """How much slower than usual is spoken."""
    usual = sum(state.kind.seconds for state in states if state.symbol)
    spoken = float((heard.loudness > 0.12).sum()) * STEP
    return float(np.clip(spoken / max(usual, STEP), 0.4, 3.0))


def _lengths(is_pause: bool, count: int) -> list[int]:
    """Steps that one phone may last; long pauses are tried more coarsely."""
    longest = min(count, 300 if is_pause else _LONGEST)
    return [steps for steps in range(2, longest + 1) if steps <= 40 or steps % 5 == 0]
