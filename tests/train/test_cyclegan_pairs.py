"""A few steps of training/cyclegan_pairs.py, what they leave, and that a stopped run ends as one that went through."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from trainers import left_in, run, weights

from facezoo.errors import UsageError

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from facezoo.methods.cyclegan.brush import BrushGenerator  # noqa: E402
from facezoo.methods.cyclegan.model import ResnetGenerator  # noqa: E402
from facezoo.methods.cyclegan.pipeline import CycleGan  # noqa: E402
from facezoo.methods.cyclegan.spec import Params  # noqa: E402
from facezoo.train.pairs import Judge, Texture, draw_pair, read_pairs, tone  # noqa: E402
from facezoo.zoo.record import read_record  # noqa: E402

TINY = ("--ngf", "4", "--blocks", "1", "--ndf", "4", "--side", "32", "--kept", "2", "--judged", "1", "--cycled", "2",
        "--average", "0.5")  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs of squares and the same squares, striped, as training/style_pairs.py lays them out."""
    folder = tmp_path_factory.mktemp("pairs") / "any"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(4):
        photo = random.integers(0, 200, (5, 5, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        painting = photo + (np.arange(40) % 4 < 2).astype(np.uint8)[:, None, None] * 40
        for kind, picture in (("photo", photo), ("painting", painting)):
            Image.fromarray(picture).save(folder / f"{number:06d}_{kind}.png")
    (folder / "pairs.jsonl").write_text("".join(f'{{"number": {number}}}\n' for number in range(4)))
    told = {"consent": "synthetic", "statement": "Drawn by a test."}
    (folder.parent / "settings.json").write_text(json.dumps(told))
    return folder


def test_pairs_are_drawn_together(pairs: Path) -> None:
    there, told = read_pairs(pairs)
    assert there.photos.shape == there.paintings.shape == (4, 40, 40, 3) and told["consent"] == "synthetic"
    assert there.forth.shape == there.back.shape == (4, 40, 40, 8) and (there.forth != there.back).any()
    torch.manual_seed(0)
    seen, wanted, forth, back = draw_pair(there, 6, 32)
    assert seen.shape == wanted.shape == (6, 3, 32, 32) and forth.shape == back.shape == (6, 8, 32, 32)
    assert forth.min() >= -1 and forth.max() <= 1
    stripes = (wanted - seen) * 127.5
    assert stripes.min() > -0.01 and stripes.max() == pytest.approx(40, abs=0.01)  # the same place of the same pair
    assert torch.allclose(stripes, stripes.flip(3), atol=1e-4)  # stripes lie, they do not stand: both were mirrored
    with pytest.raises(UsageError, match="no pairs"):
        read_pairs(pairs.parent)


def test_texture_tells_stripes_from_none_wherever_they_lie() -> None:
    flat = torch.zeros(1, 3, 64, 64)
    stripes = ((torch.arange(64) % 8 < 4).float() - 0.5)[None, None, :, None].expand(1, 3, 64, 64)
    texture = Texture()
    assert texture(flat, flat) == 0
    moved = texture(stripes, stripes.roll(3, dims=2))
    assert moved < 0.2 * texture(stripes, flat)
    assert moved < 0.5 * texture(stripes, stripes.transpose(2, 3))  # the direction counts
    assert tone(stripes).abs().max() < 0.5 * stripes.abs().max()


def test_a_judge_learns_to_tell_pairs(pairs: Path) -> None:
    there, _ = read_pairs(pairs)
    torch.manual_seed(0)
    judge = Judge(4)
    rules = torch.optim.Adam(judge.parameters(), 1e-2)
    seen, wanted, _, _ = draw_pair(there, 2, 40)
    first = judge(seen, seen, wanted)
    for _ in range(30):
        rules.zero_grad()
        judge(seen, seen, wanted).backward()
        rules.step()
    assert judge(seen, seen, wanted) < 0.5 * first
    fooled, apart = judge.against(seen, seen, wanted)
    assert fooled > judge.against(seen, wanted, wanted)[0] and apart > 0 == judge.against(seen, wanted, wanted)[1]


def test_two_steps_and_what_they_leave(tmp_path: Path, pairs: Path, script: Callable[[str], ModuleType]) -> None:
    """A folder that the method itself takes as it is; and nothing is learned from there on at rate 0."""
    trainer, final = script("cyclegan_pairs"), tmp_path / "run" / "final"
    run(trainer, "--pairs", pairs, "--output", tmp_path / "run", *TINY, "--steps", "2")
    networks = {f"final/{name}/{file}" for name in ("photo", "painting")
                for file in ("config.json", "diffusion_pytorch_model.safetensors")}  # fmt: skip
    assert left_in(tmp_path / "run") == networks | {
        "config.yaml", "final.png", "losses.csv", "final/config.json", "final/metrics.json"
    }  # fmt: skip
    record = read_record(final, "cyclegan")
    assert record.training.script == "training/cyclegan_pairs.py"
    assert [(each.consent, each.count) for each in record.data] == [("synthetic", 2)]
    metrics = ["texture_painting", "tone_painting", "texture_photo", "tone_photo"]
    assert [each.metric for each in record.scores] == metrics
    pipeline = CycleGan.from_pretrained(final)
    assert {type(each) for each in pipeline.networks.values()} == {BrushGenerator}
    picture = np.asarray(Image.open(pairs / "000000_photo.png"))[:37]
    assert pipeline.restyle(picture, [], params=Params()).shape == picture.shape
    more = ("--steps", "1", "--rate", "0", "--init-from", final)
    run(trainer, "--pairs", pairs, "--output", tmp_path / "more", *TINY, *more)
    assert weights(tmp_path / "more" / "final") == weights(final)
    ResnetGenerator(ngf=4, n_blocks=1).save_pretrained(final / "photo")  # as training/cyclegan.py leaves it
    run(trainer, "--pairs", pairs, "--output", tmp_path / "mixed", *TINY, *more)
    kept = [weights(tmp_path / each / "final" / "painting") for each in ("mixed", "more")]
    assert kept[0] == kept[1]
    with pytest.raises(UsageError, match="init-from"):
        run(trainer, "--pairs", pairs, "--output", tmp_path / "none", *TINY, "--steps", "1", "--init-from", tmp_path)


def test_a_stopped_run_ends_with_the_same_weights(
    tmp_path: Path, pairs: Path, script: Callable[[str], ModuleType]
) -> None:
    trainer, places = script("cyclegan_pairs"), ("--pairs", pairs, "--output", tmp_path / "run", *TINY)
    run(trainer, *places, "--steps", "5", "--every", "1")
    through = weights(tmp_path / "run" / "final")
    run(trainer, *places, "--steps", "5", "--resume", tmp_path / "run" / "checkpoints" / "00000004")
    assert weights(tmp_path / "run" / "final") == through


def test_one_way_alone(tmp_path: Path, pairs: Path, script: Callable[[str], ModuleType]) -> None:
    """The other is what --init-from says."""
    trainer, both = script("cyclegan_pairs"), tmp_path / "both" / "final"
    run(trainer, "--pairs", pairs, "--output", tmp_path / "both", *TINY, "--steps", "1")
    alone = ("--steps", "2", "--forth", "0", "--back", "1", "--init-from", both)
    run(trainer, "--pairs", pairs, "--output", tmp_path / "back", *TINY, *alone)
    now = tmp_path / "back" / "final"
    assert weights(now / "painting") == weights(both / "painting") and weights(now / "photo") != weights(both / "photo")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--names", "photo", "persona", "anyone"), "--names"),
        (("--side", "30"), "--side"),
        (("--forth", "0", "--back", "0"), "--back"),
        (("--forth", "-1"), "--forth"),
        (("--back", "0"), "--cycled"),
    ],
)
def test_settings_that_cannot_be(wrong: tuple[str, ...], message: str, script: Callable[[str], ModuleType],
                                 capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    with pytest.raises(SystemExit):
        run(script("cyclegan_pairs"), "--pairs", "x", "--output", "y", *wrong)
    assert message in capsys.readouterr().err


def test_too_few_pairs_are_said(tmp_path: Path, pairs: Path, script: Callable[[str], ModuleType]) -> None:
    with pytest.raises(UsageError, match="too few or too small"):
        run(script("cyclegan_pairs"), "--pairs", pairs, "--output", tmp_path / "run", *TINY, "--kept", "4")
