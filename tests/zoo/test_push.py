"""Pushing: what goes, what does not, and that the same again makes no commit."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hub_server import HubServer
from toy import RECORD, REPO, WEIGHTS, Toy

from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.train.likeness import score_of
from facezoo.train.record import read_data
from facezoo.zoo.cards import check_card
from facezoo.zoo.manifest import make_manifest
from facezoo.zoo.push import collect, push, weight_files
from facezoo.zoo.record import parse_record, record_text

CARD = "---\nlibrary_name: facezoo\nlicense: mit\npipeline_tag: image-to-image\n---\n# Toy\n"


def test_weights_card_record_previews_and_a_tag(hub: HubServer, toy: Toy) -> None:
    done = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--json")
    assert done.code == 0, done.err
    pushed = done.json
    repository = hub.repository(REPO)
    head = repository.commits[-1]
    assert pushed["commit"] == head.oid and len(repository.commits) == 2
    assert repository.tags == {pushed["tag"]: head.oid}
    local = {each.path for each in make_manifest(toy.trained).files}
    assert set(head.files) == local | {"README.md", "previews/one.png", ".gitattributes"}
    assert head.files[WEIGHTS] == (toy.trained / WEIGHTS).read_bytes()
    assert parse_record(head.files["metrics.json"].decode()) == RECORD
    check_card(head.files["README.md"].decode())
    assert pushed["weights"]["sha256"] in head.files["README.md"].decode()
    assert pushed["weights"]["repo"] == REPO and pushed["weights"]["parameters"] == 12
    print("\n".join(["first push:", *hub.requests]))

    hub.requests.clear()
    again = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--json").json
    assert (again["commit"], again["changed"]) == (head.oid, False)
    assert len(repository.commits) == 2
    assert not [request for request in hub.requests if "/commit" in request or "PUT" in request]
    print("\n".join(["second push:", *hub.requests]))


def test_pinning_changes_nothing_on_the_hub(hub: HubServer, toy: Toy) -> None:
    """The card does not name the commit that it lies in: pushed, pinned, pushed again is still one commit."""
    commit = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--json").json["commit"]
    toy.pin(commit)
    for _ in range(2):
        pushed = toy.facezoo("zoo", "push", "toy", "--json")
        assert pushed.code == 0, pushed.err
        assert pushed.json["commit"] == commit


def test_a_dry_run_shows_and_sends_nothing(hub: HubServer, toy: Toy) -> None:
    done = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--dry-run")
    assert done.code == 0 and "nothing was sent" in done.out
    for name in (WEIGHTS, "README.md", "metrics.json", "previews/one.png"):
        assert name in done.out
    assert not hub.repositories and all(request.startswith("GET") for request in hub.requests)
    assert toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--dry-run", HF_HUB_OFFLINE="1").code == 0


def test_what_changed_goes_and_what_is_stale_is_deleted(hub: HubServer, toy: Toy) -> None:
    toy.facezoo("zoo", "push", "toy", "--folder", toy.trained)
    (toy.trained / WEIGHTS).rename(toy.trained / "generator" / "renamed.safetensors")
    hub.requests.clear()
    changes = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, "--json").json["changes"]
    what = {each["path"]: each["what"] for each in changes}
    assert what[WEIGHTS] == "deleted" and what["generator/renamed.safetensors"] == "new"
    assert what["config.json"] == "same"
    assert WEIGHTS not in hub.repository(REPO).commits[-1].files
    assert ".gitattributes" in hub.repository(REPO).commits[-1].files
    assert not [request for request in hub.requests if "PUT" in request], "the same bytes were sent again"


@pytest.mark.parametrize(
    ("fault", "said"),
    [(401, "let you write"), (403, "let you write"), (412, "Somebody else"), (500, "error 500")],
)
def test_refusals(hub: HubServer, toy: Toy, fault: int, said: str) -> None:
    hub.fail(fault, "/commit/main", times=99)
    done = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained)
    assert done.code == 1 and said in done.err and len(done.err.splitlines()) == 2
    assert len(hub.repository(REPO).commits) == 1
    hub.mend()
    assert toy.facezoo("zoo", "push", "toy", "--folder", toy.trained).code == 0


def test_a_stale_parent(hub: HubServer, toy: Toy) -> None:
    """Somebody commits between our look and our commit: nothing of theirs is overwritten."""
    code = f"""
from facezoo.zoo import push as pushing
from facezoo.zoo.record import read_record
looked = pushing._remote
def meanwhile(api, repo, kind, **more):
    found = looked(api, repo, kind, **more)
    api.upload_file(path_or_fileobj=b"theirs", path_in_repo="theirs.txt", repo_id=repo)
    return found
pushing._remote = meanwhile
folder = Path({str(toy.trained)!r})
try:
    pushing.push_weights(folder, "{REPO}", record=read_record(folder), card={CARD!r})
