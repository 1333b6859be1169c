"""report.html: the tables of metrics.json and a few pictures, in one file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image

from facezoo.evaluate.measures import ON_PAIRS, ON_PICTURES, Measure
from facezoo.evaluate.strata import STRATA
from facezoo.media.read import read_photo
from facezoo.types import Persona
from facezoo.zoo.embedded import persona

__all__ = ["Example", "render"]

_SIDE = 320  # px, the longer side of a picture
_LISTED = 40  # failures that are printed
_ENOUGH = 5  # people in a group whose gap may be marked: intervals over fewer are too narrow
_PARTS = {"portraits": "Portraits", "photos": "Photos, measured only", "pairs": "Held-back pairs"}
_IN_STRATA = ("top1", "to_persona", "pose", "nme", "expression", "sharpness")
_STYLE = """
:root { color-scheme: light dark; --ground: #faf9f6; --surface: #fff; --line: #e2dfd6; --text: #1c1b18;
  --quiet: #5c594f; --mark: #f8eed8; }
@media (prefers-color-scheme: dark) { :root { --ground: #151513; --surface: #1e1e1b; --line: #35342f; --text: #f0eee8;
  --quiet: #b3afa3; --mark: #352b16; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 48px 32px 96px; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; }
h1 { font-size: clamp(28px, 5vw, 40px); line-height: 1.1; letter-spacing: -0.025em; margin: 0 0 16px; }
h2 { font-size: 22px; line-height: 28px; letter-spacing: -0.012em; margin: 56px 0 8px; }
h3, summary { font-size: 16px; line-height: 24px; font-weight: 600; margin: 24px 0 8px; }
summary { cursor: pointer; margin: 0; padding: 8px 0; }
p, ul, dl { max-width: 70ch; margin: 0 0 8px; }
ul { padding-left: 20px; }
p, li, dd, caption, .small { color: var(--quiet); }
.small, caption, li { font-size: 14px; line-height: 20px; }
dt { margin-top: 8px; }
dd { margin: 0; font-size: 14px; line-height: 20px; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 8px 0 16px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--surface); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { caption-side: bottom; text-align: left; padding: 8px 12px; border-top: 1px solid var(--line); }
th, td { padding: 8px 12px; text-align: right; vertical-align: top; white-space: nowrap; }
tr + tr > *, tbody tr > * { border-top: 1px solid var(--line); }
th:first-child { text-align: left; white-space: normal; position: sticky; left: 0; background: var(--surface);
  min-width: 120px; }
th { font-size: 14px; line-height: 20px; font-weight: 600; }
td small, th small { display: block; font-size: 12px; line-height: 16px; font-weight: 400; color: var(--quiet); }
td.clear { background: var(--mark); }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 8px; margin: 0 0 24px;
  max-width: 900px; }
figure { margin: 0; }
img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 6px;
  background: var(--surface); }
figcaption, .none { font-size: 13px; line-height: 18px; color: var(--quiet); padding-top: 4px; }
.none { aspect-ratio: 1; display: grid; place-items: center; border: 1px solid var(--line); border-radius: 6px; }
@media (max-width: 600px) { body { padding: 24px 16px 64px; } th, td { padding: 8px; }
  th:first-child { min-width: 96px; }
  .row { grid-template-columns: repeat(2, 1fr); } }
"""


@dataclass(frozen=True)
class Example:
    """One row of pictures. input: the picture's path; results: method -> sealed thumbnail, None when it failed."""

    input: Path
    persona: Persona
    results: dict[str, Path | None]


def render(metrics: dict[str, Any], examples: Sequence[Example]) -> str:
    """The report of what `evaluate_swaps` found, as HTML."""
    body = [
        "<header><h1>Face swaps, measured</h1>",
        f"<p>{escape(metrics['version'])}, facezoo {escape(metrics['facezoo'])}, {escape(metrics['date'][:10])}. ",
        "A baseline stands in every table: the input untouched, and the persona's own portrait in its place.</p>",
        "<p>n: how many results. Below each figure: its 95 % bootstrap interval over people. <b>Bold</b>: the best of "
        "the methods.</p>",
        _quick(metrics),
        "</header>",
        *(_part(metrics, part) for part in metrics["tables"]),
        *(_strata(metrics, part) for part in metrics["strata"]),
        _examples(metrics, examples),
        _failures(metrics),
        _how(metrics),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Face swaps, measured</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _quick(metrics: dict[str, Any]) -> str:
    return "<p>A quick look at a few pictures: the intervals are wide.</p>" if metrics["quick"] else ""


def _part(metrics: dict[str, Any], part: str) -> str:
    measures = ON_PAIRS if part == "pairs" else ON_PICTURES
    scopes: dict[str, Any] = dict(metrics["tables"][part])
    text = [f"<h2>{_PARTS[part]}</h2>", f"<p>{_about(metrics, part)}</p>"]
    if "overall" not in scopes:
        return "".join([*text, "<p>No face was found in any of them.</p>"])
    text.append(_table(metrics, scopes.pop("overall"), measures, "All personas"))
    for id, scope in scopes.items():
        name = escape(persona(id).name)
        text.append(f"<details><summary>{name}</summary>{_table(metrics, scope, measures, name)}</details>")
    return "".join(text)


def _about(metrics: dict[str, Any], part: str) -> str:
    lock = metrics["pictures"][part]
    if part == "pairs":
        return (
            "Rendered pairs in which somebody else and the persona do the same, so that the truth is known. What the "
            "method makes is compared before its colours are fitted to the input."
        )
    shown = " They are measured only: no picture of them is kept or shown." if part == "photos" else ""
    return f"{len(lock['files'])} {escape(lock['title'])}, each with every persona.{shown}"


def _table(metrics: dict[str, Any], scope: dict[str, Any], measures: Sequence[Measure], title: str) -> str:
    columns: dict[str, Any] = scope["columns"]
    heads = "".join(
        f'<th scope="col">{escape(_column_title(metrics, name))}<small>n {column["results"]}</small></th>'
        for name, column in columns.items()
    )
    rows: list[str] = []
    for measure in measures:
        figures = {name: column["measures"].get(measure.id) for name, column in columns.items()}
        if not any(figures.values()):
            continue
        best = _best(measure, [each for name, each in figures.items() if each and name in metrics["methods"]])
        cells = "".join(
            f"<td>{_figure(measure, each, columns[name]['results'], best if name in metrics['methods'] else '')}</td>"
            for name, each in figures.items()
        )
        head = f"{escape(measure.short)}<small>{measure.better} is better</small>"
        rows.append(f'<tr><th scope="row" title="{escape(measure.title)}">{head}</th>{cells}</tr>')
    if any(column["failed"] for column in columns.values()):
        cells = "".join(f"<td>{column['failed'] or '–'}</td>" for column in columns.values())
        rows.append(f'<tr><th scope="row">No result</th>{cells}</tr>')
    return (
        f'<div class="wide" tabindex="0"><table><caption>{title}, {scope["people"]} people</caption>'
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _column_title(metrics: dict[str, Any], name: str) -> str:
    return metrics["methods"][name]["title"] if name in metrics["methods"] else name.capitalize()


def _best(measure: Measure, figures: Sequence[dict[str, float]]) -> str:
    """The best mean as it is printed; "" when there is nothing to choose from."""
    choose = max if measure.better == "higher" else min
    printed = {f"{figure['mean']:.{measure.digits}f}" for figure in figures}
    return choose(printed, key=float) if len(printed) > 1 else ""


def _figure(measure: Measure, figure: dict[str, float] | None, results: int, best: str) -> str:
    """The mean above its interval; n only where it is not that of the column."""
    if not figure:
        return "–"
    mean, low, high = (f"{figure[key]:.{measure.digits}f}" for key in ("mean", "low", "high"))
    value = f"<b>{mean}</b>" if mean == best else mean
    count = "" if figure["n"] == results else f"<br>n {figure['n']}"
    return f"{value}<small>{low} to {high}{count}</small>"


def _strata(metrics: dict[str, Any], part: str) -> str:
    strata: dict[str, Any] = metrics["strata"][part]
    if not strata:
        return ""
    measures = [each for each in ON_PICTURES if each.id in _IN_STRATA]
    text = [
        f"<h2>{_PARTS[part]}: who is served worse</h2><p>Below each figure: the gap to all other groups with its 95 % "
        f"interval; of sharpness, the ratio. Marked: at least {_ENOUGH} people, and the interval leaves out “no gap”. "
        "One in twenty is marked by chance.</p>"
    ]
    for method in metrics["methods"]:
        shown = [each for each in measures if _measured(strata, method, each)]
        heads = "".join(f'<th scope="col">{escape(each.short)}</th>' for each in shown)
        rows: list[str] = []
        for stratum, groups in strata.items():
            for group, found in groups.items():
                enough = found["people"] >= _ENOUGH
                cells = "".join(_gap(each, found["columns"][method].get(each.id), enough) for each in shown)
                head = f"{escape(group.capitalize())}<small>{stratum}, {found['people']} people</small>"
                rows.append(f'<tr><th scope="row">{head}</th>{cells}</tr>')
        title = escape(metrics["methods"][method]["title"])
        text.append(
            f'<h3>{title}</h3><div class="wide" tabindex="0"><table><thead><tr><th></th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )
    return "".join(text)


def _measured(strata: dict[str, Any], method: str, measure: Measure) -> bool:
    return any(measure.id in found["columns"][method] for groups in strata.values() for found in groups.values())


def _gap(measure: Measure, found: dict[str, Any] | None, enough: bool) -> str:
    if not found:
        return "<td>–</td>"
    gap, none = found["gap"], 1.0 if measure.geometric else 0.0
    form = f".{measure.digits}f" if measure.geometric else f"+.{measure.digits}f"
    mean, low, high = (format(gap[key], form).replace("-", "−") for key in ("mean", "low", "high"))
    clear = ' class="clear"' if enough and not gap["low"] <= none <= gap["high"] else ""
    sign = "× " if measure.geometric else ""
    value = f"{found['value']['mean']:.{measure.digits}f}"
    return f"<td{clear}>{value}<small>{sign}{mean}<br>{low} to {high}</small></td>"


def _examples(metrics: dict[str, Any], examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    text = ["<h2>Examples</h2><p>Chosen evenly from the list of pictures, not by their looks. Every result carries its "
            "label, watermark and signature.</p>"]  # fmt: skip
    for example in examples:
        pictures = [
            _shown(_thumbnail(example.input), "Input"),
            _shown(_thumbnail(example.persona.portrait), example.persona.name),
        ]
        for method, path in example.results.items():
            title = _column_title(metrics, method)
            if path is None:
                pictures.append(
                    f'<figure><div class="none">No result</div><figcaption>{escape(title)}</figcaption></figure>'
                )
            else:
                pictures.append(_shown(path.read_bytes(), title))
        text.append(f'<div class="row">{"".join(pictures)}</div>')
    return "".join(text)


def _shown(jpeg: bytes, caption: str) -> str:
    data, words = base64.b64encode(jpeg).decode(), escape(caption)
    return f'<figure><img src="data:image/jpeg;base64,{data}" alt="{words}"><figcaption>{words}</figcaption></figure>'


def _thumbnail(path: Path) -> bytes:
    picture, stream = PIL.Image.fromarray(read_photo(path)), BytesIO()
    picture.thumbnail((_SIDE, _SIDE))
    picture.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _failures(metrics: dict[str, Any]) -> str:
    found: list[dict[str, str]] = metrics["failures"]
    if not found:
        return "<h2>What went wrong</h2><p>Nothing that these measures notice.</p>"
    items = (
        ": ".join(
            filter(None, (", ".join(filter(None, (each["picture"], each["persona"], each["method"]))), each["why"]))
        )
        for each in found[:_LISTED]
    )
    more = f"<p>and {len(found) - _LISTED} more, in metrics.json.</p>" if len(found) > _LISTED else ""
    return f"<h2>What went wrong</h2>{_list(items)}{more}"


def _how(metrics: dict[str, Any]) -> str:
    measures = [
        f"<dt>{escape(each.short)}</dt><dd>{escape(each.title)}; {each.better} is better</dd>"
        for each in (*ON_PICTURES, *ON_PAIRS)
    ]
    identity = metrics["identity"]
    notes = [
        "Results are taken after blending and before labelling. Each picture stands for one person; the bootstrap "
        "draws people, not pictures.",
        f"Identities: {identity['embedding']}. It was trained on photographs collected from the web; it judges here, "
        "and trained nothing."
        if identity["embedding"]
        else f"Identities are not compared. {identity['why_not']}",
        *(f"{words}." for words in STRATA.values()),
        *(f"Left out. {words}" for words in metrics["left_out"]),
        f"Seconds: {metrics['machine']}.",
        f"Seed {metrics['seed']}.",
    ]
    weights = [
        f"<dt>{escape(each['title'])}</dt><dd>{escape(each['weights']['sha256'] or 'no weights')}</dd>"
        for each in metrics["methods"].values()
    ]
    locks = [f"<dt>{_PARTS[part]}</dt><dd>{lock['sha256']}</dd>" for part, lock in metrics["pictures"].items()]
    return (
        f"<h2>How it was measured</h2><dl>{''.join(measures)}</dl><h3>Notes</h3>{_list(notes)}"
        f"<h3>Weights, sha256</h3><dl>{''.join(weights)}</dl>"
        f"<h3>Lists of pictures, sha256</h3><dl>{''.join(locks)}</dl>"
        '<p class="small">The checksum of every picture is in metrics.json.</p>'
    )


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in items)}</ul>"
