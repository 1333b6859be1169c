"""A hub that shows weights of one's own."""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import facezoo
from facezoo.zoo.manifest import fingerprint
from facezoo.zoo.record import read_record, record_text

from .conftest import Serve

pytestmark = pytest.mark.slow


def test_the_hub_takes_a_finished_folder(serve: Serve, portrait: Path, tmp_path: Path) -> None:
    """Its people can be chosen, nothing made with the shipped weights is shown as theirs, other methods are as ever."""
    torch = pytest.importorskip("torch")
    from gradio_client import Client, handle_file

    from facezoo.methods.deepfakes.model import Autoencoder
    from facezoo.methods.deepfakes.pipeline import DeepFakes

    torch.manual_seed(0)
    network = Autoencoder(people=("ann", "ben"), anyone=())
    folder = DeepFakes({"autoencoder": network.eval()}).save_pretrained(tmp_path / "final")
    shipped = Path(facezoo.__file__).parent / "zoo" / "weights" / "deepfakes"
    (folder / "metrics.json").write_text(record_text(replace(read_record(shipped, "deepfakes"), previews={})))
    command = ["-m", "facezoo.ui", "--port", "PORT", "--methods", "deepfakes,landmark_warp", "--weights", str(folder)]
    (tmp_path / "hub").mkdir()
    with serve(command, tmp_path / "hub") as server:
        page = urllib.request.urlopen(server.url, timeout=30).read().decode()
        client = Client(server.url, download_files=str(tmp_path / "downloads"), verbose=False)
        image: Any = handle_file(str(portrait))
        _, record = client.predict(image=image, persona="ann", api_name="/deepfakes")
        _, other = client.predict(image=image, persona="imani", api_name="/landmark_warp")
    assert record["weights"]["sha256"] == fingerprint(folder) and record["persona"] == "ann"
    assert other["persona"] == "imani"
    assert 'value=\\"ann\\"' in page and "These weights are not facezoo" in page
