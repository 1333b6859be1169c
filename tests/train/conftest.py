"""Pairs as training/persona_frames.py leaves them, without rendering anything."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from trainers import PAIRS

from facezoo.face.mesh import topology
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import draw
from facezoo.motion.read import pose_mesh
from facezoo.zoo.embedded import personas

SCRIPTS = Path(__file__).parents[2] / "training"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Loads training/<name>.py into this process; its main may be called as often as one likes."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    from accelerate.state import AcceleratorState

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"training_{name}", SCRIPTS / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    threads = torch.get_num_threads()
    AcceleratorState._reset_state(reset_partial_state=True)
    yield load
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def drawn_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs of two people, "a" and "b", drawn as if they were painted."""
    folder = tmp_path_factory.mktemp("drawn_pairs")
    for person in ("a", "b"):
        for part in ("train", "held_back"):
            (folder / person / part / "frames").mkdir(parents=True)
            records, meshes, controls = [], [], []
            for number in range(PAIRS):
                asked = Controls(mouth=number / PAIRS)
                mesh = pose_mesh(topology().canonical, motion_of(asked, np.eye(3, dtype=np.float32)), 128)
                for letter in "ab":
                    name = f"{number:06d}_{letter}"
                    picture = 255 - draw(mesh, np.zeros(2, np.float32), 128).picture
                    Image.fromarray(picture).save(folder / person / part / "frames" / f"{name}.jpg")
                    records.append({"name": name, "gaze": [0.1, 0]})
                    meshes.append(mesh)
                    controls.append([0, 0, 0, 0, asked.mouth, *[0] * 6])
            lines = "".join(json.dumps(each) + "\n" for each in records)
            (folder / person / part / "frames.jsonl").write_text(lines)
            np.savez(folder / person / part / "frames.npz", mesh=np.stack(meshes), controls=np.float32(controls))
    return folder


@pytest.fixture(scope="session")
def heaps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of coloured noise, five pictures each."""
    folder = tmp_path_factory.mktemp("heaps")
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (folder / name).mkdir()
        for number in range(5):
            Image.fromarray(random.integers(0, 255, (72, 64, 3), dtype=np.uint8)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of two people, coloured noise, in the files that persona_frames writes."""
    folder = tmp_path_factory.mktemp("pairs")
    random = np.random.default_rng(0)
    for person in ("a", "b"):
        for part in ("train", "held_back"):
            for kind in ("frames", "masks", "parts"):
                (folder / person / part / kind).mkdir(parents=True)
            for number in range(3):
                for letter in "ab":
                    name = f"{number:06d}_{letter}"
                    picture = random.integers(0, 255, (128, 128, 3), dtype=np.uint8)
                    labels = np.zeros((128, 128), np.uint8)
                    labels[40:110, 30:100] = 2
                    labels[90:100, 55:75] = 6
                    Image.fromarray(picture).save(folder / person / part / "frames" / f"{name}.jpg")
                    Image.fromarray(labels).save(folder / person / part / "masks" / f"{name}.png")
                    np.savez(folder / person / part / "parts" / f"{name}.npz", pose=np.zeros(3))
    return folder


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of 64 px of each of three synthetic people, one of them held back, as they are kept."""
    from facezoo.train.talking_head import save_video, video_of

    folder = tmp_path_factory.mktemp("heads")
    for persona, part in zip(personas(), ("train", "train", "held_back"), strict=False):
        save_video(folder / part / f"{persona.id}.npz", video_of(persona.portrait, 6, 64, 1))
    return folder
