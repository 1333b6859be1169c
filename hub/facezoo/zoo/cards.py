"""Model cards, rendered from SPEC and the record of the weights: front matter the Hub understands, and what a reader
should know before trusting or using them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.zoo.manifest import is_pinned, tag_of
from facezoo.zoo.plain import in_words
from facezoo.zoo.record import LICENCES, Interval, Record, Score

__all__ = ["FORBIDDEN", "INTENDED", "check_card", "render", "render_record"]

_PIPELINE_TAGS = {"swap": "image-to-image", "restyle": "image-to-image", "animate": "image-to-video"}
_DATASETS = "https://huggingface.co/datasets/"
_LONG = 8  # rows of a table that is not folded
_CONSENT = {
    "synthetic": "these people never existed",
    "public domain": "works in the public domain",
    "given": "everybody shown agreed",
}
INTENDED = """\
Learning how these methods work, comparing them, teaching, art, and research on recognising such pictures; with faces of
people who never existed, of old paintings, or of people who agreed."""
FORBIDDEN = """\
Showing a person doing or saying what they did not, without their consent; nudity; harassment, fraud, or getting past an
identity check; passing results off as photographs, or taking their label, watermark or signature away. No face of a
child. Where the law asks more, as the EU's AI Act does of whoever publishes such pictures, the law holds."""


def render(spec: MethodSpec, settings: Sequence[tuple[str, str, str]], record: Record | None = None) -> str:
    """The README.md of weights: Markdown with YAML front matter. What it says of data, training, scores and limits is
    what their record says; SPEC speaks for the weights that ship with facezoo alone.

    spec: with the weights that the card is of. settings: (name, allowed values, default) of each parameter. record: of
    the weights, None when nothing was learned. Raises UsageError for a licence the Hub has no word for."""
    from huggingface_hub import ModelCard

    table = _table(("parameter", "allowed", "default"), [(f"`{name}`", allowed.replace("|", "or"), default)
                                                         for name, allowed, default in settings])  # fmt: skip
    parts = [
        f"---\n{_front_matter(spec, record)}\n---",
        f"# {spec.title} ({spec.year})",
        spec.summary,
        _facts(spec, record),
        *(f"![{caption}]({name})" for name, caption in (record.previews if record else {}).items()),
        f"## Use\n\n{_use(spec, record)}",
        _driven(spec),
        'The result carries a visible "AI" mark, an invisible watermark and a signed record (C2PA), which `facezoo '
        "verify` reads.\nA face that is not one of facezoo's synthetic people needs its owner's consent: `--consent`, "
        "`consent=True`.",
        _loading(spec),
        f"## Intended use\n\n{INTENDED}",
        f"## Forbidden use\n\n{FORBIDDEN}",
        render_record(record) if record else "",
        f"## Parameters\n\n{_folded(table, len(settings), 'parameters') if settings else 'None.'}",
    ]
    return str(ModelCard("\n\n".join(part.strip("\n") for part in parts if part) + "\n"))


def render_record(record: Record) -> str:
    """The sections of a card on data and consent, training with its energy, and results with intervals."""
    made = record.training
    data = _table(("data", "pictures", "licence", "consent", "whose faces"), [
        (f"[{each.name}]({each.url})" if each.url else each.name, each.count or "–", each.licence,
         f"{each.consent}: {_CONSENT[each.consent]}", each.statement)
        for each in record.data
    ])  # fmt: skip
    return "\n\n".join(filter(None, (
        f"## Training data\n\n{data}",
        f"## Training\n\n`{made.script}`, preset `{made.preset}`: {made.steps:,} steps in {made.hours:g} hours on "
        f"{made.hardware}.\nEnergy, estimated at {made.watts:g} W: {made.kilowatt_hours:.2f} kWh.",
        "\n".join(f"- {note}" for note in record.notes),
        f"## Results\n\n{_results(record.scores)}",
    )))  # fmt: skip


def check_card(text: str) -> None:
    """Raise UsageError unless the front matter names a licence and a pipeline tag of our lists, and facezoo."""
    from huggingface_hub import ModelCard

    try:
        data: dict[str, Any] = ModelCard(text).data.to_dict()
    except Exception as problem:
        raise UsageError(
            f"The card's front matter cannot be read: {problem}.", "See: facezoo zoo card METHOD"
        ) from problem
    for name, allowed in (
        ("license", set(LICENCES.values())),
        ("pipeline_tag", set(_PIPELINE_TAGS.values())),
        ("library_name", {"facezoo"}),
    ):
        if data.get(name) not in allowed:
            raise UsageError(f"The card says {name}: {data.get(name)}.", f"Allowed here: {', '.join(sorted(allowed))}.")


