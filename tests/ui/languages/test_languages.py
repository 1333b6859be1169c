"""The page in four languages: no sentence is missing, none is kept in vain, and each visitor gets their own."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from facezoo.ui.languages.choice import COOKIE, LANGUAGES, address, chosen, script, sentences

from .said import key, said

if TYPE_CHECKING:
    from tests.ui.conftest import Visitor

OTHERS = [tag for tag in LANGUAGES if tag != "en"]
VALUE, PART = re.compile(r"\{\d?\}"), re.compile(r"<\d>")


@pytest.fixture(scope="module")
def english() -> dict[str, str]:
    return said()


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_there_and_none_in_vain(english: dict[str, str], language: str) -> None:
    """A sentence that was changed or is new has to be translated in hub/facezoo/ui/languages/<language>.json."""
    told = sentences(language)
    assert {words: english[words] for words in english if words not in told} == {}
    assert [words for words in told if words not in english] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_value_and_no_element_is_lost(language: str) -> None:
    for english, told in sentences(language).items():
        assert told.strip() == told != "", english
        assert len(VALUE.findall(told)) == english.count("{}"), english
        numbered = re.findall(r"\{(\d)\}", told)
        assert not numbered or sorted(numbered) == [str(1 + each) for each in range(english.count("{}"))], english
        assert Counter(PART.findall(told)) == Counter(PART.findall(english)), english


@pytest.mark.parametrize("language", OTHERS)
def test_long_sentences_are_not_left_in_english(language: str) -> None:
    same = [words for words, told in sentences(language).items() if words == told and len(words.split()) > 5]
    assert [each for each in same if " et al. " not in each] == []
    if language == "zh-CN":
        assert [words for words, told in sentences(language).items() if len(words.split()) > 8
                and len(re.findall(r"[\u4e00-\u9fff]", told)) < 4] == []  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"accept-language": "de-AT,de;q=0.9,en;q=0.8"}, "de"),
        ({"accept-language": "fr,es;q=0.4,zh-TW;q=0.6"}, "zh-CN"),
        ({"accept-language": "en-GB,de;q=0.9"}, "en"),
        ({"accept-language": "fr,*;q=0.1"}, "en"),
        ({"accept-language": "es;q=x, ;;,de;q=0.2"}, "de"),
        ({"accept-language": "de", "cookie": f"a=b; {COOKIE}=es"}, "es"),
        ({"accept-language": "de", "cookie": f"{COOKIE}=xx"}, "de"),
        ({"accept-language": "de", "cookie": f"not-{COOKIE}=es"}, "de"),
    ],
)
def test_who_gets_which(headers: dict[str, str], language: str) -> None:
    assert chosen(headers) == language


def test_the_sentences_are_light_and_named_by_what_they_are() -> None:
    assert address("en") == ""
    for language in OTHERS:
        assert re.fullmatch(rf"assets/words-{language}-[0-9a-f]{{12}}\.js", address(language))
        assert len(gzip.compress(script(language).encode())) < 80_000
        told = json.loads(script(language).removeprefix("window.facezooWords = ").removesuffix(";"))
        assert told == {"language": language, "sentences": sentences(language)}


def test_a_template_s_sentence_is_found_as_the_page_has_it() -> None:
    assert key(" \n Read  any file's chain in the \ue002.") == "Read any file's chain in the <1>."
    assert key("\ue002Download\ue002") == "Download"
    assert key("\ue000 s") == "{} s"


@pytest.mark.browser
@pytest.mark.slow
def test_a_visitor_reads_and_chooses(visit: Visitor) -> None:
    """As the browser asks first, then as chosen on the page."""
    page = visit(390, 844, locale="de-DE").page
    assert page.locator("html").get_attribute("lang") == "de"
    page.get_by_role("tab", name="Vergleichen", exact=True).wait_for()
    page.locator("h1:visible", has_text="Sehen Sie, was KI mit einem Gesicht macht").wait_for()
    page.evaluate("location.hash = 'learn/drawings'")
    page.locator("[data-lesson=drawings] h1", has_text="Von der Zeichnung zum Gesicht").wait_for()
    slider = page.locator(".turner input").first
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "32° nach rechts"
    told = page.locator("[data-lesson=drawings] p", has_text="Von Hand ziehen").inner_text()
    assert told == "Von Hand ziehen können Sie die Punkte der Zeichnung im Spielplatz von Face2Face."
    choice = page.locator("select[data-languages]")
    assert choice.input_value() == "de"
    with page.expect_navigation():
        choice.select_option("zh-CN")
    page.locator("[data-lesson=drawings] h1", has_text="从线稿到脸").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
