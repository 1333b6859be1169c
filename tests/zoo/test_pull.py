"""Pulling: from where weights come, in which order, with which requests, and what is never loaded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import HubServer
from toy import LOCATE, PRELUDE, RECORD, REPO, WEIGHTS, Toy

from facezoo.errors import WeightsUnavailable
from facezoo.zoo.manifest import fingerprint, make_manifest, manifest_text, read_manifest
from facezoo.zoo.record import parse_record, read_record, record_text


def test_requests_of_a_cold_and_a_warm_pull(hub: HubServer, toy: Toy) -> None:
    """Cold: HEAD and GET for each file, and one GET more where the Hub stores it elsewhere.
    Warm, with or without a server, and offline: none."""
    commit = toy.publish()
    found = toy.locate()
    assert (found["source"], found["sha256"]) == ("Hub", fingerprint(toy.trained))
    print("\n".join(["cold pull:", *hub.requests]))
    wanted = []
    for name in ("config.json", "generator/config.json", WEIGHTS, "metrics.json"):
        where = f"/{REPO}/resolve/{commit}/{name}"
        elsewhere = [request for request in hub.requests if "/cdn/" in request] if name == WEIGHTS else []
        wanted += [f"HEAD {where}", f"GET {where}", *elsewhere]
    assert hub.requests == wanted
    assert toy.loadable() == {each.path: each.sha256 for each in make_manifest(toy.trained).files}
    hub.requests.clear()
    assert toy.locate()["source"] == "Hub cache"
    assert toy.locate(HF_HUB_OFFLINE="1")["source"] == "Hub cache"
    print("\n".join(["warm pull:", *(hub.requests or ["(none)"])]))
    assert hub.requests == []
    hub.stop()
    assert toy.locate()["source"] == "Hub cache"


def test_only_what_is_missing_is_fetched(hub: HubServer, toy: Toy) -> None:
    toy.publish()
    folder = Path(toy.locate()["folder"])
    (folder / WEIGHTS).resolve().unlink()
    hub.requests.clear()
    assert toy.locate()["source"] == "Hub"
    assert {request.split("/")[-1] for request in hub.requests if "resolve" in request} == {Path(WEIGHTS).name}


def test_a_changed_file_in_the_cache_is_taken_out_and_fetched_again(hub: HubServer, toy: Toy) -> None:
    toy.publish()
    weights = Path(toy.locate()["folder"]) / WEIGHTS
    content = weights.read_bytes()
    weights.resolve().write_bytes(content[:-1] + b"\1")
    told = toy.locate(HF_HUB_OFFLINE="1")
    assert told["error"] == "WeightsUnavailable" and "HF_HUB_OFFLINE" in told["message"]
    assert WEIGHTS not in toy.loadable()
    assert toy.locate()["source"] == "Hub" and weights.read_bytes() == content


def test_what_nobody_listed_is_never_loaded(hub: HubServer, toy: Toy) -> None:
    """A file that somebody puts beside the weights, where a loader might prefer it."""
    toy.publish()
    folder = Path(toy.locate()["folder"])
    for name in ("generator/diffusion_pytorch_model.fp16.safetensors", "generator/model.safetensors.index.json"):
        (folder / name).write_bytes((folder / WEIGHTS).read_bytes())
    assert toy.locate(HF_HUB_OFFLINE="1")["source"] == "Hub cache"
    assert set(toy.loadable()) == {each.path for each in make_manifest(toy.trained).files}


def test_going_on_after_a_kill(hub: HubServer, toy: Toy) -> None:
    """Killed in the middle; the next process asks for the rest only. huggingface_hub writes 10 MB at once."""
    toy.train(padding=30_000_000)
    toy.publish()
    hub.fail("slow", "GET /cdn/", seconds=0.01)
    command = [sys.executable, "-c", PRELUDE.replace("{root!r}", repr(str(toy.root))) + LOCATE]
    process = subprocess.Popen(command, env=hub.environment(toy.home), stdout=subprocess.DEVNULL)
    blobs = toy.home / "hub" / f"models--{REPO.replace('/', '--')}" / "blobs"
    limit = time.monotonic() + 60
    while not any(path.stat().st_size > 0 for path in blobs.glob("*.part")) and time.monotonic() < limit:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    (part,) = blobs.glob("*.part")
    assert 0 < part.stat().st_size < 30_000_000
    assert WEIGHTS not in toy.loadable()
    hub.mend()
    hub.requests.clear()
    kept = part.stat().st_size
    assert toy.locate()["source"] == "Hub"
    assert [request.rpartition("[")[2] for request in hub.requests if "/cdn/" in request] == [f"bytes={kept}-]"]
    assert not list(blobs.glob("*.part"))


def test_a_part_that_is_wrong_is_started_over(hub: HubServer, toy: Toy) -> None:
    toy.train(padding=200_000)
    toy.publish()
    assert toy.locate()["source"] == "Hub"
    weights = next(each for each in make_manifest(toy.trained).files if each.path == WEIGHTS)
    blobs = toy.home / "hub" / f"models--{REPO.replace('/', '--')}" / "blobs"
    for junk in (b"\0" * 1000, b"\0" * weights.bytes, b"\0" * (weights.bytes + 5)):
        (blobs / weights.sha256).unlink()
        (blobs / f"{weights.sha256}.part").write_bytes(junk)
        told = toy.locate()
        assert told.get("source") == "Hub" or "other bytes" in told["message"]
        assert toy.locate()["source"] in ("Hub", "Hub cache")


# --- the order


def test_an_own_folder_comes_first(hub: HubServer, toy: Toy, tmp_path: Path) -> None:
    """As a bundle lays them out, one folder a method, or one folder of weights; other methods are not touched."""
    toy.publish()
    other = toy.root / "own" / "toy"
    toy.train(seed=5)
    shutil.copytree(toy.trained, other)
    assert not hub.requests
    for folder in (other.parent, other):
        told = toy.locate(FACEZOO_WEIGHTS=str(folder))
        assert (told["source"], told["sha256"]) == ("own folder", fingerprint(other))
    assert hub.requests == []
    listed = toy.facezoo("zoo", "list", "--json", FACEZOO_WEIGHTS=str(other)).json
    assert [row["source"] for row in listed if row["method"] == "toy"] == ["own folder"]
    (tmp_path / "empty").mkdir()
    for name, said in (("empty", "none at all"), ("none", "it is no folder")):
        told = toy.locate(FACEZOO_WEIGHTS=str(tmp_path / name))
        assert told["error"] == "WeightsUnavailable" and said in told["message"] and "unset" in told["advice"]
    assert hub.requests == [], "no other weights take the place of those that were named"


def test_an_own_folder_must_be_as_its_manifest_says_and_have_a_record(hub: HubServer, toy: Toy) -> None:
    toy.publish()
    (toy.trained / "manifest.json").write_text(manifest_text(make_manifest(toy.trained)))
    environment = {"FACEZOO_WEIGHTS": str(toy.trained)}
    assert toy.locate(**environment)["source"] == "own folder"
    content = (toy.trained / WEIGHTS).read_bytes()
    (toy.trained / WEIGHTS).write_bytes(content[:-1] + b"\7")
    assert WEIGHTS in toy.locate(**environment)["message"]
    assert (toy.trained / WEIGHTS).exists()
    (toy.trained / WEIGHTS).write_bytes(content)
    (toy.trained / "metrics.json").unlink()
    assert "licence" in toy.locate(**environment)["message"]
    assert hub.requests == []


def test_the_copy_that_ships(hub: HubServer, toy: Toy) -> None:
    """The very files of the Hub need no Hub. A smaller copy waits until the Hub fails. A changed one is not used."""
    commit = hub.publish(REPO, toy.files())
    toy.pin(commit, embed=True)
    assert toy.locate()["source"] == "embedded"
    assert hub.requests == []

    toy.train(seed=7)
    small = make_manifest(toy.trained)
    for name, content in toy.files().items():
        (toy.embedded / name).write_bytes(content)
    (toy.embedded / "manifest.json").write_text(manifest_text(read_manifest(toy.embedded), small))
    hub.fail(500, "/resolve/", times=99)
    told = toy.locate()
    assert (told["source"], told["sha256"]) == ("embedded", small.sha256)
    assert told["seconds"] < 3
    assert toy.locate(HF_HUB_OFFLINE="1")["source"] == "embedded"
    hub.mend()
    told = toy.locate()
    assert (told["source"], told["sha256"]) == ("Hub", read_manifest(toy.embedded).sha256)

    (toy.embedded / WEIGHTS).write_bytes(b"x")
    shutil.rmtree(toy.home)
    assert toy.locate(HF_HUB_OFFLINE="1")["error"] == "WeightsUnavailable"
    assert toy.facezoo("zoo", "check").code == 6


def test_weights_that_only_ship(hub: HubServer, toy: Toy) -> None:
    toy.pin(embed=True)
    assert toy.locate()["source"] == "embedded"
    (toy.embedded / WEIGHTS).unlink()
    assert "ship with facezoo" in toy.locate()["message"]
    assert hub.requests == []


# --- records


@pytest.mark.parametrize(
    "change",
    [
        {"licence": ""},
        {"licence": "do what you like"},
        {"data": []},
        {"data": [{"name": "Faces", "licence": "MIT", "consent": "scraped", "statement": "From the net."}]},
        {"data": [{"name": "Faces", "licence": "MIT", "consent": "given", "statement": " "}]},
        {"data": [{"name": "Faces", "licence": "", "consent": "given", "statement": "They signed."}]},
        {"data": [{"name": "Faces", "licence": "MIT"}]},
        {"training": {}},
        {"previews": {"previews/../../id.png": "x"}},
    ],
    ids=str,
)
def test_records_that_are_not_enough(change: dict[str, object]) -> None:
    with pytest.raises(WeightsUnavailable):
        parse_record(json.dumps(json.loads(record_text(RECORD)) | change))


def test_a_record_comes_back_equal(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(record_text(RECORD))
    assert read_record(tmp_path, "toy") == RECORD
    with pytest.raises(WeightsUnavailable, match="toy"):
        read_record(tmp_path, "other")
    with pytest.raises(WeightsUnavailable):
        record_text(replace(RECORD, licence="none"))


def test_without_licence_or_consent_neither_listed_nor_loaded(hub: HubServer, toy: Toy) -> None:
    toy.publish()
    record = json.loads((toy.embedded / "metrics.json").read_text())
    for broken in (record | {"data": []}, record | {"licence": ""}, None):
        (toy.embedded / "metrics.json").unlink()
        if broken:
            (toy.embedded / "metrics.json").write_text(json.dumps(broken))
        assert toy.locate()["error"] == "WeightsUnavailable"
        listed = toy.facezoo("zoo", "list", "--json")
        assert "toy" not in {row["method"] for row in listed.json} and "toy is left out" in listed.err
        assert toy.facezoo("zoo", "check").code == 6
        if broken is None:
            break
    assert hub.requests == []


@pytest.mark.parametrize("path", ["../x.json", "/etc/x.json", "a/../../x.json", "x.bin", "a\\b.json", ".x.json", ""])
def test_manifests_that_lead_elsewhere(tmp_path: Path, path: str) -> None:
    listed = {"files": {path: {"sha256": "0" * 64, "bytes": 1}}}
    (tmp_path / "manifest.json").write_text(json.dumps(listed))
    with pytest.raises(WeightsUnavailable):
        read_manifest(tmp_path)


def test_a_manifest_of_other_weights_than_spec_pins(hub: HubServer, toy: Toy) -> None:
    toy.publish()
    toy.train(seed=3)
    (toy.embedded / "manifest.json").write_text(manifest_text(make_manifest(toy.trained)))
    assert "SPEC pins" in toy.locate()["message"]
    assert hub.requests == []
