"""Commands that only look: methods, personas, verify."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.cli.shell import AsJson, print_json, print_table, size_text
from facezoo.errors import Unreadable
from facezoo.types import MethodSpec

__all__ = ["methods", "personas", "verify"]

_MEANINGS = {
    "trusted": "signed by this machine's facezoo, or by a signer it trusts, and unchanged since",
    "unknown-signer": "signed and unchanged since, by a signer that is not known here",
    "tampered": "changed after it was signed",
    "none": "no signed record",
}
_MARKS = {
    "own": "found, made with the key of this machine's facezoo",
    "public": "found, facezoo's public mark, which anyone can apply",
    None: "not found",
}


def methods(as_json: AsJson = False) -> None:
    """List the methods, oldest first."""
    from facezoo import registry

    specs = registry.list_methods()
    if as_json:
        print_json([_method_record(spec) for spec in specs])
        return
    rows = [
        (
            spec.id,
            spec.title,
            spec.year,
            spec.family,
            ", ".join(spec.tasks),
            _weights_text(spec),
            f"{spec.weights.parameters:,}",
            size_text(spec.weights.bytes),
            spec.licence,
        )
        for spec in specs
    ]
    print_table(("id", "title", "year", "family", "tasks", "weights", "parameters", "size", "licence"), rows)


def personas(as_json: AsJson = False) -> None:
    """List the synthetic people. None of them ever existed."""
    from facezoo.zoo import embedded

    people = embedded.personas()
    if as_json:
        print_json([{**person.facts, **asdict(person), "portrait": str(person.portrait)} for person in people])
        return
    print_table(("id", "name", "portrait"), [(person.id, person.name, person.portrait) for person in people])
    print("None of these people ever existed.")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture or a video.")], as_json: AsJson = False
) -> None:
    """Read back where a file came from: its signed record and its watermark."""
    if not file.is_file():
        raise Unreadable(f"There is no file {file}.", "Check the name and the folder.")
    from facezoo.safety.seal import verify as read_provenance

    provenance = read_provenance(file)
    if as_json:
        print_json(asdict(provenance))
        return
    print(f"record:    {provenance.c2pa} ({_MEANINGS[provenance.c2pa]})")
    print(f"watermark: {_MARKS[provenance.mark]}")
    for name, value in (
        ("method", provenance.method),
        ("weights", provenance.weights),
        ("created", provenance.created),
    ):
        if value:
            print(f"{name + ':':<10} {value}")


def _method_record(spec: MethodSpec) -> dict[str, Any]:
    from facezoo import registry

    return {
        "id": spec.id,
        "title": spec.title,
        "year": spec.year,
        "family": spec.family,
        "tasks": list(spec.tasks),
        "summary": spec.summary,
        "paper": spec.paper,
        "weights": {"repo": spec.weights.repo, "revision": spec.weights.revision, "sha256": spec.weights.sha256},
        "parameters": spec.weights.parameters,
        "bytes": spec.weights.bytes,
        "licence": spec.licence,
        "limits": spec.limits,
        "trained_on": spec.trained_on,
        "inputs": asdict(spec.inputs),
        "params": [asdict(each) | {"allowed": each.allowed} for each in registry.describe_params(spec)],
    }


def _weights_text(spec: MethodSpec) -> str:
    if not spec.weights.sha256:
        return "none needed"
    return f"{spec.weights.repo}@{spec.weights.revision[:8]}" if spec.weights.repo else "embedded"
