"""Spaces: as the SPECs say, readable for the Hub, sent by one command. tests/test_release.py starts them."""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from hub_server import HubServer
from toy import Toy

from facezoo import registry
from facezoo.zoo.spaces import HUB, space_files, space_to_push

pytest.importorskip("gradio")

SPACES = Path(__file__).parents[2] / "spaces"
KEYS = {
    "title",
    "emoji",
    "colorFrom",
    "colorTo",
    "sdk",
    "sdk_version",
    "python_version",
    "app_file",
    "app_port",
    "license",
    "short_description",
    "tags",
    "models",
    "datasets",
    "preload_from_hub",
    "thumbnail",
    "pinned",
    "header",
    "suggested_hardware",
    "suggested_storage",
    "startup_duration_timeout",
    "disable_embedding",
    "hf_oauth",
}  # of the reference
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def test_they_are_those_of_the_methods() -> None:
    """`facezoo zoo spaces spaces` makes them anew."""
    found = {path.relative_to(SPACES).as_posix(): path.read_text(encoding="utf-8") for path in SPACES.rglob("*.*")}
    assert found == space_files(registry.list_methods())


@pytest.mark.parametrize("folder", sorted(path.name for path in SPACES.iterdir()))
def test_the_front_matter_is_the_hubs(folder: str, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and values of the configuration reference, and what huggingface_hub asks the Hub to validate."""
    from huggingface_hub import SpaceCard, constants

    card = SpaceCard((SPACES / folder / "README.md").read_text(encoding="utf-8"))
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    card.validate(repo_type="space")
    assert hub.requests == ["POST /api/validate-yaml"]
    data = card.data.to_dict()
    assert set(data) <= KEYS
    assert {"title", "sdk", "sdk_version", "python_version", "app_file", "license", "short_description"} <= set(data)
    assert data["sdk"] in constants.SPACES_SDK_TYPES
    assert data["sdk_version"] == version("gradio")
    assert data["python_version"] == "3.12"
    assert data["license"] == "apache-2.0"
    assert (SPACES / folder / data["app_file"]).is_file()
    assert len(data["short_description"]) <= 60
    assert {data["colorFrom"], data["colorTo"]} <= COLOURS


def test_weights_on_the_hub_are_there_before_a_space_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of their files, at the pinned commit."""
    from huggingface_hub import SpaceCard

    spec = registry.load_spec("deepfakes")
    weights = replace(spec.weights, repo="someone/facezoo-deepfakes", revision="0123456789" * 4)
    texts = space_files([replace(spec, weights=weights)])
    for folder in ("hub", "deepfakes"):
        data = SpaceCard(texts[f"{folder}/README.md"]).data.to_dict()
        assert data["models"] == ["someone/facezoo-deepfakes"]
        (preloaded,) = data["preload_from_hub"]
        repo, names, revision = preloaded.split()
        assert (repo, revision) == (weights.repo, weights.revision)
        assert "autoencoder/diffusion_pytorch_model.safetensors" in names.split(",")


def test_the_space_of_all_has_a_picture() -> None:
    files = space_to_push(registry.list_methods(), HUB, "https://hub.example/spaces/me/facezoo")
    assert isinstance(files["thumbnail.jpg"], Path) and files["thumbnail.jpg"].read_bytes()[:3] == b"\xff\xd8\xff"
    assert b"thumbnail: https://hub.example/spaces/me/facezoo/resolve/main/thumbnail.jpg" in bytes(files["README.md"])


def test_one_command_sends_a_space(hub: HubServer, toy: Toy) -> None:
    from huggingface_hub import SpaceCard

    for _ in range(2):
        done = toy.facezoo("zoo", "push", "pix2pixhd", "--space")
        assert done.code == 0, done.err
    repository = hub.repository("teacher/facezoo-pix2pixhd", "space")
    assert len(repository.commits) == 2  # its creation, and one
    files = repository.commits[-1].files
    assert set(files) >= {"app.py", "README.md", "requirements.txt", "packages.txt", "thumbnail.jpg"}
    assert files["app.py"].decode() == (SPACES / "pix2pixhd" / "app.py").read_text(encoding="utf-8")
    picture = SpaceCard(files["README.md"].decode()).data.to_dict()["thumbnail"]
    assert picture == f"{hub.address}/spaces/teacher/facezoo-pix2pixhd/resolve/main/thumbnail.jpg"
    with urllib.request.urlopen(picture) as answer:
        assert answer.read(3) == b"\xff\xd8\xff"
