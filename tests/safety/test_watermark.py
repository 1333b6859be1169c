"""The mark: unseen, found after what happens to pictures, and not found where it is not.

The slow tests print the figures: pytest tests/safety/test_watermark.py -m slow -s
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pictures import Image, attacks, crop, psnr, shipped, textures, with_short_side

from facezoo.media.read import read_photo
from facezoo.safety.marks import THRESHOLD, detect, detect_frames, make_own_key, mark


@pytest.fixture(scope="module")
def originals() -> list[Image]:
    return shipped()


@pytest.mark.parametrize("short", [512, 1024])
def test_it_survives_what_happens_to_pictures(originals: list[Image], short: int) -> None:
    pictures = [with_short_side(image, short) for image in originals[:4]]
    table = _attacked(pictures, short)
    assert {name: found for name, (found, _) in table.items()} == dict.fromkeys(table, len(pictures))
    assert min(z for _, z in table.values()) >= THRESHOLD + 3


@pytest.mark.slow
@pytest.mark.parametrize("short", [512, 1024, 2048])
def test_it_survives_on_paintings_and_photos(shared: Path, short: int) -> None:
    pictures = [with_short_side(read_photo(path), short) for path in _some(shared, 24 if short < 2048 else 6)]
    table = _attacked(pictures, short)
    assert {name: found for name, (found, _) in table.items()} == dict.fromkeys(table, len(pictures))


@pytest.mark.parametrize("size", [(614, 768), (1080, 1920), (520, 4000)])
def test_pictures_that_are_not_square(originals: list[Image], size: tuple[int, int]) -> None:
    import cv2

    marked = mark(cv2.resize(originals[0], size[::-1], interpolation=cv2.INTER_CUBIC))
    assert marked.shape == (*size, 3)
    assert detect(marked).found
    assert detect(crop(marked, 0.8, np.random.default_rng(1))).found


@pytest.mark.parametrize("attack", ["JPEG q75", "JPEG q50", "half size", "mirrored", "turned 2", "turned -2"])
def test_small_pictures_keep_it(originals: list[Image], attack: str) -> None:
    for image in originals[:4]:
        assert detect(attacks()[attack](mark(with_short_side(image, 256)))).found


def test_it_cannot_be_seen(originals: list[Image]) -> None:
    ratios = [psnr(image, mark(image)) for image in (with_short_side(o, 768) for o in originals)]
    print(f"PSNR at 768 px: min {min(ratios):.1f} mean {np.mean(ratios):.1f} dB")
    assert min(ratios) >= 41
    for name, image in textures(512).items():
        change = np.abs(mark(image).astype(int) - image)
        assert (change == change[..., :1]).all() or image.min() == 0 or image.max() == 255, f"{name}: hue changed"
        if name in ("flat", "gradient", "clouds"):
            assert psnr(image, mark(image)) > 49, name
            assert change.max() <= 3, name


def test_any_size_and_no_change_in_place() -> None:
    for shape in ((1, 1), (64, 64), (64, 512), (333, 777)):
        image = np.full((*shape, 3), 120, np.uint8)
        assert mark(image).shape == image.shape
        assert (image == 120).all()
        assert not detect(image).found


def test_frames_add_up(originals: list[Image]) -> None:
    """At 256 px and a strong JPEG one frame says less than eight."""
    still = with_short_side(originals[0], 256)
    frames = [attacks()["JPEG q50"](mark(np.roll(still, 5 * shift, 1))) for shift in range(8)]
    alone, together = detect(frames[0]), detect_frames(frames)
    assert together.score > 1.3 * alone.score
    with pytest.raises(ValueError, match="no frames"):
        detect_frames([])


def test_another_secret_is_another_mark(originals: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    image = with_short_side(originals[0], 512)
    public = mark(image)
    monkeypatch.setenv("FACEZOO_WATERMARK_SECRET", "of this test")
    secret = mark(image)
    assert detect(secret).found
    assert detect(public).found, "marks made with the public default are recognised everywhere"
    monkeypatch.delenv("FACEZOO_WATERMARK_SECRET")
    assert not detect(secret).found


def test_a_hub_has_a_key_of_its_own(originals: list[Image], own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once and private. Its mark is this machine's, elsewhere none; the public mark is always public."""
    image = with_short_side(originals[0], 512)
    public = mark(image)
    assert (detect(public).found, detect(public).own) == (True, False)
    make_own_key()
    kept = own_home / "watermark.key"
    secret = kept.read_text(encoding="ascii")
    assert kept.stat().st_mode & 0o777 == 0o600 and len(secret) == 64
    make_own_key()
    assert kept.read_text(encoding="ascii") == secret
    assert [path.name for path in own_home.iterdir()] == ["watermark.key"]
    marked = mark(image)
    assert (detect(marked).found, detect(marked).own) == (True, True)
    assert (detect(public).found, detect(public).own) == (True, False)
    monkeypatch.setenv("FACEZOO_HOME", str(own_home / "elsewhere"))
    assert not detect(marked).found
    assert mark(image).tobytes() == public.tobytes()


