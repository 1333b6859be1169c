"""`facezoo zoo`: the weights of the methods, from the Hub and to it, their cards, and archives for use offline."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from facezoo.cli.shell import AsJson, print_json, print_table, size_text, warn
from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.types import MethodSpec, Weights
from facezoo.zoo.manifest import method_of

if TYPE_CHECKING:
    from facezoo.zoo.push import Pushed

__all__ = ["bundle", "card", "check", "convert", "list_weights", "pin", "pull", "push", "spaces"]

WeightsFolder = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Weights from training, with metrics.json; not those in use.")
]
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
    what: Annotated[str, typer.Argument(metavar="METHOD|OWNER/NAME@REVISION", help="A method, or anybody's weights.")],
    revision: Annotated[
        str, typer.Option(metavar="COMMIT", help="Another commit than the pinned one, 40 hex digits.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch weights from the Hub unless they are here, check them, and say where they are. The licence of anybody's
    weights, and whose faces they learned from, are shown before they are fetched."""
    from facezoo import registry
    from facezoo.zoo.pull import fetch, fetch_weights, locate

    if "@" in what:
        located = fetch_weights(what, told=lambda name, record: warn(record.words(name)))
    else:
        pinned = registry.load_spec(what).weights
        if not pinned.sha256:
            raise UsageError(f"{what} needs no weights.", "It runs as it is.")
        if revision and not pinned.repo:
            raise UsageError(f"The weights of {what} are in no repository.", "They ship with facezoo.")
        if revision and revision != pinned.revision:
            located = fetch_weights(f"{pinned.repo}@{revision}", what)
            warn(f"not the commit that facezoo was tested with. To use it: --weights {pinned.repo}@{revision}")
        else:
            located = fetch(what, pinned) if pinned.repo else locate(what, pinned)
    folder, weights, method = located.folder, located.weights, method_of(located.folder)
    if as_json:
        print_json({"method": method, "folder": folder, "source": located.source, "weights": asdict(weights)})
    else:
        print(f"{method}: {size_text(weights.bytes)} in {folder}, every file checked")
        if "@" in what:
            print(f"To use them: facezoo run {method} me.jpg --weights {weights.repo}@{weights.revision} -o result.png")


def push(
    what: Annotated[str, typer.Argument(metavar="METHOD|FOLDER", help="A method, or a folder of weights; see --kind.")],
    owner: Annotated[
        str, typer.Option("--namespace", metavar="NS", help="Whose repository; without it, whoever is logged in.")
    ] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the repository.")] = "",
    folder: WeightsFolder = None,
    kind: Annotated[Literal["model", "dataset", "space"], typer.Option(help="What goes.")] = "model",
    space: Annotated[bool, typer.Option("--space", help="The Space of METHOD; of all methods: hub --space.")] = False,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository a private one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload weights with their record and card, or a data set or a Space, to the Hub. The same again sends nothing."""
    from facezoo.zoo.push import collect, namespace
    from facezoo.zoo.push import push as send

    owner = owner or ("you" if dry_run else namespace())
    weights = None
    if space:
        pushed = _push_space(what, owner, name, private=private, dry_run=dry_run)
    elif kind == "model":
        pushed, weights = _push_weights(what, folder, owner, name, private=private, dry_run=dry_run)
    else:
        repo = f"{owner}/{name or Path(what).resolve().name}"
        pushed = send(collect(Path(what), kind), repo, kind=kind, private=private, dry_run=dry_run)
    if as_json:
        print_json(asdict(pushed) | {"changed": pushed.changed, "weights": asdict(weights) if weights else None})
        return
    print_table(
        ("file", "size", "on the Hub"), [(each.path, size_text(each.bytes), each.what) for each in pushed.changes]
    )
    if dry_run:
        print(f"Would go to {pushed.url}; nothing was sent.")
        return
    print(f"{pushed.url} at {pushed.commit}{'' if pushed.changed else ', as it was'}")
    if weights:
        print(f"For everybody: --weights {pushed.repo}@{pushed.tag}. In a SPEC: weights={weights}")


def spaces(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the folders are written.")]) -> None:
    """Write a Space of the Hub for each method, and one for all, to look at: zoo push METHOD --space sends one."""
    from facezoo.registry import list_methods
    from facezoo.zoo.spaces import space_files

    for name, text in space_files(list_methods()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


def _push_space(what: str, owner: str, name: str, *, private: bool, dry_run: bool) -> Pushed:
    from huggingface_hub.constants import ENDPOINT

    from facezoo.registry import list_methods, load_spec
    from facezoo.zoo.push import push as send
    from facezoo.zoo.spaces import HUB, space_to_push

    named = "facezoo" if what == HUB else f"facezoo-{load_spec(what).id.replace('_', '-')}"
    repo = f"{owner}/{name or named}"
    files = space_to_push(list_methods(), what, f"{ENDPOINT}/spaces/{repo}")
    return send(files, repo, kind="space", private=private, dry_run=dry_run)


def _push_weights(
    what: str, folder: Path | None, owner: str, name: str, *, private: bool, dry_run: bool
) -> tuple[Pushed, Weights]:
    """What was pushed, and what a SPEC must say to pin it."""
    from facezoo.registry import card_of
    from facezoo.zoo.manifest import describe
    from facezoo.zoo.push import push_weights
    from facezoo.zoo.record import read_record

    spec, source = _weights_of(what, folder)
    repo = f"{owner}/{name or spec.weights.repo.rpartition('/')[2] or 'facezoo-' + spec.id.replace('_', '-')}"
    weights, record = describe(source, repo), read_record(source, spec.id)
    card = card_of(spec.id, record, weights)
    pushed = push_weights(source, repo, record=record, card=card, private=private, dry_run=dry_run)
    return pushed, replace(weights, revision=pushed.commit)


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


def card(
    what: Annotated[str, typer.Argument(metavar="METHOD|FOLDER", help="A method, or a folder of weights.")],
) -> None:
    """Print the model card of a method, or of weights, made from what their record says."""
    from facezoo import registry
    from facezoo.zoo.manifest import describe
    from facezoo.zoo.pull import record_folder
    from facezoo.zoo.record import read_record

    method = method_of(what)
    if method:
        print(registry.card_of(method, read_record(Path(what), method), describe(Path(what))), end="")
        return
    spec = registry.load_spec(what)
    record = read_record(record_folder(what), what) if spec.weights.sha256 else None
    print(registry.card_of(what, record, spec.weights), end="")


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
        cards[spec.id] = registry.card_of(spec.id, record, spec.weights)
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
    from facezoo.zoo.pull import place_of, record_folder
    from facezoo.zoo.record import allows_commercial_use, read_record

    record = read_record(record_folder(spec.id), spec.id) if spec.weights.sha256 else None
    source = place_of(spec.id, spec.weights) if record else "none needed"
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


def _weights_of(what: str, folder: Path | None) -> tuple[MethodSpec, Path]:
    """The method, and where the weights to push lie: a folder, or those in use of a method."""
    from facezoo import registry
    from facezoo.zoo.pull import fetch_previews, locate
    from facezoo.zoo.record import read_record

    if folder is None and method_of(what):
        what, folder = method_of(what), Path(what)
    spec = registry.load_spec(what)
    if folder is not None:
        return spec, folder
    if not spec.weights.sha256:
        raise UsageError(f"{what} has no weights to push.", "Give the folder of those from training.")
    located = locate(what, spec.weights)
    fetch_previews(located, read_record(located.folder, what).previews)
    return spec, located.folder


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
