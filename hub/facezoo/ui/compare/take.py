"""A comparison to take along: all results in one sealed picture, and a ZIP with each, figures and what they are."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.ui.common.cards import Card
from facezoo.ui.common.gallery import finished
from facezoo.ui.common.html import component, template
from facezoo.ui.common.picture import sent_by_page
from facezoo.ui.jobs import explain
from facezoo.ui.workspace import file_url, made_once
from facezoo.zoo.embedded import examples, personas

if TYPE_CHECKING:
    from facezoo.evaluate.verdict import Verdict

__all__ = ["made_row", "pack", "shipped_row", "take_away"]

_HTML = template("compare/page.html")
_README = """facezoo: {title}

grid.png        all results in one picture
{files}
metrics.json    how each was made, what it kept of the picture, and how far it went towards the persona

Every picture here was made by AI and says so: a visible label, an invisible watermark, and a signature that breaks
when the picture or its record changes. `facezoo verify FILE`, or the hub's Verify tab, reads them back. Please keep
them, and say that AI made these pictures wherever you show them. The persona never existed.

metrics.json: pose_error in degrees, landmark_error in % of the distance between the eyes, expression_error without
unit (for these three doing nothing gets 0), sharpness of the face over that before (doing nothing gets 1), share of the
way from the person in the picture to the persona (doing nothing gets 0), seconds in all.
"""


def take_away(specs: Sequence[MethodSpec]) -> None:
    """The part of the page that makes what is taken along of a comparison that ships, when it is asked for."""

    def take(sent: Any) -> dict[str, str]:
        try:
            told = sent_by_page(sent)
            grid, archive = _shipped(str(told.get("picture")), str(told.get("persona")), specs)
        except Exception as error:
            failure = explain(error)
            return {"problem": f"{failure.message} {failure.advice}"}
        return {"grid": file_url(grid), "zip": file_url(archive)}

    component("compare/take.js", "", {}, "take-away", server=[take])


def shipped_row(picture: str, persona: str) -> str:
    """What is offered below a comparison that ships; its files are made when they are asked for."""
    return _HTML.take_shipped(picture, persona)


def made_row(grid: Path, archive: Path) -> str:
    """What is offered below a comparison that was made just now. The sheet is saved under the name of the ZIP."""
    named = archive.with_suffix(grid.suffix)
    named.hardlink_to(grid)
    return _HTML.take_made(named, archive)


def pack(path: Path, grid: Path, cards: Mapping[str, Card], title: str) -> None:
    """Writes the ZIP. cards: method id -> its card; those without a result are left out."""
    done = {id: card for id, card in cards.items() if card.sealed and card.state == "done"}
    names = {id: f"{id}{card.sealed.path.suffix}" for id, card in done.items() if card.sealed}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        packed.write(grid, "grid.png")
        for id, card in done.items():
            if card.sealed:
                packed.write(card.sealed.path, names[id])
        told = {"of": title, "results": {id: _figures(card, names[id]) for id, card in done.items()}}
        packed.writestr("metrics.json", json.dumps(told, indent=2) + "\n")
        files = "\n".join(f"{names[id]:<15} {card.spec.title}, {card.spec.year}" for id, card in done.items())
        packed.writestr("README.txt", _README.format(title=title, files=files))


def _shipped(picture: str, persona: str, specs: Sequence[MethodSpec]) -> tuple[Path, Path]:
    """The sealed sheet and the ZIP of a comparison that ships. Raises UsageError when there is none of these ids."""
    from facezoo import runner

    known = finished(picture, persona, specs)
    if not known:
        raise UsageError("These results do not ship any more.", "Load the page again.")
    example = next(each for each in examples() if each.id == picture)
    person = next(each for each in personas() if each.id == persona)
    cards = {
        spec.id: Card(spec, "done", known[spec.id].sealed, example.path, verdict=known[spec.id].verdict)
        for spec in specs
        if spec.id in known
    }
    files = {f"{card.spec.title}, {card.spec.year}": card.sealed.path for card in cards.values() if card.sealed}
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files.values())).hexdigest()[:16]
    name = f"facezoo-{picture}-{persona}"

    def gather(path: Path) -> None:
        sealed = runner.gather(example.path, files, path.with_suffix(".sheet.png"), persona=persona)
        sealed.path.replace(path)

    grid = made_once(f"{digest}/{name}.png", gather)
    title = f"{example.title} as {person.name}"
    return grid, made_once(f"{digest}/{name}.zip", lambda path: pack(path, grid, cards, title))


def _figures(card: Card, file: str) -> dict[str, Any]:
    verdict: Verdict | None = card.verdict
    record = card.sealed.record if card.sealed else {}
    weights = {"weights": card.spec.weights.sha256}
    facts = {"file": file, "method": card.spec.id, "year": card.spec.year, **weights, "seconds": card.seconds}
    return facts | {"persona": record.get("persona")} | (asdict(verdict) if verdict else {})
