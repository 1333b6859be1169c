"""A tiny method, `toy`, outside the package, and processes in which facezoo has it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hub_server import HubServer
from safetensors.numpy import save

from facezoo.zoo.manifest import WEIGHTS as SHIPPED
from facezoo.zoo.manifest import describe, fingerprint, make_manifest, manifest_text, tag_of
from facezoo.zoo.record import Data, Interval, Record, Score, Training, record_text

REPO = "teacher/facezoo-toy"
WEIGHTS = "generator/diffusion_pytorch_model.safetensors"
RECORD = Record(
    method="toy",
    licence="MIT",
    data=(Data("Synthetic portraits", "MIT", "synthetic", "None of these people ever existed.", count=3),),
    training=Training("training/toy.py", "cpu", 10, 0.5, "2 processor cores", 30.0),
    scores=(
        Score("l1", "mean absolute difference, grey levels", "toy pairs", 60, "lower", Interval(4.0, 3.5, 4.5),
              {"copy the input": Interval(9.0, 8.0, 10.0)}),
    ),
    notes=("It was made for tests.",),
    previews={"previews/one.png": "Before and after"},
)  # fmt: skip

_SPEC = """
from dataclasses import dataclass
from typing import Annotated
from facezoo.types import Inputs, MethodSpec, Range, Weights

@dataclass(frozen=True)
class Params:
    strength: Annotated[float, Range(0, 1)] = 1.0

SPEC = MethodSpec(
    id="toy", title="Toy", year=2020, paper="https://example.org/toy", summary="It tints a face.", family="translation",
    tasks=("swap",), licence="Apache-2.0", pipeline=".pipeline:ToyPipeline", params=Params, limits="It only tints.",
    trained_on="Nothing real.", inputs=Inputs(crop_size=64), weights={weights},
)
"""
_MODEL = """
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin

class Generator(ModelMixin, ConfigMixin):
    @register_to_config
    def __init__(self, width: int = 3):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, width, 1)

    def forward(self, x):
        return self.layer(x)
"""
_PIPELINE = """
import torch
from facezoo.method.pipeline import FacePipeline
from . import SPEC
from .model import Generator

