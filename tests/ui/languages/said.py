"""Every sentence that the hub may show, read from templates, scripts, code and what methods say of themselves.

A value in a sentence is {}, an element in it <1>, <2> ...: as `languages.js` sees them.
"""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes

import facezoo
from facezoo import errors
from facezoo.motion.template import shipped_templates
from facezoo.registry import describe_params, list_methods
from facezoo.types import field_notes
from facezoo.ui.common.params import called, titled
from facezoo.zoo.embedded import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["said"]

ROOT = Path(facezoo.__file__).parent
UI = ROOT / "ui"
VALUE, BREAK, PART = "\ue000", "\ue001", "\ue002"
_ATTRIBUTES = ("alt", "aria-label", "title", "placeholder", "aria-valuetext", "data-label")
_SPEAK = (
    "face", "media", "method", "methods", "motion", "runner", "safety/admission.py", "speech", "zoo/download.py",
    "zoo/plain.py", "ui",
)  # fmt: skip
"""Code whose words reach the page. The rest speaks to programs and on the command line, and so do these of it."""
_SILENT_CODE = (
    "face/embedding.py", "face/networks.py", "media/_encode.py", "media/write.py", "method/drawn_people.py",
    "method/pipeline.py", "methods/deepfakes/model.py", "methods/face2face/model.py", "methods/pix2pixhd/painter.py",
    "methods/talking_head/model.py", "runner/batch.py", "runner/replicas.py", "runner/sheet.py", "ui/__main__.py",
    "ui/delivery.py", "ui/endpoints.py", "ui/examples.py", "ui/finished.py", "ui/guard.py", "ui/languages",
    "ui/learn/make/__main__.py", "ui/learn/make/row.py", "ui/public", "ui/theme.py", "ui/train/pack.py",
)  # fmt: skip
_PARTS = (
    "again", "badge", "bar", "caller", "door", "dot", "download", "enlarge", "face", "film", "icon", "judged", "loupe",
    "notes", "panel", "small_picture", "term", "thumbnail", "tile", "well", "why",
)  # fmt: skip
"""Macros and calls that give elements, not words."""
_WORDS = re.compile(r"[^\W\d_]{2,}")
_FEW = (
    "and", "yes", "no", "whole", "gone", "found", "left", "right", "kept", "All {}", "Kept {}", "Dropped {}",
    "The head", "Face {}", "{}, about {} left", 'If it is true that "{}", tick the box beside it.', "{} of {}",
    "{} to {}", "{} tried, {}", "{} %", "Right. {}", "Not so. {}", "encoder", "decoder", "discriminator",
    "discriminators", "embedder", "{} pictures", "{}. This person never existed.", "{} million",
    ": commercial use allowed",
    ": see the licence before commercial use", "number input for {}", "range slider for {}", "File upload", "More tabs",
    "Taken for {} in {} of 100 pictures", "a painting", "a photo", "Another", "photo",
)  # fmt: skip
"""Words too short to be told from names in code, and those that are put together."""
_NEVER = frozenset((
    "Blocks-*.css",
    "Escape",
    "FACEZOO_DISK={} is not understood.",
    "FACEZOO_PROXIES={} is not understood.",
    "If it is true that \"{}\", tick the box beside it{}.",
    "Imani",
    "Joss",
    "Orla",
    "Python",
    "Tarek",
    "U-Net",
    "Unset it once, {}",
    "WebP",
    "Write how many gigabytes, such as 200.",
    "Write how many proxies there are, or their networks: 172.16.0.0/12, 10.1.2.3",
    "a message is longer than the protocol allows",
    "a message without a header",
    "end of file",
    "facezoo",
    "insert or ignore into votes values ({})",
    "noopener noreferrer",
    "select * from votes order by rowid",
    "select, input",
    "style=\"--at: {}%\"",
    "style=\"--w: {}%; --x: {}%; --y: {}%; --at: {}%\"",
    "tbody tr",
    "the stream ended",
    "{}px {}px",
))  # fmt: skip
"""Names, and strings of code that only look like sentences."""
_VOID = {"img", "input", "br", "path", "circle", "line", "rect", "track", "polyline", "meta", "link"}
_SILENT = {"script", "style", "code", "pre"}


def said() -> dict[str, str]:
    """Sentence -> where it was found first."""
    found: dict[str, str] = {}
    for path in sorted(UI.rglob("*.html")):
        for words in _of_template(path.read_text(encoding="utf-8")):
            found.setdefault(words, path.name)
    for path in sorted(UI.rglob("*.js")):
        for words in _of_script(path.read_text(encoding="utf-8")):
            found.setdefault(words, path.name)
    for path in sorted(ROOT.rglob("*.py")):
        for words in _of_code(path):
            found.setdefault(words, str(path.relative_to(ROOT)))
    for words, where in (*_of_methods(), *((each, "here") for each in _FEW)):
        found.setdefault(words, where)
    counted = {
        key(words) for spec in list_methods() for words in (spec.limits, spec.trained_on) if _numbered(words) != words
    }
    return {words: where for words, where in found.items() if words not in _NEVER | counted}


