"""A method's model card as a page: the same text as `facezoo zoo card`, as HTML whose code can be copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from facezoo.registry import describe_params
from facezoo.types import MethodSpec
from facezoo.ui.common.markup import text
from facezoo.ui.zoo.entry import FAMILIES, TASKS, Entry
from facezoo.zoo import cards

__all__ = ["BACK", "body", "head", "markdown"]

BACK = '<a class="back" href="#zoo"><span aria-hidden="true">←</span> All methods</a>'
"""The way back to the list."""
_LANGUAGES = {"bash": "Command line", "python": "Python"}


def head(entry: Entry) -> str:
    """Title, summary, and the ways on."""
    spec = entry.spec
    kind = [FAMILIES.get(spec.family, spec.family), *(TASKS.get(task, task) for task in spec.tasks)]
    door = "animate" if "swap" not in spec.tasks and "animate" in spec.tasks else spec.id
    return (
        f'<header class="zoo-top" data-method="{text(spec.id)}"><p>{BACK}</p>'
        f'<h2 tabindex="-1">{text(spec.title)} <span class="year">{spec.year}</span></h2>'
        f'<p class="hint">{text(" · ".join(kind))}</p><p class="lede">{text(spec.summary)}</p><div class="actions">'
        f'<button type="button" class="button" data-tries="{text(door)}">Try it</button>'
        f'<a class="button" href="{text(spec.paper)}" target="_blank" rel="noopener noreferrer">Read the paper</a>'
        "</div></header>"
    )


def body(entry: Entry, pictures: Mapping[str, str]) -> str:
    """The card below its title and summary. pictures: preview of the record -> address, of those that are here.

    Raises UsageError for a licence no card can name."""
    return f'<article class="card-text">{markdown(_below_summary(card_text(entry), entry.spec), pictures)}</article>'


def card_text(entry: Entry) -> str:
    """The model card, Markdown with front matter."""
    settings = [(each.name, each.allowed, str(each.default)) for each in describe_params(entry.spec)]
    return cards.render(entry.spec, settings, entry.record)


def markdown(words: str, pictures: Mapping[str, str]) -> str:
    """Markdown as HTML. HTML in it stays text, script addresses stay text, pictures that are not here are left out."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    tokens = parser.parse(words)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"  # the page's own title is an h2
        for inner in token.children or ():
            if inner.type == "link_open" and str(inner.attrGet("href")).startswith("http"):
                inner.attrSet("target", "_blank")
                inner.attrSet("rel", "noopener noreferrer")
    return str(parser.renderer.render(tokens, parser.options, {"pictures": pictures}))


def _below_summary(card: str, spec: MethodSpec) -> str:
    """Without front matter, title and summary, which the page shows by itself."""
    _, found, below = card.partition(f"\n{spec.summary}\n")
    return below if found else card


def _fence(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, _environment: Any) -> str:
    language = _LANGUAGES.get(tokens[at].info.strip(), tokens[at].info.strip() or "Text")
    return (
        f'<div class="code"><div class="bar"><span>{text(language)}</span><button type="button" data-act="copy">'
        f'<span aria-live="polite">Copy</span><span class="visually-hidden"> these lines</span></button></div>'
        f'<pre tabindex="0" aria-label="{text(language)}"><code>{text(tokens[at].content)}</code></pre></div>\n'
    )


def _image(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, environment: Any) -> str:
    address = environment["pictures"].get(tokens[at].attrGet("src"))
    caption = text(tokens[at].content)
    return f'<img src="{text(address)}" alt="{caption}" loading="lazy">' if address else ""


def _table_open(_renderer: Any, _tokens: Sequence[Token], _at: int, _options: Any, _environment: Any) -> str:
    return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'


def _table_close(_renderer: Any, _tokens: Sequence[Token], _at: int, _options: Any, _environment: Any) -> str:
    return "</table></div>\n"
