"""Two steps of training/cyclegan.py, which files they leave, and that a stopped run ends as one that went through."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo.errors import UsageError
from facezoo.zoo.embedded import examples, personas

torch = pytest.importorskip("torch")

from facezoo.methods.cyclegan.window import alone, colors, toned  # noqa: E402
from facezoo.train.cyclegan import Average, Judges, Pool, Translators, patch_distance, warnings  # noqa: E402
from facezoo.train.unpaired import draw_crops, find_pictures, picture_folder, square  # noqa: E402

SCRIPT = Path(__file__).parents[2] / "training" / "cyclegan.py"


@pytest.fixture(scope="module")
def heaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of coloured noise, five pictures each."""
    folder = tmp_path_factory.mktemp("heaps")
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / name).mkdir()
        for number in range(5):
            Image.fromarray(random.integers(0, 255, (72, 64, 3), dtype=np.uint8)).save(folder / name / f"{number}.png")
    return folder


def _train(heaps: Path, output: Path, *more: str, launcher: tuple[str, ...] = ()) -> str:
    command = [sys.executable, *launcher, str(SCRIPT), "--a", str(heaps / "a"), "--b", str(heaps / "b"), "--output",
               str(output), "--cut", "square", "--side", "32", "--ngf", "4", "--blocks", "1", "--ndf", "4", "--kept",
               "2", "--pool", "3", "--warm-up", "1", "--threads", "1", *more]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _weights(output: Path) -> list[str]:
    files = sorted((output / "final").rglob("*.safetensors"))
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test_pictures_are_cut_once(tmp_path: Path, heaps: Path) -> None:
    cache = tmp_path / "cut" / "a.npy"
    first = find_pictures(str(heaps / "a"), 32, "square", cache)
    assert first.shape == (5, 32, 32, 3) and first.dtype == np.uint8
    assert (find_pictures("nowhere", 32, "square", cache) == first).all()
    with pytest.raises(UsageError, match="No face"):
        find_pictures(str(heaps / "a"), 32, "face", tmp_path / "faces.npy")
    with pytest.raises(UsageError, match="no pictures at owner/name"):
        picture_folder("owner/name")


def test_a_data_set_of_the_hub_is_fetched_at_its_commit(heaps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def fetch(repo: str, **more: object) -> str:
        asked.update(more, repo=repo)
        return str(heaps)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert picture_folder(f"owner/name@{'0' * 40}") == heaps
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


@pytest.mark.slow
def test_two_steps_and_what_they_leave(tmp_path: Path, heaps: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    _train(heaps, tmp_path / "run", "--steps", "2")
    left = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {path for path in left if not path.startswith(("checkpoints/", "pictures/"))} == {
        "final.png",
        "final/to_a/config.json",
        "final/to_a/diffusion_pytorch_model.safetensors",
        "final/to_b/config.json",
        "final/to_b/diffusion_pytorch_model.safetensors",
        "metrics.json",
    }
    assert {path.split("/")[1] for path in left if path.startswith("checkpoints/")} == {"00000002"}
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics["patch distance"]) == {"photo to painting", "painting to photo"}
    assert set(metrics["cycle L1"]) == {"photo", "painting"}
    before = _weights(tmp_path / "run")
    more = ("--steps", "1", "--rate", "0", "--init-from", str(tmp_path / "run" / "final"))
    _train(heaps, tmp_path / "more", *more)
    assert _weights(tmp_path / "more") == before  # nothing was learned since


@pytest.mark.slow
def test_faces_are_learned_in_one_colour(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    for name, paths in (("a", [each.path for each in examples()]), ("b", [each.portrait for each in personas()])):
        (tmp_path / name).mkdir()
        for path in paths[:4]:
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    _train(tmp_path, tmp_path / "run", "--steps", "2", "--cut", "window", "--zoom", "1")
    assert (tmp_path / "run" / "final.png").is_file()
    for name in ("to_a", "to_b"):
        config = json.loads((tmp_path / "run" / "final" / name / "config.json").read_text())
        wanted = np.array(config["colors"], np.float32).reshape(2, 3)
        assert 20 < wanted[0, 0] < 80 and (wanted[1] > 1).all()
    pictures = np.load(tmp_path / "run" / "pictures" / "a_window_34.npy")
    assert pictures.shape == (4, 34, 34, 3)
    again = alone(toned(pictures[0], wanted))
    assert np.abs(colors(again) - wanted).max() < 4
    assert (again[0, 0] == 128).all() and (again[17, 17] != 128).any()


@pytest.mark.slow
def test_a_stopped_run_ends_with_the_same_weights(tmp_path: Path, heaps: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    _train(heaps, tmp_path / "run", "--steps", "8", "--minutes", "0")
    through = _weights(tmp_path / "run")
    _train(heaps, tmp_path / "run", "--steps", "8", "--resume", str(tmp_path / "run" / "checkpoints" / "00000007"))
    assert _weights(tmp_path / "run") == through


@pytest.mark.slow
def test_two_processes_learn_together(tmp_path: Path, heaps: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    said = _train(heaps, tmp_path / "run", "--steps", "3", launcher=launcher)
    assert said.count("from step 0") == 1
    assert len(_weights(tmp_path / "run")) == 2
