"""The shared hostile corpus down the whole road: a sealed file or a typed error, and nothing left behind."""

from __future__ import annotations

import json
import resource
import shutil
import time
from pathlib import Path

import pytest

import facezoo
from facezoo.errors import BadInput, FacezooError, NoFace

SECONDS = 60.0  # a hang, not a measurement: how long each takes is for a quiet machine to say
MEGABYTES = 1500
ACCEPTED = {"accept", "accept-first-frame"}
REJECTED = {"reject": (BadInput,), "reject-noface": (BadInput, NoFace), "reject-or-noface": (BadInput, NoFace)}


def _verdict(method: str, path: Path, folder: Path) -> tuple[str, str]:
    """("sealed" | name of the error class, detail)."""
    output = folder / "result.png"
    try:
        try:
            sealed = facezoo.run(method, path, consent=True, output=output)
        except facezoo.errors.UsageError:  # a clip: it has to be written as one
            output = folder / "result.mp4"
            sealed = facezoo.run(method, path, consent=True, output=output)
    except FacezooError as error:
        assert not output.exists()
        assert error.message and len(str(error).splitlines()) <= 2
        return type(error).__name__, str(error)
    assert facezoo.verify(sealed.path).c2pa == "trusted"
    output.unlink()
    return "sealed", ""


@pytest.mark.slow
def test_whole_corpus(shared: Path, swap_method: str, empty_temp: Path, tmp_path: Path) -> None:
    """A face need not be found where the corpus only says that the file opens; what it says to refuse is refused."""
    corpus = shared / "hostile"
    if not (corpus / "manifest.json").is_file():
        pytest.skip("no hostile corpus in the shared test data")
    folder = tmp_path / "results"
    folder.mkdir()
    wrong: list[str] = []
    for item in json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))["items"]:
        name = item.get("upload_name") or item["file"]
        started = time.perf_counter()
        verdict, detail = _verdict(swap_method, corpus / item["file"], folder)
        seconds = time.perf_counter() - started
        expected = item["expected"]
        if item["kind"] == "checkpoint":
            expected = "reject"  # a checkpoint is no picture
        fine = {"sealed", "NoFace"} if expected in ACCEPTED else None
        if expected in REJECTED:
            fine = {c.__name__ for kind in REJECTED[expected] for c in (kind, *kind.__subclasses__())}
        if (fine and verdict not in fine) or seconds > SECONDS:
            wrong.append(f"{name!r}: {verdict} in {seconds:.1f} s, expected {expected}: {detail}")
    shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        assert resource.getrusage(who).ru_maxrss / 1024 < MEGABYTES
