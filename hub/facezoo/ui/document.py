"""The page's document as it is sent: gradio's, with our head, one stylesheet in place of thirty, and the first view
already drawn in it, so that a visitor sees it before any script has run."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import gradio as gr

from facezoo.ui.common.html import template
from facezoo.ui.languages.choice import address as words_address
from facezoo.ui.theme import DARK, LIGHT, style

__all__ = ["PREVIEW", "PREVIEW_PICTURE", "Document"]

PREVIEW = "pictures/preview.jpg"
"""Address of the picture that goes with a link to the page."""
PREVIEW_PICTURE = Path(__file__).parent / "compare" / "compare.jpg"
_TITLE = "facezoo: see what AI does to a face"
_ABOUT = (
    "One photo through every generation of face translation, side by side: warps, GANs, autoencoders, talking heads. "
    "It runs on your machine, and every result is labelled and signed as made by AI."
)
_HTML = template("common/frame.html")
_UI = Path(__file__).parent
_ASSETS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
_THEIRS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
_SHEET = re.compile(r'<link rel="stylesheet"(?: crossorigin)? href="\./assets/([\w-]+\.css)">')
_ROOT = re.compile(r'"root": ?"([^"]*)"')
_LANGUAGE = re.compile(r'(<html\s[^>]*?\blang=)"[^"]*"')
_APP = "<gradio-app"
_SCRIPTS = ("languages/languages", "common/hub", "common/results", "common/carry")


@dataclass(frozen=True)
class Document:
    """What is sent for a hub."""

    hub: gr.Blocks

    @cached_property
    def sheets(self) -> list[str]:
        """Names of gradio's stylesheets for the parts that this page has; [] when its frontend is built otherwise."""
        return _sheets({block.get_block_name() for block in self.hub.blocks.values()})

    @cached_property
    def look(self) -> str:
        """Gradio's stylesheets, its theme, then ours."""
        theirs = [(_ASSETS / name).read_text(encoding="utf-8") for name in self.sheets]
        return "\n".join([*theirs, str(self.hub.theme_css), style()])

    @cached_property
    def look_address(self) -> str:
        """Where `look` is served; changes with it."""
        return f"assets/look-{hashlib.sha256(self.look.encode()).hexdigest()[:12]}.css"

    def made_from(self, html: str, language: str = "en") -> str:
        """Gradio's document, changed. language: one of `languages.choice.LANGUAGES`."""
        root = _ROOT.search(html)
        address = f"{root[1] if root else ''}/"
        held = [f"./assets/{name}" for name in self.sheets] + [f"{address}theme.css?v={self.hub.theme_hash}"]
        told = {"title": _TITLE, "about": _ABOUT, "picture": urljoin(address, PREVIEW)}
        ours = "".join(map(_script, _SCRIPTS))
        head = _HTML.head(LIGHT, DARK, f"./{self.look_address}", held, told, words_address(language), ours)
        html = _LANGUAGE.sub(rf'\1"{language}"', html, count=1)
        html = _SHEET.sub(lambda found: "" if found[1] in self.sheets else found[0], _THEIRS.sub("", html))
        return html.replace("</head>", f"{head}</head>", 1).replace(_APP, f"{self._first_view}{_APP}", 1)

    @cached_property
    def _first_view(self) -> str:
        from markupsafe import Markup

        blocks: list[Any] = list(self.hub.blocks.values())
        html = [each for each in blocks if isinstance(each, gr.HTML)]
        parts = {name: each.value for each in html for name in each.elem_classes or ()}
        results = next((each.value for each in html if each.elem_id == "compare-results"), "")
        picture = next((each.props["markup"] for each in html if "picture-input" in (each.elem_classes or ())), "")
        main = next(each for each in blocks if each.elem_id == "main")
        tabs = [each.label for each in main.children]
        top, begin = Markup(parts.get("brand-block", "")), Markup(parts.get("hero-block", ""))
        begin = _HTML.beginning(begin, Markup(picture), Markup(results))
        return str(_HTML.first_view(top, tabs, begin, _script("common/first_view")))


def _script(name: str) -> str:
    return (_UI / f"{name}.js").read_text(encoding="utf-8")


def _sheets(parts: set[str]) -> list[str]:
    """Read from the lists that gradio's frontend loads its frame and its parts by:
    {button:{component:()=>...__vite__mapDeps([7,9])}}."""
    used = [name for script in _ASSETS.glob("index-*.js") for name in _files(script.read_text(encoding="utf-8"))]
    used += [path.name for path in _ASSETS.glob("Blocks-*.css")]
    for script in _ASSETS.glob("core-*.js"):
        code = script.read_text(encoding="utf-8")
        names = _files(code)
        for part in sorted(parts):
            found = re.search(rf"[{{,]{part}:{{(?:\w+:[^{{}}]*?)?component:[^{{}}]*?mapDeps\(\[([\d,]+)\]\)", code)
            used += [names[int(number)] for number in (found[1].split(",") if found else ())]
    return list(dict.fromkeys(name for name in used if name.endswith(".css")))


def _files(code: str) -> list[str]:
    """The files that a script of gradio's numbers."""
    found = re.search(r"m\.f=(\[.*?\])", code)
    names: list[str] = json.loads(found[1]) if found else []
    return [name.removeprefix("./") for name in names]
