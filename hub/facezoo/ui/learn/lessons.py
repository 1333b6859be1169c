"""The pages of the Learn tab: what each is about, where its sources are, and its content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common.html import template
from facezoo.ui.learn.exhibits import exhibits
from facezoo.ui.learn.labels import LABELS

__all__ = ["LESSONS", "Lesson", "lesson", "lesson_html"]


@dataclass(frozen=True)
class Lesson:
    """id: in its address, and the name of its template. idea: the one thing to take away. methods: ids whose tabs and
    cards it leads to. papers: (title, address). minutes: of reading and touching."""

    id: str
    title: str
    idea: str
    methods: tuple[str, ...] = ()
    papers: tuple[tuple[str, str], ...] = ()
    minutes: int = 5


_CYCLE = ("Zhu et al. 2017, CycleGAN", "https://arxiv.org/abs/1703.10593")
_FACE2FACE = ("Thies et al. 2016, Face2Face", "https://arxiv.org/abs/2007.14808")
_PIX2PIX = ("Isola et al. 2017, pix2pix", "https://arxiv.org/abs/1611.07004")
_PIX2PIXHD = ("Wang et al. 2018, pix2pixHD", "https://arxiv.org/abs/1711.11585")
_FACESWAP = ("The faceswap project, 2017", "https://github.com/deepfakes/faceswap")
_FIRST_ORDER = ("Siarohin et al. 2019, first-order motion", "https://arxiv.org/abs/2003.00196")
_FEW_SHOT = ("Zakharov et al. 2019, few-shot talking heads", "https://arxiv.org/abs/1905.08233")
_DIFFUSION = ("Ho et al. 2020, denoising diffusion", "https://arxiv.org/abs/2006.11239")

LESSONS = (
    Lesson("history", "How it came about", "Each method solved what the one before it could not, and left something "
           "open for the next.", ("landmark_warp", "cyclegan", "face2face", "pix2pixhd", "deepfakes", "motion_transfer",
           "talking_head"), (_CYCLE, _FACE2FACE, _PIX2PIX, _PIX2PIXHD, _FACESWAP, _FIRST_ORDER, _FEW_SHOT, _DIFFUSION)),
    Lesson("cyclegan", "There and back: CycleGAN", "Two networks keep each other honest: what one changes, the other "
           "must be able to undo.", ("cyclegan",), (_CYCLE,)),
    Lesson("drawings", "From a drawing to a face", "Draw what a face does, not whose it is, and let a network that "
           "knows one person paint the drawing.", ("face2face", "pix2pixhd"), (_FACE2FACE, _PIX2PIX, _PIX2PIXHD)),
    Lesson("deepfakes", "One encoder, two decoders: DeepFakes", "Everybody is written down in the same way, and each "
           "person is read back in their own.", ("deepfakes",), (_FACESWAP,)),
    Lesson("one-photo", "One photo moves", "Nothing new is needed for most of a moving face: its pixels only have to "
           "know where to go.", ("motion_transfer", "talking_head"), (_FIRST_ORDER, _FEW_SHOT)),
    Lesson("diffusion", "Out of noise: diffusion", "Guess the picture behind the noise, take a small step towards the "
           "guess, and guess again.", (), (_DIFFUSION,
           ("Song et al. 2021, the steps without fresh noise", "https://arxiv.org/abs/2010.02502"),
           ("Ho and Salimans 2022, guidance", "https://arxiv.org/abs/2207.12598"),
           ("Kamb and Ganguli 2024, why it invents", "https://arxiv.org/abs/2412.20292"))),
    Lesson("tells", "How one tells", "Look for what each method cannot do; then ask the file where it comes from.",
           (), (("Rössler et al. 2019, FaceForensics++", "https://arxiv.org/abs/1901.08971"),
           ("Cox et al. 1997, spread-spectrum watermarks", "https://doi.org/10.1109/83.650120"),
           ("C2PA, the standard for provenance", "https://c2pa.org"))),
)  # fmt: skip
"""In the order in which they follow from one another."""


def lesson(id: object) -> Lesson:
    """The lesson of this id. Raises UsageError when there is none."""
    found = next((each for each in LESSONS if each.id == id), None)
    if found is None:
        raise UsageError("There is no such page.", "Choose one from the list.")
    return found


def lesson_html(of: Lesson, specs: Sequence[MethodSpec]) -> str:
    """The whole page. specs: the methods that this hub offers."""
    place = LESSONS.index(of)
    offered = {spec.id: spec for spec in specs}
    content = template(f"learn/pages/{of.id}.html", **LABELS).page(exhibits(), offered, **_more(of.id, specs))
    known = [offered[id] for id in of.methods if id in offered]
    html = template("learn/page.html").lesson(
        of,
        content,
        known,
        [spec for spec in known if "swap" in spec.tasks],
        LESSONS[place - 1] if place else None,
        LESSONS[place + 1] if place + 1 < len(LESSONS) else None,
    )
    return str(html)


def _more(id: str, specs: Sequence[MethodSpec]) -> Mapping[str, Any]:
    """What a page needs besides the exhibits."""
    if id == "history":
        from facezoo.ui.learn.gallery import through_all

        return {"results": through_all(specs)}
    if id == "tells":
        from facezoo.ui.learn.gallery import chain, telling

        return {"chain": chain(), "tells": telling(specs)}
    return {}
