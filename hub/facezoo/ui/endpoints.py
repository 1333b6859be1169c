"""The named HTTP endpoints: /compare, /verify, /learn and one for each method. Files go in and out as bytes,
never re-encoded.

Parameters are named as in the params dataclass, plus image, persona (an id, or one for each face: "1=imani,3=orla"),
source, face, consent, seed and label; for methods that animate also driving (a file), template (the name of a shipped
motion), or say (a sentence), sound (a recording) or both (a recording and what it says), and format (of a moving
result). voice (a language), speaker, speed, voice_pitch and life say how it is said; the record has the captions of a
sentence, as WebVTT. /learn gives a head, a zip file that stands in place of the photo in the endpoint of the method
that learned it. Consent is enforced by the runner, as everywhere."""

from __future__ import annotations

import dataclasses
import inspect
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, get_args, get_origin, get_type_hints

import gradio as gr
from gradio import FileData
from gradio.events import api

from facezoo.errors import BadInput, FacezooError, UsageError
from facezoo.media.limits import RESULT_SUFFIX
from facezoo.media.read import open_clip
from facezoo.safety.admission import agreed
from facezoo.speech.say import Speaker
from facezoo.types import MethodSpec, Sealed
from facezoo.ui.jobs import explain
from facezoo.ui.workspace import new_folder, owned
from facezoo.zoo.embedded import personas

if TYPE_CHECKING:
    from facezoo.motion.template import Template
    from facezoo.runner import Comparison

__all__ = ["add_endpoints"]

_Label = Literal["small", "medium", "large"]
_Format = Literal["mp4", "gif", "webp"]
_SPOKEN: tuple[tuple[str, Any, Any], ...] = (
    ("say", Optional[str], None),  # noqa: UP045
    ("sound", Optional[FileData], None),  # noqa: UP045
    ("voice", str, "en"),
    ("speaker", Speaker, "man"),
    ("speed", int, 150),
    ("voice_pitch", int, 50),
    ("life", float, 1.0),
)
_NO_REMOTE = "This hub fetches nothing from other hosts. Upload the file instead."


def add_endpoints(hub: gr.Blocks, specs: Sequence[MethodSpec]) -> None:
    """Adds the endpoints to `hub`; call inside its context."""
    ids = [spec.id for spec in specs]
    added = [
        api(_verify, api_name="verify", concurrency_limit=2, concurrency_id="look"),
        api(
            _compare_with([spec.id for spec in specs if "swap" in spec.tasks]), api_name="compare", concurrency_id="run"
        ),
    ]
    added += [
        api(_method(spec), api_name=spec.id, api_description=spec.summary, concurrency_id="run") for spec in specs
    ]
    if any("learn" in spec.tasks for spec in specs):
        added.append(api(_learn, api_name="learn", concurrency_id="run"))
    functions = {id(function): function for function in hub.fns.values()}
    endpoints = [each for each in functions.values() if each.api_name in {"verify", "compare", "learn", *ids}]
    if len(endpoints) != len(added):
        raise FacezooError(f"Two methods or pages share an endpoint name: {', '.join(sorted(ids))}.")
    for endpoint in endpoints:
        for block in endpoint.inputs:
            held: Any = block  # a method of this one instance is replaced
            held.async_move_resource_to_block_cache = _refuse_remote(held.async_move_resource_to_block_cache)


def _verify(image: dict[str, Any]) -> dict[str, Any]:
    """Where does this file come from? Returns c2pa, watermark, method, weights and created."""
    from facezoo.safety.seal import verify

    return _guarded(lambda: dataclasses.asdict(verify(_file(image))))


def _compare_with(ids: list[str]) -> Callable[..., Any]:
    def compare(
        image: FileData,
        persona: Optional[str] = None,  # noqa: UP045  # gradio shows these hints, and knows this form
        methods: Optional[list[str]] = None,  # noqa: UP045
        face: str = "1",
        consent: bool = False,
        seed: int = 0,
        label: _Label = "small",
    ) -> tuple[FileData, list[FileData], dict[str, Any]]:
        """The same picture through every method that knows the persona. Returns the grid, the sealed files and their
        records by method."""
        from facezoo import runner

        def work() -> Comparison:
            who = _words("persona", persona) or personas()[0].id
            return runner.compare(
                _file(image),
                persona=who,
                methods=_list("methods", methods) or [id for id in runner.comparable(who) if id in ids],
                consent=agreed(consent),
                face=_face(face),
                seed=_seed(seed),
                output=new_folder(),
                label=_one_of("label", label, _Label),
            )

        done = _guarded(work)
        files: Any = [_answer(sealed.path) for sealed in done.results.values()]
        return _answer(done.grid.path), files, {name: _record(sealed) for name, sealed in done.results.items()}

    compare.__annotations__ = get_type_hints(compare)
    compare.__signature__ = _signature(compare)  # type: ignore[attr-defined]
    return compare


