"""Which language a visitor reads, and what the page needs for it.

Templates, scripts and code say everything in English. <language>.json has, for each sentence, what it is in that
language; a value in a sentence is {} there, or {1}, {2} where their order changes, an element in it <1>, <2>.
languages.js puts them in place of the English ones, whoever brought those. (gr.I18n knows the props of gradio's own
parts alone: no choices, no HTML, nothing that handlers send, and no way to choose.)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["COOKIE", "LANGUAGES", "address", "chosen", "script", "sentences"]

LANGUAGES = {"en": "English", "zh-CN": "中文", "es": "Español", "de": "Deutsch"}
"""BCP 47 tag -> how its speakers call it. English needs no file."""
COOKIE = "facezoo-language"
"""Set by the page when a visitor chooses."""
_FOLDER = Path(__file__).parent
_WISH = re.compile(r"^\s*([A-Za-z]{2,3})[\w-]*\s*(?:;\s*q=([\d.]+))?\s*$")


def chosen(headers: Mapping[str, str]) -> str:
    """The tag of the language that a request's headers (lower case) ask for: chosen on the page, else the one that the
    browser likes best, English when it knows none of ours."""
    kept = re.search(rf"(?:^|;\s*){COOKIE}=([\w-]+)", headers.get("cookie", ""))
    if kept and kept[1] in LANGUAGES:
        return kept[1]
    ours = {tag.partition("-")[0]: tag for tag in LANGUAGES}
    wishes = [found for each in headers.get("accept-language", "").split(",")[:20] if (found := _WISH.match(each))]
    liked = sorted(wishes, key=lambda found: -_quality(found[2]))
    return next((ours[found[1].lower()] for found in liked if found[1].lower() in ours), "en")


@cache
def sentences(language: str) -> dict[str, str]:
    """English -> that language; {} for English."""
    file = _FOLDER / f"{language}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


@cache
def script(language: str) -> str:
    """What languages.js reads."""
    told = {"language": language, "sentences": sentences(language)}
    return f"window.facezooWords = {json.dumps(told, ensure_ascii=False, separators=(',', ':'))};"


@cache
def address(language: str) -> str:
    """Where `script` is served, "" for English; changes with it."""
    if language == "en":
        return ""
    return f"assets/words-{language}-{hashlib.sha256(script(language).encode()).hexdigest()[:12]}.js"


def _quality(given: str | None) -> float:
    try:
        return float(given or 1)
    except ValueError:
        return 0.0