def test_a_home_that_cannot_be_written_leaves_the_public_mark(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (own_home / "file").write_bytes(b"")
    monkeypatch.setenv("FACEZOO_HOME", str(own_home / "file" / "home"))
    make_own_key()
    assert "public mark" in caplog.text
    assert detect(mark(np.full((256, 256, 3), 120, np.uint8))).own is False


def test_no_false_alarm_on_shipped_pictures_and_textures(originals: list[Image]) -> None:
    random = np.random.default_rng(2)
    crops = [crop(image, float(random.uniform(0.5, 1)), random) for image in originals]
    crops += list(textures(512).values()) + [crop(image, 0.7, random) for image in textures(700).values()]
    scores = _scores(crops)
    print(f"false alarms: 0 of {len(crops)} expected, max z {max(scores):.2f}")
    assert max(scores) < THRESHOLD - 1


@pytest.mark.release
def test_no_false_alarm_in_a_thousand_crops(shared: Path) -> None:
    random = np.random.default_rng(3)

    def crops() -> Iterable[Image]:
        for path in _some(shared, 350):
            image = read_photo(path)
            for _ in range(3):
                piece = crop(image, float(random.uniform(0.4, 1)), random)
                yield with_short_side(piece, int(random.choice([256, 384, 512])))

    scores = _scores(crops())
    above = sum(score >= THRESHOLD for score in scores)
    print(f"unmarked crops: {above} of {len(scores)} found, max z {max(scores):.2f}, mean {np.mean(scores):.2f}")
    assert len(scores) >= 1000
    assert above == 0


@pytest.mark.slow
def test_speed(originals: list[Image]) -> None:
    for short, most in ((512, 0.25), (1024, 0.25), (2048, 1.0)):
        image = with_short_side(originals[0], short)
        marked = mark(image)
        marking = min(_seconds(mark, image) for _ in range(5))
        looking, finding = (min(_seconds(detect, one) for _ in range(3)) for one in (image, marked))
        print(
            f"{short} px: mark {1e3 * marking:.0f} ms, detect unmarked {1e3 * looking:.0f}, marked {1e3 * finding:.0f}"
        )
        assert marking <= most
        assert looking <= 1.0


def _attacked(pictures: list[Image], short: int) -> dict[str, tuple[int, float]]:
    """attack -> (found, lowest z); prints the table."""
    marked = [mark(image) for image in pictures]
    ratios = [psnr(before, after) for before, after in zip(pictures, marked, strict=True)]
    print(f"\n{short} px, {len(pictures)} pictures: PSNR min {min(ratios):.1f} mean {np.mean(ratios):.1f} dB")
    table: dict[str, tuple[int, float]] = {}
    for name, attack in attacks().items():
        seen = [detect(attack(image)) for image in marked]
        table[name] = sum(one.found for one in seen), min(one.score for one in seen)
        print(f"  {name:29} found {table[name][0]} of {len(seen)}, min z {table[name][1]:.1f}")
    return table


def _some(shared: Path, count: int) -> list[Path]:
    """`count` pictures, as even a share as there are of portraits, paintings and photos."""
    chosen: list[Path] = []
    for left, folder in ((3, "faces"), (2, "portraits"), (1, "paintings")):
        paths = sorted((shared / "data" / folder).rglob("*.jpg"))
        share = min(len(paths), (count - len(chosen)) // left)
        chosen += [paths[index * len(paths) // share] for index in range(share)]
    return chosen


def _scores(pictures: Iterable[Image]) -> list[float]:
    with ThreadPoolExecutor(2) as pool:
        return [found.score for found in pool.map(detect, pictures)]


def _seconds(work: object, image: Image) -> float:
    start = time.perf_counter()
    work(image)  # pyright: ignore
    return time.perf_counter() - start