except FacezooError as error:
    print(error.message)
"""
    assert "Somebody else changed" in toy.run(code).out
    assert "theirs.txt" in hub.repository(REPO).commits[-1].files
    assert WEIGHTS not in hub.repository(REPO).commits[-1].files


def test_nobody_is_logged_in(hub: HubServer, toy: Toy) -> None:
    done = toy.facezoo("zoo", "push", "toy", "--folder", toy.trained, HF_TOKEN="wrong")
    assert done.code == 1 and "HF_TOKEN" in done.err
    assert not hub.repositories


def test_weights_without_a_record_do_not_go(hub: HubServer, toy: Toy) -> None:
    record = json.loads((toy.trained / "metrics.json").read_text())
    (toy.trained / "metrics.json").write_text(json.dumps(record | {"data": []}))
    assert toy.facezoo("zoo", "push", "toy", "--folder", toy.trained).code == 6
    (toy.trained / "metrics.json").unlink()
    assert toy.facezoo("zoo", "push", "toy", "--folder", toy.trained).code == 6
    assert not hub.repositories


def test_what_cannot_go(toy: Toy) -> None:
    files = weight_files(toy.trained, RECORD, CARD)
    for missing in ("README.md", "config.json", WEIGHTS):
        with pytest.raises(UsageError):
            push({name: each for name, each in files.items() if name != missing}, REPO, dry_run=True)
    with pytest.raises(WeightsUnavailable):
        push({name: each for name, each in files.items() if name != "metrics.json"}, REPO, dry_run=True)
    for name in ("model.bin", "model.pth", "run.py", "weights.ckpt"):
        with pytest.raises(UsageError, match=name):
            push({**files, name: b"x"}, REPO, dry_run=True)
    for card in ("# no front matter", CARD.replace("mit", "wtfpl"), CARD.replace("image-to-image", "face-swap")):
        with pytest.raises(UsageError):
            push({**files, "README.md": card.encode()}, REPO, dry_run=True)
    with pytest.raises(UsageError):
        push(files, "no-owner", dry_run=True)


def test_data_sets_and_spaces(hub: HubServer, toy: Toy, tmp_path: Path) -> None:
    for kind, content in (("dataset", "table.csv"), ("space", "app.py")):
        folder = tmp_path / kind / "try-me"
        folder.mkdir(parents=True)
        (folder / "README.md").write_text("---\nlicense: mit\n---\n")
        (folder / content).write_text("1,2\n")
        (folder / ".secret").write_text("x")
        for _ in range(2):
            done = toy.facezoo("zoo", "push", folder, "--kind", kind)
            assert done.code == 0, done.err
        repository = hub.repository("teacher/try-me", kind)
        assert len(repository.commits) == 2
        assert set(repository.commits[-1].files) == {"README.md", content, ".gitattributes"}
    (folder / "evil.exe").write_text("x")
    assert toy.facezoo("zoo", "push", folder, "--kind", "space").code == 2
    with pytest.raises(UsageError):
        collect(tmp_path / "none", "space")


def test_a_method_without_weights_has_nothing_to_push(toy: Toy) -> None:
    done = toy.facezoo("zoo", "push", "toy")
    assert done.code == 2 and "from training" in done.err


def test_a_training_script_publishes(hub: HubServer, toy: Toy, tmp_path: Path) -> None:
    """Scores, training and data become a record; without the data's consent a run does not even begin."""
    (tmp_path / "data.json").write_text(json.dumps([asdict(each) for each in RECORD.data]))
    data = read_data(str(tmp_path / "data.json"))
    score = score_of("l1_mouth", "L1 of the mouth", [3.0, 5.0], {"damaged": [4.0, 8.0]}, better="lower")
    code = f"""
from facezoo.train.record import push_run
from facezoo.zoo.record import parse_record, record_text
record = parse_record({record_text(replace(RECORD, data=data, scores=(score,)))!r})
print(push_run(Path({str(toy.trained)!r}), record, "{REPO}", private=False).commit)
"""
    first, second = toy.run(code), toy.run(code)
    assert first.code == 0, first.err
    assert first.out == second.out and len(hub.repository(REPO).commits) == 2
    files = hub.repository(REPO).commits[-1].files
    record = parse_record(files["metrics.json"].decode())
    assert record.data == RECORD.data
    assert record.scores[0].result.value == 4.0 and record.scores[0].baselines["damaged"].value == 6.0
    check_card(files["README.md"].decode())
    for text in ("[{}]", "{", '[{"name": "x", "licence": "MIT", "consent": "given"}]'):
        (tmp_path / "data.json").write_text(text)
        with pytest.raises(UsageError, match="data-record"):
            read_data(str(tmp_path / "data.json"))
    with pytest.raises(UsageError, match="data-record"):
        read_data("")