def _learn(
    images: list[FileData], steps: int = 120, consent: bool = False, seed: int = 0
) -> tuple[FileData, dict[str, Any]]:
    """Learns a face from 1 to 8 photos of one person. Returns a head, which is a zip file, and its record."""
    from facezoo import runner

    def work() -> tuple[Path, Any]:
        head = new_folder() / "head"
        learned = runner.learn(
            [_file(each) for each in _many(images)], head, steps=_steps(steps), seed=_seed(seed),
            consent=agreed(consent) or None,
        )  # fmt: skip
        return Path(shutil.make_archive(str(head), "zip", head)), learned

    archive, learned = _guarded(work)
    return _answer(archive), dataclasses.asdict(learned)


def _method(spec: MethodSpec) -> Callable[..., Any]:
    """The endpoint function of one method, with a signature made from its inputs and params."""

    def call(*given: Any, **named: Any) -> tuple[Any, dict[str, Any]]:
        values = signature.bind(*given, **named)
        values.apply_defaults()
        sealed = _guarded(lambda: _run(spec, dict(values.arguments)))
        return _answer(sealed.path), _record(sealed)

    signature = inspect.Signature(_parameters(spec), return_annotation=tuple[FileData, dict[str, Any]])
    call.__name__ = spec.id
    call.__doc__ = spec.summary
    call.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _parameters(spec: MethodSpec) -> list[inspect.Parameter]:
    """image, then what the method's inputs ask for, then its params, then what every method has."""
    made = [_parameter("image", FileData)]
    if spec.inputs.persona:
        made.append(_parameter("persona", Optional[str], None))  # noqa: UP045
    if spec.inputs.source:
        made.append(_parameter("source", Optional[FileData], None))  # noqa: UP045
    if spec.inputs.driving:
        made.append(_parameter("driving", Optional[FileData], None))  # noqa: UP045
        made.append(_parameter("template", Optional[str], None))  # noqa: UP045
        made += [_parameter(*each) for each in _SPOKEN]
        made.append(_parameter("format", _Format, "mp4"))
    hints = get_type_hints(spec.params, include_extras=True)
    for field in dataclasses.fields(spec.params):
        hint = hints[field.name]
        made.append(_parameter(field.name, get_args(hint)[0] if get_origin(hint) is Annotated else hint, field.default))
    common = [("face", str, "1"), ("consent", bool, False), ("seed", int, 0), ("label", _Label, "small")]
    taken = {each.name for each in made}
    return [*made, *(_parameter(*each) for each in common if each[0] not in taken)]


def _parameter(name: str, hint: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=hint)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    hints = function.__annotations__
    plain = inspect.signature(function)
    parameters = [each.replace(annotation=hints[each.name]) for each in plain.parameters.values()]
    return inspect.Signature(parameters, return_annotation=hints["return"])


def _run(spec: MethodSpec, values: dict[str, Any]) -> Sealed:
    from facezoo import runner

    names = {field.name for field in dataclasses.fields(spec.params)}
    image, pipeline = _file(values["image"]), None
    if image.suffix.lower() == ".zip" and "learn" in spec.tasks:
        pipeline, image = runner.open_head(runner.unpack_head(image, new_folder()))
    with _driver(values) as driving:
        if spec.inputs.driving:
            suffix = f".{_one_of('format', values['format'], _Format)}" if _moves(driving) else ".png"
        else:
            suffix = RESULT_SUFFIX[open_clip(image).kind]
        sealed = runner.run(
            spec.id,
            image,
            **_who(values),
            pipeline=pipeline,
            source=_file(values["source"]) if values.get("source") else None,
            driving=driving,
            params={name: values[name] for name in names},
            consent=agreed(values["consent"]),
            seed=_seed(values["seed"]),
            output=new_folder() / f"{spec.id}{suffix}",
            label=_one_of("label", values["label"], _Label),
        )
        captions = getattr(driving, "captions", "")
    return dataclasses.replace(sealed, record=sealed.record | {"captions": captions}) if captions else sealed


