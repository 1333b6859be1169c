"""Pairs of photos and paintings made by rules: which files are left, that they repeat, and where colours come from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from facezoo.errors import NoFace
from facezoo.face.paste import to_lab
from facezoo.train.scene import recolor, scene
from facezoo.train.style_pairs import (
    STYLES,
    Look,
    Tones,
    choose_canvases,
    look,
    paint_over,
    tones,
    unlikeness,
)
from facezoo.zoo.embedded import personas

SCRIPT = Path(__file__).parents[2] / "training" / "style_pairs.py"
SIDE = 96
PEOPLE = [each.portrait for each in personas()]


def _picture(number: int) -> np.ndarray:
    return np.asarray(Image.open(PEOPLE[number]).convert("RGB").resize((SIDE, SIDE)))


@pytest.fixture(scope="module")
def heaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photos/ with two people and a picture without a face; paintings/ with two more people, one of them in red."""
    folder = tmp_path_factory.mktemp("heaps")
    for name in ("photos", "paintings", "held"):
        (folder / name).mkdir()
    for number in (0, 1):
        shutil.copy(PEOPLE[number], folder / "photos" / f"{number}{PEOPLE[number].suffix}")
    Image.new("RGB", (128, 128), "gray").save(folder / "photos" / "nobody.png")
    Image.open(PEOPLE[2]).convert("RGB").save(folder / "paintings" / "plain.png")
    red = np.asarray(Image.open(PEOPLE[3]).convert("RGB")) // np.array([1, 3, 4], np.uint8)
    Image.fromarray(red.astype(np.uint8)).save(folder / "paintings" / "red.png")
    told = [
        {"file": f"{name}.png", "artist": name, "title": "A face", "rights": "died 1600"} for name in ("plain", "red")
    ]
    (folder / "paintings" / "manifest.json").write_text(json.dumps(told))
    return folder


def _command(heaps: Path, output: Path, *more: str) -> list[str]:
    return [sys.executable, str(SCRIPT), "--photos", str(heaps / "photos"), "--paintings", str(heaps / "paintings"),
               "--output", str(output), "--consent", "synthetic", "--statement", "Nobody of them lives.", "--styles",
               "any", "--side", str(SIDE), "--processes", "1", *more]  # fmt: skip


