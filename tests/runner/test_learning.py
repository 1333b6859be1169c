"""Learning a face: what a head holds, how it goes on, is moved and refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import facezoo
from facezoo import runner
from facezoo.errors import BadInput, Cancelled, ConsentRequired, NoFace, UsageError
from facezoo.zoo.embedded import personas

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Learned in one step from two photos of a synthetic person."""
    folder = tmp_path_factory.mktemp("heads")
    portrait = personas()[0].portrait
    Image.open(portrait).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirrored.png")
    photos = [portrait, folder / "mirrored.png"]
    learned = runner.learn(photos, folder / "head", steps=1, consent=True)
    assert learned.steps == 1
    assert learned.consent
    return folder / "head"


def test_head_says_what_it_was_learned_from(head: Path) -> None:
    record = json.loads((head / "head.json").read_text())
    assert sorted(path.name for path in head.iterdir()) == ["generator", "head.json", "photo-1.jpg", "photo-2.png"]
    assert list(record["photos"]) == ["photo-1.jpg", "photo-2.png"]
    assert record["photos"]["photo-1.jpg"] == personas()[0].sha256
    assert sum(path.stat().st_size for path in (head / "generator").iterdir()) < 12_000_000


def test_head_moves_in_place_of_a_photo(head: Path, tmp_path: Path) -> None:
    pipeline, photo = runner.open_head(head)
    sealed = runner.run("talking_head", photo, pipeline=pipeline, params={"yaw": 12}, output=tmp_path / "moved.png")
    assert facezoo.verify(sealed.path).c2pa == "trusted"
    moved, still = np.asarray(Image.open(sealed.path).convert("RGB")), np.asarray(Image.open(photo).convert("RGB"))
    assert moved.shape == still.shape
    assert np.abs(moved.astype(int) - still).mean() > 1
    assert sealed.record["weights"]["sha256"] == json.loads((head / "head.json").read_text())["generator"]


def test_learning_goes_on_with_the_same_photos_only(head: Path, portrait: Path) -> None:
    photos = [head / "photo-1.jpg", head / "photo-2.png"]
    again = runner.learn(photos, head, steps=2, consent=True)
    assert again.steps == 2
    with pytest.raises(UsageError, match="other photos"):
        runner.learn([portrait], head, steps=2)


def test_changed_heads_are_refused(head: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(head, tmp_path / "head")
    file = tmp_path / "head" / "generator" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(BadInput, match="changed"):
        runner.open_head(tmp_path / "head")
    with pytest.raises(BadInput, match="no head"):
        runner.open_head(tmp_path)


def test_what_cannot_be_learned(portrait: Path, landscape: Path, tmp_path: Path) -> None:
    def learn(*photos: Path, **given: object) -> None:
        runner.learn(photos, tmp_path / "head", **{"steps": 1, **given})  # type: ignore[arg-type]

    small = tmp_path / "small.png"
    Image.open(portrait).resize((64, 64)).save(small)
    with pytest.raises(UsageError, match="1 to 8 photos, not 0"):
        learn()
    with pytest.raises(UsageError, match="not 40"):
        learn(*[portrait] * 40)
    with pytest.raises(UsageError, match="px high"):
        learn(small, consent=True)
    with pytest.raises(NoFace):
        learn(landscape, consent=True)
    with pytest.raises(ConsentRequired):
        learn(small)
    with pytest.raises(UsageError, match="does not exist"):
        runner.learn([portrait], tmp_path / "nowhere" / "head", steps=1)
    assert not (tmp_path / "head").exists()


def test_stopped_learning_leaves_nothing(portrait: Path, tmp_path: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Cancelled("Stopped.", "Nothing was left behind.")

    with pytest.raises(Cancelled):
        runner.learn([portrait], tmp_path / "head", steps=3, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_learning_ends_when_its_time_is_up(portrait: Path, tmp_path: Path) -> None:
    shown: list[int] = []
    learned = runner.learn([portrait], tmp_path / "head", steps=50, seconds=0.1,
                           on_picture=lambda step, _: shown.append(step))  # fmt: skip
    assert learned.steps == 1