class ToyPipeline(FacePipeline):
    spec = SPEC
    components = {"generator": Generator}

    @torch.inference_mode()
    def __call__(self, targets, *, identity=None, params, seed=0):
        for face in targets:
            x = torch.from_numpy(face.crop.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
            y = self.networks["generator"](x)
            yield ((y[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
"""
PRELUDE = """
import json, sys, time
from pathlib import Path
root = Path({root!r})
import facezoo.methods, facezoo.zoo.manifest, facezoo.zoo.pull
facezoo.methods.__path__.append(str(root / "methods"))
facezoo.zoo.manifest.WEIGHTS = facezoo.zoo.pull.WEIGHTS = root / "weights"
from facezoo.errors import FacezooError
"""
LOCATE = """
from facezoo.registry import load_spec
began = time.monotonic()
try:
    found = facezoo.zoo.pull.locate("toy", load_spec("toy").weights)
    told = {"source": found.source, "folder": str(found.folder), "sha256": found.weights.sha256}
except FacezooError as error:
    told = {"error": type(error).__name__, "message": error.message, "advice": error.advice}
print(json.dumps(told | {"seconds": time.monotonic() - began}))
"""


@dataclass(frozen=True)
class Done:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Toy:
    """Its folders: methods/toy, weights/toy (what facezoo knows and ships), trained (what a script would make)."""

    def __init__(self, hub: HubServer, root: Path) -> None:
        self.hub = hub
        self.root = root
        self.home = root / "home"
        self.trained = root / "trained"
        self.embedded = root / "weights" / "toy"
        self.embedded.parent.mkdir(parents=True, exist_ok=True)
        for shipped in SHIPPED.iterdir() if SHIPPED.is_dir() else ():
            (self.embedded.parent / shipped.name).symlink_to(shipped, target_is_directory=True)
        method = root / "methods" / "toy"
        method.mkdir(parents=True)
        (method / "model.py").write_text(_MODEL)
        (method / "pipeline.py").write_text(_PIPELINE)
        self.train()
        self.describe("Weights()")

    def train(self, padding: int = 0, seed: int = 0) -> None:
        """Make the weights of a 1 x 1 convolution, and as many more bytes that nobody reads."""
        random = np.random.default_rng(seed)
        tensors = {
            "layer.weight": random.uniform(0, 0.5, (3, 3, 1, 1)).astype(np.float32),
            "layer.bias": np.zeros(3, np.float32),
        }
        if padding:
            tensors["padding"] = random.integers(0, 255, padding).astype(np.uint8)
        (self.trained / "generator").mkdir(parents=True, exist_ok=True)
        (self.trained / "previews").mkdir(exist_ok=True)
        (self.trained / WEIGHTS).write_bytes(save(tensors))
        network = {"_class_name": "Generator", "_diffusers_version": "0.42.1", "width": 3}
        (self.trained / "generator" / "config.json").write_text(json.dumps(network))
        config = {"method": "toy", "facezoo": "0.1.0", "components": ["generator"]}
        (self.trained / "config.json").write_text(json.dumps(config))
        (self.trained / "metrics.json").write_text(record_text(RECORD))
        (self.trained / "previews" / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    def files(self) -> dict[str, bytes]:
        """Path -> bytes of what is pushed of the trained weights."""
        return {each.path: (self.trained / each.path).read_bytes() for each in make_manifest(self.trained).files}

    def describe(self, weights: str) -> None:
        (self.root / "methods" / "toy" / "__init__.py").write_text(_SPEC.replace("{weights}", weights))

    def pin(self, commit: str = "", *, embed: bool = False) -> None:
        """What a developer does after a push: manifest and record into facezoo, the commit into SPEC."""
        weights = replace(describe(self.trained), repo=REPO if commit else "", revision=commit)
        self.embedded.mkdir(parents=True, exist_ok=True)
        manifest = make_manifest(self.trained)
        (self.embedded / "manifest.json").write_text(manifest_text(manifest))
        (self.embedded / "metrics.json").write_text(record_text(RECORD))
        if embed:
            for name, content in self.files().items():
                (self.embedded / name).parent.mkdir(exist_ok=True)
                (self.embedded / name).write_bytes(content)
        self.describe(repr(weights))

    def publish(self) -> str:
        """Straight into the Hub's memory, and pinned."""
        commit = self.hub.publish(REPO, self.files())
        self.hub.repository(REPO).tags[tag_of(fingerprint(self.trained))] = commit  # as a push does
        self.pin(commit)
        return commit

    def run(
        self, code: str, *, home: Path | None = None, python: Path = Path(sys.executable), **environment: str
    ) -> Done:
        """Python in a process of its own that has the toy."""
        variables = self.hub.environment(home or self.home, **environment)
        command = [python, "-c", PRELUDE.replace("{root!r}", repr(str(self.root))) + code]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=180)
        return Done(done.returncode, done.stdout, done.stderr)

    def locate(self, **environment: str) -> dict[str, Any]:
        """What `locate` gives or raises, as a dictionary."""
        done = self.run(LOCATE, **environment)
        assert done.code == 0, done.err
        return done.json

    def facezoo(self, *words: object, **environment: str) -> Done:
        """The command line."""
        code = f"from facezoo.cli import main\nmain({[str(word) for word in words]!r})"
        return self.run(code, **environment)

    def cache(self) -> dict[str, int]:
        """What is in the Hub cache, locks and marks left out: path below it -> bytes."""
        hub = self.home / "hub"
        return {
            path.relative_to(hub).as_posix(): path.stat().st_size
            for path in sorted(hub.rglob("*"))
            if path.is_file() and ".locks" not in path.parts and path.name != "CACHEDIR.TAG"
        }

    def loadable(self) -> dict[str, str]:
        """Snapshot path -> sha256: all that anything could load."""
        hub = self.home / "hub"
        return {
            path.relative_to(hub).as_posix().split("/", 3)[3]: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(hub.rglob("*"))
            if path.is_file() and "snapshots" in path.parts
        }
