"""Weights that somebody else trained: run from a folder, pushed with a card that says what they learned, pulled."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import HubServer
from toy import RECORD, REPO, WEIGHTS, Toy

from facezoo import runner
from facezoo.errors import UsageError
from facezoo.safety.seal import verify
from facezoo.zoo.manifest import fingerprint, tag_of
from facezoo.zoo.record import Data, Training, record_text

FOREIGN = replace(
    RECORD,
    licence="CC-BY-NC-4.0",
    data=(Data("Ann and Ben", "no licence to others", "given", "Both agreed on 2 May to be faces of this model.",
               count=812, sha256="ab" * 32),),
    training=Training("training/toy.py", "none", 77, 0.25, "1 core", 65.0),
    scores=(),
    notes=("Ben wore a hat.",),
    limits="It knows Ann and Ben alone, and hats confuse it.",
    previews={},
)  # fmt: skip


@pytest.fixture
def own(toy: Toy) -> Path:
    """The toy is published and pinned; a folder of other weights, with their own record."""
    toy.publish()
    toy.train(seed=11)
    (toy.trained / "metrics.json").write_text(record_text(FOREIGN))
    toy.hub.requests.clear()
    return toy.trained


@pytest.mark.slow
def test_from_a_folder_to_the_hub_and_to_somebody_else(
    hub: HubServer, toy: Toy, own: Path, portrait: Path, tmp_path: Path
) -> None:
    """The same pixels everywhere, others than those of the method's own weights; the card is the record's."""

    def ran(name: str, *words: object, home: str = "home", **environment: str) -> tuple[str, dict[str, str]]:
        done = toy.facezoo(
            "run", "toy", portrait, "-o", tmp_path / name, "--consent", "--json", *words,
            HF_HOME=str(tmp_path / home), **environment,
        )  # fmt: skip
        assert done.code == 0, done.err
        if home == "elsewhere" and "@" in str(words):
            said.append(done.err)
        return hashlib.sha256(_pixels(tmp_path / name)).hexdigest(), done.json["weights"]

    said: list[str] = []
    shipped, _ = ran("shipped.png")
    mine, weights = ran("mine.png", "--weights", own)
    assert mine != shipped and weights == {"repo": "", "revision": "", "sha256": fingerprint(own)}
    assert verify(tmp_path / "mine.png").weights == f"sha256:{fingerprint(own)}"
    assert ran("environment.png", FACEZOO_WEIGHTS=str(own))[0] == mine

    pushed = toy.facezoo("zoo", "push", own, "--name", "facezoo-ann-and-ben", "--json").json
    repo, tag = pushed["repo"], tag_of(fingerprint(own))
    assert pushed["tag"] == tag and repo == REPO.replace("facezoo-toy", "facezoo-ann-and-ben")
    for revision in (tag, pushed["commit"]):
        there, weights = ran(f"{revision[:12]}.png", "--weights", f"{repo}@{revision}", home="elsewhere")
        assert there == mine
        assert weights == {"repo": repo, "revision": pushed["commit"], "sha256": fingerprint(own)}
    assert "CC-BY-NC-4.0" in said[0] and "Both agreed on 2 May" in said[0], "shown before the first use"
    assert "Both agreed" not in said[1], "and not again"
    pulled = toy.facezoo("zoo", "pull", f"{repo}@{tag}", HF_HOME=str(tmp_path / "third"))
    assert pulled.code == 0 and "Both agreed" in pulled.err and f"--weights {repo}@{pushed['commit']}" in pulled.out


def test_a_card_says_what_these_weights_learned_from(hub: HubServer, toy: Toy, own: Path) -> None:
    """And nothing of what the method's own weights learned from, cannot do or scored."""
    pushed = toy.facezoo("zoo", "push", own, "--name", "facezoo-ann-and-ben", "--json").json
    card = hub.repository(pushed["repo"]).commits[-1].files["README.md"].decode()
    named = f"{pushed['repo']}@{pushed['tag']}"
    for text in (
        "license: cc-by-nc-4.0", "Ann and Ben", "812", "given: everybody shown agreed", "Both agreed on 2 May",
        "77 steps in 0.25 hours on 1 core", "Ben wore a hat.", FOREIGN.limits, "CC-BY-NC-4.0 (weights)",
        f'load("toy", "{named}")', f'--weights "{named}"', f'weights="{named}"', "pip install facezoo",
    ):  # fmt: skip
        assert text in card, text
    for text in ("It only tints.", "Nothing real.", "Synthetic portraits", "ship with facezoo", "model-index", "Path("):
        assert text not in card, text
    assert toy.facezoo("zoo", "card", own).out.replace("in a folder of one's own", f"`{pushed['repo']}`") != ""


def test_weights_that_do_not_fit_stop(hub: HubServer, toy: Toy, own: Path, portrait: Path, tmp_path: Path) -> None:
    """Exit 6 and the reason; no other weights take their place."""
    words = ("run", "face2face", portrait, "-o", tmp_path / "out.png", "--consent")
    for done in (toy.facezoo(*words, FACEZOO_WEIGHTS=str(own)), toy.facezoo(*words, "--weights", own)):
        assert done.code == 6 and "holds no weights of face2face: it holds toy" in done.err
    assert toy.facezoo(*words, "--weights", f"{REPO}@main").code == 2
    (own / WEIGHTS).unlink()
    assert toy.facezoo("run", "toy", *words[2:], "--weights", own).code == 6
    assert not (tmp_path / "out.png").exists()


def test_weights_under_a_tag_of_other_weights_are_refused(hub: HubServer, toy: Toy, own: Path) -> None:
    pushed = toy.facezoo("zoo", "push", own, "--name", "facezoo-ann-and-ben", "--json").json
    hub.repository(pushed["repo"]).tags[tag_of("f" * 64)] = pushed["commit"]
    done = toy.facezoo("zoo", "pull", f"{pushed['repo']}@{tag_of('f' * 64)}")
    assert done.code == 6 and "other bytes" in done.err


def test_two_persons_of_ones_own(portrait: Path, tmp_path: Path) -> None:
    """Classic weights know two people who are no personas: either can be put on, by name; nobody else."""
    torch = pytest.importorskip("torch")
    from facezoo.methods.deepfakes.model import Autoencoder
    from facezoo.methods.deepfakes.pipeline import DeepFakes

    torch.manual_seed(0)
    network = Autoencoder(people=("ann", "ben"), anyone=())
    folder = DeepFakes({"autoencoder": network.eval()}).save_pretrained(tmp_path / "final")
    (folder / "metrics.json").write_text(record_text(replace(FOREIGN, method="deepfakes")))
    made = {
        who: runner.run("deepfakes", portrait, weights=folder, persona=who, consent=True, output=tmp_path / name)
        for who, name in (("ann", "a.png"), ("ben", "b.png"))
    }
    assert _pixels(made["ann"].path) != _pixels(made["ben"].path)
    assert made["ben"].record["persona"] == "ben"
    assert made["ben"].record["weights"]["sha256"] == fingerprint(folder)
    with pytest.raises(UsageError, match="persona"):
        runner.run("deepfakes", portrait, weights=folder, persona="carl", consent=True, output=tmp_path / "carl.png")
    with pytest.raises(UsageError, match="needs no weights"):
        runner.run("landmark_warp", portrait, weights=folder, consent=True, output=tmp_path / "x.png")


def _pixels(path: Path) -> bytes:
    from facezoo.media.read import read_photo

    return read_photo(path).tobytes()
