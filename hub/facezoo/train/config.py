"""A frozen dataclass as a command line: one option a field, its docstring the help, presets as starting values."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

__all__ = ["parse"]

Config = TypeVar("Config")
_TYPES = (int, float, str, Path)


def parse(config: type[Config], presets: Mapping[str, Mapping[str, Any]], arguments: Sequence[str]) -> Config:
    """An instance of a frozen dataclass from command line arguments, later ones winning over the preset's values.

    Fields are int, float, str or Path, or a tuple of one of these (several values after one option); a field without
    a default must be given unless the preset has it. presets: name -> values of some fields; the first is the default.
    Exits with a message, as argparse does, when something is wrong."""
    parser = argparse.ArgumentParser(description=inspect.getdoc(config))
    names = list(presets)
    parser.add_argument("--preset", choices=names, default=names[0], help="values to start from (default: %(default)s)")
    hints, explained = get_type_hints(config), _docstrings(config)
    fields = dataclasses.fields(config)  # pyright: ignore[reportArgumentType]
    for field in fields:
        kind, many = _kind(hints[field.name])
        parser.add_argument("--" + field.name.replace("_", "-"), dest=field.name, type=kind, default=None,
                            nargs="+" if many else None, help=explained.get(field.name))  # fmt: skip
    given = vars(parser.parse_args(arguments))
    values = dict(presets[given.pop("preset")])
    values |= {name: tuple(value) if isinstance(value, list) else value
               for name, value in given.items() if value is not None}  # fmt: skip
    for field in fields:
        if field.name not in values and field.default is dataclasses.MISSING:
            parser.error(f"--{field.name.replace('_', '-')} must be given")
    try:
        return config(**values)
    except ValueError as problem:
        parser.error(str(problem))


def _kind(hint: Any) -> tuple[type, bool]:
    """The type of one value, and whether there may be several."""
    if hint in _TYPES:
        return hint, False
    inner = getattr(hint, "__args__", ())
    if getattr(hint, "__origin__", None) is tuple and inner and inner[0] in _TYPES:
        return inner[0], True
    raise TypeError(f"{hint} cannot be an option: use int, float, str, Path, or a tuple of one of them")


def _docstrings(config: type) -> dict[str, str]:
    """Field name -> the string literal written below it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(config))).body[0]
    found: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, text in pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split()).replace("%", "%%")
    return found
