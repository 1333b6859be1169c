"""The registry, and what every method says about itself."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from facezoo import registry
from facezoo.errors import FacezooError, UsageError
from facezoo.method.pipeline import Pipeline
from facezoo.types import MethodSpec, Range

PACKAGE = Path(registry.__file__).parent


@dataclasses.dataclass(frozen=True)
class Params:
    task: Literal["one", "two"] = "one"
    strength: Annotated[float, Range(0, 2)] = 1.0
    steps: Annotated[int, Range(1, 50)] = 20
    relative: bool = True


def spec_with(params: type) -> MethodSpec:
    return MethodSpec(
        "toy",
        "Toy",
        2020,
        "",
        "A toy.",
        "rules",
        ("swap",),
        "Apache-2.0",
        "toy:Toy",
        params,
        "Does nothing.",
        "Nothing.",
    )


def test_spec_is_complete(method_id: str) -> None:
    spec = registry.load_spec(method_id)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.id)
    assert (PACKAGE / "methods" / spec.id / "__init__.py").is_file()
    assert 1990 < spec.year < 2100
    assert spec.paper == "" or spec.paper.startswith("https://")
    for text in (spec.title, spec.summary, spec.limits, spec.trained_on, spec.licence):
        assert text.strip() == text
        assert text
    for sentence in (spec.summary, spec.limits, spec.trained_on):
        assert sentence.endswith(".")
    assert spec.tasks
    assert spec.inputs.media


def test_parameters_can_be_shown_and_read_back(method_id: str) -> None:
    spec = registry.load_spec(method_id)
    described = registry.describe_params(spec)
    assert [each.name for each in described] == [field.name for field in dataclasses.fields(spec.params)]
    defaults = spec.params()
    assert registry.parse_params(spec, {}) == defaults
    assert registry.parse_params(spec, {each.name: str(each.default) for each in described}) == defaults
    for each in described:
        with pytest.raises(UsageError, match=each.name):
            registry.parse_params(spec, {each.name: "no such value"})


def test_weights_are_pinned(method_id: str) -> None:
    weights = registry.load_spec(method_id).weights
    if weights.repo:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", weights.repo)
        assert re.fullmatch(r"[0-9a-f]{40}", weights.revision)
        assert re.fullmatch(r"[0-9a-f]{64}", weights.sha256)
        assert weights.parameters > 0
        assert weights.bytes > 0
    elif weights.sha256:  # they ship with facezoo
        assert not weights.revision
        assert weights.parameters > 0
        assert (PACKAGE / "zoo" / "weights" / method_id / "config.json").is_file()
    else:
        assert not (weights.revision or weights.parameters or weights.bytes)


def test_pipeline_is_a_face_pipeline(method_id: str) -> None:
    spec = registry.load_spec(method_id)
    if spec.weights.repo:
        pytest.skip("its weights are on the Hub")
    pipeline = registry.load(method_id)
    assert isinstance(pipeline, Pipeline)
    assert pipeline.spec == spec
    assert registry.load(method_id) is pipeline


def test_methods_are_ordered_by_age() -> None:
    years = [spec.year for spec in registry.list_methods()]
    assert years == sorted(years)


def test_unknown_method_names_near_matches(method_id: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.load_spec(method_id[:-1])
    assert method_id in caught.value.advice


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Params()),
        ({"task": "two", "strength": "0.5", "steps": "7", "relative": "false"}, Params("two", 0.5, 7, False)),
        ({"strength": 2, "steps": 3.0, "relative": True}, Params(strength=2.0, steps=3)),
        ({"relative": "Yes"}, Params()),
    ],
)
def test_parse(given: dict[str, Any], expected: Params) -> None:
    parsed = registry.parse_params(spec_with(Params), given)
    assert parsed == expected
    assert type(parsed.steps) is int
    assert type(parsed.strength) is float


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"task": "three"}, "one | two"),
        ({"strength": "2.1"}, "0 to 2"),
        ({"strength": "nan"}, "0 to 2"),
        ({"strength": True}, "0 to 2"),
        ({"strength": None}, "0 to 2"),
        ({"steps": "2.5"}, "whole"),
        ({"steps": "1e400"}, "whole"),
        ({"relative": "maybe"}, "true | false"),
        ({"strenght": "1"}, "Did you mean strength?"),
    ],
)
def test_parse_refuses(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.parse_params(spec_with(Params), given)
    assert next(iter(given)) in caught.value.message
    assert said in caught.value.advice


@pytest.mark.parametrize(
    "field",
    [("free", str, "text"), ("bare", float, 1.0), ("pair", Annotated[str, Range(0, 1)], "a"), ("missing", bool)],
)
def test_parameters_no_widget_can_show(field: tuple[Any, ...]) -> None:
    name, hint, *default = field
    odd = dataclasses.make_dataclass("Odd", [(name, hint, *default)], frozen=True)
    with pytest.raises(FacezooError, match=name):
        registry.describe_params(spec_with(odd))


@pytest.fixture
def package_copy(tmp_path: Path) -> Path:
    """A copy of the package that a test may change."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "facezoo", ignore=shutil.ignore_patterns("__pycache__")))


def listed(package: Path) -> list[str]:
    """The ids that `facezoo methods --json` lists when it runs from this copy of the package."""
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-m", "facezoo", "methods", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return [method["id"] for method in json.loads(done.stdout)]


def duplicate(package: Path, method_id: str) -> str:
    """Copy a method's folder and give the copy a name of its own."""
    copy = package / "methods" / f"{method_id}_copy"
    shutil.copytree(package / "methods" / method_id, copy)
    for source in copy.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        source.write_text(re.sub(rf"\b{method_id}\b", copy.name, text), encoding="utf-8")
    return copy.name


def test_a_copied_folder_is_a_new_method(package_copy: Path, method_id: str) -> None:
    before = listed(package_copy)
    copy = duplicate(package_copy, method_id)
    assert sorted(listed(package_copy)) == sorted([*before, copy])
    code = f"from facezoo.registry import load; print(type(load({copy!r})).__module__)"
    if not registry.load_spec(method_id).weights.sha256:
        environment = os.environ | {"PYTHONPATH": str(package_copy.parent)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip().startswith(f"facezoo.methods.{copy}.")


def test_a_deleted_folder_is_gone_and_nothing_else(package_copy: Path, method_id: str) -> None:
    before = listed(package_copy)
    copy = duplicate(package_copy, method_id)
    shutil.rmtree(package_copy / "methods" / method_id)
    assert sorted(listed(package_copy)) == sorted([each for each in before if each != method_id] + [copy])


def test_without_any_method(package_copy: Path) -> None:
    for folder in (package_copy / "methods").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    assert listed(package_copy) == []


def test_id_must_be_the_folder_name(package_copy: Path, method_id: str) -> None:
    copy = package_copy / "methods" / duplicate(package_copy, method_id)
    with (copy / "__init__.py").open("a", encoding="utf-8") as stream:
        stream.write('\nimport dataclasses\n\nSPEC = dataclasses.replace(SPEC, id="something_else")\n')
    environment = os.environ | {"PYTHONPATH": str(package_copy.parent)}
    command = [sys.executable, "-m", "facezoo", "methods"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert copy.name in done.stderr
    assert "something_else" in done.stderr
    assert "Traceback" not in done.stderr
