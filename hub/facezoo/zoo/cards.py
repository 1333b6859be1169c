"""Model cards, rendered from SPEC and the record of the weights: front matter the Hub understands, and what a reader
should know before trusting or using them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facezoo.errors import UsageError
from facezoo.types import MethodSpec
from facezoo.zoo.record import LICENCES, Interval, Record, Score

__all__ = ["FORBIDDEN", "INTENDED", "check_card", "render", "render_record"]

_PIPELINE_TAGS = {"swap": "image-to-image", "restyle": "image-to-image", "animate": "image-to-video"}
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
    """The README.md of a method's weights: Markdown with YAML front matter.

    settings: (name, allowed values, default) of each parameter. record: of the weights, None when nothing was learned.
    Raises UsageError for a licence the Hub has no word for."""
    from huggingface_hub import ModelCard

    rows = "\n".join(f"| `{name}` | {allowed.replace('|', 'or')} | {default} |" for name, allowed, default in settings)
    table = f"| parameter | allowed | default |\n|---|---|---|\n{rows}" if rows else "None."
    text = f"""---
{_front_matter(spec, record)}
---

# {spec.title} ({spec.year})

{spec.summary}

- **Paper**: <{spec.paper}>
- **Weights**: {_weights(spec)}
- **Licence**: {_licence(spec, record)}
- **Trained on**: {spec.trained_on}
- **Limits**: {spec.limits}
{_previews(record)}
## Use

```bash
{_command(spec)}
```

```python
import facezoo

{_call(spec)}
```

{_driven(spec)}\
The result carries a visible "AI" mark, an invisible watermark and a signed record (C2PA), which `facezoo verify` reads.
A face that is not one of facezoo's synthetic people needs its owner's consent: `--consent`, `consent=True`.
{_loading(spec)}
## Parameters

{table}

{render_record(record) if record else ""}\
## Intended use

{INTENDED}

## Forbidden use

{FORBIDDEN}
"""
    return str(ModelCard(text))


def render_record(record: Record) -> str:
    """The sections of a card on data and consent, training with its energy, and results with intervals."""
    made = record.training
    data = "\n".join(
        f"| {f'[{each.name}]({each.url})' if each.url else each.name} | {each.count or '–'} | {each.licence} "
        f"| {each.consent}: {_CONSENT[each.consent]} | {each.statement} |"
        for each in record.data
    )
    notes = "".join(f"- {note}\n" for note in record.notes) + ("\n" if record.notes else "")
    return f"""## Training data

| data | pictures | licence | consent | whose faces |
|---|---|---|---|---|
{data}

## Training

`{made.script}`, preset `{made.preset}`: {made.steps:,} steps in {made.hours:g} hours on {made.hardware}.
Energy, estimated at {made.watts:g} W: {made.kilowatt_hours:.2f} kWh.

{notes}{_results(record.scores)}"""


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
    results = [
        EvalResult(
            task_type=tag,
            dataset_type="facezoo-eval",
            dataset_name=score.dataset,
            metric_type=score.metric,
            metric_name=score.name,
            metric_value=score.result.value,
            metric_args={"n": score.n, "interval_95": [score.result.low, score.result.high]},
        )
        for score in (record.scores if record else ())
    ]
    data = ModelCardData(
        library_name="facezoo",
        license=LICENCES[licence],
        pipeline_tag=tag,
        tags=["facezoo", "face", spec.family, *spec.tasks],
        model_name=f"facezoo {spec.id}" if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def _weights(spec: MethodSpec) -> str:
    weights = spec.weights
    if not weights.sha256:
        return "none; there is nothing learned in this method"
    where = f"`{weights.repo}`" if weights.repo else "ship with facezoo"
    return f"{where}, {weights.parameters:,} parameters, {weights.bytes:,} bytes, sha256 `{weights.sha256}`"


def _licence(spec: MethodSpec, record: Record | None) -> str:
    if record is None or record.licence == spec.licence:
        return spec.licence
    return f"{record.licence} (weights), {spec.licence} (code)"


def _previews(record: Record | None) -> str:
    shown = record.previews if record else {}
    return "".join(f"\n![{caption}]({name})\n" for name, caption in shown.items())


def _loading(spec: MethodSpec) -> str:
    if not spec.weights.sha256:
        return ""
    return f"""
## Load

```python
from facezoo.registry import load

pipeline = load("{spec.id}")  # from the Hub once, then from the cache; the sha256 of every file is checked
print(pipeline.weights)
```
"""


def _results(scores: Sequence[Score]) -> str:
    if not scores:
        return "## Results\n\nNot measured yet.\n\n"
    simple = list(dict.fromkeys(name for score in scores for name in score.baselines))
    head = f"| | on | n | better | this{''.join(f' | {name}' for name in simple)} |\n|{'---|' * (5 + len(simple))}\n"
    rows = ""
    for score in scores:
        others = "".join(f" | {_interval(score.baselines.get(name))}" for name in simple)
        cells = f"{score.name} | {score.dataset} | {score.n} | {score.better} | **{_interval(score.result)}**{others}"
        rows += f"| {cells} |\n"
    return f"## Results\n\nMeans with their 95 % intervals.\n\n{head}{rows}\n"


def _interval(found: Interval | None) -> str:
    return f"{found.value:.4g} [{found.low:.4g}, {found.high:.4g}]" if found else "–"


def _command(spec: MethodSpec) -> str:
    driving = " --driving clip.mp4" if spec.inputs.driving else ""
    return f"facezoo run {spec.id} me.jpg{driving} -o result.{'mp4' if spec.inputs.driving else 'png'} --consent"


def _driven(spec: MethodSpec) -> str:
    """What may drive a method, for those that are driven."""
    if not spec.inputs.driving:
        return ""
    alone = "\nWithout a driver, its parameters alone move the face." if spec.inputs.driving == "optional" else ""
    return f"""The driver is a clip, a GIF, a photo (the result is a picture then), a `.motion` file, or the name of a
motion that ships with facezoo, as in `--driving nod`. The face in a clip needs its owner's consent as well; a motion
holds nobody's picture.{alone}

"""


def _call(spec: MethodSpec) -> str:
    driving = ', driving="clip.mp4"' if spec.inputs.driving else ""
    return f'sealed = facezoo.run("{spec.id}", "me.jpg"{driving}, consent=True)\nprint(sealed.path)'
