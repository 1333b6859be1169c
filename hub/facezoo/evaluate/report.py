"""report.html: the tables of metrics.json and a few pictures, in one file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image

from facezoo.evaluate.figures import ON_PAIRS, ON_PICTURES, Measure
from facezoo.evaluate.subjects import STRATA
from facezoo.media.read import read_photo
from facezoo.types import Persona
from facezoo.zoo.embedded import persona

__all__ = ["Example", "render"]

_SIDE = 320  # px, the longer side of a picture
_LISTED = 40  # failures that are printed
_ENOUGH = 5  # people in a group whose gap may be marked: intervals over fewer are too narrow
_PARTS = {"portraits": "Portraits", "photos": "Photos, measured only", "pairs": "Held-back pairs"}
_IN_STRATA = ("top1", "to_persona", "pose", "nme", "expression", "sharpness")


@dataclass(frozen=True)
class Example:
    """One row of pictures. input: the picture's path; results: method -> sealed thumbnail, None when it failed."""

    input: Path
    persona: Persona
    results: dict[str, Path | None]


def render(metrics: dict[str, Any], examples: Sequence[Example]) -> str:
    """The report of what `evaluate_swaps` found, as HTML; the page is report.html beside this file."""
    import jinja2

    def titled(name: str) -> str:
        return metrics["methods"][name]["title"] if name in metrics["methods"] else name.capitalize()

    pages = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
    return pages.get_template("report.html").render(
        metrics=metrics, examples=examples, parts=_PARTS, persona=persona, strata_words=STRATA, enough=_ENOUGH,
        listed=_LISTED, measures={"portraits": ON_PICTURES, "photos": ON_PICTURES, "pairs": ON_PAIRS},
        best=_best, clear=_is_clear, measured=_measured, measured_in=_measured_in, titled=titled, rounded=_rounded,
        gap=_gap, thumbnail=_thumbnail, encoded=_encoded,
    )  # fmt: skip


def _best(metrics: dict[str, Any], measure: Measure, columns: dict[str, Any]) -> str:
    """The best mean of the methods as it is printed; "" when there is nothing to choose from, when not all are means
    over as many results, and when nobody knows whom the results look like."""
    found = [column["measures"].get(measure.id) for name, column in columns.items() if name in metrics["methods"]]
    if not metrics["identity"]["embedding"] or None in found or len({each["n"] for each in found}) > 1:
        return ""
    printed = {_rounded(each["mean"], measure) for each in found}
    return (max if measure.better == "higher" else min)(printed, key=float) if len(printed) > 1 else ""


def _measured(scope: dict[str, Any], measure: Measure) -> bool:
    return any(measure.id in column["measures"] for column in scope["columns"].values())


def _measured_in(strata: dict[str, Any], method: str) -> list[Measure]:
    """What was measured of a method in any group."""
    columns = [found["columns"][method] for groups in strata.values() for found in groups.values()]
    return [each for each in ON_PICTURES if each.id in _IN_STRATA and any(each.id in column for column in columns)]


def _is_clear(measure: Measure, gap: dict[str, float]) -> bool:
    """Whether an interval leaves out "no gap"."""
    return not gap["low"] <= (1.0 if measure.geometric else 0.0) <= gap["high"]


def _rounded(value: float, measure: Measure) -> str:
    return f"{value:.{measure.digits}f}"


def _gap(value: float, measure: Measure) -> str:
    return format(value, f"{'' if measure.geometric else '+'}.{measure.digits}f").replace("-", "−")


def _thumbnail(path: Path) -> str:
    picture, stream = PIL.Image.fromarray(read_photo(path)), BytesIO()
    picture.thumbnail((_SIDE, _SIDE))
    picture.save(stream, "JPEG", quality=88)
    return base64.b64encode(stream.getvalue()).decode()


def _encoded(path: Path | None) -> str:
    """The bytes of a file for a data address, "" without one."""
    return base64.b64encode(path.read_bytes()).decode() if path else ""
