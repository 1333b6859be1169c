"""The whole protocol on a few pictures: files, schema, resuming, stopping, consent, cards."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import facezoo
from facezoo.cli.app import execute
from facezoo.errors import Cancelled, ConsentRequired, UsageError
from facezoo.evaluate import jobs
from facezoo.evaluate.figures import ON_PICTURES, Row, card_scores, failures, strata_tables, tables
from facezoo.evaluate.measuring import Settings, measure_picture
from facezoo.evaluate.report import render
from facezoo.evaluate.subjects import find_pairs, read_folder, shipped, spread
from facezoo.evaluate.swaps import Asked, evaluate_swaps
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.train.render import frames
from facezoo.train.render import store as frames_store
from facezoo.train.render.frames import FrameSettings
from facezoo.zoo.embedded import examples, persona, personas
from facezoo.zoo.record import Score

METHOD = "landmark_warp"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two synthetic portraits, a painting, and a picture without a face."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("curls", "denim", "samary"):
        shutil.copy(next(each.path for each in examples() if each.id == name), folder)
    PIL.Image.new("RGB", (320, 240), (90, 120, 90)).save(folder / "meadow.png")
    kinds = [{"file": "samary.jpg", "kind": "painting"}]
    (folder / "manifest.json").write_text(json.dumps(kinds), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered pairs of one persona, as training/persona_frames.py lays them out."""
    folder = tmp_path_factory.mktemp("pairs")
    portraits = (next(each.path for each in examples() if each.id == "curls"), persona("orla").portrait)
    faces = [find_faces(read_photo(path), crop_size=64, thorough=False)[0] for path in portraits]
    settings = FrameSettings(size=128, light=0, compression=0, background=0)
    first, second = (frames.prepare(face, settings) for face in faces)
    names: list[str] = []
    for index in range(2):
        made = frames.pair(first, second, index, seed=0, settings=settings)
        for letter, sample in (("a", made.first), ("b", made.second)):
            names.append(f"{index:06d}_{letter}")
            frames_store.write_frame(folder / "orla" / "held_back", names[-1], sample, {"portrait": "curls.jpg"})
    frames_store.gather_frames(folder / "orla" / "held_back", names, {})
    return folder


@pytest.fixture(scope="module")
def asked(pictures: Path, pairs: Path) -> Asked:
    return Asked((METHOD,), ("orla", "tarek"), pictures, None, pairs, consent=True)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation") / "new"


@pytest.fixture(scope="module")
def metrics(asked: Asked, output: Path) -> dict[str, Any]:
    return evaluate_swaps(asked, output)


def test_metrics(metrics: dict[str, Any], output: Path) -> None:
    assert json.loads((output / "metrics.json").read_text(encoding="utf-8")) == metrics
    assert metrics["version"] == "facezoo-eval v1" and metrics["facezoo"] == facezoo.__version__
    assert {"date", "machine", "seed", "identity", "methods", "strata", "left_out"} <= set(metrics)
    assert {each["name"] for each in metrics["pictures"]["portraits"]["files"]} == {
        "curls.jpg", "denim.jpg", "meadow.png", "samary.jpg",
    }  # fmt: skip
    overall = metrics["tables"]["portraits"]["overall"]
    assert overall["people"] == 3 and list(overall["columns"]) == [METHOD, "copied input", "copied persona"]
    found = overall["columns"][METHOD]
    assert (found["results"], found["failed"]) == (6, 0)
    for measure in ("pose", "nme", "expression", "outside", "sharpness", "seconds"):
        figure = found["measures"][measure]
        assert figure["low"] <= figure["mean"] <= figure["high"] and figure["n"] == 6
    assert found["measures"]["outside"]["mean"] == 1.0
    assert 0.1 < found["measures"]["nme"]["mean"] < 5
    assert overall["columns"]["copied input"]["measures"]["nme"]["mean"] == 0
    assert set(metrics["strata"]["portraits"]["kind"]) == {"photo"}  # one painting is too few
    assert [each["picture"] for each in metrics["failures"]] == ["meadow.png"]


