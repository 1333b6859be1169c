"""The shared hostile corpus down the whole road: a sealed file or a typed error, and nothing left behind.

The corpus goes through a process of its own (this file as a program), so that its memory can be told from the suite's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

import facezoo
from facezoo.errors import BadInput, FacezooError, NoFace, UsageError

SECONDS = 60.0  # a hang, not a measurement: how long each takes is for a quiet machine to say
MEGABYTES = 1500
ACCEPTED = {"accept", "accept-first-frame"}
REJECTED = {"reject": (BadInput,), "reject-noface": (BadInput, NoFace), "reject-or-noface": (BadInput, NoFace)}


@pytest.mark.slow
def test_whole_corpus(shared: Path, swap_method: str, empty_temp: Path, tmp_path: Path) -> None:
    """A face need not be found where the corpus only says that the file opens; what it says to refuse is refused."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("memory is read from /proc, which this system lacks")
    corpus = shared / "hostile"
    if not (corpus / "manifest.json").is_file():
        pytest.skip("no hostile corpus in the shared test data")
    folder = tmp_path / "results"
    folder.mkdir()
    command = [sys.executable, __file__, str(corpus), swap_method, str(folder)]
    environment = os.environ | {"TMPDIR": str(empty_temp)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert len(found["files"]) > 100
    wrong = [each for each in found["files"] if not _fine(each) or each["seconds"] > SECONDS]
    assert wrong == []
    assert found["megabytes"] < MEGABYTES
    assert list(folder.iterdir()) == [], "a file was left behind"


def _fine(each: dict[str, Any]) -> bool:
    expected = "reject" if each["kind"] == "checkpoint" else each["expected"]  # a checkpoint is no picture
    if expected in ACCEPTED:
        return each["verdict"] in {"sealed", "NoFace"}
    if expected in REJECTED:
        return each["verdict"] in {c.__name__ for kind in REJECTED[expected] for c in (kind, *kind.__subclasses__())}
    return True  # either will do, as long as it is a sealed file or a typed error


def _send(method: str, path: Path, folder: Path) -> str:
    """ "sealed", or the name of the error's class; any other exception ends the program."""
    for output in (folder / "result.png", folder / "result.mp4"):
        try:
            sealed = facezoo.run(method, path, consent=True, output=output)
        except UsageError:  # a clip cannot become a photo: once more, as a clip
            continue
        except FacezooError as error:
            assert error.message and len(str(error).splitlines()) <= 2, str(error)
            return type(error).__name__
        assert facezoo.verify(sealed.path).c2pa == "trusted"
        sealed.path.unlink()
        return "sealed"
    return "UsageError"


def main(corpus: Path, method: str, folder: Path) -> None:
    """Send every file of the corpus, and print the verdicts, seconds and the peak of resident memory as JSON."""
    files: list[dict[str, Any]] = []
    for item in json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))["items"]:
        started = time.perf_counter()
        verdict = _send(method, corpus / item["file"], folder)
        seconds = round(time.perf_counter() - started, 2)
        files.append(
            {key: item[key] for key in ("file", "kind", "expected")} | {"verdict": verdict, "seconds": seconds}
        )
    print(json.dumps({"files": files, "megabytes": _peak_megabytes()}))


def _peak_megabytes() -> int:
    """Peak resident memory of this process and of the decoders it has, together. Not getrusage: that remembers the
    process which started this one."""
    ours = psutil.Process()
    peaks = [
        int(line.split()[1])
        for process in [ours, *ours.children(recursive=True)]
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
        if line.startswith("VmHWM:")
    ]
    return sum(peaks) // 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
