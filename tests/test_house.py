"""The house itself: imports are free, layers hold, the wheel holds what it should."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import facezoo

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "hub" / "facezoo"
PACKAGE_SOURCES = sorted(PACKAGE.rglob("*.py"))
SOURCES = [*PACKAGE_SOURCES, *sorted((REPOSITORY / "training").glob("*.py"))]
LONGEST_FILE, LONGEST_FUNCTION = 400, 40  # lines
HEAVY = ("torch", "gradio", "diffusers", "cv2", "av", "onnxruntime", "ai_edge_litert", "PIL", "huggingface_hub")


def loaded_by(statement: str) -> list[str]:
    """The heavy packages that a fresh interpreter has loaded after `statement`; nothing may be printed by it."""
    code = f"{statement}\nimport sys\nsys.stderr.write(' '.join(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    return done.stderr.split()


@pytest.mark.parametrize(
    "statement",
    [
        "import facezoo",
        "import facezoo; facezoo.list_methods(); facezoo.personas(); facezoo.errors",
        "import facezoo.cli",
        "import facezoo.method.pipeline",
        "from facezoo.registry import list_methods, describe_params\nfor s in list_methods(): describe_params(s)",
    ],
)
def test_importing_is_free(statement: str) -> None:
    assert loaded_by(statement) == []


def test_nothing_reports_usage(portrait: Path, tmp_path: Path) -> None:
    """ONNX Runtime keeps a device id and an upload queue in the user's cache folder unless it is told not to."""
    code = (
        "import sys, pathlib\nfrom facezoo.media.read import read_photo\nfrom facezoo.safety import admission\n"
        "admission.check_content(read_photo(pathlib.Path(sys.argv[1])))"
    )
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code, portrait], env=environment, check=True, capture_output=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []


def test_public_names() -> None:
    for name in facezoo.__all__:
        assert getattr(facezoo, name) is not None
    assert set(dir(facezoo)) == set(facezoo.__all__)
    assert {"list_methods", "load_spec", "run", "compare", "verify", "errors"} <= set(facezoo.__all__)
    with pytest.raises(AttributeError, match="no attribute 'swap'"):
        facezoo.swap  # noqa: B018


def test_all_lists_what_exists() -> None:
    """__all__ of every module names things the module has, each once."""
    wrong: list[str] = []
    for path in PACKAGE_SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        listed = [
            name
            for node in tree.body
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
            for name in ast.literal_eval(node.value)
        ]
        if path == PACKAGE / "__init__.py":
            continue  # `test_public_names` asks the module itself
        submodules = {child.stem for child in path.parent.iterdir()} if path.name == "__init__.py" else set[str]()
        unknown = set(listed) - names_in(tree) - submodules
        if unknown or len(listed) != len(set(listed)):
            wrong.append(f"{path.relative_to(REPOSITORY)}: {sorted(unknown) or 'a name stands twice'}")
    assert wrong == []


def names_in(tree: ast.Module) -> set[str]:
    """What a module defines or imports."""
    names = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def test_fits_in_one_sitting() -> None:
    """The two numbers of CONTRIBUTING: lines of a file, lines of a function."""
    long: list[str] = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST_FILE:
            long.append(f"{path.relative_to(REPOSITORY)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(REPOSITORY)}: {node.name} has {lines} lines")
    assert long == []


def test_nothing_is_left_for_later() -> None:
    words = ("TODO", "FIXME", "XXX", "NotImplementedError")
    assert [(path, word) for path in SOURCES for word in words if word in path.read_text(encoding="utf-8")] == []


def test_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed: pip install 'facezoo[dev]'")
    done = subprocess.run(
        [linter, "--no-logo"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["spaces", "training", "model_cards"])
def test_no_second_package(folder: str) -> None:
    """A package named `spaces` here would hide the one that Spaces import."""
    if not (REPOSITORY / folder).is_dir():
        pytest.skip(f"there is no folder {folder}")
    assert list((REPOSITORY / folder).rglob("__init__.py")) == []


def test_pictures_in_the_package_are_recorded() -> None:
    """Only synthetic people and old paintings ship, each with its licence and sha256."""
    from facezoo.zoo.embedded import consent_free, examples, personas

    recorded = {person.portrait for person in personas()} | {example.path for example in examples()}
    shipped = {path for folder in ("personas", "examples") for path in (PACKAGE / "zoo" / folder).glob("*.jpg")}
    assert shipped == recorded
    assert len(consent_free()) == len(recorded)
    assert all(person.statement and person.licence for person in personas())
    assert all(example.licence and example.title for example in examples())
    assert all(example.artist for example in examples() if example.kind == "painting")


@pytest.mark.slow
def test_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install 'facezoo[dev]'")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"facezoo", f"facezoo-{facezoo.__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name or "test" in Path(name).name]
    for pattern in ("*.py", "*.tflite", "*.jpg", "*.json", "*.txt", "*.css", "*.js", "*.html", "py.typed", "NOTICE"):
        for path in PACKAGE.rglob(pattern):
            assert path.relative_to(PACKAGE.parent).as_posix() in names
    licences = {Path(name).name for name in names if "/licenses/" in name}
    assert {"LICENSE", "NOTICE", "LICENSE.txt"} <= licences
