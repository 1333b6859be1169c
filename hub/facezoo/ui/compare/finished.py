"""The finished results that ship with methods, which a page opens on."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from facezoo.types import MethodSpec
from facezoo.ui.common.cards import grid
from facezoo.ui.common.markup import film, icon, text
from facezoo.ui.common.picture import Chosen, first_example
from facezoo.ui.workspace import file_url
from facezoo.zoo.embedded import Example, examples

__all__ = ["animation_example", "animation_start", "shipped_example"]


def shipped_example(spec: MethodSpec) -> Path:
    """Where a method's finished, sealed example lies if it ships one."""
    name = "example.mp4" if "animate" in spec.tasks else "example.jpg"
    return Path(str(files("facezoo.methods"))) / spec.id / name


def animation_start(spec: MethodSpec) -> Chosen | None:
    """The picture that an animating method's example was made from; else the first painting, or any example."""
    facts = _facts(spec)
    first = next((each.id for each in examples() if each.kind == "painting"), "")
    return first_example(str(facts.get("input", first)))


def animation_example(spec: MethodSpec) -> str:
    """The film that an animating method ships, as a result; "" when it ships none."""
    moving, facts = shipped_example(spec), _facts(spec)
    before = next((each for each in examples() if each.id == facts.get("input")), None)
    if not moving.is_file() or before is None:
        return ""
    return grid([_card(spec, moving, before, str(facts["driving"]))])


def _facts(spec: MethodSpec) -> dict[str, Any]:
    record = shipped_example(spec).with_suffix(".json")
    return json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}


def _card(spec: MethodSpec, moving: Path, before: Example, motion: str) -> str:
    by = f", {before.artist}" if before.artist else ""
    address = text(file_url(moving))
    return (
        f'<article class="card" data-state="example"><header><h3>{text(before.title)}</h3>'
        '<span class="year">A finished example</span></header>'
        f'<div class="frame">{film(moving, poster=before.path, subject=before.title)}</div><div class="body">'
        f"<p>{text(before.title)}{text(by)}, moved by the motion “{text(motion.replace('_', ' '))}”. One still picture "
        "went in; nothing in it was painted anew.</p>"
        f'<a class="download" href="{address}" download="facezoo-example.mp4">{icon("download")}Download'
        '<span class="visually-hidden"> the example</span></a></div></article>'
    )
