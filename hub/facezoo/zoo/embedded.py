"""The pictures that ship with facezoo: synthetic people (personas) and consent-free examples.

Layout below this file, checked by sha256 whenever it is read:

    personas/<id>.jpg  personas/<id>.json  personas/LICENSE.txt
    examples/<any>.jpg  examples/examples.json

A persona's JSON is `{"id", "name", "sha256", "licence", "statement", ...}`; all further keys are facts shown beside the
portrait. `examples.json` is a list of `{"id", "title", "artist", "kind", "file", "sha256", "licence", ...}`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.types import Persona

__all__ = ["Example", "consent_free", "examples", "persona", "personas"]

_HERE = Path(__file__).parent
_REINSTALL = "Reinstall facezoo: `pip install --force-reinstall --no-deps facezoo`."


@dataclass(frozen=True)
class Example:
    """A picture to try a method on: a synthetic portrait, or a painting in the public domain.

    path: JPEG file. sha256: of its bytes. licence: as shown beside it."""

    id: str
    title: str
    artist: str
    kind: Literal["portrait", "painting"]
    path: Path
    sha256: str
    licence: str


def personas() -> list[Persona]:
    """The synthetic people that faces are swapped with, by id. None of them ever existed.

    Raises WeightsUnavailable when a portrait is missing or differs from the sha256 in its record."""
    return list(_read_personas(_HERE / "personas"))


def persona(id: str) -> Persona:
    """One persona. Raises UsageError naming near matches when there is none of this id, WeightsUnavailable as above."""
    known = {each.id: each for each in personas()}
    if id in known:
        return known[id]
    near = difflib.get_close_matches(id, known, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(
        f"There is no persona {id!r}.", f"{hint}Choose one of: {', '.join(known) or '(none is installed)'}."
    )


def examples() -> list[Example]:
    """Pictures anybody may try: synthetic portraits first, then paintings, in the order of `examples.json`.

    Raises WeightsUnavailable when a picture is missing or differs from its recorded sha256."""
    return list(_read_examples(_HERE / "examples"))


def consent_free() -> frozenset[str]:
    """sha256 (64 hex) of every picture above: synthetic people and old paintings need nobody's consent."""
    return frozenset([each.sha256 for each in personas()] + [each.sha256 for each in examples()])


@cache
def _read_personas(folder: Path) -> tuple[Persona, ...]:
    found: list[Persona] = []
    for record in sorted(folder.glob("*.json")):
        facts = cast("dict[str, Any]", _read_json(record))
        try:
            named = {name: facts.pop(name) for name in ("id", "name", "sha256", "licence", "statement")}
        except KeyError as missing:
            raise WeightsUnavailable(f"The persona record {record.name} lacks {missing}.", _REINSTALL) from missing
        found.append(Persona(portrait=folder / f"{named['id']}.jpg", facts=facts, **named))
        _check_sha256(found[-1].portrait, found[-1].sha256)
    return tuple(found)


@cache
def _read_examples(folder: Path) -> tuple[Example, ...]:
    index = folder / "examples.json"
    if not index.exists():
        return ()
    found: list[Example] = []
    for entry in cast("list[dict[str, Any]]", _read_json(index)):
        try:
            named = {name: entry[name] for name in ("id", "title", "artist", "kind", "sha256", "licence")}
            found.append(Example(path=folder / Path(entry["file"]).name, **named))
        except KeyError as missing:
            raise WeightsUnavailable(f"An entry of examples.json lacks {missing}.", _REINSTALL) from missing
        _check_sha256(found[-1].path, found[-1].sha256)
    return tuple(sorted(found, key=lambda each: each.kind != "portrait"))


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise WeightsUnavailable(f"The record {path.name} cannot be read.", _REINSTALL) from problem


def _check_sha256(path: Path, expected: str) -> None:
    wrong = "is missing" if not path.is_file() else "was changed (its sha256 differs)"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise WeightsUnavailable(f"The picture {path.name} that ships with facezoo {wrong}.", _REINSTALL)
