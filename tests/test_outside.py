"""Files that others' programs read: Dockerfile, compose, Caddyfile, workflows, forms, citation."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import facezoo

REPOSITORY = Path(__file__).parents[1]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
SCHEMAS = [
    ("compose-spec", "compose.yaml"),
    ("citation-file-format", "CITATION.cff"),
    ("github-workflows", ".github/workflows/ci.yml"),
    ("github-workflows", ".github/workflows/release.yml"),
    ("github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
    ("github-issue-forms", ".github/ISSUE_TEMPLATE/method.yml"),
    ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
]


def program(name: str) -> str:
    """A program of this environment or machine."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return found or pytest.skip(f"{name} is not installed")


def check(*command: str, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("schema", "file"), SCHEMAS, ids=[file for _, file in SCHEMAS])
def test_what_the_schemas_say(schema: str, file: str) -> None:
    check(program("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", file)


def test_the_dockerfile_passes_hadolint() -> None:
    check(program("hadolint"), "Dockerfile")


@pytest.mark.parametrize("domain", ["localhost", "faces.example"])
def test_caddy_takes_its_file(domain: str) -> None:
    check(
        program("caddy"), "validate", "--config", "Caddyfile", "--adapter", "caddyfile", DOMAIN=domain, HUB="hub:7860"
    )


def test_the_image_installs_extras_that_there_are() -> None:
    (extras,) = re.findall(r'"\.\[([a-z,]+)\]"', DOCKERFILE)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert extras in (REPOSITORY / "spaces" / "hub" / "requirements.txt").read_text(encoding="utf-8")


def test_only_what_the_image_needs_is_sent_to_the_builder() -> None:
    """Every source of a COPY from here is let through by .dockerignore."""
    let_through = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {name for line in copied for name in line.split()} == let_through
    assert all((REPOSITORY / name).exists() for name in let_through)


def image_command(word: str) -> list[str]:
    """ENTRYPOINT, CMD, or the CMD of HEALTHCHECK."""
    (found,) = re.findall(rf"^{word} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return json.loads(found)


def test_the_images_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    from facezoo.cli.app import execute

    entry, words = image_command("ENTRYPOINT"), image_command("CMD")
    assert (entry, words[:2]) == (["facezoo"], ["demo", "--public"])
    assert execute([*words, "--methods", "no_such_method"]) == 2
    assert "no_such_method" in capsys.readouterr().err  # all before it was understood


def test_versions_agree() -> None:
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {facezoo.__version__}\n" in citation
    assert f"\n## {facezoo.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
