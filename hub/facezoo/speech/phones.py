"""The sounds of speech, and what a mouth does for each.

A phone is written in the International Phonetic Alphabet, as espeak-ng prints it; English recognisers' ARPABET is
translated. Targets and dominance after Cohen & Massaro 1993, "Modeling Coarticulation in Synthetic Visual Speech": how
far jaw and lips want to go, and how strongly a phone insists against its neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

__all__ = ["ARPABET", "PAUSE", "Kind", "Phone", "from_ipa"]


@dataclass(frozen=True)
class Kind:
    """A class of phones that look alike.

    jaw, spread, pucker: [0, 1], where the mouth wants to go, as `Controls.mouth`, `smile` and `pucker`. jaw_will,
    lip_will: [0, 1], how strongly. shut: the lips must meet. tuck: the lower lip must touch the upper teeth. loud: [0,
    1], usual loudness; hiss: [0, 1], share of its energy above 3 kHz; seconds: usual length. The last three are what
    `hear.align` knows of its sound."""

    jaw: float
    spread: float = 0.0
    pucker: float = 0.0
    jaw_will: float = 0.5
    lip_will: float = 0.3
    shut: bool = False
    tuck: bool = False
    loud: float = 0.85
    hiss: float = 0.05
    seconds: float = 0.09


@dataclass(frozen=True)
class Phone:
    """One sound of speech. symbol: IPA, "" for a pause. begin, end: seconds."""

    symbol: str
    kind: Kind
    begin: float = 0.0
    end: float = 0.0

    @property
    def middle(self) -> float:
        """Seconds."""
        return (self.begin + self.end) / 2


_OPEN = Kind(0.62, 0.06, jaw_will=1.0, loud=1.0, seconds=0.1)
_MID = Kind(0.4, 0.24, jaw_will=0.85, loud=0.9, seconds=0.09)
_SCHWA = Kind(0.28, 0.08, jaw_will=0.6, lip_will=0.2, loud=0.75, seconds=0.06)
_SPREAD = Kind(0.2, 0.42, jaw_will=0.8, lip_will=0.6, loud=0.8, seconds=0.085)
_ROUND_OPEN = Kind(0.5, 0.0, 0.42, jaw_will=0.95, lip_will=0.8, loud=0.95, seconds=0.1)
_ROUND_SHUT = Kind(0.18, 0.0, 0.85, jaw_will=0.85, lip_will=1.0, loud=0.8, seconds=0.085)
_ROUND_FRONT = Kind(0.26, 0.0, 0.6, jaw_will=0.8, lip_will=0.9, loud=0.8, seconds=0.09)
_LIPS = Kind(0.0, 0.06, 0.08, jaw_will=1.0, lip_will=0.4, shut=True, loud=0.45, hiss=0.03, seconds=0.07)
_LIPS_STOP = replace(_LIPS, loud=0.18, hiss=0.12, seconds=0.075)
_TEETH = Kind(0.06, 0.16, jaw_will=1.0, lip_will=0.4, tuck=True, loud=0.35, hiss=0.45, seconds=0.085)
_GLIDE = Kind(0.14, 0.0, 0.8, jaw_will=0.7, lip_will=0.9, loud=0.6, seconds=0.06)
_HUSH = Kind(0.12, 0.0, 0.42, jaw_will=0.8, lip_will=0.7, loud=0.4, hiss=0.75, seconds=0.1)
_HISS = Kind(0.08, 0.22, jaw_will=0.85, lip_will=0.35, loud=0.38, hiss=0.9, seconds=0.1)
_LISP = Kind(0.14, 0.1, jaw_will=0.6, loud=0.28, hiss=0.5, seconds=0.08)
_TAP = Kind(0.13, 0.12, jaw_will=0.55, lip_will=0.15, loud=0.2, hiss=0.35, seconds=0.065)
_HUM = Kind(0.15, 0.1, jaw_will=0.5, lip_will=0.15, loud=0.55, hiss=0.03, seconds=0.065)
_BACK = Kind(0.22, 0.05, jaw_will=0.3, lip_will=0.08, loud=0.2, hiss=0.2, seconds=0.07)
_BREATH = Kind(0.25, 0.0, jaw_will=0.1, lip_will=0.05, loud=0.25, hiss=0.3, seconds=0.06)
_LIQUID = Kind(0.2, 0.0, 0.24, jaw_will=0.45, lip_will=0.4, loud=0.65, hiss=0.08, seconds=0.065)
PAUSE = Kind(0.0, jaw_will=0.45, lip_will=0.3, loud=0.0, hiss=0.2, seconds=0.2)
"""Silence: the mouth comes to rest."""

_KINDS = {
    **dict.fromkeys("aɑæʌɐäɶ", _OPEN),
    **dict.fromkeys("eɛɜɝɚ", _MID),
    **dict.fromkeys("əɘɵɨɪᵻ", _SCHWA),
    **dict.fromkeys("i", _SPREAD),
    **dict.fromkeys("oɔɒɤ", _ROUND_OPEN),
    **dict.fromkeys("uʊɯʉ", _ROUND_SHUT),
    **dict.fromkeys("yøœʏ", _ROUND_FRONT),
    **dict.fromkeys("mɱ", _LIPS),
    **dict.fromkeys("bpɓ", _LIPS_STOP),
    **dict.fromkeys("fvʋɸ", _TEETH),
    **dict.fromkeys("wɥʍ", _GLIDE),
    **dict.fromkeys("ʃʒʂʐɕʑ", _HUSH),
    **dict.fromkeys("sz", _HISS),
    **dict.fromkeys("θðβ", _LISP),
    **dict.fromkeys("tdʈɖ", _TAP),
    **dict.fromkeys("nɲɳlɫʎɭ", _HUM),
    **dict.fromkeys("kɡgqɢxɣχʁŋcɟç", _BACK),
    **dict.fromkeys("hɦʔħʕ", _BREATH),
    **dict.fromkeys("rɹɾʀɻɽ", _LIQUID),
    **dict.fromkeys("j", replace(_SPREAD, jaw=0.16, loud=0.6, seconds=0.05)),
}
_LONG, _STRESS = "ːˑ", "ˈ"
_LANGUAGE = re.compile(r"\([a-z-]+\)")

ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɜ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


def from_ipa(text: str) -> list[Phone]:
    """The phones of a transcription, without times; a pause for each line end. Stress and length make a phone longer;
    tones, ties and signs that change no mouth are passed over, and the languages that espeak-ng names in brackets."""
    found: list[Phone] = []
    stressed = False
    for sign in unicodedata.normalize("NFD", _LANGUAGE.sub("", text)):
        if sign == "\n":
            found.append(Phone("", PAUSE))
        elif sign == _STRESS:
            stressed = True
        elif sign in _LONG and found:
            found[-1] = _longer(found[-1], 1.45)
        elif sign in _KINDS:
            phone = Phone(sign, _KINDS[sign])
            vowel = phone.kind.loud >= 0.7
            found.append(_longer(phone, 1.25) if stressed and vowel else phone)
            stressed = stressed and not vowel
    return found


def _longer(phone: Phone, ratio: float) -> Phone:
    return replace(phone, kind=replace(phone.kind, seconds=phone.kind.seconds * ratio))
