"""Two steps of training/cyclegan.py, which files they leave, and that a stopped run ends as one that went through."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from trainers import WHOSE, left_in, run, weights

from facezoo.errors import UsageError
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.zoo.embedded import examples, personas

torch = pytest.importorskip("torch")

pytest.importorskip("accelerate", reason="accelerate is not installed")

from facezoo.methods.cyclegan import Params  # noqa: E402
from facezoo.methods.cyclegan.pipeline import CycleGan  # noqa: E402
from facezoo.methods.cyclegan.window import alone, colors, toned  # noqa: E402
from facezoo.train.cyclegan import (  # noqa: E402
    Judges,
    Pool,
    Translators,
    draw_crops,
    find_pictures,
    patch_distance,
    square,
    warnings,
)
from facezoo.train.loop import Average  # noqa: E402
from facezoo.train.sources import folder_of  # noqa: E402
from facezoo.zoo.record import read_record  # noqa: E402

TINY = ("--side", "32", "--ngf", "4", "--blocks", "1", "--ndf", "4", "--kept", "2", "--pool", "3", "--warm-up", "1",
        *WHOSE)  # fmt: skip
SQUARE = ("--cut", "square", *TINY)


def test_pictures_are_cut_once(tmp_path: Path, heaps: Path) -> None:
    first = find_pictures(str(heaps / "a"), 32, "square", tmp_path)
    assert first.shape == (5, 32, 32, 3) and first.dtype == np.uint8
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("facezoo.train.cyclegan.frames_below", None)
        assert (find_pictures(str(heaps / "a"), 32, "square", tmp_path) == first).all()
    assert (find_pictures(str(heaps / "b"), 32, "square", tmp_path) != first).any()
    with pytest.raises(UsageError, match="No face"):
        find_pictures(str(heaps / "a"), 32, "face", tmp_path)
    with pytest.raises(UsageError, match="no folder owner/name"):
        folder_of("owner/name")


def test_a_data_set_of_the_hub_is_fetched_at_its_commit(heaps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def fetch(repo: str, **more: object) -> str:
        asked.update(more, repo=repo)
        return str(heaps)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert folder_of(f"owner/name@{'0' * 40}") == heaps
    assert (asked["repo"], asked["repo_type"], asked["revision"]) == ("owner/name", "dataset", "0" * 40)


def test_faces_are_cut_out_within_the_picture() -> None:
    picture = np.asarray(Image.open(personas()[0].portrait).convert("RGB"))
    wide, near = (square(picture, 64, cut) for cut in ("face", "aligned"))
    assert wide.shape == near.shape == (64, 64, 3)
    assert (wide != near).any()


def test_crops_are_drawn_at_every_scale() -> None:
    torch.manual_seed(0)
    ramp = np.broadcast_to(np.arange(128, dtype=np.uint8)[None, :, None], (128, 128, 3))[None]
    crops = draw_crops(ramp, 64, 32, 2.0)
    assert crops.shape == (64, 3, 32, 32)
    assert crops.min() >= -1 and crops.max() <= 1
    spans = (crops[..., -1] - crops[..., 0]).abs().mean(dim=(1, 2)) * 127.5
    assert spans.min() < 70 and spans.max() > 100


@pytest.mark.parametrize("norm", ["instance", "none"])
def test_translators_keep_shapes_and_the_average_follows(norm: str) -> None:
    torch.manual_seed(0)
    translators = Translators(4, 1, norm, skip=norm == "none")
    average = Average(translators)
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    made = translators(pictures, pictures)
    assert {each.shape for each in vars(made).values()} == {pictures.shape}
    assert torch.allclose(made.fake_b, made.same_b, atol=1e-5)  # the same picture through the same network
    assert (float((made.fake_b - pictures).abs().mean()) < 0.3) == (norm == "none")  # it begins by leaving it alone
    assert torch.isfinite(Judges(4)(pictures, pictures, made.fake_a, made.fake_b))
    with torch.no_grad():
        translators.to_b.model[1].weight.add_(1)
    before = average.mean.to_b.model[1].weight.clone()
    average.follow(translators, 0.9)
    moved = (average.mean.to_b.model[1].weight - before).mean()
    assert 0.05 < moved < 0.95


def test_the_pool_gives_old_fakes_half_of_the_time() -> None:
    torch.manual_seed(0)
    pool = Pool(3, 4)
    news = 0
    for number in range(203):
        fake = torch.full((1, 3, 4, 4), float(number))
        given = pool.exchange(fake)
        assert given.shape == fake.shape
        news += int(given[0, 0, 0, 0]) == number
    assert 80 < news - 3 < 120
    again = pool.recall(20)
    assert again.shape == (20, 3, 4, 4)
    assert all(any(torch.equal(one, each) for each in pool.pictures) for one in again)
    assert (Pool(0, 4).exchange(fake) == fake).all()
    assert Pool(0, 4).recall(5).shape == (0, 3, 4, 4)


def test_what_goes_wrong_is_said() -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    pictures = coarse.repeat(8, axis=1).repeat(8, axis=2)
    names = ("photo", "painting")
    assert warnings(pictures, (pictures * 0.7 + 20).astype(np.uint8), names) == []
    assert "light and dark" in warnings(pictures, 255 - pictures, names)[0]
    light = pictures.mean(axis=3, keepdims=True)
    opposite = np.clip(2 * light - pictures, 0, 255).astype(np.uint8)
    assert "colours" in warnings(pictures, opposite, names)[0]
    assert "alike" in warnings(pictures, np.repeat(pictures[:1], 6, axis=0), names)[-1]
    assert patch_distance(pictures, pictures) < 1 < patch_distance(pictures, pictures // 2)


def test_two_steps_and_what_they_leave(tmp_path: Path, heaps: Path, script: Callable[[str], ModuleType]) -> None:
    """A folder that the method itself takes as it is; and nothing is learned from there on at rate 0."""
    trainer, places = script("cyclegan"), ("--a", heaps / "a", "--b", heaps / "b")
    run(trainer, *places, "--output", tmp_path / "run", *SQUARE, "--steps", "2")
    assert left_in(tmp_path / "run") == {
        "config.yaml",
        "final.png",
        "losses.csv",
        "final/config.json",
        "final/metrics.json",
        "final/photo/config.json",
        "final/photo/diffusion_pytorch_model.safetensors",
        "final/painting/config.json",
        "final/painting/diffusion_pytorch_model.safetensors",
    }
    record = read_record(tmp_path / "run" / "final", "cyclegan")
    assert [each.metric for each in record.scores] == ["distance_painting", "distance_photo", "cycle_photo",
                                                       "cycle_painting"]  # fmt: skip
    assert [each.count for each in record.data] == [3, 3]
    final = tmp_path / "run" / "final"
    pipeline = CycleGan.from_pretrained(final)
    picture = np.asarray(Image.open(heaps / "a" / "0.png"))
    assert pipeline.restyle(picture, [], params=Params()).shape == picture.shape
    more = ("--steps", "1", "--rate", "0", "--init-from", final)
    run(trainer, *places, "--output", tmp_path / "more", *SQUARE, *more)
    assert weights(tmp_path / "more" / "final") == weights(final)


@pytest.mark.slow
def test_faces_are_learned_in_one_colour(tmp_path: Path, script: Callable[[str], ModuleType]) -> None:
    for name, paths in (("a", [each.path for each in examples()]), ("b", [each.portrait for each in personas()])):
        (tmp_path / name).mkdir()
        for path in paths[:4]:
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    places = ("--a", tmp_path / "a", "--b", tmp_path / "b", "--output", tmp_path / "run")
    run(script("cyclegan"), "--preset", "persona", *places, *TINY[:-4], "--steps", "2")
    record = read_record(tmp_path / "run" / "final", "cyclegan")
    assert [each.consent for each in record.data] == ["synthetic", "synthetic"]  # facezoo knows its own people
    for name in ("persona", "anyone"):
        config = json.loads((tmp_path / "run" / "final" / name / "config.json").read_text())
        wanted = np.array(config["colors"], np.float32).reshape(2, 3)
        assert 20 < wanted[0, 0] < 80 and (wanted[1] > 1).all()
    (file,) = (tmp_path / "run" / "pictures").glob("a_window_34_*.npy")
    pictures = np.load(file)
    assert pictures.shape == (4, 34, 34, 3)
    again = alone(toned(pictures[0], wanted))
    assert np.abs(colors(again) - wanted).max() < 4
    assert (again[0, 0] == 128).all() and (again[17, 17] != 128).any()
    face = find_faces(read_photo(personas()[0].portrait))[0]
    made = list(CycleGan.from_pretrained(tmp_path / "run" / "final")(
        iter([face]), identity=None, params=Params(task="persona")))  # fmt: skip
    assert made[0].shape[:2] == face.crop.shape[:2]


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(
    tmp_path: Path, heaps: Path, script: Callable[[str], ModuleType]
) -> None:
    trainer, places = script("cyclegan"), ("--a", heaps / "a", "--b", heaps / "b", "--output", tmp_path / "run")
    run(trainer, *places, *SQUARE, "--steps", "8", "--every", "1")
    through = weights(tmp_path / "run" / "final")
    run(trainer, *places, *SQUARE, "--steps", "8", "--resume", tmp_path / "run" / "checkpoints" / "00000007")
    assert weights(tmp_path / "run" / "final") == through


@pytest.mark.release
def test_two_processes_learn_together(tmp_path: Path, heaps: Path) -> None:
    script = Path(__file__).parents[2] / "training" / "cyclegan.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script, "--a",
               heaps / "a", "--b", heaps / "b", "--output", tmp_path, *SQUARE, "--steps", "3"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0 and done.stdout.count("5 photos, 5 paintings") == 1, done.stderr
    assert len(weights(tmp_path / "final")) == 2
