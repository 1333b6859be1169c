"""Spaces: as the SPECs say, readable for the Hub, and each of them a page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facezoo import registry
from facezoo.zoo.spaces import space_files

SPACES = Path(__file__).parents[2] / "spaces"


def test_they_are_those_of_the_methods() -> None:
    """`facezoo zoo spaces spaces` makes them anew."""
    pytest.importorskip("gradio")
    found = {path.relative_to(SPACES).as_posix(): path.read_text(encoding="utf-8") for path in SPACES.rglob("*.*")}
    assert found == space_files(registry.list_methods())


@pytest.mark.parametrize("folder", sorted(path.name for path in SPACES.iterdir()))
def test_the_hub_can_read_them(folder: str) -> None:
    from huggingface_hub import SpaceCard

    data = SpaceCard((SPACES / folder / "README.md").read_text(encoding="utf-8")).data.to_dict()
    assert data["sdk"] == "gradio" and data["app_file"] == "app.py" and data["license"] == "apache-2.0"
    assert len(data["short_description"]) <= 60 and data["python_version"] == "3.12"


@pytest.mark.slow
def test_each_builds_its_page() -> None:
    pytest.importorskip("gradio")
    code = "import sys\nfrom facezoo.ui.app import build\nfor each in sys.argv[1:]:\n    build([each])\n"
    ids = [spec.id for spec in registry.list_methods()]
    done = subprocess.run([sys.executable, "-c", code, *ids], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