def _front_matter(spec: MethodSpec, record: Record | None) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    licence = record.licence if record else spec.licence
    if licence not in LICENCES:
        raise UsageError(f"{licence!r} is no licence that a card can name.", f"Known: {', '.join(LICENCES)}.")
    tag = _PIPELINE_TAGS[spec.tasks[0]]
    scores = {(each.dataset, each.metric): each for each in (record.scores if record else ())}.values()
    results = [
        EvalResult(
            task_type=tag,
            dataset_type=re.sub(r"\W+", "-", f"facezoo-eval {score.dataset}").strip("-"),  # the Hub groups by it
            dataset_name=score.dataset,
            metric_type=score.metric,
            metric_name=score.name,
            metric_value=score.result.value,
            metric_args={"n": score.n, "interval_95": [score.result.low, score.result.high]},
        )
        for score in scores
    ]
    datasets = [each.url.removeprefix(_DATASETS) for each in (record.data if record else ())
                if each.url.startswith(_DATASETS)]  # fmt: skip
    data = ModelCardData(
        library_name="facezoo",
        license=LICENCES[licence],
        pipeline_tag=tag,
        tags=["facezoo", "face", spec.family, *spec.tasks],
        datasets=datasets or None,
        model_name=f"facezoo {spec.id}" if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def _facts(spec: MethodSpec, record: Record | None) -> str:
    """The first things to know, one a line."""
    weights = spec.weights
    own = record is not None and bool(weights.repo or not is_pinned(spec))  # SPEC speaks for what ships alone
    where = f"`{weights.repo}`" if weights.repo else "in a folder of one's own" if own else "ship with facezoo"
    told = f"{where}, {weights.parameters:,} parameters, {weights.bytes:,} bytes, sha256 `{weights.sha256}`"
    facts = {
        "Paper": f"<{spec.paper}>",
        "Weights": told if weights.sha256 else "none; there is nothing learned in this method",
        "Licence": spec.licence if record is None or record.licence == spec.licence
        else f"{record.licence} (weights), {spec.licence} (code)",
        "Trained on": spec.trained_on if record is None or not own else " ".join(
            f"{each.name}{f', {each.count:,} pictures' if each.count else ''} ({_CONSENT[each.consent]})."
            for each in record.data),
        "Limits": (record.limits if record else "")
        or (f"Not said of these weights. Of the method as it ships: {spec.limits}" if own else spec.limits),
    }  # fmt: skip
    return "\n".join(f"- **{name}**: {value}" for name, value in facts.items())


def _use(spec: MethodSpec, record: Record | None) -> str:
    """How to install and run it, in a shell and in Python."""
    driven = bool(spec.inputs.driving)
    named = f' --weights "{_named(spec)}"' if _named(spec) else ""
    given = f', weights="{_named(spec)}"' if _named(spec) else ""
    command = f"facezoo run {spec.id} me.jpg{' --driving clip.mp4' * driven}{named}"
    call = f'facezoo.run("{spec.id}", "me.jpg"{", driving=" * driven}{chr(34) + "clip.mp4" + chr(34) if driven else ""}'
    return f"""```bash
pip install facezoo
{command} -o result.{"mp4" if driven else "png"} --consent
```

```python
import facezoo

sealed = {call}{given}, consent=True)
print(sealed.path)
```"""


def _named(spec: MethodSpec) -> str:
    """How weights on the Hub are named: by a tag that holds the beginning of their sha256."""
    weights = spec.weights
    return f"{weights.repo}@{tag_of(weights.sha256)}" if weights.repo else ""


def _driven(spec: MethodSpec) -> str:
    """What may drive a method, for those that are driven."""
    if not spec.inputs.driving:
        return ""
    alone = "\nWithout a driver, its parameters alone move the face." if spec.inputs.driving == "optional" else ""
    return f"""The driver is a clip, a GIF, a photo (the result is a picture then), a `.motion` file, or the name of a
motion that ships with facezoo, as in `--driving nod`. The face in a clip needs its owner's consent as well; a motion
holds nobody's picture.{alone}"""


def _loading(spec: MethodSpec) -> str:
    if not spec.weights.sha256:
        return ""
    named = f', "{_named(spec)}"' if _named(spec) else ""
    first = "from the Hub once, then from the cache" if spec.weights.repo else "they ship with facezoo"
    return f"""## Load

```python
from facezoo.registry import load

pipeline = load("{spec.id}"{named})  # {first}; the sha256 of every file is checked
print(pipeline.weights)
```"""


def _results(scores: Sequence[Score]) -> str:
    if not scores:
        return "Not measured yet."
    simple = list(dict.fromkeys(name for score in scores for name in score.baselines))
    rows = [
        (score.name, score.dataset, score.n, score.better, f"**{_interval(score.result)}**",
         *(_interval(score.baselines.get(name)) for name in simple))
        for score in scores
    ]  # fmt: skip
    table = _table(("", "on", "n", "better", "this", *simple), rows)
    plain = "\n".join(f"- {each.words} ({each.spread}; {each.tried})." for each in in_words(scores))
    told = "Means with their 95 % intervals: the ranges that hold the true value 19 times in 20."
    return "\n\n".join(filter(None, (plain, told, _folded(table, len(rows), "figures"))))


def _interval(found: Interval | None) -> str:
    return f"{found.value:.4g} [{found.low:.4g}, {found.high:.4g}]" if found else "–"


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _folded(table: str, rows: int, what: str) -> str:
    """A long table is folded: whoever wants it opens it."""
    if rows <= _LONG:
        return table
    return f"<details>\n<summary>{rows} {what}</summary>\n\n{table}\n\n</details>"
