"""`facezoo zoo`: the weights of the methods, from the Hub and to it, their cards, and archives for use offline."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from facezoo.cli.shell import AsJson, print_json, print_table, size_text, warn
from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.types import MethodSpec

__all__ = ["bundle", "card", "check", "convert", "list_weights", "pin", "pull", "push"]

Method = Annotated[str, typer.Argument(metavar="METHOD")]


def list_weights(as_json: AsJson = False) -> None:
    """List the weights of all methods, and whether they are on this machine.

    Weights without a licence or without their data's consent on record are not listed."""
    from facezoo import registry

    rows: list[dict[str, Any]] = []
    for spec in registry.list_methods():
        try:
            rows.append(_row(spec))
        except WeightsUnavailable as problem:
            warn(f"{spec.id} is left out. {problem.message}")
    if as_json:
        print_json(rows)
        return
    table = [
        (
            row["method"],
            row["year"],
            f"{row['parameters']:,}",
            size_text(row["bytes"]),
            row["licence"],
            "yes" if row["commercial"] else "no",
            "none needed" if row["source"] == "none needed" else row["repo"] or "embedded",
            row["revision"][:8] or "-",
            row["source"] or "no",
        )
        for row in rows
    ]
    print_table(("method", "year", "parameters", "size", "licence", "commercial", "weights", "revision", "here"), table)


