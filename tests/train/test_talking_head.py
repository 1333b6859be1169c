"""training/talking_head.py on three synthetic people, a few steps of it, with small networks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from trainers import WHOSE, run, weights

from facezoo.errors import ConsentRequired, NoFace, UsageError
from facezoo.face.find import find_faces
from facezoo.media.read import read_photo
from facezoo.media.write import write_clip
from facezoo.motion.photo import MovablePhoto
from facezoo.types import Frame
from facezoo.zoo.embedded import personas

pytest.importorskip("accelerate")

from facezoo.methods.talking_head.pipeline import TalkingHead
from facezoo.train.talking_head import NETWORKS, gather_videos, load_video, video_of

Load = Callable[[str], ModuleType]

SMALL = {"embedder": {"in_height": 64, "inside": 64, "channels": 2},
         "generator": {"side": 64, "embedding": 16, "narrow": 4, "wide": 4}}  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "bilayer", SMALL)


def test_run_leaves_weights_and_goes_on_to_the_same(heads: Path, tmp_path: Path, script: Load) -> None:
    training = script("talking_head")
    told = ("--data", heads, *WHOSE, "--batch", "2", "--photos", "3", "--every", "2", "--adversarial", "0.5")
    run(training, *told, "--output", tmp_path / "once", "--steps", "4")
    pipeline = TalkingHead.from_pretrained(tmp_path / "once" / "final")
    assert pipeline.side == 64
    assert (tmp_path / "once" / "step_000002.png").is_file()
    again = tmp_path / "again"
    run(training, *told, "--output", again, "--steps", "4", "--init-from", tmp_path / "once" / "final")
    assert weights(again / "final") != weights(tmp_path / "once" / "final")
    run(training, *told, "--output", tmp_path / "twice", "--steps", "4")
    (again_from,) = (tmp_path / "twice" / "checkpoints").glob("00000002")
    run(training, *told, "--output", tmp_path / "twice", "--steps", "4", "--resume", again_from)
    assert weights(tmp_path / "twice" / "final") == weights(tmp_path / "once" / "final")


@pytest.mark.release
def test_two_processes_learn_together(heads: Path, tmp_path: Path) -> None:
    """Each takes its part of every step; one of them writes the weights."""
    script = Path(__file__).parents[2] / "training" / "talking_head.py"
    small = tmp_path / "small.py"
    small.write_text(
        "import runpy, sys\n"
        "from facezoo.train.talking_head import NETWORKS\n"
        f"NETWORKS['bilayer'] = {SMALL!r}\n"
        f"sys.path.insert(0, {str(script.parent)!r})\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", small, "--data",
               heads, *WHOSE, "--batch", "2", "--photos", "3", "--adversarial", "0.5", "--steps", "3", "--threads", "1",
               "--output", tmp_path / "run"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "run" / "losses.csv").read_text().splitlines()) == 4
    assert TalkingHead.from_pretrained(tmp_path / "run" / "final").side == 64


def test_faces_need_a_word_on_whose_they_are(heads: Path, tmp_path: Path, script: Load) -> None:
    with pytest.raises(ConsentRequired):
        run(script("talking_head"), "--data", heads, "--output", tmp_path / "run", "--steps", "1")


def test_real_videos_are_read(tmp_path: Path) -> None:
    face = find_faces(read_photo(personas()[0].portrait))[0]
    puppet = MovablePhoto(face)
    frames = [Frame(puppet.photo, number / 25) for number in range(13)]
    path = tmp_path / "id1" / "video1" / "clip.mp4"
    path.parent.mkdir(parents=True)
    write_clip(path, iter(frames), rate=Fraction(25))
    video = video_of(path, 3, 64)
    assert video.pictures.shape == (3, 64, 64, 3)
    assert np.ptp(video.points, axis=0).max() < 1.5


def test_what_is_no_face_is_said(landscape: Path, tmp_path: Path) -> None:
    with pytest.raises(NoFace):
        video_of(landscape, 3, 64)
    with pytest.raises(UsageError, match="no video"):
        gather_videos(tmp_path, "train", (), 3, 64)


def test_videos_are_kept(heads: Path) -> None:
    path = next((heads / "train").iterdir())
    video = load_video(path)
    assert video.pictures.shape == (6, 64, 64, 3)
    assert video.points.shape == (6, 70, 2)
