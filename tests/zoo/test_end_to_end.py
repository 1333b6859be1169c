"""The whole way: trained, pushed, pinned, pulled into a fresh cache, run, bundled for a room without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hub_server import HubServer
from toy import REPO, WEIGHTS, Toy

from facezoo.zoo.bundle import write_bundle
from facezoo.zoo.manifest import describe, fingerprint


@pytest.mark.slow
def test_push_pull_run(hub: HubServer, toy: Toy, portrait: Path, tmp_path: Path) -> None:
    pushed = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--json").json
    toy.pin(pushed["commit"])
    hub.requests.clear()
    assert not toy.home.exists() or not toy.cache()
    pulled = toy.facezoo("zoo", "pull", "toy", "--json")
    assert pulled.code == 0, pulled.err
    assert pulled.json["weights"]["sha256"] == pushed["weights"]["sha256"] == fingerprint(toy.trained)
    hub.requests.clear()

    ran = toy.facezoo("run", "toy", portrait, "-o", tmp_path / "out.png", "--consent", "--json")
    assert ran.code == 0, ran.err
    weights = {"repo": REPO, "revision": pushed["commit"], "sha256": fingerprint(toy.trained)}
    assert ran.json["weights"] == weights
    assert hub.requests == [], "a warm cache needs no request"
    hub.stop()
    again = toy.facezoo("run", "toy", portrait, "-o", tmp_path / "again.png", "--consent", "--json")
    assert again.code == 0 and again.json["weights"] == weights
    verified = toy.facezoo("verify", tmp_path / "out.png", "--json").json
    assert (verified["c2pa"], verified["method"]) == ("trusted", "toy")
    assert verified["weights"] == f"{REPO}@{pushed['commit']} sha256:{fingerprint(toy.trained)}"


@pytest.mark.slow
def test_results_say_which_weights_they_were_made_with(
    hub: HubServer, toy: Toy, portrait: Path, tmp_path: Path
) -> None:
    """An own folder is not the pinned commit, and no result claims it."""
    toy.publish()
    toy.train(seed=9)
    words = ("run", "toy", portrait, "-o", tmp_path / "out.png", "--consent", "--json")
    ran = toy.facezoo(*words, FACEZOO_WEIGHTS=str(toy.trained))
    assert ran.code == 0, ran.err
    assert ran.json["weights"] == {"repo": "", "revision": "", "sha256": fingerprint(toy.trained)}
    assert hub.requests == []


def test_pull_says_where_and_what(hub: HubServer, toy: Toy) -> None:
    old = toy.publish()
    toy.train(seed=4)
    new = toy.publish()
    assert "every file checked" in toy.facezoo("zoo", "pull", "toy").out
    other = toy.facezoo("zoo", "pull", "toy", "--revision", old, "--json")
    assert other.code == 0 and f"--weights {REPO}@{old}" in other.err
    assert other.json["weights"]["revision"] == old != new
    assert other.json["weights"]["sha256"] != fingerprint(toy.trained)
    assert toy.facezoo("zoo", "pull", "toy", "--revision", "main").code == 2
    assert toy.facezoo("zoo", "pull", "toy", "--revision", "0" * 40).code == 6
    hub.mend()
    toy.describe("Weights()")
    assert toy.facezoo("zoo", "pull", "toy").code == 2


def test_the_list_and_the_check(hub: HubServer, toy: Toy) -> None:
    commit = toy.publish()

    def row() -> dict[str, object]:
        return next(each for each in toy.facezoo("zoo", "list", "--json").json if each["method"] == "toy")

    assert (row()["here"], row()["source"], row()["commercial"], row()["licence"]) == (False, "", True, "MIT")
    assert row()["revision"] == commit and "l1, toy pairs" in row()["scores"]
    folder = Path(toy.locate()["folder"])
    assert (row()["here"], row()["source"]) == (True, "Hub cache")
    assert toy.facezoo("zoo", "check").code == 0
    (folder / WEIGHTS).resolve().write_bytes(b"changed")
    checked = toy.facezoo("zoo", "check")
    assert checked.code == 6 and "toy, Hub cache" in checked.err
    assert toy.facezoo("zoo", "pull", "toy").code == 0
    assert toy.facezoo("zoo", "check").code == 0


def test_a_bundle_for_a_room_without_a_network(hub: HubServer, toy: Toy, tmp_path: Path) -> None:
    toy.publish()
    (tmp_path / "wheels").mkdir()
    assert toy.facezoo("zoo", "bundle", tmp_path / "x.zip", "--wheels", tmp_path / "wheels").code == 2
    (tmp_path / "wheels" / "facezoo-1-py3-none-any.whl").write_bytes(b"wheel")
    for name in ("one.zip", "two.zip"):
        done = toy.facezoo("zoo", "bundle", tmp_path / name, "--wheels", tmp_path / "wheels")
        assert done.code == 0, done.err
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["one.zip", "two.zip"]

    room = tmp_path / "room"
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(room)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=room, check=True)
    assert "FACEZOO_WEIGHTS" in (room / "README.txt").read_text()
    assert [each.name for each in (room / "wheels").iterdir()] == ["facezoo-1-py3-none-any.whl"] and (
        room / "cards" / "toy.md"
    ).is_file()
    hub.stop()
    offline = {"FACEZOO_WEIGHTS": str(room / "weights"), "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")}
    told = toy.locate(**offline)
    assert (told["source"], told["sha256"]) == ("own folder", fingerprint(toy.trained))
    assert toy.facezoo("zoo", "check", **offline).code == 0
    (room / "weights" / "toy" / WEIGHTS).write_bytes(b"x")
    assert toy.facezoo("zoo", "check", **offline).code == 6


@pytest.mark.slow
def test_a_bundle_installs_itself(toy: Toy, tmp_path: Path) -> None:
    """As its README says, without a network; here with the packages that facezoo needs at hand."""
    made = toy.facezoo("zoo", "bundle", tmp_path / "room.zip")
    assert made.code == 0, made.err
    with zipfile.ZipFile(tmp_path / "room.zip") as archive:
        archive.extractall(tmp_path)
    told = (tmp_path / "README.txt").read_text()
    assert "pip install --no-index --find-links wheels" in told and "pip download --find-links wheels" in told
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--find-links", "wheels"]
    done = subprocess.run(
        [*pip, "--target", "installed", "facezoo"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    code = "import facezoo; print(facezoo.__file__, facezoo.__version__, len(facezoo.personas()))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert str(tmp_path / "installed") in said.stdout


def test_no_half_a_bundle(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_bundle(tmp_path / "x.zip", {}, {}, [tmp_path / "missing.whl"])
    assert list(tmp_path.glob("*.zip")) == []


def test_into_facezoo_itself(toy: Toy, tmp_path: Path) -> None:
    """`zoo pin`: manifest and record, with the weights or without; the folder is what the loader accepts."""
    patch = "import facezoo.train.record as record; record.WEIGHTS = root / 'weights'\n"
    pin = patch + "from facezoo.cli import main\nmain(['zoo', 'pin', 'toy', str(root / 'trained')"
    for option, source in ((", '--embed'", "embedded"), ("", None)):
        done = toy.run(f"{pin}{option}])")
        assert done.code == 0, done.err
        assert fingerprint(toy.trained) in done.out
        toy.describe(repr(describe(toy.trained)))
        assert toy.locate().get("source") == source
    assert sorted(path.name for path in toy.embedded.iterdir()) == ["manifest.json", "metrics.json"]
    listed = json.loads((toy.embedded / "manifest.json").read_text())["files"]
    assert set(listed) == {"config.json", "generator/config.json", WEIGHTS, "metrics.json"}


def test_looking_at_the_zoo_stays_light(hub: HubServer, toy: Toy) -> None:
    """Listing and locating load neither torch nor diffusers."""
    toy.publish()
    code = (
        "from facezoo.registry import load_spec\nfacezoo.zoo.pull.locate('toy', load_spec('toy').weights)\n"
        "from facezoo.cli.app import execute\nexecute(['zoo', 'list'])\n"
        "sys.stderr.write(' '.join(n for n in ('torch', 'diffusers', 'gradio', 'cv2') if n in sys.modules))"
    )
    assert toy.run(code).err == ""