def _who(values: dict[str, Any]) -> dict[str, Any]:
    """Which face becomes whom. With one persona for each face, `face` is only passed on when it is not the default."""
    from facezoo import runner

    given = _words("persona", values.get("persona"))
    persona, personas = runner.parse_personas([given] if given else [])
    face = _face(values["face"])
    if personas is None:
        return {"persona": persona, "face": face}
    return {"personas": personas} | ({} if face == 1 else {"face": face})


@contextmanager
def _driver(values: dict[str, Any]) -> Generator[str | Path | Template | None]:
    """The driver, while the block lasts: a file, a shipped motion, or somebody who speaks."""
    say, sound = _words("say", values.get("say")), values.get("sound")
    driving = _driving(values)
    if not say and not sound:
        yield driving
        return
    if driving is not None:
        raise UsageError("Both a driver and speech were given.", "Give one of driving, template, say and sound.")
    from facezoo import runner

    manner = runner.Manner(
        voice=_words("voice", values["voice"]), speaker=_one_of("speaker", values["speaker"], Speaker),
        speed=values["speed"], pitch=values["voice_pitch"], life=values["life"], seed=_seed(values["seed"]),
    )  # fmt: skip
    spoken = runner.spoken(
        say or None, _file(sound) if sound else None, manner=manner, consent=agreed(values["consent"]) or None
    )
    with spoken as speech:
        yield speech


def _driving(values: dict[str, Any]) -> str | Path | None:
    """A file of the request, or the name of a shipped motion."""
    file, template = values.get("driving"), _words("template", values.get("template"))
    if file and template:
        raise UsageError("Both a driving file and a template were given.", "Give one of them.")
    if not template:
        return _file(file) if file else None
    from facezoo.motion.template import shipped

    return shipped(template).name  # never a path


def _moves(driving: str | Path | Template | None) -> bool:
    """Whether the result is a film."""
    if isinstance(driving, Path) and driving.suffix.lower() != ".motion":
        return open_clip(driving).kind != "photo"
    return driving is not None


def _guarded(work: Callable[[], Any]) -> Any:
    """Runs `work`; errors reach the client as one message that says what to do, without a traceback."""
    try:
        return work()
    except Exception as error:
        explained = explain(error)  # which counts it, too
        told = error if isinstance(error, FacezooError) else explained
        raise gr.Error(f"{told.message} {told.advice}".strip(), print_exception=False) from error


def _file(value: Any) -> Path:
    """The uploaded file of a request: what gradio_client's handle_file sends. Raises BadInput for anything else."""
    path = value.get("path") if isinstance(value, dict) else getattr(value, "path", None)
    if not path:
        raise BadInput("No file was sent.", "Send it with gradio_client's handle_file(path).")
    return owned(str(path))


def _many(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise UsageError(f"images={_short(value)} is not possible.", "Allowed for images: a list of files.")


def _steps(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UsageError(f"steps={_short(value)} is not possible.", "Allowed for steps: a whole number from 0 to 2000.")


def _face(value: Any) -> Any:
    if value == "all":
        return "all"
    if str(value).isdecimal() and 1 <= int(value) <= 1000:
        return int(value)
    raise UsageError(f"face={_short(value)} is not possible.", "Allowed for face: a number from 1, or all.")


def _seed(value: Any) -> int:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    if whole and 0 <= value < 1 << 32:
        return int(value)
    raise UsageError(f"seed={_short(value)} is not possible.", "Allowed for seed: a whole number from 0 to 4294967295.")


def _words(name: str, value: Any) -> str:
    """Text; "" for none."""
    if value is None or isinstance(value, str):
        return value or ""
    raise UsageError(f"{name}={_short(value)} is not possible.", f"Allowed for {name}: text.")


def _list(name: str, value: Any) -> list[str]:
    if value is None or (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        return value or []
    raise UsageError(f"{name}={_short(value)} is not possible.", f"Allowed for {name}: a list of ids.")


def _one_of(name: str, value: Any, allowed: Any) -> Any:
    if value in get_args(allowed):
        return value
    raise UsageError(f"{name}={_short(value)} is not possible.", f"Allowed for {name}: {', '.join(get_args(allowed))}.")


def _short(value: Any) -> str:
    return repr(value)[:40]


def _answer(path: Path) -> Any:
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def _record(sealed: Sealed) -> dict[str, Any]:
    """The result record and facezoo's version; its output names the file alone, not where it lies on this server."""
    return {**sealed.record, "output": sealed.path.name, "facezoo": version("facezoo")}


def _refuse_remote(move: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def local_only(path: Any) -> Any:
        if str(path).lower().startswith(("http:", "https:", "ftp:")):
            raise gr.Error(_NO_REMOTE, print_exception=False)
        return await move(path)

    return local_only
