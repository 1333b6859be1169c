"""FacePipeline: networks go to a folder or a repository and come back equal, or are refused."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facezoo.errors import UsageError, WeightsUnavailable
from facezoo.method.pipeline import FacePipeline, fingerprint
from facezoo.types import Face, Image, MethodSpec
from facezoo.zoo.record import Data, Record, Training, record_text

SPEC = MethodSpec(
    "toy",
    "Toy",
    2020,
    "",
    "A toy.",
    "translation",
    ("swap",),
    "Apache-2.0",
    "toy:Toy",
    object,
    "Toys only.",
    "Nothing.",
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RECORD = Record(
    "toy",
    "MIT",
    (Data("Portraits", "MIT", "synthetic", "None of these people ever existed."),),
    Training("training/toy.py", "cpu", 1, 0.1, "a computer", 30.0),
)

TOY = """
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
import torch

class Generator(ModelMixin, ConfigMixin):
    @register_to_config
    def __init__(self, width: int = 4):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, width, 3)
"""


class Untrained(FacePipeline):
    """A method without networks."""

    spec = SPEC

    def __call__(
        self, targets: Iterator[Face], *, identity: Face | None, params: Any, seed: int = 0
    ) -> Iterator[Image]:
        for face in targets:
            yield face.crop


@pytest.fixture(scope="module")
def learned() -> type[FacePipeline]:
    """A method with one tiny network."""
    namespace: dict[str, Any] = {"__name__": "toy"}
    exec(TOY, namespace)

    class Learned(Untrained):
        components = {"generator": namespace["Generator"]}  # noqa: RUF012

    return Learned


def make(learned: type[FacePipeline], width: int = 6) -> FacePipeline:
    return learned({"generator": learned.components["generator"](width=width)})


def test_a_method_without_networks_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_pipeline import Untrained\n"
        "from pathlib import Path\n"
        "folder = Untrained().to('cpu').save_pretrained(sys.argv[2])\n"
        "Untrained.from_pretrained(folder)\n"
        "assert sorted(p.name for p in Path(sys.argv[2]).iterdir()) == ['config.json']\n"
        "assert not {'torch', 'diffusers'} & set(sys.modules)"
    )
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", code, here, str(tmp_path / "saved")], check=True, timeout=60)


def test_networks_must_be_those_named() -> None:
    with pytest.raises(UsageError, match="generator"):
        Untrained({"generator": object()})


@pytest.mark.parametrize("repo", ["no-owner", "../../etc/passwd", "a/b/c", "owner/", "https://example.org/x"])
def test_no_repository(repo: str) -> None:
    with pytest.raises(WeightsUnavailable):
        Untrained.from_pretrained(repo, revision=COMMIT)
    with pytest.raises(UsageError):
        Untrained().push_to_hub(repo, record=RECORD, card="# Toy")


@pytest.mark.parametrize("revision", ["", "main", "v1.0", COMMIT[:12], COMMIT.upper()])
def test_a_repository_needs_a_commit(revision: str) -> None:
    with pytest.raises(UsageError, match="40 hex"):
        Untrained.from_pretrained("owner/name", revision=revision)


def test_another_methods_weights_are_refused(tmp_path: Path) -> None:
    Untrained().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["method"] == "toy"
    for change in ({"method": "other"}, {"components": ["generator"]}):
        (tmp_path / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(WeightsUnavailable):
            Untrained.from_pretrained(tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(WeightsUnavailable):
            Untrained.from_pretrained(tmp_path)


def test_fingerprint_is_what_sha256sum_says(tmp_path: Path) -> None:
    lines = ""
    for name in ("a/x.safetensors", "b/x.safetensors"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(name.encode())
        lines += f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n"
    (tmp_path / "config.json").write_text("{}")
    assert fingerprint(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.slow
def test_round_trip(learned: type[FacePipeline], tmp_path: Path) -> None:
    import torch

    saved = make(learned)
    folder = saved.save_pretrained(tmp_path / "saved")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["config.json", "generator/config.json", "generator/diffusion_pytorch_model.safetensors"]
    loaded = learned.from_pretrained(folder, sha256=fingerprint(folder)).to("cpu")
    assert loaded.networks["generator"].config.width == 6
    assert not loaded.networks["generator"].training
    for name, tensor in saved.networks["generator"].state_dict().items():
        assert torch.equal(loaded.networks["generator"].state_dict()[name], tensor)
    with pytest.raises(WeightsUnavailable, match="sha256"):
        learned.from_pretrained(folder, sha256="0" * 64)


@pytest.mark.slow
def test_pickles_and_damage_are_refused(learned: type[FacePipeline], tmp_path: Path) -> None:
    import torch

    pipeline = make(learned)
    folder = pipeline.save_pretrained(tmp_path)
    weights = folder / "generator" / "diffusion_pytorch_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-40])
    with pytest.raises(WeightsUnavailable):
        learned.from_pretrained(folder)
    weights.unlink()
    torch.save(pipeline.networks["generator"].state_dict(), weights.with_suffix(".bin"))
    with pytest.raises(WeightsUnavailable):
        learned.from_pretrained(folder)


@pytest.mark.slow
def test_push(learned: type[FacePipeline], monkeypatch: pytest.MonkeyPatch, empty_temp: Path) -> None:
    """What is uploaded: JSON, safetensors, record and card, from a folder that is gone afterwards."""
    from facezoo.zoo import push as pushing

    sent: dict[str, Any] = {}

    def push(files: dict[str, Path | bytes], repo: str, **options: Any) -> pushing.Pushed:
        sent.update(files=set(files), repo=repo, card=files["README.md"], **options)
        assert all(content.is_file() for content in files.values() if isinstance(content, Path))
        return pushing.Pushed(repo, "model", "", COMMIT, options["tag"], ())

    monkeypatch.setattr(pushing, "push", push)
    assert make(learned).push_to_hub("owner/name", record=RECORD, card="# Toy").commit == COMMIT
    weights = {"generator/config.json", "generator/diffusion_pytorch_model.safetensors"}
    assert sent["files"] == {"config.json", "metrics.json", "README.md", *weights}
    assert (sent["repo"], sent["card"]) == ("owner/name", b"# Toy")
    assert sent["tag"].startswith("weights-")


class Hub:
    """A model Hub of one repository on this machine: enough of its protocol for a snapshot at a commit."""

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                if "/owner/name" in self.path:  # huggingface_hub also asks, once a day, for a list of its own
                    hub.requests.append(self.path)
                prefix = f"/owner/name/resolve/{COMMIT}/"
                files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
                if self.path.startswith("/api/models/owner/name/tree/"):
                    tree = [
                        {"type": "file", "path": n, "size": p.stat().st_size, "oid": COMMIT} for n, p in files.items()
                    ]
                    self.answer(json.dumps(tree).encode())
                elif self.path.startswith("/api/models/owner/name"):
                    siblings = [{"rfilename": name} for name in files]
                    self.answer(json.dumps({"id": "owner/name", "sha": COMMIT, "siblings": siblings}).encode())
                elif self.path.removeprefix(prefix) in files:
                    self.answer(files[self.path.removeprefix(prefix)].read_bytes())
                else:
                    self.send_error(404)

            def answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_from_a_repository_once_and_then_offline(tmp_path: Path) -> None:
    """JSON and safetensors are fetched, nothing else; the second time costs no request; offline works then. Without a
    record of licence and consent they are not loaded."""
    published = Untrained().save_pretrained(tmp_path / "published")
    (published / "weights.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (published / "evil.py").write_text("raise SystemExit(9)")
    (published / "evil.bin").write_bytes(b"pickle")
    (published / "metrics.json").write_text(record_text(RECORD))
    hub = Hub(published)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_pipeline import Untrained, COMMIT\n"
        "from facezoo.errors import FacezooError\n"
        "try:\n    Untrained.from_pretrained('owner/name', revision=COMMIT, sha256=sys.argv[2])\n"
        "except FacezooError as error:\n    print(type(error).__name__)\n"
        "else:\n    print('loaded')"
    )

    def pull(sha256: str = "", home: str = "home", **environment: str) -> str:
        command = [sys.executable, "-c", code, str(Path(__file__).parent), sha256]
        variables = os.environ | {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / home),
            "HF_HUB_DISABLE_XET": "1",
        }
        done = subprocess.run(
            command, env=variables | environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    try:
        assert pull(home="elsewhere", HF_HUB_OFFLINE="1") == "WeightsUnavailable"
        assert hub.requests == []
        assert pull(fingerprint(published)) == "loaded"
        fetched = {path.name for path in (tmp_path / "home").rglob("snapshots/*/*")}
        assert fetched == {"config.json", "metrics.json", "weights.safetensors"}
        hub.requests.clear()
        assert pull() == "loaded"
        assert hub.requests == []
        assert pull("0" * 64) == "WeightsUnavailable"
        (published / "metrics.json").unlink()
        assert pull(home="without a record") == "WeightsUnavailable"
    finally:
        hub.server.shutdown()
    assert pull(HF_HUB_OFFLINE="1") == "loaded"
