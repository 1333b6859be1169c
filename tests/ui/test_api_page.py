"""What docs/api.md shows is run, as it stands there, against a hub."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import facezoo

if TYPE_CHECKING:
    from tests.ui.conftest import Hub

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def snippet(language: str, hub: Hub) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert "http://127.0.0.1:7860" in found
    return found.replace("http://127.0.0.1:7860", hub.url.rstrip("/"))


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_python(hub: Hub, stranger: Path, tmp_path: Path) -> None:
    shutil.copy(stranger, tmp_path / "photo.jpg")
    told = run([sys.executable, "-c", snippet("python", hub)], tmp_path)
    assert facezoo.__version__ in told
    assert "'c2pa': 'trusted'" in told


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_http_alone(hub: Hub, stranger: Path, tmp_path: Path) -> None:
    shutil.copy(stranger, tmp_path / "photo.jpg")
    run(["bash", "-euc", snippet("bash", hub)], tmp_path)
    found = hub.verify(tmp_path / "result.png")
    assert (found["c2pa"], found["method"]) == ("trusted", "landmark_warp")


@pytest.mark.slow
def test_openapi(hub: Hub) -> None:
    with urllib.request.urlopen(f"{hub.url}gradio_api/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    for name in ("compare", "verify", *(spec.id for spec in facezoo.list_methods())):
        assert any(path.endswith(f"/{name}") for path in paths), name


def test_the_assistants_settings_are_a_command() -> None:
    (found,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    settings = json.loads(found)["mcpServers"]["facezoo"]
    done = subprocess.run(
        [sys.executable, "-m", settings["command"], *settings["args"][:-1], os.devnull],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode in (1, 2)  # that is no folder, or mcp is not installed
    assert "no folder" in done.stderr or "facezoo[mcp]" in done.stderr