def test_pairs_know_the_truth(metrics: dict[str, Any]) -> None:
    found = metrics["tables"]["pairs"]["orla"]
    assert found["people"] == 1 and "tarek" not in metrics["tables"]["pairs"]
    columns = {name: column["measures"] for name, column in found["columns"].items()}
    assert columns[METHOD]["l1"]["mean"] < columns["copied input"]["l1"]["mean"]
    assert columns[METHOD]["ssim"]["mean"] > columns["copied input"]["ssim"]["mean"]
    assert columns[METHOD]["l1"]["n"] == 2


def test_the_report_needs_nothing_else_and_shows_only_sealed_results(
    metrics: dict[str, Any], output: Path, tmp_path: Path
) -> None:
    page = (output / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:)', page) and "<script" not in page
    rows = page.split('<div class="row">')[1:]
    assert len(rows) == 4 and sum("No result" in row for row in rows) == 1  # the meadow
    for example in (row for row in rows if "No result" not in row):
        captions = re.findall(r"<figcaption>(.*?)</figcaption>", example)
        assert captions[0] == "Input" and captions[2] == "Landmark warp"
        data = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', example)
        sealed = tmp_path / "result.jpg"
        sealed.write_bytes(b64decode(data[2]))
        found = facezoo.verify(sealed)
        assert found.c2pa == "trusted" and found.watermark and found.method == METHOD


