"""Commands that only look: methods, personas, verify, and the zoo's list, check and card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.cli.shell import print_json, print_table, size_text
from facezoo.errors import Unreadable, WeightsUnavailable
from facezoo.types import MethodSpec

__all__ = ["methods", "personas", "verify", "zoo_card", "zoo_check", "zoo_list"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_MEANINGS = {
    "trusted": "signed by this machine's facezoo, or by a signer it trusts, and unchanged since",
    "unknown-signer": "signed and unchanged since, by a signer that is not known here",
    "tampered": "changed after it was signed",
    "none": "no signed record",
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
    print(f"watermark: {'found' if provenance.watermark else 'not found'}")
    for name, value in (
        ("method", provenance.method),
        ("weights", provenance.weights),
        ("created", provenance.created),
    ):
        if value:
            print(f"{name + ':':<10} {value}")


def zoo_list(as_json: AsJson = False) -> None:
    """List the weights of all methods, and whether they are on this machine."""
    from facezoo import registry

    rows: list[dict[str, Any]] = [
        {
            "method": spec.id,
            "repo": spec.weights.repo,
            "revision": spec.weights.revision,
            "parameters": spec.weights.parameters,
            "bytes": spec.weights.bytes,
            "here": _is_here(spec),
        }
        for spec in registry.list_methods()
    ]
    if as_json:
        print_json(rows)
        return
    table = [
        (
            row["method"],
            row["repo"] or "none needed",
            row["revision"][:8] or "-",
            size_text(row["bytes"]),
            "yes" if row["here"] else "no",
        )
        for row in rows
    ]
    print_table(("method", "weights", "revision", "size", "here"), table)


def zoo_check(as_json: AsJson = False) -> None:
    """Check every file that ships with facezoo, and all weights on this machine, against their checksums."""
    states = [*_check_embedded(), *_check_weights()]
    if as_json:
        print_json([{"name": name, "state": state} for name, state in states])
    else:
        print_table(("what", "state"), states)
    broken = [name for name, state in states if state == "changed"]
    if broken:
        raise WeightsUnavailable(
            f"Changed or missing: {', '.join(broken)}.",
            "Install facezoo again, and delete the weights that are named here.",
        )


def zoo_card(method: Annotated[str, typer.Argument(metavar="METHOD")]) -> None:
    """Print the model card of a method, made from what its folder says about it."""
    from facezoo import registry
    from facezoo.zoo import cards

    spec = registry.load_spec(method)
    settings = [(each.name, each.allowed, str(each.default)) for each in registry.describe_params(spec)]
    print(cards.render(spec, settings), end="")


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
    return f"{spec.weights.repo}@{spec.weights.revision[:8]}" if spec.weights.repo else "none needed"


def _is_here(spec: MethodSpec) -> bool:
    """Whether a method can run without the network."""
    return not spec.weights.repo or _cached(spec) is not None


def _cached(spec: MethodSpec) -> Path | None:
    """The folder of a method's weights in the Hub cache. Asks no server."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(spec.weights.repo, revision=spec.weights.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _check_embedded() -> list[tuple[str, str]]:
    from facezoo.face._litert import checksums
    from facezoo.zoo import embedded

    states = [(name, "intact" if intact else "changed") for name, intact in checksums().items()]
    for name, read in (("personas", embedded.personas), ("examples", embedded.examples)):
        try:
            states.append((name, "intact" if read() else "none"))
        except WeightsUnavailable:
            states.append((name, "changed"))
    return states


def _check_weights() -> list[tuple[str, str]]:
    from facezoo import registry
    from facezoo.method import fingerprint

    states: list[tuple[str, str]] = []
    for spec in registry.list_methods():
        if not spec.weights.repo:
            continue
        folder = _cached(spec)
        state = "not here" if folder is None else "intact" if fingerprint(folder) == spec.weights.sha256 else "changed"
        states.append((spec.id, state))
    return states
