"""A method's model card as a page: the same text as `facezoo zoo card`, as HTML whose code can be copied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from facezoo.registry import describe_params
from facezoo.types import MethodSpec
from facezoo.ui.common.html import template
from facezoo.ui.common.results import example_facts, shipped_example
from facezoo.ui.zoo.entry import Entry
from facezoo.zoo import cards
from facezoo.zoo.embedded import examples, personas

__all__ = ["body", "head", "markdown"]

_FOLDED = re.compile(r"<details>\n<summary>(\d+ \w+)</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
_LANGUAGES = {"bash": "Command line", "python": "Python"}
_HTML = template("zoo/card.html")


def head(entry: Entry) -> str:
    """Title, summary, a result of it where one ships, and the ways on."""
    spec = entry.spec
    door = "animate" if "swap" not in spec.tasks and "animate" in spec.tasks else spec.id
    made, facts = shipped_example(spec), example_facts(spec)
    before = next((each for each in examples() if each.id == facts.get("input")), None)
    person = next((each for each in personas() if each.id == facts.get("persona")), None)
    return _HTML.head(entry, door, before if made.is_file() else None, made, person)


def body(entry: Entry, pictures: Mapping[str, str]) -> str:
    """The card below its title and summary. pictures: preview of the record -> address, of those that are here.

    Raises UsageError for a licence no card can name."""
    return _HTML.body(markdown(_below_summary(card_text(entry), entry.spec), pictures))


def card_text(entry: Entry) -> str:
    """The model card, Markdown with front matter."""
    settings = [(each.name, each.allowed, str(each.default)) for each in describe_params(entry.spec)]
    return cards.render(entry.spec, settings, entry.record)


def markdown(words: str, pictures: Mapping[str, str]) -> str:
    """Markdown as HTML. HTML in it stays text, script addresses stay text, pictures that are not here are left out.
    A long table is folded, as cards ask for."""
    parts = _FOLDED.split(words)
    shown = [_rendered(parts[0], pictures)]
    for title, table, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        shown += [_HTML.folded(title, _rendered(table, pictures)), _rendered(after, pictures)]
    return "".join(shown)


def _rendered(words: str, pictures: Mapping[str, str]) -> str:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    tokens = parser.parse(words)
    _label(tokens)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{max(2, int(token.tag[1]))}"  # the page has a title of its own
        for inner in token.children or ():
            if inner.type == "link_open" and str(inner.attrGet("href")).startswith("http"):
                inner.attrSet("target", "_blank")
                inner.attrSet("rel", "noopener noreferrer")
    return str(parser.renderer.render(tokens, parser.options, {"pictures": pictures}))


def _label(tokens: Sequence[Token]) -> None:
    """Each cell of a table learns the heading of its column, for narrow screens where it stands before it."""
    headings: list[str] = []
    column = 0
    for token, inside in pairwise(tokens):
        if token.type == "table_open":
            headings = []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            headings.append(inside.content)
        elif token.type == "td_open":
            token.attrSet("data-label", headings[column])
            if inside.content == "–":
                token.attrSet("class", "unknown")
            column += 1


def _below_summary(card: str, spec: MethodSpec) -> str:
    """Without front matter, title and summary, which the page shows by itself."""
    _, found, below = card.partition(f"\n{spec.summary}\n")
    return below if found else card


def _fence(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, _environment: Any) -> str:
    language = tokens[at].info.strip()
    return _HTML.code(_LANGUAGES.get(language, language or "Text"), tokens[at].content)


def _image(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, environment: Any) -> str:
    address = environment["pictures"].get(tokens[at].attrGet("src"))
    return _HTML.image(address, tokens[at].content) if address else ""


def _table_open(_renderer: Any, _tokens: Sequence[Token], _at: int, _options: Any, _environment: Any) -> str:
    return _HTML.table_open()


def _table_close(_renderer: Any, _tokens: Sequence[Token], _at: int, _options: Any, _environment: Any) -> str:
    return _HTML.table_close()