def _run(heaps: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = _command(heaps, output, *more)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def pairs(heaps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "pairs"
    done = _run(heaps, output)
    assert done.returncode == 0, done.stderr
    assert "nobody.png, any left out" in done.stdout
    return output


def test_a_pair_is_two_pictures_and_a_line(pairs: Path) -> None:
    names = {f"{number:06d}_{kind}.png" for number in (0, 1) for kind in ("photo", "painting")}
    assert {path.name for path in (pairs / "any").iterdir()} == names | {"pairs.jsonl"}
    records = [json.loads(line) for line in (pairs / "any" / "pairs.jsonl").read_text().splitlines()]
    assert [each["number"] for each in records] == [0, 1]
    assert all(len(each["photo_sha256"]) == len(each["painting_sha256"]) == 64 for each in records)
    assert {each["painting"] for each in records} <= {"plain.png", "red.png"}
    settings = json.loads((pairs / "settings.json").read_text())
    assert (settings["consent"], settings["statement"]) == ("synthetic", "Nobody of them lives.")
    for name in names:
        assert Image.open(pairs / "any" / name).size == (SIDE, SIDE)
    usual, broad = (_fine(pairs / "any" / f"{number:06d}_painting.png") for number in (0, 1))
    assert broad < 0.5 * usual, STYLES["any"].brushes


def _fine(path: Path) -> float:
    """The share of a picture's energy that is finer than 2.4 pixels."""
    power = np.abs(np.fft.rfft2(np.asarray(Image.open(path).convert("L"), float))) ** 2
    rows, columns = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    return float(power[np.hypot(rows, columns) > 0.42].sum() / power[1:, 1:].sum())


def test_what_was_lost_is_made_again_to_the_byte(heaps: Path, pairs: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(pairs, again)
    (again / "any" / "000001_painting.png").unlink()
    lines = (again / "any" / "pairs.jsonl").read_text()
    (again / "any" / "pairs.jsonl").write_text(lines.splitlines(keepends=True)[0] + '{"number": 1, "pho')
    done = _run(heaps, again)
    assert done.returncode == 0, done.stderr
    assert "1 of 3 pairs are there" in done.stdout
    assert _bytes(again) == _bytes(pairs)


def test_a_stopped_run_leaves_no_process_and_goes_on(heaps: Path, pairs: Path, tmp_path: Path) -> None:
    output = tmp_path / "stopped"
    with subprocess.Popen(_command(heaps, output), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        next(line for line in run.stdout if "1 of" in line)
        children = psutil.Process(run.pid).children(recursive=True)
        run.terminate()
        run.communicate(timeout=120)
    _, left = psutil.wait_procs(children, timeout=10)
    assert children and not left
    assert run.returncode in (0, 143)  # it may have been through already
    assert _run(heaps, output).returncode == 0
    assert _bytes(output) == _bytes(pairs)


def test_photos_held_back_are_never_used(heaps: Path, tmp_path: Path) -> None:
    shutil.copy(PEOPLE[0], heaps / "held" / "same person.png")
    done = _run(heaps, tmp_path / "out", "--held-back", str(heaps / "held"), "--count", "1")
    assert done.returncode == 0, done.stderr
    (record,) = [json.loads(line) for line in (tmp_path / "out" / "any" / "pairs.jsonl").read_text().splitlines()]
    assert record["photo"].startswith("1.")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--side", "80"), "other settings"),
        (("--statement", ""), "Nobody said why"),
        (("--styles", "van_gogh_blue"), "is of the style van_gogh_blue"),
        (("--styles", "cubist"), "--styles must be among"),
        (("--paintings", "nowhere"), "no folder nowhere"),
    ],
)
def test_errors_are_two_lines(heaps: Path, pairs: Path, more: tuple[str, ...], message: str) -> None:
    done = _run(heaps, pairs, *more)
    told = [line for line in done.stderr.splitlines() if not line.startswith("INFO")]
    assert done.returncode in (2, 5) and message in told[0] and len(told) == 2


def test_parts_cover_the_picture_and_need_a_face() -> None:
    seen = scene(_picture(0))
    assert seen.parts.shape == (4, SIDE, SIDE)
    assert np.allclose(seen.parts.sum(axis=0), 1, atol=1e-5) and seen.parts.min() >= -1e-6
    x, y = seen.mesh[1, :2].astype(int)  # the tip of the nose
    assert seen.parts[0, y, x] > 0.9 and seen.parts[3, 2, 2] > 0.5
    with pytest.raises(NoFace):
        scene(np.full((SIDE, SIDE, 3), 128, np.uint8))


def test_colours_come_part_by_part_and_strokes_keep_them() -> None:
    photo, plain = scene(_picture(0)), _picture(1)
    backdrop = scene(plain)
    blue = plain.copy()
    blue[backdrop.parts[3] > 0.5] = (40, 60, 160)
    painting = scene(blue, backdrop.mesh)
    colored = recolor(photo, painting)
    behind, skin = photo.parts[3] > 0.95, photo.parts[0] > 0.95
    lab = to_lab(colored)
    assert lab[behind][:, 2].mean() < -20 < 0 < lab[skin][:, 2].mean()
    painted = paint_over(photo, colored, painting, STYLES["van_gogh_blue"].hand)
    assert painted.shape == colored.shape and painted.dtype == np.uint8
    assert (painted == paint_over(photo, colored, painting, STYLES["van_gogh_blue"].hand)).all()
    assert (painted != paint_over(photo, colored, painting, STYLES["old_masters"].hand)).any()
    away = np.abs(to_lab(painted) - lab)
    assert away[photo.features > 0.9].mean() < away[behind].mean()
    assert np.abs(to_lab(painted)[skin].mean(axis=0) - lab[skin].mean(axis=0)).max() < 6


def test_paintings_are_chosen_for_the_photos() -> None:
    apart = np.array([[0, 1, 9], [0, 1, 9], [8, 9, 1]])
    assert choose_canvases(apart, 1) == [0]
    assert choose_canvases(apart, 2) == [0, 2]
    assert choose_canvases(apart, 5) == [0, 2]
    dark, light = (Look((0.3, 0.2, 0.2, 0.3), ((value, 10.0),) * 4) for value in (20.0, 70.0))
    assert unlikeness(dark, dark) == 0 < unlikeness(dark, light)
    assert np.isfinite(look(scene(_picture(0))).light).all()


def test_styles_are_told_by_artist_and_colour() -> None:
    sky = tones(np.full((64, 64, 3), (90, 120, 190), np.uint8))
    assert sky.blue == 1 and 45 < sky.light < 55
    assert STYLES["van_gogh_blue"].shows("Vincent van Gogh", "died 1890", sky)
    assert not STYLES["van_gogh_bright"].shows("Vincent van Gogh", "died 1890", sky)
    assert not STYLES["van_gogh_blue"].shows("Rembrandt", "died 1669", sky)
    night = Tones(20, 12, 0)
    assert STYLES["old_masters"].shows("Rembrandt", "public domain: artist died 1669", night)
    assert not STYLES["old_masters"].shows("Manet", "public domain: artist died 1883", night)
