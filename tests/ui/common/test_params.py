"""Widgets from a method's params."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import facezoo
from facezoo.types import MethodSpec, Range
from facezoo.ui.common.params import widgets


@dataclass(frozen=True)
class Settings:
    blend: Literal["poisson", "feather"] = "feather"
    """How it is joined."""
    region: Literal["all", "eyes", "lips", "pose", "brows"] = "all"
    strength: Annotated[float, Range(0, 2, 0.1)] = 1.0
    """How much."""
    steps: Annotated[int, Range(1, 50)] = 8
    relative: bool = True


def spec(**changes: Any) -> MethodSpec:
    values: dict[str, Any] = {
        "id": "some_method", "title": "Some method",
        "year": 2020, "paper": "https://example.org/p",
        "summary": "It does.", "family": "rules", "tasks": ("swap",), "licence": "MIT", "pipeline": "a:B",
        "params": Settings,
        "limits": "It fails.", "trained_on": "Nothing.",
    }  # fmt: skip
    return MethodSpec(**{**values, **changes})


def test_widgets_follow_the_dataclass() -> None:
    made = widgets(spec())
    assert list(made) == [field.name for field in fields(Settings)]
    kinds = [type(each).__name__ for each in made.values()]
    assert kinds == ["Radio", "Dropdown", "Slider", "Slider", "Checkbox"]
    assert made["blend"].value == "feather"
    slider: Any = made["strength"]
    assert (slider.minimum, slider.maximum, slider.step, slider.value) == (0, 2, 0.1, 1.0)
    notes = [made[name].info for name in ("blend", "region", "strength")]  # type: ignore[attr-defined]
    assert notes == ["How it is joined.", "", "How much."]


def test_every_method_has_a_widget_for_every_parameter(method_id: str) -> None:
    method = facezoo.load_spec(method_id)
    assert list(widgets(method)) == [field.name for field in fields(method.params)]