def pull(
    method: Method,
    revision: Annotated[
        str, typer.Option(metavar="COMMIT", help="Another commit than the pinned one, 40 hex digits.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch the weights of a method from the Hub unless they are here, check them, and say where they are."""
    from facezoo import registry
    from facezoo.zoo.manifest import describe
    from facezoo.zoo.pull import fetch, fetch_repository, locate

    spec = registry.load_spec(method)
    pinned = spec.weights
    if not pinned.sha256:
        raise UsageError(f"{method} needs no weights.", "It runs as it is.")
    if revision and not pinned.repo:
        raise UsageError(f"The weights of {method} are in no repository.", "They ship with facezoo.")
    if revision and revision != pinned.revision:
        folder = fetch_repository(pinned.repo, revision, method)
        source, weights = "Hub", describe(folder, pinned.repo, revision)
        warn(f"not the commit that facezoo was tested with. To use it: FACEZOO_WEIGHTS={folder}")
    else:
        located = fetch(method, pinned) if pinned.repo else locate(method, pinned)
        folder, source, weights = located.folder, located.source, located.weights
    if as_json:
        print_json({"method": method, "folder": folder, "source": source, "weights": asdict(weights)})
    else:
        print(f"{method}: {size_text(weights.bytes)} in {folder}, every file checked")


def push(
    what: Annotated[str, typer.Argument(metavar="METHOD", help="A method; with --kind dataset or space, a folder.")],
    owner: Annotated[
        str, typer.Option("--namespace", metavar="NS", help="Whose repository; without it, whoever is logged in.")
    ] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the repository.")] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Weights from training, with metrics.json; not those in use.")
    ] = None,
    kind: Annotated[Literal["model", "dataset", "space"], typer.Option(help="What goes.")] = "model",
    private: Annotated[bool, typer.Option("--private", help="Make a new repository a private one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload weights with their record and card, or a data set or a Space, to the Hub. The same again sends nothing."""
    from facezoo.zoo.push import collect, namespace, push_weights
    from facezoo.zoo.push import push as send

    owner = owner or ("you" if dry_run else namespace())
    pinned: Any = None
    if kind == "model":
        from facezoo.zoo.manifest import describe
        from facezoo.zoo.record import read_record

        spec, source = _weights_to_push(what, folder)
        repo = f"{owner}/{name or spec.weights.repo.rpartition('/')[2] or 'facezoo-' + what.replace('_', '-')}"
        spec = replace(spec, weights=describe(source, repo))
        record = read_record(source, what)
        pushed = push_weights(source, repo, record=record, card=_card(spec, record), private=private, dry_run=dry_run)
        pinned = replace(spec.weights, revision=pushed.commit)
    else:
        files = collect(Path(what), kind)
        pushed = send(
            files, f"{owner}/{name or Path(what).resolve().name}", kind=kind, private=private, dry_run=dry_run
        )
    if as_json:
        print_json(asdict(pushed) | {"changed": pushed.changed, "weights": asdict(pinned) if pinned else None})
        return
    print_table(
        ("file", "size", "on the Hub"), [(each.path, size_text(each.bytes), each.what) for each in pushed.changes]
    )
    if dry_run:
        print(f"Would go to {pushed.url}; nothing was sent.")
        return
    print(f"{pushed.url} at {pushed.commit}{'' if pushed.changed else ', as it was'}")
    if pinned:
        print(f"In its SPEC: weights={pinned}")


def pin(
    method: Method,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Weights as they were pushed, with metrics.json.")],
    embed: Annotated[bool, typer.Option("--embed", help="Ship the weights with facezoo as well.")] = False,
) -> None:
    """Write what facezoo must know of a method's weights into its own folder: manifest and record. For developers."""
    from facezoo.train.record import ship_folder
    from facezoo.zoo.record import read_record

    weights = ship_folder(folder, read_record(folder, method), embed=embed)
    print(f"In its SPEC, with the commit that push gave: weights={weights}")


def check(as_json: AsJson = False) -> None:
    """Check every file that ships with facezoo, and all weights on this machine, against their checksums."""
    found = [*_check_embedded(), *_check_weights()]
    if as_json:
        print_json([{"name": name, "state": state} for name, state in found])
    else:
        print_table(("what", "state"), found)
    broken = [name for name, state in found if state in ("changed", "no record")]
    if broken:
        raise WeightsUnavailable(
            f"Changed or missing: {', '.join(broken)}.",
            "Install facezoo again; what is wrong in the Hub cache is fetched anew by `facezoo zoo pull METHOD`.",
        )


def card(method: Method) -> None:
    """Print the model card of a method, made from what its folder says about it and the record of its weights."""
    from facezoo import registry
    from facezoo.zoo.pull import record_folder
    from facezoo.zoo.record import read_record

    spec = registry.load_spec(method)
    record = read_record(record_folder(method), method) if spec.weights.sha256 else None
    print(_card(spec, record), end="")


def bundle(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The archive to write, OUT.zip.")],
    wheels: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Put the wheels of this folder in: pip download -d FOLDER.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one archive with all weights, their cards and instructions, for a class room without a network."""
    from facezoo import registry
    from facezoo.zoo.bundle import write_bundle
    from facezoo.zoo.pull import locate
    from facezoo.zoo.record import read_record

    if wheels is not None and not list(wheels.glob("*.whl")):
        raise UsageError(f"There are no wheels in {wheels}.", f"First: pip download 'facezoo[hub]' -d {wheels}")
    folders: dict[str, Path] = {}
    cards: dict[str, str] = {}
    for spec in registry.list_methods():
        record = None
        if spec.weights.sha256:
            folders[spec.id] = locate(spec.id, spec.weights).folder
            record = read_record(folders[spec.id], spec.id)
        cards[spec.id] = _card(spec, record)
    listed = write_bundle(out, folders, cards, sorted(wheels.glob("*.whl")) if wheels else ())
    if as_json:
        print_json({"archive": out, "files": [{"path": path, "bytes": size} for path, size in listed]})
        return
    print_table(("file", "size"), [(path, size_text(size)) for path, size in listed])
    print(f"{out}: {size_text(out.stat().st_size)}. README.txt in it says how to use it.")


def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The authors' checkpoint: .pth or .safetensors.")],
    destination: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="A folder that is new or empty.")],
    architecture: Annotated[str, typer.Option(metavar="A", help="cyclegan.resnet, pix2pix.unet, pix2pixhd.global ...")],
    config: Annotated[
        Path | None,
        typer.Option(metavar="C.json", help="The original constructor's arguments, where shapes do not say."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read an original checkpoint and write it as config.json and safetensors."""
    from facezoo.zoo.convert import convert as run

    done = run(architecture, source, destination, config)
    if as_json:
        print_json(asdict(done))
    else:
        print(f"{done.folder}  ({done.architecture}, {done.parameters:,} parameters)")


def _row(spec: MethodSpec) -> dict[str, Any]:
    from facezoo.zoo.pull import look, record_folder
    from facezoo.zoo.record import allows_commercial_use, read_record

    record = read_record(record_folder(spec.id), spec.id) if spec.weights.sha256 else None
    source = look(spec.id, spec.weights) if record else "none needed"
    licences = {spec.licence, record.licence if record else spec.licence}
    return {
        "method": spec.id,
        "title": spec.title,
        "year": spec.year,
        "licence": record.licence if record else spec.licence,
        "commercial": all(allows_commercial_use(licence) for licence in licences),
        "repo": spec.weights.repo,
        "revision": spec.weights.revision,
        "parameters": spec.weights.parameters,
        "bytes": spec.weights.bytes,
        "scores": {f"{each.metric}, {each.dataset}": asdict(each.result) for each in (record.scores if record else ())},
        "here": bool(source),
        "source": source,
    }


def _weights_to_push(method: str, folder: Path | None) -> tuple[MethodSpec, Path]:
    from facezoo import registry
    from facezoo.zoo.pull import fetch_previews, locate
    from facezoo.zoo.record import read_record

    spec = registry.load_spec(method)
    if folder is not None:
        return spec, folder
    if not spec.weights.sha256:
        raise UsageError(f"{method} has no weights to push.", "Give those from training with --folder.")
    located = locate(method, spec.weights)
    fetch_previews(located, read_record(located.folder, method).previews)
    return spec, located.folder


def _card(spec: MethodSpec, record: Any) -> str:
    from facezoo import registry
    from facezoo.zoo import cards

    settings = [(each.name, each.allowed, str(each.default)) for each in registry.describe_params(spec)]
    return cards.render(spec, settings, record)


def _check_embedded() -> list[tuple[str, str]]:
    from facezoo.face.networks import checksums
    from facezoo.zoo import embedded

    found = [(name, "intact" if intact else "changed") for name, intact in checksums().items()]
    for name, read in (("personas", embedded.personas), ("examples", embedded.examples)):
        try:
            found.append((name, "intact" if read() else "none"))
        except WeightsUnavailable:
            found.append((name, "changed"))
    return found


def _check_weights() -> list[tuple[str, str]]:
    from facezoo import registry
    from facezoo.zoo.pull import states

    found: list[tuple[str, str]] = []
    for spec in registry.list_methods():
        if not spec.weights.sha256:
            continue
        try:
            found += [(f"{spec.id}, {where}", state) for where, state in states(spec.id, spec.weights)]
        except WeightsUnavailable as problem:
            warn(problem.message)
            found.append((spec.id, "no record"))
    return found