class _Segments(HTMLParser):
    """Runs of text and inline elements, and attributes that are read or shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._runs: list[list[str]] = [[""]]
        self._silent: list[bool] = [False]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.found += [each for name in _ATTRIBUTES if name in told for each in (told[name] or "").split(BREAK)]
        self._runs[-1].append(PART)
        if tag not in _VOID:
            self._runs.append([])
            self._silent.append(self._silent[-1] or tag in _SILENT or told.get("translate") == "no")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and len(self._runs) > 1:
            self._close(self._runs.pop(), silent=self._silent.pop())

    def handle_data(self, data: str) -> None:
        self._runs[-1].append(data)

    def close(self) -> None:
        super().close()
        for run in self._runs:
            self._close(run, silent=False)

    def _close(self, run: list[str], *, silent: bool) -> None:
        if not silent:
            self.found += "".join(run).split(BREAK)


def key(text: str) -> str:
    """A run as a key of the dictionaries: elements and space around it do not count."""
    text = re.sub(r"\s+", " ", text)
    text = text.strip(f" {PART}")
    number = iter(range(1, 99))
    return re.sub(PART, lambda _: f"<{next(number)}>", text).replace(VALUE, "{}")


def _speaks(words: str) -> bool:
    return bool(_WORDS.search(re.sub(r"<\d>", "", words)))


def _of_html(html: str) -> Iterator[str]:
    parser = _Segments()
    parser.feed(html)
    parser.close()
    for each in parser.found:
        if _speaks(words := key(each)):
            yield words


def _of_template(source: str) -> Iterator[str]:
    part = re.compile(rf"\{{\{{-?\s*({'|'.join(_PARTS)})\(")
    html = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    html = re.sub(r"\{\{.*?\}\}", lambda found: PART if part.match(found[0]) else VALUE, html, flags=re.S)
    yield from _of_html(re.sub(r"\{%.*?%\}", BREAK, html, flags=re.S))
    parsed = jinja2.Environment().parse(source)
    whole = list(parsed.find_all(nodes.Concat))
    parts = {id(part) for each in whole for part in each.nodes}
    for each in (*whole, *(each for each in parsed.find_all(nodes.Const) if id(each) not in parts)):
        words = key(_constant(each))
        if _speaks(words) and _prose(words):
            yield words


def _constant(node: nodes.Expr) -> str:
    if isinstance(node, nodes.Concat):
        return "".join(_constant(each) for each in node.nodes)
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else VALUE


def _of_script(code: str) -> Iterator[str]:
    code = re.sub(r"^\s*//.*$|(?<=[;{}]) // .*$", "", code, flags=re.M)
    for found in re.finditer(r"'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`", code):
        text = (found[1] if found[1] is not None else found[2]).replace("\\'", "'")
        text = re.sub(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", VALUE, text)
        if "<" in text and ">" in text:
            yield from (words for words in _of_html(text) if _prose(words))
        elif _speaks(words := key(text)) and _prose(words):
            yield words


def _prose(words: str) -> bool:
    """Whether a string of code is meant for people, as far as one sees."""
    if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", words):  # the name of a class
        return False
    bare = re.sub(r"\{[\d.:,a-z]*\}|<\d>", "", words).strip()
    if not re.search(r"[A-Za-z]{2}", bare) or re.search(
        r"[=#\[\]_]|^\W*[.(/>]|[a-z]\(|\w\.\w|--|://|%[ds]|;$|\w:\w", bare
    ):
        return False
    return bool(re.match(r"[\W\d]*[A-Z]", words) and re.search(r"[a-z]", bare)) or (
        " " in bare and len(bare.split()) > 1
    )


def _of_code(path: Path) -> Iterator[str]:
    name = str(path.relative_to(ROOT))
    if not name.startswith(_SPEAK) or name.startswith(_SILENT_CODE):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skip = _unshown(tree)
    told = {id(node) for call in ast.walk(tree) if _tells(call) for node in ast.walk(call)}
    for node in ast.walk(tree):
        text = None if id(node) in skip else _text(node)
        if text is None or not _speaks(words := key(text)):
            continue
        sentence = _prose(words) and (UI in path.parents or len(words.split()) > 2 or id(node) in told)
        if sentence or (id(node) in told and " " in words):
            yield words


def _tells(node: ast.AST) -> bool:
    """Whether a call is an error's, a step's or a note's."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
        *errors.__all__,
        "Step",
    )


def _unshown(tree: ast.AST) -> set[int]:
    """Docstrings, names, what is logged, and the parts of sentences with values."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
        elif _of_programs(node):
            found |= {id(each) for each in ast.walk(node)}
        elif isinstance(node, ast.JoinedStr):
            found |= {id(each) for each in node.values if isinstance(each, ast.Constant)}
        elif isinstance(node, ast.FormattedValue) and node.format_spec:
            found |= {id(each) for each in ast.walk(node.format_spec)}
    return found


def _of_programs(node: ast.AST) -> bool:
    """Whether it is a call of the log or of regular expressions, or `__all__`."""
    if isinstance(node, ast.Assign):
        return getattr(node.targets[0], "id", "") == "__all__"
    return isinstance(node, ast.Call) and getattr(getattr(node.func, "value", None), "id", "") in ("_log", "re")


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{[\w.:,%]*\}", VALUE, node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else VALUE for each in node.values)  # type: ignore[misc]
    return None


def _numbered(words: str) -> str:
    """With its figures as values: they change with every training."""
    return re.sub(r"(?<![\w.])\d+(?:[.,]\d+)*(?!\w)", VALUE, words)


def _of_methods() -> Iterator[tuple[str, str]]:
    for spec in list_methods():
        told: list[Any] = [
            spec.summary,
            _numbered(spec.limits),
            _numbered(spec.trained_on),
            *field_notes(spec.params).values(),
        ]
        for each in describe_params(spec):
            told += [called(each.name), *(titled(choice) for choice in each.choices)]
        yield from ((key(str(words)), spec.id) for words in told if _speaks(key(str(words))))
    for each in examples():
        yield from (
            (words, each.id) for words in {each.title, f"{each.title}, {each.artist}" if each.artist else each.title}
        )
    yield from ((each.title, each.name) for each in shipped_templates())
