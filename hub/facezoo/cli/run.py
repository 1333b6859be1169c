"""Commands that make something: run, animate, compare, explain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from facezoo.cli.batch import run_folders
from facezoo.cli.learn import animate_head
from facezoo.cli.shell import AsJson, OwnWeights, ProgressLine, choose_outputs, named, print_json, staged, warn
from facezoo.cli.speech import (
    Captions,
    KeptMotion,
    Liveliness,
    Say,
    SoundFile,
    Speaker,
    Speed,
    VoiceId,
    VoicePitch,
    driver_of,
)
from facezoo.errors import Cancelled, FacezooError, UsageError

if TYPE_CHECKING:
    from facezoo.runner import Comparison

__all__ = ["animate", "compare", "explain", "motion", "run"]

Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Photos, paintings, GIFs or videos.")]
Portrait = Annotated[
    Path,
    typer.Argument(
        metavar="PORTRAIT", help="A photo or painting of one face, a head that was learned, or a persona's id."
    ),
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="A file; or a folder, made when missing.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the method. May be repeated.")
]
PersonaId = Annotated[str | None, typer.Option(metavar="ID", help="The synthetic person; see `facezoo personas`.")]
PersonaIds = Annotated[
    list[str] | None,
    typer.Option(
        "--persona",
        metavar="ID|N=ID",
        help="The synthetic person; see `facezoo personas`. For several faces 1=ID, repeated: the others stay.",
    ),
]
AnyFace = Annotated[str | None, typer.Option(metavar="N|all", help="Which face: 1 is the largest. [default: 1]")]
FaceChoice = Annotated[str, typer.Option(metavar="N|all", help="Which face: 1 is the largest.")]
Source = Annotated[
    Path | None, typer.Option(metavar="PHOTO", help="A photo of the face to put on, instead of a persona.")
]
Driving = Annotated[
    Path | None,
    typer.Option(metavar="CLIP", help="Whose motion is taken: a clip, a photo, a .motion file, or a motion's name."),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same pixels.")]
Consent = Annotated[bool, typer.Option("--consent", help="I may use every face in these files, or it is my own.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="With several inputs: keep the good results when one fails.")
]
OnRay = Annotated[
    bool, typer.Option("--ray", help="On Ray, folders of any size too; one that was killed goes on when repeated.")
]
Cluster = Annotated[str, typer.Option(metavar="CLUSTER", help="With --ray: HOST:6379, or auto.")]
Label = Annotated[Literal["small", "medium", "large"], typer.Option(help='Size of the visible "AI" mark.')]


def run(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="An id from `facezoo methods`.")],
    inputs: Inputs, output: Output, persona: PersonaIds = None, source: Source = None, driving: Driving = None,
    face: AnyFace = None, seed: Seed = 0, settings: Settings = None, consent: Consent = False, label: Label = "small",
    weights: OwnWeights = "", keep_going: KeepGoing = False, ray: OnRay = False, address: Cluster = "",
    as_json: AsJson = False,
) -> int:  # fmt: skip
    """Run one method on photos, paintings, GIFs or videos."""
    if address and not ray:
        raise UsageError("An address was given, and no --ray.", "Give both, or neither.")
    options = _who(persona or [], face) | {
        "source": source, "driving": driving, "params": _settings(settings or []), "consent": consent or None,
        "seed": seed, "label": label, "weights": weights,
    }  # fmt: skip
    if ray:
        return run_folders(method, inputs, output, options, address, as_json=as_json)
    outputs = choose_outputs(inputs, output)
    if outputs == [output]:
        records, code = _run_all(method, inputs, outputs, options, keep_going=False)
    else:
        with staged(output) as folder:
            drafts = [folder / path.name for path in outputs]
            records, code = _run_all(method, inputs, drafts, options, keep_going=keep_going)
        for record in records:
            record["output"] = str(output / Path(record["output"]).name)
    if as_json:
        print_json(records[0] if len(inputs) == 1 and records else records)
    else:
        for record in records:
            print(_in_words(record))
    return code


def animate(
    portrait: Portrait, output: Output, driving: Driving = None, say: Say = None, sound: SoundFile = None,
    voice: VoiceId = "en", speaker: Speaker = "man", speed: Speed = 150, voice_pitch: VoicePitch = 50,
    life: Liveliness = 1.0, captions: Captions = None, keep_motion: KeptMotion = None,
    method: Annotated[str | None, typer.Option(metavar="ID", help="The newest that can, when not given.")] = None,
    face: FaceChoice = "1", seed: Seed = 0, settings: Settings = None, consent: Consent = False, label: Label = "small",
    weights: OwnWeights = "", as_json: AsJson = False,
) -> int:  # fmt: skip
    """Bring one portrait to life with the motion of a clip, a motion that ships (nod, talk, smile, look_around,
    surprise, wink), or settings alone: --set yaw=15 --set smile=1. It also speaks: --say "Good evening." or --sound
    FILE. A persona too: animate imani --method face2face."""
    from facezoo import registry

    driven = driver_of(
        driving, say, sound, captions, keep_motion, consent,
        voice=voice, speaker=speaker, speed=speed, pitch=voice_pitch, life=life, seed=seed,
    )  # fmt: skip
    if method is not None and "puppet" in registry.load_spec(method).tasks:
        with driven as driver:
            return _portray(method, portrait, output, driver, settings, consent, label, weights, as_json)
    able = [spec.id for spec in registry.list_methods() if "animate" in spec.tasks]
    if not able or (method and registry.load_spec(method).id not in able):
        raise UsageError(
            f"{method or 'Nothing here'} does not animate portraits.", f"Methods that do: {', '.join(able)}."
        )
    with driven as driver:
        if portrait.is_dir():
            options = {"driving": driver, "face": _face(face), "seed": seed, "label": label, "consent": consent or None}
            record = animate_head(portrait, output, options | {"params": _settings(settings or [])})
            print_json(record) if as_json else print(_in_words(record))
            return 0
        return run(
            method or able[-1], [portrait], output, driving=driver, face=face, seed=seed, settings=settings,
            consent=consent, label=label, weights=weights, as_json=as_json,
        )  # fmt: skip


def _portray(
    method: str, persona: Path, output: Path, driving: Any, settings: Sequence[str] | None,
    consent: bool, label: Label, weights: str, as_json: bool,
) -> int:  # fmt: skip
    """A persona follows a driver, or does what the settings say."""
    from facezoo import runner

    with ProgressLine() as progress:
        sealed = runner.portray(
            method, str(persona), posture=_settings(settings or []), driving=driving, consent=consent or None,
            output=output, label=label, weights=weights, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(sealed.record)
    else:
        print(_in_words(sealed.record))
    return 0


def motion(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A video or GIF of one face.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.motion", help="The file to write.")],
    smoothing: Annotated[float, typer.Option(min=0, max=1, help="How much trembling is calmed.")] = 0.3,
    title: Annotated[str, typer.Option(help="What to call it.")] = "",
    consent: Consent = False,
) -> None:
    """Keep the motion of a clip, without any picture of it, for `animate --driving OUT.motion`."""
    from facezoo import runner

    with ProgressLine() as progress:
        kept = runner.keep_motion(
            clip, output, consent=consent or None, smoothing=smoothing, title=title, progress=progress
        )
    print(f"{output}  ({len(kept.motions)} motions, {len(kept.motions) / float(kept.rate):.1f} s, no picture)")


def explain(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="An id from `facezoo methods`.")],
    image: Annotated[Path, typer.Argument(metavar="INPUT", help="A photo or painting; of a clip, the first face.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A folder, made when missing.")],
    persona: PersonaId = None,
    source: Source = None,
    face: Annotated[int, typer.Option(metavar="N", min=1, help="Which face: 1 is the largest.")] = 1,
    seed: Seed = 0,
    settings: Settings = None,
    consent: Consent = False,
    weights: OwnWeights = "",
    as_json: AsJson = False,
) -> None:
    """Every step from a picture to its result, as DIR/1-original.png and so on."""
    from facezoo import runner

    with staged(output) as folder, ProgressLine() as progress:
        steps = runner.explain(
            method, image, persona=persona, source=source, params=_settings(settings or []), consent=consent or None,
            face=face, seed=seed, weights=weights, output=folder, progress=progress,
        )  # fmt: skip
        if not steps:
            raise UsageError(f"{method} has no steps to show.", "Try another one; see: facezoo methods")
    records = [asdict(step) | {"path": str(output / step.path.name)} for step in steps]
    if as_json:
        print_json(records)
    else:
        for record in records:
            print(f"{record['path']}  {record['title']}. {record['text']}")


def compare(
    image: Annotated[Path, typer.Argument(metavar="INPUT", help="A photo or a painting.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A folder, made when missing.")],
    persona: PersonaId = None,
    methods: Annotated[str, typer.Option(metavar="A,B", help="Only these methods.")] = "",
    face: FaceChoice = "1",
    seed: Seed = 0,
    consent: Consent = False,
    label: Label = "small",
    weights: OwnWeights = "",
    as_json: AsJson = False,
) -> None:
    """The same picture through every method: DIR/<method>.png, DIR/grid.png, DIR/metrics.json."""
    from facezoo import runner

    chosen = _face(face)
    with staged(output) as folder:
        with ProgressLine() as progress:
            comparison = runner.compare(
                image, persona=persona, methods=named(methods) or None, consent=consent or None, face=chosen,
                seed=seed, weights=weights, output=folder, label=label, progress=progress,
            )  # fmt: skip
        table = _compared(image, comparison, chosen, output)
        (folder / "metrics.json").write_text(json.dumps(table, indent=2, default=str) + "\n", encoding="utf-8")
    for method, error in comparison.failures.items():
        warn(f"{method}: {error.message}")
    if as_json:
        print_json(table)
    else:
        for record in table["results"].values():
            print(_in_words(record))
        print(table["grid"])


def _run_all(
    method: str, inputs: Sequence[Path], outputs: Sequence[Path], options: dict[str, Any], *, keep_going: bool
) -> tuple[list[dict[str, Any]], int]:
    """The result records, and 0 or the exit code of the first failure (only when keep_going; else it is raised)."""
    from facezoo import runner

    records: list[dict[str, Any]] = []
    code = 0
    for path, destination in zip(inputs, outputs, strict=True):
        try:
            with ProgressLine() as progress:
                records.append(runner.run(method, path, output=destination, progress=progress, **options).record)
        except Cancelled:
            raise
        except FacezooError as error:
            if not keep_going:
                if len(inputs) == 1:
                    raise
                raise type(error)(f"{path}: {error.message}", error.advice) from error
            warn(f"{path}: {error.message}")
            code = code or error.exit_code
    return records, code


def _compared(image: Path, comparison: Comparison, face: int | Literal["all"], output: Path) -> dict[str, Any]:
    """What compare writes into metrics.json: each record with its measures, or why there are none."""
    from facezoo.evaluate.metrics import measure

    results: dict[str, Any] = {}
    for method, sealed in comparison.results.items():
        record = sealed.record | {"output": str(output / sealed.path.name)}
        try:
            measured = measure(image, sealed.path, face=1 if face == "all" else face)
            record["measures"] = asdict(measured)
        except FacezooError as error:
            record["measures"] = {"error": error.message}
        results[method] = record
    return {
        "input": str(image),
        "results": results,
        "failures": {method: error.message for method, error in comparison.failures.items()},
        "grid": str(output / comparison.grid.path.name),
    }


def _settings(words: Sequence[str]) -> dict[str, str]:
    """["strength=0.5"] -> {"strength": "0.5"}; the registry knows what is allowed."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {word} is not understood.", "Write it as --set name=value, without spaces.")
        found[name.strip()] = value.strip()
    return found


def _who(words: Sequence[str], face: str | None) -> dict[str, Any]:
    """What `runner.run` takes of --persona and --face."""
    from facezoo import runner

    persona, personas = runner.parse_personas(words)
    if personas is None:
        return {"persona": persona, "face": _face(face or "1")}
    return {"personas": personas} | ({} if face is None else {"face": _face(face)})


def _face(text: str) -> int | Literal["all"]:
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise UsageError(f"--face {text} is not understood.", "Give a number, 1 for the largest face, or all.")


def _in_words(record: dict[str, Any]) -> str:
    faces, frames = record["faces"], record["frames"]
    counts = f"{faces} face{'s' * (faces != 1)}" + (f", {frames} frames" if frames != 1 else "")
    seconds = f"{record['seconds']['total']:.1f} s"
    done = f"{record['output']}  ({record['method']}, {counts}, {seconds}, watermarked and signed)"
    return "\n".join([done, *(f"  {note}" for note in record.get("notes", []))])
