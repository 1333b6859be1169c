"""Pairs as training/persona_frames.py leaves them, without rendering anything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo.face.mesh import topology
from facezoo.motion.controls import Controls, motion_of
from facezoo.motion.drawing import draw
from facezoo.motion.read import pose_mesh

PAIRS = 4


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
