"""What is released, as others get it: a wheel and an sdist, installed into an environment of their own.

`make test` borrows the dependencies from this environment; `make release` installs everything anew from the package
index, and starts every Space.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import facezoo

pytest.importorskip("gradio")
pytest.importorskip("hatchling", reason="hatchling is not installed: pip install 'facezoo[dev]'")

REPOSITORY = Path(__file__).parents[1]
SPACES = sorted(path.name for path in (REPOSITORY / "spaces").iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=REPOSITORY, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def borrowing(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, which takes all else from this one."""
    python = new_environment(tmp_path_factory.mktemp("borrowing"))
    pip(python, "--no-deps", "--no-index", str(next(built.glob("*.whl"))))
    (inside,) = python.parents[1].glob("lib/python*/site-packages")
    (inside / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def clean(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment into which the wheel was installed as its users do."""
    python = new_environment(tmp_path_factory.mktemp("clean"))
    wheel = next(built.glob("*.whl"))
    pip(python, "-c", str(REPOSITORY / "constraints.txt"), f"facezoo[hub,public,speech] @ {wheel.as_uri()}")
    return python


def new_environment(folder: Path) -> Path:
    venv.create(folder)
    return folder / "bin" / "python"


def pip(python: Path, *what: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--disable-pip-version-check",
        *what,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr


@contextmanager
def started(command: list[str], folder: Path) -> Iterator[tuple[int, float]]:
    """(port, seconds to the first page) of a hub that a command starts. PORT in it is the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    environment = kept | {"GRADIO_SERVER_PORT": str(port), "FACEZOO_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1"}
    began = time.monotonic()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [each.replace("PORT", str(port)) for each in command], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        while True:
            assert process.poll() is None and time.monotonic() - began < 120, (folder / "log.txt").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as page:
                    assert b"facezoo" in page.read()
                break
            except OSError:
                time.sleep(0.1)
        yield port, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (folder / "log.txt").read_text()


def result(port: int, method: str, picture: Path, folder: Path) -> tuple[Path, float]:
    """The file that the method's endpoint answers with, and the seconds to it: plain HTTP."""
    began = time.monotonic()
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n\r\n'
    form = head + picture.read_bytes() + b"\r\n--x--\r\n"
    (uploaded,) = json.loads(ask(port, "/gradio_api/upload", form, "multipart/form-data; boundary=x"))
    values: dict[str, Any] = {"image": {"path": uploaded, "meta": {"_type": "gradio.FileData"}}, "consent": True}
    if facezoo.load_spec(method).inputs.driving:
        values |= {"yaw": 12} if method == "motion_transfer" else {"template": "nod"}
    call = json.dumps(values).encode()
    event = json.loads(ask(port, f"/gradio_api/call/v2/{method}", call, "application/json"))["event_id"]
    told = ask(port, f"/gradio_api/call/{method}/{event}").decode()
    assert "event: complete" in told, told
    data = json.loads(told.rpartition("data: ")[2])
    path = folder / Path(data[0]["path"]).name
    path.write_bytes(ask(port, f"/gradio_api/file={data[0]['path']}"))
    return path, time.monotonic() - began


def ask(port: int, path: str, body: bytes | None = None, kind: str = "") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET" if body is None else "POST", path, body, {"Content-Type": kind} if kind else {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 200, content
    return content


def check_space(name: str, python: Path, picture: Path, folder: Path) -> tuple[float, float]:
    """Starts a Space as the Hub does, asks for its page and a result. Seconds to either."""
    shutil.copytree(REPOSITORY / "spaces" / name, folder, dirs_exist_ok=True)
    with started([str(python), "app.py"], folder) as (port, page):
        method = "landmark_warp" if name == "hub" else name
        path, first = result(port, method, picture, folder)
        check_health(port, python)
        verified = subprocess.run(
            [python, "-m", "facezoo", "verify", path, "--json"],
            env={**os.environ, "FACEZOO_HOME": str(folder / "home")}, cwd=folder,
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    found = json.loads(verified.stdout)
    assert (found["c2pa"], found["watermark"], found["method"]) == ("trusted", True, method)
    return page, first


def check_health(port: int, python: Path) -> None:
    """As the image does: its HEALTHCHECK."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    _, *words = json.loads(dockerfile.partition("  CMD ")[2].partition("\n")[0])
    assert any("7860" in word for word in words)
    subprocess.run([python, *(word.replace("7860", str(port)) for word in words)], check=True, timeout=30)


@pytest.mark.slow
def test_the_sdist_has_what_it_says(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "CITATION.cff", "Makefile",
                   "constraints.txt", "Dockerfile", "compose.yaml", "docs/public.md", "hub/facezoo/__init__.py",
                   "spaces/hub/app.py", "training/deepfakes.py", "tests/test_release.py"):  # fmt: skip
        assert needed in names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name or name.startswith("runs/")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hub"])
def test_a_space_runs_from_the_wheel(name: str, borrowing: Path, portrait: Path, tmp_path: Path) -> None:
    check_space(name, borrowing, portrait, tmp_path)


@pytest.mark.slow
@pytest.mark.release
def test_the_demo_runs_in_a_clean_environment(clean: Path, portrait: Path, tmp_path: Path) -> None:
    """`pip install facezoo[hub] && facezoo demo`."""
    with started([str(clean.with_name("facezoo")), "demo", "--port", "PORT"], tmp_path) as (port, page):
        _, first = result(port, "cyclegan", portrait, tmp_path)
    print(f"\nfacezoo demo: {page:.1f} s to the page, {first:.1f} s to the first result")


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.parametrize("name", SPACES)
def test_every_space_runs_in_a_clean_environment(name: str, clean: Path, portrait: Path, tmp_path: Path) -> None:
    page, first = check_space(name, clean, portrait, tmp_path)
    print(f"\nSpace {name}: {page:.1f} s to the page, {first:.1f} s to the first result")


@pytest.mark.slow
@pytest.mark.release
def test_the_sdist_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    """Its wheel has the files of the wheel that was built from the repository."""
    import zipfile

    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    first, second = next(built.glob("*.whl")), next((tmp_path / "dist").glob("*.whl"))
    contents = [{each.filename: each.CRC for each in zipfile.ZipFile(wheel).infolist()} for wheel in (first, second)]
    assert contents[0] == contents[1]