def test_nothing_is_measured_twice(
    metrics: dict[str, Any], asked: Asked, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ProcessPoolExecutor", None)
    again = evaluate_swaps(asked, output)
    assert {key: each for key, each in again.items() if key != "date"} == {
        key: each for key, each in metrics.items() if key != "date"
    }
    with pytest.raises(TypeError):
        evaluate_swaps(replace(asked, seed=1), output)


def test_a_stopped_evaluation_keeps_what_it_has(pictures: Path, tmp_path: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        if fraction > 0:
            assert "left" in stage
            raise Cancelled("Stopped.")

    asked = Asked((METHOD,), ("orla",), pictures, consent=True)
    with pytest.raises(Cancelled, match="goes on from here"):
        evaluate_swaps(asked, tmp_path, stop)
    kept = sorted((tmp_path / "cache").glob("*.json"))
    assert kept and not (tmp_path / "metrics.json").exists()
    times = [path.stat().st_mtime_ns for path in kept]
    evaluate_swaps(asked, tmp_path)
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_nothing_is_called_best_without_likeness_or_with_other_numbers_of_results(
    metrics: dict[str, Any], output: Path
) -> None:
    """A picture that changes nothing has no error: it may not be printed as the best one."""

    def bold(changes: dict[str, Any], lost: int) -> list[str]:
        told = json.loads(json.dumps(metrics)) | {"strata": {}} | changes
        told["methods"]["other"] = told["methods"][METHOD]
        for scope in told["tables"]["portraits"].values():
            other = scope["columns"]["other"] = json.loads(json.dumps(scope["columns"][METHOD]))
            for figure in other["measures"].values():
                figure["mean"] += 1
                figure["n"] -= lost
        return re.findall(r"<b>([\d.]+)</b>", render(told, []))

    likeness = {"identity": {"embedding": "dlib", "why_not": ""}}
    assert bold(likeness, 0)
    assert not bold(likeness, 1)
    assert not bold({"identity": {"embedding": "", "why_not": "dlib is missing."}}, 0)


def test_photos_are_measured_and_never_shown(pictures: Path, tmp_path: Path) -> None:
    asked = Asked((METHOD,), ("orla",), photos=pictures, consent=True, quick=True)
    found = evaluate_swaps(asked, tmp_path)
    assert found["tables"]["photos"]["overall"]["people"] == 3
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = {each["name"] for each in found["pictures"]["portraits"]["files"]}
    assert page.count('<div class="row">') == len(shown) == 4
    assert "no picture of them is kept" in page


def test_folders_need_consent(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ConsentRequired, match=r"meadow\.png"):
        evaluate_swaps(Asked(portraits=pictures), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_words_for_what_cannot_be(tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(UsageError, match="does not swap"):
        evaluate_swaps(Asked(("motion_transfer",)), tmp_path)
    with pytest.raises(UsageError, match="no persona"):
        evaluate_swaps(Asked(personas=("nobody",)), tmp_path)
    with pytest.raises(UsageError, match="no pictures"):
        read_folder(tmp_path, "portraits", True)
    with pytest.raises(UsageError, match="no held-back pairs"):
        find_pairs(tmp_path, ["orla"], 2)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        evaluate_swaps(Asked(), tmp_path / "file")


def test_identities_are_compared_where_the_embedder_is() -> None:
    pytest.importorskip("dlib", reason="needs facezoo[identity]")
    pytest.importorskip("face_recognition_models", reason="needs facezoo[identity]")
    subject = next(each for each in shipped() if each.name == "curls.jpg")
    settings = Settings(("orla",), True, 0, "", Path())
    swapped, copied = (
        measure_picture(subject, column, settings, lambda: None)["rows"][0]["values"]
        for column in (METHOD, "copied input")
    )
    assert swapped["to_persona"] < copied["to_persona"] and swapped["to_input"] > copied["to_input"] == 0
    assert swapped["top1"] == 1.0


def rows() -> list[Row]:
    """Four people with two personas through one method; dark skin fares worse."""
    found: list[Row] = []
    for number in range(4):
        facts = {"skin": "dark" if number < 2 else "light", "glasses": "no glasses", "turn": "facing", "kind": "photo"}
        for who in ("orla", "tarek"):
            values = {"pose": 4.0 if number < 2 else 1.0, "top1": float(number > 0), "sharpness": 0.5}
            found.append(Row("m", f"p{number}", who, facts, "", values))
            found.append(Row("copied input", f"p{number}", who, facts, "", {"pose": 0.0}))
    found.append(Row("m", "p9", "orla", found[0].groups, "The result shows no face.", {}))
    return found


def test_gaps_between_groups_are_printed() -> None:
    strata = strata_tables(rows())
    assert list(strata) == ["skin"]  # the others have one group each
    dark = strata["skin"]["dark"]["columns"]["m"]["pose"]
    assert dark["value"]["mean"] == 4.0 and dark["gap"]["mean"] == 3.0 and dark["gap"]["n"] == 4
    assert strata["skin"]["dark"]["people"] == 3


def test_what_failed_is_listed_and_counted() -> None:
    listed = failures(rows())
    assert [each["picture"] for each in listed] == ["p0", "p0", "p9"]
    assert listed[0]["why"] == "looks more like another persona" and listed[2]["why"] == "The result shows no face."
    column = tables(rows(), ON_PICTURES, ["orla", "tarek"])["overall"]["columns"]["m"]
    assert (column["results"], column["failed"]) == (8, 1)


def test_scores_are_what_a_card_holds(metrics: dict[str, Any]) -> None:
    scores = card_scores(metrics, METHOD)
    assert all(isinstance(each, Score) for each in scores)
    known = {each.metric: each for each in scores}
    assert {"pose", "nme", "expression", "l1", "ssim"} <= set(known)
    assert set(known["pose"].baselines) == {"copied input", "copied persona"}
    assert "3 people x 2 personas" in known["pose"].dataset and known["pose"].n == 6
    assert json.loads(json.dumps(asdict(known["l1"])))["better"] == "lower"
    with pytest.raises(UsageError, match="not evaluated"):
        card_scores(metrics, "deepfakes")


def test_numbers_are_spread() -> None:
    assert spread(3, 12) == [0, 1, 2] and spread(100, 3) == [0, 50, 99]
    assert len(shipped()) == len(personas()) + len(examples())


@pytest.mark.slow
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["evaluate", "--methods", METHOD, "--personas", "orla", "--quick", "-o", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Landmark error" in out and METHOD in out and "report.html" in out
    assert np.isfinite(json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["seed"])
